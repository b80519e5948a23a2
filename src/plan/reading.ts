// Looking at plans: what there is, one slug with everything that belongs to it.

import template from '../../templates/IMPLEMENTATION.md'
import type { Refusal } from '../errors'
import { keyOf } from '../store/keys'
import type { Live } from '../store/schema'
import { PLANS, type Store, type View, viewRef } from '../store/store'
import { type CompanionPhase, newestCommit, readCompanion } from './companion'
import { mergeCompanions } from './companion-edit'
import { parseContract } from './contract'
import { PARTS, type Part, partKey, placeOf, planHeadOf, said, type TextDoc, taskKey, textDoc } from './documents'
import type { Contract, Kind, PlanHead, Shape, Task } from './schema'
import { setBoxes } from './shapes/boxes'
import { readPlan } from './shapes/shapes'
import type { ReadPlan } from './shapes/types'
import { noSuchPlan } from './slug'
import { boxesOf, isDone, type Standing, sortTasks, standingTask } from './tasks'

/** One piece of work, as lists show it. */
export interface PlanSummary {
  slug: string
  title: string
  /** `architecture` where there is a contract and no plan yet. */
  kind: Kind
  state: PlanHead['state']
  /** Null where there is no plan yet. */
  shape: Shape | null
  repo?: string
  tasks: { done: number; total: number }
  /** Which of its texts there are. */
  has: Record<Part, boolean>
  /** Keys that hold several versions. */
  conflicts: string[]
  /** Who wrote the plan's text last, and when (ISO). Displays, never orders. */
  by: string
  at: string
}

/** Everything of one slug. */
export interface PlanDocs {
  slug: string
  texts: Record<Part, Live[]>
  /** By id, in their order. */
  tasks: Map<string, { live: Live[]; standing: Standing }>
}

// --- one slug ---------------------------------------------------------------------------------------------------------

/** The keys of a slug. What was fetched and not merged yet counts too. */
function keysOf(store: Store, view: View, slug: string): string[] {
  if (view.tip === null) return []
  const { stdout } = store.repo.git(['ls-tree', '-r', '-z', '--name-only', '--full-tree', view.tip, '--', `${slug}/`])
  const keys = [...stdout.split('\0').flatMap((path) => keyOf(path) ?? []), ...(view.since(view.tip) ?? [])]
  return [...new Set(keys)].filter((key) => placeOf(key)?.slug === slug)
}

/** Null when nothing of it is there. */
export function docsOf(store: Store, slug: string, view: View = viewRef(store, PLANS)): PlanDocs | null {
  const keys = keysOf(store, view, slug)
  return keys.length === 0 ? null : assembled(slug, view.many(keys))
}

function assembled(slug: string, live: ReadonlyMap<string, Live[]>): PlanDocs | null {
  const texts = Object.fromEntries(PARTS.map((part) => [part, live.get(partKey(slug, part)) ?? []]))
  const tasks = [...live].flatMap(([key, versions]) => {
    const standing = placeOf(key)?.part === 'task' ? standingTask(versions) : null
    return standing === null ? [] : [{ id: standing.task.id, live: versions, standing }]
  })
  if (tasks.length === 0 && Object.values(texts).every((versions) => said(versions).length === 0)) return null
  return {
    slug,
    texts: texts as Record<Part, Live[]>,
    tasks: new Map(sortTasks(tasks).map(({ id, ...task }) => [id, task])),
  }
}

/** Every slug that anything is known of, archived ones too. */
export function slugs(store: Store): string[] {
  return [
    ...new Set(
      [...viewRef(store, PLANS).all()].flatMap(([key, live]) => {
        const slug = placeOf(key)?.slug
        return slug === undefined || said(live).length === 0 ? [] : [slug]
      }),
    ),
  ].sort()
}

export function needDocs(store: Store, slug: string): PlanDocs | Refusal {
  return docsOf(store, slug) ?? noSuchPlan(slug, slugs(store))
}

export function tasksIn(docs: PlanDocs): Task[] {
  return [...docs.tasks.values()].map(({ standing }) => standing.task)
}

// --- lists ------------------------------------------------------------------------------------------------------------

/** Every plan that is open, or every one that was archived, by slug. */
export function listPlans(store: Store, { archived = false }: { archived?: boolean } = {}): PlanSummary[] {
  const groups = new Map<string, Map<string, Live[]>>()
  for (const [key, live] of viewRef(store, PLANS).all()) {
    const slug = placeOf(key)?.slug
    if (slug === undefined) continue
    groups.set(slug, (groups.get(slug) ?? new Map()).set(key, live))
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([slug, live]) => {
      const docs = assembled(slug, live)
      return docs === null ? [] : [summaryOf(docs)]
    })
    .filter(({ state }) => (state === 'archived') === archived)
}

export function summaryOf(docs: PlanDocs): PlanSummary {
  const { slug, texts } = docs
  const [winner] = said(texts.plan)
  const head = winner === undefined ? null : planHeadOf(winner)
  const shown = textDoc(texts.plan) ?? textDoc(texts.contract) ?? textDoc(texts.spec) ?? textDoc(texts.companion)
  const tasks = tasksIn(docs)
  return {
    slug,
    title: head?.title ?? shown?.title ?? slug,
    kind: head?.kind ?? (said(texts.contract).length > 0 ? 'architecture' : 'feature'),
    state: head?.state ?? 'open',
    shape: head?.shape ?? null,
    ...(head?.repo === undefined ? {} : { repo: head.repo }),
    tasks: { done: tasks.filter(isDone).length, total: tasks.length },
    has: Object.fromEntries(PARTS.map((part) => [part, said(texts[part]).length > 0])) as Record<Part, boolean>,
    conflicts: conflictsOf(docs),
    by: shown?.by ?? '',
    at: shown?.at ?? '',
  }
}

/** A companion has none: what two people wrote into it at the same time is put together. */
function conflictsOf({ slug, texts, tasks }: PlanDocs): string[] {
  const inTexts = PARTS.filter((part) => part !== 'companion' && said(texts[part]).length > 1).map((part) =>
    partKey(slug, part),
  )
  const inTasks = [...tasks].filter(([, { standing }]) => standing.conflict).map(([id]) => taskKey(slug, id))
  return [...inTexts, ...inTasks]
}

// --- everything about one -----------------------------------------------------------------------------------------------

export interface ContractView extends TextDoc {
  contract: Contract
}

export interface CompanionView extends TextDoc {
  phases: CompanionPhase[]
  /** The commit that it names last, as it stands there; null: none. */
  lastCommit: string | null
}

export interface PlanView extends PlanSummary {
  /** Name of the file that it came from. */
  source?: string
  /** The plan's text with its boxes as the tasks are; null where there is no plan yet. */
  plan: TextDoc | null
  /** What the text says of features, phases and requirements; null where it can't be read. */
  read: ReadPlan | null
  contract: ContractView | null
  spec: TextDoc | null
  companion: CompanionView | null
  /** The tasks, in their order. */
  todo: Task[]
}

export function viewOf(docs: PlanDocs): PlanView {
  const { texts } = docs
  const [winner] = said(texts.plan)
  const head = winner === undefined ? null : planHeadOf(winner)
  const stored = textDoc(texts.plan)
  const tasks = tasksIn(docs)
  const plan = stored === null || head === null ? stored : { ...stored, text: withBoxes(head, stored.text, tasks) }
  const read = plan === null || head === null ? null : readStored(head, plan.text)
  return {
    ...summaryOf(docs),
    ...(head?.source === undefined ? {} : { source: head.source }),
    plan,
    read: read === null || 'problem' in read ? null : read,
    contract: contractIn(docs),
    spec: textDoc(texts.spec),
    companion: companionIn(docs),
    todo: tasks,
  }
}

/** A stored plan's text with its boxes as the tasks are. */
export function withBoxes(head: PlanHead, text: string, tasks: readonly Task[]): string {
  return setBoxes(text, wantedBoxes(head, text, tasks))
}

export function wantedBoxes(head: PlanHead, text: string, tasks: readonly Task[]): Map<number, boolean> {
  const read = readStored(head, text)
  return boxesOf(tasks, 'problem' in read ? [] : read.tasks)
}

/** What a stored plan says, read as it was when it was taken in. */
export function readStored(head: PlanHead, text: string): ReadPlan | { problem: string } {
  const { shape, bands, source = 'PLAN.md' } = head
  return readPlan(text, source, { shape, ...(bands === undefined ? {} : { bands }) })
}

export function contractIn({ texts }: PlanDocs): ContractView | null {
  const doc = textDoc(texts.contract)
  return doc === null ? null : { ...doc, contract: parseContract(doc.text) }
}

/** Several versions are shown as the one text that the next entry makes of them. */
export function companionIn({ texts }: PlanDocs): CompanionView | null {
  const doc = textDoc(texts.companion)
  if (doc === null) return null
  const [, ...others] = said(texts.companion)
  const text = mergeCompanions(
    template,
    doc.text,
    others.map((live) => live.doc.body),
  )
  const companion = readCompanion(text)
  return { ...doc, text, phases: companion.phases, lastCommit: newestCommit(companion) }
}
