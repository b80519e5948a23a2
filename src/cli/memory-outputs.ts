// What remember, recall, conflicts, resolve and memory print with `--json`.

import * as z from 'zod/mini'
import { MemoryHead, Portable, Scope, State } from '../memory/schema'
import type { Outputs } from './command'

/** An entry at this moment: what was said, and what was computed about it. */
const Entry = z.extend(z.omit(MemoryHead, { author: true, written: true }), {
  text: z.string(),
  /** Object id of the version. */
  oid: z.string(),
  /** Live versions at the key; more than one is a conflict. */
  versions: z.int(),
  helped: z.int(),
  /** Paths, globs and commits that it cites and that are not there. */
  dangling: z.optional(z.array(z.string())),
  expired: z.boolean(),
})

const Version = z.object({
  oid: z.string(),
  gone: z.boolean(),
  state: z.nullable(State),
  confidence: z.nullable(z.number()),
  by: z.string(),
  at: z.string(),
  text: z.string(),
})

/** What every write of one entry answers. */
const Written = z.object({
  key: z.string(),
  scope: Scope,
  outcome: z.enum([
    'added',
    'updated',
    'same',
    'renamed',
    'confirmed',
    'forgotten',
    'resolved',
    'accepted',
    'rejected',
  ]),
  state: State,
  notes: z.array(z.string()),
  /** Writes of this clone that no remote is known to have. */
  unsynced: z.int(),
})

const Imported = {
  added: z.array(z.string()),
  updated: z.array(z.string()),
  same: z.array(z.string()),
  refusals: z.array(z.object({ key: z.string(), why: z.string(), code: z.string() })),
}

export const outputs = {
  remember: Written,
  recall: z.object({
    query: z.string(),
    answers: z.array(
      z.object({
        entry: Entry,
        /** As much of it as fits the budget. */
        text: z.string(),
        cut: z.boolean(),
        score: z.number(),
        reasons: z.array(z.string()),
      }),
    ),
    /** There was a question, and nothing answers it for sure. */
    gap: z.boolean(),
    tokens: z.int(),
  }),
  conflicts: z.object({
    conflicts: z.array(
      z.object({
        ref: z.string(),
        key: z.string(),
        /** Null where it is no entry of memory. */
        scope: z.nullable(Scope),
        /** Winner first. */
        versions: z.array(
          z.object({
            oid: z.string(),
            gone: z.boolean(),
            state: z.nullable(z.string()),
            by: z.string(),
            at: z.string(),
            text: z.string(),
          }),
        ),
      }),
    ),
  }),
  resolve: Written,
  'memory list': z.object({ entries: z.array(Entry) }),
  'memory show': z.object({ entry: Entry, versions: z.array(Version) }),
  'memory history': z.object({
    history: z.array(
      z.object({
        commit: z.string(),
        at: z.string(),
        by: z.string(),
        subject: z.string(),
        versions: z.array(Version),
      }),
    ),
  }),
  'memory gaps': z.object({ gaps: z.array(z.object({ question: z.string(), count: z.int() })) }),
  'memory correct': Written,
  'memory confirm': Written,
  'memory forget': Written,
  'memory helped': z.object({ key: z.string(), scope: Scope, helped: z.int() }),
  'memory proposals': z.object({ proposals: z.array(Entry) }),
  'memory proposals accept': Written,
  'memory proposals reject': Written,
  'memory compound': z.object({
    base: z.nullable(z.string()),
    commits: z.int(),
    proposals: z.array(z.object({ entry: Portable, reason: z.string() })),
    /** Null where nothing was to be written. */
    kept: z.nullable(z.object(Imported)),
  }),
  'memory import': z.object({
    format: z.string(),
    ...Imported,
    skipped: z.array(z.object({ where: z.string(), why: z.string() })),
  }),
  'memory export': z.object({
    format: z.string(),
    entries: z.int(),
    written: z.array(z.string()),
    /** The export itself, when no path was given. */
    text: z.nullable(z.string()),
  }),
} satisfies Outputs
