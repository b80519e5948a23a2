// Firing a trigger: look, take the lease, ask the machine, write. Everything that acts on a flow goes through here.

import { isRefusal, type Refusal } from '../errors'
import { holdsLease, type Lease, readLease, takeLease } from '../lease/lease'
import type { Store } from '../store/store'
import type { Entry } from './codec'
import { type Condition, type Event, LEASED, type PlanFact } from './facts'
import { type Gathered, gather } from './gather'
import { step, transitionOf } from './machine'
import { leaseSeconds } from './policy'
import { placeOf, type Standing, standingOf } from './reading'
import { type Flow, PAUSABLE, type Step } from './schema'
import { leaseName, refresh, release, settle, type Written, writeFlow } from './writing'

/** Who acts, and whether anything is switched off. The caller knows both. */
export interface Actor {
  kind: 'human' | 'engine'
  /** What switches everything off, in words; null: nothing. */
  disabled: string | null
}

export interface Moved extends Written {
  slug: string
  /** E1 … E18, or the name of an operation. */
  event: string
  trigger: string
  from: Step
  to: Step
  leaf: string | null
  /** Set when a condition came instead of, or after, what was asked for. */
  condition: Condition | null
}

/** A flow that is about to be changed: looked at with the newest of the remote, the lease in hand where one is needed. */
export interface Held {
  standing: Standing
  gathered: Gathered
  lease: Lease | null
  warnings: string[]
}

/** Brings the newest, makes good what a crash left, and takes the lease. `needs`: an engine's step, before or after. */
export async function hold(
  store: Store,
  slug: string,
  actor: Actor,
  needs: (step: Step) => boolean,
  what: string,
): Promise<Held | Refusal> {
  const online = await refresh(store)
  const warnings = settle(store)
  const standing = standingOf(store, slug)
  if (isRefusal(standing)) return standing
  if (standing.relation === 'diverged') return diverged(slug)
  const lease = await claim(store, slug, needs(standing.flow.state.step), what)
  if (isRefusal(lease)) return lease
  if (!online && lease === null && standing.tracked !== null) {
    return {
      refused: 'REMOTE_UNAVAILABLE',
      message: `${store.remote} can't be reached, and ${slug} lives there too: nobody knows who works on it.`,
      hint: 'Try again when the remote is there; what holds a lease goes on meanwhile.',
    }
  }
  return { standing, gathered: look(store, standing, actor, lease !== null), lease, warnings }
}

export function look(store: Store, standing: Standing, actor: Actor, lease: boolean, abortAsked = false): Gathered {
  const { slug, flow, relation, problems } = standing
  return gather(store, { slug, flow, relation, lease, disabled: actor.disabled, problems, abortAsked })
}

function diverged(slug: string): Refusal {
  return {
    refused: 'CONTENDED',
    message: `${slug} has steps here that the remote refused, and others there (A11).`,
    hint: `Take the remote's: \`git dstack flow recover ${slug} --remote\`; what is here stays in the reflog.`,
    data: { condition: 'A11' },
  }
}

/** The lease, where the step needs it; otherwise only that nobody else has it. */
async function claim(store: Store, slug: string, needed: boolean, what: string): Promise<Lease | null | Refusal> {
  const name = leaseName(slug)
  if (!needed) {
    const known = readLease(store, name)
    if (known === null || known.mine || known.state === 'released') return holdsLease(store, name)
  }
  return takeLease(store, name, { ttl: leaseSeconds(store), purpose: `${slug}: ${what}` })
}

const isLeased = (at: Step) => LEASED.includes(at)

/** A refused step keeps no lease where nobody works: the others would wait for nothing. */
export async function notHeldOn(store: Store, { standing, lease }: Held, refusal: Refusal): Promise<Refusal> {
  if (lease !== null && !isLeased(standing.flow.state.step)) await release(store, standing.slug)
  return refusal
}

/** Fires one trigger. An engine's trigger gives way to a condition that holds. */
export async function fire(
  store: Store,
  slug: string,
  actor: Actor,
  event: Event,
  plan?: PlanOf,
): Promise<Moved | Refusal> {
  const { from, to, trigger } = transitionOf(event.trigger)
  const into = trigger !== 'open' && to.some(isLeased)
  const needs = (at: Step) => isLeased(at) || (into && from.includes(at))
  const held = await hold(store, slug, actor, needs, trigger)
  if (isRefusal(held)) return held
  const before = instead(held.gathered, held.standing.flow, event)
  const moved = await move(store, held, before?.event ?? event, before === null ? plan : undefined)
  if (isRefusal(moved)) return notHeldOn(store, held, moved)
  const first = {
    ...moved,
    condition: before?.condition ?? moved.condition,
    warnings: [...held.warnings, ...moved.warnings],
  }
  return first
}

/** What a plan is, once the flow that it is for has been looked at. */
export type PlanOf = (held: Held) => PlanFact | null

/** The condition that comes before what an engine wants to do. */
function instead({ facts }: Gathered, flow: Flow, event: Event): { event: Event; condition: Condition } | null {
  const [condition] = facts.conditions
  const { step: at } = flow.state
  if (event.actor !== 'engine' || condition === undefined) return null
  if (event.trigger === 'pause' || event.trigger === 'abort' || !(PAUSABLE as readonly Step[]).includes(at)) return null
  return { condition, event: { trigger: condition.action, actor: 'engine', condition } }
}

/** Asks the machine and writes what it says. */
export async function move(
  store: Store,
  held: Held,
  event: Event,
  plan?: PlanOf,
  /** Done when the machine has agreed, before the step is written; an objection stops it. */
  first?: () => Refusal | null,
): Promise<Moved | Refusal> {
  const { standing, gathered } = held
  const { slug, flow, tip } = standing
  const facts = plan === undefined ? gathered.facts : { ...gathered.facts, plan: plan(held) }
  const done = step(flow, event, facts)
  if (isRefusal(done)) return done
  const objection = first?.() ?? null
  if (objection !== null) return objection
  const entry: Entry = {
    rev: done.flow.state.rev,
    event: done.transition.id,
    from: flow.state.step,
    to: done.flow.state.step,
    leaf: done.flow.state.leaf ?? flow.state.leaf,
    actor: event.actor,
    key: event.key ?? null,
    cause: event.condition === undefined ? (event.reason ?? null) : `${event.condition.id}: ${event.condition.reason}`,
  }
  const keeps = LEASED.includes(done.flow.state.step)
  const effects = done.effects.filter(({ kind }) => kind !== 'release')
  const written = await writeFlow(store, {
    slug,
    from: tip,
    flow: done.flow,
    entry,
    what: event.trigger,
    effects: keeps ? effects : [...effects, { kind: 'release' }],
  })
  if (isRefusal(written)) return written
  return {
    ...written,
    slug,
    event: entry.event,
    trigger: event.trigger,
    from: flow.state.step,
    to: done.flow.state.step,
    leaf: entry.leaf,
    condition: event.condition ?? null,
  }
}

/** The first step of a slug. */
export async function openNew(store: Store, slug: string, actor: Actor, event: Event): Promise<Moved | Refusal> {
  await refresh(store)
  settle(store)
  const place = placeOf(store, slug)
  const { facts } = gather(store, {
    slug,
    flow: null,
    relation: place.relation,
    lease: false,
    disabled: actor.disabled,
    problems: [],
  })
  const done = step(null, event, { ...facts, slugFree: place.tip === null })
  if (isRefusal(done)) return done
  const entry: Entry = {
    rev: 1,
    event: 'E1',
    from: 'NotStarted',
    to: 'Decomposing',
    leaf: null,
    actor: event.actor,
    key: null,
    cause: null,
  }
  const written = await writeFlow(store, { slug, from: null, flow: done.flow, entry, what: 'open', effects: [] })
  if (isRefusal(written)) return written
  return {
    ...written,
    slug,
    event: 'E1',
    trigger: 'open',
    from: 'NotStarted',
    to: 'Decomposing',
    leaf: null,
    condition: null,
  }
}

/** An operation that is no transition: the same writer, the same rules, one line of the ledger. */
export async function operate(
  store: Store,
  slug: string,
  actor: Actor,
  what: string,
  change: (held: Held) => Flow | Refusal,
  cause: string | null = null,
): Promise<(Moved & { flow: Flow }) | Refusal> {
  const held = await hold(store, slug, actor, isLeased, what)
  if (isRefusal(held)) return held
  return writeOperation(store, held, actor, what, change(held), cause)
}

export async function writeOperation(
  store: Store,
  { standing, warnings }: Pick<Held, 'standing' | 'warnings'>,
  actor: Actor,
  what: string,
  flow: Flow | Refusal,
  cause: string | null = null,
): Promise<(Moved & { flow: Flow }) | Refusal> {
  if (isRefusal(flow)) return flow
  const { slug, tip } = standing
  const from = standing.flow.state.step
  const to = flow.state.step
  const leaf = flow.state.leaf
  const entry: Entry = { rev: flow.state.rev, event: what, from, to, leaf, actor: actor.kind, key: null, cause }
  const effects = LEASED.includes(to) ? [] : [{ kind: 'release' as const }]
  const written = await writeFlow(store, { slug, from: tip, flow, entry, what, effects })
  if (isRefusal(written)) return written
  return {
    ...written,
    slug,
    event: what,
    trigger: what,
    from,
    to,
    leaf,
    condition: null,
    flow,
    warnings: [...warnings, ...written.warnings],
  }
}
