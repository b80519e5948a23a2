// A flow and a world in which a step is legal, for each step and trigger: what tests change one thing of.

import { createHash } from 'node:crypto'
import type { Event, Facts, Policy } from '../../src/flow/facts'
import { transitionOf } from '../../src/flow/machine'
import {
  type Flow,
  type Review,
  STATUS_OF,
  type State,
  type Step,
  type Track,
  type Trigger,
} from '../../src/flow/schema'
import { contractIssues, formatContract, leafText } from '../../src/plan/contract'
import type { Contract, LeafSpec } from '../../src/plan/schema'

export const OID = 'a'.repeat(40)
export const NOW = '2026-03-01T12:00:00Z'
export const sha = (text: string) => createHash('sha256').update(text).digest('hex')

export function leafSpec(id: string, change: Partial<LeafSpec> = {}): LeafSpec {
  return {
    id,
    title: `Leaf ${id}`,
    goal: 'Something works.',
    deliverables: ['a thing'],
    in_scope: ['src/**'],
    out_of_scope: [],
    provides: [],
    must_keep: [],
    depends_on: [],
    acceptance: ['exit 0 : npm test'],
    risk: 'low',
    ...change,
  }
}

export const CONTRACT: Contract = {
  title: 'Payments',
  goal: 'Payments survive an outage.',
  acceptance: [],
  leaves: [leafSpec('1.1'), leafSpec('1.2', { depends_on: ['1.1'] })],
}

export const POLICY: Policy = {
  hitl: true,
  planReview: true,
  planWait: true,
  phaseReview: true,
  dualReview: true,
  reviewWait: true,
  contractReview: false,
  fixIterations: 2,
  failureThreshold: 3,
  maxDurationMinutes: 240,
  maxIdleMinutes: 30,
  extensions: 1,
  budgetAction: 'pause',
  escalate: 'pause',
  markers: 'commits',
  engine: 'claude',
}

export function contractFact(contract: Contract = CONTRACT): NonNullable<Facts['contract']> {
  const text = formatContract(contract)
  const specs = new Map(contract.leaves.map((leaf) => [leaf.id, { text: leafText(leaf), hash: sha(leafText(leaf)) }]))
  return { text, hash: sha(text), parsed: contract, issues: contractIssues(contract), reviewed: false, specs }
}

export function facts(change: Partial<Facts> = {}): Facts {
  return {
    now: NOW,
    who: 'Alice <alice@example.com>',
    optedIn: true,
    disabled: null,
    slugFree: true,
    policy: POLICY,
    contract: contractFact(),
    head: { oid: OID, branch: 'work', clean: true, unmerged: [] },
    lease: true,
    conditions: [],
    plan: { hash: sha('plan'), tasks: 1, issues: [] },
    tasks: [{ id: '1.1-C01', status: 'done', verdict: 'green', failures: 0, engine: null }],
    leafPredicates: 'green',
    contractPredicates: 'green',
    gate: 'green',
    companion: { exists: true, fresh: true },
    approvalHere: true,
    budget: { plan: 0, complete: 0 },
    remote: 'same',
    ...change,
  }
}

export function review(track: Track, findings: Partial<Review['findings'][number]>[] = []): Review {
  const run = `1.1-${track}-1`
  return {
    v: 1,
    run,
    track,
    leaf: '1.1',
    of: OID,
    reviewer: 'codex',
    at: NOW,
    superseded: false,
    findings: findings.map((finding, i) => ({
      id: `${run}-${i + 1}`,
      run,
      track,
      severity: 'P2',
      class: track === 'B' ? 'scope_creep' : 'bug',
      claim: 'something is wrong',
      status: 'open',
      ...finding,
    })),
  }
}

const IN_LEAF: readonly Step[] = [
  'Plan',
  'PlanReview',
  'PlanReviewWait',
  'Implement',
  'PhaseReview',
  'ReviewWait',
  'CheckpointWait',
]

/** A legal flow at a step, in the leaf 1.1 where the step has one. */
export function flowAt(step: Step, change: Partial<State> = {}, reviews: readonly Review[] = []): Flow {
  const specs = contractFact().specs
  const inLeaf = IN_LEAF.includes(step) || step === 'Paused'
  const leaf = (id: string, status: 'pending' | 'running' | 'sealed'): State['leaves'][string] => ({
    status,
    title: `Leaf ${id}`,
    needs: id === '1.2' ? ['1.1'] : [],
    spec: specs.get(id)?.hash ?? '',
    base: status === 'pending' ? null : OID,
    order: status === 'pending' ? 0 : 1,
    plan: null,
    approved: false,
    amended: [],
    feedback: 0,
  })
  const state: State = {
    v: 1,
    slug: 'payments',
    goal: 'Payments survive an outage.',
    rev: 7,
    step,
    status: STATUS_OF[step],
    leaf: inLeaf ? '1.1' : null,
    branch: step === 'Decomposing' ? null : 'work',
    start: step === 'Decomposing' ? null : OID,
    return_to: step === 'Decomposing' ? 'Ready' : null,
    contract: step === 'Decomposing' ? null : contractFact().hash,
    approvals: step === 'Decomposing' ? 0 : 1,
    leaves:
      step === 'Decomposing'
        ? {}
        : { '1.1': leaf('1.1', inLeaf ? 'running' : 'pending'), '1.2': leaf('1.2', 'pending') },
    dispatch: ['PlanReview', 'PlanReviewWait', 'PhaseReview', 'ReviewWait'].includes(step)
      ? { key: null, open_p1: [], iteration: 0 }
      : null,
    paused:
      step === 'Paused' ? { from: 'Implement', cause: 'human', condition: null, reason: 'lunch', feedback: 0 } : null,
    skip: 0,
    unverified: 'refuse',
    markers: 'commits',
    fired: null,
    engine: null,
    extensions: 0,
    review_failed: null,
    longprocs: [],
    clocks: { opened: NOW, run: NOW, moved: NOW },
    ...change,
  }
  const contract = contractFact()
  return {
    state,
    contract: step === 'Decomposing' ? '' : contract.text,
    specs: new Map(step === 'Decomposing' ? [] : [...specs].map(([id, { text }]) => [id, text])),
    feedback: new Map(),
    reviews: new Map(reviews.map((one) => [one.run, one])),
  }
}

export interface Case {
  flow: Flow | null
  event: Event
  facts: Facts
}

/** Everything as it must be for the trigger to be taken at the step. */
export function legalCase(step: Step, trigger: Trigger): Case {
  const waits = step.endsWith('Wait')
  const event: Event = {
    trigger,
    actor: transitionOf(trigger).actor === 'engine' ? 'engine' : 'human',
    slug: 'payments',
    goal: 'Payments survive an outage.',
    yes: true,
    ...(waits && /^(accept|seal)/.test(trigger) ? { key: 'y' } : {}),
    ...(waits && /^(rerun|recheck)/.test(trigger) ? { key: 'r' } : {}),
  }
  const planning = step.startsWith('PlanReview')
  const reviews = planning ? [review('plan')] : [review('A'), review('B')]
  const auto = !waits && /^accept/.test(trigger)
  const given = facts(auto ? { policy: { ...POLICY, hitl: false } } : {})
  let flow = step === 'NotStarted' ? null : flowAt(step, {}, reviews)
  if (trigger === 'finish' && flow !== null) {
    const leaves = Object.fromEntries(
      Object.entries(flow.state.leaves).map(([id, leaf]) => [id, { ...leaf, status: 'sealed' as const }]),
    )
    flow = { ...flow, state: { ...flow.state, leaves } }
  }
  return { flow, event: auto ? { ...event, actor: 'engine' } : event, facts: given }
}
