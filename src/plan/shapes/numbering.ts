// From what a source calls its tasks and phases to ids of ours.

import { LEAF_ID, TASK_ID } from '../schema'
import type { ReadPhase, ReadTask } from './types'

/** A task as a shape found it: ids are the source's, dependencies too. */
export interface Draft extends Omit<ReadTask, 'id'> {
  id?: string
  /** Overrides the kind that its title suggests. */
  kind?: string
  /** Drafts that it waits for, besides those that it names. */
  parts?: Draft[]
}

/** First match counts; source: the kinds of devstack-style task ids. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ['T', /\b(?:tests?|testing|e2e|test-?cases?)\b/i],
  ['D', /\b(?:docs?|document|documentation|readme|changelog|tutorial)\b/i],
  ['M', /\b(?:migrat(?:e|es|ion|ions|ing)|backfill)\b/i],
  ['R', /\b(?:research|investigate|spike|evaluate|explore)\b/i],
  ['G', /\b(?:config|configs|configure|configuration|ci|lint(?:ing)?|tooling|setup)\b/i],
]

/** Letter of the kind that a title suggests: T, D, M, R, G, else C. */
export function kindOf(title: string): string {
  return KINDS.find(([, words]) => words.test(title))?.[0] ?? 'C'
}

/**
 * Gives each task an id: its own when that is one and free, else `<leaf>-<kind><nn>` in the order of the text.
 * Dependencies follow; a phase stands for all its tasks. A name that nobody has stays, for a check to report.
 */
export function numberTasks(drafts: readonly Draft[], phases: readonly ReadPhase[], warnings: string[]): ReadTask[] {
  const taken = new Set<string>()
  for (const { id, leaf } of drafts) {
    const [, ofLeaf] = TASK_ID.exec(id ?? '') ?? []
    if (id === undefined || ofLeaf === undefined) continue
    if (taken.has(id)) warnings.push(`Two tasks are called ${id}; the second got a new number.`)
    else if (ofLeaf !== leaf) warnings.push(`${id} stands under phase ${leaf}; it got a new number.`)
    else taken.add(id)
  }
  const free = new Set(taken)
  const counts = new Map<string, number>()
  const tasks = drafts.map((draft): ReadTask => {
    const { id: given = '', kind: _, parts: __, ...task } = draft
    const keeps = TASK_ID.exec(given)?.[1] === draft.leaf && free.delete(given)
    const id = keeps ? given : nextId(draft, taken, counts)
    const source = draft.source_id ?? (keeps || given === '' ? undefined : given)
    return { ...task, id, depends_on: [...task.depends_on], ...(source === undefined ? {} : { source_id: source }) }
  })
  const ids = new Map(drafts.map((draft, i) => [draft, tasks[i]?.id ?? '']))
  for (const [i, { parts = [] }] of drafts.entries())
    tasks[i]?.depends_on.push(...parts.map((part) => ids.get(part) ?? ''))
  resolveDependencies(tasks, phases)
  return tasks
}

function nextId({ leaf, kind, title }: Draft, taken: Set<string>, counts: Map<string, number>): string {
  const stem = `${leaf}-${kind ?? kindOf(title)}`
  for (;;) {
    const n = (counts.get(stem) ?? 0) + 1
    counts.set(stem, n)
    const id = `${stem}${String(n).padStart(2, '0')}`
    if (!taken.has(id)) {
      taken.add(id)
      return id
    }
  }
}

function resolveDependencies(tasks: readonly ReadTask[], phases: readonly ReadPhase[]): void {
  const byName = new Map<string, string[]>()
  for (const { id } of phases) byName.set(id, [])
  for (const { id, source_id, leaf } of tasks) {
    byName.get(leaf)?.push(id)
    const name = source_id?.toLowerCase()
    if (name !== undefined && !byName.has(name)) byName.set(name, [id])
  }
  for (const { id } of tasks) byName.set(id.toLowerCase(), [id])
  for (const task of tasks) {
    const found = task.depends_on.flatMap(
      (name) => byName.get(name.toLowerCase().replace(/^(?:task|phase)\s+/, '')) ?? [name],
    )
    task.depends_on = [...new Set(found)].filter((id) => id !== task.id)
  }
}

/** Largest number in an id. */
export const MAX_NUMBER = 999

/**
 * Ids `X.Y` for the phases of a feature: the source's number where it is one of this feature and free, else the next.
 * Gives the ids in order.
 */
export function phaseIds(feature: number, numbers: readonly string[]): string[] {
  const own = new Set(numbers.filter((number) => LEAF_ID.test(number) && Number(number.split('.')[0]) === feature))
  const used = new Set<string>()
  let next = 0
  return numbers.map((number) => {
    let id = number
    if (!own.has(number) || used.has(number)) {
      do id = `${feature}.${++next}`
      while (own.has(id) || used.has(id))
    }
    used.add(id)
    return id
  })
}
