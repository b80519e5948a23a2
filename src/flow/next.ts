// What is due: a trigger that the engine fires by itself, or whose turn it is and which command they type. Pure.

import { readyLeaf } from './effects'
import type { Facts } from './facts'
import { currentTracks, openP1 } from './guards'
import type { Flow, State, Track, Trigger } from './schema'

export type Due =
  | { kind: 'fire'; trigger: Trigger; leaf?: string }
  /** Somebody has to do something first; the commands are exact. */
  | { kind: 'wait'; who: 'human' | 'agent'; why: string; commands: string[] }
  | { kind: 'end'; why: string }

const wait = (who: 'human' | 'agent', why: string, ...commands: string[]): Due => ({ kind: 'wait', who, why, commands })
const fire = (trigger: Trigger, leaf?: string): Due => ({
  kind: 'fire',
  trigger,
  ...(leaf === undefined ? {} : { leaf }),
})

/** Facts that the decision needs. */
export type Look = Pick<Facts, 'policy' | 'tasks' | 'companion' | 'contract'>

export function dueIn(flow: Flow, look: Look): Due {
  const { state } = flow
  const { policy } = look
  const leaf = state.leaf ?? ''
  switch (state.step) {
    case 'NotStarted':
    case 'Decomposing': {
      const edit = `git dstack plan edit ${state.slug} --part contract`
      const missing = look.contract?.issues.find(({ severity }) => severity !== 'warning')
      if (missing !== undefined) return wait('human', `The contract is not whole yet. ${missing.message}`, edit)
      return look.contract === null
        ? wait('human', 'The contract is to be written.', edit)
        : wait('human', 'The contract waits for a yes.', edit, `git dstack approve ${state.slug} --yes`)
    }
    case 'Ready':
      return ready(state)
    case 'Plan':
      return wait('agent', `Leaf ${leaf} needs its tasks.`, 'git dstack flow submit-plan FILE')
    case 'PlanReview':
      return planReview(flow, look)
    case 'PlanReviewWait':
    case 'ReviewWait':
    case 'CheckpointWait':
      return wait('human', `${ASKED[state.step]} ${leaf}?`, ...looksAt(state.step, leaf), ...ANSWERS)
    case 'Implement':
      return implement(state, look)
    case 'PhaseReview': {
      const missing = missingTracks(flow, policy.dualReview)
      if (policy.phaseReview && missing.length > 0) {
        const commands = missing.map((track) => `git dstack review import FILE --track ${track}`)
        return wait('agent', `The implementation of ${leaf} needs its review.`, ...commands)
      }
      if (policy.hitl && policy.reviewWait && policy.phaseReview && state.skip === 0) return fire('hold_impl')
      return openP1(flow).length > 0 ? fixes(flow, 'accept_impl') : fire('accept_impl')
    }
    case 'Paused':
      return wait(
        'human',
        `It is paused (${state.paused?.reason ?? ''}).`,
        `git dstack flow resume ${state.slug}${state.paused?.condition ? ` --ack ${state.paused.condition}` : ''}`,
        `git dstack flow abort ${state.slug} --yes`,
      )
    case 'Aborted':
      return { kind: 'end', why: 'It was aborted; every commit is there.' }
    case 'Done':
      return { kind: 'end', why: 'All leaves are sealed.' }
  }
}

const ASKED = {
  PlanReviewWait: 'Is this the plan for leaf',
  ReviewWait: 'Are these findings the last word on leaf',
  CheckpointWait: 'Seal leaf',
} as const

/** What there is to be looked at before somebody answers. */
function looksAt(step: keyof typeof ASKED, leaf: string): string[] {
  const tasks = step === 'PlanReviewWait' ? [`git dstack task list --leaf ${leaf}`] : []
  return [...tasks, 'git dstack review show']
}

const ANSWERS = [
  'git dstack flow answer accept',
  'git dstack flow answer final',
  'git dstack flow answer rerun',
  'git dstack flow answer feedback "TEXT"',
]

function ready(state: State): Due {
  const leaf = readyLeaf(state)
  if (leaf !== null) return fire('start_leaf', leaf)
  const open = Object.values(state.leaves).filter(({ status }) => status === 'pending' || status === 'running')
  if (open.length === 0) return fire('finish')
  return wait('human', 'No pending leaf can begin.', `git dstack amend ${state.slug}`)
}

function planReview(flow: Flow, { policy }: Look): Due {
  const { state } = flow
  if (policy.planReview && !currentTracks(flow).has('plan')) {
    return wait('agent', `The plan of ${state.leaf} needs its review.`, 'git dstack review import FILE --track plan')
  }
  if (policy.hitl && policy.planWait && policy.planReview && state.skip === 0) return fire('hold_plan')
  return openP1(flow).length > 0 ? fixes(flow, 'accept_plan') : fire('accept_plan')
}

function implement(state: State, { tasks, companion }: Look): Due {
  const open = tasks.filter(({ status }) => status !== 'done' && status !== 'skipped')
  const [running] = open.filter(({ status }) => status === 'running')
  if (running !== undefined) {
    return wait(
      'agent',
      `Task ${running.id} is running.`,
      `git dstack task show ${running.id}`,
      `git dstack task done ${running.id}`,
    )
  }
  const [next] = open
  if (next !== undefined) return wait('agent', `Task ${next.id} is next.`, `git dstack task start ${next.id}`)
  if (!companion.fresh) {
    return wait(
      'agent',
      'The companion does not know of the last commits.',
      `git dstack companion add ${state.leaf} --details "TEXT"`,
    )
  }
  return fire('submit_impl')
}

function fixes(flow: Flow, trigger: Trigger): Due {
  const open = openP1(flow)
  return wait(
    'agent',
    `${open.length} P1 ${open.length === 1 ? 'finding is' : 'findings are'} open: ${open.join(', ')}.`,
    ...open.map((id) => `git dstack review decide ${id} fixed`),
    `git dstack flow fire ${trigger}`,
  )
}

function missingTracks(flow: Flow, dual: boolean): Track[] {
  const have = currentTracks(flow)
  if (!dual) return have.has('A') || have.has('B') ? [] : ['A']
  return (['A', 'B'] as const).filter((track) => !have.has(track))
}
