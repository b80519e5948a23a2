// One set of documents out of two places: the persisted index, and the tail of what changed since it was built.

import type { Entry } from './entry'
import { type Index, indexInMemory } from './segment'
import { LENGTHS } from './signals'

/** An index, and which of its documents no longer count. */
export interface Part {
  index: Index
  /** Documents that the tail replaces or removes. */
  hidden: ReadonlySet<number>
}

export interface View {
  parts: Part[]
  /** Documents that count. */
  count: number
  /** Mean length of a document, at least 1. */
  averageLength: number
  /** What `frequencyOf` has counted. */
  counted: Map<string, number>
}

/**
 * Joins an index and its tail. Everything that ranking knows (numbers of documents, lengths, frequencies) is counted
 * over both, so that the order is that of one index built anew.
 */
export function viewOf(index: Index | null, tail: readonly Entry[], hidden: ReadonlySet<string>): View {
  const parts: Part[] = []
  if (index !== null) {
    const gone = new Set([...hidden, ...tail.map(({ key }) => key)])
    parts.push({ index, hidden: new Set([...gone].flatMap((key) => index.find(key))) })
  }
  if (tail.length > 0) parts.push({ index: indexInMemory(tail), hidden: new Set() })
  let count = 0
  let length = 0
  for (const part of parts) {
    count += part.index.counts.entries - part.hidden.size
    length += part.index.totalLength
    for (const doc of part.hidden) length -= LENGTHS[(part.index.signals()[0][doc] ?? 0) & 0xff] as number
  }
  return { parts, count, averageLength: Math.max(1, length / Math.max(1, count)), counted: new Map() }
}

/** Number of documents of the view that hold a term. */
export function frequencyOf(view: View, term: string): number {
  const known = view.counted.get(term)
  if (known !== undefined) return known
  let total = 0
  for (const { index, hidden } of view.parts) {
    total += index.frequency(term)
    const docs = hidden.size === 0 ? undefined : index.postings(term)?.docs
    if (docs !== undefined) for (const doc of hidden) if (placeOf(docs, doc) >= 0) total--
  }
  view.counted.set(term, total)
  return total
}

/** Place of a document among ascending ones, -1 when it is not there. */
export function placeOf(sorted: Uint32Array, doc: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < doc) low = middle + 1
    else high = middle
  }
  return sorted[low] === doc ? low : -1
}
