// Taking a plan in again: what its file says anew, what happened here meanwhile, and what of both holds.

import { applyPatch, diffLines, structuredPatch } from 'diff'
import type { Refusal } from '../errors'
import type { Shape, Task } from './schema'
import { boxesOf, setBoxes } from './shapes/boxes'
import { mergeBoxes } from './shapes/merge'
import { readPlan } from './shapes/shapes'
import type { ReadPlan, ReadTask } from './shapes/types'
import { boxesOf as boxesFor, carried, keepIds, sameTask, taskFrom, UNVERIFIED } from './tasks'

/** Shapes whose tasks have ids in the text; those of the others are only counted. */
const NAMED: readonly Shape[] = ['dstack', 'taskxml']

export interface Again {
  /** What the plan is to say, boxes included. */
  text: string
  tasks: Task[]
  /** Ids of tasks that the text no longer has. */
  gone: string[]
  /** The text was put together from the file and from what was changed here. */
  merged: boolean
  /** Ids of tasks whose box was changed in the file. */
  followed: string[]
}

export interface AgainInput {
  slug: string
  /** The file, and what is read from it. */
  file: string
  /** The plan's text as it stands here, without its history. */
  stored: string
  /** Former texts of it, newest first. */
  past: readonly string[]
  /** What this very file held when it was last taken in or written. */
  base?: string
  tasks: readonly Task[]
  read: (text: string) => ReadPlan | { problem: string }
}

/**
 * The file is an edit of what it held before, or where nobody knows that, of the version that it is nearest to, boxes
 * aside. Is that the present one, its text holds; is it a former one, both edits are put together line by line, or the
 * import is refused. A box that was changed in the file
 * moves its task; a task that was changed here keeps its state.
 */
export function again({ slug, file, stored, past, base: written, tasks, read }: AgainInput): Again | Refusal {
  const base = basis(file, [stored, ...past], written)
  const words = combined(blank(base), blank(file), blank(stored))
  if (words === null) return apart(slug)
  const merged = words !== blank(file)
  const text = merged ? boxed(words, stored) : file
  const now = read(text)
  if ('problem' in now) return unreadable(now.problem)
  const inFile = read(file)
  const inBase = read(base)
  const shape = now.shape
  const next = kept(now, tasks, shape)
  const marks = (plan: ReadPlan | { problem: string }) =>
    new Map('problem' in plan ? [] : kept(plan, tasks, shape).map(({ id, status }) => [id, status]))
  const [file_, base_] = [marks(inFile), marks(inBase)]
  const there = new Map(tasks.map((task) => [task.id, task]))
  const followed: string[] = []
  const result = next.map((task) => {
    const says = file_.get(task.id) ?? task.status
    const former = there.get(task.id)
    if (former === undefined) return { ...taskFrom(task), ...progress(says, []) }
    const moved = base_.has(task.id) && base_.get(task.id) !== says
    const plain = carried(taskFrom(task), former)
    if (!moved || (says === 'done') === (former.status === 'done')) return plain
    followed.push(task.id)
    return { ...plain, ...progress(says, former.evidence) }
  })
  const ids = new Set(result.map(({ id }) => id))
  // Tasks without a box were not taken from this text.
  const gone = tasks.filter(({ id, box }) => box !== undefined && !ids.has(id)).map(({ id }) => id)
  return { text: merged ? setBoxes(text, boxesFor(result, now.tasks)) : file, tasks: result, gone, merged, followed }
}

function progress(says: ReadTask['status'], evidence: readonly string[]): Pick<Task, 'status' | 'evidence'> {
  return { status: says, evidence: says === 'done' && evidence.length === 0 ? [UNVERIFIED] : [...evidence] }
}

function kept(plan: ReadPlan, tasks: readonly Task[], shape: Shape): ReadTask[] {
  return keepIds(plan.tasks, tasks, NAMED.includes(shape))
}

/** The tasks of a text that is new here. */
export function firstTasks(plan: ReadPlan): Task[] {
  return plan.tasks.map(taskFrom)
}

/** The tasks that a file of any shape lists, without storing anything. */
export function readTasks(text: string, name: string): Task[] | { problem: string } {
  const read = readPlan(text, name)
  return 'problem' in read ? read : firstTasks(read)
}

/** Ids of tasks that are new, and of those that differ from what is there. */
export function difference(next: readonly Task[], there: readonly Task[]): { added: string[]; changed: string[] } {
  const known = new Map(there.map((task) => [task.id, task]))
  const added = next.filter(({ id }) => !known.has(id)).map(({ id }) => id)
  const changed = next.filter((task) => {
    const former = known.get(task.id)
    return former !== undefined && !sameTask(former, task)
  })
  return { added, changed: changed.map(({ id }) => id) }
}

/** The boxes that are no task's stay as they were here. */
function boxed(text: string, stored: string): string {
  const states = new Map(boxesOf(stored).map(({ n, checked }) => [n, checked]))
  return mergeBoxes(blank(stored), text, states).text
}

/** The text with every box cleared: what it says apart from them. */
export function blank(text: string): string {
  return setBoxes(text, new Map(boxesOf(text).map(({ n }) => [n, false])))
}

/** Of several that are as near the oldest: then what was written since is not taken for something that the file takes back. */
function basis(file: string, texts: readonly string[], written: string | undefined): string {
  const bare = blank(file)
  const same = [...(written === undefined ? [] : [written]), ...texts].find((text) => blank(text) === bare)
  if (same !== undefined || written !== undefined) return same ?? written ?? ''
  const far = texts.map((text) => distance(blank(text), bare))
  return texts[far.lastIndexOf(Math.min(...far))] ?? ''
}

function distance(a: string, b: string): number {
  const changes = diffLines(a, b, { maxEditLength: 5000 })
  if (changes === undefined) return Number.MAX_SAFE_INTEGER
  return changes.reduce((sum, { added, removed, count }) => sum + (added || removed ? count : 0), 0)
}

/** What `base` → `file` changed, done to `stored`. Null: both changed the same lines. */
function combined(base: string, file: string, stored: string): string | null {
  if (stored === base || stored === file) return file
  if (file === base) return stored
  const done = applyPatch(stored, structuredPatch('plan', 'plan', base, file, '', '', { context: 2 }))
  return done === false ? null : done
}

function apart(slug: string): Refusal {
  return {
    refused: 'CONFLICT',
    message: `The file and the plan ${slug} were changed in the same lines; nothing was taken in.`,
    hint: `Write out what is here and bring both together: \`git dstack plan export ${slug}\`.`,
    data: { slug },
  }
}

export function unreadable(problem: string): Refusal {
  return { refused: 'BAD_TEXT', message: problem, hint: 'See `git dstack help plan` for the shapes that can be read.' }
}
