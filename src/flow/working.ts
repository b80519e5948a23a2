// Tasks of the present leaf: begun, done, failed. They are documents of the plans; the flow says whose turn it is.

import { isRefusal, type Refusal } from '../errors'
import { setTask } from '../plan/plan'
import type { Task } from '../plan/schema'
import type { Store } from '../store/store'
import { taskVerdict } from './gather'
import { type Actor, type Held, hold } from './moving'

export interface TaskMoved {
  slug: string
  task: Task
  /** How its commits begin, and the trailers that they carry. */
  prefix: string
  trailers: string[]
  /** Commits that were found for it. */
  commits: string[]
  warnings: string[]
}

/** A leaf's work is done in Implement, by whoever holds the lease. */
async function inImplement(
  store: Store,
  slug: string,
  actor: Actor,
  id: string,
  what: string,
): Promise<(Held & { task: Task }) | Refusal> {
  const held = await hold(store, slug, actor, (step) => step === 'Implement', `${what} ${id}`)
  if (isRefusal(held)) return held
  const { step, leaf } = held.standing.flow.state
  if (step !== 'Implement') {
    return {
      refused: 'ILLEGAL',
      message: `Tasks are worked on in Implement; ${slug} is in ${step}.`,
      hint: `See \`git dstack flow show ${slug}\`.`,
      data: { step, allowed: ['Implement'] },
    }
  }
  const { disabled } = actor
  if (disabled !== null) return { refused: 'REFUSED', message: `git dstack is switched off here (${disabled}).` }
  const known = held.gathered.tasks.filter(
    (task) => task.id === id.toUpperCase() || task.id.startsWith(id.toUpperCase()),
  )
  const task = known.find((one) => one.id === id.toUpperCase()) ?? (known.length === 1 ? known[0] : undefined)
  if (task === undefined) {
    const ids = held.gathered.tasks.map((one) => one.id).join(', ')
    return { refused: 'NOT_FOUND', message: `Leaf ${leaf} has no task ${id}.`, hint: `There are: ${ids}.` }
  }
  return { ...held, task }
}

function moved(slug: string, task: Task, commits: string[], warnings: string[]): TaskMoved {
  return { slug, task, ...commitsAs(slug, task), commits, warnings }
}

/** What tells that a commit belongs to a task: how its subject begins, or its trailers. */
export function commitsAs(slug: string, task: Task): Pick<TaskMoved, 'prefix' | 'trailers'> {
  return {
    prefix: task.commit_prefix ?? `${slug} ${task.id}: `,
    trailers: [`Dstack-Slug: ${slug}`, `Dstack-Task: ${task.id}`],
  }
}

/** Begins a task whose needs are done. One that is running already is gone on with: nothing is counted twice. */
export async function startTask(store: Store, slug: string, actor: Actor, id: string): Promise<TaskMoved | Refusal> {
  const held = await inImplement(store, slug, actor, id, 'start')
  if (isRefusal(held)) return held
  const { task, gathered } = held
  if (task.status === 'running') return moved(slug, task, task.commits, held.warnings)
  if (task.status === 'done') {
    return {
      refused: 'REFUSED',
      message: `${task.id} is done.`,
      hint: `Take it back first: \`git dstack task fail ${task.id} --reason "…"\`.`,
    }
  }
  const open = gathered.tasks.filter(
    (one) => task.depends_on.includes(one.id) && one.status !== 'done' && one.status !== 'skipped',
  )
  if (open.length > 0) {
    return { refused: 'REFUSED', message: `${task.id} needs ${open.map((one) => one.id).join(', ')} first.` }
  }
  const other = gathered.tasks.find((one) => one.status === 'running')
  if (other !== undefined) {
    return {
      refused: 'REFUSED',
      message: `${other.id} is running; tasks are done one at a time.`,
      hint: `\`git dstack task done ${other.id}\`.`,
    }
  }
  const change = { status: 'running' as const, attempts: task.attempts + 1 }
  const done = setTask(store, slug, task.id, change, `${task.id} started`)
  if (isRefusal(done)) return done
  return moved(slug, { ...task, ...change }, [], held.warnings)
}

/** The commits that say that they belong to a task: by trailer, or by how their subject begins. */
function commitsOf({ gathered, standing }: Held, task: Task): string[] {
  const prefix = task.commit_prefix ?? `${standing.slug} ${task.id}: `
  return gathered.own
    .filter((commit) => (commit.trailers['Dstack-Task'] ?? []).includes(task.id) || commit.subject.startsWith(prefix))
    .map(({ oid }) => oid)
}

/** A task is done with at least one commit of its own, on a clean tree. What proves it is for the gate to say: `unverified` until then. */
export async function doneTask(store: Store, slug: string, actor: Actor, id: string): Promise<TaskMoved | Refusal> {
  const held = await inImplement(store, slug, actor, id, 'done')
  if (isRefusal(held)) return held
  const { task, gathered } = held
  if (task.status === 'done') return moved(slug, task, task.commits, held.warnings)
  if (task.status !== 'running') {
    return {
      refused: 'ILLEGAL',
      message: `${task.id} is ${task.status}, not running.`,
      hint: `\`git dstack task start ${task.id}\`.`,
    }
  }
  if (!gathered.facts.head.clean) {
    return {
      refused: 'NOT_CLEAN',
      message: 'The working tree has changes that are not committed.',
      hint: 'Commit them first.',
    }
  }
  const commits = commitsOf(held, task)
  // Research and documents elsewhere may leave nothing in the repository.
  if (commits.length === 0 && !/-R\d+$/.test(task.id)) {
    const { prefix, trailers } = moved(slug, task, [], [])
    return {
      refused: 'REFUSED',
      message: `No commit since the leaf began belongs to ${task.id}.`,
      hint: `Begin its subject with "${prefix}", or give it the trailers ${trailers.join(' and ')}.`,
    }
  }
  const last = commits.at(-1)
  const green = last !== undefined && taskVerdict(store, held.standing.flow, task, last) === 'green'
  const change = { status: 'done' as const, commits, evidence: [green ? `gate ${last.slice(0, 10)}` : 'unverified'] }
  const done = setTask(store, slug, task.id, change, `${task.id} done${green ? '' : ', unverified'}`)
  if (isRefusal(done)) return done
  return moved(slug, { ...task, ...change }, commits, held.warnings)
}

/** A task that did not work out: it counts as a failure (A5) and may be started again. */
export async function failTask(
  store: Store,
  slug: string,
  actor: Actor,
  id: string,
  reason: string,
): Promise<TaskMoved | Refusal> {
  const held = await inImplement(store, slug, actor, id, 'fail')
  if (isRefusal(held)) return held
  const { task } = held
  const change = { status: 'failed' as const, failures: (task.failures ?? 0) + 1, evidence: [] }
  const done = setTask(store, slug, task.id, change, `${task.id} failed: ${reason}`)
  if (isRefusal(done)) return done
  return moved(slug, { ...task, ...change }, task.commits, held.warnings)
}
