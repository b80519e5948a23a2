// Which plan is meant: what this worktree works on, and the resolver for when nobody says.

import type { Refusal } from '../errors'
import { readChain, type Store } from '../store/store'
import { listPlans, type PlanSummary } from './reading'
import { SLUG } from './schema'
import { nearSlugs } from './slug'
import { type Candidate, type CandidateStatus, decideWhich, type Which } from './which'

/** What this worktree works on; null: nobody has said. */
export function readCurrent(store: Store): string | null {
  const text = store.env.files.read(store.repo.oursHere('current'))?.toString('utf8').trim()
  return text !== undefined && SLUG.test(text) ? text : null
}

/** From now on this worktree works on it; null: on nothing in particular. */
export function useSlug(store: Store, slug: string | null): void {
  const path = store.repo.oursHere('current')
  if (slug === null) store.env.files.remove(path)
  else store.env.files.write(path, `${slug}\n`)
}

export interface WhichRequest {
  slug?: string
  /** Absent: what this worktree works on. Null: that does not count. */
  current?: string | null
  /** Slugs that somebody else holds a lease for, and who. */
  held?: ReadonlyMap<string, string>
}

/** The plan that is meant. It never takes the newest one for the one that is meant. */
export function whichPlan(store: Store, { slug, current, held }: WhichRequest = {}): Which {
  const summaries = [...listPlans(store), ...listPlans(store, { archived: true })]
  const plans = summaries.map((plan) => candidate(store, plan, held?.get(plan.slug)))
  return decideWhich({
    plans,
    ...(slug === undefined
      ? {}
      : {
          slug,
          near: nearSlugs(
            slug,
            plans.map((plan) => plan.slug),
          ),
        }),
    current: current === undefined ? readCurrent(store) : current,
  })
}

/** The slug that is named, or the one that is meant; else the refusal lists what could be. */
export function meantSlug(store: Store, slug?: string): string | Refusal {
  if (slug !== undefined) return slug
  const { result, reason, selected, candidates, commands } = whichPlan(store)
  if (selected !== undefined) return selected.slug
  const refused = { none: 'NOT_FOUND', ambiguous: 'AMBIGUOUS', blocked: 'REFUSED', selected: 'INTERNAL' } as const
  return {
    refused: refused[result],
    message: reason,
    hint: `Name one, or: ${commands.map((line) => `\`${line}\``).join(', ')}.`,
    data: { result, candidates, commands },
  }
}

function candidate(
  store: Store,
  { slug, title, kind, state, tasks }: PlanSummary,
  holder: string | undefined,
): Candidate {
  const flow = state === 'archived' ? null : flowStatus(store, slug)
  const status: CandidateStatus =
    state === 'archived'
      ? 'archived'
      : flow === 'completed' || flow === 'cancelled'
        ? flow
        : holder !== undefined
          ? 'claimed'
          : (flow ?? 'available')
  return { slug, title, kind, status, ...tasks, ...(holder === undefined ? {} : { holder }) }
}

/** What the slug's flow says of it; null: there is none. Only its step is looked at: the rest belongs to the flow. */
function flowStatus(store: Store, slug: string): CandidateStatus | null {
  const text = readChain(store, `refs/dstack/flow/${slug}`)?.files.get('state.json')
  if (text === undefined) return null
  const step = /"step"\s*:\s*"(\w+)"/.exec(text)?.[1]
  return step === 'Done' ? 'completed' : step === 'Aborted' ? 'cancelled' : 'running'
}
