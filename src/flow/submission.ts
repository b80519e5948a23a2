// A leaf's tasks as somebody hands them in: JSON with every field, or a plan file of any shape. Pure.

import * as z from 'zod/mini'
import { readTasks } from '../plan/plan'
import { TASK_ID, type Task } from '../plan/schema'
import { parsed } from './legal'

const strings = () => z.optional(z.array(z.string()))

const GivenTask = z.object({
  id: z.optional(z.string()),
  title: z.string(),
  why: z.optional(z.string()),
  files: strings(),
  read_first: strings(),
  action: z.optional(z.string()),
  depends_on: strings(),
  engine: z.optional(z.string()),
  acceptance: strings(),
  covers: strings(),
  commit_prefix: z.optional(z.string()),
  timeout_s: z.optional(z.int()),
  token_budget: z.optional(z.int()),
  longproc: z.optional(z.string()),
})
const GivenPlan = z.object({ tasks: z.array(GivenTask).check(z.maxLength(500)) })

/** Without ids of its own a task counts as code; the id says the leaf. */
export function readSubmission(text: string, name: string, leaf: string): Task[] | { problem: string } {
  const trimmed = text.trim()
  if (name.endsWith('.json') || trimmed.startsWith('{') || trimmed.startsWith('[')) return fromJson(trimmed, leaf)
  const tasks = readTasks(text, name)
  if ('problem' in tasks) return tasks
  const own = tasks.filter((task) => task.leaf === leaf)
  if (own.length > 0) return own
  const leaves = [...new Set(tasks.map((task) => task.leaf))]
  const [only] = leaves
  // A file without phases of its own counts its tasks from 1.1: they are meant for the leaf that asks.
  if (leaves.length === 1 && only === '1.1') return tasks.map((task) => moved(task, leaf))
  return {
    problem: `${name} has no task of leaf ${leaf}${leaves.length === 0 ? '' : `, only of ${leaves.join(', ')}`}`,
  }
}

function fromJson(text: string, leaf: string): Task[] | { problem: string } {
  const given = parsed(GivenPlan, text.startsWith('[') ? `{"tasks":${text}}` : text, 'the plan')
  if ('broken' in given) return { problem: given.broken }
  return given.value.tasks.map(
    ({ id, files, read_first, action, depends_on, acceptance, covers, ...task }, i): Task => {
      const own = id ?? `${leaf}-C${String(i + 1).padStart(2, '0')}`
      return {
        ...task,
        id: own,
        leaf: TASK_ID.exec(own)?.[1] ?? leaf,
        status: 'pending',
        files: files ?? [],
        read_first: read_first ?? [],
        depends_on: depends_on ?? [],
        acceptance: acceptance ?? [],
        covers: covers ?? [],
        attempts: 0,
        commits: [],
        evidence: [],
        action: action ?? '',
      }
    },
  )
}

function moved(task: Task, leaf: string): Task {
  const id = (old: string) => old.replace(/^\d{1,3}\.\d{1,3}-/, `${leaf}-`)
  return { ...task, leaf, id: id(task.id), depends_on: task.depends_on.map(id), status: 'pending' }
}
