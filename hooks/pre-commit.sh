git-dstack hook git pre-commit </dev/null || exit 1
