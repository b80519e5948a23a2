// The eleven conditions: each with a world that trips it alone, and one beside it that doesn't.

import { describe, expect, test } from 'vitest'
import { conditionsOf, type Signs } from '../../src/flow/conditions'
import { CONDITION_IDS, type ConditionId, STEPS, type State, type Step } from '../../src/flow/schema'
import { flowAt, NOW, POLICY, review } from './fixtures'

const later = (minutes: number) => new Date(Date.parse(NOW) + minutes * 60_000).toISOString()
const task = (change: Partial<Signs['tasks'][number]> = {}): Signs['tasks'][number] => {
  return { id: '1.1-C01', status: 'running', verdict: 'red', failures: 0, engine: null, ...change }
}

const SIGNS: Signs = {
  now: later(1),
  policy: POLICY,
  abortAsked: false,
  disabled: null,
  engine: 'claude',
  lastSign: NOW,
  tasks: [task()],
  gateRuns: [],
  trees: ['a', 'a', 'b', 'c'],
  drift: [],
  integrity: [],
}

interface World {
  at?: Step
  state?: Partial<State>
  signs?: Partial<Signs>
  p1?: 'plan' | 'A'
}

function holding({ at = 'Implement', state = {}, signs = {}, p1 }: World) {
  const reviews = p1 === undefined ? [] : [review(p1, [{ severity: 'P1' }])]
  return conditionsOf(flowAt(at, state, reviews), { ...SIGNS, ...signs })
}

const run = (tree: string, failing: string | null) => ({ tree, failing })
const dispatch = (key: string | null, iteration: number) => ({ dispatch: { key, open_p1: [], iteration } })
const ended = (end: 'unmet' | 'budget_limited') => ({ engine: { end, note: '' } })

/** What trips it, and what comes nearest without tripping it. */
const CASES: readonly (readonly [ConditionId, string, World, World])[] = [
  ['A1', 'a person aborts', { signs: { abortAsked: true } }, {}],
  ['A2', 'the kill switch', { signs: { disabled: 'dstack.disabled' } }, {}],
  [
    'A3',
    'too long a run',
    { signs: { now: later(241), lastSign: later(240) } },
    { signs: { now: later(240), lastSign: later(239) } },
  ],
  ['A4', 'nothing happens', { signs: { now: later(31) } }, { signs: { now: later(31), lastSign: later(2) } }],
  [
    'A4',
    'a stuck process',
    {
      state: { longprocs: [{ id: 'soak', leaf: '1.1', task: null, state: 'STUCK', beat: NOW }] },
      signs: { now: later(31), lastSign: later(30) },
    },
    {
      state: { longprocs: [{ id: 'soak', leaf: '1.1', task: null, state: 'ACTIVE', beat: NOW }] },
      signs: { now: later(31), lastSign: later(30) },
    },
  ],
  [
    'A5',
    'a task fails again and again',
    { signs: { tasks: [task({ failures: 3 })] } },
    { signs: { tasks: [task({ failures: 2 })] } },
  ],
  [
    'A6',
    'one tree, red three times',
    { signs: { gateRuns: [run('a', 'x'), run('a', 'y'), run('a', 'z')] } },
    { signs: { gateRuns: [run('a', 'x'), run('b', 'y'), run('a', 'z')] } },
  ],
  [
    'A6',
    'one failure three times',
    { signs: { gateRuns: [run('a', 'x'), run('b', 'x'), run('c', 'x')] } },
    { signs: { gateRuns: [run('a', 'x'), run('b', 'x'), run('c', null)] } },
  ],
  [
    'A6',
    'files as they were before',
    { signs: { trees: ['a', 'b', 'a'] } },
    { signs: { trees: ['a', 'a', 'b', 'b'] } },
  ],
  ['A7', 'an engine that ended', { state: ended('unmet') }, { state: ended('budget_limited') }],
  [
    'A7',
    'an engine without a budget to extend',
    { state: { ...ended('budget_limited'), extensions: 1 } },
    { state: { ...ended('budget_limited'), extensions: 0 } },
  ],
  [
    'A7',
    'an engine that nothing starts',
    { signs: { engine: 'teamagents' } },
    { at: 'Plan', signs: { engine: 'teamagents' } },
  ],
  [
    'A8',
    'no review to be had',
    { at: 'PhaseReview', state: { review_failed: 'codex is missing' } },
    { at: 'PhaseReview' },
  ],
  [
    'A9',
    'P1 open after all tries',
    { at: 'ReviewWait', state: dispatch('y', 2), p1: 'A' },
    { at: 'ReviewWait', state: dispatch('y', 1), p1: 'A' },
  ],
  [
    'A9',
    'P1 open with nobody asked',
    { at: 'PlanReview', state: dispatch(null, 2), p1: 'plan', signs: { policy: { ...POLICY, hitl: false } } },
    { at: 'PlanReview', state: dispatch(null, 2), p1: 'plan' },
  ],
  ['A10', 'the contract is another', { signs: { drift: ['leaf 1.1 was changed.'] } }, {}],
  ['A11', 'something is broken', { signs: { integrity: ['the branch was rewritten.'] } }, {}],
]

describe('conditions', () => {
  test('each has a case', () => {
    expect(new Set(CASES.map(([id]) => id))).toEqual(new Set(CONDITION_IDS))
    expect(CONDITION_IDS).toHaveLength(11)
  })

  test.each(CASES)('%s: %s', (id, _what, world, beside) => {
    const found = holding(world)
    expect(found.map((each) => each.id)).toEqual([id])
    expect(found[0]?.reason).toMatch(/[.:]/)
    expect(holding(beside)).toEqual([])
  })

  test('what has ended has none', () => {
    for (const at of ['Done', 'Aborted'] as const) {
      expect(holding({ at, signs: { abortAsked: true, disabled: 'x', drift: ['x'], integrity: ['x'] } })).toEqual([])
    }
  })

  test('time runs only where an engine works', () => {
    for (const at of STEPS.filter(
      (each) => !['Plan', 'PlanReview', 'Implement', 'PhaseReview', 'NotStarted'].includes(each),
    )) {
      expect(holding({ at, signs: { now: later(10_000) } })).toEqual([])
    }
  })

  test('what is over is over once the flow is paused: a person who knows it may resume', () => {
    const over: [ConditionId, World][] = [
      ['A6', { signs: { trees: ['a', 'b', 'a'] } }],
      ['A7', { state: ended('unmet') }],
      ['A8', { state: { review_failed: 'codex is missing' } }],
    ]
    for (const [id, world] of over) {
      expect(holding(world).map((each) => each.id)).toEqual([id])
      expect(holding({ ...world, at: 'Paused' })).toEqual([])
    }
  })

  test('actions: a person aborts; a budget as the team says; the second time on a leaf as the team says', () => {
    expect(holding({ signs: { abortAsked: true } })[0]?.action).toBe('abort')
    const budget = { state: { ...ended('budget_limited'), extensions: 1 } }
    expect(holding(budget)[0]?.action).toBe('pause')
    expect(holding({ ...budget, signs: { policy: { ...POLICY, budgetAction: 'abort' } } })[0]?.action).toBe('abort')

    const again = { fired: { condition: 'A5' as const, leaf: '1.1', done: 0 } }
    const escalating = { tasks: [task({ failures: 3 })], policy: { ...POLICY, escalate: 'abort' as const } }
    expect(holding({ signs: escalating })[0]?.action).toBe('pause')
    expect(holding({ state: again, signs: escalating })[0]?.action).toBe('abort')
    expect(holding({ state: again, signs: { ...escalating, policy: POLICY } })[0]?.action).toBe('pause')
    const progress = { ...escalating, tasks: [...escalating.tasks, task({ id: '1.1-C02', status: 'done' })] }
    expect(holding({ state: again, signs: progress })[0]?.action).toBe('pause')
  })
})
