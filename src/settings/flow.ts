// The settings of the flow: who is asked, how often something is tried, how long it may take. Pure.

import { flag, isWholeNumber } from './checks'
import type { Setting } from './table'

/** Dots become words: `flow.reviewDual` is `dstack.flow.reviewDual` in git's configuration. */
const SHARED = ['team', 'personal', 'clone'] as const

function switched(name: string, byDefault: boolean, help: string): Setting {
  return { name: `flow.${name}`, default: String(byDefault), help, layers: SHARED, problem: flag }
}

function counted(name: string, byDefault: number, least: number, most: number, help: string): Setting {
  return {
    name: `flow.${name}`,
    default: String(byDefault),
    help,
    layers: SHARED,
    problem: (value) => (isWholeNumber(value, least, most) ? null : `it is no number from ${least} to ${most}`),
  }
}

function chosen(name: string, values: readonly [string, ...string[]], help: string): Setting {
  return {
    name: `flow.${name}`,
    default: values[0],
    help,
    layers: SHARED,
    problem: (value) => (values.includes(value) ? null : `it is none of ${values.join(', ')}`),
  }
}

export const FLOW_SETTINGS: readonly Setting[] = [
  switched('hitl', true, 'a person is asked at the three waits of a leaf'),
  switched('planReview', true, "a leaf's plan is reviewed against the contract before it is implemented"),
  switched('planWait', true, 'with hitl: wait for a person after the review of a plan'),
  switched('phaseReview', true, "a leaf's implementation is reviewed"),
  switched('dualReview', true, 'two tracks, A for the code and B against the contract'),
  switched('reviewWait', true, 'with hitl: wait for a person after the review of an implementation'),
  switched('contractReview', false, 'a contract has a stored review before it is approved'),
  counted('fixIterations', 2, 0, 9, 'tries to fix a P1 finding before the flow pauses'),
  counted('failureThreshold', 3, 1, 99, 'failed gates of one task before the flow pauses'),
  counted('maxDurationMinutes', 240, 1, 100_000, 'running time after which the flow pauses'),
  counted('maxIdleMinutes', 30, 1, 100_000, 'time without commit, transition or heartbeat after which it pauses'),
  counted('extensions', 1, 0, 9, 'times that an engine may get more tokens'),
  chosen('budgetAction', ['pause', 'abort'], 'what an engine without tokens leads to'),
  chosen(
    'escalate',
    ['pause', 'abort'],
    'what a condition leads to that fires twice on a leaf with no task done between',
  ),
  chosen(
    'markers',
    ['commits', 'notes'],
    'where the two markers of a leaf go; notes where a host refuses empty commits',
  ),
  chosen('engine', ['claude', 'codex-goal', 'teamagents'], 'who implements a leaf that names no engine'),
  counted('leaseSeconds', 900, 10, 86_400, 'how long a flow stays with one machine without a sign of life'),
]
