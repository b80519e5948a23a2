// The work that is going on here, for the gate: the flow is asked, and only when there is one.

import { isRefusal, refusalError } from '../errors'
import type { CommitFacts, GateContext } from '../gate/gate'
import type { Store } from '../store/store'

/** The flow of this worktree, its leaf, and the task: the one that is named, or the one that is running. @throws NOT_FOUND */
export async function gateContext(store: Store, named?: string): Promise<GateContext> {
  const work = (await import('../flow/flow')).workHere(store, named)
  if (isRefusal(work)) throw refusalError(work)
  return work.context
}

/** The task that each commit's trailers name. */
export async function contextByTrailers(store: Store): Promise<(commit: CommitFacts) => GateContext> {
  return (await import('../flow/flow')).contextByTrailers(store)
}
