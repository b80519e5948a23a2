// What sync, fold, export, log and undo print with `--json`. What `at` prints is what the verb behind it prints.

import * as z from 'zod/mini'
import type { Outputs } from './command'

export const outputs = {
  sync: [
    z.object({
      remote: z.string(),
      transport: z.string(),
      sent: z.int(),
      received: z.int(),
      /** Every tip was read back from the remote and is ours. */
      checked: z.boolean(),
      refs: z.array(
        z.object({
          ref: z.string(),
          outcome: z.enum([
            'same',
            'sent',
            'received',
            'merged',
            'inbox',
            'stale',
            'refused',
            'secret',
            'redacted',
            'newer',
          ]),
          detail: z.optional(z.string()),
        }),
      ),
      warnings: z.array(z.string()),
    }),
    // With --all.
    z.object({
      results: z.array(
        z.object({
          folder: z.string(),
          /** `done`, or the code of what stood in the way. */
          outcome: z.string(),
          message: z.string(),
          exit: z.int(),
        }),
      ),
    }),
  ],
  fold: z.object({ refs: z.array(z.object({ ref: z.string(), how: z.string() })) }),
  export: z.object({ file: z.string(), refs: z.array(z.string()) }),
  log: z.object({
    commits: z.array(
      z.object({
        commit: z.string(),
        by: z.string(),
        email: z.string(),
        at: z.string(),
        subject: z.string(),
        /** Only of a single write: the rest of its message, and what it changed. */
        body: z.optional(z.string()),
        patch: z.optional(z.string()),
      }),
    ),
  }),
  undo: z.object({
    undone: z.string(),
    subject: z.string(),
    keys: z.array(z.string()),
    /** The write that took it back. */
    commit: z.string(),
  }),
} satisfies Outputs
