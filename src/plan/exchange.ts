// Plans as files: taken in, taken in again, written out. What somebody else changed is never overwritten.

import template from '../../templates/IMPLEMENTATION.md'
import { isRefusal, type Refusal } from '../errors'
import { FLEET, historyOf, PLANS, type Store, viewRef } from '../store/store'
import { change, type Done, unseen } from './decide'
import { decideImport, type Imported, type ImportRequest, importKeys } from './decide-import'
import { partKey, planHeadOf, said } from './documents'
import { again, blank, difference, firstTasks, unreadable } from './importing'
import { docsOf, needDocs, type PlanDocs, tasksIn, wantedBoxes } from './reading'
import type { Kind, PlanHead, Shape } from './schema'
import { boxesOf, setBoxes } from './shapes/boxes'
import { mergeBoxes } from './shapes/merge'
import { readPlan, splitByRepo } from './shapes/shapes'
import type { Box, ReadPlan } from './shapes/types'
import { slugFor, slugRefusal, slugWith } from './slug'
import { type Secrets, type Written, writeTo } from './writing'

export interface ImportInput extends Secrets {
  text: string
  /** Of the file, without its folder. */
  name: string
  /** Absent: made from the title. */
  slug?: string
  /** Absent: seen from the text. */
  shape?: Shape
  /** Priority bands of a TODOS.md. */
  bands?: readonly string[]
  /** Only this repository's part; the only one, where the source names none. */
  repo?: string
  /** Absent: the one that it has, else feature. */
  kind?: Kind
  /** What this very file held when it was last taken in or written. */
  base?: string
  now?: Date
}

interface Imports extends Done {
  each: Imported[]
}

/** One plan for each repository that the source names, in one write. */
export function importPlan(store: Store, input: ImportInput): (Imported & Written)[] | Refusal {
  const { text, name, shape, bands } = input
  const options = { ...(shape === undefined ? {} : { shape }), ...(bands === undefined ? {} : { bands: [...bands] }) }
  const whole = readPlan(text, name, options)
  if ('problem' in whole) return unreadable(whole.problem)
  const problem = bandsRefusal(whole, bands) ?? repoRefusal(store, whole, input.repo)
  if (problem !== null) return problem
  const requests: ImportRequest[] = []
  for (const part of partsOf(whole, input)) {
    const request = prepared(store, input, part, options)
    if (isRefusal(request)) return request
    requests.push(request)
  }
  const done = writeTo(
    store,
    requests.flatMap(importKeys),
    (seen, me) => {
      const made = []
      for (const request of requests) {
        const one = decideImport(seen, request, me)
        if (isRefusal(one)) return one
        made.push(one)
      }
      const names = made.map(({ result }) => result.slug)
      const all = change<Imports>(
        '',
        me,
        made.flatMap(({ puts }) => puts),
        { slug: names.join(' '), each: made.map(({ result }) => result) },
      )
      const [only, second] = made
      return {
        ...all,
        subject: only === undefined || second !== undefined ? `plan: import ${names.join(', ')}` : only.subject,
      }
    },
    input,
  )
  return isRefusal(done) ? done : done.each.map((one) => ({ ...one, commit: done.commit }))
}

// --- what there is to take in -------------------------------------------------------------------------------------------

interface SourcePart {
  text: string
  slug: string
  repo?: string
}

function partsOf(whole: ReadPlan, { text, slug, repo }: ImportInput): SourcePart[] {
  const own = slug ?? slugFor(whole.title.replace(/\.\w{1,4}$/, ''))
  if (whole.repos.length < 2) {
    const only = repo ?? whole.repos[0]
    return [{ text, slug: own, ...(only === undefined ? {} : { repo: only }) }]
  }
  return splitByRepo(text, whole)
    .filter((part) => repo === undefined || part.repo === repo)
    .map((part) => ({ text: part.text, slug: slugWith(own, part.repo), repo: part.repo }))
}

function bandsRefusal({ bands }: ReadPlan, chosen: readonly string[] | undefined): Refusal | null {
  if (bands === undefined || bands.length === 0) return null
  const there = bands.join(', ')
  if (chosen === undefined) {
    const hint = `Choose with \`--band\`, which may be repeated: ${there}.`
    return { refused: 'USAGE', message: 'The list has priority bands, and none was chosen.', hint, data: { bands } }
  }
  const unknown = chosen.filter((band) => !bands.includes(band))
  if (unknown.length === 0) return null
  return {
    refused: 'USAGE',
    message: `The list has no band ${unknown.join(', ')}.`,
    hint: `It has: ${there}.`,
    data: { bands },
  }
}

/** A fleet says which repositories there are; where there is none, any name will do. */
function repoRefusal(store: Store, { repos }: ReadPlan, repo: string | undefined): Refusal | null {
  if (repo !== undefined && repos.length > 1 && !repos.includes(repo)) {
    const hint = `It names: ${repos.join(', ')}.`
    return { refused: 'NOT_FOUND', message: `The source has no part for ${repo}.`, hint, data: { repos } }
  }
  const named = repo === undefined ? repos : [repo]
  const fleet = named.length === 0 ? [] : [...viewRef(store, FLEET).all()].filter(([, live]) => said(live).length > 0)
  const known = new Set(fleet.flatMap(([key]) => (key.startsWith('repos/') ? [key.slice('repos/'.length)] : [])))
  const unknown = named.filter((one) => !known.has(one.toLowerCase()))
  if (fleet.length === 0 || unknown.length === 0) return null
  return {
    refused: 'NOT_FOUND',
    message: `The fleet does not know ${unknown.join(', ')}.`,
    hint: known.size === 0 ? 'It has no repositories yet.' : `It has: ${[...known].sort().join(', ')}.`,
    data: { unknown, known: [...known].sort() },
  }
}

function prepared(
  store: Store,
  input: ImportInput,
  part: SourcePart,
  options: { shape?: Shape; bands?: string[] },
): ImportRequest | Refusal {
  const { slug, text, repo } = part
  const problem = slugRefusal(slug)
  if (problem !== null) return problem
  const read = readPlan(text, input.name, options)
  if ('problem' in read) return unreadable(read.problem)
  const docs = docsOf(store, slug)
  const [former] = docs === null ? [] : said(docs.texts.plan)
  const head = former === undefined ? null : planHeadOf(former)
  const date = (input.now ?? store.env.now()).toISOString().slice(0, 10)
  const request = {
    slug,
    head: {
      title: read.title,
      kind: input.kind ?? head?.kind ?? 'feature',
      shape: read.shape,
      source: input.name,
      ...(repo === undefined ? {} : { repo }),
      ...(options.bands === undefined ? {} : { bands: options.bands }),
    },
    warnings: read.warnings,
    companion: { template, date, phases: phasesOf(read) },
  }
  if (docs === null || former === undefined || head === null) {
    const tasks = firstTasks(read)
    const none = { changed: [], gone: [], followed: [], merged: false, saw: [] }
    return { ...request, ...none, text, tasks, added: tasks.map(({ id }) => id) }
  }
  return anew(store, input, docs, { ...request, text }, { ...head, oid: former.oid, body: former.doc.body })
}

function phasesOf(read: ReadPlan): { id: string; title: string }[] {
  return read.features.flatMap(({ phases }) => phases.map(({ id, title }) => ({ id, title })))
}

/** How many former texts of a plan a file may be an edit of. */
const PAST = 40

type Begun = Pick<ImportRequest, 'slug' | 'head' | 'text' | 'warnings' | 'companion'>

function anew(
  store: Store,
  input: ImportInput,
  docs: PlanDocs,
  request: Begun,
  stored: PlanHead & { oid: string; body: string },
): ImportRequest | Refusal {
  const { slug } = request
  const key = partKey(slug, 'plan')
  const blocked = reimportRefusal(slug, input, stored) ?? unseen(key, docs.texts.plan, undefined)
  if (blocked !== null) return blocked
  const options = {
    shape: request.head.shape,
    ...(request.head.bands === undefined ? {} : { bands: request.head.bands }),
  }
  const there = tasksIn(docs)
  const done = again({
    slug,
    file: request.text,
    stored: stored.body,
    past: historyOf(store, PLANS, key, PAST).flatMap(({ live }) => said(live)[0]?.doc.body ?? []),
    ...(input.base === undefined || input.text !== request.text ? {} : { base: input.base }),
    tasks: there,
    read: (text) => readPlan(text, input.name, options),
  })
  return isRefusal(done) ? done : { ...request, ...done, ...difference(done.tasks, there), saw: [stored.oid] }
}

function reimportRefusal(
  slug: string,
  { name, slug: given }: ImportInput,
  { state, source }: PlanHead,
): Refusal | null {
  if (state === 'archived') {
    const hint = `Take it out of the archive: \`git dstack plan archive --undo ${slug}\`; or choose another \`--slug\`.`
    return { refused: 'REFUSED', message: `${slug} is archived.`, hint }
  }
  if (given !== undefined || source === name) return null
  const from = source === undefined ? 'did not come from a file' : `came from ${source}`
  return {
    refused: 'DUPLICATE',
    message: `There is a plan ${slug} already, which ${from}.`,
    hint: `Is it the same, say so: \`--slug ${slug}\`; is it another one, choose another \`--slug\`.`,
    data: { slug },
  }
}

// --- out ----------------------------------------------------------------------------------------------------------------

/** The plan as a file, byte for byte as it came, with its boxes as the tasks are. */
export function exportPlan(store: Store, slug: string, { shape }: { shape?: Shape } = {}): { text: string } | Refusal {
  const plan = planOf(store, slug)
  if (isRefusal(plan)) return plan
  if (shape !== undefined && shape !== plan.head.shape) {
    const hint = `Leave \`--format\` out, or say \`--format ${plan.head.shape}\`.`
    return { refused: 'USAGE', message: `${slug} came as ${plan.head.shape}, and is written out as that only.`, hint }
  }
  return { text: setBoxes(plan.text, plan.boxes) }
}

export interface Exported {
  /** What the file is to hold. */
  text: string
  /** Boxes that the tasks changed and that the file no longer has, or has otherwise: nothing was written for them. */
  conflicts: Box[]
  /** Boxes that were changed in the file: the tasks follow when it is taken in. `n` counts in the plan's text. */
  taken: { n: number; checked: boolean }[]
}

/**
 * The same into a file that is there: only boxes change, and none that somebody changed in the file.
 * @param base what was last written to that file; absent: what was last taken in
 */
export function exportTo(store: Store, slug: string, file: string | null, base?: string): Exported | Refusal {
  const plan = planOf(store, slug)
  if (isRefusal(plan)) return plan
  if (file === null) return { text: setBoxes(plan.text, plan.boxes), conflicts: [], taken: [] }
  const wanted = new Map(boxesOf(setBoxes(plan.text, plan.boxes)).map(({ n, checked }) => [n, checked]))
  const { text, conflicts, taken } = mergeBoxes(sameBoxes(plan.text, base), file, wanted)
  return { text, conflicts, taken }
}

/** The text that was written out says which boxes the file began with, if it is still the same text. */
function sameBoxes(stored: string, base: string | undefined): string {
  return base !== undefined && blank(base) === blank(stored) ? base : stored
}

function planOf(store: Store, slug: string) {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const [live] = said(docs.texts.plan)
  const head = live === undefined ? null : planHeadOf(live)
  if (live === undefined || head === null) {
    const hint = `Make one: \`git dstack plan new --slug ${slug} <title>\`.`
    return { refused: 'NOT_FOUND', message: `${slug} has no plan yet.`, hint } satisfies Refusal
  }
  return { head, text: live.doc.body, boxes: wantedBoxes(head, live.doc.body, tasksIn(docs)) }
}
