// The door to state: documents in convergent refs, linear refs, evidence in notes. One way to read, one way to write each.

import type { Env } from '../env/env'
import { DstackError, type Refusal } from '../errors'
import { type CommitInfo, hashText, type Oid, openRepo, type Repo } from '../git/git'
import { notePlaces } from './combine'
import { type EvidenceLine, evidenceLine, notePath, readLines, unionLines } from './evidence'
import { finishRemoval, foldInto, signatures } from './folding'
import { dueRemovals, redactionsFor, refsWithRemovals } from './hiding'
import { pathOf } from './keys'
import { isInbox, isLease, kindOf } from './names'
import type { Change, Json, Live, Put } from './schema'
import { makeStore, person, type Store, trackingTip } from './session'
import { editTree, foldersOf, loadFolders } from './tree'
import { viewCommit, viewRef } from './viewing'
import { type Written, write } from './writing'

export { CARRIER_MESSAGE, formatManifest } from './carrier'
export { type EvidenceLine, notePath, noteTarget, unionLines } from './evidence'
export { isWrite } from './fold'
export { isRemoved, redactors, removedAmong, removedIn } from './hiding'
export { keyProblem, pathOf } from './keys'
export * from './names'
export { addressOf, MAX_REMOVED, type Removed, recordKey, recordPut, stubPut } from './redaction'
export { type Finding, findSecrets, isFiller } from './secrets'
export {
  acknowledgedTips,
  carriedTips,
  carrierRef,
  isKnownInside,
  isPassing,
  type Store,
  trackingTip,
} from './session'
export { conflictsIn, type View } from './viewing'
export type { Written } from './writing'
export { foldInto, hashText, person, signatures, viewCommit, viewRef, write }

/** Opens the state of the repository at or above `dir`. @throws NOT_A_REPOSITORY */
export function openStore(env: Env, dir?: string): Store {
  return makeStore(env, openRepo(env, dir))
}

/** The same for a repository that is open already. */
export function storeOf(env: Env, repo: Repo): Store {
  return makeStore(env, repo)
}

// --- the past of a convergent ref -----------------------------------------------------------------------------------

export interface PastVersion {
  commit: CommitInfo
  /** The versions that were live after the commit; empty when it removed the file. */
  live: Live[]
}

/** What was said at a key, newest first. */
export function historyOf(store: Store, ref: string, key: string, limit?: number): PastVersion[] {
  const { tip } = viewRef(store, ref)
  if (tip === null) return []
  const hidden = redactionsFor(store, ref, [tip, trackingTip(store, ref)])
  const options = { paths: [pathOf(key)], ...(limit === undefined ? {} : { limit }) }
  return store.repo
    .log([tip], options)
    .map((commit) => ({ commit, live: viewCommit(store, commit.oid, hidden).at(key) }))
}

/**
 * Takes one write back by a new write: every document that it changed gets its former content again (or a tombstone,
 * where there was none). Refused when somebody wrote on top: that text would be lost.
 */
export function undo(store: Store, ref: string, commit: CommitInfo): Written<{ keys: string[] }> | Refusal {
  const [parent] = commit.parents
  if (commit.parents.length > 1) {
    return {
      refused: 'REFUSED',
      message: `${commit.oid.slice(0, 7)} only merged what others had written.`,
      hint: 'Undo one of the writes themselves; see `git dstack log`.',
    }
  }
  const before = parent === undefined ? null : viewCommit(store, parent)
  const after = viewCommit(store, commit.oid)
  // Counts go along with whatever is written next; taking a text back takes no count back.
  const changed = parent === undefined ? [...after.all().keys()] : (after.since(parent) ?? [])
  const keys = changed.filter((key) => !key.startsWith('usage/'))
  const former = new Map(keys.map((key) => [key, before?.at(key) ?? []]))
  const made = after.many(keys)
  return write<{ keys: string[] }>(store, ref, keys, (seen) => {
    const puts: Put[] = []
    for (const key of keys) {
      const mine = made.get(key) ?? []
      const now = seen.at(key)
      if (now.some((live) => !mine.some((version) => version.oid === live.oid))) {
        return {
          refused: 'CONFLICT',
          message: `${key} was changed after ${commit.oid.slice(0, 7)}; undoing would drop that.`,
          hint: `Look at \`git dstack memory history ${key}\` and correct it by hand.`,
        }
      }
      if ((former.get(key)?.length ?? 0) > 1) {
        return {
          refused: 'CONFLICT',
          message: `${commit.oid.slice(0, 7)} settled a conflict at ${key}; one write can't bring both texts back.`,
          hint: `Look at \`git dstack memory history ${key}\` and correct the entry with the text that you want.`,
        }
      }
      puts.push(restored(key, former.get(key)?.[0], now[0]))
    }
    return {
      puts,
      subject: `undo: ${commit.subject}`,
      trailers: { 'Dstack-Undo': commit.oid },
      result: { keys },
    } satisfies Change<{ keys: string[] }>
  })
}

function restored(key: string, former: Live | undefined, now: Live | undefined): Put {
  if (former !== undefined) {
    const raw = former.doc.raw === undefined ? {} : { raw: former.doc.raw }
    return { key, head: former.doc.head, body: former.doc.body, ...raw }
  }
  return { key, head: { type: now?.doc.head.type ?? 'unknown', gone: true, reason: 'undone' }, body: '' }
}

// --- texts that were taken back ---------------------------------------------------------------------------------------

/**
 * Does what the records in the refs say: takes removed texts out of the local chains, and clears away what names them.
 * `due`: only what a process of this clone began and did not end (one look for a file).
 */
export function settleRemovals(store: Store, which: 'due' | 'all'): void {
  const due = dueRemovals(store)
  const refs = which === 'due' ? due : new Set([...due, ...refsWithRemovals(store)])
  for (const ref of refs) {
    finishRemoval(store, ref)
  }
}

// --- linear refs ----------------------------------------------------------------------------------------------------

/** A state of a linear ref: the files of its commit. */
export interface Chain {
  tip: Oid
  files: Map<string, string>
}

/** The state at `tip`; without it the local one, or the remote's where this clone has none of its own. */
export function readChain(store: Store, ref: string, at?: Oid | null): Chain | null {
  const tip = at ?? store.repo.tip(ref) ?? trackingTip(store, ref)
  if (tip === null) return null
  const files = store.repo.files(tip)
  const objects = store.repo.read(files.map((file) => file.oid))
  return { tip, files: new Map(files.map((file, i) => [file.path, objects[i]?.bytes.toString('utf8') ?? ''])) }
}

export interface ChainStep {
  files: ReadonlyMap<string, string>
  subject: string
  trailers?: Readonly<Record<string, string>>
}

/**
 * Puts one state behind another: the commit, or a refusal when the ref is not where `from` says.
 * A stale step is an answer, never an overwrite.
 */
export function advance(store: Store, ref: string, from: Oid | null, step: ChainStep): Oid | Refusal {
  const { repo } = store
  if (kindOf(ref) !== 'linear') throw new DstackError('INTERNAL', `${ref} is not a linear ref.`)
  const batch = repo.batch()
  const edits = new Map(
    [...step.files].map(([path, text]) => [path, { mode: '100644', oid: batch.blob(Buffer.from(text)) }]),
  )
  const empty = new Map(foldersOf(edits.keys()).map((folder) => [folder, []]))
  const tree = editTree(batch, empty, edits) ?? batch.tree([])
  const trailers = Object.entries(step.trailers ?? {})
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
  const message = `${step.subject}\n${trailers === '' ? '' : `\n${trailers}`}`
  const tip = batch.commit({ tree, parents: from === null ? [] : [from], ...signatures(store), message })
  repo.save(batch)
  const lock = repo.lock()
  try {
    // A follower has no local ref, or an old one: its step goes on top of the tracked tip.
    const local = repo.tip(ref)
    if (local !== from && !followsTracked(store, ref, local, from)) return stale(ref)
    if (!repo.move(ref, tip, local, step.subject, lock)) return stale(ref)
    repo.ensure(batch)
    return tip
  } finally {
    lock?.release()
  }
}

function followsTracked(store: Store, ref: string, local: Oid | null, from: Oid | null): boolean {
  if (from === null || trackingTip(store, ref) !== from) return false
  return local === null || store.repo.divergence(local, from).left.length === 0
}

function stale(ref: string): Refusal {
  return {
    refused: 'CONTENDED',
    message: `${ref} has moved on meanwhile.`,
    hint: 'Look at it again, then decide anew.',
  }
}

// --- evidence -------------------------------------------------------------------------------------------------------

/** Adds a line to what is known of an object (a commit or a tree). The same facts twice are one line. */
export function attest(
  store: Store,
  name: string,
  target: Oid,
  facts: Record<string, Json> & { t: string },
): EvidenceLine {
  const { repo, env } = store
  const ref = `refs/notes/dstack/${name}`
  const line = evidenceLine(facts, hashText)
  const lock = repo.lock()
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      const local = repo.tip(ref)
      const path = notePath(target)
      const places = notePlaces(target)
      const found = local === null ? [] : repo.read(places.map((place) => `${local}:${place}`))
      const texts = found.map((note) => (note?.type === 'blob' ? note.bytes.toString('utf8') : ''))
      const text = unionLines([...texts, line])
      const batch = repo.batch()
      const others = places.filter((place, i) => place !== path && found[i]?.type === 'blob')
      const edits = new Map<string, { mode: string; oid: Oid } | null>(others.map((place) => [place, null]))
      edits.set(path, { mode: '100644', oid: batch.blob(Buffer.from(text)) })
      const tree = editTree(batch, loadFolders(repo, local, foldersOf(edits.keys())), edits) ?? batch.tree([])
      const message = `evidence: ${facts.t} on ${target.slice(0, 12)}\n`
      const tip = batch.commit({ tree, parents: local === null ? [] : [local], ...signatures(store), message })
      repo.save(batch)
      if (repo.move(ref, tip, local, `evidence: ${facts.t}`, lock)) {
        repo.ensure(batch)
        return JSON.parse(line) as EvidenceLine
      }
      env.pause(10 + env.random() * 80)
    }
  } finally {
    lock?.release()
  }
  throw new DstackError('CONTENDED', `Could not write ${ref}: other writers were faster 20 times.`, {
    hint: 'Run the command again.',
  })
}

/** What is known of an object, here and as far as it was fetched. Retracted lines are left out. */
export function evidenceOf(store: Store, name: string, target: Oid): EvidenceLine[] {
  return evidenceOfAll(store, name, [target]).get(target) ?? []
}

/** The same for several objects by one process; `tips` instead of the refs where a push brings them just now. */
export function evidenceOfAll(
  store: Store,
  name: string,
  targets: readonly Oid[],
  tips: readonly Oid[] = [],
): Map<Oid, EvidenceLine[]> {
  const ref = `refs/notes/dstack/${name}`
  const known = [store.repo.tip(ref), trackingTip(store, ref), ...tips].filter((tip) => tip !== null)
  const wanted = [...new Set(targets)].flatMap((target) =>
    [...new Set(known)].flatMap((tip) => notePlaces(target).map((place) => ({ target, name: `${tip}:${place}` }))),
  )
  const notes = store.repo.read(
    wanted.map((one) => one.name),
    4 * 1024 * 1024,
  )
  const texts = new Map<Oid, string[]>(targets.map((target) => [target, []]))
  for (const [i, note] of notes.entries()) {
    if (note?.type === 'blob') texts.get(wanted[i]?.target ?? '')?.push(note.bytes.toString('utf8'))
  }
  return new Map([...texts].map(([target, all]) => [target, readLines(unionLines(all))]))
}

// --- what is ours ---------------------------------------------------------------------------------------------------

export interface OwnRef {
  ref: string
  local: Oid | null
  tracked: Oid | null
}

/** All our refs, here and as fetched. Inbox refs belong to their writers, and leases do not travel. */
export function ownRefs(store: Store, names: Iterable<string>): OwnRef[] {
  return [...new Set(names)]
    .filter((ref) => !isInbox(ref) && !isLease(ref))
    .sort()
    .map((ref) => ({ ref, local: store.repo.tip(ref), tracked: trackingTip(store, ref) }))
}
