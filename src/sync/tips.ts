// Every tip of ours, here and as it was fetched, with one process.

import type { Oid } from '../git/git'
import {
  carriedTips,
  carrierRef,
  isInbox,
  isLease,
  isOurs,
  isWrite,
  OUR_PREFIXES,
  type Store,
  trackedRef,
  trackingPrefix,
} from '../store/store'

export interface Tips {
  local: Map<string, Oid>
  tracked: Map<string, Oid>
  /** Carriers that writers left in their inboxes, by ref. */
  inboxes: Map<string, Oid>
}

/** All tips with one process; leases are none of what travels. */
export function tipsByRef(store: Store): Tips {
  const { repo, remote, carrier } = store
  const tips: Tips = { local: new Map(), tracked: new Map(), inboxes: new Map() }
  for (const { ref, oid } of repo.tips(...OUR_PREFIXES, ...(remote === null ? [] : [trackingPrefix(remote)]))) {
    const tracked = remote === null ? null : trackedRef(remote, ref)
    if (isLease(tracked ?? ref)) continue
    if (isOurs(ref) && !isInbox(ref)) tips.local.set(ref, oid)
    else if (tracked !== null && isInbox(tracked)) tips.inboxes.set(tracked, oid)
    else if (tracked !== null && carrier === null) tips.tracked.set(tracked, oid)
    else if (remote !== null && carrier !== null && ref === carrierRef(remote, carrier)) {
      for (const [name, tip] of carriedTips(repo, oid)) tips.tracked.set(name, tip)
    }
  }
  return tips
}

/** Writes that no remote is known to have: the count that `status` shows. */
export function unsynced(store: Store): number {
  const tips = tipsByRef(store)
  const outgoing = [...tips.local].filter(([ref, oid]) => tips.tracked.get(ref) !== oid).map(([, oid]) => oid)
  if (outgoing.length === 0) return 0
  return store.repo.log([...outgoing, ...[...tips.tracked.values()].map((oid) => `^${oid}`)]).filter(isWrite).length
}
