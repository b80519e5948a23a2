// The durable format of refs/dstack/plans: what a spec, a contract, a plan, its tasks and its companion look like.

import * as z from 'zod/mini'

/** How much ceremony the work gets: none, spec and plan, or the full cycle. */
export const KINDS = ['fix', 'feature', 'architecture'] as const
export type Kind = (typeof KINDS)[number]

/** The forms of a plan that people bring; `dstack` is that of templates/PLAN.md. */
export const SHAPES = ['dstack', 'markdown', 'todos', 'gstack', 'gsd', 'speckit', 'taskxml'] as const
export type Shape = (typeof SHAPES)[number]

/** A slug names one piece of work, its flow and its documents. Source of the rule: E1 of the flow. */
export const SLUG = /^[a-z0-9][a-z0-9-]{0,47}$/
/** `X.Y`: a phase of the plan, a leaf of the contract. */
export const LEAF_ID = /^\d{1,3}\.\d{1,3}$/
/** `X.Y-Knn`; K: C code, T test, D docs, G config, M migration, R research, L long-run. */
export const TASK_ID = /^(\d{1,3}\.\d{1,3})-([CTDGMRL])(\d{2,3})$/

export const TASK_STATES = ['pending', 'running', 'done', 'failed', 'skipped'] as const
export type TaskState = (typeof TASK_STATES)[number]

/** `<slug>/plan`: the plan's text; boxes in it are as they were when it was taken in, the tasks say what holds now. */
export const PlanHead = z.looseObject({
  type: z.literal('plan'),
  title: z.string(),
  kind: z.enum(KINDS),
  state: z.enum(['open', 'archived']),
  shape: z.enum(SHAPES),
  /** Repository that the plan is for; absent: the one it lies in. */
  repo: z.optional(z.string()),
  /** Name of the file that it came from. */
  source: z.optional(z.string()),
  /** Of a TODOS.md: the priority bands that were taken in. */
  bands: z.optional(z.array(z.string())),
})
export type PlanHead = z.infer<typeof PlanHead>

/** `<slug>/tasks/<id in lower case>`: one task. The body is its action and reason. */
export const TaskHead = z.looseObject({
  type: z.literal('task'),
  id: z.string(),
  title: z.string(),
  /** `X.Y` of its leaf (phase). */
  leaf: z.string(),
  status: z.enum(TASK_STATES),
  why: z.optional(z.string()),
  /** Globs of what it may change. */
  files: z.array(z.string()),
  read_first: z.array(z.string()),
  depends_on: z.array(z.string()),
  /** Predicates, one line each; see predicate.ts. */
  acceptance: z.array(z.string()),
  /** Requirement ids (FR-1, SC-2 …) that it serves. */
  covers: z.array(z.string()),
  commit_prefix: z.optional(z.string()),
  engine: z.optional(z.string()),
  timeout_s: z.optional(z.int()),
  token_budget: z.optional(z.int()),
  /** Program that it starts and that outlives it. */
  longproc: z.optional(z.string()),
  attempts: z.int(),
  /** How often it failed. */
  failures: z.optional(z.int()),
  /** Object ids of the commits that did it. */
  commits: z.array(z.string()),
  /** What proves it: `unverified`, or the id of a verdict. */
  evidence: z.array(z.string()),
  /** Which box of the plan's text is its own: the n-th, from 0. Absent: it has none. */
  box: z.optional(z.int()),
  /** Heading of the section of the source that it came from. */
  origin: z.optional(z.string()),
  /** How the source calls it, where that differs: `T001`. */
  source_id: z.optional(z.string()),
})
export type TaskHead = z.infer<typeof TaskHead>

/** Only the fields that a loose schema names. */
export type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] }

/** A task as the rest of the program sees it: its head and its text. */
export type Task = Omit<Known<TaskHead>, 'type'> & { action: string }

/** `<slug>/spec`, `<slug>/contract`, `<slug>/companion`: the text says it all; see spec.ts, contract.ts, companion.ts. */
export const TextHead = z.looseObject({ type: z.enum(['spec', 'contract', 'companion']), title: z.string() })
export type TextHead = z.infer<typeof TextHead>

/** One leaf of a contract: what has to be, and how a machine can tell. Its `oid` pins it; see contract.ts. */
export interface LeafSpec {
  /** `X.Y` */
  id: string
  title: string
  goal: string
  /** Repository that it is done in; absent: this one. */
  repo?: string
  deliverables: string[]
  /** Globs. */
  in_scope: string[]
  out_of_scope: string[]
  provides: string[]
  must_keep: string[]
  depends_on: string[]
  /** Predicates, one line each. */
  acceptance: string[]
  engine?: string
  /** Overrides the setting for this leaf. */
  hitl?: boolean
  risk: 'low' | 'mid' | 'high'
  est_tasks?: number
  notes?: string
}

export interface Contract {
  title: string
  goal: string
  leaves: LeafSpec[]
  /** Predicates of the whole. */
  acceptance: string[]
}

/** Something that a check found, with the place where it is. `critical` and `error` make the check fail. */
export interface Issue {
  severity: 'critical' | 'error' | 'warning'
  /** Stable word for programs: `no-predicate`, `uncovered`, `unknown-dependency` … */
  rule: string
  message: string
  /** Leaf, task, requirement or line that it is about. */
  where: string
}
