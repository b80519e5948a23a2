// What a question asks for: its words, and the terms of the index that may stand for each.

import { corrections } from './fuzzy'
import { compare } from './segment'
import { terms, words } from './tokens'
import { frequencyOf, type View } from './view'

/** A term that may stand for a word, with what it counts for. */
export interface Reading {
  term: string
  weight: number
}

/** One thing that is asked for. Its readings are tried in order; the first that a document holds covers it. */
export interface Concept {
  /** As it was typed. */
  word: string
  /** What it takes part with in the question of how much of the question a document covers. */
  share: number
  readings: Reading[]
  /** How it was read, when that is not plain: `reconect → reconnect`. */
  note?: string
}

/** More different words than this, as of a pasted log, add nothing. */
const MAX_WORDS = 256
/** What a part of an identifier counts for when the identifier as a whole is known. */
const PART = 0.5
/** What a corrected word counts for at distance 1 and 2. */
const CORRECTED = [1, 0.7, 0.5]
/** Entries that hold a word for it to be what a word of a single entry was meant to be. */
const COMMON = 20
/** What the beginning of a longer word counts for (`Rechnung` for `Rechnungsnummer`). */
const BEGINNING = 0.5
const MIN_BEGINNING = 4
/** At most so many longer words. */
const MAX_LONGER = 8
/** Two neighbours that occur as one word (`lease ttl`, `LEASE_TTL`): a bonus beside the two. */
const JOINED = 0.5
/** Shortest piece when one word is read as two (`tokenrefresh`). */
const MIN_PIECE = 4

/** Reads a question against the vocabulary of a view. */
export function conceptsOf(view: View, text: string): Concept[] {
  const asked = [...new Set(words(text))].filter((word) => terms(word).length > 0).slice(0, MAX_WORDS)
  const concepts = asked.flatMap((word) => readWord(view, word))
  for (const [i, word] of asked.entries()) {
    const joined = terms(word + (asked[i + 1] ?? ''))[0]
    if (i + 1 < asked.length && joined !== undefined && frequencyOf(view, joined) > 0) {
      concepts.push({ word: `${word} ${asked[i + 1]}`, share: 0, readings: [{ term: joined, weight: JOINED }] })
    }
  }
  return merged(concepts)
}

function readWord(view: View, word: string): Concept[] {
  const [whole, ...parts] = terms(word)
  if (whole === undefined) return []
  if (parts.length === 0) return readTerm(view, word, whole)
  if (frequencyOf(view, whole) === 0) return parts.flatMap((part) => readTerm(view, part, part))
  const rest = parts.map((part) => ({ word: part, share: PART, readings: [{ term: part, weight: PART }] }))
  return [{ word, share: 1, readings: [{ term: whole, weight: 1 }] }, ...rest]
}

function readTerm(view: View, word: string, term: string): Concept[] {
  const plain = { word, share: 1, readings: [{ term, weight: 1 }] }
  const frequency = frequencyOf(view, term)
  if (/\d/.test(term) || frequency > 1) return [plain]
  if (frequency === 0) return correct(view, word, term, 1) ?? split(view, word) ?? begin(view, word, term) ?? [plain]
  // One entry may have the typo too; then a far more common word is meant beside it.
  const [meant] = correct(view, word, term, COMMON) ?? []
  return [meant === undefined ? plain : { ...plain, readings: [...plain.readings, ...meant.readings] }]
}

/** The nearest terms of so many entries, looked for among those with the same first letter: typos rarely begin a word. */
function correct(view: View, word: string, term: string, atLeast: number): Concept[] | null {
  const known = view.parts.flatMap(({ index }) => index.termsFrom(term.slice(0, 1)))
  const frequency = (name: string) => {
    const count = frequencyOf(view, name)
    return count < atLeast ? 0 : count
  }
  const found = corrections(term, word.toLowerCase(), known, frequency)
  if (found.length === 0) return null
  const readings = found.map((one) => ({ term: one.term, weight: CORRECTED[one.distance] ?? 0 }))
  return [{ word, share: 1, readings, note: `${word} → ${found.map((one) => one.term).join(', ')}` }]
}

/** A compound that nobody wrote as one word: the split whose rarer half is the most common. */
function split(view: View, word: string): Concept[] | null {
  const lower = word.toLowerCase()
  let best: { pieces: string[]; frequency: number } | null = null
  for (let i = MIN_PIECE; i <= lower.length - MIN_PIECE; i++) {
    const pieces = [lower.slice(0, i), lower.slice(i)]
    const frequency = Math.min(...pieces.map((piece) => frequencyOf(view, terms(piece)[0] ?? '')))
    if (frequency > (best?.frequency ?? 0)) best = { pieces, frequency }
  }
  const note = `${word} → ${best?.pieces.join(' ')}`
  return (
    best?.pieces.map((piece) => ({
      word: piece,
      share: 0.5,
      readings: [{ term: terms(piece)[0] ?? piece, weight: 1 }],
      note,
    })) ?? null
  )
}

/** Longer words that begin with this one. */
function begin(view: View, word: string, term: string): Concept[] | null {
  if (term.length < MIN_BEGINNING) return null
  const longer = new Set(view.parts.flatMap(({ index }) => index.termsFrom(term)))
  const found = [...longer].filter((one) => frequencyOf(view, one) > 0).sort(compare)
  if (found.length === 0) return null
  const readings = found.slice(0, MAX_LONGER).map((one) => ({ term: one, weight: BEGINNING }))
  return [{ word, share: 1, readings, note: `${word} → ${readings.map((one) => one.term).join(', ')}` }]
}

/** Two words with the same stem are one concept. */
function merged(concepts: Concept[]): Concept[] {
  const seen = new Set<string>()
  return concepts.filter(({ readings }) => {
    const id = readings.map(({ term }) => term).join(' ')
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}
