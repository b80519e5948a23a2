// Which term occurs in which document: the inverted index in memory, before it is written.

import { addOccurrence, type Field } from './rank'
import { scanWords, terms, words } from './tokens'

/** The searched fields of a document. */
export interface Fields {
  text: string
  key: string
  tags: readonly string[]
}

/** Where a term occurs: documents in ascending order, and how often in which field (rank.ts, `addOccurrence`). */
export interface Postings {
  docs: Uint32Array
  occurrences: Uint8Array
}

export interface Collected {
  /** Every term, each with its number. */
  terms: ReadonlyMap<string, number>
  /** The postings of the term with this number. */
  postings(number: number): Postings
  /** Words of each document's text that are no stop words. */
  lengths: number[]
}

/** From so many documents on, a scan of our own has become faster than patterns and maps, which need no warming up. */
const MANY = 1000

/** Inverts documents. Time and memory grow with the number of different terms per document, not with all words. */
export function collect(documents: readonly Fields[]): Collected {
  const vocabulary = new Vocabulary(documents.length > MANY)
  const log = new Log()
  const lengths = documents.map((document, doc) => {
    vocabulary.begin(doc)
    vocabulary.count(document.key, 'key')
    for (const tag of document.tags) vocabulary.count(tag, 'tags')
    const length = vocabulary.count(document.text, 'text')
    for (const term of vocabulary.met) log.add(term, doc, vocabulary.occurrences[term] as number)
    return length
  })
  return { terms: vocabulary.numbers, postings: log.byTerm(vocabulary.numbers.size), lengths }
}

/** Numbers the terms, and counts those of the document at hand. */
class Vocabulary {
  readonly numbers = new Map<string, number>()
  /** Terms of the document at hand, each once. */
  readonly met: number[] = []
  /** By term; means something for those of the document at hand. */
  readonly occurrences: number[] = []
  private readonly lastDoc: number[] = []
  private doc = 0
  private readonly known = new Map<string, Found>()
  private readonly table: WordTable | null

  constructor(many: boolean) {
    this.table = many ? new WordTable((word) => this.learn(word)) : null
  }

  begin(doc: number): void {
    this.doc = doc
    this.met.length = 0
  }

  /** Counts the terms of a text; gives the number of its words that are no stop words. */
  count(text: string, field: Field): number {
    let length = 0
    const add = (found: Found): void => {
      if (typeof found === 'number') this.add(found, field)
      else for (const term of found) this.add(term, field)
      if (typeof found === 'number' || found.length > 0) length++
    }
    const { table } = this
    const scanned = table !== null && scanWords(text, (start, end, hash) => add(table.find(text, start, end, hash)))
    if (!scanned) for (const word of words(text)) add(this.known.get(word) ?? this.keep(word))
    return length
  }

  private keep(word: string): Found {
    const found = this.learn(word)
    this.known.set(word, found)
    return found
  }

  private learn(word: string): Found {
    const [first, ...more] = terms(word).map((term) => this.number(term))
    return first === undefined ? [] : more.length === 0 ? first : [first, ...more]
  }

  private add(term: number, field: Field): void {
    if (this.lastDoc[term] !== this.doc) {
      this.lastDoc[term] = this.doc
      this.occurrences[term] = 0
      this.met.push(term)
    }
    this.occurrences[term] = addOccurrence(this.occurrences[term] as number, field)
  }

  private number(term: string): number {
    const known = this.numbers.get(term)
    if (known !== undefined) return known
    const number = this.lastDoc.push(-1) - 1
    this.numbers.set(term, number)
    this.occurrences.push(0)
    return number
  }
}

/** The terms of a word; most have one. */
type Found = number | readonly number[]

/** The terms of each word that was met, found by hash without cutting the word out of its text. */
class WordTable {
  private readonly words: string[] = []
  private readonly found: Found[] = []
  /** Open addressing, never more than half full: the hash of a word, and its number plus 1 or 0 for nothing. */
  private slots = new Int32Array(1 << 12)

  constructor(private readonly learn: (word: string) => Found) {}

  find(text: string, start: number, end: number, hash: number): Found {
    const { slots } = this
    for (let at = (hash * 2) & (slots.length - 1); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) {
      const word = (slots[at + 1] as number) - 1
      if (slots[at] === hash && same(this.words[word] as string, text, start, end)) return this.found[word] as Found
    }
    return this.add(text.slice(start, end), hash)
  }

  private add(word: string, hash: number): Found {
    const found = this.learn(word)
    this.found.push(found)
    this.place(hash, this.words.push(word))
    if (this.words.length * 4 > this.slots.length) this.grow()
    return found
  }

  private place(hash: number, value: number): void {
    let at = (hash * 2) & (this.slots.length - 1)
    while (this.slots[at + 1] !== 0) at = (at + 2) & (this.slots.length - 1)
    this.slots[at] = hash
    this.slots[at + 1] = value
  }

  private grow(): void {
    const before = this.slots
    this.slots = new Int32Array(before.length * 4)
    for (let at = 0; at < before.length; at += 2) {
      if (before[at + 1] !== 0) this.place(before[at] as number, before[at + 1] as number)
    }
  }
}

function same(word: string, text: string, start: number, end: number): boolean {
  if (word.length !== end - start) return false
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) !== text.charCodeAt(start + i)) return false
  return true
}

/** All (term, document, occurrences), in the order of documents, in three growing columns. */
class Log {
  private length = 0
  private terms = new Uint32Array(1 << 12)
  private docs = new Uint32Array(1 << 12)
  private occurrences = new Uint8Array(1 << 12)

  add(term: number, doc: number, occurrences: number): void {
    if (this.length === this.terms.length) this.grow()
    this.terms[this.length] = term
    this.docs[this.length] = doc
    this.occurrences[this.length++] = occurrences
  }

  /** Counting sort by term; it is stable, so the documents of a term stay in order. */
  byTerm(count: number): Collected['postings'] {
    const starts = new Uint32Array(count + 1)
    for (let i = 0; i < this.length; i++) increment(starts, (this.terms[i] as number) + 1)
    for (let term = 0; term < count; term++) starts[term + 1] = (starts[term + 1] as number) + (starts[term] as number)
    const next = starts.slice()
    const docs = new Uint32Array(this.length)
    const occurrences = new Uint8Array(this.length)
    for (let i = 0; i < this.length; i++) {
      const to = increment(next, this.terms[i] as number)
      docs[to] = this.docs[i] as number
      occurrences[to] = this.occurrences[i] as number
    }
    return (term) => {
      const [from, to] = [starts[term], starts[term + 1]]
      return { docs: docs.subarray(from, to), occurrences: occurrences.subarray(from, to) }
    }
  }

  private grow(): void {
    const larger = <A extends Uint32Array | Uint8Array>(from: A, to: A): A => {
      to.set(from)
      return to
    }
    this.terms = larger(this.terms, new Uint32Array(this.length * 2))
    this.docs = larger(this.docs, new Uint32Array(this.length * 2))
    this.occurrences = larger(this.occurrences, new Uint8Array(this.length * 2))
  }
}

/** Adds one to a counter; gives what it was. */
function increment(counters: Uint32Array, at: number): number {
  const before = counters[at] as number
  counters[at] = before + 1
  return before
}
