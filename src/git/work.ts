// The user's branch and working tree, as work on a plan needs them: what is there, and few, careful moves.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError, type Refusal } from '../errors'
import { backup, mark, reset, revert } from './branch'
import { type GitCall, git, gitFailure, type Place } from './exec'
import { withoutForeign } from './foreign'
import type { Repo } from './git'
import type { Oid } from './objects'
import { readTip } from './refs'

/** A file that one commit changes: A added, D deleted, M modified, T of another type. A rename is a D and an A. */
export interface FileChange {
  path: string
  status: string
}

export interface WorkCommit {
  oid: Oid
  tree: Oid
  parents: Oid[]
  subject: string
  /** Everything after the subject, with the trailers. */
  body: string
  /** By name as it is written; several values in their order. */
  trailers: Record<string, string[]>
  author: string
  email: string
  /** Seconds since 1970, by the committer's clock. */
  seconds: number
  /** Against the first parent. Empty unless asked for. */
  files: FileChange[]
}

export type Progress = 'merge' | 'rebase' | 'cherry-pick' | 'revert' | 'bisect'

/** Where a commit of ours goes: the branch, and the commit that it must stand on. */
export interface Spot {
  branch: string
  expect: Oid
}

/**
 * All local and synchronous. No hook runs, and no filter, merge driver or signing program that only the repository names: a file
 * that looks changed without its foreign filter counts as changed, and one that can't be written without it is refused.
 */
export interface Work {
  /** Without a process. `oid` null: no commit yet; `branch` null: a detached HEAD. */
  head(): { oid: Oid | null; branch: string | null }
  /** Tracked files that differ from HEAD or the index. A submodule counts when another commit is checked out in it. */
  changes(): { path: string; staged: boolean }[]
  unmerged(): string[]
  /** What git was asked to do here and has not ended. */
  inProgress(): Progress | null
  /** Oldest first, parents before children. One process, whatever is asked for. */
  commits(range: { from: Oid | null; to: Oid }, options?: { files?: boolean }): WorkCommit[]
  changedFiles(from: Oid, to: Oid): FileChange[]
  /** False, too, where `ancestor` is not here (any more). */
  isAncestor(ancestor: Oid, of: Oid): boolean
  /** By commit: the remote-tracking branches that hold it. A commit that none holds is not in the map. */
  publishedIn(oids: readonly Oid[]): Map<Oid, string[]>
  /**
   * An empty commit on the branch: its object id; null when the branch stands elsewhere. Index and working tree stay as they
   * are. Signed only when the person's own configuration says `commit.gpgsign`.
   * @throws CONTENDED a lock is in the way; REFUSED it can't be signed
   */
  mark(message: string, spot: Spot): Oid | null
  /** Keeps a commit under `refs/dstack-local/backup/<slug>/<time>`, which no push sends. @throws REFUSED the name holds another */
  backup(ref: string, oid: Oid): void
  /** Takes branch, index and working tree back to a commit. HEAD must be a branch at `expect`, and the tree clean. */
  reset(to: Oid, expect: Oid): Refusal | null
  /**
   * One commit on the checked-out branch that takes back all of these (newest first); empty ones are passed over. Nothing is
   * touched when it can't be: `conflict` names the files that were changed again since. Merge commits are refused.
   */
  revert(oids: readonly Oid[], message: string, spot: Spot): Oid | { conflict: string[] } | Refusal
}

/** What the parts of `Work` share. */
export interface Workplace {
  env: Env
  repo: Repo
  /** Runs git at the top of the working tree, with the repository's own programs switched off. */
  git(args: readonly string[], call?: GitCall): ReturnType<typeof git>
  work: Work
}

export function workOf(env: Env, repo: Repo): Work {
  const at: Workplace = {
    env,
    repo,
    git: (args, call = {}) => {
      const { place, vars } = workTreeOf(repo)
      const off = withoutForeign(env, repo.freshConfig())
      return git(env, place, args, { ...call, vars: { ...vars, ...off, ...call.vars } })
    },
    get work() {
      return work
    },
  }
  const work: Work = {
    head: () => readHead(env, repo),
    changes() {
      const args = [
        'status',
        '--porcelain=v2',
        '-z',
        '--untracked-files=no',
        '--no-renames',
        '--ignore-submodules=dirty',
      ]
      return parseChanges(at.git(args).stdout.toString('utf8'))
    },
    unmerged() {
      const lines = at.git(['ls-files', '--unmerged', '-z', '--full-name']).stdout.toString('utf8').split('\0')
      return [...new Set(lines.filter((line) => line !== '').map((line) => line.slice(line.indexOf('\t') + 1)))]
    },
    inProgress: () => inProgress(env, repo),
    commits: (range, options) => readCommits(env, repo, range, options?.files ?? false),
    changedFiles: (from, to) =>
      repo.diff(from, to).map(({ path, before, after }) => {
        if (before === null || after === null) return { path, status: before === null ? 'A' : 'D' }
        return { path, status: before.mode.slice(0, 2) === after.mode.slice(0, 2) ? 'M' : 'T' }
      }),
    isAncestor(ancestor, of) {
      const args = ['merge-base', '--is-ancestor', ancestor, of]
      const done = git(env, repo.place, args, { ok: [0, 1, 128] })
      if (done.status === 128 && (repo.has(ancestor) || !repo.has(of))) throw gitFailure(done, 'merge-base')
      return done.status === 0
    },
    publishedIn: (oids) => publishedIn(env, repo, oids),
    mark: (message, spot) => mark(at, message, spot),
    backup: (ref, oid) => backup(at, ref, oid),
    reset: (to, expect) => reset(at, to, expect),
    revert: (oids, message, spot) => revert(at, oids, message, spot),
  }
  return work
}

/** git takes the current folder for the top of the working tree when it is told where the repository is, but not the tree. */
function workTreeOf({ place, workTree }: Repo): { place: Place; vars: Record<string, string> } {
  if (workTree === null) {
    throw new DstackError('REFUSED', 'This repository has no working tree.', { hint: 'Work in a clone of it.' })
  }
  const named = place.gitDir !== undefined
  return { place: { ...place, cwd: workTree }, vars: named ? { GIT_WORK_TREE: workTree } : {} }
}

const filesBackend = ({ config }: Repo) => (config.get('extensions.refstorage') ?? 'files') === 'files'

function readHead(env: Env, repo: Repo): ReturnType<Work['head']> {
  const path = join(repo.gitDir, 'HEAD')
  const text = filesBackend(repo) && env.files.stat(path)?.kind === 'file' ? env.files.read(path)?.toString('utf8') : ''
  const detached = /^([0-9a-f]{40,64})\s*$/.exec(text ?? '')?.[1]
  if (detached !== undefined) return { oid: detached, branch: null }
  const ref = /^ref: (refs\/heads\/.+?)\s*$/.exec(text ?? '')?.[1] ?? askForHead(env, repo)
  if (ref === null) return { oid: readTip(env, repo, false, 'HEAD'), branch: null }
  return { oid: repo.tip(ref), branch: ref.slice('refs/heads/'.length) }
}

/** Not a plain file (reftable, a link): git knows. */
function askForHead(env: Env, repo: Repo): string | null {
  const done = git(env, repo.place, ['symbolic-ref', '--quiet', 'HEAD'], { ok: [0, 1] })
  const ref = done.stdout.toString('utf8').trim()
  return ref.startsWith('refs/heads/') ? ref : null
}

/** Source: git-status(1), "Porcelain Format Version 2" and "Pathname Format Notes and -z". */
export function parseChanges(text: string): { path: string; staged: boolean }[] {
  const lines = text.split('\0').filter((line) => line !== '')
  return lines.flatMap((line) => {
    // `1 XY sub mH mI mW hH hI path`, `u XY sub m1 m2 m3 mW h1 h2 h3 path`
    const words = line.split(' ')
    const before = { '1': 8, u: 10 }[words[0] ?? '']
    if (before === undefined) return []
    return [{ path: words.slice(before).join(' '), staged: words[1]?.[0] !== '.' }]
  })
}

/** Source: wt-status.c; a rebase first, because it picks commits one by one. */
function inProgress(env: Env, repo: Repo): Progress | null {
  const there = (name: string) => env.files.stat(join(repo.gitDir, name)) !== null
  const head = (name: string) => (filesBackend(repo) ? there(name) : readTip(env, repo, false, name) !== null)
  if (there('rebase-merge') || there('rebase-apply')) return 'rebase'
  if (there('MERGE_HEAD')) return 'merge'
  if (head('CHERRY_PICK_HEAD')) return 'cherry-pick'
  if (head('REVERT_HEAD')) return 'revert'
  // Between two commits of a series that git picks or reverts.
  const todo = env.files.read(join(repo.gitDir, 'sequencer', 'todo'))?.toString('utf8')
  if (todo !== undefined) return /^revert /m.test(todo) ? 'revert' : 'cherry-pick'
  return there('BISECT_LOG') ? 'bisect' : null
}

const FORMAT =
  '%H%x00%T%x00%P%x00%an%x00%ae%x00%ct%x00%s%x00%b%x00%(trailers:only,unfold,separator=%x1e,key_value_separator=%x1f)'

function readCommits(env: Env, repo: Repo, range: { from: Oid | null; to: Oid }, files: boolean): WorkCommit[] {
  if (range.from === range.to) return []
  const changes = files
    ? ['--name-status', '--no-renames', '--diff-merges=first-parent', '--no-ext-diff']
    : ['--no-patch']
  const args = [
    'log',
    '-z',
    '--reverse',
    '--topo-order',
    '--no-show-signature',
    '--encoding=UTF-8',
    `--format=${FORMAT}`,
    ...changes,
    '--ignore-submodules=none',
    '--no-relative',
    '-O/dev/null',
    '--end-of-options',
    ...(range.from === null ? [] : [`^${range.from}`]),
    range.to,
    '--',
  ]
  const config = ['log.showRoot=true', 'log.follow=false', 'trailer.separators=:']
  const done = git(env, repo.place, args, { config })
  return parseCommits(done.stdout.toString('utf8').split('\0'))
}

/** Nine fields a commit; then its files: status (the first one after a line feed) and path. */
function parseCommits(fields: readonly string[]): WorkCommit[] {
  const commits: WorkCommit[] = []
  for (let at = 0; at + 8 < fields.length; ) {
    const [
      oid = '',
      tree = '',
      parents = '',
      author = '',
      email = '',
      seconds,
      subject = '',
      body = '',
      trailers = '',
    ] = fields.slice(at, at + 9)
    const files: FileChange[] = []
    for (at += 9; /^\n?[A-Z]$/.test(fields[at] ?? ''); at += 2) {
      files.push({ status: (fields[at] ?? '').trim(), path: fields[at + 1] ?? '' })
    }
    if (fields[at] === '') at++ // what stands between two commits
    commits.push({
      oid,
      tree,
      parents: parents.split(' ').filter((parent) => parent !== ''),
      subject,
      body,
      trailers: parseTrailers(trailers),
      author,
      email,
      seconds: Number(seconds),
      files,
    })
  }
  return commits
}

function parseTrailers(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = Object.create(null)
  for (const line of text.split('\x1e')) {
    const cut = line.indexOf('\x1f')
    if (cut < 0) continue
    const name = line.slice(0, cut)
    found[name] = [...(found[name] ?? []), line.slice(cut + 1).trim()]
  }
  return found
}

/** Where fetches of branches go: refs/remotes/ and what the remotes' refspecs say. What tracks no branch is passed over. */
function trackingPrefixes({ config }: Repo): string[] {
  const refspecs = config.values.filter(({ name }) => /^remote\..+\.fetch$/.test(name)).map(({ value }) => value)
  const found = refspecs.flatMap((refspec) => {
    const [, source = '', target = ''] = /^\+?([^:^]*):(refs\/.+)$/.exec(refspec) ?? []
    const tracksBranches = target !== '' && !/^refs\/(?!heads\/|\*)/.test(source)
    // for-each-ref takes a whole name, or everything below a folder.
    return tracksBranches ? [target.replace(/[^/]*\*.*$/, '')] : []
  })
  return [...new Set(['refs/remotes/', ...found])]
}

function publishedIn(env: Env, repo: Repo, oids: readonly Oid[]): Map<Oid, string[]> {
  const held = new Map<Oid, string[]>()
  if (oids.length === 0) return held
  const contains = oids.flatMap((oid) => ['--contains', oid])
  const args = ['for-each-ref', '--format=%(refname) %(symref)', ...contains, '--', ...trackingPrefixes(repo)]
  const lines = git(env, repo.place, args).stdout.toString('utf8').split('\n')
  // A symbolic ref (origin/HEAD) is another name of one that is listed.
  const refs = lines.filter((line) => line.endsWith(' ')).map((line) => line.trimEnd())
  for (const ref of [...new Set(refs)]) {
    const missing = git(env, repo.place, ['rev-list', '--end-of-options', ...oids, `^${ref}`]).stdout.toString('latin1')
    const away = new Set(missing.split('\n'))
    for (const oid of oids) if (!away.has(oid)) held.set(oid, [...(held.get(oid) ?? []), ref])
  }
  return held
}
