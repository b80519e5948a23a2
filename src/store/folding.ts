// Folding another tip into a ref: by the fold rules, one compare-and-swap, nothing dropped.

import { DstackError } from '../errors'
import type { Lock, ObjectBatch, Oid, SideCommit } from '../git/git'
import { formatDot, sortClock } from './clock'
import { addEdits, changedItems, type Merged, mergeDocuments, mergeNotes } from './combine'
import { encodeDocument, parseVersion } from './document'
import { containment, decideFold, isWrite, MERGE_MESSAGE, newest } from './fold'
import { afterRemoval, dueRemovals, removedIn, withoutRemoved } from './hiding'
import { type Item, mergeItems } from './merge'
import { kindOf, type RefKind } from './names'
import { knownIncarnation, newIncarnation, person, recordIncarnation, type Store, trackingTip } from './session'
import { editTree, type FileAt, foldersOf, loadFolders } from './tree'
import { dotTrailer, type Incarnation, isBy, lowestOwnTick, restampClock } from './writer'

export interface Folded {
  /** The tip that results; objects are saved, no ref has moved. */
  tip: Oid
  how: 'nothing' | 'fast-forward' | 'adopt' | 'merge' | 'refused'
  /** Writes that the other tip has and ours had not. */
  gained: number
  /** Our incarnation was used by a copy of this clone: the next write takes a new one. */
  copied: boolean
  /** The local chain was written again without removed texts: `afterRemoval` is due once the ref has moved. */
  cleaned: boolean
  /** False when the other tip holds removed texts, and only what it is without them went in. */
  contains: boolean
}

/**
 * The tip that results when `local` meets `other`. Saves what objects it needs; moves nothing.
 * `refused`: a linear ref of which neither tip contains the other.
 */
export function foldTips(store: Store, ref: string, ours: Oid | null, theirs: Oid, hub: boolean): Folded {
  const { local, other, cleaned } = withoutRemoved(store, ref, ours, theirs, hub)
  const own = knownIncarnation(store, ref, ours)
  return { ...foldPlain(store, ref, local, other, hub, own), cleaned, contains: other === theirs }
}

function foldPlain(
  store: Store,
  ref: string,
  local: Oid | null,
  other: Oid,
  hub: boolean,
  own: Incarnation | null,
): Omit<Folded, 'cleaned' | 'contains'> {
  const { repo } = store
  if (local === null) return { tip: other, how: 'fast-forward', gained: countWrites(repo.log([other])), copied: false }
  const divergence = repo.divergence(local, other)
  const copied = own !== null && divergence.right.some((commit) => isBy(commit, own.id))
  const gained = countWrites(divergence.right)
  const contained = containment(local, other, divergence)
  if (contained?.kind === 'nothing') return { tip: local, how: 'nothing', gained: 0, copied: false }
  if (contained?.kind === 'fast-forward') return { tip: other, how: 'fast-forward', gained, copied }
  const kind = kindOf(ref)
  if (kind === 'linear' || kind === 'foreign') return { tip: local, how: 'refused', gained: 0, copied }

  const batch = repo.batch()
  let merged = mergeTrees(store, kind, batch, local, other)
  if (own !== null && (copied || isClaimed(merged, own, divergence.left))) {
    const stamped = restamp(store, ref, local, other, own, divergence.left)
    if (stamped !== null)
      return { ...foldPlain(store, ref, stamped, other, hub, knownIncarnation(store, ref, stamped)), copied: true }
    merged = mergeTrees(store, kind, batch, local, other)
  }
  const tree = editTree(batch, loadFolders(repo, local, foldersOf(merged.edits.keys())), merged.edits) ?? batch.tree([])
  const commits = readCommits(store, local, other)
  const fold = decideFold({
    local,
    other,
    divergence,
    hub,
    weChange: tree !== commits[1].tree,
    theyChange: tree !== commits[0].tree,
  })
  if (fold.kind === 'nothing') return { tip: local, how: 'nothing', gained: 0, copied }
  if (fold.kind !== 'merge') return { tip: fold.to, how: 'adopt', gained, copied }
  const { author, committer } = newest(...commits)
  const tip = batch.commit({ tree, parents: fold.parents, author, committer, message: MERGE_MESSAGE })
  repo.save(batch)
  return { tip, how: 'merge', gained, copied }
}

function countWrites(commits: readonly { parents: readonly Oid[] }[]): number {
  return commits.filter(isWrite).length
}

function mergeTrees(store: Store, kind: RefKind, batch: ObjectBatch, local: Oid, other: Oid): Merged {
  return kind === 'evidence'
    ? mergeNotes(store.repo, (bytes) => batch.blob(bytes), local, other)
    : mergeDocuments(store.repo, local, other)
}

interface ReadCommit {
  oid: Oid
  tree: Oid
  seconds: number
  /** As the bytes that they are: the merge takes them over. */
  author: string
  committer: string
}

function readCommits(store: Store, a: Oid, b: Oid): [ReadCommit, ReadCommit] {
  const objects = store.repo.read([a, b])
  const commit = (oid: Oid, bytes: Buffer | undefined): ReadCommit => {
    const text = bytes?.toString('utf8') ?? ''
    const head = text.slice(0, text.indexOf('\n\n'))
    const value = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(head)?.[1] ?? ''
    const committer = value('committer')
    const seconds = Number(/> (\d+) /.exec(committer)?.[1] ?? 0)
    if (value('tree') === '')
      throw new DstackError('CORRUPT', `The commit ${oid} can't be read.`, { hint: 'Run `git dstack doctor`.' })
    return { oid, tree: value('tree'), seconds, author: value('author'), committer }
  }
  return [commit(a, objects[0]?.bytes), commit(b, objects[1]?.bytes)]
}

/** A version from elsewhere claims to have seen writes of ours that nobody can have seen. */
function isClaimed(merged: Merged, own: Incarnation, unpublished: readonly SideCommit[]): boolean {
  const lowest = Math.min(lowestOwnTick(unpublished, own.id), own.tick + 1)
  const oursToo = new Set(unpublished.flatMap((commit) => commit.dots))
  return merged.contested.some(({ live }) =>
    live.some(
      ({ version }) =>
        (version.clock[own.id] ?? 0) >= lowest && !oursToo.has(`${version.dot.writer}:${version.dot.tick}`),
    ),
  )
}

/**
 * Our unpublished writes once more, under a new incarnation, as one commit on top: so that a version that claims our
 * ticks without having seen our texts (a copied clone, a restored backup, a forged vector) hides none of them.
 * Null when none of them is live any more.
 */
function restamp(
  store: Store,
  ref: string,
  local: Oid,
  other: Oid,
  own: Incarnation,
  unpublished: readonly SideCommit[],
): Oid | null {
  const lowest = lowestOwnTick(unpublished, own.id)
  if (!Number.isFinite(lowest)) return null
  const { repo } = store
  const fresh = newIncarnation(store)
  const dot = { writer: fresh.id, tick: 1 }
  const batch = repo.batch()
  const edits = new Map<string, FileAt | null>()
  for (const [base, items] of changedItems(repo, local, other)) {
    const stamped = items.map((item): Item => {
      const version = item.bytes === null ? null : parseVersion(base, item.bytes)
      if (version === null || 'malformed' in version) return item
      if (version.dot.writer !== own.id || version.dot.tick < lowest) return item
      const clock = sortClock(restampClock(version.clock, own.id, lowest, dot))
      const head = { ...version.doc.head, clock: { ...clock }, dot: formatDot(dot) }
      const bytes = encodeDocument({ ...version.doc, head })
      return { ...item, oid: batch.blob(bytes), bytes }
    })
    if (stamped.some((item, i) => item !== items[i])) addEdits(edits, items, mergeItems(base, stamped))
  }
  if (edits.size === 0) return null
  const tree = editTree(batch, loadFolders(repo, local, foldersOf(edits.keys())), edits)
  if (tree === null) return null
  const { author, committer } = signatures(store)
  const count = edits.size === 1 ? '1 write' : `${edits.size} writes`
  const message = `dstack: stamp ${count} again, made in a copy of this clone\n\n${dotTrailer(fresh.id, 1)}\n`
  const tip = batch.commit({ tree, parents: [local], author, committer, message })
  repo.save(batch)
  recordIncarnation(store, ref, { ...fresh, tick: 1, tip, inside: null })
  return tip
}

export function signatures(store: Store): { author: string; committer: string } {
  const { author, committer } = person(store)
  const line = (who: typeof author) => `${who.name} <${who.email}> ${who.seconds} ${who.zone}`
  return { author: line(author), committer: line(committer) }
}

/** Moves a ref to what the fold of another tip gives. Retries when somebody was faster. */
export function foldInto(
  store: Store,
  ref: string,
  other: Oid,
  hub: boolean,
  lock: Lock | null,
): Folded & { from: Oid | null } {
  for (let attempt = 0; attempt < 20; attempt++) {
    const from = store.repo.tip(ref)
    const folded = foldTips(store, ref, from, other, hub)
    if (folded.tip === from) return { ...folded, from }
    const own = folded.copied ? null : knownIncarnation(store, ref, from)
    if (store.repo.move(ref, folded.tip, from, `dstack: fold (${folded.how})`, lock)) {
      // The tick is still ours on the new tip: the next write needs no proof.
      if (own !== null && own.tip === from)
        recordIncarnation(store, ref, { ...own, tip: folded.tip, inside: hub && folded.contains ? other : null })
      if (folded.cleaned) afterRemoval(store, ref)
      return { ...folded, from }
    }
    store.env.pause(10 + store.env.random() * 80)
  }
  throw new DstackError('CONTENDED', `Could not move ${ref}: other writers were faster 20 times.`, {
    hint: 'Run the command again; if it persists, see `git dstack doctor`.',
  })
}

/** Takes removed texts out of the local chain of a ref, if it holds any, and clears away what a dead process left. */
export function finishRemoval(store: Store, ref: string): void {
  const local = store.repo.tip(ref)
  if (local === null) return
  if (removedIn(store, ref, local, 'all').held.size > 0) {
    foldInto(store, ref, trackingTip(store, ref) ?? local, true, null)
  }
  if (dueRemovals(store).includes(ref)) afterRemoval(store, ref)
}
