git-dstack hook git post-rewrite "$1" || true
