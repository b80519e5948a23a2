// Tasks: their order, what several live versions of one mean together, and how those of a new text find the ones that are there.

import type { Live } from '../store/schema'
import { said, taskOf } from './documents'
import { LEAF_ID, TASK_ID, type Task, type TaskState } from './schema'
import type { ReadTask } from './shapes/types'

// --- order ----------------------------------------------------------------------------------------------------------

/** Of tasks with one number: what is found out and tested stands before what is made. */
const KINDS = 'RTCMGDL'

/** By leaf, then by number, then by kind. */
export function sortTasks<T extends Pick<Task, 'id'>>(tasks: Iterable<T>): T[] {
  return [...tasks].sort((a, b) => compareIds(a.id, b.id))
}

/** Ids of leaves or tasks, numbers as numbers: 1.2 before 1.10. */
export function compareIds(a: string, b: string): number {
  const [one, other] = [partsOf(a), partsOf(b)]
  for (let i = 0; i < 4; i++) {
    const order = (one[i] ?? 0) - (other[i] ?? 0)
    if (order !== 0) return order
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function partsOf(id: string): number[] {
  const task = TASK_ID.exec(id)
  if (task !== null) return [...(task[1] ?? '').split('.').map(Number), Number(task[3]), KINDS.indexOf(task[2] ?? '')]
  return LEAF_ID.test(id) ? id.split('.').map(Number) : [Number.MAX_SAFE_INTEGER]
}

/** Leaves in their order, each with its tasks. */
export function byLeaf(tasks: Iterable<Task>): Map<string, Task[]> {
  const leaves = new Map<string, Task[]>()
  for (const task of sortTasks(tasks)) leaves.set(task.leaf, [...(leaves.get(task.leaf) ?? []), task])
  return leaves
}

export function isDone({ status }: Pick<Task, 'status'>): boolean {
  return status === 'done' || status === 'skipped'
}

// --- several versions -------------------------------------------------------------------------------------------------

/** What two people can have done to one task without saying different things of it: the further one holds. */
const FURTHER: readonly TaskState[] = ['pending', 'skipped', 'running', 'failed', 'done']
const PROGRESS = ['status', 'attempts', 'failures', 'commits', 'evidence'] as const

export interface Standing {
  task: Task
  /** Its live versions differ in more than how far it is: somebody has to choose. */
  conflict: boolean
  versions: string[]
}

/** What is live at a task's key as one task; null when it was taken out, or is none. */
export function standingTask(live: readonly Live[]): Standing | null {
  const versions = said(live)
  const tasks = versions.map(taskOf).filter((task) => task !== null)
  const [winner] = tasks
  if (winner === undefined) return null
  const failures = Math.max(...tasks.map((task) => task.failures ?? 0))
  const task: Task = {
    ...winner,
    status: FURTHER[Math.max(...tasks.map(({ status }) => FURTHER.indexOf(status)))] ?? winner.status,
    attempts: Math.max(...tasks.map(({ attempts }) => attempts)),
    ...(failures === 0 ? {} : { failures }),
    commits: [...new Set(tasks.flatMap(({ commits }) => commits))],
    evidence: [...new Set(tasks.flatMap(({ evidence }) => evidence))],
  }
  const texts = new Set(tasks.map(meaning))
  return { task, conflict: texts.size > 1 || tasks.length < versions.length, versions: versions.map(({ oid }) => oid) }
}

function meaning(task: Task): string {
  const what = Object.entries(task).filter(([name]) => !PROGRESS.some((field) => field === name))
  return JSON.stringify(what.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether the two say the same, progress included. */
export function sameTask(a: Task, b: Task): boolean {
  return meaning(a) === meaning(b) && PROGRESS.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
}

// --- from a text ------------------------------------------------------------------------------------------------------

/** What proves a task that only a text calls done. */
export const UNVERIFIED = 'unverified'

/** A task as a text has it, before anybody worked on it here. */
export function taskFrom({ status, ...read }: ReadTask): Task {
  return { ...read, status, attempts: 0, commits: [], evidence: status === 'done' ? [UNVERIFIED] : [] }
}

/** What a text says of a task. */
const SAID: readonly string[] = [
  ...['title', 'leaf', 'why', 'files', 'read_first', 'depends_on', 'acceptance', 'covers', 'commit_prefix', 'action'],
  ...['box', 'origin', 'source_id'],
]

/** How far a task is, and what was found out about it: nothing that a text says. */
export function progressOf(task: Task): Pick<Task, (typeof PROGRESS)[number]> {
  const { status, attempts, failures, commits, evidence } = task
  return { status, attempts, ...(failures === undefined ? {} : { failures }), commits, evidence }
}

/** A task of a new text with what is known of the one that was there: how far it is, its commits, what an engine needs. */
export function carried(next: Task, former: Task): Task {
  const kept = Object.entries(former).filter(([name]) => !SAID.includes(name))
  return { ...Object.fromEntries(kept), ...next, ...progressOf(former) }
}

/**
 * Gives tasks of a new text the ids that they had. Where the text has ids of its own these count; where tasks are only
 * counted, one that moved is found by the source's name or by leaf and title, and new ones get numbers that are free.
 * @param own the text names its tasks itself
 */
export function keepIds(read: readonly ReadTask[], there: readonly Task[], own: boolean): ReadTask[] {
  if (own) return [...read]
  const free = new Map(there.map((task) => [task.id, task]))
  const ids = new Map<string, string>()
  const take = (task: ReadTask, found: Task | undefined) => {
    if (found === undefined || ids.has(task.id)) return
    ids.set(task.id, found.id)
    free.delete(found.id)
  }
  const named = (task: ReadTask) => [...free.values()].find((one) => one.source_id === task.source_id)
  const titled = ({ leaf, title }: ReadTask) =>
    [...free.values()].find((one) => one.leaf === leaf && one.title === title)
  for (const task of read) if (task.source_id !== undefined) take(task, named(task))
  for (const task of read) take(task, titled(task))
  // Another title at the same place: it was renamed, if nothing else claims the place.
  for (const task of read) take(task, free.get(task.id))
  const used = new Set(there.map(({ id }) => id))
  for (const task of read) {
    if (ids.has(task.id)) continue
    const id = nextId(task.id, used)
    used.add(id)
    ids.set(task.id, id)
  }
  const kept = (id: string) => ids.get(id) ?? id
  return read.map((task) => ({ ...task, id: kept(task.id), depends_on: task.depends_on.map(kept) }))
}

/** The next free number of the same leaf and kind. */
function nextId(id: string, used: ReadonlySet<string>): string {
  const [, leaf = id, kind = 'C', number = '0'] = TASK_ID.exec(id) ?? []
  for (let n = Number(number); ; n++) {
    const next = `${leaf}-${kind}${String(n).padStart(2, '0')}`
    if (!used.has(next)) return next
  }
}

/**
 * Which boxes of the plan's text should be checked, and which not. A task that is as the text has it moves no box: a
 * phase may count as done although one of its boxes was never ticked. Failed and skipped tasks have no opinion.
 */
export function boxesOf(tasks: Iterable<Task>, inText: readonly ReadTask[]): Map<number, boolean> {
  const told = new Map(inText.flatMap(({ box, status }) => (box === undefined ? [] : [[box, status] as const])))
  const boxes = new Map<number, boolean>()
  for (const { box, status } of tasks) {
    if (box === undefined || status === 'failed' || status === 'skipped') continue
    if ((status === 'done') !== (told.get(box) === 'done')) boxes.set(box, status === 'done')
  }
  return boxes
}
