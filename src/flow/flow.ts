// The door to flows: decompose, approve, amend, the steps of a leaf, answers, reviews, rollback and recovery. Every write of a flow
// goes through moving.ts, every decision through machine.ts.

import { isRefusal, type Refusal } from '../errors'
import { hashText } from '../git/git'
import { readLease } from '../lease/lease'
import {
  contractOf,
  newPlan,
  putTasks,
  setTask,
  showPlan,
  TEMPLATES,
  tasksOf,
  useSlug,
  writeContract,
} from '../plan/plan'
import type { Task } from '../plan/schema'
import type { Store } from '../store/store'
import { pinnedLeaf } from './context'
import { mermaid, svg } from './diagram'
import { type Event, type Facts, LEASED } from './facts'
import type { Gathered } from './gather'
import { planIssues } from './leaf-plan'
import { triggerOfKey } from './machine'
import { budget } from './markers'
import { type Actor, fire as fireAlone, type Held, hold, look, type Moved, move, openNew, operate } from './moving'
import { type Due, dueIn } from './next'
import { fixing, setFeedback, setUnverified } from './operations'
import { type Standing, slugsOf, standingOf } from './reading'
import { type Report, reportOf } from './report'
import type { ConditionId, Flow } from './schema'
import { readSubmission } from './submission'
import { leaseName, settle } from './writing'

export { illegal, isEngines, TRANSITIONS } from './machine'
export { isReserved } from './markers'
export { meantFlow } from './meant'
export type { Actor, Moved } from './moving'
export type { Due } from './next'
export { contextByTrailers, type WorkHere, workHere } from './present'
export { slugsOf } from './reading'
export type { Report } from './report'
export { markDone, type RollbackInput, recoverFlow, rollback } from './returning'
export { review, type Taken } from './reviewers'
export { type Aside, decideReview, failReviews, importReview, reviewsOf } from './reviewing'
export type { RollbackPlan } from './rollback'
export { CONDITIONS, TRIGGERS } from './schema'
export { sendDocuments } from './sending'
export { commitsAs, doneTask, failTask, startTask, type TaskMoved } from './working'

// --- begin ----------------------------------------------------------------------------------------------------------

export interface Decompose {
  slug: string
  goal: string
  title?: string
  /** The contract's text, where somebody has written it already. */
  contract?: string
}

/** Opens a slug: its flow, its plan documents, and the contract to fill in. The worktree works on it from now on. */
export async function decompose(store: Store, actor: Actor, input: Decompose): Promise<Moved | Refusal> {
  const { slug, goal } = input
  const title = input.title ?? goal
  const opened = await openNew(store, slug, actor, { trigger: 'open', actor: actor.kind, slug, goal })
  if (isRefusal(opened)) return opened
  if (isRefusal(showPlan(store, slug))) {
    const made = newPlan(store, { slug, title, kind: 'architecture', text: planText(title, goal) })
    if (isRefusal(made)) return made
  }
  const there = contractOf(store, slug)
  const text = input.contract ?? (there === null ? contractTemplate(title, goal) : undefined)
  if (text !== undefined) {
    const written = writeContract(store, slug, text, there === null ? { title } : { saw: there.oid })
    if (isRefusal(written)) return written
  }
  useSlug(store, slug)
  return opened
}

/** Its phases are the leaves of the contract; their tasks come one leaf at a time. */
function planText(title: string, goal: string): string {
  return `# Plan: ${title}\n\n## Goal\n\n${goal}\n\nThe contract says which leaves there are. Each gets its tasks when its turn comes.\n`
}

function contractTemplate(title: string, goal: string): string {
  const line = (text: string) => text.replace(/\s+/g, ' ').trim()
  return TEMPLATES.contract
    .trimEnd()
    .replace(/\{\{title\}\}/g, () => line(title))
    .replace(/\{\{goal\}\}/g, () => line(goal))
}

export function approve(store: Store, slug: string, actor: Actor, yes: boolean): Promise<Moved | Refusal> {
  return fire(store, slug, actor, { trigger: 'approve', actor: actor.kind, yes })
}

export function amend(store: Store, slug: string, actor: Actor, leaf?: string): Promise<Moved | Refusal> {
  return fire(store, slug, actor, { trigger: 'amend', actor: actor.kind, ...(leaf === undefined ? {} : { leaf }) })
}

/** Fires one trigger. Conditions count before and after what an engine does: one that holds pauses or aborts. */
export async function fire(store: Store, slug: string, actor: Actor, event: Event): Promise<Moved | Refusal> {
  const moved = await fireAlone(store, slug, actor, event)
  return isRefusal(moved) || event.actor !== 'engine' ? moved : afterwards(store, slug, actor, moved)
}

async function afterwards<M extends Moved>(store: Store, slug: string, actor: Actor, moved: M): Promise<M | Moved> {
  const standing = standingOf(store, slug)
  if (isRefusal(standing) || !LEASED.includes(standing.flow.state.step)) return moved
  const [condition] = look(store, standing, actor, true).facts.conditions
  if (condition === undefined) return moved
  const stopped = await fireAlone(store, slug, actor, { trigger: condition.action, actor: 'engine', condition })
  return isRefusal(stopped) ? moved : { ...moved, ...stopped, warnings: [...moved.warnings, ...stopped.warnings] }
}

// --- the engine's turn ----------------------------------------------------------------------------------------------

export interface Next {
  moved: Moved[]
  /** What comes after that. */
  due: Due
}

/** Fires the trigger that is due, if one is. A checkpoint at which nobody is asked is left in the same command. */
export async function next(store: Store, slug: string, actor: Actor): Promise<Next | Refusal> {
  const moved: Moved[] = []
  settle(store)
  for (;;) {
    const standing = standingOf(store, slug)
    if (isRefusal(standing)) return standing
    const { facts } = look(store, standing, actor, false)
    const due = dueOf(standing, facts)
    const [condition] = facts.conditions
    const last = moved.at(-1)
    let event: Event
    if (condition !== undefined && LEASED.includes(standing.flow.state.step)) {
      event = { trigger: condition.action, actor: 'engine', condition }
    } else if (due.kind === 'fire' && (last === undefined || last.to === 'CheckpointWait')) {
      event = { trigger: due.trigger, actor: 'engine', ...(due.leaf === undefined ? {} : { leaf: due.leaf }) }
    } else {
      return { moved, due }
    }
    const done = await fireAlone(store, slug, actor, event)
    if (isRefusal(done)) return done
    moved.push(done)
  }
}

function dueOf({ flow }: Standing, facts: Facts): Due {
  const { step, skip } = flow.state
  // At the checkpoint the engine seals by itself where nobody is to be asked.
  if (step === 'CheckpointWait' && (!facts.policy.hitl || skip > 0)) return { kind: 'fire', trigger: 'seal_leaf' }
  return dueIn(flow, facts)
}

/** Hands in the tasks of the present leaf. They are stored first, so that what is reviewed is what anybody can read. */
export async function submitPlan(
  store: Store,
  slug: string,
  actor: Actor,
  file: { text: string; name: string },
): Promise<(Moved & { tasks: string[] }) | Refusal> {
  const held = await hold(store, slug, actor, (step) => step === 'Plan', 'submit_plan')
  if (isRefusal(held)) return held
  const { flow } = held.standing
  const { leaf, step } = flow.state
  const spec = leaf === null ? null : pinnedLeaf(flow, leaf)
  const event: Event = { trigger: 'submit_plan', actor: 'engine' }
  if (spec === null || leaf === null || step !== 'Plan') return (await move(store, held, event)) as Refusal
  const tasks = readSubmission(file.text, file.name, leaf)
  if ('problem' in tasks) return { refused: 'USAGE', message: `${tasks.problem}.`, hint: 'See `git dstack help flow`.' }
  const plan = { hash: hashText(JSON.stringify(tasks)), tasks: tasks.length, issues: planIssues(spec, tasks) }
  const moved = await firing(store, held, event, () => plan, tasks, leaf)
  if (isRefusal(moved)) return moved
  return { ...(await afterwards(store, slug, actor, moved)), tasks: tasks.map(({ id }) => id) }
}

/** The machine says yes before the tasks are stored, and they are stored before the step is. */
async function firing(
  store: Store,
  held: Held,
  event: Event,
  plan: () => { hash: string; tasks: number; issues: ReturnType<typeof planIssues> },
  tasks: readonly Task[],
  leaf: string,
): Promise<Moved | Refusal> {
  return move(store, held, event, plan, () => {
    const stored = putTasks(store, held.standing.slug, leaf, tasks, `tasks of ${held.standing.slug} ${leaf}`)
    return isRefusal(stored) ? stored : null
  })
}

// --- a person's turn ------------------------------------------------------------------------------------------------

export interface Answer {
  /** y, n, r, f, a1 … a99. */
  key: string
  /** For f: what the next one is to know. */
  feedback?: string
}

/** A person's answer at a wait. */
export async function answerWait(store: Store, slug: string, actor: Actor, answer: Answer): Promise<Moved | Refusal> {
  const standing = standingOf(store, slug)
  if (isRefusal(standing)) return standing
  const { key, feedback } = answer
  const trigger = triggerOfKey(standing.flow.state.step, key)
  if (isRefusal(trigger)) return trigger
  if (trigger === 'pause') {
    const said = feedback === undefined ? {} : { feedback }
    return fire(store, slug, actor, { trigger, actor: 'human', reason: 'feedback', ...said })
  }
  const done = await fire(store, slug, actor, { trigger, actor: actor.kind, key })
  if (!isRefusal(done) || done.data?.guard !== 'noOpenP1') return done
  return tryFix(store, slug, actor, key, done)
}

/** Accepting with open P1 findings asks for a fix first, a few times; then the flow pauses. */
async function tryFix(
  store: Store,
  slug: string,
  actor: Actor,
  key: string,
  refusal: Refusal,
): Promise<Moved | Refusal> {
  let tries = { made: 0, most: 0 }
  const done = await operate(store, slug, actor, 'fix', ({ standing, gathered }) => {
    tries = { made: standing.flow.state.dispatch?.iteration ?? 0, most: gathered.facts.policy.fixIterations }
    return tries.made < tries.most ? fixing(standing.flow, key) : refusal
  })
  if (!isRefusal(done)) {
    return {
      ...refusal,
      message: `${refusal.message} Try ${tries.made + 1} of ${tries.most} to fix them.`,
      data: { ...refusal.data, attempt: tries.made + 1, attempts: tries.most },
    }
  }
  if (done !== refusal) return done
  const standing = standingOf(store, slug)
  if (isRefusal(standing)) return standing
  const condition = look(store, standing, actor, false).facts.conditions.find(({ id }) => id === 'A9')
  if (condition === undefined) return refusal
  return fire(store, slug, actor, { trigger: condition.action, actor: 'engine', condition })
}

export function pause(
  store: Store,
  slug: string,
  actor: Actor,
  reason?: string,
  feedback?: string,
): Promise<Moved | Refusal> {
  return fire(store, slug, actor, {
    trigger: 'pause',
    actor: 'human',
    ...(reason === undefined ? {} : { reason }),
    ...(feedback === undefined ? {} : { feedback }),
  })
}

export function resume(
  store: Store,
  slug: string,
  actor: Actor,
  ack: readonly ConditionId[],
): Promise<Moved | Refusal> {
  if (actor.kind === 'human' && ack.includes('A5')) forgive(store, slug)
  return fire(store, slug, actor, { trigger: 'resume', actor: actor.kind, ack })
}

/** Tasks that failed too often count anew, because a person has looked at them. */
function forgive(store: Store, slug: string): void {
  const standing = standingOf(store, slug)
  if (isRefusal(standing) || standing.flow.state.paused?.condition !== 'A5') return
  for (const { id, failures = 0 } of tasksOf(store, slug, standing.flow.state.leaf ?? '')) {
    if (failures > 0) setTask(store, slug, id, { failures: 0 }, `${id} counts anew`)
  }
}

/** Ends it for good; every commit stays. */
export function abort(
  store: Store,
  slug: string,
  actor: Actor,
  yes: boolean,
  reason?: string,
): Promise<Moved | Refusal> {
  if (actor.kind === 'engine') return Promise.resolve(onlyPersons())
  return fire(store, slug, actor, {
    trigger: 'abort',
    actor: 'human',
    yes,
    condition: { id: 'A1', reason: reason ?? 'a person asked to abort.', action: 'abort' },
  })
}

export function allowUnverified(
  store: Store,
  slug: string,
  actor: Actor,
  value: 'allow' | 'refuse',
): Promise<Moved | Refusal> {
  return operate(store, slug, actor, `set unverified ${value}`, ({ standing }) =>
    actor.kind === 'human' ? setUnverified(standing.flow, value) : onlyPersons(),
  )
}

export function feedback(store: Store, slug: string, actor: Actor, text: string): Promise<Moved | Refusal> {
  return operate(store, slug, actor, 'feedback', ({ standing }) => setFeedback(standing.flow, text))
}

function onlyPersons(): Refusal {
  return {
    refused: 'REFUSED',
    message: 'A person decides this, not an agent.',
    hint: 'Run the same command in a terminal of your own.',
  }
}

// --- looking --------------------------------------------------------------------------------------------------------

/** What comes next, for whom, and with which command. */
export function dueNow(store: Store, slug: string, actor: Actor): Due | Refusal {
  const standing = standingOf(store, slug)
  return isRefusal(standing) ? standing : dueOf(standing, look(store, standing, actor, false).facts)
}

/** The five sections of one flow. Reads only, and asks nobody. */
export function report(store: Store, slug: string, actor: Actor): Report | Refusal {
  const standing = standingOf(store, slug)
  if (isRefusal(standing)) return standing
  const lease = readLease(store, leaseName(slug))
  const gathered = look(store, standing, actor, lease?.mine === true && lease.state === 'held')
  const { holder, host, session, age, mine } = lease ?? { holder: '', host: '', session: null, age: null, mine: false }
  return reportOf({
    flow: standing.flow,
    facts: gathered.facts,
    engine: gathered.engine,
    lease: lease === null || lease.state === 'released' ? null : { holder, host, session, age, mine },
    markers: markersOf(standing.flow, gathered),
    due: dueOf(standing, gathered.facts),
  })
}

function markersOf({ state }: Flow, { markers }: Gathered): Map<string, { plan: number; complete: number }> {
  return new Map(Object.keys(state.leaves).map((id) => [id, budget(markers, state.slug, id)]))
}

export interface FlowSummary {
  slug: string
  goal: string
  step: string
  leaf: string | null
  sealed: number
  leaves: number
  /** Is a task without evidence enough? */
  unverified: 'refuse' | 'allow'
  /** ISO 8601. */
  since: string
  /** Why it can't be used; null: it can. */
  broken: string | null
}

export function listFlows(store: Store): FlowSummary[] {
  return slugsOf(store).map((slug): FlowSummary => {
    const standing = standingOf(store, slug)
    if (isRefusal(standing)) {
      return {
        slug,
        goal: '',
        step: '?',
        leaf: null,
        sealed: 0,
        leaves: 0,
        unverified: 'refuse',
        since: '',
        broken: standing.message,
      }
    }
    const { goal, step, leaf, leaves, unverified, clocks } = standing.flow.state
    const all = Object.values(leaves).filter(({ status }) => status !== 'dropped')
    const sealed = all.filter(({ status }) => status === 'sealed').length
    return { slug, goal, step, leaf, sealed, leaves: all.length, unverified, since: clocks.moved, broken: null }
  })
}

/** The machine as a picture, with the place where the slug stands; without one, the machine alone. */
export function picture(store: Store, slug: string | null, form: 'mermaid' | 'svg'): string | Refusal {
  const draw = form === 'svg' ? svg : mermaid
  if (slug === null) return draw()
  const standing = standingOf(store, slug)
  return isRefusal(standing) ? standing : draw(standing.flow.state.step)
}
