// Questions to the index and to what is not in it yet: which entries, in which order, and why.

import { covers, specificity } from '../store/glob'
import { conceptsOf } from './concepts'
import type { Entry } from './entry'
import { everything, type Matches, match, wordsFound } from './match'
import { inOrder, type Place } from './order'
import { demoteOutdated, nearness, POINT } from './rank'
import type { Scope, State } from './schema'
import type { Index } from './segment'
import { type Standing, standing, weigh } from './signals'
import { type Part, viewOf } from './view'

export type { Entry } from './entry'
export { build, type Index, open } from './segment'

export interface Question {
  /** Words to look for. Absent or blank: every entry is a hit, and only the other signals rank. */
  text?: string
  /** Files of the change at hand, relative to the repository. */
  paths?: readonly string[]
  now: Date
  /** Only entries that were written with one of these states. */
  states?: readonly State[]
  scopes?: readonly Scope[]
  /** Absent: proposed entries are left out. */
  includeProposed?: boolean
  /** Only entries of authors for whom this holds; asked once for each author. */
  authors?: (by: string) => boolean
}

export interface Hit {
  entry: Entry
  score: number
  /** 0 to 1: the share of the question, weighted by rarity, that the entry holds; 1 for a question without words. */
  coverage: number
  /** Number of words of the question that the entry holds. */
  words: number
  /** What made the score, for people: words and where they stand, corrected typos, files, state, age, use. */
  reasons: string[]
}

/**
 * The hits, best first, each read when it is asked for. `tail` holds entries that are newer than the index, or not of
 * it; `hidden` the keys that are gone from it since (those of the tail are hidden by themselves). Of equal scores the newer comes first, then the smaller key. Throws CORRUPT when
 * the index turns out to be damaged.
 */
export function* query(
  index: Index | null,
  tail: readonly Entry[],
  hidden: ReadonlySet<string>,
  question: Question,
): Generator<Hit> {
  const view = viewOf(index, tail, hidden)
  const text = question.text?.trim() ?? ''
  const files = question.paths ?? []
  const concepts = conceptsOf(view, text)
  const matches = text === '' ? everything(view) : match(view, concepts)
  for (const one of matches) weighAll(one, question, text !== '')
  const hit = ({ matches: { part, docs, scores, coverage }, at }: Place): Hit => {
    const doc = docs[at] as number
    const entry = part.index.entry(doc)
    const found = wordsFound(concepts, part, doc)
    const reasons = [
      ...found.reasons,
      ...filesFound(entry.paths, files),
      ...standingFound(standing(part.index.signals(), doc, question.now), entry),
    ]
    const [score, covered] = [(scores[at] as number) / POINT, (coverage[at] as number) / POINT]
    return { entry, score, coverage: covered, words: found.words, reasons }
  }
  const ranked = inOrder(matches)
  if (text !== '') yield* demoteOutdated(take(ranked, SIDE_BY_SIDE).map(hit))
  for (const place of ranked) yield hit(place)
}

/** So many of the first hits are compared with each other. */
const SIDE_BY_SIDE = 10

function take<T>(from: Iterator<T>, count: number): T[] {
  const taken: T[] = []
  while (taken.length < count) {
    const next = from.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

/** Puts everything but the words on the scores; what was not asked for gets 0. */
function weighAll(matches: Matches, question: Question, asked: boolean): void {
  const { part, docs, scores } = matches
  const states = question.states && new Set(question.states)
  const scopes = question.scopes && new Set(question.scopes)
  weigh(matches, part.index.signals(), question.now, asked, (one) => {
    if (one.proposed && question.includeProposed !== true) return false
    return states?.has(one.written) !== false && scopes?.has(one.scope) !== false
  })
  for (const { numbers, factors } of asides(part, question)) {
    for (let i = 0; i < docs.length; i++) {
      scores[i] = (scores[i] as number) * (factors[numbers[docs[i] as number] as number] ?? 0)
    }
  }
}

/** Factors for changed files and for authors, worked out once for each list of globs and each author. */
function asides({ index }: Part, { paths = [], authors }: Question): { numbers: Uint32Array; factors: Float64Array }[] {
  const found: { numbers: Uint32Array; factors: Float64Array }[] = []
  if (paths.length > 0) {
    const { values, numbers } = index.paths()
    const factors = Float64Array.from(values, (globs) =>
      globs.length === 0 ? 1 : nearness(best(globs, paths)?.specific),
    )
    found.push({ numbers, factors })
  }
  if (authors !== undefined) {
    const { values, numbers } = index.authors()
    found.push({ numbers, factors: Float64Array.from(values, (author) => (authors(author) ? 1 : 0)) })
  }
  return found
}

/** The glob that says most about one of the files, undefined when none covers any. */
function best(globs: readonly string[], files: readonly string[]): Covering | undefined {
  let found: Covering | undefined
  for (const glob of globs) {
    for (const file of files) {
      if (!covers(glob, file)) continue
      const specific = specificity(glob, file)
      if (found === undefined || specific > found.specific) found = { glob, file, specific }
    }
  }
  return found
}

interface Covering {
  glob: string
  file: string
  specific: number
}

function filesFound(globs: readonly string[], files: readonly string[]): string[] {
  const found = best(globs, files)
  return found === undefined ? [] : [`${found.file} in ${found.glob}`]
}

function standingFound(one: Standing, entry: Entry): string[] {
  const days = Math.floor(one.ageDays)
  return [
    ...(one.pin ? ['pinned'] : []),
    one.expired ? `expired ${entry.expires}, ranks as ${one.state}` : one.state,
    ...(one.confidence < 1 ? [`confidence ${one.confidence.toFixed(2)}`] : []),
    ...(one.helped > 0 ? [`helped ${one.helped} times`] : []),
    days === 1 ? '1 day old' : `${days} days old`,
  ]
}
