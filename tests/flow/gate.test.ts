// A leaf that is earned: the gate's verdicts are what the guards ask for, and nothing has to be allowed.

import * as flow from '../../src/flow/flow'
import { runGate } from '../../src/gate/gate'
import { tasksOf } from '../../src/plan/plan'
import type { Clone } from '../support/clone'
import { expect, test } from '../support/test'
import { CONTRACT, leafSpec } from './fixtures'
import {
  answer,
  approved,
  done,
  ENGINE,
  implement,
  next,
  planFile,
  refusal,
  review,
  stepOf,
  storeOf,
  team,
} from './people'

const PREDICATE = 'path exists src/*.ts'

async function gate(clone: Clone): Promise<boolean> {
  const store = storeOf(clone)
  const { context } = done(flow.workHere(store))
  return done(await runGate(store, { target: 'head', context, hashes: new Set() })).green
}

test('task, leaf and seal go on green verdicts; a commit more makes them stale', async ({ world }) => {
  const [alice] = await team(world)
  for (const name of ['test', 'lint']) await alice.git('config', `dstack.gate.${name}`, 'none').ok()
  await approved(alice, 'payments', { ...CONTRACT, leaves: [leafSpec('1.1', { acceptance: [PREDICATE] })] })
  await next(alice)
  done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1', [{ acceptance: [PREDICATE] }])))
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review() }))
  await next(alice)
  await answer(alice, 'y')

  await implement(alice, '1.1')
  expect(refusal(await flow.next(storeOf(alice), 'payments', ENGINE))).toMatchObject({ data: { guard: 'tasksGreen' } })
  done(await flow.failTask(storeOf(alice), 'payments', ENGINE, '1.1-C01', 'nothing proved it'))
  done(await flow.startTask(storeOf(alice), 'payments', ENGINE, '1.1-C01'))
  expect(await gate(alice)).toBe(true)
  done(await flow.doneTask(storeOf(alice), 'payments', ENGINE, '1.1-C01'))
  expect(tasksOf(storeOf(alice), 'payments')[0]?.evidence[0]).toMatch(/^gate [0-9a-f]{10}$/)
  // The task has the predicate of the leaf, on the same tree: that verdict holds for both.
  await next(alice)
  expect(stepOf(alice)).toBe('PhaseReview')

  for (const track of ['A', 'B'] as const) {
    done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review(), track }))
  }
  await next(alice)
  await alice.commit('payments 1.1-C01: a word more', { 'src/more.ts': 'more\n' })
  const stale = await flow.answerWait(storeOf(alice), 'payments', { kind: 'human', disabled: null }, { key: 'y' })
  expect(refusal(stale)).toMatchObject({ data: { guard: 'gateGreen' } })
  expect(await gate(alice)).toBe(true)
  await answer(alice, 'y')
  await answer(alice, 'y')
  expect(done(flow.report(storeOf(alice), 'payments', ENGINE)).progress.sealed).toBe(1)
})
