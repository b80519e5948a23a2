// The order of hits: by score, then the newer, then by key. Worked out only as far as somebody asks.

import type { Matches } from './match'
import { compare } from './segment'
import { writtenAt } from './signals'

/** A hit: the matches of a part, and its place in their columns. */
export interface Place {
  matches: Matches
  at: number
}

/** The hits of all parts with a score above 0, best first. */
export function* inOrder(parts: readonly Matches[]): Generator<Place> {
  // Two parts at most: each in its own order, and the better of their first ones.
  const queues = parts.map((matches) => placesOf(matches))
  const heads = queues.map((queue) => queue.next().value ?? null)
  for (;;) {
    let best = -1
    for (const [i, head] of heads.entries())
      if (head !== null && (best < 0 || ahead(head, heads[best] as Place))) best = i
    const place = heads[best]
    if (place === undefined || place === null) return
    yield place
    heads[best] = queues[best]?.next().value ?? null
  }
}

function ahead({ matches: one, at: i }: Place, { matches: other, at: j }: Place): boolean {
  const difference = (one.scores[i] as number) - (other.scores[j] as number)
  if (difference !== 0) return difference > 0
  const [a, b] = [one.docs[i] as number, other.docs[j] as number]
  const age = writtenAt(one.part.index.signals(), a) - writtenAt(other.part.index.signals(), b)
  return age === 0 ? compare(one.part.index.entry(a).key, other.part.index.entry(b).key) < 0 : age > 0
}

/** Most askers want no more than so many; finding these few is one pass without a heap. */
const FEW = 64

/** The places of one part in order: the first few by a pass over all, the others by a heap, when somebody asks on. */
function* placesOf(matches: Matches): Generator<Place, void> {
  const { docs, scores } = matches
  const columns = matches.part.index.signals()
  const before = (a: number, b: number): boolean => {
    const difference = (scores[a] as number) - (scores[b] as number)
    if (difference !== 0) return difference > 0
    const age = writtenAt(columns, docs[a] as number) - writtenAt(columns, docs[b] as number)
    // The documents of a part are sorted by key.
    return age === 0 ? a < b : age > 0
  }
  const few = firstOf(scores, before)
  for (const at of few) yield { matches, at }
  if (few.length < FEW) return
  const last = few[FEW - 1] as number
  const rest = Uint32Array.from(scores.keys()).filter((at) => (scores[at] as number) > 0 && before(last, at))
  for (const at of heapOrder(rest, before)) yield { matches, at }
}

/** The first `FEW` places with a score above 0, in order. */
function firstOf(scores: Int32Array, before: (a: number, b: number) => boolean): number[] {
  const few: number[] = []
  let least = 1
  for (let at = 0; at < scores.length; at++) {
    if ((scores[at] as number) < least) continue
    if (few.length === FEW) {
      if (!before(at, few[FEW - 1] as number)) continue
      few.pop()
    }
    let to = few.length
    while (to > 0 && before(at, few[to - 1] as number)) to--
    few.splice(to, 0, at)
    if (few.length === FEW) least = scores[few[FEW - 1] as number] as number
  }
  return few
}

/** Heap sort that stops when nobody asks on: making the heap is linear, each place logarithmic. Changes `heap`. */
function* heapOrder(heap: Uint32Array, before: (a: number, b: number) => boolean): Generator<number, void> {
  let length = heap.length
  const sink = (from: number): void => {
    const item = heap[from] as number
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && before(heap[child + 1] as number, heap[child] as number)) child++
      if (!before(heap[child] as number, item)) break
      heap[at] = heap[child] as number
      at = child
    }
    heap[at] = item
  }
  for (let i = (length >>> 1) - 1; i >= 0; i--) sink(i)
  while (length > 0) {
    const first = heap[0] as number
    heap[0] = heap[--length] as number
    sink(0)
    yield first
  }
}
