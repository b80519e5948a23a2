// Where leases are decided: on the elected remote, or in this clone where there is none.

import { DstackError } from '../errors'
import type { Oid } from '../git/git'
import { LEASES, type Store, trackingRef } from '../store/store'
import { electedRemote } from '../sync/sync'
import { LEASE_FILE, parseRecord } from './record'
import type { LeaseRecord } from './schema'

export function leaseRef(name: string): string {
  return `${LEASES}${name}`
}

/** The tip is asked for where the lease is decided, and never taken from what was fetched before. */
export interface Place {
  tip(): Promise<Oid | null>
  /** Brings what is there now into this clone. */
  fetch(): Promise<void>
  /** Puts a commit there if exactly `expect` is there. @throws REMOTE_REFUSED, and what the network says */
  put(id: Oid, expect: Oid | null): Promise<'done' | 'raced'>
}

/** @throws REMOTE_REFUSED where a branch carries the state, NO_REMOTE where the elected one is gone */
export function placeOf(store: Store, name: string): Place {
  if (store.carrier !== null) {
    throw new DstackError(
      'REMOTE_REFUSED',
      `Leases need refs of their own on the remote; here the branch ${store.carrier} carries the state.`,
      {
        hint: 'Agree with the others in words who does it, or move to a host that takes all refs: `git dstack config set transport refs`.',
      },
    )
  }
  return store.remote === null ? localPlace(store, name) : remotePlace(store, electedRemote(store), name)
}

function localPlace({ repo }: Store, name: string): Place {
  const ref = leaseRef(name)
  return {
    tip: async () => repo.tip(ref),
    fetch: async () => undefined,
    async put(id, expect) {
      const lock = repo.lock()
      try {
        return repo.move(ref, id, expect, `lease: ${name}`, lock) ? 'done' : 'raced'
      } finally {
        lock?.release()
      }
    },
  }
}

function remotePlace(store: Store, remote: string, name: string): Place {
  const { repo } = store
  const ref = leaseRef(name)
  const tracking = trackingRef(remote, ref)
  return {
    tip: async () => (await repo.remoteTips(remote, [ref])).find((there) => there.ref === ref)?.oid ?? null,
    // A glob, although it means one ref: git refuses a fetch for a single name that is missing.
    fetch: () => repo.fetch(remote, [`+${ref}*:${tracking}*`]),
    async put(id, expect) {
      const [result] = await repo.push(remote, [{ dst: ref, src: id, expect }])
      if (result?.outcome === 'raced') return 'raced'
      if (result?.outcome === 'done') return 'done'
      throw new DstackError('REMOTE_REFUSED', `${remote} refused ${ref}: ${result?.reason ?? 'no answer'}.`, {
        hint: 'Leases need a remote that takes refs under refs/dstack/; ask who runs it.',
        data: { refused: true },
      })
    },
  }
}

/** The lease commits that are known here without asking anybody, by name: as fetched, or in this clone. */
export function knownTips(store: Store, name = ''): Map<string, Oid> {
  const { repo, remote, carrier } = store
  const tips = new Map<string, Oid>()
  const tracked = remote === null || carrier !== null ? null : trackingRef(remote, LEASES)
  if (name !== '') {
    const tip = (tracked === null ? null : repo.tip(tracked + name)) ?? repo.tip(leaseRef(name))
    return tip === null ? tips : tips.set(name, tip)
  }
  // What the remote has goes before what was taken here when there was none.
  for (const prefix of [LEASES, ...(tracked === null ? [] : [tracked])]) {
    for (const { ref, oid } of repo.tips(prefix)) tips.set(ref.slice(prefix.length), oid)
  }
  return tips
}

/** What these commits say, in their order; null for one that is not here. */
export function recordsAt(
  { repo }: Store,
  tips: readonly (readonly [name: string, tip: Oid])[],
): (LeaseRecord | null)[] {
  const objects = repo.read(
    tips.flatMap(([, tip]) => [tip, `${tip}:${LEASE_FILE}`]),
    1 << 20,
  )
  return tips.map(([name], i) => {
    const [commit, file] = objects.slice(i * 2)
    if (commit?.type !== 'commit') return null
    return parseRecord(name, file?.type === 'blob' ? file.bytes.toString('utf8') : null)
  })
}
