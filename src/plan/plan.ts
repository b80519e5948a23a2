// The door to plans: contracts, specs, plans, their tasks and companions, by slug. What a write becomes is decided in decide.ts.

import template from '../../templates/IMPLEMENTATION.md'
import { isRefusal, type Refusal } from '../errors'
import type { Live } from '../store/schema'
import { historyOf, PLANS, type Store } from '../store/store'
import { checkPlan } from './checking'
import { addEntry, type CompanionEntry, mergeCompanions } from './companion-edit'
import { converged } from './converge'
import {
  change,
  type Done,
  decideArchive,
  decideTask,
  decideTasks,
  decideText,
  noVersion,
  type TaskRequest,
} from './decide'
import { editRequest } from './decide-edit'
import { decideImport, importKeys } from './decide-import'
import { type Part, partKey, putText, said, type TextDoc, taskKey, textDoc } from './documents'
import { specRefusal } from './making'
import { type Compared, compare } from './past'
import {
  type CompanionView,
  type ContractView,
  companionIn,
  contractIn,
  docsOf,
  needDocs,
  type PlanView,
  slugs,
  tasksIn,
  viewOf,
} from './reading'
import type { Task } from './schema'
import { noSuchPlan, slugRefusal } from './slug'
import { readSpec, requirementsOf } from './spec'
import { type Secrets, type Written, writeTo } from './writing'

export { checkCompanion, checkPlan, checkSpec, principlesOf, writePrinciples } from './checking'
export type { CompanionPhase, PhaseState } from './companion'
export type { CompanionEntry } from './companion-edit'
export { contractIssues, formatContract, leafText } from './contract'
export type { CheckReport } from './crosscheck'
export { meantSlug, readCurrent, useSlug, whichPlan } from './current'
export type { Imported } from './decide-import'
export type { Part, TextDoc } from './documents'
export { exportPlan, type ImportInput, importPlan } from './exchange'
export { exportFile, lastHeld, readText, rememberHeld } from './files'
export { readTasks } from './importing'
export { begin, newPlan, newSpec, nextCommands, specForm, TEMPLATES } from './making'
export { type CompanionView, type ContractView, listPlans, type PlanSummary, type PlanView } from './reading'
export { noSuchPlan, slugFor } from './slug'
export type { Which } from './which'
export type { Written } from './writing'

// --- looking ------------------------------------------------------------------------------------------------------------

/** Everything of a slug; NOT_FOUND names slugs that are like it. */
export function showPlan(store: Store, slug: string): PlanView | Refusal {
  const docs = needDocs(store, slug)
  return isRefusal(docs) ? docs : viewOf(docs)
}

export function contractOf(store: Store, slug: string): ContractView | null {
  const docs = docsOf(store, slug)
  return docs === null ? null : contractIn(docs)
}

export function companionOf(store: Store, slug: string): CompanionView | null {
  const docs = docsOf(store, slug)
  return docs === null ? null : companionIn(docs)
}

export interface PlanParts {
  contract: ContractView | null
  companion: CompanionView | null
  tasks: Task[]
}

/** What work on a slug looks at, read together. */
export function partsFor(store: Store, slug: string): PlanParts {
  const docs = docsOf(store, slug)
  if (docs === null) return { contract: null, companion: null, tasks: [] }
  return { contract: contractIn(docs), companion: companionIn(docs), tasks: tasksIn(docs) }
}

/** The tasks of a slug, or of one of its leaves, in their order. */
export function tasksOf(store: Store, slug: string, leaf?: string): Task[] {
  const docs = docsOf(store, slug)
  const tasks = docs === null ? [] : tasksIn(docs)
  return leaf === undefined ? tasks : tasks.filter((task) => task.leaf === leaf)
}

/** One text of a slug as it stands in the ref, or what stands in the way. */
export function partOf(store: Store, slug: string, part: Part): TextDoc | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  return textDoc(docs.texts[part]) ?? noPart(slug, part)
}

function noPart(slug: string, part: Part): Refusal {
  return { refused: 'NOT_FOUND', message: `${slug} has no ${part}.`, hint: `See \`git dstack plan show ${slug}\`.` }
}

/** What changed in a text: between its last two versions, or since a version (its id's beginning) or a day. */
export function diffPlan(store: Store, slug: string, part: Part, since?: string): Compared | Refusal {
  const past = historyOf(store, PLANS, partKey(slug, part))
  if (past.length === 0) return slugs(store).includes(slug) ? noPart(slug, part) : noSuchPlan(slug, slugs(store))
  return compare(past, `${slug}/${part}`, since)
}

// --- texts --------------------------------------------------------------------------------------------------------------

export interface Edit extends Secrets {
  /** Versions that the writer was shown (beginnings of their ids). Anything else there is a conflict, not overwritten. */
  saw?: string | readonly string[]
}

/** Puts another text in the place of one; an edited plan moves its tasks along. */
export function editPlan(store: Store, slug: string, part: Part, text: string, edit: Edit = {}): Written | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const saw = seenBy(edit)
  if (part === 'plan') {
    const request = editRequest(docs, text, saw, { template, date: store.env.now().toISOString().slice(0, 10) })
    if (isRefusal(request)) return request
    return writeTo(store, importKeys(request), (seen, me) => decideImport(seen, request, me), edit)
  }
  const problem = part === 'spec' ? specRefusal(text) : null
  if (problem !== null) return problem
  return writeText(store, { slug, part, text }, edit)
}

function seenBy({ saw }: Edit): readonly string[] | undefined {
  return typeof saw === 'string' ? [saw] : saw
}

function writeText(
  store: Store,
  request: { slug: string; part: Exclude<Part, 'plan'>; text: string; title?: string },
  edit: Edit,
): Written | Refusal {
  const saw = seenBy(edit)
  const whole = { ...request, ...(saw === undefined ? {} : { saw }) }
  return writeTo(store, [partKey(request.slug, request.part)], (seen, me) => decideText(seen, whole, me), edit)
}

/** A contract, new or changed. The slug need not have a plan yet. */
export function writeContract(
  store: Store,
  slug: string,
  text: string,
  { title, ...edit }: Edit & { title?: string } = {},
): Written | Refusal {
  const problem = slugRefusal(slug)
  if (problem !== null) return problem
  return writeText(store, { slug, part: 'contract', text, ...(title === undefined ? {} : { title }) }, edit)
}

export interface Converged extends Written {
  /** Requirements that nobody served before. */
  added: string[]
}

/** Adds a phase for every requirement that no task serves; writes nothing where none is missing. */
export function convergePlan(store: Store, slug: string): Converged | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const view = viewOf(docs)
  const report = checkPlan(store, slug)
  if (isRefusal(report)) return report
  if (view.plan === null || view.read === null) return noPart(slug, 'plan')
  const { requirements, covered } = report.coverage
  const known = [...(view.spec === null ? [] : requirementsOf(readSpec(view.spec.text))), ...view.read.requirements]
  const missing = requirements.filter((id) => !covered.includes(id))
  const wanted = missing.flatMap((id) => known.find((one) => one.id === id) ?? [])
  const text = converged(view.plan.text, view.read, wanted, view.source ?? 'PLAN.md')
  if (typeof text !== 'string')
    return { refused: 'REFUSED', message: text.problem, hint: `Edit it: \`git dstack plan edit ${slug}\`.` }
  if (missing.length === 0) return { slug, keys: [], commit: '', added: [] }
  const done = editPlan(store, slug, 'plan', text, { saw: view.plan.versions })
  return isRefusal(done) ? done : { ...done, added: missing }
}

/** Ends a conflict of a text with one of its versions. */
export function takeVersion(store: Store, slug: string, part: Part, take: string): Written | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const versions = said(docs.texts[part])
  const chosen = versions.find(({ oid }) => oid.startsWith(take))
  if (chosen === undefined) return noVersion(partKey(slug, part), take)
  return editPlan(store, slug, part, chosen.doc.body, { saw: versions.map(({ oid }) => oid) })
}

export function archivePlan(store: Store, slug: string, { undo = false }: { undo?: boolean } = {}): Written | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  return writeTo(store, [partKey(slug, 'plan')], (seen, me) => decideArchive(seen, slug, undo, me))
}

// --- tasks --------------------------------------------------------------------------------------------------------------

/** The leaf's tasks become these, in one write; how far those of the same id are is kept. */
export function putTasks(
  store: Store,
  slug: string,
  leaf: string,
  tasks: readonly Task[],
  subject: string,
): Written | Refusal {
  const there = tasksOf(store, slug, leaf).map(({ id }) => id)
  const keys = [...new Set([...there, ...tasks.map(({ id }) => id)])].map((id) => taskKey(slug, id))
  const request = { slug, leaf, tasks, there, subject }
  return writeTo(store, keys, (seen, me) => decideTasks(seen, request, me))
}

/** Changes what is named of one task; two people who changed how far it is are both heard. */
export function setTask(
  store: Store,
  slug: string,
  id: string,
  wanted: TaskRequest['change'],
  subject: string,
  more: Pick<TaskRequest, 'saw' | 'take'> = {},
): Written | Refusal {
  const request: TaskRequest = { slug, id, change: wanted, subject, ...more }
  return writeTo(store, [taskKey(slug, id)], (seen, me) => decideTask(seen, request, me))
}

/** Ends a conflict of a task with one of its versions; how far it is comes from all of them. */
export function takeTask(store: Store, slug: string, id: string, take: string): Written | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const live: Live[] = said(docs.tasks.get(id.toUpperCase())?.live ?? [])
  const saw = live.map(({ oid }) => oid)
  return setTask(store, slug, id, {}, `settle ${taskKey(slug, id)}`, { saw, take })
}

// --- companions ---------------------------------------------------------------------------------------------------------

/** Notes what happened in a phase. Two people who do so at the same time are both kept, without a conflict. */
export function addCompanion(
  store: Store,
  slug: string,
  entry: CompanionEntry,
  secrets: Secrets = {},
): Written | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const view = viewOf(docs)
  const phases = [
    ...(view.contract?.contract.leaves ?? []),
    ...(view.read?.features.flatMap((one) => one.phases) ?? []),
  ]
  const phase = phases.find(({ id }) => id === entry.phase)
  const key = partKey(slug, 'companion')
  if (phase === undefined && !view.companion?.phases.some(({ id }) => id === entry.phase)) {
    const known = [...new Set(phases.map(({ id }) => id))].join(', ')
    const hint = known === '' ? 'It has no phases yet.' : `It has: ${known}.`
    return { refused: 'NOT_FOUND', message: `${slug} has no phase ${entry.phase}.`, hint }
  }
  const whole = { ...(phase === undefined ? {} : { title: phase.title }), ...entry }
  return writeTo(
    store,
    [key],
    (seen, me): ReturnType<typeof change<Done>> => {
      const [winner, ...others] = said(seen.at(key))
      const bodies = others.map(({ doc }) => doc.body)
      const text = winner === undefined ? `# ${view.title}` : mergeCompanions(template, winner.doc.body, bodies)
      const next = addEntry(template, text, whole)
      const same = next === winner?.doc.body && others.length === 0
      const puts = same ? [] : [putText(slug, 'companion', view.title, next, winner)]
      return change(
        `companion ${slug} ${entry.phase}${entry.status === undefined ? '' : ` ${entry.status}`}`,
        me,
        puts,
        { slug },
      )
    },
    secrets,
  )
}
