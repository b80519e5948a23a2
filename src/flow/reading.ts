// Where flows stand, here and on the remote: reading only, no network.

import type { Refusal } from '../errors'
import type { Oid } from '../git/git'
import { readChain, type Store, trackingPrefix, trackingTip } from '../store/store'
import { decodeFlow } from './codec'
import { stateProblems } from './legal'
import type { Flow } from './schema'

export const FLOWS = 'refs/dstack/flow/'

export function flowRef(slug: string): string {
  return FLOWS + slug
}

/** How this clone's line stands to the one that was fetched; a follower, whose line is older or not there, is the same. */
export type Relation = 'none' | 'same' | 'ahead' | 'diverged'

export interface Place {
  ref: string
  /** The newest commit that is known; on a divergence the local one. Null: there is none. */
  tip: Oid | null
  local: Oid | null
  tracked: Oid | null
  relation: Relation
}

/** Which commit counts: the newer one of the local line and the fetched one. */
export function placeOf(store: Store, slug: string): Place {
  const ref = flowRef(slug)
  const { repo } = store
  const local = repo.tip(ref)
  const tracked = trackingTip(store, ref)
  const at = (tip: Oid | null, relation: Relation): Place => ({ ref, tip, local, tracked, relation })
  if (local === null) return tracked === null ? at(null, 'none') : at(tracked, 'same')
  if (tracked === null) return at(local, store.remote === null ? 'none' : 'ahead')
  if (local === tracked) return at(local, 'same')
  const { left, right } = repo.divergence(local, tracked)
  if (left.length === 0) return at(tracked, 'same')
  return at(local, right.length === 0 ? 'ahead' : 'diverged')
}

export interface Standing extends Place {
  slug: string
  tip: Oid
  flow: Flow
  /** What is broken in the state or its chain, in sentences. */
  problems: string[]
}

/** The flow of a slug. Refused: NOT_FOUND, or CORRUPT when what is stored can't be a flow. */
export function standingOf(store: Store, slug: string): Standing | Refusal {
  const place = placeOf(store, slug)
  const chain = place.tip === null ? null : readChain(store, place.ref, place.tip)
  if (chain === null) {
    const known = slugsOf(store)
    return {
      refused: 'NOT_FOUND',
      message: `There is no flow "${slug}" here.`,
      hint: known.length === 0 ? 'Begin one with `git dstack decompose`.' : `There are: ${known.join(', ')}.`,
    }
  }
  const flow = decodeFlow(chain.files)
  if ('broken' in flow) return corrupt(slug, flow.broken)
  if (flow.state.slug !== slug) return corrupt(slug, `state.json is of ${flow.state.slug}`)
  const problems = stateProblems(flow.state)
  const [first] = problems
  // A state that the machine can't be in: nothing but `recover` may go on from it.
  if (first !== undefined) return corrupt(slug, first)
  const diverged = place.relation === 'diverged' ? [`${place.ref} has other steps on the remote.`] : []
  return { ...place, slug, tip: chain.tip, flow, problems: diverged }
}

function corrupt(slug: string, why: string): Refusal {
  return {
    refused: 'CORRUPT',
    message: `The state of ${slug} can't be used (A11): ${why}.`,
    hint: `Rebuild it from the branch: \`git dstack flow recover ${slug}\`.`,
    data: { condition: 'A11' },
  }
}

/** Every slug with a flow, here or fetched. */
export function slugsOf(store: Store): string[] {
  const { repo, remote } = store
  const tracking = remote === null ? [] : [`${trackingPrefix(remote)}state/flow/`]
  const found = repo.tips(FLOWS, ...tracking).map(({ ref }) => ref.slice(ref.lastIndexOf('/flow/') + 6))
  return [...new Set(found)].sort()
}
