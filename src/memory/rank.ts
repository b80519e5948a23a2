// What a word and a file are worth: BM25 over weighted fields, and the factors that a question brings along.

import type { Entry } from './entry'

/**
 * BM25 over weighted fields (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, section 3.6):
 * occurrences in the fields are weighted and added before they saturate, so that a word in key and text counts once.
 */
const K1 = 1.2
const B = 0.5
const TEXT_WEIGHT = 1
const KEY_WEIGHT = 2
const TAG_WEIGHT = 1

export type Field = 'text' | 'key' | 'tags'

/**
 * One more occurrence of a term in a field. How often a term occurs in a document is kept in one byte: 4 bits for the
 * text, 2 for the key, 2 for the tags; what is more than that counts no further.
 */
export function addOccurrence(byte: number, field: Field): number {
  if (field === 'text') return (byte & 15) < 15 ? byte + 1 : byte
  if (field === 'key') return (byte & 0x30) < 0x30 ? byte + 0x10 : byte
  return (byte & 0xc0) < 0xc0 ? byte + 0x40 : byte
}

export function unpackOccurrences(byte: number): Record<Field, number> {
  return { text: byte & 15, key: (byte >> 4) & 3, tags: byte >> 6 }
}

/** What a term tells at least: one that every document holds still finds them. */
const MIN_RARITY = 0.01

/** How much a term tells when `frequency` of `count` documents hold it (BM25's inverse document frequency). */
export function rarity(frequency: number, count: number): number {
  return Math.max(MIN_RARITY, Math.log(1 + (count - frequency + 0.5) / (frequency + 0.5)))
}

/** Scores are whole numbers, so many to one point: tens of thousands of them are added without a single allocation. */
export const POINT = 1 << 16

/** What one term is worth in one document, by how often it occurs there and how long the document is. */
export function gain(rarity: number, occurrences: number, length: number, averageLength: number): number {
  const { text, key, tags } = unpackOccurrences(occurrences)
  const times = text * TEXT_WEIGHT + key * KEY_WEIGHT + tags * TAG_WEIGHT
  return (rarity * times * (K1 + 1)) / (times + K1 * (1 - B + (B * length) / averageLength))
}

/** What the most specific glob adds when it covers a file of the change. */
const PATH_GAIN = 1
/** What is left when an entry is about other files than those of the change. */
const ELSEWHERE = 0.9

/** The factor for the files of a change: `specific` as of glob.ts; absent when the entry's globs cover none of them. */
export function nearness(specific: number | undefined): number {
  return specific === undefined ? ELSEWHERE : 1 + PATH_GAIN * specific
}

/** What is left for a guess beside a newer confirmed entry on the same topic, and how good that one must be. */
const OUTDATED = 0.75
const RIVAL = 0.5

/**
 * Ranks guesses down that a newer CONFIRMED hit on the same topic (folder of the key, and a tag) probably corrects:
 * people add what they found out, and forget what they once guessed. Gives the hits in their new order.
 */
export function demoteOutdated<H extends Ranked>(hits: readonly H[]): H[] {
  const sure = hits.filter(({ entry }) => entry.state === 'CONFIRMED')
  return hits
    .map((hit) => {
      const rival =
        hit.entry.state !== 'CONFIRMED' &&
        sure.find(
          (one) => one.score >= hit.score * RIVAL && sameTopic(one.entry, hit.entry) && one.entry.at > hit.entry.at,
        )
      if (!rival) return hit
      return { ...hit, score: hit.score * OUTDATED, reasons: [...hit.reasons, `older than ${rival.entry.key}`] }
    })
    .sort((a, b) => b.score - a.score)
}

interface Ranked {
  entry: Entry
  score: number
  reasons: string[]
}

function sameTopic(a: Entry, b: Entry): boolean {
  const topic = ({ key }: Entry) => key.slice(0, key.lastIndexOf('/'))
  return topic(a) === topic(b) && a.tags.some((tag) => b.tags.includes(tag))
}
