// What helped, and what was asked for in vain: noted in a local file, folded into the writer's own document by its next write.

import type { Json, Live, Put } from '../store/schema'
import { readUsage } from './head'
import { bytes } from './rules'
import type { UsageHead } from './schema'

/** One thing that happened. `helped` names a document key; `gap` is a question as it was asked. */
export type Usage = { helped: string } | { gap: string }

/** What waits to be counted: each is a small file of its own, so that nobody's line is lost or counted twice. */
export interface Pending {
  /** Name of the file. */
  id: string
  usage: Usage
}

export interface Counts {
  /** By document key. */
  helped: Map<string, number>
  /** By normalised question. */
  gaps: Map<string, number>
}

/** Longest question that is kept, in characters. */
const MAX_QUESTION = 120
/** Bytes of JSON per field: all fields fit into a front matter with room for the rest. What was counted least goes first. */
const MAX_FIELD = 5 * 1024
/** Events that one write takes in; the others wait for the next one. */
export const MAX_BATCH = 100

/** The form in which the same question, asked twice, is one question. Empty when nothing is left of it. */
export function normalQuestion(question: string): string {
  const plain = question
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[\p{C}\s]+/gu, ' ')
  const edges = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu
  return [...plain.replace(edges, '')].slice(0, MAX_QUESTION).join('').replace(edges, '')
}

/** Reads a pending file; null for a torn or foreign one: these are counts, not somebody's words. */
export function parseUsage(text: string): Usage | null {
  if (text.length > 4096) return null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    if ('helped' in value && typeof value.helped === 'string') return { helped: value.helped }
    return 'gap' in value && typeof value.gap === 'string' ? { gap: value.gap } : null
  } catch {
    return null
  }
}

/**
 * The next version of a writer's usage document, to be put along with another write; null when nothing is to be added.
 * `allowed` is false for what must not travel: a question can be a pasted token.
 */
export function foldUsage(
  key: string,
  live: readonly Live[],
  pending: readonly Pending[],
  allowed: (text: string) => boolean,
): Put | null {
  const heads = live.flatMap((version) => usageOf(version) ?? [])
  const counted = new Set(heads.flatMap((head) => head.batch))
  const known = most(heads)
  const fresh = pending.filter(({ id }) => !counted.has(id)).slice(0, MAX_BATCH)
  let news = 0
  for (const { usage } of fresh) {
    const question = 'gap' in usage ? normalQuestion(usage.gap) : ''
    if ('helped' in usage) add(known.helped, usage.helped, 1)
    else if (question !== '' && allowed(question)) add(known.gaps, question, 1)
    else continue
    news++
  }
  if (news === 0) return null
  // What was counted before and still waits would be counted again once it is forgotten here.
  const waiting = pending.flatMap(({ id }) => (counted.has(id) ? [id] : []))
  const head: Record<string, Json> = {
    type: 'usage',
    helped: fitting(known.helped),
    gaps: fitting(known.gaps),
    batch: [...waiting, ...fresh.map(({ id }) => id)].slice(-2 * MAX_BATCH),
  }
  return { key, head, body: '' }
}

/** Versions of one writer's document grew out of each other, so the highest count of each name is the true one. */
function most(heads: readonly UsageHead[]): Counts {
  const counts: Counts = { helped: new Map(), gaps: new Map() }
  const raise = (map: Map<string, number>, more: Record<string, number>) => {
    for (const [name, count] of Object.entries(more)) map.set(name, Math.max(map.get(name) ?? 0, count))
  }
  for (const head of heads) {
    raise(counts.helped, head.helped)
    raise(counts.gaps, head.gaps)
  }
  return counts
}

function fitting(counts: ReadonlyMap<string, number>): Record<string, number> {
  const kept: [string, number][] = []
  let room = MAX_FIELD
  for (const [name, count] of [...counts].sort(byCount)) {
    room -= bytes(JSON.stringify(name)) + String(count).length + 2
    if (room <= 0) break
    if (name !== '__proto__') kept.push([name, count])
  }
  return Object.fromEntries(kept)
}

/** A version as counts; null for another type and for what does not fit the schema. */
export function usageOf(live: Live): UsageHead | null {
  return live.gone ? null : readUsage(live.doc.head)
}

/** First word of the keys of usage documents. */
export const USAGE = 'usage/'

/** Sums of all writers, out of all documents. */
export function totals(documents: ReadonlyMap<string, readonly Live[]>): Counts {
  const sum: Counts = { helped: new Map(), gaps: new Map() }
  for (const [key, live] of documents) {
    if (!key.startsWith(USAGE)) continue
    const own = most(live.flatMap((version) => usageOf(version) ?? []))
    for (const [name, count] of own.helped) add(sum.helped, name, count)
    for (const [name, count] of own.gaps) add(sum.gaps, name, count)
  }
  return sum
}

/** Adds what still waits to be counted. `live` is this clone's own document. */
export function withPending(counts: Counts, live: readonly Live[], pending: readonly Pending[]): Counts {
  const counted = new Set(live.flatMap((version) => usageOf(version)?.batch ?? []))
  for (const { id, usage } of pending) {
    if (counted.has(id)) continue
    if ('helped' in usage) add(counts.helped, usage.helped, 1)
    else add(counts.gaps, normalQuestion(usage.gap), 1)
  }
  counts.gaps.delete('')
  return counts
}

export interface Gap {
  question: string
  count: number
}

/** What is still asked in vain, most often first. `finds` says whether the question has an answer by now. */
export function openGaps(counts: Counts, finds: (question: string) => boolean): Gap[] {
  return [...counts.gaps]
    .filter(([question]) => !finds(question))
    .sort(byCount)
    .map(([question, count]) => ({ question, count }))
}

function byCount([a, x]: [string, number], [b, y]: [string, number]): number {
  return y - x || (a < b ? -1 : a > b ? 1 : 0)
}

/** Hostile documents count, too, but they cannot make a sum overflow or shrink. */
function add(counts: Map<string, number>, name: string, count: number): void {
  if (!Number.isSafeInteger(count) || count <= 0) return
  counts.set(name, Math.min((counts.get(name) ?? 0) + count, 1_000_000_000))
}
