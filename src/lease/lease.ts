// The door to leases: who alone may do something for a while. The elected remote decides, and no wall clock takes part.

import { DstackError, type Refusal } from '../errors'
import type { Oid } from '../git/git'
import { findSecrets, hashText, type Store } from '../store/store'
import { changeOwn, instant, noteSighting, ownOf, sightingOf } from './book'
import { type Claim, isOwn, isRenewalDue, judge, NOTHING_OWN, seenFor, timeLeft } from './judge'
import { isAnothers, look, ROUNDS, standingClaim } from './look'
import { knownTips, placeOf, recordsAt } from './place'
import { makeClaim, newRecord, put, stepOf } from './put'
import { nameProblem, oneLine } from './record'
import { DEFAULT_TTL, type LeaseRecord, LONGEST_TTL, SHORTEST_TTL } from './schema'
import { duration, heldByAnother, heldNoMore, overtaken } from './words'

export { marginOf } from './judge'

export { duration } from './words'

export interface Lease {
  name: string
  /** The lease commit: the fencing token, to be written into what the holder does. A renewal makes another one. */
  id: Oid
  /** `Alice <alice@example.com>` */
  holder: string
  host: string
  /** The agent's session, where one holds it. */
  session: string | null
  /** Seconds. */
  ttl: number
  state: 'held' | 'released'
  purpose: string
  /** ISO time by the holder's clock; for display only. */
  at: string
  /** Held by this working tree, as far as is known here. */
  mine: boolean
  /** Seconds since this clone first saw this commit (since it was taken, if it is ours); null: not seen yet. */
  age: number | null
}

export interface TakeOptions {
  /** Seconds, from 2 to 86400. Default: as it was when it is ours, else 900. */
  ttl?: number
  /** What for: one line that the others read. */
  purpose: string
}

const LONGEST_PURPOSE = 200

/**
 * Takes the lease, or renews it where it is ours already. Ours and young (a third of its time): no network.
 * Held by another: a refusal (CONTENDED) that names the holder; asking again later is also what makes a takeover possible.
 * @throws REMOTE_REFUSED, REMOTE_UNAVAILABLE, NO_REMOTE; nothing has changed then, or the next call finds out what has
 */
export async function takeLease(store: Store, name: string, options: TakeOptions): Promise<Lease | Refusal> {
  const place = placeOf(store, checkedName(name))
  const purpose = oneLine(options.purpose, LONGEST_PURPOSE)
  const refusal = problemWith(options.ttl, purpose)
  if (refusal !== null) return refusal
  const isFresh = (claim: Claim) =>
    timeLeft(claim, instant(store)) > 0 &&
    !isRenewalDue(claim, instant(store)) &&
    (options.ttl ?? claim.record.ttl) === claim.record.ttl
  const standing = standingClaim(store, name)
  if (standing !== null && isFresh(standing)) return leaseOfClaim(store, standing)

  let why = 'others were faster'
  for (let round = 0; round < ROUNDS; round++) {
    const { there, expect, own } = await look(store, place, name)
    if (own.held !== null && isFresh(own.held)) return leaseOfClaim(store, own.held)
    const now = instant(store)
    const seen = isAnothers(there, own) ? noteSighting(store, name, there.tip, now) : undefined
    const verdict = judge(there, own, seen, now)
    if (verdict.kind === 'taken') {
      return heldByAnother(leaseThere(store, there.tip ?? '', there.record), verdict.wait / 1000)
    }
    const ttl = options.ttl ?? (verdict.kind === 'ours' ? there.record?.ttl : undefined) ?? DEFAULT_TTL
    const record = newRecord(store, name, { ttl, purpose, state: 'held' })
    const claim = makeClaim(store, record, stepOf(verdict), there.tip, now)
    if ((await put(store, place, claim, expect, own)) === 'raced') continue
    if (timeLeft(claim, instant(store)) > 0) return leaseOfClaim(store, claim)
    why = `the remote answers too slowly for ${duration(ttl)}`
  }
  return overtaken(name, why)
}

/** Ours, and inside its time minus the margin by our own clock. No network: right as long as nobody stopped this machine's clock. */
export function holdsLease(store: Store, name: string): Lease | null {
  const claim = standingClaim(store, checkedName(name))
  return claim === null ? null : leaseOfClaim(store, claim)
}

/** Asks where the lease is decided whether it still is exactly ours: before each step that can't be taken back. */
export async function verifyLease(store: Store, name: string): Promise<Lease | Refusal> {
  const place = placeOf(store, checkedName(name))
  const before = ownOf(store, name)
  const { there, own } = await look(store, place, name)
  const { held } = own
  if (held !== null) {
    if (timeLeft(held, instant(store)) > 0) return leaseOfClaim(store, held)
    return heldNoMore(name, `its ${duration(held.record.ttl)} were over before it was renewed`, null)
  }
  if (!isAnothers(there, own)) return heldNoMore(name, 'it was released, or never taken', null)
  noteSighting(store, name, there.tip, instant(store))
  const why = before === NOTHING_OWN ? 'it was never taken here' : 'it was taken over'
  return heldNoMore(name, why, leaseThere(store, there.tip, there.record))
}

/** Gives it back by a forward commit, so that the next one needs not wait. */
export async function releaseLease(store: Store, name: string): Promise<'released' | 'not-held' | Refusal> {
  const place = placeOf(store, checkedName(name))
  if (ownOf(store, name) === NOTHING_OWN) return 'not-held'
  for (let round = 0; round < ROUNDS; round++) {
    const { there, expect, own } = await look(store, place, name)
    if (!isOwn(own, there.tip) || there.record === null) return 'not-held'
    if (there.record.state === 'released') return givenBack(store, name, there.tip)
    const { ttl, purpose } = there.record
    const record = newRecord(store, name, { ttl, purpose, state: 'released' })
    const claim = makeClaim(store, record, 'released', there.tip, null)
    if ((await put(store, place, claim, expect, own)) === 'done') return givenBack(store, name, claim.id)
  }
  return overtaken(name, 'others were faster')
}

/** The release is there and nothing of it needs to be remembered; what another process here has put behind it stays. */
function givenBack(store: Store, name: string, release: Oid | null): 'released' {
  changeOwn(store, name, ({ held, pending }) => ({ held, pending: pending.filter(({ id }) => id !== release) }))
  return 'released'
}

/** What is known here of a lease, without asking anybody. Null: nothing. */
export function readLease(store: Store, name: string): Lease | null {
  const held = holdsLease(store, name)
  if (held !== null) return held
  const tip = knownTips(store, name).get(name)
  const [record] = tip === undefined ? [] : recordsAt(store, [[name, tip]])
  return tip === undefined || !record ? null : leaseThere(store, tip, record)
}

/** All leases that are known here, by name. */
export function listLeases(store: Store): Lease[] {
  const tips = [...knownTips(store)].filter(([name]) => nameProblem(name) === null)
  const records = recordsAt(store, tips)
  const leases = tips.flatMap(([name, tip], i): Lease[] => {
    const lease = holdsLease(store, name) ?? (records[i] ? leaseThere(store, tip, records[i]) : null)
    return lease === null ? [] : [lease]
  })
  return leases.sort((a, b) => (a.name < b.name ? -1 : 1))
}

// --- what is asked for, and what is told ----------------------------------------------------------------------------

function checkedName(name: string): string {
  const problem = nameProblem(name)
  if (problem === null) return name
  throw new DstackError('USAGE', `"${name}" can not be the name of a lease: ${problem}.`, {
    hint: 'For example flow-payments or release-main.',
  })
}

function problemWith(ttl: number | undefined, purpose: string): Refusal | null {
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl >= SHORTEST_TTL && ttl <= LONGEST_TTL)) {
    throw new DstackError('USAGE', `A lease can't be for ${ttl} seconds.`, {
      hint: `Use whole seconds from ${SHORTEST_TTL} to ${LONGEST_TTL}; it can be renewed as often as you like.`,
    })
  }
  const [secret] = findSecrets(purpose, { hash: hashText })
  if (secret === undefined) return null
  return {
    refused: 'SECRET',
    message: `The purpose holds what looks like a credential (${secret.rule}, ${secret.masked}).`,
    hint: 'Everybody reads it; say what the lease is for without it.',
  }
}

function leaseOf(id: Oid, record: LeaseRecord, mine: boolean, age: number | null): Lease {
  const { name, holder, host, session, ttl, state, purpose, at } = record
  const seconds = age === null ? null : Math.floor(age / 1000)
  return { name, id, holder, host, session, ttl, state, purpose, at, mine, age: seconds }
}

function leaseOfClaim(store: Store, { id, record, since }: Claim): Lease {
  const age = since === null ? null : instant(store).monotonic - since.monotonic
  return leaseOf(id, record, true, age)
}

/** A lease that is not ours to act on: of somebody else, released, or past its time. */
function leaseThere(store: Store, tip: Oid, record: LeaseRecord | null): Lease {
  if (record === null) throw new DstackError('INTERNAL', `The lease commit ${tip} was not read.`)
  return leaseOf(tip, record, false, seenFor(sightingOf(store, record.name), tip, instant(store)))
}
