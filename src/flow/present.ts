// What is worked on here, for those who ask from outside: the gate, and the hooks around a commit.

import { isRefusal, type Refusal } from '../errors'
import type { CommitFacts, GateContext } from '../gate/gate'
import { partsFor } from '../plan/plan'
import { SLUG, type Task } from '../plan/schema'
import type { Store } from '../store/store'
import { asked, contextIn } from './context'
import { meantFlow } from './meant'
import { slugsOf, standingOf } from './reading'
import { commitsAs } from './working'

const NONE: GateContext = { task: null, leaf: null, slug: null }

export interface WorkHere {
  /** As the gate takes it, so that a verdict is found again. */
  context: GateContext
  /** The task that was named, or the one that is running. */
  task: Task | null
  /** How the commits of the task begin; its trailers. */
  prefix: string
  trailers: string[]
}

const NOTHING: WorkHere = { context: NONE, task: null, prefix: '', trailers: [] }

/** The flow of this worktree and its task; nothing where nobody can say which flow is meant. Refused: NOT_FOUND. */
export function workHere(store: Store, named?: string): WorkHere | Refusal {
  const slug = slugsOf(store).length === 0 ? null : meantFlow(store)
  const standing = slug === null || isRefusal(slug) ? null : standingOf(store, slug)
  if (standing === null || isRefusal(standing)) {
    if (named === undefined) return NOTHING
    return {
      refused: 'NOT_FOUND',
      message: `There is no flow here that has a task ${named}.`,
      hint: 'See `git dstack flow list`.',
    }
  }
  const { flow } = standing
  const { contract, tasks } = partsFor(store, standing.slug)
  const wanted = (one: Task) =>
    named === undefined ? one.leaf === flow.state.leaf && one.status === 'running' : one.id === named.toUpperCase()
  const task = tasks.find(wanted) ?? null
  if (named !== undefined && task === null) {
    return {
      refused: 'NOT_FOUND',
      message: `${standing.slug} has no task ${named}.`,
      hint: 'See `git dstack task list`.',
    }
  }
  const context = contextIn(flow, task, contract?.contract.acceptance ?? [])
  return { context, task, ...(task === null ? { prefix: '', trailers: [] } : commitsAs(standing.slug, task)) }
}

/** The task that a commit's trailers name, with the base of its leaf where that is known. */
export function contextByTrailers(store: Store): (commit: CommitFacts) => GateContext {
  const known = new Map<string, { tasks: Task[]; leaf: GateContext['leaf'] }>()
  return ({ trailers }) => {
    const [slug] = trailers.get('Dstack-Slug') ?? []
    const [id] = trailers.get('Dstack-Task') ?? []
    if (slug === undefined || id === undefined || !SLUG.test(slug)) return NONE
    const there = known.get(slug) ?? { tasks: partsFor(store, slug).tasks, leaf: leafOf(store, slug) }
    known.set(slug, there)
    const task = there.tasks.find((one) => one.id === id)
    if (task === undefined) return NONE
    return { slug, task: asked(task), leaf: there.leaf?.id === task.leaf ? there.leaf : null }
  }
}

function leafOf(store: Store, slug: string): GateContext['leaf'] {
  const standing = standingOf(store, slug)
  return isRefusal(standing) ? null : contextIn(standing.flow, null, []).leaf
}
