// The rest of what is pure: files and back, what a state may be, pictures, submissions.

import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { decodeFlow, encodeFlow } from '../../src/flow/codec'
import { columns, mermaid, svg } from '../../src/flow/diagram'
import { stateProblems } from '../../src/flow/legal'
import { TRANSITIONS } from '../../src/flow/machine'
import { STEPS, type State } from '../../src/flow/schema'
import { readSubmission } from '../../src/flow/submission'
import { flowAt, review } from './fixtures'

describe('files', () => {
  test.each(STEPS.filter((step) => step !== 'NotStarted'))('%s goes into files and comes back', (step) => {
    const flow = {
      ...flowAt(step, {}, [review('A', [{ severity: 'P1' }])]),
      feedback: new Map([['1.1', 'Split it.\n']]),
    }
    expect(decodeFlow(encodeFlow(flow))).toEqual(flow)
  })

  test('a file of a later version is passed over; a broken one is said', () => {
    const files = encodeFlow(flowAt('Ready'))
    expect(decodeFlow(new Map([...files, ['extra/thing.json', '{']]))).toEqual(flowAt('Ready'))
    expect(decodeFlow(new Map([...files, ['state.json', '{']]))).toEqual({ broken: 'state.json is no JSON' })
    expect(decodeFlow(new Map([...files, ['leaves/1.1/spec.json', '{}']]))).toHaveProperty('broken')
    expect(decodeFlow(new Map())).toEqual({ broken: 'state.json is missing' })
    const state = JSON.parse(files.get('state.json') ?? '')
    const unknown = new Map([...files, ['state.json', JSON.stringify({ ...state, more: 1 })]])
    expect(decodeFlow(unknown)).toMatchObject({ broken: expect.stringContaining('state.json') })
  })

  property.prop([fc.string(), fc.string()])('any text of a contract and of feedback survives', (contract, told) => {
    const flow = { ...flowAt('Implement'), contract, feedback: new Map([['1.1', told]]) }
    expect(decodeFlow(encodeFlow(flow))).toEqual(flow)
  })
})

describe('what a state may be', () => {
  const wrong: readonly (readonly [string, Partial<State> & { step?: State['step'] }])[] = [
    ['a status that the step does not have', { status: 'idle' }],
    ['no leaf where there must be one', { leaf: null }],
    ['a leaf that is not running', { leaf: '1.2' }],
    [
      'a record of a pause while it runs',
      { paused: { from: 'Plan', cause: 'human', condition: null, reason: 'x', feedback: 0 } },
    ],
    ['a way back while it runs', { return_to: 'Ready' }],
    ['a dispatch where nobody is asked', { dispatch: { key: null, open_p1: [], iteration: 0 } }],
  ]
  test.each(wrong)('%s', (_what, change) => expect(stateProblems(flowAt('Implement', change).state)).not.toEqual([]))
  test.each(STEPS.filter((step) => step !== 'NotStarted'))('%s alone is legal', (step) => {
    expect(stateProblems(flowAt(step).state)).toEqual([])
  })
})

describe('pictures', () => {
  test('every step and every transition is in both', () => {
    for (const picture of [mermaid('Plan'), svg('Plan')]) {
      for (const step of STEPS) expect(picture).toContain(step)
      for (const { id, trigger } of TRANSITIONS) expect(picture).toContain(`${id} ${trigger}`)
    }
    expect(mermaid('Plan')).toContain('class Plan here')
    expect(mermaid()).not.toContain('classDef')
  })

  test('Mermaid: each ordinary arrow once', () => {
    const arrows = mermaid()
      .split('\n')
      .filter((line) => line.includes('-->'))
    expect(new Set(arrows).size).toBe(arrows.length)
  })

  test('the columns follow the way from the goal to the end', () => {
    const at = columns()
    const way = [
      'NotStarted',
      'Decomposing',
      'Ready',
      'Plan',
      'PlanReview',
      'Implement',
      'PhaseReview',
      'CheckpointWait',
    ] as const
    const places = way.map((step) => at.get(step) ?? -1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(new Set(places).size).toBe(places.length)
  })
})

describe('submissions', () => {
  const tasks = [{ title: 'Retry', files: ['src/a.ts'], acceptance: ['exit 0 : npm test'] }]
  test('JSON, with and without ids, as a list and as an object', () => {
    for (const text of [JSON.stringify({ tasks }), JSON.stringify(tasks)]) {
      expect(readSubmission(text, 'plan.json', '2.3')).toEqual([
        expect.objectContaining({ id: '2.3-C01', leaf: '2.3', title: 'Retry', status: 'pending' }),
      ])
    }
  })

  test('Markdown of the leaf; a file without phases is meant for the leaf that asks', () => {
    const markdown =
      '# Plan: x\n\n## Feature 2: y\n\n### Phase 2.3: z\n\n- [ ] 2.3-C01 Retry\n  - acceptance: `exit 0 : npm test`\n'
    expect(readSubmission(markdown, 'plan.md', '2.3')).toEqual([expect.objectContaining({ id: '2.3-C01' })])
    expect(readSubmission(markdown, 'plan.md', '1.1')).toEqual({ problem: expect.stringContaining('2.3') })
    expect(readSubmission('- [ ] Retry\n- [ ] Give up\n', 'todo.md', '2.3')).toEqual([
      expect.objectContaining({ id: '2.3-C01', leaf: '2.3' }),
      expect.objectContaining({ id: '2.3-C02', leaf: '2.3' }),
    ])
  })

  test('what is no plan is said', () => {
    expect(readSubmission('{', 'plan.json', '1.1')).toHaveProperty('problem')
    expect(readSubmission('{"tasks":[{}]}', 'plan.json', '1.1')).toEqual({
      problem: expect.stringContaining('tasks.0.title'),
    })
  })
})
