// The documents of the benchmarks: a made-up memory of any size, the same in every run.

import { encodeDocument } from '../../src/store/document'

/** One document of the corpus, and the commit that wrote it. */
export interface Sample {
  key: string
  text: string
  /** The document as the store would have written it. */
  bytes: Buffer
  subject: string
  /** `<writer>:<tick>` */
  dot: string
  by: string
  seconds: number
}

/** Words that stand in known documents and nowhere else. */
export const QUESTIONS = {
  /** Each of the three in one of 769 documents: 390 hits in 100,000. */
  selective: ['zirconium', 'marzipan', 'ptarmigan'],
  /** Each of the three in 15 of 100 documents, independently: 38.6 % of all. */
  common: ['harbour', 'lantern', 'orchard'],
} as const

/** Different words, as in the measurements behind the targets. */
const VOCABULARY = 18_600
const WORDS_PER_TEXT = 45
const WRITERS = 20
const STATES = ['CONFIRMED', 'CONFIRMED', 'INFERRED', 'INFERRED', 'UNCERTAIN'] as const
const START = Date.UTC(2025, 0, 1) / 1000
const SYLLABLES = 'ba co du fe gi ha jo ku la me ni po ra se ti vo wa zu bra cle dri flo gru pla sto tre'.split(' ')

/** mulberry32: the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A number as syllables; different numbers give different words. */
function word(number: number): string {
  let text = ''
  for (let rest = number + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    text += SYLLABLES[rest % SYLLABLES.length]
  }
  return `${text}n`
}

/** How many topics, categories and entries per topic: no folder holds more than about 50, whatever the size. */
export function widthOf(size: number): number {
  return Math.max(2, Math.ceil(Math.cbrt(size)))
}

/** Document number `i` of a corpus of `size`. */
export function sample(i: number, size: number): Sample {
  const width = widthOf(size)
  const random = numbers(i + 1)
  // Few words are frequent and many are rare, as in any text.
  const pick = () => word(Math.floor(VOCABULARY * random() ** 2.5))
  const category = word(20_000 + (i % width))
  const topic = word(30_000 + (Math.floor(i / width) % width))
  const key = `${category}/${topic}/${pick()}-${pick()}-${Math.floor(i / width ** 2)}`
  const words = Array.from({ length: WORDS_PER_TEXT }, pick)
  for (const [k, planted] of QUESTIONS.selective.entries()) if (i % 769 === 100 * k + 7) words[3 + k] = planted
  for (const [k, planted] of QUESTIONS.common.entries()) if (random() < 0.15) words[9 + k] = planted
  const writer = i % WRITERS
  const tick = Math.floor(i / WRITERS) + 1
  const id = `bench${String(writer).padStart(5, '0')}`
  const seconds = START + 300 * i
  const by = `Writer ${writer} <writer${writer}@example.com>`
  const state = STATES[i % STATES.length] ?? 'CONFIRMED'
  const head = {
    type: 'memory',
    key,
    state,
    confidence: 0.5 + (i % 6) / 10,
    source: { kind: 'person' },
    scope: 'repository',
    paths: i % 3 === 0 ? [`src/${category}/**`] : [],
    tags: [word(40_000 + (i % 40))],
    by,
    at: new Date(seconds * 1000).toISOString().replace('.000', ''),
    dot: `${id}:${tick}`,
    clock: { [id]: tick },
  }
  const text = `${words.slice(0, 12).join(' ')}.\n\n${words.slice(12).join(' ')}.`
  return {
    key,
    text,
    bytes: encodeDocument({ head, body: text }),
    subject: `memory: ${state} ${key} (writer${writer})`,
    dot: head.dot,
    by,
    seconds,
  }
}
