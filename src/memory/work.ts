// What the repository's own commits and files say about entries: lessons to propose, citations to check.

import { DstackError } from '../errors'
import type { CommitInfo } from '../git/git'
import type { Store } from '../store/store'
import type { WorkCommit } from './compound'
import { cited, dangling, groundOf } from './ground'

/** A piece of work that is larger than this is looked at from its end. */
const MAX_COMMITS = 500
/** Without a base to compare with, so many commits are taken for one piece of work. */
const LATEST = 30

export interface Work {
  /** The commit from which it is counted; null when there is no base. */
  base: string | null
  /** Oldest first. */
  commits: WorkCommit[]
}

/** The commits of a finished piece of work: since a revision, else those that the upstream's default branch lacks. */
export function finishedWork(store: Store, since?: string): Work {
  const { repo } = store
  if (repo.tip('HEAD') === null && commitOf(store, 'HEAD') === null) return { base: null, commits: [] }
  const base = since === undefined ? defaultBase(store) : commitOf(store, since)
  if (since !== undefined && base === null) {
    throw new DstackError('NOT_FOUND', `There is no commit ${JSON.stringify(since)} here.`, {
      hint: 'Name a commit, a branch or a tag.',
    })
  }
  const range = base === null ? ['HEAD'] : ['HEAD', `^${base}`]
  const found = repo.log(range, { limit: base === null ? LATEST : MAX_COMMITS })
  return {
    base,
    commits: found
      .reverse()
      .filter(({ parents }) => parents.length < 2)
      .map((commit) => workCommit(store, commit)),
  }
}

function workCommit({ repo }: Store, commit: CommitInfo): WorkCommit {
  const { oid, subject, body } = commit
  const [parent] = commit.parents
  // Only a message that says something needs its files.
  const files =
    body.trim() === ''
      ? []
      : parent === undefined
        ? repo.files(oid).map(({ path }) => path)
        : repo.diff(parent, oid).map(({ path }) => path)
  return { oid, subject, body, files }
}

function commitOf({ repo }: Store, revision: string): string | null {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
  const { status, stdout } = repo.git(args, { ok: [0, 1, 128] })
  return status === 0 ? stdout.trim() : null
}

/** Where the current branch left the default branch of the elected remote, or of its own upstream. */
function defaultBase(store: Store): string | null {
  const { repo, remote } = store
  for (const name of [...(remote === null ? [] : [`refs/remotes/${remote}/HEAD`]), '@{upstream}']) {
    const other = commitOf(store, name)
    if (other === null) continue
    const { status, stdout } = repo.git(['merge-base', '--end-of-options', 'HEAD', other], { ok: [0, 1] })
    if (status === 0) return stdout.trim()
  }
  return null
}

/** Marks what entries cite and is not there. Without any commit there is nothing to compare with. */
export function grounded<T extends { text: string; paths: string[]; links: string[] }>(
  store: Store | null,
  entries: readonly T[],
): (T & { dangling?: string[] })[] {
  const citations = entries.map(cited)
  if (
    store === null ||
    citations.every(({ paths, globs, commits }) => paths.length + globs.length + commits.length === 0)
  )
    return [...entries]
  const files = trackedFiles(store)
  if (files === null) return [...entries]
  const ids = [...new Set(citations.flatMap(({ commits }) => commits))]
  const objects = store.repo.read(ids, 1 << 20)
  const here = new Set(ids.filter((_id, i) => objects[i]?.type === 'commit'))
  // In a shallow clone a commit that is missing here may well exist.
  const ground = groundOf(files, (id) => store.repo.shallow || here.has(id))
  return entries.map((entry, i) => {
    const missing = dangling(citations[i] ?? cited(entry), ground)
    return missing.length === 0 ? entry : { ...entry, dangling: missing }
  })
}

/** What is in the index, and so what the next commit has; in a bare repository the files of HEAD. */
function trackedFiles(store: Store): string[] | null {
  const { repo } = store
  if (repo.workTree !== null) {
    const listed = repo.git(['ls-files', '-z', '--full-name'], { ok: [0, 128] })
    if (listed.status === 0) return listed.stdout.split('\0').filter((path) => path !== '')
  }
  const head = commitOf(store, 'HEAD')
  return head === null ? null : repo.files(head).map(({ path }) => path)
}
