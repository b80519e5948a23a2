// What the last sync left, in a file of this clone: what the remote held then, and whether it wants to be left alone.

import type { Store } from '../store/store'
import type { SyncRecord } from './schema'

function recordPath(store: Store): string {
  return store.repo.ours('sync.json')
}

/** What the last sync with this remote left; a fresh record where there is none. */
export function readRecord(store: Store, remote: string): SyncRecord {
  const fresh: SyncRecord = { v: 1, remote, at: null, tips: {} }
  try {
    const record = JSON.parse(store.env.files.read(recordPath(store))?.toString('utf8') ?? 'null') as SyncRecord | null
    return record?.v === 1 && record.remote === remote ? record : fresh
  } catch {
    return fresh // torn or foreign: it is made anew
  }
}

export function writeRecord(store: Store, remote: string, record: SyncRecord, how: { failed?: boolean } = {}): void {
  const at = how.failed ? record.at : store.env.now().toISOString()
  const { waitUntil, ...rest } = record
  const next: SyncRecord = { ...rest, remote, at, ...(how.failed && waitUntil !== undefined ? { waitUntil } : {}) }
  store.env.files.write(recordPath(store), `${JSON.stringify(next)}\n`)
}
