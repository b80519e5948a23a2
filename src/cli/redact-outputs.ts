// What redact prints with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

const Named = z.object({ key: z.string(), version: z.string() })

export const outputs = {
  redact: z.object({
    ref: z.string(),
    /** The record that travels with the ref. */
    id: z.string(),
    removed: z.array(Named),
    /** Versions at the same keys that stay in the history. */
    rest: z.array(Named),
    /** False: the text was only hidden. */
    removes: z.boolean(),
    /** The new tip. */
    commit: z.string(),
    /** Read back from the remote; null where there is none. */
    sent: z.nullable(z.boolean()),
    warning: z.optional(z.string()),
    next: z.array(z.string()),
  }),
} satisfies Outputs
