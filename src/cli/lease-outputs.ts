// What lease list, take and release print with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

const Lease = z.object({
  name: z.string(),
  /** Object id of the lease commit: the fencing token. */
  id: z.string(),
  holder: z.string(),
  host: z.string(),
  session: z.nullable(z.string()),
  /** Seconds. */
  ttl: z.int(),
  state: z.enum(['held', 'released']),
  purpose: z.string(),
  /** By the holder's clock. */
  at: z.string(),
  /** Held by this working tree. */
  mine: z.boolean(),
  /** Seconds since this clone first saw it; null: not seen where leases are decided. */
  age: z.nullable(z.int()),
})

export const outputs = {
  'lease list': z.object({ leases: z.array(Lease) }),
  'lease take': z.object({ lease: Lease }),
  'lease release': z.object({ name: z.string(), outcome: z.enum(['released', 'not-held']) }),
} satisfies Outputs
