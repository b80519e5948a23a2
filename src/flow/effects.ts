// What a step changes: the new state, and what is to be done outside of it. Pure; every guard has agreed already.

import type { Event, Facts } from './facts'
import { openP1 } from './guards'
import {
  type Finding,
  type FindingState,
  type Flow,
  type LeafState,
  type Pausable,
  type Review,
  STATUS_OF,
  type State,
  type Step,
  type Track,
} from './schema'

/** What the door does once the state is written. Each may be done twice without harm. */
export type Effect =
  /** A reserved commit on the branch; a note on the first one when `again`. */
  | { kind: 'marker'; event: 'approve' | 'amend' | 'plan' | 'complete'; leaf: string | null; again: boolean }
  /** The companion says that the phase is done, with these commits. */
  | { kind: 'companion'; leaf: string }
  | { kind: 'release' }

interface Applied {
  flow: Flow
  effects: Effect[]
}

/** @throws TypeError when a guard should have stopped it */
export function applied(flow: Flow | null, event: Event, facts: Facts): Applied {
  if (flow === null) return opened(event, facts)
  const done = CHANGES[event.trigger as Exclude<Event['trigger'], 'open'>](flow, event, facts)
  const { state } = done.flow
  const moved = { ...state, rev: flow.state.rev + 1, status: STATUS_OF[state.step] }
  return { ...done, flow: { ...done.flow, state: { ...moved, clocks: { ...state.clocks, moved: facts.now } } } }
}

function opened(event: Event, facts: Facts): Applied {
  const { now, policy } = facts
  const state: State = {
    v: 1,
    slug: event.slug ?? '',
    goal: (event.goal ?? '').trim(),
    rev: 1,
    step: 'Decomposing',
    status: 'running',
    leaf: null,
    branch: null,
    start: null,
    return_to: 'Ready',
    contract: null,
    approvals: 0,
    leaves: {},
    dispatch: null,
    paused: null,
    skip: 0,
    unverified: 'refuse',
    markers: policy.markers,
    fired: null,
    engine: null,
    extensions: 0,
    review_failed: null,
    longprocs: [],
    clocks: { opened: now, run: now, moved: now },
  }
  const none = new Map<string, never>()
  return { flow: { state, contract: '', specs: none, feedback: none, reviews: none }, effects: [] }
}

type Change = (flow: Flow, event: Event, facts: Facts) => Applied

const only = (flow: Flow, state: Partial<State>, effects: Effect[] = []): Applied => ({
  flow: { ...flow, state: { ...flow.state, ...state } },
  effects,
})

function leafOf(state: State): string {
  if (state.leaf === null) throw new TypeError(`no leaf in ${state.step}`)
  return state.leaf
}

function withLeaf(state: State, id: string, change: Partial<LeafState>): State['leaves'] {
  const leaf = state.leaves[id]
  if (leaf === undefined) throw new TypeError(`no leaf ${id}`)
  return { ...state.leaves, [id]: { ...leaf, ...change } }
}

/** How many more waits accept by themselves after this one. */
function skipAfter(state: State, event: Event): number {
  const more = /^a(\d+)$/.exec(event.key ?? '')?.[1]
  if (more !== undefined) return state.skip + Number(more)
  // Without an answer it accepted by itself: one of the promised ones is used up.
  return event.key === undefined ? Math.max(0, state.skip - 1) : state.skip
}

// --- findings -------------------------------------------------------------------------------------------------------

function superseded(flow: Flow, tracks: readonly Track[]): Flow {
  const reviews = new Map(
    [...flow.reviews].map(([run, review]): [string, Review] => {
      const old = review.leaf === flow.state.leaf && tracks.includes(review.track)
      return [run, old ? { ...review, superseded: true } : review]
    }),
  )
  return { ...flow, reviews }
}

/** Gives open findings of the present leaf another state, with who or what decided it. */
export function decided(flow: Flow, which: (finding: Finding) => boolean, status: FindingState, by: string): Flow {
  const reviews = new Map(
    [...flow.reviews].map(([run, review]): [string, Review] => {
      if (review.leaf !== flow.state.leaf || review.superseded) return [run, review]
      const findings = review.findings.map((finding) =>
        finding.status === 'open' && which(finding) ? { ...finding, status, resolved_by: by } : finding,
      )
      return [run, { ...review, findings }]
    }),
  )
  return { ...flow, reviews }
}

/** Stores what a person wrote for whoever works on the present leaf; the same text again is nothing new. */
export function withFeedback(flow: Flow, text: string): Flow {
  const { state } = flow
  const id = state.leaf
  if (id === null || flow.feedback.get(id) === text) return flow
  const leaves = withLeaf(state, id, { feedback: (state.leaves[id]?.feedback ?? 0) + 1 })
  return { ...flow, feedback: new Map([...flow.feedback, [id, text]]), state: { ...state, leaves } }
}

// --- the steps ------------------------------------------------------------------------------------------------------

const GO_BACK: Readonly<Partial<Record<Pausable, Step>>> = {
  PlanReviewWait: 'Plan',
  ReviewWait: 'Implement',
  CheckpointWait: 'Implement',
}

const CHANGES: Record<Exclude<Event['trigger'], 'open'>, Change> = {
  approve(flow, _event, facts) {
    const { state } = flow
    const { contract } = facts
    if (contract === null) throw new TypeError('no contract')
    const leaves: State['leaves'] = {}
    const changed: string[] = []
    for (const spec of contract.parsed.leaves) {
      const former = state.leaves[spec.id]
      const hash = contract.specs.get(spec.id)?.hash ?? ''
      const amended = former !== undefined && former.spec !== hash
      if (amended) changed.push(spec.id)
      leaves[spec.id] = {
        status: former === undefined || former.status === 'dropped' ? 'pending' : former.status,
        title: spec.title,
        needs: spec.depends_on,
        spec: hash,
        base: former?.base ?? null,
        order: former?.order ?? 0,
        plan: former?.plan ?? null,
        approved: former?.approved ?? false,
        amended: amended ? [...former.amended, facts.now] : (former?.amended ?? []),
        feedback: former?.feedback ?? 0,
      }
    }
    for (const [id, former] of Object.entries(state.leaves)) leaves[id] ??= { ...former, status: 'dropped' }
    const back = state.return_to === 'Paused'
    // A leaf that the contract does not have any more can't be gone on with.
    const lost = back && state.leaf !== null && leaves[state.leaf]?.status === 'dropped'
    const paused = lost && state.paused !== null ? { ...state.paused, from: 'Ready' as const } : state.paused
    const next: Flow = {
      ...flow,
      contract: contract.text,
      specs: new Map([...contract.specs].map(([id, { text }]) => [id, text])),
      state: {
        ...state,
        step: back ? 'Paused' : 'Ready',
        leaf: lost ? null : state.leaf,
        paused,
        return_to: null,
        contract: contract.hash,
        approvals: state.approvals + 1,
        branch: state.branch ?? facts.head.branch,
        start: state.start ?? facts.head.oid,
        leaves,
      },
    }
    const again = state.approvals > 0
    const markers: Effect[] = [
      { kind: 'marker', event: again ? 'amend' : 'approve', leaf: null, again: state.approvals > 1 },
    ]
    return { flow: closedByAmendment(next, changed, facts.now), effects: [...markers, { kind: 'release' }] }
  },

  amend: (flow) => {
    const { step } = flow.state
    return only(flow, { step: 'Decomposing', return_to: step === 'Paused' ? 'Paused' : 'Ready' })
  },

  start_leaf(flow, event, facts) {
    const { state } = flow
    const id = event.leaf ?? readyLeaf(state)
    if (id === null) throw new TypeError('no leaf is ready')
    const order = 1 + Math.max(0, ...Object.values(state.leaves).map((leaf) => leaf.order))
    return only(flow, {
      step: 'Plan',
      leaf: id,
      leaves: withLeaf(state, id, { status: 'running', base: facts.head.oid, order }),
      clocks: { ...state.clocks, run: facts.now },
      dispatch: null,
      review_failed: null,
      engine: null,
      extensions: 0,
    })
  },

  submit_plan(flow, _event, facts) {
    const { state } = flow
    const leaves = withLeaf(state, leafOf(state), { plan: facts.plan?.hash ?? null })
    const fresh = superseded(flow, ['plan'])
    return only(fresh, { step: 'PlanReview', leaves, dispatch: { key: null, open_p1: [], iteration: 0 } })
  },

  hold_plan: (flow) => only(flow, { step: 'PlanReviewWait', dispatch: pending(flow) }),

  rerun_plan: (flow, event) =>
    only(superseded(flow, ['plan']), {
      step: 'PlanReview',
      dispatch: { key: event.key ?? 'r', open_p1: [], iteration: 0 },
      review_failed: null,
    }),

  accept_plan(flow, event, facts) {
    const { state } = flow
    const leaf = leafOf(state)
    const again = state.leaves[leaf]?.approved === true
    const next = accepted(flow, event, facts)
    return only(
      next,
      {
        step: 'Implement',
        skip: skipAfter(state, event),
        dispatch: null,
        leaves: withLeaf(next.state, leaf, { approved: true }),
      },
      [{ kind: 'marker', event: 'plan', leaf, again }],
    )
  },

  submit_impl: (flow) =>
    only(superseded(flow, ['A', 'B']), {
      step: 'PhaseReview',
      dispatch: { key: null, open_p1: [], iteration: 0 },
    }),

  hold_impl: (flow) => only(flow, { step: 'ReviewWait', dispatch: pending(flow) }, [{ kind: 'release' }]),

  rerun_impl: (flow, event) =>
    only(superseded(flow, ['A', 'B']), {
      step: 'PhaseReview',
      dispatch: { key: event.key ?? 'r', open_p1: [], iteration: 0 },
      review_failed: null,
    }),

  accept_impl: (flow, event, facts) =>
    only(accepted(flow, event, facts), {
      step: 'CheckpointWait',
      skip: skipAfter(flow.state, event),
      dispatch: null,
    }),

  seal_leaf(flow, event, facts) {
    const leaf = leafOf(flow.state)
    const closing = event.key === 'n' ? 'accepted' : 'deferred'
    const { state, ...rest } = decided(flow, () => true, closing, facts.who)
    return only(
      { state, ...rest },
      {
        step: 'Ready',
        leaf: null,
        dispatch: null,
        skip: skipAfter(state, event),
        leaves: withLeaf(state, leaf, { status: 'sealed' }),
        fired: null,
      },
      [{ kind: 'companion', leaf }, { kind: 'marker', event: 'complete', leaf, again: false }, { kind: 'release' }],
    )
  },

  recheck: (flow) =>
    only(superseded(flow, ['A', 'B']), {
      step: 'PhaseReview',
      dispatch: { key: 'r', open_p1: [], iteration: 0 },
    }),

  finish: (flow) => only(flow, { step: 'Done' }, [{ kind: 'release' }]),

  pause(flow, event, facts) {
    const { state } = flow
    const condition = event.condition?.id ?? null
    const before = state.leaf === null ? 0 : (state.leaves[state.leaf]?.feedback ?? 0)
    const said = event.feedback === undefined ? flow : withFeedback(flow, event.feedback)
    const done = facts.tasks.filter(({ status }) => status === 'done').length
    return only(
      said,
      {
        step: 'Paused',
        skip: 0,
        paused: {
          from: state.step as Pausable,
          cause: event.actor,
          condition,
          reason: event.condition?.reason ?? event.reason ?? 'a person paused it',
          feedback: before,
        },
        fired: condition === null ? state.fired : { condition, leaf: state.leaf, done },
      },
      [{ kind: 'release' }],
    )
  },

  resume(flow, _event, facts) {
    const { state } = flow
    const { paused } = state
    if (paused === null) throw new TypeError('not paused')
    const changed = state.leaf !== null && (state.leaves[state.leaf]?.feedback ?? 0) > paused.feedback
    const step = (changed ? GO_BACK[paused.from] : undefined) ?? paused.from
    return only(flow, {
      step,
      leaf: step === 'Ready' ? null : state.leaf,
      paused: null,
      dispatch: step === 'Plan' || step === 'Implement' || step === 'Ready' ? null : state.dispatch,
      skip: 0,
      engine: null,
      review_failed: null,
      clocks: { ...state.clocks, run: facts.now },
    })
  },

  abort: (flow) =>
    only(flow, { step: 'Aborted', leaf: null, dispatch: null, paused: null, return_to: null }, [{ kind: 'release' }]),
}

/** The first pending leaf, by number, whose needs are sealed. */
export function readyLeaf(state: State): string | null {
  const ready = Object.keys(state.leaves).filter((id) => {
    const leaf = state.leaves[id]
    return leaf?.status === 'pending' && leaf.needs.every((need) => state.leaves[need]?.status === 'sealed')
  })
  return ready.sort(byNumber)[0] ?? null
}

export function byNumber(a: string, b: string): number {
  const [[a1 = 0, a2 = 0], [b1 = 0, b2 = 0]] = [a.split('.').map(Number), b.split('.').map(Number)]
  return a1 - b1 || a2 - b2
}

function pending(flow: Flow): NonNullable<State['dispatch']> {
  return { key: null, open_p1: openP1(flow), iteration: flow.state.dispatch?.iteration ?? 0 }
}

/** `n` takes everything as it is; otherwise only what is not P1 stays open, for the seal to close. */
function accepted(flow: Flow, event: Event, facts: Facts): Flow {
  return event.key === 'n' ? decided(flow, () => true, 'accepted', facts.who) : flow
}

/** What a review found against the old contract, and the new one now says, is closed with that reference. */
function closedByAmendment(flow: Flow, changed: readonly string[], at: string): Flow {
  const { leaf } = flow.state
  if (leaf === null || !changed.includes(leaf)) return flow
  return decided(
    flow,
    (finding) => finding.class === 'scope_creep' || finding.class === 'contract_break',
    'accepted',
    `decomposition: amended ${leaf} ${at}`,
  )
}
