git-dstack hook git commit-msg "$1" </dev/null || exit 1
