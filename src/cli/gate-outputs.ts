// What gate and evidence print with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'
import { questionOutputs } from './questions-outputs'

const Check = z.object({
  id: z.enum(['lint', 'test', 'acceptance', 'longproc', 'todo', 'commit_prefix', 'loop']),
  result: z.enum(['pass', 'fail', 'skip', 'error']),
  reason: z.string(),
  ms: z.int(),
  definition: z.string(),
  inputs: z.array(z.enum(['tree', 'base', 'message', 'history'])),
  output: z.string(),
})

const Line = z.object({
  t: z.literal('gate'),
  id: z.string(),
  commit: z.nullable(z.string()),
  tree: z.string(),
  patch: z.nullable(z.string()),
  lines: z.nullable(z.string()),
  base: z.nullable(z.string()),
  checks: z.array(Check),
  warnings: z.array(z.string()),
  task: z.nullable(z.string()),
  slug: z.nullable(z.string()),
  prefix: z.nullable(z.string()),
  version: z.string(),
  by: z.string(),
  at: z.string(),
  ms: z.int(),
})

const Verdict = z.object({
  tree: z.string(),
  commit: z.nullable(z.string()),
  validity: z.enum(['valid', 'carried', 'stale', 'none']),
  green: z.boolean(),
  why: z.array(z.string()),
  line: z.nullable(Line),
})

export const outputs = {
  ...questionOutputs,
  'gate setup': z.object({ tree: z.string(), folder: z.string(), prepared: z.array(z.string()) }),
  'gate run': z.object({
    tree: z.string(),
    commit: z.nullable(z.string()),
    where: z.enum(['working tree', 'scratch checkout']),
    joined: z.boolean(),
    green: z.boolean(),
    line: Line,
    output: z.array(z.object({ id: z.string(), text: z.string() })),
    notes: z.array(z.string()),
  }),
  'gate check': Verdict,
  'gate show': Verdict,
  'evidence show': z.object({
    commit: z.string(),
    tree: z.string(),
    lines: z.array(
      z.object({
        name: z.string(),
        on: z.enum(['commit', 'tree']),
        /** As it is stored; `t` names its kind. */
        line: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
  'evidence check': z.object({
    commits: z.array(
      z.object({
        commit: z.string(),
        subject: z.string(),
        earned: z.boolean(),
        validity: z.enum(['valid', 'carried', 'stale', 'none', 'unchanged']),
        why: z.array(z.string()),
        mend: z.nullable(z.string()),
      }),
    ),
  }),
  'evidence run': z.object({
    ran: z.string(),
    commit: z.string(),
    tree: z.string(),
    status: z.int(),
    digest: z.string(),
    ms: z.int(),
    output: z.string(),
  }),
  'evidence reattach': z.object({
    reattached: z.array(
      z.object({ commit: z.string(), by: z.enum(['tree', 'patch', 'task']), from: z.nullable(z.string()) }),
    ),
  }),
} satisfies Outputs
