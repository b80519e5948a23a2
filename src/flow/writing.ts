// Writing a flow: one commit on its ref, published at once, then what follows from it on the branch. The store comes as an argument.

import { DstackError, isRefusal, type Refusal } from '../errors'
import type { Oid } from '../git/git'
import { holdsLease, releaseLease } from '../lease/lease'
import { addCompanion } from '../plan/plan'
import { advance, attest, fetchRefspecs, type Store, trackingRef, trackingTip } from '../store/store'
import { type Entry, encodeFlow, entryTrailers, subjectOf } from './codec'
import type { Effect } from './effects'
import { type Marker, markerMessage, readMarkers } from './markers'
import { placeOf, type Standing, standingOf } from './reading'
import type { Flow } from './schema'

export function leaseName(slug: string): string {
  return `flow-${slug}`
}

/** Where the state got to: on the remote, or only here (no remote, unreachable, another transport). */
export interface Written {
  tip: Oid
  sent: boolean
  warnings: string[]
}

export interface WriteRequest {
  slug: string
  /** The commit that this one stands on; null for the first. */
  from: Oid | null
  flow: Flow
  entry: Entry
  /** For people: the trigger, or the name of the operation. */
  what: string
  effects: readonly Effect[]
}

/** Brings what the team wrote since; false when the remote can't be reached. */
export async function refresh(store: Store): Promise<boolean> {
  if (store.remote === null || store.carrier !== null) return true
  try {
    await store.repo.fetch(store.remote, fetchRefspecs(store.remote))
    return true
  } catch (error) {
    if (error instanceof DstackError && error.code === 'REMOTE_UNAVAILABLE') return false
    throw error
  }
}

/**
 * Writes one step. Refused (CONTENDED, condition A11) when somebody else's step came first: nothing has changed then.
 * What follows on the branch is written down before, so that a crash in between is made good by the next command.
 */
export async function writeFlow(store: Store, request: WriteRequest): Promise<Written | Refusal> {
  const { slug, from, flow, entry, what, effects } = request
  const place = placeOf(store, slug)
  noteDue(store, { v: 1, slug, from, rev: flow.state.rev, effects: [...effects] })
  const fence = holdsLease(store, leaseName(slug))?.id ?? null
  const tip = advance(store, place.ref, from, {
    files: encodeFlow(flow),
    subject: subjectOf(slug, entry, what),
    trailers: entryTrailers(slug, entry, fence),
  })
  if (isRefusal(tip)) {
    noteDue(store, null)
    return raced(slug)
  }
  const warnings: string[] = []
  const published = await publish(store, place.ref, tip, place.tracked)
  if (published === 'raced') {
    store.repo.move(place.ref, place.local, tip, `flow: ${slug} was changed elsewhere meanwhile`)
    noteDue(store, null)
    return raced(slug)
  }
  if (published !== 'sent' && published !== 'local') warnings.push(published.why)
  warnings.push(...followUp(store, slug, flow, tip, effects))
  noteDue(store, null)
  if (effects.some(({ kind }) => kind === 'release')) warnings.push(...(await release(store, slug)))
  return { tip, sent: published === 'sent', warnings }
}

function raced(slug: string): Refusal {
  return {
    refused: 'CONTENDED',
    message: `Somebody else's step of ${slug} came first (A11); yours was not made.`,
    hint: `Look at it again: \`git dstack flow show ${slug}\`.`,
    data: { condition: 'A11' },
  }
}

async function publish(
  store: Store,
  ref: string,
  tip: Oid,
  tracked: Oid | null,
): Promise<'sent' | 'local' | 'raced' | { why: string }> {
  const { remote, carrier, repo } = store
  if (remote === null || carrier !== null) return 'local'
  try {
    const [result] = await repo.push(remote, [{ dst: ref, src: tip, expect: tracked }])
    if (result?.outcome === 'raced') return 'raced'
    if (result?.outcome === 'refused')
      return { why: `${remote} refused ${ref}: ${result.reason}; the step is only here.` }
  } catch (error) {
    if (!(error instanceof DstackError) || error.code !== 'REMOTE_UNAVAILABLE') throw error
    return { why: `${remote} can't be reached; the step is only here until \`git dstack sync\`.` }
  }
  // git moves it along where the refspecs are in place; what follows must not depend on that.
  const now = trackingTip(store, ref)
  if (now !== tip) repo.move(trackingRef(remote, ref), tip, now, 'flow: sent')
  return 'sent'
}

export async function release(store: Store, slug: string): Promise<string[]> {
  try {
    const done = await releaseLease(store, leaseName(slug))
    return isRefusal(done) ? [done.message] : []
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return [`The lease could not be given back: ${error.message}`]
  }
}

// --- what follows on the branch -------------------------------------------------------------------------------------

interface Due {
  v: 1
  slug: string
  from: Oid | null
  rev: number
  effects: Effect[]
}

const DUE = 'flow-due.json'

function noteDue(store: Store, due: Due | null): void {
  const path = store.repo.oursHere(DUE)
  const { files } = store.env
  const pending = due?.effects.some(({ kind }) => kind !== 'release') ?? false
  if (pending) files.write(path, JSON.stringify(due), { sync: true })
  else if (files.stat(path) !== null) files.remove(path)
}

/** Makes good what a crash left undone: the state was written, its marker or companion was not. */
export function settle(store: Store): string[] {
  const text = store.env.files.read(store.repo.oursHere(DUE))?.toString('utf8')
  if (text === undefined) return []
  const due = JSON.parse(text) as Due
  const local = placeOf(store, due.slug).local
  const standing = local === null ? null : standingOf(store, due.slug)
  if (local === null || standing === null || isRefusal(standing) || !isStepOf(store, standing, local, due)) {
    noteDue(store, null)
    return []
  }
  const warnings = followUp(store, due.slug, standing.flow, local, due.effects)
  noteDue(store, null)
  return warnings
}

/** The step that was begun is the one that stands there. */
function isStepOf(store: Store, { flow }: Standing, local: Oid, { from, rev }: Due): boolean {
  const [commit] = store.repo.log([local], { limit: 1 })
  return flow.state.rev === rev && (commit?.parents[0] ?? null) === from
}

/** Each effect looks first whether it is there already. */
function followUp(store: Store, slug: string, flow: Flow, tip: Oid, effects: readonly Effect[]): string[] {
  const warnings: string[] = []
  for (const effect of effects) {
    if (effect.kind === 'marker') warnings.push(...setMarker(store, slug, flow, tip, effect))
    if (effect.kind === 'companion') warnings.push(...sealCompanion(store, slug, flow, effect.leaf))
  }
  return warnings
}

type MarkerEffect = Extract<Effect, { kind: 'marker' }>

function setMarker(store: Store, slug: string, flow: Flow, tip: Oid, effect: MarkerEffect): string[] {
  const { work } = store.repo
  const { state } = flow
  for (let attempt = 0; attempt < 5; attempt++) {
    const head = work.head()
    if (head.oid === null || head.branch === null || head.branch !== state.branch) {
      return [`The marker "${effect.event}" could not be set: HEAD is not on ${state.branch}.`]
    }
    const there = markersSince(store, state.start, head.oid)
    const mine = (marker: Marker) =>
      marker.slug === slug && marker.event === effect.event && marker.leaf === effect.leaf
    if (there.some((marker) => mine(marker) && marker.state === tip)) return []
    const facts = { t: 'marker', slug, event: effect.event, leaf: effect.leaf, state: tip }
    if (state.markers === 'notes') {
      attest(store, 'flow', head.oid, facts)
      return []
    }
    const first = there.find((marker) => mine(marker) && !marker.voided)
    if (effect.again && first !== undefined) {
      attest(store, 'flow', first.oid, { ...facts, t: 'approval' })
      return []
    }
    const leaves = Object.entries(state.leaves)
      .filter(([, { status }]) => status !== 'dropped')
      .map(([id, { title, needs }]) => ({ id, title, needs }))
    const { event, leaf } = effect
    const message =
      event === 'approve' || event === 'amend'
        ? markerMessage({ slug, state: tip, event, leaves })
        : markerMessage({ slug, state: tip, event, leaf: leaf ?? '' })
    if (work.mark(message, { branch: head.branch, expect: head.oid }) !== null) return []
  }
  return [`The marker "${effect.event}" could not be set: ${state.branch} kept moving.`]
}

export function markersSince(store: Store, from: Oid | null, head: Oid): Marker[] {
  const { work } = store.repo
  if (from === null || !work.isAncestor(from, head)) return []
  return readMarkers(work.commits({ from, to: head }))
}

function sealCompanion(store: Store, slug: string, flow: Flow, leaf: string): string[] {
  const { work } = store.repo
  const base = flow.state.leaves[leaf]?.base ?? null
  const { oid } = work.head()
  const since =
    base === null || oid === null || !work.isAncestor(base, oid)
      ? []
      : work.commits({ from: base, to: oid }, { files: true })
  const commits = since.filter(({ files }) => files.length > 0).map((commit) => commit.oid.slice(0, 10))
  const done = addCompanion(store, slug, { phase: leaf, status: 'DONE', commits })
  return isRefusal(done) ? [`The companion could not be written: ${done.message}`] : []
}
