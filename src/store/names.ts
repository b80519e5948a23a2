// The names of our refs: what kind each one is, and where the elected remote's copy of it is tracked.

export const MEMORY = 'refs/dstack/memory'
export const PLANS = 'refs/dstack/plans'
export const FLEET = 'refs/dstack/fleet'
export const CONFIG = 'refs/dstack/config'

/** The newest format of documents and refs that this version writes. */
export const FORMAT = 1
/** The document of refs/dstack/config that says which format a repository asks for (`format`, `min_write`). */
export const FORMAT_KEY = 'dstack/format'

/** convergent: merges by itself. linear: one line of history. evidence: notes, union of lines. foreign: a newer version's. */
export type RefKind = 'convergent' | 'linear' | 'evidence' | 'foreign'

export const CONVERGENT_REFS: readonly string[] = [MEMORY, PLANS, FLEET, CONFIG]

export function kindOf(ref: string): RefKind {
  if (CONVERGENT_REFS.includes(ref)) return 'convergent'
  if (/^refs\/dstack\/(flow|lease)\//.test(ref)) return 'linear'
  return ref.startsWith('refs/notes/dstack/') ? 'evidence' : 'foreign'
}

const STATE = 'refs/dstack/'
const NOTES = 'refs/notes/dstack/'

export function isOurs(ref: string): boolean {
  return ref.startsWith(STATE) || ref.startsWith(NOTES)
}

/** Both prefixes under which our refs live, as `git for-each-ref` takes them. */
export const OUR_PREFIXES = [STATE, NOTES]

/** Is it the ref of a flow? */
export function isFlow(ref: string): boolean {
  return ref.startsWith('refs/dstack/flow/')
}

/** Outside of refs/dstack/, so that no push of ours publishes it; outside of refs/remotes/, which some hosts refuse. */
export function trackingPrefix(remote: string): string {
  return `refs/dstack-remotes/${remote}/`
}

/** `refs/dstack/memory` → `refs/dstack-remotes/origin/state/memory`. */
export function trackingRef(remote: string, ref: string): string {
  const kind = ref.startsWith(NOTES) ? 'notes/' : 'state/'
  return trackingPrefix(remote) + kind + ref.slice(ref.startsWith(NOTES) ? NOTES.length : STATE.length)
}

/** The inverse; null for a ref that tracks nothing of ours. */
export function trackedRef(remote: string, tracking: string): string | null {
  const prefix = trackingPrefix(remote)
  if (tracking.startsWith(`${prefix}state/`)) return STATE + tracking.slice(prefix.length + 6)
  if (tracking.startsWith(`${prefix}notes/`)) return NOTES + tracking.slice(prefix.length + 6)
  return null
}

/** Fetch refspecs of the elected remote: globs, because one that names a missing ref would break plain `git fetch`. */
export function fetchRefspecs(remote: string): string[] {
  const prefix = trackingPrefix(remote)
  return [`+${STATE}*:${prefix}state/*`, `+${NOTES}*:${prefix}notes/*`]
}

/** Leases: decided by the verbs of leases alone, never sent, folded or counted with the state. */
export const LEASES = `${STATE}lease/`

export function isLease(ref: string): boolean {
  return ref.startsWith(LEASES)
}

/** Where a writer publishes when the shared ref is contended; nobody else writes there. */
export const INBOX = `${STATE}inbox/`

export function isInbox(ref: string): boolean {
  return ref.startsWith(INBOX)
}
