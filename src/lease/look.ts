// What is there now, said by who decides, and what it means for what we had put there.

import { DstackError } from '../errors'
import type { Oid } from '../git/git'
import type { Store } from '../store/store'
import { changeOwn, instant, ownOf } from './book'
import { type Claim, isOwn, type Own, type Standing, settle, timeLeft } from './judge'
import { knownTips, leaseRef, type Place, recordsAt } from './place'
import type { LeaseRecord } from './schema'

/** Looks at a lease that keeps changing hands. */
export const ROUNDS = 5

export interface Look {
  there: Standing
  /** What a push has to find. */
  expect: Oid | null
  /** What is ours after the look. */
  own: Own
}

/** Asks for the tip, settles what is ours by it, and reads what it says. @throws CONTENDED, and what the network says */
export async function look(store: Store, place: Place, name: string): Promise<Look> {
  for (let round = 0; round < ROUNDS; round++) {
    const before = ownOf(store, name)
    const expect = await place.tip()
    // Taken when there was no remote yet: that goes on as if it had been there.
    const tip = expect ?? store.repo.tip(leaseRef(name))
    const claims = [...(before.held === null ? [] : [before.held]), ...before.pending]
    const own = changeOwn(store, name, (now) => (isSame(now, before) ? settle(now, tip) : now))
    const known = claims.find(({ id }) => id === tip)
    // Another process of this working tree has put something there since: what we saw may be older than that.
    if (!isSame(own, settle(before, tip))) continue
    if (tip === null) return { there: { tip, record: null }, expect, own }
    if (known !== undefined) return { there: { tip, record: known.record }, expect, own }
    const record = await readOrFetch(store, place, name, tip)
    if (record !== null) return { there: { tip, record }, expect, own }
  }
  throw new DstackError('CONTENDED', `${name} keeps changing hands.`, { hint: 'Try again in a moment.' })
}

/** Null: it has moved on meanwhile. */
async function readOrFetch(store: Store, place: Place, name: string, tip: Oid): Promise<LeaseRecord | null> {
  const [here] = recordsAt(store, [[name, tip]])
  if (here) return here
  await place.fetch()
  return recordsAt(store, [[name, tip]])[0] ?? null
}

function isSame(a: Own, b: Own): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Somebody else has it; as far as we know, that one still works. */
export function isAnothers(there: Standing, own: Own): there is Standing & { tip: Oid } {
  return there.tip !== null && there.record?.state === 'held' && !isOwn(own, there.tip)
}

/** Our claim, if we may act on it now: its time is not over, and nothing that was fetched stands behind it. */
export function standingClaim(store: Store, name: string): Claim | null {
  const { held, pending } = ownOf(store, name)
  if (held === null || timeLeft(held, instant(store)) <= 0) return null
  const known = knownTips(store, name).get(name)
  if (known === undefined || known === held.id || pending.some(({ id }) => id === known)) return held
  // What was fetched may also be older than what we have put there.
  return store.repo.divergence(held.id, known).left.length === 0 ? null : held
}
