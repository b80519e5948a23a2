// What guard prints with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

const Words = z.object({ words: z.int() })

export const outputs = {
  'guard check': z.object({
    issues: z.array(
      z.object({
        guard: z.enum(['words', 'secrets', 'author', 'subject', 'branches', 'force']),
        level: z.enum(['warn', 'refuse']),
        message: z.string(),
        path: z.optional(z.string()),
        line: z.optional(z.int()),
      }),
    ),
  }),
  'guard words add': Words,
  'guard words remove': Words,
} satisfies Outputs
