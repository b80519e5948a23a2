// Which documents hold the words of a question, and what that is worth: BM25 over the whole view.

import type { Concept } from './concepts'
import { gain, POINT, rarity, unpackOccurrences } from './rank'
import { LENGTHS } from './signals'
import { frequencyOf, type Part, placeOf, type View } from './view'

/**
 * What was found in one part of a view, as columns: the document, what its words are worth, and the share of the
 * question, weighted by rarity, that it holds. Columns of hits, not of all documents: most questions hit few.
 */
export interface Matches {
  part: Part
  docs: Uint32Array
  /** In `POINT`s. */
  scores: Int32Array
  /** In `POINT`s, too. */
  coverage: Int32Array
}

/** Scores every document that holds a word of the question. */
export function match(view: View, concepts: readonly Concept[]): Matches[] {
  const masses = concepts.map((concept) => massOf(view, concept))
  const total = masses.reduce((sum, mass) => sum + mass, 0)
  const weighted = concepts.map(({ readings }, i) =>
    readings.map(({ term, weight }) => ({
      term,
      rarity: weight * rarity(frequencyOf(view, term), view.count),
      share: total === 0 ? 0 : Math.round((POINT * (masses[i] as number) * weight) / total),
    })),
  )
  return view.parts.map((part) => matchPart(part, weighted, view.averageLength))
}

/** Every document of the view, for a question without words. */
export function everything(view: View): Matches[] {
  return view.parts.map((part) => {
    const all = new Uint32Array(part.index.counts.entries)
    for (let doc = 0; doc < all.length; doc++) all[doc] = doc
    const docs = visible(part, all)
    const whole = new Int32Array(docs.length).fill(POINT)
    return { part, docs, scores: whole, coverage: whole.slice() }
  })
}

interface Weighted {
  term: string
  /** Weighted. */
  rarity: number
  /** What it covers of the question, in `POINT`s. */
  share: number
}

function matchPart(part: Part, concepts: readonly (readonly Weighted[])[], averageLength: number): Matches {
  const docs = visible(part, union(concepts.flat().flatMap(({ term }) => part.index.postings(term)?.docs ?? [])))
  const matches = { part, docs, scores: new Int32Array(docs.length), coverage: new Int32Array(docs.length) }
  // The concept that last covered a hit, so that two readings of one word cover it once.
  const coveredBy = new Uint16Array(docs.length)
  for (const [i, readings] of concepts.entries()) {
    for (const reading of readings) addTerm(matches, reading, averageLength, coveredBy, i + 1)
  }
  return matches
}

/** Adds one term of one concept. Postings and hits are both in the order of documents, so they are walked together. */
function addTerm(
  { part, docs, scores, coverage }: Matches,
  { term, rarity, share }: Weighted,
  averageLength: number,
  coveredBy: Uint16Array,
  concept: number,
): void {
  const postings = part.index.postings(term)
  if (postings === null) return
  const { docs: holders, occurrences } = postings
  const heads = part.index.signals()[0]
  // Few pairs of occurrences and length exist; what each is worth is worked out once.
  const known = new Int32Array(1 << 16)
  let hit = 0
  for (let i = 0; i < holders.length; i++) {
    const doc = holders[i] as number
    while ((docs[hit] as number) < doc) hit++
    if (docs[hit] !== doc) continue
    const times = occurrences[i] as number
    const length = (heads[doc] as number) & 0xff
    const pair = (times << 8) | length
    if (known[pair] === 0) known[pair] = POINT * gain(rarity, times, LENGTHS[length] as number, averageLength)
    scores[hit] = (scores[hit] as number) + (known[pair] as number)
    if (coveredBy[hit] === concept) continue
    coveredBy[hit] = concept
    coverage[hit] = (coverage[hit] as number) + share
  }
}

/** The documents of some lists, each once, in order. */
function union(lists: readonly Uint32Array[]): Uint32Array {
  if (lists.length < 2) return lists[0] ?? new Uint32Array(0)
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0))
  let length = 0
  for (const list of lists) {
    all.set(list, length)
    length += list.length
  }
  all.sort()
  let kept = 0
  for (let i = 0; i < all.length; i++) if (kept === 0 || all[i] !== all[kept - 1]) all[kept++] = all[i] as number
  return all.subarray(0, kept)
}

function visible({ hidden }: Part, docs: Uint32Array): Uint32Array {
  if (hidden.size === 0) return docs
  const kept = new Uint32Array(docs.length)
  let count = 0
  for (let i = 0; i < docs.length; i++) if (!hidden.has(docs[i] as number)) kept[count++] = docs[i] as number
  return kept.subarray(0, count)
}

/** What a document holds of a question, as `lease (key, text)` and `reconect → reconnect (text)`. */
export interface Found {
  /** Number of words; parts of identifiers, and neighbours that are one word, do not count again. */
  words: number
  reasons: string[]
}

/** Which words of a question a document holds, and where. */
export function wordsFound(concepts: readonly Concept[], { index }: Part, doc: number): Found {
  const found: Found = { words: 0, reasons: [] }
  for (const { readings, word, note, share } of concepts) {
    const fields = new Set<string>()
    for (const { term } of readings) {
      const postings = index.postings(term)
      const at = postings === null ? -1 : placeOf(postings.docs, doc)
      if (at < 0) continue
      const times = unpackOccurrences(postings?.occurrences[at] as number)
      for (const field of ['key', 'tags', 'text'] as const) if (times[field] > 0) fields.add(field)
    }
    if (fields.size === 0) continue
    if (share === 1) found.words++
    found.reasons.push(`${note ?? word} (${[...fields].join(', ')})`)
  }
  return found
}

/** How much of the question a concept is: its share by the rarity of its most common reading. */
function massOf(view: View, { readings, share }: Concept): number {
  return share * rarity(Math.max(...readings.map(({ term }) => frequencyOf(view, term))), view.count)
}
