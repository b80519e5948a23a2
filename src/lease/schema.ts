// The durable format of refs/dstack/lease/<name>: what lease.json says, and how long a lease may be.

import * as z from 'zod/mini'

/** A lease's name is the last part of its ref, so it is what git takes there; see `nameProblem`. */
export const LEASE_NAME = /^[a-z0-9][a-z0-9._-]{0,79}$/

/** Seconds. */
export const DEFAULT_TTL = 900
/** Seconds. Below it the margin would leave nothing. */
export const SHORTEST_TTL = 2
/** Seconds. A lease is renewed while work goes on, so a day is for who forgot; one that can't be read counts as this long. */
export const LONGEST_TTL = 86_400

/** The one file of a lease commit. Fields of newer versions are passed over. */
export const LeaseRecord = z.looseObject({
  type: z.literal('lease'),
  name: z.string(),
  /** `Alice <alice@example.com>` */
  holder: z.string(),
  host: z.string(),
  /** The agent's session, where one holds it. */
  session: z.nullable(z.string()),
  /** Makes every lease commit another one, also of the same holder within a second. */
  nonce: z.string(),
  /** Names the working tree of the holder, by a digest: for people who compare, decides nothing. */
  clone: z.string(),
  /** Seconds. */
  ttl: z.int().check(z.gte(1), z.lte(LONGEST_TTL)),
  state: z.enum(['held', 'released']),
  purpose: z.string(),
  /** ISO time by the holder's clock. Displays, never decides. */
  at: z.string(),
})
export type LeaseRecord = z.infer<typeof LeaseRecord>
