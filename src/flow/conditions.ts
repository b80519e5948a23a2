// The eleven conditions that stop a flow, each a question to what was seen. Pure.

import type { Condition, Policy, TaskFact } from './facts'
import { openP1 } from './guards'
import { CONDITION_IDS, type ConditionId, type Flow, type State } from './schema'

/** One run of a gate, for the loop check. */
export interface GateRun {
  tree: string
  /** The predicate that failed, with the hash of its output; null: nothing failed. */
  failing: string | null
}

/** What the conditions look at. */
export interface Signs {
  /** ISO 8601. */
  now: string
  policy: Policy
  /** A person has asked to abort. */
  abortAsked: boolean
  disabled: string | null
  /** Who is to implement the present leaf; null: no leaf. */
  engine: string | null
  /** ISO 8601 of the last commit, gate run or heartbeat that belongs to the flow; null: none yet. */
  lastSign: string | null
  tasks: readonly TaskFact[]
  gateRuns: readonly GateRun[]
  /** Trees of the leaf's commits since the present run began, oldest first. */
  trees: readonly string[]
  /** Leaves whose contract text is not the pinned one; files outside of the scope. Sentences. */
  drift: readonly string[]
  /** What is broken in state, chain, branch or markers. Sentences. */
  integrity: readonly string[]
}

type Check = (flow: Flow, signs: Signs) => string | null

const RUNNING = new Set(['Plan', 'PlanReview', 'Implement', 'PhaseReview'])
const MINUTE = 60_000

const minutes = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / MINUTE

const CHECKS: Readonly<Record<ConditionId, Check>> = {
  A1: (_flow, { abortAsked }) => (abortAsked ? 'a person asked to abort.' : null),
  A2: (_flow, { disabled }) => (disabled === null ? null : `everything is switched off (${disabled}).`),
  A3({ state }, { now, policy }) {
    const ran = minutes(state.clocks.run, now)
    if (!RUNNING.has(state.step) || ran <= policy.maxDurationMinutes) return null
    return `it has been running for ${Math.floor(ran)} minutes; ${policy.maxDurationMinutes} are allowed.`
  },
  A4({ state }, { now, policy, lastSign }) {
    if (!RUNNING.has(state.step)) return null
    const stuck = state.longprocs.find((one) => one.state === 'STUCK' && minutes(one.beat, now) > policy.maxIdleMinutes)
    if (stuck !== undefined) return `${stuck.id} has been stuck for ${Math.floor(minutes(stuck.beat, now))} minutes.`
    const last = [
      state.clocks.moved,
      ...(lastSign === null ? [] : [lastSign]),
      ...state.longprocs.map(({ beat }) => beat),
    ]
    const idle = Math.min(...last.map((at) => minutes(at, now)))
    return idle <= policy.maxIdleMinutes ? null : `nothing has happened for ${Math.floor(idle)} minutes.`
  },
  A5(_flow, { tasks, policy }) {
    const bad = tasks.find(({ status, failures }) => status !== 'done' && failures >= policy.failureThreshold)
    return bad === undefined ? null : `task ${bad.id} failed its gate ${bad.failures} times.`
  },
  A6: ({ state }, { gateRuns, trees }) => (RUNNING.has(state.step) ? loopIn(gateRuns, trees) : null),
  A7({ state }, { policy, engine }) {
    // An intent that nothing carries out yet: said clearly, and left to a person.
    if (engine === 'teamagents' && state.step === 'Implement') {
      return `leaf ${state.leaf} asks for the engine teamagents, which can't be started; choose another engine.`
    }
    // What ended is over once somebody has paused for it; a resume begins anew.
    if (state.engine === null || !RUNNING.has(state.step)) return null
    const { end, note } = state.engine
    if (end === 'budget_limited' && state.extensions < policy.extensions) return null
    return `the engine ended ${end.replace('_', ' ')}${note === '' ? '' : `: ${note}`}.`
  },
  A8: ({ state }) =>
    state.review_failed === null || !RUNNING.has(state.step) ? null : `no review could be had: ${state.review_failed}.`,
  A9(flow, { policy }) {
    const { dispatch, skip } = flow.state
    if (dispatch === null) return null
    const open = openP1(flow)
    const accepts = dispatch.key === 'y' || dispatch.key?.startsWith('a') === true || skip > 0 || !policy.hitl
    if (!accepts || open.length === 0 || dispatch.iteration < policy.fixIterations) return null
    return `${open.join(', ')} ${open.length === 1 ? 'is' : 'are'} open after ${dispatch.iteration} tries to fix.`
  },
  A10: (_flow, { drift }) => drift[0] ?? null,
  A11: (_flow, { integrity }) => integrity[0] ?? null,
}

/** Conditions that hold now, in order of their numbers. An ended flow has none. */
export function conditionsOf(flow: Flow, signs: Signs): Condition[] {
  const { state } = flow
  if (state.step === 'Done' || state.step === 'Aborted') return []
  return CONDITION_IDS.flatMap((id): Condition[] => {
    const reason = CHECKS[id](flow, signs)
    return reason === null ? [] : [{ id, reason, action: actionOf(id, state, signs) }]
  })
}

function actionOf(id: ConditionId, state: State, { policy, tasks }: Signs): Condition['action'] {
  if (id === 'A1') return 'abort'
  if (id === 'A7' && state.engine?.end === 'budget_limited') return policy.budgetAction
  const done = tasks.filter(({ status }) => status === 'done').length
  const again = state.fired?.condition === id && state.fired.leaf === state.leaf && state.fired.done === done
  return again && id !== 'A2' ? policy.escalate : 'pause'
}

const TIMES = 3

/** Three gate runs in a row on one tree, or with one and the same failure; or a commit that goes back to a former tree. */
function loopIn(runs: readonly GateRun[], trees: readonly string[]): string | null {
  const last = runs.slice(-TIMES)
  const [first] = last
  if (first !== undefined && last.length === TIMES) {
    if (last.every(({ tree, failing }) => tree === first.tree && failing !== null)) {
      return `the gate failed ${TIMES} times in a row on the same tree.`
    }
    if (first.failing !== null && last.every(({ failing }) => failing === first.failing)) {
      return `the same check failed ${TIMES} times in a row with the same output.`
    }
  }
  const changes = trees.filter((tree, i) => tree !== trees[i - 1])
  const back = changes.find((tree, i) => changes.indexOf(tree) < i)
  return back === undefined ? null : 'a commit went back to files as they were before.'
}
