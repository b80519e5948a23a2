// Words that must not get out, known by their hashes only: who reads the list does not learn them. Pure.

/** The durable format of the list. */
export interface WordList {
  v: 1
  /** Random; the same word has another hash in another list. */
  salt: string
  /** First 20 hexadecimal digits of the SHA-256 of salt and word, sorted. */
  hashes: string[]
  /** Parts of the longest entry. */
  longest: number
}

/** More parts make no name of anything. */
const MOST_PARTS = 8

/** Parts of names, whatever joins them: `AcmeRocket`, `acme_rocket` and `acme rocket` are the same word. */
export function partsOf(text: string): { part: string; at: number }[] {
  const found = text.matchAll(/\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{M}]+|[\p{Lo}\p{Lm}]+|\p{Lu}|\p{N}+/gu)
  return [...found].map((match) => ({ part: match[0].normalize('NFKC').toLowerCase(), at: match.index }))
}

/** The word as it is hashed; null for what has no letters or digits, or too many parts. */
export function wordOf(text: string): { word: string; parts: number } | null {
  const parts = partsOf(text).map(({ part }) => part)
  return parts.length === 0 || parts.length > MOST_PARTS ? null : { word: parts.join(' '), parts: parts.length }
}

export function hashWord(word: string, salt: string, hash: (text: string) => string): string {
  return hash(`${salt}\0${word}`).slice(0, 20)
}

export function addWord(list: WordList, text: string, hash: (text: string) => string): WordList | null {
  const named = wordOf(text)
  if (named === null) return null
  const hashes = [...new Set([...list.hashes, hashWord(named.word, list.salt, hash)])].sort()
  return { ...list, hashes, longest: Math.max(list.longest, named.parts) }
}

/** Null when it is not in the list. */
export function removeWord(list: WordList, text: string, hash: (text: string) => string): WordList | null {
  const gone = hashWord(wordOf(text)?.word ?? '', list.salt, hash)
  return list.hashes.includes(gone) ? { ...list, hashes: list.hashes.filter((one) => one !== gone) } : null
}

/** Looks for listed words; remembers what it hashed, since texts say the same words again and again. */
export function wordFinder(list: WordList, hash: (text: string) => string): (text: string) => number[] {
  const listed = new Set(list.hashes)
  const known = new Map<string, boolean>()
  const isListed = (word: string) => {
    const before = known.get(word)
    if (before !== undefined) return before
    const found = listed.has(hashWord(word, list.salt, hash))
    known.set(word, found)
    return found
  }
  /** Offsets at which a listed word begins. */
  return (text) => {
    if (listed.size === 0) return []
    const parts = partsOf(text)
    return parts.flatMap(({ at }, i) => {
      let word = ''
      for (let j = i; j < Math.min(parts.length, i + list.longest); j++) {
        word = j === i ? (parts[j]?.part ?? '') : `${word} ${parts[j]?.part}`
        if (isListed(word)) return [at]
      }
      return []
    })
  }
}
