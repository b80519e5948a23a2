// Putting a commit of ours where leases are decided, so that a process that dies in the middle is understood by the next one.

import { DstackError } from '../errors'
import type { Oid } from '../git/git'
import { person, type Store, signatures, trackingRef } from '../store/store'
import { changeOwn } from './book'
import { type Claim, type Instant, isOwn, type Own, settle, type Verdict } from './judge'
import { leaseRef, type Place } from './place'
import { formatRecord, LEASE_FILE, messageOf, oneLine, type Step } from './record'
import type { LeaseRecord } from './schema'

/** Characters of a host's name and of an agent's session. */
const LONGEST_WORD = 100

export function newRecord(
  store: Store,
  name: string,
  { ttl, purpose, state }: Pick<LeaseRecord, 'ttl' | 'purpose' | 'state'>,
): LeaseRecord {
  const { env, repo } = store
  const session = oneLine(env.vars.DSTACK_SESSION || env.vars.CLAUDE_SESSION_ID || '', LONGEST_WORD)
  return {
    type: 'lease',
    name,
    holder: person(store).by,
    host: oneLine(env.host, LONGEST_WORD),
    session: session === '' ? null : session,
    nonce: env.newId(),
    clone: repo.digest(`${env.host}\n${repo.gitDir}`).slice(0, 12),
    ttl,
    state,
    purpose,
    at: env.now().toISOString(),
  }
}

/** The commit of a claim, saved; nothing names it yet. */
export function makeClaim(
  store: Store,
  record: LeaseRecord,
  step: Step,
  after: Oid | null,
  since: Instant | null,
): Claim {
  const batch = store.repo.batch()
  const file = { mode: '100644', name: LEASE_FILE, oid: batch.blob(Buffer.from(formatRecord(record))) }
  const id = batch.commit({
    tree: batch.tree([file]),
    parents: after === null ? [] : [after],
    ...signatures(store),
    message: messageOf(record, step, after),
  })
  store.repo.save(batch)
  return { id, after, since, record }
}

export function stepOf(verdict: Verdict): Step {
  if (verdict.kind === 'ours') return 'renewed'
  return verdict.kind === 'free' && verdict.why === 'expired' ? 'taken over' : 'taken'
}

/** Puts a claim where leases are decided. Noted before, so that a process that is killed here is understood by the next one. */
export async function put(
  store: Store,
  place: Place,
  claim: Claim,
  expect: Oid | null,
  own: Own,
): Promise<'done' | 'raced'> {
  const { name, state } = claim.record
  // With a release on its way nothing counts as held: once it is there, somebody else may take it at once.
  const given = (former: Claim): Claim => ({ ...former, since: null })
  changeOwn(store, name, ({ held, pending }) => {
    if (state === 'held') return { held, pending: [...pending, claim] }
    return { held: null, pending: [...(held === null ? [] : [held]), ...pending, claim].map(given) }
  })
  try {
    if ((await putAndAsk(place, claim.id, expect)) === 'raced') return 'raced'
  } catch (error) {
    if (error instanceof DstackError && error.code === 'REMOTE_REFUSED') changeOwn(store, name, () => own)
    throw error
  }
  // Another process of this working tree may have gone on from it already.
  changeOwn(store, name, (now) => (isOwn(now, claim.id) ? settle(now, claim.id) : now))
  follow(store, name, claim.id)
  return 'done'
}

/** A push whose answer was lost is settled by who decides. */
async function putAndAsk(place: Place, id: Oid, expect: Oid | null): Promise<'done' | 'raced'> {
  try {
    return await place.put(id, expect)
  } catch (error) {
    if (!(error instanceof DstackError) || error.code === 'REMOTE_REFUSED') throw error
    const tip = await place.tip().catch(() => undefined)
    if (tip === id) return 'done'
    throw error
  }
}

/** What is on the remote is tracked here, and no local ref stands for it: nothing can go stale, nothing is pushed by the way. */
function follow(store: Store, name: string, id: Oid): void {
  const { repo, remote } = store
  if (remote === null) return
  const tracking = trackingRef(remote, leaseRef(name))
  const tracked = repo.tip(tracking)
  if (tracked !== id) repo.move(tracking, id, tracked, `lease: ${name}`)
  const local = repo.tip(leaseRef(name))
  if (local !== null) repo.move(leaseRef(name), null, local, `lease: ${name} is on ${remote} now`)
}
