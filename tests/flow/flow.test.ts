// Flows in real clones with a real remote: a whole one, two machines on one, rollback, recovery, amendment, worktrees.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as flow from '../../src/flow/flow'
import { addCompanion, editPlan, formatContract, partOf, readCurrent, tasksOf, useSlug } from '../../src/plan/plan'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { CONTRACT, leafSpec } from './fixtures'
import {
  answer,
  approved,
  done,
  ENGINE,
  HUMAN,
  implement,
  next,
  planFile,
  refusal,
  review,
  stepOf,
  storeOf,
  team,
  wholeLeaf,
} from './people'

const origin = (world: World) => [...world.remotes.values()][0]
const subjects = (log: string) => log.split('\n').filter(Boolean)

test('from a goal to the end: two markers for each leaf, every step a commit that git log shows', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  done(await flow.allowUnverified(storeOf(alice), 'payments', HUMAN, 'allow'))
  for (const leaf of ['1.1', '1.2']) await wholeLeaf(alice, leaf)
  expect((await next(alice)).moved.map(({ trigger }) => trigger)).toEqual(['finish'])
  expect(stepOf(alice)).toBe('Done')

  const markers = subjects(await alice.git('log', '--reverse', '--format=%s', '--grep=^Dstack-State:').text())
  expect(markers).toEqual([
    'payments: decomposition approved',
    'payments/phase 1.1: plan approved',
    'payments/phase 1.1: implementation complete',
    'payments/phase 1.2: plan approved',
    'payments/phase 1.2: implementation complete',
  ])
  const ledger = subjects(await alice.git('log', '--reverse', '--format=%s', 'refs/dstack/flow/payments').text())
  expect(ledger.slice(0, 8)).toEqual([
    'flow: payments NotStarted → Decomposing (open)',
    'flow: payments Decomposing → Ready (approve)',
    'flow: payments Ready (set unverified allow)',
    'flow: payments 1.1 Ready → Plan (start_leaf)',
    'flow: payments 1.1 Plan → PlanReview (submit_plan)',
    'flow: payments 1.1 PlanReview (review)',
    'flow: payments 1.1 PlanReview → PlanReviewWait (hold_plan)',
    'flow: payments 1.1 PlanReviewWait → Implement (accept_plan)',
  ])
  expect(ledger.at(-1)).toBe('flow: payments Ready → Done (finish)')
  const companion = done(partOf(storeOf(alice), 'payments', 'companion')).text
  expect(companion).toMatch(/Phase 1\.1[\s\S]*Status:\W*DONE/)
})

test('work without evidence is refused until the slug allows it, and the status says so', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  await next(alice)
  done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review() }))
  await next(alice)
  await answer(alice, 'y')
  await implement(alice, '1.1')
  expect(tasksOf(storeOf(alice), 'payments')[0]).toMatchObject({ status: 'done', evidence: ['unverified'] })
  const stopped = refusal(await flow.next(storeOf(alice), 'payments', ENGINE))
  expect(stopped).toMatchObject({ refused: 'REFUSED', data: { guard: 'tasksGreen' } })
  expect(stepOf(alice)).toBe('Implement')
  done(await flow.allowUnverified(storeOf(alice), 'payments', HUMAN, 'allow'))
  expect(done(flow.report(storeOf(alice), 'payments', HUMAN)).findings.unverified).toBe('allow')
  await next(alice)
  expect(stepOf(alice)).toBe('PhaseReview')
})

describe('two machines', () => {
  test('the second one is refused with the holder; after a wait the other goes on', async ({ world }) => {
    const [alice, bob] = await team(world)
    await approved(alice)
    await bob.git('pull', '-q', '--ff-only').ok()
    await next(alice)
    const tip = await alice.tip('refs/dstack/flow/payments')
    const agent = bob.with({ vars: { DSTACK_SESSION: 'session-9' } })
    const refused = refusal(await flow.submitPlan(storeOf(agent), 'payments', ENGINE, planFile('1.1')))
    expect(refused.refused).toBe('CONTENDED')
    expect(refused.message).toContain('alice')
    expect(origin(world)?.tip('refs/dstack/flow/payments')).toBe(tip)

    done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
    done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review() }))
    await next(alice)
    expect(stepOf(alice)).toBe('PlanReviewWait')
    await bob.git('fetch', '-q').ok()
    expect(stepOf(bob)).toBe('PlanReviewWait')
    const moved = await answer(bob, 'y')
    expect(moved).toMatchObject({ from: 'PlanReviewWait', to: 'Implement', sent: true })
    const held = refusal(await flow.startTask(storeOf(alice), 'payments', ENGINE, '1.1-C01'))
    expect(held).toMatchObject({ refused: 'CONTENDED' })
    expect(held.message).toContain('bob')
  })

  test('a step that comes too late is taken back and said (A11)', async ({ world }) => {
    const [alice, bob] = await team(world)
    await approved(alice)
    await bob.git('pull', '-q', '--ff-only').ok()
    const late = storeOf(bob)
    // Between Bob's look and his push, Alice was faster.
    const { fetch } = late.repo
    let first = true
    late.repo.fetch = async (...args) => {
      await fetch(...args)
      if (!first) return
      first = false
      done(await flow.pause(storeOf(alice), 'payments', HUMAN))
    }
    const refused = refusal(await flow.pause(late, 'payments', HUMAN))
    expect(refused).toMatchObject({ refused: 'CONTENDED', data: { condition: 'A11' } })
    await bob.git('fetch', '-q').ok()
    expect(await bob.tip('refs/dstack/flow/payments')).not.toBe(await alice.tip('refs/dstack/flow/payments'))
    expect(stepOf(bob)).toBe('Paused')
    done(await flow.resume(storeOf(bob), 'payments', HUMAN, []))
  })

  test('without the remote: whoever holds the lease goes on, nobody else begins', async ({ world }) => {
    const [alice, bob] = await team(world)
    await approved(alice)
    await bob.git('pull', '-q', '--ff-only').ok()
    await next(alice)
    for (const clone of [alice, bob]) await clone.git('remote', 'set-url', 'origin', join(world.path, 'gone')).ok()
    const moved = done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
    expect(moved.sent).toBe(false)
    expect(moved.warnings.join()).toContain('only here')
    expect(await flow.pause(storeOf(bob), 'payments', HUMAN).catch((error) => ({ refused: error.code }))).toMatchObject(
      {
        refused: expect.stringMatching(/REMOTE_UNAVAILABLE|CONTENDED/),
      },
    )
  })
})

test('an amendment in the middle closes the finding that it covers, with the reference', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  done(await flow.allowUnverified(storeOf(alice), 'payments', HUMAN, 'allow'))
  await next(alice)
  done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review() }))
  await next(alice)
  await answer(alice, 'y')
  await implement(alice, '1.1')
  await next(alice)
  const creep = { severity: 'P2', class: 'scope_creep', claim: 'docs are not in scope', contract_ref: '1.1 in_scope' }
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review(), track: 'A' }))
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review([creep]), track: 'B' }))
  await next(alice)
  done(await flow.pause(storeOf(alice), 'payments', HUMAN, 'the scope is too narrow'))
  done(await flow.amend(storeOf(alice), 'payments', HUMAN, '1.1'))
  const wider = {
    ...CONTRACT,
    leaves: [leafSpec('1.1', { in_scope: ['src/**', 'docs/**'] }), leafSpec('1.2', { depends_on: ['1.1'] })],
  }
  const { oid } = done(partOf(storeOf(alice), 'payments', 'contract'))
  done(editPlan(storeOf(alice), 'payments', 'contract', formatContract(wider), { saw: oid }))
  done(await flow.approve(storeOf(alice), 'payments', HUMAN, true))
  const reviews = done(flow.reviewsOf(storeOf(alice), 'payments'))
  const finding = reviews.find(({ track }) => track === 'B')?.findings[0]
  expect(finding?.status).toBe('accepted')
  expect(finding?.resolved_by).toMatch(/^decomposition: amended 1\.1 2026-/)
  expect(stepOf(alice)).toBe('Paused')
  done(await flow.resume(storeOf(alice), 'payments', HUMAN, []))
  expect(stepOf(alice)).toBe('ReviewWait')
  const log = await alice.git('log', '--format=%s', '--grep=^Dstack-State:').text()
  expect(subjects(log)[0]).toBe('payments: decomposition amended')
})

test('a contract that is changed without an amendment pauses the flow (A10)', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  await next(alice)
  const other = {
    ...CONTRACT,
    leaves: [leafSpec('1.1', { goal: 'Something else.' }), leafSpec('1.2', { depends_on: ['1.1'] })],
  }
  const { oid } = done(partOf(storeOf(alice), 'payments', 'contract'))
  done(editPlan(storeOf(alice), 'payments', 'contract', formatContract(other), { saw: oid }))
  const { moved } = await next(alice)
  expect(moved).toEqual([
    expect.objectContaining({ trigger: 'pause', condition: expect.objectContaining({ id: 'A10' }) }),
  ])
  expect(refusal(await flow.resume(storeOf(alice), 'payments', HUMAN, ['A10']))).toMatchObject({
    data: { guard: 'conditionGone' },
  })
})

test('the engine teamagents is said to be an intent, and pauses', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice, 'payments', { ...CONTRACT, leaves: [leafSpec('1.1', { engine: 'teamagents' })] })
  await next(alice)
  done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review() }))
  await next(alice)
  await answer(alice, 'y')
  const { moved } = await next(alice)
  expect(moved[0]).toMatchObject({ trigger: 'pause', to: 'Paused', condition: { id: 'A7' } })
  expect(moved[0]?.condition?.reason).toContain('teamagents')
})

describe('rollback', () => {
  test('an unpublished leaf is reset, with a backup; the state goes on forward', async ({ world }) => {
    const [alice, bob] = await team(world)
    await approved(alice)
    done(await flow.allowUnverified(storeOf(alice), 'payments', HUMAN, 'allow'))
    const before = await alice.tip('HEAD')
    await wholeLeaf(alice, '1.1')
    const head = await alice.tip('HEAD')
    const ledger = await alice.tip('refs/dstack/flow/payments')
    const { plan, done: nothing } = done(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1' }))
    expect(nothing).toBeNull()
    expect(plan).toMatchObject({ mode: 'reset', leaves: ['1.1'] })
    expect(await alice.tip('HEAD')).toBe(head)
    expect(
      refusal(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1', token: '00000000' })).message,
    ).toContain('token')
    const rolled = done(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1', token: plan.token }))
    expect(rolled.done).toMatchObject({ to: 'Ready', sent: true, warnings: [] })
    expect(await alice.tip('HEAD')).toBe(before)
    expect(await alice.refs('refs/dstack-local/backup/payments')).toHaveLength(1)
    expect(await alice.tip((await alice.refs('refs/dstack-local/backup/payments'))[0] ?? '')).toBe(head)
    expect(await alice.git('merge-base', '--is-ancestor', ledger ?? '', 'refs/dstack/flow/payments')).toMatchObject({
      status: 0,
    })
    await bob.git('fetch', '-q').ok()
    expect(done(flow.report(storeOf(bob), 'payments', HUMAN)).progress).toMatchObject({ sealed: 0 })
    expect(tasksOf(storeOf(alice), 'payments').map(({ status }) => status)).toEqual(['pending'])
    // And the leaf can be done again.
    await bob.git('pull', '-q', '--ff-only').ok()
    await wholeLeaf(bob, '1.1')
    expect(done(flow.report(storeOf(bob), 'payments', HUMAN)).progress.sealed).toBe(1)
  })

  test('a published leaf is reverted, its markers void everywhere, its budget free again', async ({ world }) => {
    const [alice, bob] = await team(world)
    await approved(alice)
    done(await flow.allowUnverified(storeOf(alice), 'payments', HUMAN, 'allow'))
    await wholeLeaf(alice, '1.1')
    await alice.git('push', '-q', 'origin', 'work').ok()
    const head = await alice.tip('HEAD')
    const { plan } = done(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1' }))
    expect(plan.mode).toBe('revert')
    done(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1', token: plan.token }))
    expect(await alice.tip('HEAD^')).toBe(head)
    expect(await alice.git('log', '-1', '--format=%(trailers:key=Dstack-Event,valueonly)').text()).toContain(
      'rollback 1.1',
    )
    expect((await alice.git('ls-files', 'src').text()).trim()).toBe('')
    await alice.git('push', '-q', 'origin', 'work').ok()
    await bob.git('pull', '-q', '--ff-only').ok()
    const report = done(flow.report(storeOf(bob), 'payments', HUMAN))
    expect(report.progress.leaves[0]).toMatchObject({ id: '1.1', status: 'pending', markers: 0 })
    await wholeLeaf(bob, '1.1')
    expect(done(flow.report(storeOf(bob), 'payments', HUMAN)).progress.leaves[0]).toMatchObject({
      status: 'sealed',
      markers: 2,
    })
  })

  test('it is refused where something runs, on a dirty tree, and for an agent', async ({ world }) => {
    const [alice] = await team(world)
    await approved(alice)
    await next(alice)
    expect(refusal(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1' }))).toMatchObject({
      refused: 'ILLEGAL',
    })
    done(await flow.pause(storeOf(alice), 'payments', HUMAN))
    alice.write('README.md', 'changed\n')
    expect(refusal(await flow.rollback(storeOf(alice), 'payments', HUMAN, { leaf: '1.1' }))).toMatchObject({
      refused: 'NOT_CLEAN',
    })
    await alice.git('checkout', '-q', 'README.md').ok()
    const { plan } = done(await flow.rollback(storeOf(alice), 'payments', ENGINE, { leaf: '1.1' }))
    expect(
      refusal(await flow.rollback(storeOf(alice), 'payments', ENGINE, { leaf: '1.1', token: plan.token })).refused,
    ).toBe('REFUSED')
  })
})

describe('recovery', () => {
  test('from the markers of the branch alone, in a clone that has nothing else', async ({ world }) => {
    const [alice] = await team(world)
    await approved(alice)
    done(await flow.allowUnverified(storeOf(alice), 'payments', HUMAN, 'allow'))
    await wholeLeaf(alice, '1.1')
    await alice.git('push', '-q', 'origin', 'work').ok()
    const stranger = (await world.clones('carol'))[0] as typeof alice
    await stranger.git('switch', '-q', 'work').ok()
    origin(world)?.git('update-ref', '-d', 'refs/dstack/flow/payments')
    await stranger.inProcess('init').ok()
    expect(refusal(flow.report(storeOf(stranger), 'payments', HUMAN)).refused).toBe('NOT_FOUND')
    const found = done(await flow.recoverFlow(storeOf(stranger), 'payments', HUMAN))
    expect(found.leaves).toEqual([
      { id: '1.1', title: 'Leaf 1.1', status: 'sealed' },
      { id: '1.2', title: 'Leaf 1.2', status: 'pending' },
    ])
    expect(stepOf(stranger)).toBe('Paused')
    done(await flow.resume(storeOf(stranger), 'payments', HUMAN, []))
    const { moved } = await next(stranger)
    expect(moved[0]).toMatchObject({ trigger: 'start_leaf', leaf: '1.2' })
  })

  test('a state that the machine can not be in stops every verb but recover', async ({ world }) => {
    const [alice] = await team(world)
    await approved(alice)
    const ref = 'refs/dstack/flow/payments'
    const state = JSON.parse(await alice.git('show', `${ref}:state.json`).text())
    alice.write('../bad.json', JSON.stringify({ ...state, leaf: '1.1' }))
    const blob = (await alice.git('hash-object', '-w', '../bad.json').text()).trim()
    const tree = (
      await alice
        .with({ input: `100644 blob ${blob}\tstate.json\n` })
        .git('mktree')
        .text()
    ).trim()
    const commit = (await alice.git('commit-tree', tree, '-p', ref, '-m', 'by hand').text()).trim()
    await alice.git('update-ref', ref, commit).ok()
    for (const verb of [flow.next, flow.submitPlan]) {
      const refused = refusal(await verb(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
      expect(refused).toMatchObject({ refused: 'CORRUPT', data: { condition: 'A11' } })
    }
    done(await flow.recoverFlow(storeOf(alice), 'payments', HUMAN))
    expect(stepOf(alice)).toBe('Paused')
  })
})

test('two linked worktrees work on two slugs at once', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  const other = join(world.path, 'people', 'alice', 'second')
  await alice.git('worktree', 'add', '-q', '-b', 'refunds', other).ok()
  const second = alice.at(other)
  await approved(second, 'refunds')
  for (const [clone, slug] of [
    [alice, 'payments'],
    [second, 'refunds'],
  ] as const) {
    useSlug(storeOf(clone), slug)
    done(await flow.allowUnverified(storeOf(clone), slug, HUMAN, 'allow'))
    await next(clone, slug)
  }
  expect([readCurrent(storeOf(alice)), readCurrent(storeOf(second))]).toEqual(['payments', 'refunds'])
  // Side by side: both hold their lease, neither moves the other's branch.
  const both = await Promise.all([
    flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')),
    flow.submitPlan(storeOf(second), 'refunds', ENGINE, planFile('1.1')),
  ])
  for (const moved of both) expect(done(moved).to).toBe('PlanReview')
  const meddled = await flow.importReview(storeOf(second), 'payments', ENGINE, { text: review() })
  expect(refusal(meddled).refused).toBe('CONTENDED')
  for (const [clone, slug] of [
    [alice, 'payments'],
    [second, 'refunds'],
  ] as const) {
    done(await flow.importReview(storeOf(clone), slug, ENGINE, { text: review() }))
    await next(clone, slug)
    await answer(clone, 'a2', slug)
    await implement(clone, '1.1', slug)
    await next(clone, slug)
    for (const track of ['A', 'B'] as const)
      done(await flow.importReview(storeOf(clone), slug, ENGINE, { text: review(), track }))
    expect((await next(clone, slug)).moved.map(({ trigger }) => trigger)).toEqual(['accept_impl', 'seal_leaf'])
  }
  expect(await alice.git('log', '--format=%s', 'work', '--', 'src').text()).not.toContain('refunds')
})

test('f, then an edit, leads back to the plan; unedited it leads to the wait', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  await next(alice)
  done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review() }))
  await next(alice)
  await answer(alice, 'f')
  done(await flow.resume(storeOf(alice), 'payments', HUMAN, []))
  expect(stepOf(alice)).toBe('PlanReviewWait')
  await answer(alice, 'f')
  done(await flow.feedback(storeOf(alice), 'payments', HUMAN, 'Two tasks, please.'))
  done(await flow.resume(storeOf(alice), 'payments', HUMAN, []))
  expect(stepOf(alice)).toBe('Plan')
  expect(await alice.git('show', 'refs/dstack/flow/payments:leaves/1.1/feedback.md').text()).toBe('Two tasks, please.')
})

test('P1 findings: accept asks for a fix, twice, then the flow pauses (A9); fixed ones let it go on', async ({
  world,
}) => {
  const [alice] = await team(world)
  await approved(alice)
  await next(alice)
  done(await flow.submitPlan(storeOf(alice), 'payments', ENGINE, planFile('1.1')))
  const p1 = { severity: 'P1', class: 'coverage', claim: 'a predicate is not covered' }
  done(await flow.importReview(storeOf(alice), 'payments', ENGINE, { text: review([p1]) }))
  await next(alice)
  for (const attempt of [1, 2]) {
    const refused = refusal(await flow.answerWait(storeOf(alice), 'payments', HUMAN, { key: 'y' }))
    expect(refused).toMatchObject({ refused: 'REFUSED', data: { attempt, attempts: 2 } })
  }
  const paused = await answer(alice, 'y')
  expect(paused).toMatchObject({ to: 'Paused', condition: { id: 'A9' } })
  done(await flow.decideReview(storeOf(alice), 'payments', HUMAN, '1.1-plan-1-1', 'fixed'))
  done(await flow.resume(storeOf(alice), 'payments', HUMAN, ['A9']))
  expect(await answer(alice, 'y')).toMatchObject({ to: 'Implement' })
})

test('abort keeps every commit and is the end', async ({ world }) => {
  const [alice] = await team(world)
  await approved(alice)
  const count = await alice.git('rev-list', '--count', 'HEAD').text()
  expect(refusal(await flow.abort(storeOf(alice), 'payments', HUMAN, false))).toMatchObject({
    data: { guard: 'abortMeant' },
  })
  done(await flow.abort(storeOf(alice), 'payments', HUMAN, true, 'other plans'))
  expect(await alice.git('rev-list', '--count', 'HEAD').text()).toBe(count)
  expect(
    refusal(
      await flow
        .next(storeOf(alice), 'payments', ENGINE)
        .then((value) => ('due' in value ? ({ refused: 'ILLEGAL', message: value.due.kind } as const) : value)),
    ),
  ).toMatchObject({ message: 'end' })
  const log = await alice.git('log', '-1', '--format=%B', 'refs/dstack/flow/payments').text()
  expect(log).toContain('Dstack-Cause: A1: other plans')
})

test('files that no flow needs stay as they are: the picture, the list', async ({ world }) => {
  const [alice] = await team(world)
  expect(flow.listFlows(storeOf(alice))).toEqual([])
  await approved(alice)
  expect(flow.listFlows(storeOf(alice))).toEqual([
    expect.objectContaining({ slug: 'payments', step: 'Ready', leaves: 2 }),
  ])
  expect(done(flow.picture(storeOf(alice), 'payments', 'mermaid'))).toContain('class Ready here')
  const svg = done(flow.picture(storeOf(alice), null, 'svg'))
  for (const { id, trigger } of flow.TRANSITIONS) expect(svg).toContain(`${id} ${trigger}`)
  expect(readFileSync(join(alice.path, 'README.md'), 'utf8')).toBe('payments\n')
  done(addCompanion(storeOf(alice), 'payments', { phase: '1.1', details: 'x' }))
})
