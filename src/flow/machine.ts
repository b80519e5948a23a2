// The machine as one table and one pure function: state, event and facts in; a new state and effects, or a refusal, out.

import type { Refusal } from '../errors'
import { applied, type Effect } from './effects'
import type { Event, Facts } from './facts'
import { BY_ITSELF, GUARDS, type GuardName } from './guards'
import { type Flow, PAUSABLE, type Step, TRIGGERS, type Trigger } from './schema'

export interface Transition {
  /** E1 … E18. */
  id: string
  trigger: Trigger
  from: readonly Step[]
  /** Where it can lead; more than one: the event, or what was paused, decides. */
  to: readonly Step[]
  actor: 'human' | 'engine' | 'both'
  guards: readonly GuardName[]
}

const LIVE = ['Decomposing', ...PAUSABLE, 'Paused'] as const

/** Exactly eighteen. Every diagram and the test of all 234 pairs are made of this table. */
export const TRANSITIONS: readonly Transition[] = [
  {
    id: 'E1',
    trigger: 'open',
    from: ['NotStarted'],
    to: ['Decomposing'],
    actor: 'human',
    guards: ['optedIn', 'notDisabled', 'slugFits', 'slugFree', 'goalGiven'],
  },
  {
    id: 'E2',
    trigger: 'approve',
    from: ['Decomposing'],
    to: ['Ready', 'Paused'],
    actor: 'human',
    guards: [
      'personSays',
      'contractWhole',
      'sealedUntouched',
      'contractReviewed',
      'saidYes',
      'onSomeBranch',
      'onBranch',
    ],
  },
  {
    id: 'E3',
    trigger: 'amend',
    from: ['Ready', 'Paused'],
    to: ['Decomposing'],
    actor: 'human',
    guards: ['leafNotSealed'],
  },
  {
    id: 'E4',
    trigger: 'start_leaf',
    from: ['Ready'],
    to: ['Plan'],
    actor: 'engine',
    guards: ['notDisabled', 'leafReady', 'onBranch', 'approvalHere', 'treeClean', 'leaseHeld', 'noCondition'],
  },
  {
    id: 'E5',
    trigger: 'submit_plan',
    from: ['Plan'],
    to: ['PlanReview'],
    actor: 'engine',
    guards: [
      'notDisabled',
      'planGiven',
      'planFits',
      'planTyped',
      'planChecked',
      'planInScope',
      'planCovers',
      'planOrdered',
      'companionThere',
    ],
  },
  {
    id: 'E6',
    trigger: 'hold_plan',
    from: ['PlanReview'],
    to: ['PlanReviewWait'],
    actor: 'engine',
    guards: ['notDisabled', 'planReviewStored', 'hitlOn', 'planWaitOn', 'nothingSkipped'],
  },
  {
    id: 'E7',
    trigger: 'rerun_plan',
    from: ['PlanReviewWait'],
    to: ['PlanReview'],
    actor: 'human',
    guards: ['personSays'],
  },
  {
    id: 'E8',
    trigger: 'accept_plan',
    from: ['PlanReviewWait', 'PlanReview'],
    to: ['Implement'],
    actor: 'both',
    guards: ['personSays', 'engineOn', 'planAutoAllowed', 'planReviewThere', 'noOpenP1', 'onBranch', 'planBudget'],
  },
  {
    id: 'E9',
    trigger: 'submit_impl',
    from: ['Implement'],
    to: ['PhaseReview'],
    actor: 'engine',
    guards: ['notDisabled', 'tasksDone', 'tasksGreen', 'leafGreen', 'noLongproc', 'companionFresh'],
  },
  {
    id: 'E10',
    trigger: 'hold_impl',
    from: ['PhaseReview'],
    to: ['ReviewWait'],
    actor: 'engine',
    guards: ['notDisabled', 'tracksStored', 'hitlOn', 'reviewWaitOn', 'nothingSkipped'],
  },
  {
    id: 'E11',
    trigger: 'rerun_impl',
    from: ['ReviewWait'],
    to: ['PhaseReview'],
    actor: 'human',
    guards: ['personSays'],
  },
  {
    id: 'E12',
    trigger: 'accept_impl',
    from: ['ReviewWait', 'PhaseReview'],
    to: ['CheckpointWait'],
    actor: 'both',
    guards: ['personSays', 'engineOn', 'implAutoAllowed', 'tracksThere', 'noOpenP1', 'gateGreen'],
  },
  {
    id: 'E13',
    trigger: 'seal_leaf',
    from: ['CheckpointWait'],
    to: ['Ready'],
    actor: 'both',
    guards: ['personSays', 'engineOn', 'sealAutoAllowed', 'gateGreen', 'onBranch', 'sealBudget'],
  },
  {
    id: 'E14',
    trigger: 'recheck',
    from: ['CheckpointWait'],
    to: ['PhaseReview'],
    actor: 'human',
    guards: ['personSays'],
  },
  {
    id: 'E15',
    trigger: 'finish',
    from: ['Ready'],
    to: ['Done'],
    actor: 'engine',
    guards: ['notDisabled', 'allSealed', 'contractGreen', 'noLongprocAtAll'],
  },
  { id: 'E16', trigger: 'pause', from: PAUSABLE, to: ['Paused'], actor: 'both', guards: ['conditionGiven'] },
  {
    id: 'E17',
    trigger: 'resume',
    from: ['Paused'],
    to: PAUSABLE,
    actor: 'human',
    guards: ['personSays', 'notDisabled', 'acknowledged', 'conditionGone', 'onBranch', 'inSync'],
  },
  { id: 'E18', trigger: 'abort', from: LIVE, to: ['Aborted'], actor: 'both', guards: ['abortMeant'] },
]

/** What a person's answer means at each wait. `f` pauses; `aN` is `y` for N more waits. */
export const KEYS: Readonly<Partial<Record<Step, Readonly<Record<'y' | 'n' | 'r' | 'f' | 'a', Trigger>>>>> = {
  PlanReviewWait: { y: 'accept_plan', n: 'accept_plan', a: 'accept_plan', r: 'rerun_plan', f: 'pause' },
  ReviewWait: { y: 'accept_impl', n: 'accept_impl', a: 'accept_impl', r: 'rerun_impl', f: 'pause' },
  CheckpointWait: { y: 'seal_leaf', n: 'seal_leaf', a: 'seal_leaf', r: 'recheck', f: 'pause' },
}

/** The trigger of an answer, or why there is none. */
export function triggerOfKey(step: Step, key: string): Trigger | Refusal {
  const keys = KEYS[step]
  if (keys === undefined) {
    return {
      refused: 'ILLEGAL',
      message: `Nobody is asked in ${step}; answers count in ${Object.keys(KEYS).join(', ')}.`,
      hint: 'See `git dstack flow show`.',
      data: { step, allowed: allowedIn(step) },
    }
  }
  const letter = /^(?:[ynrf]|a[1-9][0-9]?)$/.exec(key)?.[0]?.[0]
  if (letter === undefined) {
    return {
      refused: 'USAGE',
      message: `"${key}" is no answer.`,
      hint: 'Use accept (y), final (n), rerun (r), feedback (f), or accept with --skip N (aN, N from 1 to 99).',
    }
  }
  return keys[letter as 'y']
}

export function transitionOf(trigger: Trigger): Transition {
  const found = TRANSITIONS.find((transition) => transition.trigger === trigger)
  if (found === undefined) throw new TypeError(`no transition ${trigger}`)
  return found
}

/** Without an answer of a person this is the engine's step, whoever asks for it. */
export function isEngines(trigger: Trigger, key?: string): boolean {
  return key === undefined && (transitionOf(trigger).actor === 'engine' || BY_ITSELF.includes(trigger))
}

export function allowedIn(step: Step): Trigger[] {
  return TRIGGERS.filter((trigger) => transitionOf(trigger).from.includes(step))
}

export interface Moved {
  flow: Flow
  effects: Effect[]
  transition: Transition
}

/**
 * One step of the machine. `flow` is null where the slug has no ref yet (NotStarted).
 * Refusals: ILLEGAL (the step does not take this trigger), or the first guard that objects.
 */
export function step(flow: Flow | null, event: Event, facts: Facts): Moved | Refusal {
  const from = flow?.state.step ?? 'NotStarted'
  const transition = transitionOf(event.trigger)
  if (!transition.from.includes(from)) return illegal(from, event.trigger)
  for (const name of transition.guards) {
    const objection = GUARDS[name]({ flow, event, facts })
    if (objection === null) continue
    const { refused = 'REFUSED', message, hint, data } = objection
    return {
      refused,
      message,
      ...(hint === undefined ? {} : { hint }),
      data: { ...data, guard: name, transition: transition.id, step: from },
    }
  }
  return { ...applied(flow, event, facts), transition }
}

/** Why a step does not take a trigger, and which it takes. */
export function illegal(from: Step, trigger: Trigger): Refusal {
  const allowed = allowedIn(from)
  const end = from === 'Aborted' || from === 'Done'
  return {
    refused: 'ILLEGAL',
    message: `${trigger} is not possible in ${from}; ${end ? 'it has ended' : `possible: ${allowed.join(', ')}`}.`,
    hint: end ? 'Open a new slug with `git dstack decompose`.' : 'See `git dstack flow show`.',
    data: { step: from, trigger, allowed },
  }
}
