// Who may take a lease, and how long its holder may act on it. Only clocks that one machine reads for itself take part.

import type { Oid } from '../git/git'
import type { LeaseRecord } from './schema'

/** A moment by the clocks of this machine. */
export interface Instant {
  /** Which start of the machine; moments of two starts do not compare. */
  boot: string
  /** Milliseconds; may stand still while the machine sleeps. */
  monotonic: number
  /** Milliseconds since the start, sleep included. */
  uptime: number
}

/** When this clone first knew that a lease commit was there. */
export interface Sighting {
  id: Oid
  boot: string
  monotonic: number
}

/** A lease commit of our own. */
export interface Claim {
  id: Oid
  /** What it was put behind: it can only arrive while that is the tip. */
  after: Oid | null
  /** A moment before its push began; null once a release is on its way: then only a new commit makes the lease ours again. */
  since: Instant | null
  record: LeaseRecord
}

/** What this working tree has put on a lease. */
export interface Own {
  /** It was there when it was last looked for. */
  held: Claim | null
  /** Pushed, and nobody has answered. */
  pending: Claim[]
}

export const NOTHING_OWN: Own = { held: null, pending: [] }

/** What is on a lease now. */
export interface Standing {
  /** Null: nobody ever took it. */
  tip: Oid | null
  record: LeaseRecord | null
}

export type Verdict =
  | { kind: 'free'; why: 'untaken' | 'released' | 'expired' }
  | { kind: 'ours' }
  /** `wait`: milliseconds for which it still has to stay as it is. */
  | { kind: 'taken'; wait: number }

/**
 * Seconds before the end at which the holder stops: a fifth, and at least 2 s where the lease is long enough. It covers the
 * time between looking at the clock and acting, and clocks of which one runs up to 20 % faster than the other.
 */
export function marginOf(ttl: number): number {
  return Math.max(ttl / 5, Math.min(2, ttl / 2))
}

/** Milliseconds since we began to put it there, by whichever clock says more; infinite where that can't be known. */
export function heldFor(since: Instant | null, now: Instant): number {
  if (since === null || since.boot !== now.boot || since.monotonic > now.monotonic) return Number.POSITIVE_INFINITY
  return Math.max(now.monotonic - since.monotonic, now.uptime - since.uptime)
}

/** Milliseconds for which the holder may act on it without renewing; 0 or less: no more. */
export function timeLeft({ record, since }: Claim, now: Instant): number {
  if (record.state !== 'held') return 0
  return (record.ttl - marginOf(record.ttl)) * 1000 - heldFor(since, now)
}

/** More than a third of its time has passed: it is renewed while there is time to try twice. */
export function isRenewalDue({ record, since }: Claim, now: Instant): boolean {
  return heldFor(since, now) > (record.ttl * 1000) / 3
}

/** The first sight of what is there: the former one, if it was of the same commit and its clock still goes. */
export function sight(former: Sighting | undefined, tip: Oid, now: Instant): Sighting {
  const same = former?.id === tip && former.boot === now.boot && former.monotonic <= now.monotonic
  return same ? former : { id: tip, boot: now.boot, monotonic: now.monotonic }
}

/** Milliseconds for which this clone has known the commit; null when it can't tell. */
export function seenFor(sighting: Sighting | undefined, tip: Oid, now: Instant): number | null {
  if (sighting?.id !== tip || sighting.boot !== now.boot || sighting.monotonic > now.monotonic) return null
  return now.monotonic - sighting.monotonic
}

/** What is ours after a look: of several tries the one that is there; those that can still arrive are kept. */
export function settle(own: Own, tip: Oid | null): Own {
  const claims = [...(own.held === null ? [] : [own.held]), ...own.pending]
  const held = claims.find(({ id, since }) => id === tip && since !== null) ?? null
  const pending = claims.filter((claim) => claim !== held && (claim.id === tip || claim.after === tip))
  return { held, pending }
}

export function isOwn(own: Own, tip: Oid | null): boolean {
  return tip !== null && (own.held?.id === tip || own.pending.some(({ id }) => id === tip))
}

/**
 * May we put a commit of ours behind what is there? The push must still find exactly that: so nothing has happened since
 * the sighting, and a holder that began before we saw its commit has stopped when its whole time has passed for us.
 */
export function judge({ tip, record }: Standing, own: Own, seen: Sighting | undefined, now: Instant): Verdict {
  if (tip === null || record === null) return { kind: 'free', why: 'untaken' }
  if (record.state === 'released') return { kind: 'free', why: 'released' }
  if (isOwn(own, tip)) return { kind: 'ours' }
  const wait = record.ttl * 1000 - (seenFor(seen, tip, now) ?? 0)
  return wait <= 0 ? { kind: 'free', why: 'expired' } : { kind: 'taken', wait }
}
