// A sorted table of strings on disk, in blocks of 256, found by binary search. A string's rank is its number.

import type { Slices } from '../env/env'
import { damaged, readJson, readPlace, type Span, type Writer } from './blocks'

const BLOCK = 256

export interface Dictionary {
  /** Ranks of the strings equal to `text`: none, one, or more when it was stored more than once. */
  find(text: string): number[]
  /** All strings that begin with `prefix`, in order. */
  startingWith(prefix: string): string[]
}

/** Where a table is. */
export interface DictionaryPlace {
  /** First string of each block. */
  firsts: Span
  /** Where the blocks are. */
  blocks: number
}

/** Writes strings that are sorted by UTF-16 code unit. */
export function writeDictionary(out: Writer, texts: readonly string[]): DictionaryPlace {
  const firsts: string[] = []
  const blocks: Span[] = []
  for (let from = 0; from < texts.length; from += BLOCK) {
    firsts.push(texts[from] as string)
    blocks.push(out.json(texts.slice(from, from + BLOCK)))
  }
  return { firsts: out.json(firsts), blocks: out.places(blocks) }
}

/** Opens a table; reads one string in 256. */
export function openDictionary(file: Slices, place: DictionaryPlace): Dictionary {
  const firsts = readStrings(file, place.firsts)
  const blocks = new Map<number, string[]>()

  const block = (number: number): string[] => {
    const known = blocks.get(number) ?? readStrings(file, readPlace(file, place.blocks, number))
    blocks.set(number, known)
    return known
  }

  /** Calls `each` for the strings from the first that is not below `from`, as long as it answers true. */
  const walk = (from: string, each: (text: string, rank: number) => boolean): void => {
    // The block before the first that starts at or after `from` may end with what is wanted.
    for (let number = Math.max(0, lowerBound(firsts, from) - 1); number < firsts.length; number++) {
      const texts = block(number)
      for (let i = lowerBound(texts, from); i < texts.length; i++) {
        if (!each(texts[i] as string, number * BLOCK + i)) return
      }
    }
  }

  return {
    find: (text) => {
      const ranks: number[] = []
      walk(text, (other, rank) => other === text && ranks.push(rank) > 0)
      return ranks
    },
    startingWith: (prefix) => {
      const texts: string[] = []
      walk(prefix, (other) => other.startsWith(prefix) && texts.push(other) > 0)
      return texts
    },
  }
}

function readStrings(file: Slices, span: Span): string[] {
  const texts = readJson(file, span)
  if (!Array.isArray(texts)) throw damaged('something else is in the place of a table')
  return texts
}

/** Place of the first string that is not below `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as string) < text) low = middle + 1
    else high = middle
  }
  return low
}
