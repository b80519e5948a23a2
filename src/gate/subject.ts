// What a gate is about: a tree, where its change begins, and the work that it belongs to.

import { DstackError } from '../errors'
import type { Oid } from '../git/git'
import type { Store } from '../store/store'

/** The work that is going on, as the flow knows it. All null: a gate without a flow. */
export interface GateContext {
  task: {
    id: string
    /** Globs of what it may change. */
    files: readonly string[]
    /** Predicates, one line each. */
    acceptance: readonly string[]
    commit_prefix: string | null
  } | null
  leaf: { id: string; in_scope: readonly string[]; base: Oid | null } | null
  slug: string | null
  /** What the leaf, or the contract as a whole, asks for: counts where no task is going on. */
  acceptance?: readonly string[]
  /** Long processes of the leaf, with their states. */
  longprocs?: readonly { id: string; state: string }[]
}

export const NO_CONTEXT: GateContext = { task: null, leaf: null, slug: null }

/** The predicates that are to hold: the task's, else those of what it belongs to. */
export function acceptanceIn({ task, acceptance }: Pick<GateContext, 'task' | 'acceptance'>): readonly string[] {
  return task?.acceptance ?? acceptance ?? []
}

/** A commit as evidence needs it. */
export interface CommitFacts {
  oid: Oid
  tree: Oid
  parents: Oid[]
  subject: string
  message: string
  /** By name; several values in their order. */
  trailers: ReadonlyMap<string, readonly string[]>
}

const MOST_BYTES = 1 << 20

/** Commits by their object ids, by one process. Those that are not here are left out. */
export function commitsAt(store: Store, oids: readonly Oid[]): CommitFacts[] {
  return store.repo.read(oids, MOST_BYTES).flatMap((object) => {
    return object?.type === 'commit' ? [readCommit(object.oid, object.bytes.toString('utf8'))] : []
  })
}

function readCommit(oid: Oid, text: string): CommitFacts {
  const cut = text.indexOf('\n\n')
  const head = text.slice(0, cut)
  const message = cut < 0 ? '' : text.slice(cut + 2)
  const tree = /^tree ([0-9a-f]+)$/m.exec(head)?.[1] ?? ''
  const parents = [...head.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, parent = '']) => parent)
  return { oid, tree, parents, subject: message.split('\n')[0] ?? '', message, trailers: trailersOf(message) }
}

/** The lines of the last paragraph that look like trailers. Source: git-interpret-trailers(1). */
function trailersOf(message: string): Map<string, string[]> {
  const last = message.trimEnd().split(/\n\s*\n/)
  const found = new Map<string, string[]>()
  if (last.length < 2) return found
  for (const line of (last.at(-1) ?? '').split('\n')) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9-]*): *(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) found.set(name, [...(found.get(name) ?? []), value])
  }
  return found
}

/** The commit that a revision names. @throws NOT_FOUND */
export function resolveCommit(store: Store, rev: string): Oid {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`]
  const { status, stdout } = store.repo.git(args, { ok: [0, 1, 128] })
  const oid = stdout.trim().split('\n').at(-1) ?? ''
  if (status === 0 && /^[0-9a-f]{40,64}$/.test(oid)) return oid
  throw new DstackError('NOT_FOUND', `"${rev}" is no commit here.`, { hint: 'See `git log`.' })
}

/** The commit that a revision names, with what it says. @throws NOT_FOUND, TOO_LARGE */
export function commitNamed(store: Store, rev: string): CommitFacts {
  const oid = resolveCommit(store, rev)
  const [commit] = commitsAt(store, [oid])
  if (commit !== undefined) return commit
  throw new DstackError('TOO_LARGE', `The commit ${oid.slice(0, 12)} is larger than ${MOST_BYTES} bytes.`)
}

/** The tree of nothing: what a first commit changes. Git knows it without having it. */
export function emptyTree(store: Store): Oid {
  return store.repo.batch().tree([])
}

/** How the subject of a task's commits begins. */
export function prefixOf({ task, slug }: GateContext): string | null {
  return task === null ? null : (task.commit_prefix ?? `${slug === null ? '' : `${slug} `}${task.id}: `)
}
