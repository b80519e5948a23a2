// The words of reviews, and the form in which a reviewer answers: what other programs write for us.

import * as z from 'zod/mini'

export const TRACKS = ['plan', 'A', 'B'] as const
export type Track = (typeof TRACKS)[number]

export const SEVERITIES = ['P1', 'P2', 'P3'] as const
export type Severity = (typeof SEVERITIES)[number]

/** What each track can find. */
export const CLASSES: Readonly<Record<Track, readonly string[]>> = {
  plan: ['coverage', 'order', 'predicate', 'contract'],
  A: ['bug', 'security', 'perf', 'maintainability'],
  B: ['silent_drop', 'scope_creep', 'contract_break', 'acceptance_miss'],
}

/** A finding as a reviewer gives it. */
export const Given = z.object({
  severity: z.enum(SEVERITIES),
  class: z.string(),
  claim: z.string().check(z.minLength(1), z.maxLength(4000)),
  contract_ref: z.optional(z.string()),
  path: z.optional(z.string()),
  lines: z.optional(z.union([z.string(), z.number()])),
  /** Verbatim from the file. */
  evidence: z.optional(z.string()),
  check: z.optional(z.string()),
  fix_hint: z.optional(z.string()),
  /** 0 to 100. */
  confidence: z.optional(z.number().check(z.gte(0), z.lte(100))),
})
export type Given = z.infer<typeof Given>

/** What a reviewer answers. No findings is an answer, too; no list is none. */
export const Answer = z.object({
  track: z.optional(z.enum(TRACKS)),
  reviewer: z.optional(z.string()),
  /** Which model it was. */
  model: z.optional(z.string()),
  findings: z.array(Given).check(z.maxLength(500)),
})
export type Answer = z.infer<typeof Answer>
