// What this clone remembers of leases, in two files that may be deleted: what we hold here, and since when we saw what others hold.

import type { Oid } from '../git/git'
import type { Store } from '../store/store'
import { type Instant, NOTHING_OWN, type Own, type Sighting, sight } from './judge'

/** `$GIT_DIR/dstack/leases.json`: of this working tree. It names itself, so that a copy of the clone holds nothing. */
interface OwnFile extends Place {
  v: 1
  /** By lease. `remote`: where it was taken; null: in this clone only. */
  leases: Record<string, Own & { remote: string | null }>
}

interface Place {
  host: string
  path: string
  inode: number
  birthMs: number
}

/** `$GIT_COMMON_DIR/dstack/lease-seen.json`: of all working trees. */
interface SeenFile {
  v: 1
  seen: Record<string, Sighting>
}

export function instant({ env }: Store): Instant {
  return { boot: env.boot(), monotonic: env.monotonic(), uptime: env.uptime() }
}

function ownPath(store: Store): string {
  return store.repo.oursHere('leases.json')
}

function seenPath(store: Store): string {
  return store.repo.ours('lease-seen.json')
}

function parsed<T extends { v: 1 }>(store: Store, path: string): T | null {
  try {
    const file = JSON.parse(store.env.files.read(path)?.toString('utf8') ?? 'null') as T | null
    return file?.v === 1 ? file : null
  } catch {
    return null // torn: nothing is known
  }
}

function readOwns(store: Store): OwnFile['leases'] {
  const path = ownPath(store)
  const file = parsed<OwnFile>(store, path)
  const stat = file === null ? null : store.env.files.stat(path)
  const same =
    file !== null &&
    file.host === store.env.host &&
    file.path === path &&
    file.inode === stat?.inode &&
    file.birthMs === stat.birthMs
  return same ? file.leases : {}
}

/** What this working tree has put on a lease, where leases are kept now. */
export function ownOf(store: Store, name: string): Own {
  const own = readOwns(store)[name]
  return own === undefined || own.remote !== store.remote ? NOTHING_OWN : own
}

/** Changes what is remembered of our own, as one step among the processes of this clone; gives what is remembered then. */
export function changeOwn(store: Store, name: string, change: (own: Own) => Own): Own {
  const lock = store.repo.lock()
  try {
    const former = ownOf(store, name)
    const own = change(former)
    if (JSON.stringify(own) === JSON.stringify(former)) return former
    const { [name]: _former, ...others } = readOwns(store)
    const nothing = own.held === null && own.pending.length === 0
    const leases = nothing ? others : { ...others, [name]: { ...own, remote: store.remote } }
    const path = ownPath(store)
    store.env.files.writeMarked(path, (self) => {
      return `${JSON.stringify({ v: 1, host: store.env.host, path, ...self, leases } satisfies OwnFile)}\n`
    })
    return own
  } finally {
    lock?.release()
  }
}

export function sightingOf(store: Store, name: string): Sighting | undefined {
  return parsed<SeenFile>(store, seenPath(store))?.seen[name]
}

/** Remembers that a commit of somebody else is there now; since when, if that was known. */
export function noteSighting(store: Store, name: string, tip: Oid, now: Instant): Sighting {
  const known = sightingOf(store, name)
  const first = sight(known, tip, now)
  if (first === known) return first
  const lock = store.repo.lock()
  try {
    // Those of a former start of the machine tell nothing any more.
    const all = Object.entries(parsed<SeenFile>(store, seenPath(store))?.seen ?? {})
    const seen = Object.fromEntries(all.filter(([, { boot }]) => boot === now.boot))
    const sighting = sight(seen[name], tip, now)
    store.env.files.write(seenPath(store), `${JSON.stringify({ v: 1, seen: { ...seen, [name]: sighting } })}\n`)
    return sighting
  } finally {
    lock?.release()
  }
}
