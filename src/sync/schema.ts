// What sync remembers on disk, and what it reports. Types only.

import type { Oid } from '../git/git'

export interface Hazard {
  code: string
  subject: string
  message: string
  /** The exact command that mends it. */
  mend: string
}

/** `dstack/sync.json`: rebuildable; may be deleted at any time. */
export interface SyncRecord {
  v: 1
  remote: string
  /** ISO time of the last sync that ended well. */
  at: string | null
  /** The remote's tips as they were read back then. */
  tips: Record<string, Oid>
  /** No background sync before this time (ISO), because the remote refused by policy. */
  waitUntil?: string
}

export type RefOutcome =
  | 'same'
  | 'sent'
  | 'received'
  | 'merged'
  | 'inbox'
  | 'stale'
  | 'refused'
  | 'secret'
  | 'redacted'
  | 'newer'

export interface RefReport {
  ref: string
  outcome: RefOutcome
  detail?: string
}

export interface SyncReport {
  remote: string
  transport: string
  /** Commits that the remote has now and had not before; and the other way round. */
  sent: number
  received: number
  /** True when every tip was read back from the remote and is ours. */
  checked: boolean
  refs: RefReport[]
  warnings: string[]
}
