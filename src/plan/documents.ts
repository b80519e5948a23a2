// Documents of refs/dstack/plans as values and back: which key holds what, and what of a head survives a new version.

import * as z from 'zod/mini'
import type { Json, Live, Put } from '../store/schema'
import { type Known, PlanHead, type Task, TaskHead, type TextHead } from './schema'

/** The documents of a slug that are one text each. */
export const PARTS = ['plan', 'contract', 'spec', 'companion'] as const
export type Part = (typeof PARTS)[number]

export function partKey(slug: string, part: Part): string {
  return `${slug}/${part}`
}

export function taskKey(slug: string, id: string): string {
  return `${slug}/tasks/${id.toLowerCase()}`
}

/** Where a key of the ref belongs; null for what another version of the tool put there. */
export function placeOf(key: string): { slug: string; part: Part | 'task' } | null {
  const [slug = '', word = '', leaf, ...rest] = key.split('/')
  if (rest.length > 0) return null
  if (leaf !== undefined) return word === 'tasks' ? { slug, part: 'task' } : null
  const part = PARTS.find((one) => one === word)
  return part === undefined ? null : { slug, part }
}

/** A text of a slug, as it was shown to somebody. */
export interface TextDoc {
  /** Object id of the version; a write that is based on it says so (`saw`). */
  oid: string
  text: string
  title: string
  by: string
  /** ISO time of the version, from the clock of who wrote it. The commit in the ref has the same. */
  at: string
  /** Object ids of every live version, this one first. More than one is a conflict. */
  versions: string[]
}

/** The versions that say something, winner first. */
export function said(live: readonly Live[]): Live[] {
  return live.filter(({ gone }) => !gone)
}

/** The winner of what is live at a text's key; null when nothing is there. */
export function textDoc(live: readonly Live[]): TextDoc | null {
  const [first] = said(live)
  if (first === undefined) return null
  const { head, body } = first.doc
  return {
    oid: first.oid,
    text: body,
    title: typeof head.title === 'string' ? head.title : '',
    by: String(head.by ?? ''),
    at: String(head.at ?? ''),
    versions: said(live).map(({ oid }) => oid),
  }
}

export function planHeadOf(live: Live): PlanHead | null {
  return z.safeParse(PlanHead, live.doc.head).data ?? null
}

const TASK_FIELDS = Object.keys(TaskHead.shape).filter((name) => name !== 'type')

/** A task without what the store stamps and without fields of later versions: these stay in the document. */
export function taskOf(live: Live): Task | null {
  const head = z.safeParse(TaskHead, live.doc.head).data
  if (head === undefined) return null
  const known = Object.entries(head).filter(([name]) => TASK_FIELDS.includes(name))
  return { ...(Object.fromEntries(known) as Omit<Known<TaskHead>, 'type'>), action: live.doc.body }
}

/** A new version of a document; what the former one has beside these fields survives. */
export function put(key: string, fields: Readonly<Record<string, Json | undefined>>, body: string, former?: Live): Put {
  const { gone: _gone, reason: _reason, ...kept } = former?.doc.head ?? {}
  const head: Record<string, Json> = { ...kept }
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) delete head[name]
    else head[name] = value
  }
  const raw = former?.doc.raw
  return { key, head, body, ...(raw === undefined ? {} : { raw }) }
}

export function tombstone(key: string, type: string, reason: string): Put {
  return { key, head: { type, gone: true, reason }, body: '' }
}

export function putPlan(slug: string, head: Omit<Known<PlanHead>, 'type'>, text: string, former?: Live): Put {
  const { title, kind, state, shape, repo, source, bands } = head
  return put(partKey(slug, 'plan'), { type: 'plan', title, kind, state, shape, repo, source, bands }, text, former)
}

export function putText(slug: string, part: TextHead['type'], title: string, text: string, former?: Live): Put {
  return put(partKey(slug, part), { type: part, title }, text, former)
}

export function putTask(slug: string, { action, ...task }: Task, former?: Live): Put {
  const fields = Object.fromEntries(
    TASK_FIELDS.map((name) => [name, task[name as keyof typeof task] as Json | undefined]),
  )
  return put(taskKey(slug, task.id), { type: 'task', ...fields }, action, former)
}
