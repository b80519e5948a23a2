// The durable format of memory: entries and usage counts, as fields of documents under refs/dstack/memory.

import * as z from 'zod/mini'
import { STATES } from './states'

export { STATES }
export const State = z.enum(STATES)
export type State = z.infer<typeof State>

export const Scope = z.enum(['repository', 'workspace', 'personal'])
export type Scope = z.infer<typeof Scope>

/** Where an entry comes from. `from` names what it was derived from (a commit, a file, a format). */
export const Source = z.looseObject({
  kind: z.enum(['person', 'agent', 'import']),
  tool: z.optional(z.string()),
  model: z.optional(z.string()),
  from: z.optional(z.string()),
})
export type Source = z.infer<typeof Source>

/** The front matter of an entry; the text is the document's body. Unknown fields survive (loose). */
export const MemoryHead = z.looseObject({
  type: z.literal('memory'),
  key: z.string(),
  by: z.string(),
  /** ISO time. Displays, never orders versions. */
  at: z.string(),
  state: State,
  confidence: z.number().check(z.gte(0), z.lte(1)),
  source: Source,
  scope: Scope,
  /** Globs of the files for which this matters; empty = everywhere. */
  paths: z._default(z.array(z.string()), []),
  tags: z._default(z.array(z.string()), []),
  pin: z._default(z.boolean(), false),
  /** `sha1:<commit>`, `sha256:<commit>`, `plan:<slug>`. */
  links: z._default(z.array(z.string()), []),
  /** ISO date from which the entry counts as UNCERTAIN. */
  expires: z.optional(z.string()),
  /** Half-life of the confidence in days. */
  decay: z.optional(z.number()),
  /** The repository in which it was first said: normalised remote URL without credentials, or the folder's name. */
  origin: z.optional(z.string()),
  /** True until a person accepts it. */
  proposed: z._default(z.boolean(), false),
  /** Why it was corrected or confirmed. */
  reason: z.optional(z.string()),
  /** Who said it, where that is not who wrote this version: an import, a confirmation. */
  author: z.optional(z.string()),
  /** When it was said, where that is not when this version was written: an import. ISO time. */
  written: z.optional(z.string()),
  /** Who confirmed the text as it stands, first one first. */
  confirmed: z.optional(z.array(z.string())),
})
export type MemoryHead = z.infer<typeof MemoryHead>

/** The front matter of a forgotten or renamed entry; its body is empty. */
export const TombstoneHead = z.looseObject({
  type: z.literal('memory'),
  gone: z.literal(true),
  reason: z.optional(z.string()),
  /** The state that the entry had. */
  was: z.optional(State),
  /** The document key under which it goes on. */
  moved: z.optional(z.string()),
})
export type TombstoneHead = z.infer<typeof TombstoneHead>

/** An entry outside of any store: what the formats parse and render. Fields of other programs survive (loose). */
export const Portable = z.looseObject({
  key: z.string(),
  text: z.string(),
  state: State,
  confidence: z.number().check(z.gte(0), z.lte(1)),
  source: Source,
  scope: Scope,
  paths: z._default(z.array(z.string()), []),
  tags: z._default(z.array(z.string()), []),
  pin: z._default(z.boolean(), false),
  links: z._default(z.array(z.string()), []),
  expires: z.optional(z.string()),
  decay: z.optional(z.number()),
  origin: z.optional(z.string()),
  proposed: z._default(z.boolean(), false),
  reason: z.optional(z.string()),
  confirmed: z.optional(z.array(z.string())),
  /** Who said it, and when (ISO time). */
  by: z.optional(z.string()),
  at: z.optional(z.string()),
})
export type Portable = z.infer<typeof Portable>

/** An entry as readers see it: one live version, with what was computed about it. */
export interface Memory extends MemoryHead {
  text: string
  /** Who wrote this version, where that is not who said it: whose word it is that the text is theirs. */
  writer?: string
  /** Object id of the version. */
  oid: string
  /** Number of live versions at the key; above 1 = a conflict. */
  versions: number
  /** Times that somebody said it helped. */
  helped: number
  /** Paths, globs and commits that it cites and that are not there. */
  dangling?: string[]
}

/** The front matter of one writer's usage document (`usage/<writer>`): counts that only grow. */
export const UsageHead = z.looseObject({
  type: z.literal('usage'),
  key: z.string(),
  helped: z._default(z.record(z.string(), z.number()), {}),
  /** Queries that found nothing, normalised. */
  gaps: z._default(z.record(z.string(), z.number()), {}),
  /** Events that were counted last: a crash between the write and its tidying up counts nothing twice. */
  batch: z._default(z.array(z.string()), []),
})
export type UsageHead = z.infer<typeof UsageHead>
