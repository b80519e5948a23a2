// The door to other clones: fetch, fold, push, read back. "On another machine" is said here and nowhere else.

import { DstackError } from '../errors'
import { type Oid, type PushResult, type RefUpdate, remotes } from '../git/git'
import {
  acknowledgedTips,
  CARRIER_MESSAGE,
  carriedTips,
  carrierRef,
  fetchRefspecs,
  foldInto,
  formatManifest,
  INBOX,
  isKnownInside,
  kindOf,
  OUR_PREFIXES,
  removedIn,
  type Store,
  settleRemovals,
  signatures,
} from '../store/store'
import { refspecHazards } from './hazards'
import { readRecord, writeRecord } from './record'
import { scanOutgoing } from './scan'
import type { RefReport, SyncRecord, SyncReport } from './schema'
import { type Tips, tipsByRef } from './tips'

export { exportBundle, foldCarrier } from './carriers'
export { pushHazards, refspecHazards } from './hazards'
export { readRecord } from './record'
export type { SyncReport } from './schema'
export { tipsByRef, unsynced } from './tips'

export interface SyncOptions {
  /** Milliseconds for each call to the remote. */
  limit?: number
  /** Fingerprints of findings that a person has looked at. */
  allowSecrets?: ReadonlySet<string>
  /** Give up at once where the remote refused before (hooks); a person who types `sync` always tries. */
  background?: boolean
}

const ROUNDS = 5
/** A remote that refuses by policy is left alone for so long by background work. */
const WAIT_AFTER_REFUSAL_MS = 60_000
export const DEFAULT_CARRIER = 'dstack-state'

/** Brings this clone and the elected remote to the same state, and says only what was read back from the remote. */
export async function sync(store: Store, options: SyncOptions = {}): Promise<SyncReport> {
  const { env } = store
  const remote = electedRemote(store)
  refuseHazards(store)
  const record = readRecord(store, remote)
  if (options.background && record.waitUntil !== undefined && env.now().toISOString() < record.waitUntil) {
    throw new DstackError(
      'REMOTE_REFUSED',
      `${remote} refused our refs a moment ago; not tried again before ${record.waitUntil}.`,
    )
  }
  const session: Session = { store, remote, options, report: emptyReport(store, remote), record }
  const done = env.out.progress(`Talking to ${remote}`)
  try {
    settleRemovals(store, 'all')
    bringBack(store)
    for (let round = 1; round <= ROUNDS; round++) {
      await fetchState(session)
      const tips = tipsByRef(session.store)
      foldAll(session, tips)
      if ((await publish(session, tips)) !== 'raced') break
      if (round === ROUNDS) await publishInbox(session)
      else env.pause(50 + env.random() * 750)
    }
    settleRemovals(session.store, 'due')
    writeRecord(store, remote, record)
  } finally {
    done()
  }
  return session.report
}

interface Session {
  store: Store
  remote: string
  options: SyncOptions
  report: SyncReport
  record: SyncRecord
}

/** The one remote that carries the state. @throws NO_REMOTE */
export function electedRemote(store: Store): string {
  const { config } = store.repo
  const known = remotes(config).map(({ name }) => name)
  const elected = store.remote
  if (elected !== null && known.includes(elected)) return elected
  const why = elected === null ? 'No remote was chosen for this clone' : `The chosen remote "${elected}" is gone`
  throw new DstackError('NO_REMOTE', `${why}${known.length === 0 ? ', and there is none' : ''}.`, {
    hint:
      known.length === 0
        ? 'Work goes on locally. Add a remote, then run `git dstack init`.'
        : `Run \`git dstack init --remote ${known[0]}\`.`,
  })
}

function refuseHazards(store: Store): void {
  const [hazard] = refspecHazards(remotes(store.repo.config))
  if (hazard !== undefined) throw new DstackError('REFSPEC_HAZARD', hazard.message, { hint: `Run: ${hazard.mend}` })
}

// --- one round ------------------------------------------------------------------------------------------------------

async function fetchState({ store, remote, options }: Session): Promise<void> {
  const limit = options.limit === undefined ? {} : { limit: options.limit }
  const refspecs = store.carrier === null ? fetchRefspecs(remote) : [carrierRefspec(remote, store.carrier)]
  await store.repo.fetch(remote, refspecs, { prune: true, ...limit })
}

/** A glob, although it means one branch: git refuses a whole fetch for a single name that is missing. */
export function carrierRefspec(remote: string, branch: string): string {
  return `+refs/heads/${branch}*:${carrierRef(remote, branch)}*`
}

export /** Folds everything that was fetched into the local refs; linear ones only forward. `tips` then says what is local. */
function foldAll(session: Session, tips: Tips): void {
  const { store, report } = session
  const lock = store.repo.lock()
  const fold = (ref: string, oid: Oid, hub: boolean) => {
    const folded = foldInto(store, ref, oid, hub, lock)
    tips.local.set(ref, folded.tip)
    report.received += folded.gained
    return folded.how
  }
  try {
    for (const [ref, oid] of tips.tracked) {
      const local = tips.local.get(ref)
      if (wentBack(session, ref, oid)) {
        report.warnings.push(
          `${ref} on ${session.remote} went back behind what it held before; what this clone has is sent again.`,
        )
      }
      if (local === oid || (local === undefined && kindOf(ref) === 'linear')) continue
      if (local !== undefined && isKnownInside(store, ref, oid, local)) continue
      const how = fold(ref, oid, true)
      if (how === 'refused') {
        const detail = 'both sides have moved; nothing was overwritten'
        note(report, { ref, outcome: kindOf(ref) === 'linear' ? 'stale' : 'newer', detail })
      } else if (how !== 'nothing') note(report, { ref, outcome: how === 'merge' ? 'merged' : 'received' })
    }
    for (const carrier of tips.inboxes.values()) {
      for (const [ref, oid] of carriedTips(store.repo, carrier)) fold(ref, oid, false)
    }
  } finally {
    lock?.release()
  }
}

/** The remote held a commit that is not in its tip any more: somebody forced or restored it. */
function wentBack({ store, record }: Session, ref: string, oid: Oid): boolean {
  const last = record.tips[ref]
  if (last === undefined || last === oid || !store.repo.has(last)) return false
  if (removedIn(store, ref, last, 'all').held.size > 0) return false // written again without a removed text
  return store.repo.divergence(last, oid).left.length > 0
}

/** A ref of ours that was overwritten from outside still holds, in its reflog, what was acknowledged: it comes back. */
function bringBack(store: Store): void {
  for (const [ref, acknowledged] of acknowledgedTips(store)) {
    if (store.repo.tip(ref) === acknowledged) continue
    if (store.repo.has(acknowledged)) foldInto(store, ref, acknowledged, false, null)
  }
}

// --- publishing -----------------------------------------------------------------------------------------------------

type Published = 'done' | 'raced'

async function publish(session: Session, tips: Tips): Promise<Published> {
  const { carrier } = session.store
  return carrier === null ? publishRefs(session, tips) : publishCarrier(session, carrier, tips)
}

async function publishRefs(session: Session, tips: Tips): Promise<Published> {
  const { store, remote, report, options } = session
  const outgoing = [...tips.local].filter(([ref, oid]) => tips.tracked.get(ref) !== oid && !isStuck(report, ref))
  const { clean, writes } = await scanned(session, outgoing, tips)
  const rewritten = new Set(clean.flatMap(([ref]) => (mustReplace(store, ref, tips) ? [ref] : [])))
  const updates: RefUpdate[] = clean.map(([dst, src]) => {
    // The one push that is no fast-forward, and only over exactly what was seen.
    return rewritten.has(dst) ? { dst, src, expect: tips.tracked.get(dst) ?? null } : { dst, src }
  })
  if (updates.length === 0) {
    await readBack(session, tips.local)
    await emptyInboxes(session, tips)
    return 'done'
  }
  const answers = await store.repo.push(remote, updates, options.limit)
  for (const { dst, reason } of answers.filter((answer) => rewritten.has(answer.dst) && isForbidden(answer))) {
    note(report, { ref: dst, outcome: 'refused', detail: `the remote takes no rewritten history (${reason})` })
  }
  const results = answers.filter(({ dst }) => !isStuck(report, dst))
  if (results.some((result) => result.outcome === 'raced')) return 'raced'
  const refused = results.filter((result) => result.outcome === 'refused')
  if (refused.length > 0 && answers.every((result) => result.outcome === 'refused')) return refusedAll(session, refused)
  for (const { dst, reason } of refused) note(report, { ref: dst, outcome: 'refused', detail: reason })
  for (const { dst, outcome } of results) if (outcome === 'done') note(report, { ref: dst, outcome: 'sent' })
  report.sent += writes
  await readBack(session, new Map([...tips.local].filter(([ref]) => !isStuck(report, ref))))
  await emptyInboxes(session, tips)
  return 'done'
}

/** The remote's tip holds what a redactor pinned here removed. */
function mustReplace(store: Store, ref: string, tips: Tips): boolean {
  const tracked = tips.tracked.get(ref)
  return tracked !== undefined && removedIn(store, ref, tracked, 'pinned').held.size > 0
}

/** A lease was kept, and the host still wants fast-forwards only (`receive.denyNonFastForwards`, a protected ref). */
function isForbidden({ outcome, reason }: PushResult): boolean {
  return (
    outcome === 'refused' || (outcome === 'raced' && /remote rejected/.test(reason) && /non-fast-forward/.test(reason))
  )
}

/** What lay in an inbox is on the shared refs now; only then it goes, and only if its writer has put nothing new. */
async function emptyInboxes({ store, remote, report, options }: Session, tips: Tips): Promise<void> {
  if (tips.inboxes.size === 0 || !report.checked) return
  const updates = [...tips.inboxes].map(([dst, oid]): RefUpdate => ({ dst, src: null, expect: oid }))
  await store.repo.push(remote, updates, options.limit)
}

/** A diverged linear ref, a refused one, one with a secret: not pushed again in this sync. */
function isStuck(report: SyncReport, ref: string): boolean {
  return report.refs.some(
    (entry) => entry.ref === ref && ['stale', 'newer', 'refused', 'secret', 'redacted'].includes(entry.outcome),
  )
}

/** What may go out, and how many writes that is. A ref with something like a credential in it stays here. */
async function scanned(
  session: Session,
  outgoing: [string, Oid][],
  tips: Tips,
): Promise<{ clean: [string, Oid][]; writes: number }> {
  const { store, report, options } = session
  const { findings, redacted, writes } = await scanOutgoing(
    store,
    outgoing,
    [...tips.tracked.values()],
    options.allowSecrets,
  )
  for (const { ref, what } of findings) note(report, { ref, outcome: 'secret', detail: what })
  for (const ref of redacted) note(report, { ref, outcome: 'redacted', detail: 'it holds a text that was redacted' })
  const clean = outgoing.filter(([ref]) => !isStuck(report, ref))
  return { clean, writes: clean.reduce((sum, [ref]) => sum + (writes.get(ref) ?? 0), 0) }
}

/** "On the remote" is said only of what the remote itself answers. */
async function readBack(session: Session, expected: ReadonlyMap<string, Oid>): Promise<void> {
  const { store, remote, report, options, record } = session
  const patterns = OUR_PREFIXES.map((prefix) => `${prefix}*`)
  const there = new Map(
    (await store.repo.remoteTips(remote, patterns, options.limit)).map(({ ref, oid }) => [ref, oid]),
  )
  record.tips = Object.fromEntries(there)
  // A faster writer may have put more on top: ours is there when the remote's tip contains it.
  const missing = [...expected].filter(([ref, oid]) => there.get(ref) !== oid && kindOf(ref) !== 'foreign')
  report.checked = missing.every(([ref, oid]) => isInside(store, oid, there.get(ref)))
}

function isInside(store: Store, oid: Oid, tip: Oid | undefined): boolean {
  if (tip === undefined) return false
  // A commit that we don't have yet was built by somebody on top of what was there: the next sync will tell.
  if (!store.repo.has(tip)) return false
  return store.repo.divergence(oid, tip).left.length === 0
}

/** The host refuses every ref of ours: if it takes a branch, that carries them from now on. */
async function refusedAll(session: Session, refused: readonly PushResult[]): Promise<Published> {
  const { store, remote, report, options } = session
  const reason = refused[0]?.reason ?? ''
  if (store.repo.config.get('dstack.transport') === undefined && !options.background) {
    session.store = { ...store, carrier: DEFAULT_CARRIER }
    try {
      await fetchState(session)
      const tips = tipsByRef(session.store)
      foldAll(session, tips)
      const published = await publish(session, tips)
      useCarrier(store, remote, DEFAULT_CARRIER)
      report.transport = `branch:${DEFAULT_CARRIER}`
      report.warnings.push(
        `${remote} refuses refs under refs/dstack/ (${reason}); the state travels on the branch ${DEFAULT_CARRIER} from now on.`,
      )
      return published
    } catch (error) {
      // A host that takes no branch either refuses everything: nothing is changed, and its first answer is the reason.
      if (!(error instanceof DstackError && error.code === 'REMOTE_REFUSED')) throw error
      session.store = store
    }
  }
  session.record.waitUntil = new Date(store.env.now().getTime() + WAIT_AFTER_REFUSAL_MS).toISOString()
  writeRecord(store, remote, session.record, { failed: true })
  throw new DstackError('REMOTE_REFUSED', `${remote} refused ${refused.map(({ dst }) => dst).join(', ')}: ${reason}.`, {
    hint: 'Your work is kept here. If the host allows only branches: `git dstack config set transport branch:dstack-state`.',
    data: { refs: refused.map(({ dst }) => dst) },
  })
}

/** Makes a branch the transport of this clone, so that plain `git fetch` brings it. */
export function useCarrier(store: Store, remote: string, branch: string): void {
  store.repo.git(['config', '--local', 'dstack.transport', `branch:${branch}`])
  const refspec = carrierRefspec(remote, branch)
  if (!store.repo.config.all(`remote.${remote}.fetch`).includes(refspec)) {
    store.repo.git(['config', '--local', '--add', `remote.${remote}.fetch`, refspec])
  }
}

async function publishCarrier(session: Session, branch: string, tips: Tips): Promise<Published> {
  const { store, remote, report, options } = session
  const outgoing = [...tips.local].filter(([ref, oid]) => tips.tracked.get(ref) !== oid && !isStuck(report, ref))
  const { clean, writes } = await scanned(session, outgoing, tips)
  const dst = `refs/heads/${branch}`
  const previous = store.repo.tip(carrierRef(remote, branch))
  if (clean.length > 0) {
    // Its own history would keep what a redactor removed.
    const fresh = clean.some(([ref]) => mustReplace(store, ref, tips))
    const carrier = makeCarrier(store, new Map([...tips.tracked, ...clean]), fresh ? null : previous)
    const [result] = await store.repo.push(remote, [{ dst, src: carrier, expect: previous }], options.limit)
    if (result?.outcome === 'raced') return 'raced'
    if (result?.outcome !== 'done') {
      throw new DstackError(
        'REMOTE_REFUSED',
        `${remote} refused the branch ${branch}: ${result?.reason ?? 'no answer'}.`,
        {
          hint: 'Your work is kept here; ask who runs the host which branches you may push.',
        },
      )
    }
    for (const [ref] of clean) note(report, { ref, outcome: 'sent' })
    report.sent += writes
    store.repo.move(carrierRef(remote, branch), carrier, store.repo.tip(carrierRef(remote, branch)), 'dstack: pushed')
  }
  const ours = store.repo.tip(carrierRef(remote, branch))
  const there = await store.repo.remoteTips(remote, [dst], options.limit)
  report.checked = there.find(({ ref }) => ref === dst)?.oid === (ours ?? undefined)
  return 'done'
}

/** One commit that holds all tips: the former carrier first, so that the branch only ever goes forward. */
function makeCarrier(store: Store, tips: ReadonlyMap<string, Oid>, previous: Oid | null): Oid {
  const { repo } = store
  const batch = repo.batch()
  const manifest = batch.blob(Buffer.from(formatManifest(tips)))
  const tree = batch.tree([{ mode: '100644', name: 'manifest', oid: manifest }])
  const parents = [...(previous === null ? [] : [previous]), ...new Set([...tips.values()].sort())]
  const carrier = batch.commit({ tree, parents, ...signatures(store), message: CARRIER_MESSAGE })
  repo.save(batch)
  return carrier
}

/** The shared refs are contended: what is ours goes where nobody else writes, and whoever syncs next takes it in. */
async function publishInbox(session: Session): Promise<void> {
  const { store, remote, report, options } = session
  if (store.carrier !== null) throw contended(remote)
  const tips = tipsByRef(store)
  const outgoing = [...tips.local].filter(([ref, oid]) => {
    return (
      tips.tracked.get(ref) !== oid &&
      !isStuck(report, ref) &&
      (kindOf(ref) === 'convergent' || kindOf(ref) === 'evidence')
    )
  })
  const { clean } = await scanned(session, outgoing, tips)
  const dst = `${INBOX}${store.env.newId()}`
  const carrier = makeCarrier(store, new Map(clean), null)
  const [result] = await store.repo.push(remote, [{ dst, src: carrier, expect: null }], options.limit)
  if (result?.outcome !== 'done') throw contended(remote)
  for (const [ref] of clean)
    note(report, { ref, outcome: 'inbox', detail: 'the ref was contended; whoever syncs next takes it in' })
  report.checked = (await store.repo.remoteTips(remote, [dst], options.limit))[0]?.oid === carrier
}

function contended(remote: string): DstackError {
  return new DstackError('CONTENDED', `Others were faster ${ROUNDS} times on ${remote}.`, {
    hint: 'Your work is kept here; run `git dstack sync` again.',
  })
}

// --- the report ------------------------------------------------------------------------------------------------------

function emptyReport(store: Store, remote: string): SyncReport {
  const transport = store.carrier === null ? 'refs' : `branch:${store.carrier}`
  return { remote, transport, sent: 0, received: 0, checked: false, refs: [], warnings: [] }
}

function note(report: SyncReport, entry: RefReport): void {
  report.refs = [...report.refs.filter(({ ref }) => ref !== entry.ref), entry]
}
