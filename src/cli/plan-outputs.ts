// What plan, spec, companion and begin print with `--json`.

import * as z from 'zod/mini'
import { KINDS, SHAPES, TASK_STATES } from '../plan/schema'
import type { Outputs } from './command'

const strings = z.array(z.string())
const Kind = z.enum(KINDS)
const Part = z.enum(['plan', 'contract', 'spec', 'companion'])
const Status = z.nullable(z.enum(['PENDING', 'IN PROGRESS', 'SKIPPED', 'BLOCKED', 'DONE']))

/** What every write of documents answers. */
const Written = z.object({
  slug: z.string(),
  /** Keys of the documents that were written. */
  keys: strings,
  commit: z.string(),
  /** Writes of this clone that no remote is known to have. */
  unsynced: z.int(),
})

const Issue = z.object({
  severity: z.enum(['critical', 'error', 'warning']),
  rule: z.string(),
  message: z.string(),
  where: z.string(),
})

const Doc = z.object({
  /** Object id of the version: what `--saw` names. */
  oid: z.string(),
  text: z.string(),
  title: z.string(),
  by: z.string(),
  at: z.string(),
  /** Every live version, this one first; more than one is a conflict. */
  versions: strings,
})

const CompanionDoc = z.extend(Doc, {
  phases: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      status: Status,
      commits: strings,
      tests: z.string(),
      details: z.string(),
      deviations: z.array(z.object({ paths: strings, reason: z.string() })),
      bugs: strings,
      questions: strings,
    }),
  ),
  /** The commit that it names last. */
  lastCommit: z.nullable(z.string()),
})

const Leaf = z.object({
  id: z.string(),
  title: z.string(),
  goal: z.string(),
  repo: z.optional(z.string()),
  deliverables: strings,
  in_scope: strings,
  out_of_scope: strings,
  provides: strings,
  must_keep: strings,
  depends_on: strings,
  acceptance: strings,
  engine: z.optional(z.string()),
  hitl: z.optional(z.boolean()),
  risk: z.enum(['low', 'mid', 'high']),
  est_tasks: z.optional(z.int()),
  notes: z.optional(z.string()),
})

const ContractDoc = z.extend(Doc, {
  contract: z.object({ title: z.string(), goal: z.string(), leaves: z.array(Leaf), acceptance: strings }),
})

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
  /** Which box of the plan's text is its own, from 0. */
  box: z.optional(z.int()),
  origin: z.optional(z.string()),
  source_id: z.optional(z.string()),
  action: z.string(),
})

const Phase = z.object({
  id: z.string(),
  title: z.string(),
  feature: z.int(),
  touches: strings,
  depends_on: strings,
  test_cmd: z.optional(z.string()),
  /** Which boxes of the text are the three of a gstack phase. */
  boxes: z.object({
    spec: z.optional(z.int()),
    implementation: z.optional(z.int()),
    review: z.optional(z.int()),
  }),
  legacy: z.boolean(),
  state: z.enum(['pending', 'impl_done', 'committed']),
})

const Feature = z.object({
  n: z.int(),
  title: z.string(),
  origin: z.optional(z.string()),
  acceptance: strings,
  phases: z.array(Phase),
})

const Requirement = z.object({ id: z.string(), text: z.string() })
const Progress = z.object({ done: z.int(), total: z.int() })

const summary = {
  slug: z.string(),
  title: z.string(),
  kind: Kind,
  state: z.enum(['open', 'archived']),
  /** Null where there is no plan yet. */
  shape: z.nullable(z.enum(SHAPES)),
  repo: z.optional(z.string()),
  has: z.object({ plan: z.boolean(), contract: z.boolean(), spec: z.boolean(), companion: z.boolean() }),
  /** Keys that hold several versions. */
  conflicts: strings,
  by: z.string(),
  at: z.string(),
}

const Candidate = z.object({
  slug: z.string(),
  title: z.string(),
  kind: z.string(),
  status: z.enum(['available', 'running', 'claimed', 'completed', 'cancelled', 'archived']),
  done: z.int(),
  total: z.int(),
  holder: z.optional(z.string()),
})

const Side = z.object({ oid: z.nullable(z.string()), by: z.string(), at: z.string() })
const Box = z.object({ n: z.int(), line: z.int(), checked: z.boolean(), label: z.string() })

export const outputs = {
  'plan new': Written,
  'plan edit': Written,
  'plan archive': Written,
  /** `added`: requirements that nobody served before. */
  'plan converge': z.extend(Written, { added: strings }),
  'plan principles edit': Written,
  'plan principles show': z.object({ text: z.nullable(z.string()), oid: z.nullable(z.string()) }),
  'plan list': z.object({ plans: z.array(z.object({ ...summary, tasks: Progress })) }),
  'plan show': [
    z.object({
      ...summary,
      source: z.optional(z.string()),
      progress: Progress,
      plan: z.nullable(Doc),
      features: z.array(Feature),
      requirements: z.array(Requirement),
      warnings: strings,
      contract: z.nullable(ContractDoc),
      spec: z.nullable(Doc),
      companion: z.nullable(CompanionDoc),
      tasks: z.array(Task),
    }),
    z.extend(Doc, { slug: z.string(), part: Part }),
    z.object({ slug: z.string(), format: z.enum(SHAPES), text: z.string() }),
  ],
  'plan check': z.object({
    slug: z.string(),
    issues: z.array(Issue),
    coverage: z.object({ requirements: strings, covered: strings, percent: z.number() }),
    ok: z.boolean(),
  }),
  'plan diff': z.object({ slug: z.string(), part: Part, before: Side, after: Side, diff: z.string() }),
  'plan which': z.object({
    result: z.enum(['selected', 'none', 'ambiguous', 'blocked']),
    reason: z.string(),
    selected: z.optional(Candidate),
    candidates: z.array(Candidate),
    commands: strings,
  }),
  'plan import': z.object({
    plans: z.array(
      z.object({
        slug: z.string(),
        keys: strings,
        commit: z.string(),
        title: z.string(),
        repo: z.optional(z.string()),
        outcome: z.enum(['added', 'updated', 'same']),
        tasks: z.object({ added: strings, changed: strings, removed: strings }),
        /** Tasks whose box was changed in the file. */
        followed: strings,
        merged: z.boolean(),
        warnings: strings,
      }),
    ),
    unsynced: z.int(),
  }),
  'plan export': [
    z.object({ slug: z.string(), text: z.string() }),
    z.object({
      slug: z.string(),
      path: z.string(),
      changed: z.boolean(),
      /** Boxes that were edited elsewhere: nothing was written for them. */
      conflicts: z.array(Box),
      /** Boxes that were changed in the file. */
      taken: z.array(z.object({ n: z.int(), checked: z.boolean() })),
    }),
  ],
  'spec new': Written,
  'spec check': z.object({
    slug: z.string(),
    oid: z.string(),
    issues: z.array(Issue),
    requirements: z.array(Requirement),
    ok: z.boolean(),
  }),
  'companion show': z.extend(CompanionDoc, { slug: z.string() }),
  'companion add': Written,
  'companion check': z.object({ slug: z.string(), issues: z.array(Issue), ok: z.boolean() }),
  begin: z.object({
    slug: z.string(),
    kind: Kind,
    keys: strings,
    commit: z.string(),
    unsynced: z.int(),
    /** What comes next, as command lines. */
    commands: strings,
  }),
} satisfies Outputs
