git-dstack hook git pre-push "$1" "$2" </dev/null || true
