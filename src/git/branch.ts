// Moves of the user's branch: objects first, then the working tree, and the branch last, from what was read.

import { join, relative } from 'node:path'
import type { Env, Finished } from '../env/env'
import { type Code, DstackError, type Refusal } from '../errors'
import { fsyncSetting, isDurable, shieldObjects, syncObjectFolders } from './durable'
import { git, gitFailure } from './exec'
import { foreignFilterNames, signing } from './foreign'
import type { Repo } from './git'
import { decodeCommit, type Oid } from './objects'
import { checkRef, clearOrphanedLock } from './refs'
import type { Spot, Workplace } from './work'

const BACKUPS = 'refs/dstack-local/backup/'

export function mark(at: Workplace, message: string, { branch, expect }: Spot): Oid | null {
  const marker = commit(at, `${expect}^{tree}`, expect, message)
  return moveBranch(at, branch, marker, expect, firstLine(message)) ? marker : null
}

export function backup({ repo }: Workplace, ref: string, oid: Oid): void {
  if (!checkRef(ref).startsWith(BACKUPS)) throw new DstackError('USAGE', `"${ref}" is no name of a backup.`)
  if (repo.move(ref, oid, null, 'dstack: backup') || repo.tip(ref) === oid) return
  throw new DstackError('REFUSED', `${ref} holds another commit already.`, { hint: 'Try again in a second.' })
}

export function reset(at: Workplace, to: Oid, expect: Oid): Refusal | null {
  const { branch, refusal } = cleanBranch(at, expect)
  if (refusal !== null) return refusal
  return to === expect ? null : switchBranch(at, { branch, expect }, to, `reset to ${to}`)
}

export function revert(
  at: Workplace,
  oids: readonly Oid[],
  message: string,
  { branch, expect }: Spot,
): Oid | { conflict: string[] } | Refusal {
  const { branch: here, refusal } = cleanBranch(at, expect)
  if (refusal !== null) return refusal
  if (here !== branch) return no('REFUSED', `HEAD is on ${here}, not on ${branch}.`, `Run \`git switch ${branch}\`.`)
  const tree = undone(at, oids, expect)
  if (typeof tree !== 'string') return tree
  const undoing = commit(at, tree, expect, message)
  return switchBranch(at, { branch, expect }, undoing, firstLine(message)) ?? undoing
}

/** The branch that is checked out at `expect` with nothing changed and nothing half done; else what is in the way. */
function cleanBranch({ work }: Workplace, expect: Oid): { branch: string; refusal: Refusal | null } {
  const head = work.head()
  const branch = head.branch ?? ''
  const refuse = (refusal: Refusal) => ({ branch, refusal })
  if (head.branch === null) return refuse(no('REFUSED', 'HEAD is on no branch.', 'Check the branch out first.'))
  if (head.oid !== expect) {
    return refuse(
      no('CONTENDED', `${branch} has moved to another commit since it was read.`, 'Look again, then repeat.'),
    )
  }
  const running = work.inProgress()
  if (running !== null && running !== 'bisect') {
    return refuse(no('NOT_CLEAN', `A ${running} is not ended here.`, `End it first; \`git status\` says how.`))
  }
  const changed = work.changes().map(({ path }) => path)
  if (changed.length === 0) return { branch, refusal: null }
  const message = `The working tree has changes that are not committed: ${some(changed)}.`
  return refuse({ ...no('NOT_CLEAN', message, 'Commit or stash them first.'), data: { paths: changed } })
}

/**
 * The tree without what these commits did, newest first. Most of the time nothing came between, and it is a tree that is there
 * already; else git merges in memory.
 */
function undone(at: Workplace, oids: readonly Oid[], expect: Oid): Oid | { conflict: string[] } | Refusal {
  const { repo } = at
  const commits = decodeAll(repo, oids)
  const merge = commits.find(({ parents }) => parents.length > 1)
  if (merge !== undefined) {
    const message = `${merge.oid.slice(0, 12)} is a merge: taking it back would say that its other side never comes again.`
    return no('REFUSED', message, 'Take it back by hand: see option -m in `git help revert`.')
  }
  const parents = decodeAll(
    repo,
    commits.flatMap(({ parents }) => parents),
  )
  const treeOf = new Map(parents.map(({ oid, tree }) => [oid, tree]))
  const nothing = repo.batch().tree([])
  let tree = decodeAll(repo, [expect])[0]?.tree ?? nothing
  let isNew = false
  for (const { tree: after, parents } of commits) {
    const before = treeOf.get(parents[0] ?? '') ?? nothing
    if (before === after) continue
    if (tree === after) {
      tree = before
      continue
    }
    const merged = mergeTrees(at, { base: after, ours: tree, theirs: before })
    if (typeof merged !== 'string') return merged
    tree = merged
    isNew = true
  }
  if (isNew) keepObjects(at.env, repo, repo.reachable([tree], [expect]))
  return tree
}

function decodeAll(repo: Repo, oids: readonly Oid[]): { oid: Oid; tree: Oid; parents: readonly Oid[] }[] {
  return repo.read(oids).map((object, i) => {
    if (object?.type === 'commit') return { ...decodeCommit(object.bytes), oid: object.oid }
    throw new DstackError('CORRUPT', `The commit ${oids[i]} is not here.`, {
      hint: 'In a shallow clone, `git fetch --unshallow` brings it.',
    })
  })
}

/** `git merge-tree` finds the base by itself: these commits, which no ref will name, give it one. */
function mergeTrees(at: Workplace, trees: Record<'base' | 'ours' | 'theirs', Oid>): Oid | { conflict: string[] } {
  const { repo } = at
  const batch = repo.batch()
  const author = 'dstack <> 0 +0000'
  const make = (tree: Oid, parents: Oid[]) => batch.commit({ tree, parents, author, committer: author, message: '' })
  const base = make(trees.base, [])
  const sides = [make(trees.ours, [base]), make(trees.theirs, [base])]
  repo.save(batch)
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', ...sides]
  const done = at.git(args, { config: [fsyncSetting(repo.config)], ok: [0, 1, 129] })
  if (done.status === 129) {
    throw new DstackError('PROGRAM_MISSING', 'Taking back commits below others needs git 2.38 or newer.')
  }
  const [tree = '', ...paths] = done.stdout
    .toString('utf8')
    .split('\0')
    .filter((field) => field !== '')
  return done.status === 0 ? tree : { conflict: [...new Set(paths)] }
}

/** Takes index and working tree to a commit, then the branch. The branch moved meanwhile: everything goes back. */
function switchBranch(at: Workplace, { branch, expect }: Spot, to: Oid, reason: string): Refusal | null {
  const refusal = filesInTheWay(at, expect, to) ?? switchTree(at, expect, to)
  if (refusal !== null) return refusal
  try {
    if (moveBranch(at, branch, to, expect, reason)) return null
  } catch (error) {
    switchTree(at, to, expect)
    throw error
  }
  switchTree(at, to, expect)
  return no('CONTENDED', `${branch} was moved by somebody else; nothing was changed.`, 'Look again, then repeat.')
}

/** Files that git would write over without a word (ignored ones), and those that only a foreign filter could write. */
function filesInTheWay(at: Workplace, from: Oid, to: Oid): Refusal | null {
  const { env, repo } = at
  const changes = repo.diff(from, to)
  const tracked = new Set(changes.filter(({ before }) => before !== null).map(({ path }) => path))
  const added = changes.filter(({ before }) => before === null).map(({ path }) => path)
  const untracked = [...new Set(added.flatMap(withFolders))].filter((path) => {
    const stat = tracked.has(path) ? null : env.files.stat(join(repo.workTree ?? '', path))
    return stat !== null && stat.kind !== 'folder'
  })
  if (untracked.length > 0) {
    const message = `Files that git does not track are in the way: ${some(untracked)}.`
    return { ...no('NOT_CLEAN', message, 'Move them elsewhere first.'), data: { paths: untracked } }
  }
  const filtered = foreignlyFiltered(
    at,
    changes.filter(({ after }) => after !== null).map(({ path }) => path),
  )
  if (filtered.length === 0) return null
  return {
    ...no(
      'UNTRUSTED',
      `${some(filtered)}: written by a filter that only this repository's configuration names.`,
      'If you trust it, put its filter.* settings into your own configuration (`git config --global`).',
    ),
    data: { paths: filtered },
  }
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function withFolders(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}

function foreignlyFiltered(at: Workplace, paths: readonly string[]): string[] {
  const names = foreignFilterNames(at.repo.freshConfig())
  if (names.size === 0 || paths.length === 0) return []
  const input = paths.map((path) => `${path}\0`).join('')
  const fields = at.git(['check-attr', '-z', '--stdin', 'filter'], { input }).stdout.toString('utf8').split('\0')
  return paths.filter((_, i) => names.has(fields[i * 3 + 2] ?? ''))
}

function switchTree(at: Workplace, from: Oid, to: Oid): Refusal | null {
  // A file that was only touched must not count as changed.
  at.git(['update-index', '-q', '--refresh'], { ok: [0, 1, 128] })
  const done = at.git(['read-tree', '-m', '-u', '--no-recurse-submodules', from, to], { ok: [0, 128] })
  if (done.status === 0) return null
  if (/index\.lock': File exists/.test(done.stderr)) {
    return no('CONTENDED', 'Another git command works in this working tree.', 'Wait until it has ended, then repeat.')
  }
  const path = /'(.+)' (?:not uptodate|would be overwritten|would be removed|already exists)/.exec(done.stderr)?.[1]
  if (path === undefined) throw gitFailure(done, 'read-tree')
  return no('NOT_CLEAN', `${path} is in the way: it has changes of its own.`, 'Commit, stash or move it first.')
}

/** Writes a commit durably: its author is whom git takes for the person here. */
function commit({ env, repo }: Workplace, tree: string, parent: Oid, message: string): Oid {
  const sign = signing(repo.freshConfig())
  const args = ['commit-tree', sign === null ? '--no-gpg-sign' : '--gpg-sign', '-p', parent, '-F', '-', tree]
  const config = ['i18n.commitEncoding=UTF-8', fsyncSetting(repo.config), ...(sign ?? [])]
  const done = git(env, repo.place, args, { config, input: message, ok: [0, 1, 128] })
  if (done.status !== 0) throw notCommitted(done, sign !== null)
  const oid = done.stdout.toString('latin1').trim()
  keepObjects(env, repo, [oid])
  return oid
}

function notCommitted(done: Finished, signed: boolean): DstackError {
  if (/tell me who you are|unable to auto-detect email|empty ident name/.test(done.stderr)) {
    return new DstackError('BAD_CONFIG', 'git does not know who you are.', {
      hint: 'Run `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`.',
    })
  }
  // Exit status 1 says so; 128 with words when there is no key.
  if (signed && (done.status === 1 || /sign/.test(done.stderr))) {
    return new DstackError('REFUSED', 'The commit could not be signed, and your configuration asks for it.', {
      hint: 'Try `git commit --allow-empty -S` in a branch of its own to see why.',
    })
  }
  return gitFailure(done, 'commit-tree')
}

function keepObjects(env: Env, repo: Repo, oids: readonly Oid[]): void {
  shieldObjects(env, repo, oids)
  if (isDurable(repo.config)) syncObjectFolders(env, repo, oids)
}

/** False: the branch stands elsewhere. @throws CONTENDED when only a lock is in the way */
function moveBranch({ env, repo }: Workplace, branch: string, to: Oid, from: Oid, reason: string): boolean {
  const ref = `refs/heads/${branch}`
  // Held so that what a writer who died has left behind can be told from what somebody works on.
  const lock = repo.lock()
  const move = () => repo.move(ref, to, from, `dstack: ${reason}`, lock)
  try {
    if (move()) return true
    if (repo.tip(ref) !== from) return false
    // git locks HEAD, too, where it is on that branch.
    const head = relative(repo.commonDir, join(repo.gitDir, 'HEAD'))
    const isFree = [ref, head].every((name) => clearOrphanedLock(env, repo, name, lock?.inherited ?? false))
    if (isFree && move()) return true
  } finally {
    lock?.release()
  }
  if (repo.tip(ref) !== from) return false
  throw new DstackError('CONTENDED', `${branch} could not be moved: another git command has it locked.`, {
    hint: 'Run the command again; if it persists, see `git dstack doctor`.',
  })
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? ''

/** The first of them, and how many more. */
function some(paths: readonly string[]): string {
  return paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ')
}

function no(refused: Code, message: string, hint: string): Refusal {
  return { refused, message, hint }
}
