// What trust prints with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

const Definition = {
  hash: z.string(),
  command: z.string(),
  folder: z.string(),
  names: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), sha256: z.string(), oid: z.optional(z.string()) })),
}

const Allowed = z.object({ ...Definition, where: z.optional(z.string()), at: z.string(), by: z.string() })

const Described = z.object({
  ...Definition,
  where: z.string(),
  reason: z.enum(['new', 'changed', 'file-changed']),
  before: z.nullable(Allowed),
  unreviewed: z.nullable(z.object({ commits: z.int(), authors: z.array(z.string()) })),
})

export const outputs = {
  'trust list': z.object({
    commands: z.array(
      z.object({
        hash: z.string(),
        command: z.string(),
        where: z.string(),
        state: z.enum(['allowed', 'unused', 'new', 'changed', 'file-changed']),
      }),
    ),
  }),
  'trust allow': z.object({ allowed: z.array(Described), declined: z.array(Described) }),
  'trust revoke': z.object({ revoked: z.array(Allowed) }),
} satisfies Outputs
