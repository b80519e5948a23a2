// The search index as one file: how it is written, and how a part of it is read.

import type { Slices } from '../env/env'
import { damaged, readBulk, readJson, readPlace, readWords, type Span, Writer } from './blocks'
import { collect, type Postings } from './collect'
import { type DictionaryPlace, openDictionary, writeDictionary } from './dictionary'
import type { Entry } from './entry'
import { type Columns, LENGTHS, lengthByte, packSignals } from './signals'

/** Goes up with every change of the layout, of the terms or of the signals; an index of another version is rebuilt. */
const VERSION = 1
/** `dsdx` in ASCII. */
const MAGIC = 0x78647364
/** The end of the file: version, magic, offset (in words) and length of the header, and their checksum. */
const TRAILER = 20

/** How many entries there are, for a status line that reads nothing else. */
export interface Counts {
  entries: number
  proposed: number
  /** Entries with more than one live version. */
  conflicts: number
}

/** The different values of one field, and for each document the number of its own. */
export interface Distinct<T> {
  values: T[]
  numbers: Uint32Array
}

/** An opened index. A part is read when it is first needed; a read throws CORRUPT when its bytes are damaged. */
export interface Index {
  /** The string that `build` was given: which tips it covers. */
  readonly identity: string
  readonly counts: Counts
  /** Sum of the lengths of all documents. */
  readonly totalLength: number
  /** Number of documents that hold a term. */
  frequency(term: string): number
  postings(term: string): Postings | null
  /** Terms that begin so, in order. */
  termsFrom(prefix: string): string[]
  signals(): Columns
  /** Lists of globs. */
  paths(): Distinct<string[]>
  authors(): Distinct<string>
  /** Documents with exactly this key. */
  find(key: string): number[]
  entry(doc: number): Entry
}

interface Header {
  identity: string
  counts: Counts
  totalLength: number
  terms: DictionaryPlace
  /** By rank of the term. */
  postings: number
  keys: DictionaryPlace
  /** By document, which is the rank of its key. */
  entries: number
  /** One column for each signal; null when it is 0 for all documents, as expiry and decay usually are. */
  signals: Four<Span | null>
  paths: DistinctSpans
  authors: DistinctSpans
}

type Four<T> = readonly [T, T, T, T]

interface DistinctSpans {
  values: Span
  numbers: Span
}

/** Makes the whole index file, a function of the set of entries and of `identity`. */
export function build(entries: readonly Entry[], identity: string): Buffer {
  const sorted = inKeyOrder(entries)
  const { terms, postings, lengths } = collect(sorted)
  const { counts, totalLength, signals } = summary(sorted, lengths)
  const names = [...terms.keys()].sort(compare)
  // Text, the fields around it, and its terms.
  const out = new Writer(sorted.reduce((sum, { text }) => sum + text.length * 2 + 500, 0))
  const places = sorted.map((entry, doc) => out.json([doc, entry]))
  const spans = names.map((name) => {
    const { docs, occurrences } = postings(terms.get(name) as number)
    return out.bulk(docs, occurrences)
  })
  const [keys, paths, authors] = [sorted.map(({ key }) => key), pathsOf(sorted), authorsOf(sorted)]
  const header = out.json({
    identity,
    counts,
    totalLength,
    terms: writeDictionary(out, names),
    postings: out.places(spans),
    keys: writeDictionary(out, keys),
    entries: out.places(places),
    signals: each(signals, (column) => (column.some((word) => word !== 0) ? out.bulk(column) : null)),
    paths: { values: out.json(paths.values), numbers: out.bulk(paths.numbers) },
    authors: { values: out.json(authors.values), numbers: out.bulk(authors.numbers) },
  } satisfies Header)
  out.words(Uint32Array.of(VERSION, MAGIC, header[0] / 4, header[1]))
  return out.done()
}

/**
 * The same index without a file, for the few entries that are newer than it: most of what `build` does would be thrown
 * away after one question.
 */
export function indexInMemory(entries: readonly Entry[]): Index {
  const sorted = inKeyOrder(entries)
  const { terms, postings, lengths } = collect(sorted)
  const { counts, totalLength, signals } = summary(sorted, lengths)
  const names = once(() => [...terms.keys()].sort(compare))
  const found = (term: string): Postings | null => {
    const number = terms.get(term)
    return number === undefined ? null : postings(number)
  }
  return {
    identity: '',
    counts,
    totalLength,
    frequency: (term) => found(term)?.docs.length ?? 0,
    postings: found,
    termsFrom: (prefix) => names().filter((name) => name.startsWith(prefix)),
    signals: () => signals,
    paths: once(() => pathsOf(sorted)),
    authors: once(() => authorsOf(sorted)),
    find: (key) => [...sorted.keys()].filter((doc) => sorted[doc]?.key === key),
    entry: (doc) => sorted[doc] as Entry,
  }
}

/** Opens an index; reads its header only. Throws CORRUPT when it is damaged, foreign or of another version. */
export function open(file: Slices): Index {
  const [version, magic, at = 0, length = 0] = readWords(file, [file.size - TRAILER, TRAILER])
  if (magic !== MAGIC || version !== VERSION) throw damaged('it was written by another version')
  const header = readJson(file, [at * 4, length]) as Header
  const count = header.counts.entries
  const terms = once(() => openDictionary(file, header.terms))
  const keys = once(() => openDictionary(file, header.keys))
  const place = remember((term: string) => {
    const rank = terms().find(term)[0]
    return rank === undefined ? null : readPlace(file, header.postings, rank)
  })
  const read = <T>({ values, numbers }: DistinctSpans): Distinct<T> => ({
    values: readJson(file, values) as T[],
    numbers: readBulk(file, numbers),
  })
  return {
    identity: header.identity,
    counts: header.counts,
    totalLength: header.totalLength,
    frequency: (term) => frequencyOf(place(term)),
    postings: remember((term) => readPostings(file, place(term), count)),
    termsFrom: (prefix) => terms().startingWith(prefix),
    signals: once(() =>
      each(header.signals, (span) => (span === null ? new Uint32Array(count) : readBulk(file, span))),
    ),
    paths: once(() => read<string[]>(header.paths)),
    authors: once(() => read<string>(header.authors)),
    find: (key) => keys().find(key),
    entry: (doc) => readEntry(file, header.entries, doc),
  }
}

/** Orders strings by UTF-16 code unit, everywhere alike. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function each<A, B>([a, b, c, d]: Four<A>, change: (one: A) => B): Four<B> {
  return [change(a), change(b), change(c), change(d)]
}

/** The order of documents, on which ties, the table of keys and the bytes of the file rest. */
function inKeyOrder(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => compare(a.key, b.key) || compare(a.oid, b.oid))
}

function summary(
  sorted: readonly Entry[],
  lengths: readonly number[],
): Pick<Index, 'counts' | 'totalLength'> & { signals: Columns } {
  const column = () => new Uint32Array(sorted.length)
  const signals: Columns = [column(), column(), column(), column()]
  let totalLength = 0
  for (const [doc, entry] of sorted.entries()) {
    const length = lengthByte(lengths[doc] as number)
    packSignals(entry, length, signals, doc)
    totalLength += LENGTHS[length] as number
  }
  const counts = {
    entries: sorted.length,
    proposed: sorted.filter(({ proposed }) => proposed).length,
    conflicts: sorted.filter(({ versions }) => versions > 1).length,
  }
  return { counts, totalLength, signals }
}

function pathsOf(sorted: readonly Entry[]): Distinct<string[]> {
  const { values, numbers } = distinct(sorted.map(({ paths }) => JSON.stringify(paths)))
  return { values: values.map((value) => JSON.parse(value) as string[]), numbers }
}

function authorsOf(sorted: readonly Entry[]): Distinct<string> {
  return distinct(sorted.map(({ by }) => by))
}

function distinct(all: readonly string[]): Distinct<string> {
  const values = [...new Set(all)]
  const numbers = new Map(values.map((value, number) => [value, number]))
  return { values, numbers: Uint32Array.from(all, (value) => numbers.get(value) as number) }
}

/** A posting takes five bytes, the seal four, and what fills the last word less than a posting. */
function frequencyOf(span: Span | null): number {
  return span === null ? 0 : Math.floor((span[1] - 4) / 5)
}

function readPostings(file: Slices, span: Span | null, count: number): Postings | null {
  if (span === null) return null
  const frequency = frequencyOf(span)
  const words = readBulk(file, span)
  const docs = words.subarray(0, frequency)
  if (frequency < 1 || (docs[frequency - 1] as number) >= count)
    throw damaged('a term names an entry that is not there')
  return { docs, occurrences: new Uint8Array(words.buffer, words.byteOffset + frequency * 4, frequency) }
}

function readEntry(file: Slices, places: number, doc: number): Entry {
  const read = readJson(file, readPlace(file, places, doc))
  if (!Array.isArray(read) || read[0] !== doc) throw damaged('something else is in the place of an entry')
  return read[1] as Entry
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function remember<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>()
  return (name) => {
    const known = made.get(name)
    if (known !== undefined) return known
    const value = make(name)
    made.set(name, value)
    return value
  }
}
