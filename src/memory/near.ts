// Entries that say nearly the same: so that a second one is not added where the first should be corrected.

import type { Concept } from './concepts'
import type { Entry } from './entry'
import { match } from './match'
import { inOrder } from './order'
import { compare, type Index } from './segment'
import { terms, words } from './tokens'
import { frequencyOf, type View, viewOf } from './view'

export interface NearDuplicate {
  key: string
  text: string
  /** 0 to 1 (`similarity`). */
  similarity: number
}

/**
 * From here on two texts say nearly the same. In tests/memory/near.test.ts restatements reach 0.62 to 0.95, other facts
 * about the same thing 0.00 to 0.44; of all pairs in tests/recall-set two lie above, and both say one thing twice.
 */
export const NEAR = 0.55
/** Candidates are those that share most of the rarest terms: so many terms, so many candidates. */
const PROBES = 24
const CANDIDATES = 20
/** One text inside another says little when it has fewer terms than this. */
const FEW = 5

/** Entries that say nearly what `text` says, the most alike first. `key`: the entry that is being written, left out. */
export function nearDuplicates(
  index: Index | null,
  tail: readonly Entry[],
  hidden: ReadonlySet<string>,
  text: string,
  key?: string,
): NearDuplicate[] {
  const view = viewOf(index, tail, hidden)
  const asked = termsOf(text)
  const found: NearDuplicate[] = []
  let compared = 0
  for (const { matches, at } of inOrder(match(view, probes(view, asked)))) {
    if (compared++ === CANDIDATES) break
    const entry = matches.part.index.entry(matches.docs[at] as number)
    const alike = similarity(asked, termsOf(entry.text))
    if (entry.key !== key && alike >= NEAR) found.push({ key: entry.key, text: entry.text, similarity: alike })
  }
  return found.sort((a, b) => b.similarity - a.similarity)
}

/**
 * How much two sets of terms say the same: the mean of their cosine and of the share of the smaller one that the larger
 * one holds. The second finds a long text said again in short; the first keeps a few words from being a duplicate.
 */
export function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let both = 0
  for (const term of a) if (b.has(term)) both++
  const smaller = Math.min(a.size, b.size)
  if (both === 0) return 0
  return both / Math.sqrt(a.size * b.size) / 2 + ((both / smaller) * (Math.min(smaller, FEW) / FEW)) / 2
}

export function termsOf(text: string): Set<string> {
  return new Set(words(text).flatMap(terms))
}

/** The rarest terms that anybody else uses, as a question. */
function probes(view: View, asked: ReadonlySet<string>): Concept[] {
  return [...asked]
    .map((term) => ({ term, frequency: frequencyOf(view, term) }))
    .filter(({ frequency }) => frequency > 0)
    .sort((a, b) => a.frequency - b.frequency || compare(a.term, b.term))
    .slice(0, PROBES)
    .map(({ term }) => ({ word: term, share: 1, readings: [{ term, weight: 1 }] }))
}
