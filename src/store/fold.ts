// What to do when the local tip meets another one. Decided here, carried out by the door.

import type { Divergence, Oid } from '../git/git'

export type Fold =
  | { kind: 'nothing' }
  /** The other tip has everything that we have. */
  | { kind: 'fast-forward'; to: Oid }
  /** Only merge commits of ours are dropped. */
  | { kind: 'adopt'; to: Oid }
  | { kind: 'merge'; parents: [Oid, Oid] }

export interface Meeting {
  local: Oid
  other: Oid
  divergence: Divergence
  /** Does the merged tree differ from the other tip's tree, and from ours? */
  weChange: boolean
  theyChange: boolean
  /** The tip of the elected remote: the result must be it or a descendant of it, so that the push is a fast-forward. */
  hub: boolean
}

/** Needs no trees: settles the cases in which one tip contains the other. */
export function containment(local: Oid, other: Oid, divergence: Divergence): Fold | null {
  if (local === other || divergence.right.length === 0) return { kind: 'nothing' }
  if (divergence.left.length === 0) return { kind: 'fast-forward', to: other }
  return null
}

/** The fold rules for tips of which neither contains the other. Termination is shown by the merge model in the tests. */
export function decideFold(meeting: Meeting): Fold {
  const { local, other, divergence, hub } = meeting
  const weAdd = meeting.weChange || divergence.left.some(isWrite)
  const theyAdd = meeting.theyChange || divergence.right.some(isWrite)
  if (!weAdd && (hub || theyAdd)) return { kind: 'adopt', to: other }
  if (!hub && !theyAdd) {
    return !weAdd && other < local ? { kind: 'adopt', to: other } : { kind: 'nothing' }
  }
  return { kind: 'merge', parents: local < other ? [local, other] : [other, local] }
}

/** Everything but a merge was written by somebody. */
export function isWrite(commit: { parents: readonly Oid[] }): boolean {
  return commit.parents.length < 2
}

export const MERGE_MESSAGE = 'dstack: merge\n'

/** Of two commits the one whose date the merge takes: the newest, and of equals the larger id. */
export function newest<C extends { oid: Oid; seconds: number }>(a: C, b: C): C {
  if (a.seconds !== b.seconds) return a.seconds > b.seconds ? a : b
  return a.oid > b.oid ? a : b
}
