// Documents go with the steps that hand work over: whoever answers next has to see the plan that is asked about.

import { DstackError } from '../errors'
import { PLANS, type Store, trackingTip } from '../store/store'
import { sync } from '../sync/sync'

/** Sends what plans, tasks and companions say, where the remote does not have it yet. Null, or why it is only here. */
export async function sendDocuments(store: Store): Promise<string | null> {
  const { repo, remote, carrier } = store
  const tip = repo.tip(PLANS)
  if (remote === null || carrier !== null || tip === null || tip === trackingTip(store, PLANS)) return null
  try {
    const { refs } = await sync(store, { background: true })
    const kept = refs.find(
      ({ ref, outcome }) => ref === PLANS && ['secret', 'refused', 'stale', 'newer'].includes(outcome),
    )
    return kept === undefined
      ? null
      : `The plan's documents are only here (${kept.outcome}): \`git dstack sync\` says more.`
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return `The plan's documents are only here until \`git dstack sync\`: ${error.message}`
  }
}
