// From text to the terms of the search index: prose, Markdown, code identifiers, error codes, numbers, any alphabet.

import { stem } from './stem'

/** Longest term, in UTF-16 units; what is longer (a base64 blob) is cut, so that the dictionary stays small. */
const MAX_TERM = 64

const ASCII = /^[\0-\x7f]*$/
const ASCII_WORDS = /[A-Za-z0-9]+(?:(?:[.-]|_+)[A-Za-z0-9]+)*/g
const ASCII_PARTS = /[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+/g
const IN_WORD = Uint8Array.from({ length: 128 }, (_, code) => +/[a-z0-9]/i.test(String.fromCharCode(code)))
const [DASH, DOT, UNDERSCORE] = [0x2d, 0x2e, 0x5f]

/** Letters, marks and numbers of any alphabet, for the inside of a pattern's brackets. */
const LETTERS = String.raw`\p{L}\p{M}\p{N}`
/**
 * Patterns with `\p{…}` cost a millisecond each, as literals even when they are never used, because the engine checks
 * them when it reads the file. Most texts need none; made at the first letter beyond ASCII.
 */
const unicode = lazy(() => ({
  words: new RegExp(`[${LETTERS}]+(?:(?:[.-]|_+)[${LETTERS}]+)*`, 'gu'),
  parts: new RegExp(String.raw`\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|\p{N}+|[${LETTERS}]+`, 'gu'),
  marks: new RegExp(`${MARK}+`, 'gu'),
  /** Scripts that write no blanks: their words are found by overlapping pairs of characters. */
  unspaced: new RegExp(`[${UNSPACED.map((name) => `\\p{Script=${name}}`).join('')}]`, 'u'),
}))
const MARK = String.raw`\p{M}`
const UNSPACED = ['Han', 'Hiragana', 'Katakana', 'Thai']

/** Words that say nothing about the subject. Short on purpose: `not`, `no`, `without`, `before` do say something. */
const STOP = new Set(
  (
    'a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it ' +
    'its just me my of on or our s she should so some someone something t than that the their them then there ' +
    'these they this those to us was we were what when where which while who why will with would you your'
  ).split(' '),
)

/**
 * The words of a text as they were written. What hyphens, dots and underscores join is one word (`lease_ttl`,
 * `mod.rs`, `E0277`); slashes, colons and everything else end it, so a path gives one word for each of its names.
 */
export function words(text: string): string[] {
  return text.match(ASCII.test(text) ? ASCII_WORDS : unicode().words) ?? []
}

/**
 * Finds the words as `words` does, without making strings of them, and gives each a hash: for indexing megabytes, where
 * most words are known already. False, and nothing found, when the text is not all ASCII.
 */
export function scanWords(text: string, found: (start: number, end: number, hash: number) => void): boolean {
  if (!ASCII.test(text)) return false
  const length = text.length
  for (let at = 0; at < length; at++) {
    if (IN_WORD[text.charCodeAt(at)] === 0) continue
    const start = at
    let hash = 0
    for (;;) {
      for (; at < length && IN_WORD[text.charCodeAt(at)] === 1; at++)
        hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
      let next = at
      const joint = text.charCodeAt(at)
      if (joint === DASH || joint === DOT) next++
      else while (text.charCodeAt(next) === UNDERSCORE) next++
      if (next === at || next >= length || IN_WORD[text.charCodeAt(next)] === 0) break
      for (; at < next; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    }
    // The low bits must depend on all letters; and 30 bits are a small integer for the engine.
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    found(start, at, (mixed ^ (mixed >>> 13)) & 0x3fffffff)
  }
  return true
}

/**
 * The terms under which a word is indexed: the whole first, then the parts of an identifier. The whole leaves out
 * case and joints, so that `leaseTtl`, `lease_ttl` and `LEASE-TTL` are one term. Empty for a stop word.
 */
export function terms(word: string): string[] {
  const lower = word.toLowerCase()
  if (STOP.has(lower)) return []
  if (/^(?:[a-z]+|[0-9]+|[A-Z][a-z]+)$/.test(word)) return [cut(stem(lower))]
  const plain = ASCII.test(word)
  const folded = plain ? word : fold(word)
  if (!plain && unicode().unspaced.test(folded)) return pairs(folded.toLowerCase())
  const parts = splitParts(folded)
  const found = new Set([whole(folded, parts)])
  if (parts.length > 1) {
    for (const part of parts.map((one) => one.toLowerCase())) {
      // A lone letter beside a number (`p99`, `w2`) says nothing by itself.
      if (part.length > 1 && !STOP.has(part)) found.add(cut(stem(part)))
    }
  }
  // Nothing but marks folds to nothing.
  found.delete('')
  return [...found]
}

function splitParts(word: string): string[] {
  const pattern = ASCII.test(word) ? ASCII_PARTS : unicode().parts
  // JWTs, LLMs: the plural of an acronym is no camel case.
  return word.split(/[._-]+/).flatMap((name) => name.replace(/^([A-Z]{2,})s$/, '$1').match(pattern) ?? [])
}

function whole(word: string, parts: readonly string[]): string {
  // Numbers keep their dots: 1.21 is not 121.
  if (/^[0-9._-]+$/.test(word)) return cut(word)
  return cut(stem(parts.join('').toLowerCase()))
}

/** Compatibility forms and accents off: `ﬁle` is `file`, `Schlüssel` is `Schlussel`. */
function fold(word: string): string {
  return word.normalize('NFKD').replace(unicode().marks, '').normalize('NFC')
}

function pairs(text: string): string[] {
  const letters = [...text]
  if (letters.length < 3) return [text]
  return [...new Set(letters.slice(1).map((letter, i) => `${letters[i]}${letter}`))]
}

function cut(term: string): string {
  // Not through the middle of a surrogate pair, which UTF-8 could not hold.
  return term.length > MAX_TERM ? term.slice(0, MAX_TERM).replace(/[\ud800-\udbff]$/, '') : term
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
