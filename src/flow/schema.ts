// The durable format of refs/dstack/flow/<slug>: where a piece of work stands, what was reviewed, who did which step.

import * as z from 'zod/mini'
import { LEAF_ID, SLUG } from '../plan/schema'
import { TRACKS } from '../review/schema'

export { CLASSES, TRACKS, type Track } from '../review/schema'

export const STEPS = [
  'NotStarted',
  'Decomposing',
  'Ready',
  'Plan',
  'PlanReview',
  'PlanReviewWait',
  'Implement',
  'PhaseReview',
  'ReviewWait',
  'CheckpointWait',
  'Paused',
  'Aborted',
  'Done',
] as const
export type Step = (typeof STEPS)[number]

export const STATUSES = ['idle', 'running', 'waiting', 'paused', 'aborted', 'done'] as const
export type Status = (typeof STATUSES)[number]

/** The only status that each step can have. */
export const STATUS_OF: Readonly<Record<Step, Status>> = {
  NotStarted: 'idle',
  Decomposing: 'running',
  Ready: 'idle',
  Plan: 'running',
  PlanReview: 'running',
  PlanReviewWait: 'waiting',
  Implement: 'running',
  PhaseReview: 'running',
  ReviewWait: 'waiting',
  CheckpointWait: 'waiting',
  Paused: 'paused',
  Aborted: 'aborted',
  Done: 'done',
}

export const TRIGGERS = [
  'open',
  'approve',
  'amend',
  'start_leaf',
  'submit_plan',
  'hold_plan',
  'rerun_plan',
  'accept_plan',
  'submit_impl',
  'hold_impl',
  'rerun_impl',
  'accept_impl',
  'seal_leaf',
  'recheck',
  'finish',
  'pause',
  'resume',
  'abort',
] as const
export type Trigger = (typeof TRIGGERS)[number]

/** Conditions that stop a flow. Source: the eleven abort conditions of the flow. */
export const CONDITIONS = {
  A1: 'user_abort',
  A2: 'kill_switch',
  A3: 'max_duration',
  A4: 'max_idle',
  A5: 'task_failures',
  A6: 'loop_detected',
  A7: 'engine_end',
  A8: 'review_unavailable',
  A9: 'unresolved_p1',
  A10: 'contract_drift',
  A11: 'integrity',
} as const
export type ConditionId = keyof typeof CONDITIONS
export const CONDITION_IDS = Object.keys(CONDITIONS) as [ConditionId, ...ConditionId[]]

/** From where a flow can be paused, and so where it can go back to. */
export const PAUSABLE = [
  'Ready',
  'Plan',
  'PlanReview',
  'PlanReviewWait',
  'Implement',
  'PhaseReview',
  'ReviewWait',
  'CheckpointWait',
] as const
export type Pausable = (typeof PAUSABLE)[number]

const Oid = z.string().check(z.regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/))
const LeafId = z.string().check(z.regex(LEAF_ID))
const Moment = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/))

const LeafState = z.strictObject({
  status: z.enum(['pending', 'running', 'sealed', 'dropped']),
  title: z.string(),
  needs: z.array(LeafId),
  /** SHA-256 of the leaf's canonical text, as it was approved. */
  spec: z.string(),
  /** HEAD when the leaf was started: what it changes is base..HEAD. */
  base: z.nullable(Oid),
  /** Position in which leaves were started, from 1; 0: not yet. */
  order: z.int(),
  /** SHA-256 of the tasks that were submitted. */
  plan: z.nullable(z.string()),
  /** A marker `plan approved` is due, or made. */
  approved: z.boolean(),
  /** When the contract was changed for this leaf after its first approval. */
  amended: z.array(Moment),
  /** How often feedback was written for it. */
  feedback: z.int(),
})
export type LeafState = z.infer<typeof LeafState>

export const State = z.strictObject({
  v: z.literal(1),
  slug: z.string().check(z.regex(SLUG)),
  goal: z.string(),
  rev: z.int().check(z.gte(0)),
  step: z.enum(STEPS),
  status: z.enum(STATUSES),
  leaf: z.nullable(LeafId),
  /** Branch on which the markers stand; null before the first approval. */
  branch: z.nullable(z.string()),
  /** HEAD at the first approval: everything of the flow comes after it. */
  start: z.nullable(Oid),
  return_to: z.nullable(z.enum(['Ready', 'Paused'])),
  /** SHA-256 of the approved contract's text; null before. */
  contract: z.nullable(z.string()),
  /** How often the contract was approved. */
  approvals: z.int(),
  leaves: z.record(LeafId, LeafState),
  dispatch: z.nullable(
    z.strictObject({
      /** The answer that is being worked off. */
      key: z.nullable(z.string()),
      open_p1: z.array(z.string()),
      /** Fix attempts made. */
      iteration: z.int(),
    }),
  ),
  paused: z.nullable(
    z.strictObject({
      from: z.enum(PAUSABLE),
      cause: z.enum(['human', 'engine']),
      condition: z.nullable(z.enum(CONDITION_IDS)),
      /** Why, in a sentence. */
      reason: z.string(),
      /** How often feedback had been written for the leaf before. */
      feedback: z.int(),
    }),
  ),
  /** Waits that accept by themselves. */
  skip: z.int().check(z.gte(0)),
  /** Is a task without evidence enough? */
  unverified: z.enum(['refuse', 'allow']),
  markers: z.enum(['commits', 'notes']),
  /** The last condition that paused, for which leaf, and how many tasks were done then. */
  fired: z.nullable(z.strictObject({ condition: z.enum(CONDITION_IDS), leaf: z.nullable(LeafId), done: z.int() })),
  /** How an engine ended, where it ended without having achieved; how often its budget was extended. */
  engine: z.nullable(
    z.strictObject({ end: z.enum(['unmet', 'budget_limited', 'stalled', 'crashed']), note: z.string() }),
  ),
  extensions: z.int(),
  /** Why no review could be had. */
  review_failed: z.nullable(z.string()),
  longprocs: z.array(
    z.strictObject({
      id: z.string(),
      leaf: z.nullable(LeafId),
      task: z.nullable(z.string()),
      state: z.enum(['ACTIVE', 'STUCK', 'DONE', 'FAILED', 'LOST']),
      /** Last sign of life. */
      beat: Moment,
    }),
  ),
  clocks: z.strictObject({
    opened: Moment,
    /** Since when the present run is running: the last start_leaf or resume. */
    run: Moment,
    /** The last transition. */
    moved: Moment,
  }),
})
export type State = z.infer<typeof State>

export const FINDING_STATES = ['open', 'fixed', 'accepted', 'deferred', 'invalid'] as const
export type FindingState = (typeof FINDING_STATES)[number]

export const Finding = z.strictObject({
  id: z.string(),
  run: z.string(),
  track: z.enum(TRACKS),
  severity: z.enum(['P1', 'P2', 'P3']),
  class: z.string(),
  /** Which clause of the contract (leaf, predicate, scope); required on track B. */
  contract_ref: z.optional(z.string()),
  path: z.optional(z.string()),
  lines: z.optional(z.string()),
  claim: z.string(),
  evidence: z.optional(z.string()),
  /** Predicate that shows it. */
  check: z.optional(z.string()),
  fix_hint: z.optional(z.string()),
  /** 0 to 100; more where several reviewers found the same. */
  confidence: z.optional(z.number()),
  /** The same finding has the same one in every run. */
  fingerprint: z.optional(z.string()),
  /** Was it found at its place? False: it stands in nobody's way. Absent: it names no place, or nobody looked. */
  verified: z.optional(z.boolean()),
  status: z.enum(FINDING_STATES),
  resolved_by: z.optional(z.string()),
})
export type Finding = z.infer<typeof Finding>

/** `reviews/<run>.json`: the result of one reviewer on one track. */
export const Review = z.strictObject({
  v: z.literal(1),
  run: z.string(),
  track: z.enum(TRACKS),
  leaf: LeafId,
  /** Of what: base..HEAD, or the hash of the plan. */
  of: z.string(),
  reviewer: z.string(),
  at: Moment,
  superseded: z.boolean(),
  findings: z.array(Finding),
})
export type Review = z.infer<typeof Review>

/** `leaves/<X.Y>/spec.json`: a leaf as it was approved. What a later version adds stays. */
export const Spec = z.looseObject({
  id: LeafId,
  title: z.string(),
  goal: z.string(),
  deliverables: z.array(z.string()),
  in_scope: z.array(z.string()),
  out_of_scope: z.array(z.string()),
  provides: z.array(z.string()),
  must_keep: z.array(z.string()),
  depends_on: z.array(z.string()),
  acceptance: z.array(z.string()),
  engine: z.optional(z.string()),
  risk: z.enum(['low', 'mid', 'high']),
})

/** Everything that one commit of the ref holds. */
export interface Flow {
  state: State
  /** Markdown of the contract, as approved or as being written; empty before the first approval. */
  contract: string
  /** Canonical text of each leaf, as approved. */
  specs: ReadonlyMap<string, string>
  /** What people wrote for the next one who works on a leaf. */
  feedback: ReadonlyMap<string, string>
  /** By run. */
  reviews: ReadonlyMap<string, Review>
}
