git-dstack hook git post-commit </dev/null || true
