// What decompose, approve, amend, flow, task and review print with `--json`.

import * as z from 'zod/mini'
import { CONDITION_IDS, FINDING_STATES, STEPS, TRACKS } from '../flow/schema'
import { TASK_STATES } from '../plan/schema'
import type { Outputs } from './command'

const strings = z.array(z.string())
const Leaf = z.nullable(z.string())

const Condition = z.object({ id: z.enum(CONDITION_IDS), reason: z.string(), action: z.enum(['pause', 'abort']) })

/** Who acts next, why, and with which exact commands. */
const Next = z.object({ who: z.enum(['anybody', 'human', 'agent', 'nobody']), why: z.string(), commands: strings })

/** The commit that a step left on the user's branch. */
const OnBranch = z.nullable(z.object({ branch: z.string(), oid: z.string(), subject: z.string() }))

const Moved = z.object({
  /** The commit of refs/dstack/flow/<slug>. */
  tip: z.string(),
  /** The remote has it. */
  sent: z.boolean(),
  warnings: strings,
  slug: z.string(),
  /** E1 to E18, or the name of an operation. */
  event: z.string(),
  trigger: z.string(),
  from: z.enum(STEPS),
  to: z.enum(STEPS),
  leaf: Leaf,
  /** What stopped the flow instead of, or after, the step. */
  condition: z.nullable(Condition),
})

const Step = z.extend(Moved, { onBranch: OnBranch, next: Next })

const Task = z.object({
  id: z.string(),
  title: z.string(),
  leaf: z.string(),
  status: z.enum(TASK_STATES),
  why: z.optional(z.string()),
  files: strings,
  read_first: strings,
  depends_on: strings,
  acceptance: strings,
  covers: strings,
  commit_prefix: z.optional(z.string()),
  engine: z.optional(z.string()),
  timeout_s: z.optional(z.int()),
  token_budget: z.optional(z.int()),
  longproc: z.optional(z.string()),
  attempts: z.int(),
  failures: z.optional(z.int()),
  commits: strings,
  evidence: strings,
  box: z.optional(z.int()),
  origin: z.optional(z.string()),
  source_id: z.optional(z.string()),
  action: z.string(),
})

const CommitsAs = { prefix: z.string(), trailers: strings }
const TaskStep = z.object({
  slug: z.string(),
  task: Task,
  ...CommitsAs,
  commits: strings,
  warnings: strings,
  next: Next,
})

const Finding = z.object({
  id: z.string(),
  run: z.string(),
  track: z.enum(TRACKS),
  severity: z.enum(['P1', 'P2', 'P3']),
  class: z.string(),
  contract_ref: z.optional(z.string()),
  path: z.optional(z.string()),
  lines: z.optional(z.string()),
  claim: z.string(),
  evidence: z.optional(z.string()),
  check: z.optional(z.string()),
  fix_hint: z.optional(z.string()),
  confidence: z.optional(z.number()),
  fingerprint: z.optional(z.string()),
  /** Absent: it names no place, or nobody looked. */
  verified: z.optional(z.boolean()),
  status: z.enum(FINDING_STATES),
  resolved_by: z.optional(z.string()),
})

/** Found, but not in the flow. */
const Beside = z.object({
  severity: z.enum(['P1', 'P2', 'P3']),
  class: z.string(),
  claim: z.string(),
  contract_ref: z.optional(z.string()),
  path: z.optional(z.string()),
  lines: z.optional(z.string()),
  evidence: z.optional(z.string()),
  check: z.optional(z.string()),
  fix_hint: z.optional(z.string()),
  confidence: z.number(),
  fingerprint: z.string(),
  verified: z.optional(z.boolean()),
  reviewers: strings,
})

const Runs = z.extend(Step, {
  /** The commit that was reviewed. */
  head: z.string(),
  reviews: z.array(
    z.object({
      track: z.enum(TRACKS),
      run: z.string(),
      reviewer: z.string(),
      findings: z.array(Finding),
      /** Of a class that is not the track's. */
      outside: z.array(Beside),
      /** About lines that the leaf did not touch. */
      preexisting: z.array(Beside),
      /** Decided on before, and their file is the same. */
      silent: z.array(Beside),
      warnings: strings,
    }),
  ),
  /** Tracks without a review (A8). */
  failures: z.array(
    z.object({
      track: z.enum(TRACKS),
      cause: z.enum(['missing', 'failed', 'timeout', 'unparsable', 'voided']),
      reason: z.string(),
      attempts: z.int(),
    }),
  ),
})

const Review = z.object({
  v: z.literal(1),
  run: z.string(),
  track: z.enum(TRACKS),
  leaf: z.string(),
  /** What was reviewed: base..HEAD, or a hash. */
  of: z.string(),
  reviewer: z.string(),
  at: z.string(),
  superseded: z.boolean(),
  findings: z.array(Finding),
})

const Lease = z.object({
  holder: z.string(),
  host: z.string(),
  session: z.nullable(z.string()),
  /** Seconds since this clone first saw it. */
  age: z.nullable(z.int()),
  mine: z.boolean(),
})

/** The five sections: position, progress, gate and findings, running, risk and next. */
const Report = z.object({
  slug: z.string(),
  goal: z.string(),
  position: z.object({
    step: z.string(),
    status: z.string(),
    leaf: Leaf,
    task: z.nullable(z.string()),
    since: z.string(),
    branch: z.nullable(z.string()),
    paused: z.nullable(z.object({ from: z.string(), condition: z.nullable(z.string()), reason: z.string() })),
    /** What people wrote for whoever goes on with the leaf. */
    feedback: z.nullable(z.string()),
    lease: z.nullable(Lease),
    remote: z.string(),
  }),
  progress: z.object({
    leaves: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        status: z.string(),
        needs: strings,
        amended: z.int(),
        /** Of the two that a leaf gets. */
        markers: z.int(),
      }),
    ),
    sealed: z.int(),
    tasks: z.object({ done: z.int(), total: z.int() }),
  }),
  findings: z.object({
    gate: z.enum(['green', 'red', 'absent']),
    unverified: z.enum(['refuse', 'allow']),
    open: z.array(z.object({ track: z.enum(TRACKS), p1: z.int(), p2: z.int(), p3: z.int() })),
    reviews: strings,
  }),
  running: z.object({
    longprocs: z.array(z.object({ id: z.string(), state: z.string(), leaf: Leaf })),
    engine: z.nullable(z.string()),
    minutes: z.int(),
    skip: z.int(),
    extensions: z.int(),
  }),
  risk: z.object({ conditions: z.array(Condition) }),
  next: Next,
})

const RolledCommit = z.object({
  oid: z.string(),
  subject: z.string(),
  author: z.string(),
  seconds: z.int(),
  /** A marker: it changed no file. */
  empty: z.boolean(),
  /** Remote-tracking branches that hold it. */
  published: strings,
})

const RollbackPlan = z.object({
  slug: z.string(),
  target: z.string(),
  branch: z.string(),
  head: z.string(),
  stateTip: z.string(),
  mode: z.enum(['reset', 'revert', 'none']),
  to: z.string(),
  commits: z.array(RolledCommit),
  kept: z.array(RolledCommit),
  files: strings,
  leaves: strings,
  again: z.nullable(
    z.object({
      oid: z.string(),
      parent: z.nullable(z.string()),
      slug: z.string(),
      event: z.string(),
      leaf: Leaf,
      state: z.nullable(z.string()),
      leaves: z.nullable(z.array(z.object({ id: z.string(), title: z.string(), needs: strings }))),
      seconds: z.int(),
      voided: z.boolean(),
      forged: z.boolean(),
      why: z.nullable(z.string()),
    }),
  ),
  backup: z.string(),
  token: z.string(),
})

export const outputs = {
  decompose: Step,
  approve: Step,
  amend: Step,
  'flow list': z.object({
    flows: z.array(
      z.object({
        slug: z.string(),
        goal: z.string(),
        step: z.string(),
        leaf: Leaf,
        sealed: z.int(),
        leaves: z.int(),
        unverified: z.enum(['refuse', 'allow']),
        since: z.string(),
        /** Why it can't be used. */
        broken: z.nullable(z.string()),
      }),
    ),
    /** What this worktree works on. */
    current: z.nullable(z.string()),
  }),
  'flow use': z.object({ slug: z.string() }),
  'flow show': [
    Report,
    // With --graph.
    z.object({ slug: z.nullable(z.string()), form: z.enum(['mermaid', 'svg']), picture: z.string() }),
  ],
  'flow next': z.object({ slug: z.string(), moved: z.array(Moved), onBranch: OnBranch, next: Next }),
  'flow fire': Step,
  'flow submit-plan': z.extend(Step, { tasks: strings }),
  'flow answer': Step,
  'flow pause': Step,
  'flow resume': Step,
  'flow abort': Step,
  'flow feedback': Step,
  'flow set': Step,
  'flow rollback': z.object({
    slug: z.string(),
    plan: RollbackPlan,
    /** Null: only planned; the command that does it is in `next`. */
    done: z.nullable(Moved),
    onBranch: OnBranch,
    next: Next,
  }),
  'flow recover': z.extend(Step, {
    leaves: z.array(z.object({ id: z.string(), title: z.string(), status: z.string() })),
    problems: strings,
  }),
  'flow mark-done': Step,
  'task list': z.object({ slug: z.string(), tasks: z.array(Task) }),
  'task show': z.object({ slug: z.string(), task: Task, ...CommitsAs }),
  'task start': TaskStep,
  'task done': TaskStep,
  'task fail': TaskStep,
  'review plan': Runs,
  'review phase': Runs,
  'review import': z.extend(Step, {
    run: z.string(),
    track: z.enum(TRACKS),
    findings: z.array(Finding),
    /** Which other tool's form it had. */
    format: z.nullable(z.enum(['SARIF', 'GitHub', 'GitLab'])),
    /** What of it was left out. */
    aside: z.nullable(z.object({ preexisting: z.int(), silent: z.int(), skipped: z.int() })),
  }),
  'review show': z.object({ slug: z.string(), reviews: z.array(Review) }),
  'review decide': Step,
  'review failed': Step,
} satisfies Outputs
