// What hosts refuse, as hooks and settings of a bare repository: emulated profiles of real policies.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Profile {
  /** Shell scripts by hook name. `$old $new $ref` are set for `update`. */
  hooks?: Record<string, string>
  config?: Record<string, string>
}

const REFUSE = (message: string) => `echo "${message}" >&2; exit 1`

/** For pre-receive: runs `each` with $old, $new and $ref for each pushed ref. */
const EACH_REF = (each: string) => `while read old new ref; do\n${each}\ndone`

/** Commits that a push brings, for pre-receive: nothing when the ref is deleted. */
const NEW_COMMITS = `case "$new" in *[!0]*) range="$new --not --all";; *) continue;; esac`

const POLICIES = {
  /** A repository that is archived or frozen. */
  'denies-all': { hooks: { 'pre-receive': REFUSE('This repository is frozen.') } },
  /** Refuses each of our refs by itself; other refs of the same push go through. */
  'denies-our-refs': {
    hooks: {
      update: `case "$1" in refs/dstack/*|refs/notes/dstack/*) ${REFUSE('refs outside the team policy')};; esac`,
    },
  },
  /** Internal namespaces: hidden from readers, refused on push ("deny updating a hidden ref"). */
  'hides-our-refs': { config: { 'receive.hideRefs': 'refs/dstack', 'uploadpack.hideRefs': 'refs/dstack' } },
  /** Branches and tags only; one other ref refuses the whole push. */
  'heads-and-tags': {
    hooks: {
      'pre-receive': EACH_REF(
        `case "$ref" in refs/heads/*|refs/tags/*) ;; *) ${REFUSE('only branches and tags are allowed: $ref')};; esac`,
      ),
    },
  },
  /** Who pushes must be the committer of every new commit. Works for local transports, where the server sees the pusher. */
  'committer-is-pusher': {
    hooks: {
      'pre-receive': `pusher=$(git config --global user.email)
${EACH_REF(`${NEW_COMMITS}
for email in $(git log --format=%ce $range); do
  [ "$email" = "$pusher" ] || { ${REFUSE('committer $email is not you')}; }
done`)}`,
    },
  },
  /** Every commit is by somebody of the company. */
  'known-authors': {
    hooks: {
      'pre-receive': EACH_REF(`${NEW_COMMITS}
for email in $(git log --format='%ae %ce' $range); do
  case "$email" in *@example.com) ;; *) ${REFUSE('unknown identity $email')};; esac
done`),
    },
  },
  /** Every commit message names a ticket. */
  'ticket-in-message': {
    hooks: {
      'pre-receive': EACH_REF(`${NEW_COMMITS}
for commit in $(git rev-list $range); do
  git log -1 --format=%B "$commit" | grep -q 'PROJ-[0-9]' || { ${REFUSE('$commit: the message names no ticket (PROJ-123)')}; }
done`),
    },
  },
  /** History is never rewritten, every object is checked. */
  strict: {
    config: {
      'receive.denyNonFastForwards': 'true',
      'receive.denyDeletes': 'true',
      'receive.fsckObjects': 'true',
      'transfer.fsckObjects': 'true',
    },
  },
  /** The host's disk is full for this project. */
  quota: {
    hooks: { 'pre-receive': REFUSE('Your push has been rejected: the repository is over its size quota (1.0 GiB).') },
  },
} satisfies Record<string, Profile>

export type Policy = keyof typeof POLICIES

export const POLICY_NAMES = Object.keys(POLICIES) as Policy[]

/** Installs a policy in a bare repository. */
export function applyPolicy(bare: string, policy: Policy): void {
  const { hooks = {}, config = {} }: Profile = POLICIES[policy]
  mkdirSync(join(bare, 'hooks'), { recursive: true })
  for (const [name, script] of Object.entries(hooks)) {
    writeFileSync(join(bare, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  for (const [name, value] of Object.entries(config)) {
    execFileSync('git', ['--git-dir', bare, 'config', '--add', name, value], { stdio: 'ignore' })
  }
}

/** Takes the hooks away again: what was frozen is open. */
export function liftPolicy(bare: string): void {
  rmSync(join(bare, 'hooks'), { recursive: true, force: true })
}
