// A seeded source of chance, so that a corpus is the same on every machine.

export interface Chance {
  /** 0 ≤ n < limit. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  /** So many characters of an alphabet. */
  text(alphabet: string, length: number): string
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
export const DIGITS = '0123456789'
export const HEX = `${DIGITS}abcdef`
export const BASE36 = LOWER + DIGITS
export const UPPER36 = LOWER.toUpperCase() + DIGITS
export const BASE62 = LOWER.toUpperCase() + LOWER + DIGITS
export const BASE64 = `${BASE62}+/`
export const BASE64URL = `${BASE62}-_`

/** mulberry32. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    pick: (from) => {
      const one = from[below(from.length)]
      if (one === undefined) throw new Error('Nothing to pick from.')
      return one
    },
    text: (alphabet, length) => Array.from({ length }, () => alphabet[below(alphabet.length)]).join(''),
  }
}

export function uuid(random: Chance): string {
  const hex = random.text(HEX, 32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** Bytes as base64, so that a body has the look of a real encoding. */
export function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}

export function bytes(random: Chance, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.below(256))).join('')
}
