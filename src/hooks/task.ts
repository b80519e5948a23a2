// What is worked on in this worktree, as far as the hooks around a commit ask for it.

import { isRefusal } from '../errors'
import type { WorkHere } from '../flow/flow'
import type { CommitFacts, GateContext } from '../gate/gate'
import type { Store } from '../store/store'

export type { WorkHere } from '../flow/flow'

const NOTHING: WorkHere = { context: { task: null, leaf: null, slug: null }, task: null, prefix: '', trailers: [] }

/** Of anybody, here or as fetched. */
const FLOW = /^refs\/(?:dstack|dstack-remotes\/.+\/state)\/flow\//

/** Where there is no flow, nothing that knows of flows is loaded. */
export async function workHere(store: Store): Promise<WorkHere> {
  if (!store.repo.tips('refs/dstack/', 'refs/dstack-remotes/').some(({ ref }) => FLOW.test(ref))) return NOTHING
  const work = (await import('../flow/flow')).workHere(store)
  return isRefusal(work) ? NOTHING : work
}

/** The task that a commit's trailers name, as `git dstack evidence check` takes it. */
export async function contextByTrailers(store: Store): Promise<(commit: CommitFacts) => GateContext> {
  return (await import('../flow/flow')).contextByTrailers(store)
}
