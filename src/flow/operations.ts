// What changes a flow without being one of its eighteen transitions. Pure: a flow in, a flow or a refusal out.

import * as z from 'zod/mini'
import type { Refusal } from '../errors'
import { Given as GivenFinding } from '../review/schema'
import { byNumber, decided, withFeedback } from './effects'
import { openP1 } from './guards'
import { parsed } from './legal'
import type { Recovered } from './recover'
import {
  CLASSES,
  type Finding,
  type FindingState,
  type Flow,
  type LeafState,
  type Review,
  STATUS_OF,
  type State,
  type Track,
} from './schema'

const refuse = (refused: Refusal['refused'], message: string, hint?: string): Refusal => ({
  refused,
  message,
  ...(hint === undefined ? {} : { hint }),
})

function withState(flow: Flow, change: Partial<State>): Flow {
  return { ...flow, state: { ...flow.state, ...change, rev: flow.state.rev + 1 } }
}

export function setUnverified(flow: Flow, unverified: State['unverified']): Flow {
  return withState(flow, { unverified })
}

/** Feedback for the present leaf: while it is paused, it decides where a resume leads. */
export function setFeedback(flow: Flow, text: string): Flow | Refusal {
  if (flow.state.leaf === null) return refuse('REFUSED', 'Feedback belongs to a leaf, and none is running.')
  return withState(withFeedback(flow, text), {})
}

/** A fix attempt: somebody answered accept, and there are P1 findings to fix first. */
export function fixing(flow: Flow, key: string): Flow {
  const { dispatch } = flow.state
  return withState(flow, {
    dispatch: { key, open_p1: openP1(flow), iteration: (dispatch?.iteration ?? 0) + 1 },
  })
}

// --- reviews --------------------------------------------------------------------------------------------------------

/** A finding as a reviewer gives it, with what became of it when it was looked up. */
const Given = z.extend(GivenFinding, { fingerprint: z.optional(z.string()), verified: z.optional(z.boolean()) })

const GivenReview = z.object({
  track: z.optional(z.enum(['plan', 'A', 'B'])),
  reviewer: z.optional(z.string()),
  findings: z.array(Given).check(z.maxLength(500)),
})

export interface ReviewRequest {
  /** JSON: `{ track?, reviewer?, findings: [...] }`, or the list of findings alone. */
  text: string
  track?: Track
  reviewer?: string
  leaf: string
  of: string
  at: string
}

/** Which track is wanted where nobody says so. */
function trackFor(flow: Flow): Track | null {
  if (flow.state.step === 'PlanReview' || flow.state.step === 'PlanReviewWait') return 'plan'
  return null
}

/** Stores what a reviewer found. A second result on a track supersedes the first. */
export function addReview(flow: Flow, request: ReviewRequest): { flow: Flow; review: Review } | Refusal {
  const list = request.text.trim().startsWith('[') ? `{"findings":${request.text}}` : request.text
  const given = parsed(GivenReview, list, 'the review')
  if ('broken' in given) {
    return refuse(
      'USAGE',
      `This is no review: ${given.broken}.`,
      'JSON: {"track":"A","reviewer":"codex","findings":[{"severity":"P1","class":"bug","claim":"…","path":"src/a.ts"}]}.',
    )
  }
  const track = request.track ?? given.value.track ?? trackFor(flow)
  if (track === null)
    return refuse('USAGE', 'Which track is it?', 'Add --track A (the code) or --track B (the contract).')
  const taken = [...flow.reviews.values()].filter((review) => review.leaf === request.leaf && review.track === track)
  const run = `${request.leaf}-${track}-${taken.length + 1}`
  const findings: Finding[] = []
  for (const [i, { lines, ...finding }] of given.value.findings.entries()) {
    const wrong = findingProblem(track, finding)
    if (wrong !== null) return refuse('USAGE', `Finding ${i + 1}: ${wrong}.`)
    findings.push({
      id: `${run}-${i + 1}`,
      run,
      track,
      ...finding,
      ...(lines === undefined ? {} : { lines: String(lines) }),
      status: 'open',
    })
  }
  const review: Review = {
    v: 1,
    run,
    track,
    leaf: request.leaf,
    of: request.of,
    reviewer: request.reviewer ?? given.value.reviewer ?? 'unnamed',
    at: request.at,
    superseded: false,
    findings,
  }
  const reviews = new Map(flow.reviews)
  for (const old of taken) reviews.set(old.run, { ...old, superseded: true })
  reviews.set(run, review)
  return { flow: withState({ ...flow, reviews }, { review_failed: null }), review }
}

function findingProblem(track: Track, finding: { class: string; contract_ref?: string | undefined }): string | null {
  if (!CLASSES[track].includes(finding.class)) {
    return `"${finding.class}" is no class of track ${track} (${CLASSES[track].join(', ')})`
  }
  if (track === 'B' && (finding.contract_ref ?? '').trim() === '') {
    return 'a finding of track B names the clause of the contract (contract_ref)'
  }
  return null
}

/** No review could be had: the condition A8. */
export function failReview(flow: Flow, why: string): Flow {
  return withState(flow, { review_failed: why })
}

export function decideFinding(
  flow: Flow,
  id: string,
  status: Exclude<FindingState, 'open'>,
  by: string,
): Flow | Refusal {
  const all = [...flow.reviews.values()].filter(({ superseded }) => !superseded).flatMap(({ findings }) => findings)
  const named = all.filter((finding) => finding.id === id || finding.id.startsWith(id))
  const exact = named.find((finding) => finding.id === id) ?? (named.length === 1 ? named[0] : undefined)
  if (exact === undefined) {
    const open = all.filter((finding) => finding.status === 'open').map((finding) => finding.id)
    return refuse(
      named.length > 1 ? 'AMBIGUOUS' : 'NOT_FOUND',
      named.length > 1 ? `"${id}" can be ${named.map((one) => one.id).join(', ')}.` : `There is no finding ${id}.`,
      open.length === 0 ? 'None is open.' : `Open: ${open.join(', ')}.`,
    )
  }
  if (exact.status !== 'open') return refuse('REFUSED', `${exact.id} is ${exact.status} already.`)
  return withState(
    decided(flow, (finding) => finding.id === exact.id, status, by),
    {},
  )
}

// --- rollback, recovery, by hand --------------------------------------------------------------------------------------

const RESTING = new Set(['Ready', 'Paused', 'Aborted', 'Done'])

/** Only where nothing runs. A flow that had ended can go on afterwards: its leaves are pending again. */
export function rollbackRefusal({ state }: Flow): Refusal | null {
  if (RESTING.has(state.step)) return null
  return {
    refused: 'ILLEGAL',
    message: `A rollback is not possible in ${state.step}; possible in ${[...RESTING].join(', ')}.`,
    hint: 'Pause it first: `git dstack flow pause`.',
    data: { step: state.step, allowed: [...RESTING] },
  }
}

/** These leaves as if they had never been started. Where something was running, it is paused between leaves. */
export function rolledBack(flow: Flow, leaves: readonly string[]): Flow {
  const { state } = flow
  const back = (leaf: LeafState): LeafState => ({
    ...leaf,
    status: 'pending',
    base: null,
    order: 0,
    plan: null,
    approved: false,
  })
  const next = Object.fromEntries(
    Object.entries(state.leaves).map(([id, leaf]) => [id, leaves.includes(id) ? back(leaf) : leaf]),
  )
  const reviews = new Map(
    [...flow.reviews].map(([run, review]) => [
      run,
      leaves.includes(review.leaf) ? { ...review, superseded: true } : review,
    ]),
  )
  const paused = state.paused === null ? null : { ...state.paused, from: 'Ready' as const }
  return withState(
    { ...flow, reviews },
    {
      leaves: next,
      leaf: null,
      dispatch: null,
      paused,
      fired: null,
      ...(state.step === 'Done' ? { step: 'Ready' as const, status: STATUS_OF.Ready } : {}),
    },
  )
}

/** A flow from what the branch tells, paused: a person looks before it goes on. `former` is what could still be read. */
export function recovered(
  found: Recovered,
  former: Flow | null,
  place: { branch: string; now: string; rev: number },
): Flow {
  const { now } = place
  const leaves: State['leaves'] = {}
  for (const { id, title, needs, status, base, order } of found.leaves) {
    const known = former?.state.leaves[id]
    const isOpen = status === 'running' && base !== null
    leaves[id] = {
      status: status === 'running' && !isOpen ? 'pending' : status,
      title,
      needs,
      spec: known?.spec ?? '',
      base,
      order,
      plan: known?.plan ?? null,
      approved: status !== 'pending',
      amended: known?.amended ?? [],
      feedback: known?.feedback ?? 0,
    }
  }
  const running = Object.keys(leaves).find((id) => leaves[id]?.status === 'running') ?? null
  const from = running === null ? ('Ready' as const) : ('Implement' as const)
  const state: State = {
    v: 1,
    slug: found.slug,
    goal: former?.state.goal ?? `recovered from ${place.branch}`,
    rev: place.rev + 1,
    step: 'Paused',
    status: 'paused',
    leaf: running,
    branch: place.branch,
    start: found.base,
    return_to: null,
    contract: former?.state.contract ?? null,
    approvals: 1 + found.contract.amendments,
    leaves,
    dispatch: null,
    paused: { from, cause: 'human', condition: null, reason: 'recovered from the markers of the branch', feedback: 0 },
    skip: 0,
    unverified: former?.state.unverified ?? 'refuse',
    markers: former?.state.markers ?? 'commits',
    fired: null,
    engine: null,
    extensions: 0,
    review_failed: null,
    longprocs: [],
    clocks: { opened: new Date(found.since * 1000).toISOString(), run: now, moved: now },
  }
  const none = new Map<string, never>()
  return {
    state,
    contract: former?.contract ?? '',
    specs: former?.specs ?? none,
    feedback: former?.feedback ?? none,
    reviews: former?.reviews ?? none,
  }
}

/** A person did the leaf outside of the flow and says so. `head` is what the marker will stand on: nothing before it is the flow's. */
export function markedDone(flow: Flow, id: string, head: string | null = null): Flow | Refusal {
  const { state } = flow
  const leaf = state.leaves[id]
  if (state.step !== 'Ready' && state.step !== 'Paused') {
    return {
      refused: 'ILLEGAL',
      message: `A leaf can't be marked done in ${state.step}; possible in Ready, Paused.`,
      hint: 'Pause it first: `git dstack flow pause`.',
      data: { step: state.step, allowed: ['Ready', 'Paused'] },
    }
  }
  if (leaf === undefined) {
    const known = Object.keys(state.leaves).sort(byNumber).join(', ')
    return refuse('NOT_FOUND', `There is no leaf ${id}.`, known === '' ? undefined : `There are: ${known}.`)
  }
  if (leaf.status === 'sealed' || leaf.status === 'dropped') return refuse('REFUSED', `Leaf ${id} is ${leaf.status}.`)
  if (state.leaf !== null && state.leaf !== id) return refuse('REFUSED', `Leaf ${state.leaf} is not finished.`)
  const open = leaf.needs.filter((need) => state.leaves[need]?.status !== 'sealed')
  if (open.length > 0) return refuse('REFUSED', `Leaf ${id} needs ${open.join(', ')} first.`)
  if (state.unverified !== 'allow') {
    return refuse(
      'REFUSED',
      `Nothing shows that leaf ${id} is done.`,
      'Accept work without evidence first: `git dstack flow set unverified allow` (shown in its status).',
    )
  }
  const order = leaf.order || 1 + Math.max(0, ...Object.values(state.leaves).map((one) => one.order))
  const paused = state.paused === null ? null : { ...state.paused, from: 'Ready' as const }
  return withState(flow, {
    leaf: null,
    dispatch: null,
    paused,
    leaves: { ...state.leaves, [id]: { ...leaf, status: 'sealed', order, base: leaf.base ?? head } },
  })
}
