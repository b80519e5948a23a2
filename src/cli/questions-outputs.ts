// What the verbs of the five questions print with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

const Status = z.enum(['yes', 'no', 'unanswered'])
const Five = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(5)])

const Question = z.object({
  number: Five,
  name: z.string(),
  text: z.string(),
  status: Status,
  how: z.enum(['computed', 'answered', 'open']),
  said: z.string(),
  computed: Status,
  by: z.optional(z.string()),
  agent: z.optional(z.string()),
  found: z.array(z.object({ path: z.string(), line: z.int(), text: z.string(), kind: z.string() })),
})

export const questionOutputs = {
  'gate questions': z.object({
    mode: z.enum(['off', 'remind', 'strict']),
    tree: z.string(),
    questions: z.array(Question),
    rules: z.array(
      z.object({ rule: z.enum(['tests', 'root-cause']), holds: z.nullable(z.boolean()), said: z.string() }),
    ),
    open: z.array(z.string()),
    stops: z.boolean(),
  }),
  'gate answer': z.object({
    line: z.object({
      t: z.literal('answer'),
      v: z.literal(1),
      tree: z.string(),
      question: Five,
      answer: z.enum(['yes', 'no']),
      text: z.string(),
      at: z.string(),
      by: z.string(),
      agent: z.optional(z.string()),
    }),
  }),
  'gate prove-red': z.object({
    base: z.string(),
    tree: z.string(),
    ok: z.boolean(),
    outcome: z.enum([
      'proved',
      'proved-by-absence',
      'decorative',
      'broken',
      'cannot-separate',
      'no-tests',
      'only-tests',
    ]),
    reason: z.string(),
    failures: z.array(
      z.object({ test: z.string(), kind: z.enum(['assertion', 'absence', 'other']), said: z.string() }),
    ),
    decorative: z.array(z.string()),
    tests: z.array(z.string()),
    inseparable: z.array(z.string()),
    commands: z.array(z.string()),
    definitions: z.array(z.string()),
    output: z.string(),
  }),
  'gate verify': z.object({
    line: z.object({
      t: z.literal('verify'),
      v: z.literal(1),
      tree: z.string(),
      command: z.string(),
      definition: z.string(),
      exit: z.nullable(z.int()),
      output: z.string(),
      ms: z.int(),
      at: z.string(),
      by: z.string(),
    }),
  }),
} satisfies Outputs
