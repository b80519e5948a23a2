#!/bin/sh
# hooks/pre-receive of a bare repository: refuses branches with commits that nobody's gate has passed.
# The verdicts may come in the same push: git push origin main refs/notes/dstack/gate
set -u
updates=$(cat)
zero='^0*$'

# Verdicts that this very push brings are no ref yet.
notes=$(printf '%s\n' "$updates" | while read -r _ new ref; do
  [ "$ref" = refs/notes/dstack/gate ] && ! printf '%s' "$new" | grep -q "$zero" && printf '%s' "$new"
done)

printf '%s\n' "$updates" | {
  status=0
  while read -r _ new ref; do
    case $ref in refs/heads/*) ;; *) continue ;; esac
    printf '%s' "$new" | grep -q "$zero" && continue
    # What no branch of this repository holds yet.
    known=$(git for-each-ref --format='^%(objectname)' refs/heads)
    # shellcheck disable=SC2086 # one word for each commit
    git dstack evidence check ${notes:+--notes "$notes"} "$new" $known >&2 || status=1
  done
  exit "$status"
}
