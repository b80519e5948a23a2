// The machine as a table: all 234 pairs, every guard alone, and what the graph of it promises.

import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import type { Event, Facts } from '../../src/flow/facts'
import { GUARDS, type GuardName } from '../../src/flow/guards'
import { stateProblems } from '../../src/flow/legal'
import { allowedIn, KEYS, step, TRANSITIONS, transitionOf, triggerOfKey } from '../../src/flow/machine'
import {
  type Flow,
  PAUSABLE,
  STEPS,
  type State,
  State as StateSchema,
  type Step,
  TRIGGERS,
  type Trigger,
} from '../../src/flow/schema'
import { type Case, CONTRACT, contractFact, facts, flowAt, leafSpec, legalCase, NOW, POLICY, review } from './fixtures'

const PAIRS = STEPS.flatMap((from) => TRIGGERS.map((trigger) => ({ from, trigger })))
const isLegal = ({ from, trigger }: { from: Step; trigger: Trigger }) => transitionOf(trigger).from.includes(from)

function moved({ flow, event, facts: given }: Case) {
  const done = step(flow, event, given)
  if (isRefusal(done)) throw new Error(`${event.trigger}: ${done.message}`)
  return done
}

describe('pairs of step and trigger', () => {
  test('there are 13 steps, 18 triggers, 234 pairs; 37 are legal', () => {
    expect([STEPS.length, TRANSITIONS.length, PAIRS.length]).toEqual([13, 18, 234])
    expect(PAIRS.filter(isLegal)).toHaveLength(37)
    expect(TRANSITIONS.map(({ id }) => id)).toEqual(Array.from({ length: 18 }, (_, i) => `E${i + 1}`))
  })

  test.each(PAIRS.filter(isLegal))('$from takes $trigger', ({ from, trigger }) => {
    const done = moved(legalCase(from, trigger))
    const { state } = done.flow
    expect(transitionOf(trigger).to).toContain(state.step)
    expect(state.rev).toBe(from === 'NotStarted' ? 1 : 8)
    expect(state.clocks.moved).toBe(NOW)
    expect(StateSchema.safeParse(state).error?.issues ?? []).toEqual([])
    expect(stateProblems(state)).toEqual([])
  })

  test.each(PAIRS.filter((pair) => !isLegal(pair)))('$from refuses $trigger', ({ from, trigger }) => {
    const flow = from === 'NotStarted' ? null : flowAt(from)
    const before = JSON.stringify(flow?.state)
    const done = step(flow, { trigger, actor: 'human', yes: true, key: 'y' }, facts())
    expect(done).toMatchObject({ refused: 'ILLEGAL', data: { step: from, trigger, allowed: allowedIn(from) } })
    expect(isRefusal(done) && done.message).toContain(from)
    for (const allowed of allowedIn(from)) expect(isRefusal(done) && done.message).toContain(allowed)
    expect(JSON.stringify(flow?.state)).toBe(before)
  })
})

describe('the graph', () => {
  const following = (from: Step) =>
    TRANSITIONS.filter((each) => each.from.includes(from)).flatMap((each) =>
      // A resume leads back to where it was paused; every other one to what its row says.
      each.trigger === 'pause' ? ['Paused' as const] : each.to,
    )
  const reach = (from: Step): Set<Step> => {
    const seen = new Set<Step>([from])
    for (const at of seen) for (const next of following(at)) seen.add(next)
    return seen
  }

  test('every step is reachable, and every one that has not ended reaches both ends', () => {
    expect([...reach('NotStarted')].sort()).toEqual([...STEPS].sort())
    for (const from of STEPS.filter((each) => each !== 'Done' && each !== 'Aborted')) {
      expect(reach(from)).toContain('Done')
      expect(reach(from)).toContain('Aborted')
    }
    expect(following('Done')).toEqual([])
    expect(following('Aborted')).toEqual([])
  })

  test('the engine alone can only go round by sealing a leaf', () => {
    const engine = TRANSITIONS.filter(
      ({ actor, trigger }) => actor !== 'human' && !['pause', 'abort', 'seal_leaf'].includes(trigger),
    )
    const visit = (at: Step, path: readonly Step[]): void => {
      expect(path, `${path.join(' → ')} → ${at}`).not.toContain(at)
      for (const { from, to } of engine) if (from.includes(at)) for (const next of to) visit(next, [...path, at])
    }
    for (const from of STEPS) visit(from, [])
  })

  test('answers: each key at each wait, and nothing else', () => {
    expect(Object.keys(KEYS)).toEqual(['PlanReviewWait', 'ReviewWait', 'CheckpointWait'])
    for (const [at, keys] of Object.entries(KEYS)) {
      for (const key of ['y', 'n', 'r', 'f'] as const) expect(triggerOfKey(at as Step, key)).toBe(keys?.[key])
      expect(triggerOfKey(at as Step, 'a3')).toBe(keys?.y)
      expect(triggerOfKey(at as Step, 'a99')).toBe(keys?.y)
      for (const wrong of ['x', '', 'a0', 'a100', 'yes', 'Y', 'a']) {
        expect(triggerOfKey(at as Step, wrong)).toMatchObject({ refused: 'USAGE' })
      }
    }
    for (const at of STEPS.filter((each) => KEYS[each] === undefined)) {
      expect(triggerOfKey(at, 'y')).toMatchObject({ refused: 'ILLEGAL' })
    }
  })
})

// --- guards ---------------------------------------------------------------------------------------------------------

type Spoil = {
  at?: Step
  flow?: Partial<State>
  reviews?: Flow['reviews']
  event?: Partial<Event>
  facts?: Partial<Facts>
}
const issueFact = (rule: string) => ({
  plan: { hash: 'x', tasks: 1, issues: [{ severity: 'error' as const, rule, where: '1.1-C01', message: 'wrong.' }] },
})
const noReviews = { reviews: new Map() }
const p1 = (track: 'plan' | 'A') => ({
  reviews: new Map([
    [`1.1-${track}-1`, review(track, [{ severity: 'P1' }])],
    ...(track === 'A' ? [['1.1-B-1', review('B')] as const] : []),
  ]),
})
const longproc = (leaf: string | null) => ({
  longprocs: [{ id: 'soak', leaf, task: null, state: 'ACTIVE' as const, beat: NOW }],
})
const asked = { policy: { ...POLICY, hitl: true } }

/** For each guard of each transition: the one thing that makes it object. */
const TRIPS: Record<string, Spoil> = {
  'open optedIn': { facts: { optedIn: false } },
  'open notDisabled': { facts: { disabled: 'dstack.disabled' } },
  'open slugFits': { event: { slug: 'Not A Slug' } },
  'open slugFree': { facts: { slugFree: false } },
  'open goalGiven': { event: { goal: '  ' } },
  'approve personSays': { event: { actor: 'engine' } },
  'approve contractWhole': {
    facts: { contract: contractFact({ ...CONTRACT, leaves: [leafSpec('1.1', { acceptance: [] })] }) },
  },
  'approve sealedUntouched': {
    flow: {
      leaves: {
        '1.1': { ...(flowAt('Ready').state.leaves['1.1'] as State['leaves'][string]), status: 'sealed', spec: 'other' },
      },
    },
  },
  'approve contractReviewed': { facts: { policy: { ...POLICY, contractReview: true } } },
  'approve saidYes': { event: { yes: false } },
  'approve onSomeBranch': { facts: { head: { ...facts().head, branch: null } } },
  'approve onBranch': { flow: { branch: 'other' } },
  'amend leafNotSealed': {
    at: 'Ready',
    event: { leaf: '1.1' },
    flow: {
      leaves: { '1.1': { ...(flowAt('Ready').state.leaves['1.1'] as State['leaves'][string]), status: 'sealed' } },
    },
  },
  'start_leaf leafReady': { event: { leaf: '1.2' } },
  'start_leaf onBranch': { facts: { head: { ...facts().head, branch: 'other' } } },
  'start_leaf approvalHere': { facts: { approvalHere: false } },
  'start_leaf treeClean': { facts: { head: { ...facts().head, clean: false } } },
  'start_leaf leaseHeld': { facts: { lease: false } },
  'start_leaf noCondition': { facts: { conditions: [{ id: 'A10', reason: 'drift.', action: 'pause' }] } },
  'submit_plan planGiven': { facts: { plan: null } },
  'submit_plan planFits': { facts: issueFact('duplicate') },
  'submit_plan planTyped': { facts: issueFact('id') },
  'submit_plan planChecked': { facts: issueFact('bad-predicate') },
  'submit_plan planInScope': { facts: issueFact('out-of-scope') },
  'submit_plan planCovers': { facts: issueFact('uncovered') },
  'submit_plan planOrdered': { facts: issueFact('cycle') },
  'submit_plan companionThere': { facts: { companion: { exists: false, fresh: false } } },
  'hold_plan planReviewStored': noReviews,
  'hold_plan hitlOn': { facts: { policy: { ...POLICY, hitl: false } } },
  'hold_plan planWaitOn': { facts: { policy: { ...POLICY, planWait: false } } },
  'hold_plan nothingSkipped': { flow: { skip: 1 } },
  'rerun_plan personSays': { event: { actor: 'engine' } },
  'accept_plan personSays': { at: 'PlanReviewWait', event: { actor: 'engine' } },
  'accept_plan planAutoAllowed': { at: 'PlanReview', facts: asked },
  'accept_plan planReviewThere': { at: 'PlanReview', ...noReviews },
  'accept_plan noOpenP1': { at: 'PlanReviewWait', ...p1('plan') },
  'accept_plan onBranch': { at: 'PlanReviewWait', facts: { head: { ...facts().head, branch: 'other' } } },
  'accept_plan planBudget': { at: 'PlanReviewWait', facts: { budget: { plan: 2, complete: 0 } } },
  'submit_impl tasksDone': {
    facts: { tasks: [{ id: '1.1-C01', status: 'running', verdict: 'green', failures: 0, engine: null }] },
  },
  'submit_impl tasksGreen': {
    facts: { tasks: [{ id: '1.1-C01', status: 'done', verdict: 'absent', failures: 0, engine: null }] },
  },
  'submit_impl leafGreen': { facts: { leafPredicates: 'red' } },
  'submit_impl noLongproc': { flow: longproc('1.1') },
  'submit_impl companionFresh': { facts: { companion: { exists: true, fresh: false } } },
  'hold_impl tracksStored': { reviews: new Map([['1.1-A-1', review('A')]]) },
  'hold_impl hitlOn': { facts: { policy: { ...POLICY, hitl: false } } },
  'hold_impl reviewWaitOn': { facts: { policy: { ...POLICY, reviewWait: false } } },
  'hold_impl nothingSkipped': { flow: { skip: 1 } },
  'rerun_impl personSays': { event: { actor: 'engine' } },
  'accept_impl personSays': { at: 'ReviewWait', event: { actor: 'engine' } },
  'accept_impl implAutoAllowed': { at: 'PhaseReview', facts: asked },
  'accept_impl tracksThere': { at: 'PhaseReview', reviews: new Map([['1.1-B-1', review('B')]]) },
  'accept_impl noOpenP1': { at: 'ReviewWait', ...p1('A') },
  'accept_impl gateGreen': { at: 'ReviewWait', facts: { gate: 'absent' } },
  'seal_leaf personSays': { event: { actor: 'engine' } },
  'seal_leaf sealAutoAllowed': { event: { actor: 'engine', key: undefined as never } },
  'seal_leaf gateGreen': { facts: { gate: 'red' } },
  'seal_leaf onBranch': { facts: { head: { ...facts().head, branch: null } } },
  'seal_leaf sealBudget': { facts: { budget: { plan: 1, complete: 1 } } },
  'recheck personSays': { event: { actor: 'engine', key: 'r' } },
  'finish allSealed': { flow: { leaves: flowAt('Ready').state.leaves } },
  'finish contractGreen': { facts: { contractPredicates: 'absent' } },
  'finish noLongprocAtAll': { flow: longproc('1.1') },
  'pause conditionGiven': { at: 'Implement', event: { actor: 'engine' } },
  'resume personSays': { event: { actor: 'engine' } },
  'resume notDisabled': { facts: { disabled: 'DSTACK_DISABLED' } },
  'resume acknowledged': {
    flow: { paused: { from: 'Implement', cause: 'engine', condition: 'A5', reason: 'x', feedback: 0 } },
  },
  'resume conditionGone': {
    flow: { paused: { from: 'Implement', cause: 'engine', condition: 'A5', reason: 'x', feedback: 0 } },
    event: { ack: ['A5'] },
    facts: { conditions: [{ id: 'A5', reason: 'it does.', action: 'pause' }] },
  },
  'resume onBranch': { facts: { head: { ...facts().head, branch: 'other' } } },
  'resume inSync': { facts: { remote: 'diverged' } },
  'abort abortMeant': { at: 'Implement', event: { yes: false } },
}
// The kill switch stops whatever the engine does.
for (const { trigger, guards } of TRANSITIONS) {
  const off = { facts: { disabled: 'dstack.disabled' } }
  if (guards.includes('notDisabled')) TRIPS[`${trigger} notDisabled`] ??= off
  if (guards.includes('engineOn')) {
    const facts = { ...off.facts, policy: { ...POLICY, hitl: false } }
    TRIPS[`${trigger} engineOn`] = { facts, event: { actor: 'engine', key: undefined as never } }
  }
}

function spoiled(trigger: Trigger, spoil: Spoil): Case {
  const from = spoil.at ?? transitionOf(trigger).from[0] ?? 'Ready'
  const good = legalCase(from, trigger)
  const { key, ...others } = { ...good.event, ...spoil.event }
  const event: Event = key === undefined ? others : { ...others, key }
  const flow =
    good.flow === null
      ? null
      : { ...good.flow, reviews: spoil.reviews ?? good.flow.reviews, state: { ...good.flow.state, ...spoil.flow } }
  return { flow, event, facts: { ...good.facts, ...spoil.facts } }
}

describe('guards', () => {
  const wanted = TRANSITIONS.flatMap(({ trigger, guards }) => guards.map((guard) => `${trigger} ${guard}`))

  test('each guard of each transition has a case, and every guard is used', () => {
    expect(Object.keys(TRIPS).sort()).toEqual([...wanted].sort())
    const used = new Set(TRANSITIONS.flatMap(({ guards }) => guards))
    expect([...used].sort()).toEqual((Object.keys(GUARDS) as GuardName[]).sort())
  })

  test.each(wanted)('%s objects, alone', (name) => {
    const [trigger, guard] = name.split(' ') as [Trigger, GuardName]
    const { flow, event, facts: given } = spoiled(trigger, TRIPS[name] ?? {})
    const done = step(flow, event, given)
    expect(isRefusal(done) && done).toMatchObject({ data: { guard } })
    expect(isRefusal(done) && done.message).toMatch(/[.?!]$/)
    expect(isRefusal(done) && done.refused).not.toBe('ILLEGAL')
    // No other guard of this transition objects to the same world.
    const others = transitionOf(trigger).guards.filter((each) => each !== guard)
    expect(others.filter((each) => GUARDS[each]({ flow, event, facts: given }) !== null)).toEqual([])
  })
})

// --- what steps do --------------------------------------------------------------------------------------------------

describe('steps', () => {
  test('unverified work passes where the slug allows it, and only what is absent', () => {
    const tasks = [{ id: '1.1-C01', status: 'done' as const, verdict: 'absent' as const, failures: 0, engine: null }]
    const absent = { tasks, leafPredicates: 'absent' as const }
    const good = legalCase('Implement', 'submit_impl')
    const flow = flowAt('Implement', { unverified: 'allow' })
    expect(isRefusal(step(flow, good.event, facts(absent)))).toBe(false)
    expect(step(flow, good.event, facts({ ...absent, leafPredicates: 'red' }))).toMatchObject({
      data: { guard: 'leafGreen' },
    })
  })

  test.each(PAUSABLE)('%s: paused and resumed without feedback is where it was', (at) => {
    const paused = moved({ ...legalCase(at, 'pause'), flow: flowAt(at) }).flow
    expect(paused.state).toMatchObject({ step: 'Paused', skip: 0, paused: { from: at } })
    expect(moved({ ...legalCase('Paused', 'resume'), flow: paused }).flow.state.step).toBe(at)
  })

  test.each([
    ['PlanReviewWait', 'Plan'],
    ['ReviewWait', 'Implement'],
    ['CheckpointWait', 'Implement'],
    ['Implement', 'Implement'],
  ] as const)('%s: feedback leads back to %s', (at, to) => {
    const good = legalCase(at, 'pause')
    const paused = moved({ ...good, event: { ...good.event, feedback: 'Split it.' } }).flow
    expect(paused.feedback.get('1.1')).toBe('Split it.')
    expect(moved({ ...legalCase('Paused', 'resume'), flow: paused }).flow.state.step).toBe(to)
  })

  test('aN: the next N waits accept by themselves, the one after holds', () => {
    const good = legalCase('PlanReviewWait', 'accept_plan')
    const flow = moved({ ...good, event: { ...good.event, key: 'a2' } }).flow
    expect(flow.state.skip).toBe(2)
    const at = (where: Step, from: Flow): Flow => {
      const { slug, rev, ...rest } = flowAt(where).state
      return { ...flowAt(where, {}, [review('A'), review('B')]), state: { ...rest, slug, rev, skip: from.state.skip } }
    }
    const one = moved({
      flow: at('PhaseReview', flow),
      event: { trigger: 'accept_impl', actor: 'engine' },
      facts: facts(),
    }).flow
    expect(one.state.skip).toBe(1)
    const two = moved({ flow: one, event: { trigger: 'seal_leaf', actor: 'engine' }, facts: facts() }).flow
    expect(two.state).toMatchObject({ skip: 0, step: 'Ready' })
    const held = step(at('PhaseReview', two), { trigger: 'accept_impl', actor: 'engine' }, facts())
    expect(held).toMatchObject({ data: { guard: 'implAutoAllowed' } })
  })

  test('n at the plan wait takes an open P1 as it is', () => {
    const good = legalCase('PlanReviewWait', 'accept_plan')
    const flow = flowAt('PlanReviewWait', {}, [review('plan', [{ severity: 'P1' }])])
    const done = moved({ ...good, flow, event: { ...good.event, key: 'n' } }).flow
    expect(done.reviews.get('1.1-plan-1')?.findings[0]).toMatchObject({
      status: 'accepted',
      resolved_by: 'Alice <alice@example.com>',
    })
  })

  test('an amendment closes what a review found against the old contract, with the reference', () => {
    const reviews = [review('B', [{ class: 'scope_creep' }, { class: 'silent_drop' }]), review('A', [{ class: 'bug' }])]
    const paused = moved({ ...legalCase('ReviewWait', 'pause'), flow: flowAt('ReviewWait', {}, reviews) }).flow
    const amending = moved({ ...legalCase('Paused', 'amend'), flow: paused }).flow
    const wider = {
      ...CONTRACT,
      leaves: [leafSpec('1.1', { in_scope: ['src/**', 'docs/**'] }), CONTRACT.leaves[1] ?? leafSpec('1.2')],
    }
    const done = moved({
      flow: amending,
      event: { trigger: 'approve', actor: 'human', yes: true },
      facts: facts({ contract: contractFact(wider) }),
    })
    const [creep, drop] = done.flow.reviews.get('1.1-B-1')?.findings ?? []
    expect(creep).toMatchObject({ status: 'accepted', resolved_by: `decomposition: amended 1.1 ${NOW}` })
    expect(drop?.status).toBe('open')
    expect(done.flow.reviews.get('1.1-A-1')?.findings[0]?.status).toBe('open')
    expect(done.flow.state).toMatchObject({ step: 'Paused', leaf: '1.1', paused: { from: 'ReviewWait' } })
    expect(done.effects).toContainEqual({ kind: 'marker', event: 'amend', leaf: null, again: false })
  })

  test('the second plan approval of a leaf is a note, no new marker', () => {
    const first = moved(legalCase('PlanReviewWait', 'accept_plan'))
    expect(first.effects).toContainEqual({ kind: 'marker', event: 'plan', leaf: '1.1', again: false })
    const leaves = first.flow.state.leaves
    const again = moved({
      ...legalCase('PlanReviewWait', 'accept_plan'),
      flow: flowAt('PlanReviewWait', { leaves }, [review('plan')]),
    })
    expect(again.effects).toContainEqual({ kind: 'marker', event: 'plan', leaf: '1.1', again: true })
  })
})
