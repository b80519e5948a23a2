// What a write to plans becomes: documents, or a refusal. Pure; each runs again when somebody was faster.

import type { Refusal } from '../errors'
import type { Change, Decision, Live, Put, Seen } from '../store/schema'
import {
  type Part,
  partKey,
  planHeadOf,
  putPlan,
  putTask,
  putText,
  said,
  taskKey,
  textDoc,
  tombstone,
} from './documents'
import type { Kind, PlanHead, Shape, Task } from './schema'
import { carried, progressOf, sameTask, standingTask } from './tasks'

/** What was written, and the version that stands there now. */
export interface Done {
  slug: string
  /** Keys of the documents. Empty: nothing was to be done. */
  keys: string[]
}

/** `by` is who writes: `Alice <alice@example.com>`. */
export interface Me {
  by: string
}

export function change<R extends Done>(what: string, { by }: Me, puts: Put[], result: Omit<R, 'keys'>): Change<R> {
  const keys = puts.map(({ key }) => key)
  return {
    puts,
    subject: `plan: ${what} (${by.replace(/ <.*/, '')})`,
    trailers: { 'Dstack-Slug': result.slug },
    result: { ...result, keys } as R,
  }
}

/** Texts that were shown to somebody are overwritten only as they were shown; `saw` are beginnings of version ids. */
export function unseen(key: string, live: readonly Live[], saw: readonly string[] | undefined): Refusal | null {
  const versions = said(live)
  const ids = versions.map(({ oid }) => oid)
  if (saw === undefined) {
    if (versions.length < 2) return null
    return {
      refused: 'CONFLICT',
      message: `${key} says different things in ${versions.length} versions.`,
      hint: `See \`git dstack conflicts\`, then end it: \`git dstack plan edit ${editFlags(key)}\`.`,
      data: { key, versions: ids },
    }
  }
  const other = versions.find(({ oid }) => !saw.some((one) => one.length >= 4 && oid.startsWith(one)))
  if (other === undefined) return null
  const { by, oid } = { by: String(other.doc.head.by ?? ''), oid: other.oid }
  return {
    refused: 'CONFLICT',
    message: `${key} was changed meanwhile by ${by}; nothing was written.`,
    hint: `Look at \`git dstack plan diff ${editFlags(key)}\`, then edit what is there now.`,
    data: { key, oid, text: other.doc.body },
  }
}

function editFlags(key: string): string {
  const [slug, word, task] = key.split('/')
  if (task !== undefined) return `${slug} --task ${task.toUpperCase()}`
  return word === 'plan' ? `${slug}` : `${slug} --part ${word}`
}

// --- one text -----------------------------------------------------------------------------------------------------------

export interface TextRequest {
  slug: string
  part: Exclude<Part, 'plan'>
  text: string
  /** Absent: the one that it has, else the slug. */
  title?: string
  saw?: readonly string[]
  /** Only if nothing is there. */
  fresh?: boolean
  subject?: string
}

/** A spec, a contract or a companion as a whole. */
export function decideText(seen: Seen, request: TextRequest, me: Me): Decision<Done> {
  const { slug, part, text, saw } = request
  const key = partKey(slug, part)
  const live = seen.at(key)
  if (request.fresh && said(live).length > 0) return exists(slug, part)
  const refusal = unseen(key, live, saw)
  if (refusal !== null) return refusal
  const former = textDoc(live)
  const title = request.title ?? former?.title ?? slug
  const same = former?.text === text && former.title === title && former.versions.length === 1
  const puts = same ? [] : [putText(slug, part, title, text, said(live)[0])]
  return change(request.subject ?? `${former === null ? 'new' : 'edit'} ${key}`, me, puts, { slug })
}

export function exists(slug: string, part: Part): Refusal {
  return {
    refused: 'DUPLICATE',
    message: `${slug} has a ${part} already.`,
    hint: `Look at it: \`git dstack plan show ${slug}\`; or choose another name with \`--slug\`.`,
    data: { slug },
  }
}

// --- a new piece of work ------------------------------------------------------------------------------------------------

export interface NewRequest {
  slug: string
  title: string
  kind: Kind
  shape: Shape
  source?: string
  repo?: string
  /** Texts that it begins with. */
  plan: string
  texts: Partial<Record<Exclude<Part, 'plan'>, string>>
  tasks: readonly Task[]
}

export function newKeys({ slug, texts, tasks }: Pick<NewRequest, 'slug' | 'texts' | 'tasks'>): string[] {
  const parts: Part[] = ['plan', ...(Object.keys(texts) as Part[])]
  return [...new Set([...parts.map((part) => partKey(slug, part)), ...tasks.map(({ id }) => taskKey(slug, id))])]
}

/** A plan, and the texts that its kind asks for. A spec or a contract that is there already stays. */
export function decideNew(seen: Seen, request: NewRequest, me: Me): Decision<Done> {
  const { slug, title, kind, shape, source, repo, plan, texts, tasks } = request
  const there = seen.at(partKey(slug, 'plan'))
  if (said(there).length > 0) return exists(slug, 'plan')
  const head = { title, kind, state: 'open' as const, shape, ...(source === undefined ? {} : { source }) }
  const others = Object.entries(texts).flatMap(([part, text]) => {
    const key = partKey(slug, part as Part)
    return said(seen.at(key)).length > 0 ? [] : [putText(slug, part as 'spec', title, text)]
  })
  const puts = [putPlan(slug, { ...head, ...(repo === undefined ? {} : { repo }) }, plan, there[0]), ...others]
  for (const task of tasks) puts.push(putTask(slug, task, seen.at(taskKey(slug, task.id))[0]))
  return change(`new ${slug}: ${title}`, me, puts, { slug })
}

export function decideArchive(seen: Seen, slug: string, undo: boolean, me: Me): Decision<Done> {
  const key = partKey(slug, 'plan')
  const [live] = said(seen.at(key))
  const head = live === undefined ? null : planHeadOf(live)
  if (live === undefined || head === null) {
    const hint = `Make one: \`git dstack plan new --slug ${slug} <title>\`.`
    return { refused: 'NOT_FOUND', message: `${slug} has no plan that could be archived.`, hint }
  }
  const refusal = unseen(key, seen.at(key), undefined)
  if (refusal !== null) return refusal
  const state: PlanHead['state'] = undo ? 'open' : 'archived'
  const puts = head.state === state ? [] : [putPlan(slug, { ...head, state }, live.doc.body, live)]
  return change(`${undo ? 'reopen' : 'archive'} ${slug}`, me, puts, { slug })
}

// --- tasks --------------------------------------------------------------------------------------------------------------

export interface TasksRequest {
  slug: string
  leaf: string
  tasks: readonly Task[]
  /** Ids of tasks that the leaf has now. */
  there: readonly string[]
  subject: string
}

/** The leaf's tasks become these; how far those of the same id are is kept. */
export function decideTasks(seen: Seen, { slug, leaf, tasks, there, subject }: TasksRequest, me: Me): Decision<Done> {
  const stray = tasks.find((task) => task.leaf !== leaf)
  if (stray !== undefined) {
    return { refused: 'USAGE', message: `${stray.id} belongs to leaf ${stray.leaf}, not to ${leaf}.` }
  }
  const ids = tasks.map(({ id }) => id.toLowerCase())
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) return { refused: 'USAGE', message: `${twice.toUpperCase()} is there twice.` }
  const puts = tasks.flatMap((task) => {
    const live = seen.at(taskKey(slug, task.id))
    const former = standingTask(live)
    // Its box is in the plan's text, which these tasks did not come from.
    const { box: _box, origin: _origin, ...plain } = task
    const place = former === null ? {} : pick(former.task, ['box', 'origin'])
    const next = former === null ? plain : { ...carried(plain, former.task), ...place }
    const same = former !== null && former.versions.length === 1 && sameTask(former.task, next)
    return same ? [] : [putTask(slug, next, said(live)[0])]
  })
  const gone = there.filter((id) => !ids.includes(id.toLowerCase())).map((id) => taskKey(slug, id))
  const removed = gone.filter((key) => said(seen.at(key)).length > 0).map((key) => tombstone(key, 'task', 'replaced'))
  return change(subject, me, [...puts, ...removed], { slug })
}

function pick<T extends object, K extends keyof T>(value: T, names: readonly K[]): Partial<Pick<T, K>> {
  const found = names.filter((name) => value[name] !== undefined).map((name) => [name, value[name]])
  return Object.fromEntries(found) as Partial<Pick<T, K>>
}

export interface TaskRequest {
  slug: string
  id: string
  change: Partial<Omit<Task, 'id' | 'leaf'>>
  subject: string
  /** Versions that the writer was shown: ends a conflict between them. */
  saw?: readonly string[]
  /** The version that stays, where there are several. */
  take?: string
}

export function decideTask(
  seen: Seen,
  { slug, id, change: wanted, subject, saw, take }: TaskRequest,
  me: Me,
): Decision<Done> {
  const key = taskKey(slug, id)
  const live = seen.at(key)
  const standing = standingTask(live)
  if (standing === null) {
    const hint = `See \`git dstack plan show ${slug}\`.`
    return { refused: 'NOT_FOUND', message: `${slug} has no task ${id}.`, hint }
  }
  const refusal = standing.conflict || saw !== undefined ? unseen(key, live, saw ?? undefined) : null
  if (refusal !== null) return refusal
  const base = take === undefined ? said(live)[0] : said(live).find(({ oid }) => oid.startsWith(take))
  const text = base === undefined ? null : standingTask([base])
  if (base === undefined || text === null) return noVersion(key, take ?? '')
  const next: Task = { ...text.task, ...progressOf(standing.task), ...wanted }
  const same = standing.versions.length === 1 && sameTask(standing.task, next)
  return change(subject, me, same ? [] : [putTask(slug, next, base)], { slug })
}

export function noVersion(key: string, take: string): Refusal {
  return {
    refused: 'NOT_FOUND',
    message: `${key} has no version ${take}.`,
    hint: 'See `git dstack conflicts`.',
  }
}
