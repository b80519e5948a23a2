// What memory answers to a question: the best hits, within a budget of tokens.

import type { Entry } from './entry'
import type { Scope, State } from './schema'
import { type Hit, query } from './search'
import type { Index } from './segment'

export interface RecallRequest {
  /** Words to look for. Without any: what matters now, by files, pin, state, age and use. */
  query?: string
  /** Files of the change at hand, relative to the repository. */
  paths?: readonly string[]
  now: Date
  /** Most hits; 10 when absent, 50 with a budget. */
  limit?: number
  /** Most tokens of all hits together, each with its key and `overhead`. */
  budget?: number
  /** Tokens that the caller prints around each hit (author, state, age …); 0 when absent. */
  overhead?: number
  scopes?: readonly Scope[]
  states?: readonly State[]
  includeProposed?: boolean
  /** Only entries of authors for whom this holds. */
  authors?: (by: string) => boolean
}

/** A hit as it is to be printed. */
export interface Recalled extends Hit {
  /** The entry's text, or its beginning up to a sentence and an ellipsis. */
  text: string
  cut: boolean
}

export interface Recall {
  /** Best first; pinned ones first when there was no query. */
  hits: Recalled[]
  /** True when there was a query and nothing answers it: weak hits are still given. */
  gap: boolean
  /** Of all hits, with keys and overhead; never more than the budget. */
  tokens: number
}

/**
 * What a hit must hold of the question to count as an answer: this share by rarity, or so many of its words. Of the
 * 100 questions in tests/recall-set that have an answer all pass, of the 20 that have none 2 (tests/memory/recall).
 */
const ANSWER_COVERAGE = 0.35
const ANSWER_WORDS = 3
/** Hits that may be the answer: one further down that holds more words is about something else. */
const ANSWER_PLACES = 3
const BYTES_PER_TOKEN = 3.6
const TOKENS_PER_WORD = 1.3
/** Below this an entry is left out rather than cut: a few words help nobody. */
const SHORTEST_CUT = 12

/** Finds what to answer. Index, tail and hidden keys as of `query`. */
export function recall(
  index: Index | null,
  tail: readonly Entry[],
  hidden: ReadonlySet<string>,
  request: RecallRequest,
): Recall {
  const { query: text, limit, budget, overhead = 0, ...rest } = request
  const most = limit ?? (budget === undefined ? 10 : 50)
  const hits: Hit[] = []
  for (const hit of query(index, tail, hidden, { ...rest, ...(text === undefined ? {} : { text }) })) {
    if (hits.length >= most) break
    hits.push(hit)
  }
  const answers = hits
    .slice(0, ANSWER_PLACES)
    .some((hit) => hit.coverage >= ANSWER_COVERAGE || hit.words >= ANSWER_WORDS)
  const fitted = fitInto(hits, budget ?? Number.POSITIVE_INFINITY, overhead)
  return { ...fitted, gap: (text ?? '').trim() !== '' && !answers }
}

/**
 * Tokens of a text, estimated without a tokenizer: 3.6 bytes or 0.77 words to a token, whichever gives more. Prose comes
 * out about right, code and other alphabets rather too high, so that a budget is kept.
 */
export function countTokens(text: string): number {
  const words = text.split(/\s+/).filter((word) => word !== '').length
  return Math.ceil(Math.max(Buffer.byteLength(text) / BYTES_PER_TOKEN, words * TOKENS_PER_WORD))
}

/**
 * Fits hits into a budget: pinned ones get their place first, then by rank. Whole, while they fit; the first that does
 * not is cut after a sentence; further ones only whole. The order stays.
 */
function fitInto(hits: readonly Hit[], budget: number, overhead: number): Pick<Recall, 'hits' | 'tokens'> {
  const fitted = new Map<Hit, Recalled>()
  let tokens = 0
  let mayCut = true
  for (const hit of [...hits.filter(({ entry }) => entry.pin), ...hits.filter(({ entry }) => !entry.pin)]) {
    const around = countTokens(hit.entry.key) + overhead
    const left = budget - tokens - around
    const whole = countTokens(hit.entry.text) <= left
    const text = whole ? hit.entry.text : mayCut ? beginning(hit.entry.text, left) : null
    if (text === null) continue
    if (!whole) mayCut = false
    tokens += around + countTokens(text)
    fitted.set(hit, { ...hit, text, cut: !whole })
  }
  return { hits: hits.flatMap((hit) => fitted.get(hit) ?? []), tokens }
}

/** The longest beginning of a text that ends with a sentence and fits, with an ellipsis; null when none is worth it. */
function beginning(text: string, budget: number): string | null {
  if (budget < SHORTEST_CUT) return null
  // A token is at most 3.6 bytes by `countTokens`, so nothing beyond this can fit.
  const most = text.slice(0, Math.floor(budget * BYTES_PER_TOKEN))
  for (const end of [...most.matchAll(/[.!?:](?=\s)|[。！？]|(?=\n)/g)].reverse()) {
    const cut = `${most.slice(0, end.index + end[0].length)} …`
    // Not inside a block of code, whose end would be missing.
    if (cut.split('```').length % 2 === 0) continue
    const tokens = countTokens(cut)
    if (tokens <= budget) return tokens < SHORTEST_CUT ? null : cut
  }
  return null
}
