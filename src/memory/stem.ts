// Light English stemming: endings off, so that `expires`, `expired` and `expiring` meet. No dictionary, no exceptions.

const VOWEL = /[aeiouy]/

/**
 * The stem of a lower-case word. Only words of a to z are touched; anything else (numbers, codes, other alphabets)
 * comes back as it is. A stem is a name for a family of words, not a word: `cache` gives `cach`.
 *
 * Steps 1 and 4 of Porter (An algorithm for suffix stripping, 1980), cut down to the endings that pay in technical
 * prose; a final `e` always goes, so that no step has to put one back.
 */
export function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word
  return ending(verb(plural(word)))
}

function plural(word: string): string {
  if (!word.endsWith('s') || /(ss|us|is)$/.test(word)) return word
  if (word.endsWith('ies')) return word.length > 4 ? `${word.slice(0, -3)}y` : word.slice(0, -1)
  if (/(ss|sh|ch|x|z)es$/.test(word)) return word.slice(0, -2)
  return word.slice(0, -1)
}

function verb(word: string): string {
  const cut = word.endsWith('ing') ? 3 : word.endsWith('ed') && !word.endsWith('eed') ? 2 : 0
  const rest = word.slice(0, word.length - cut)
  if (cut === 0 || rest.length < 2 || !VOWEL.test(rest)) return word
  // `dropped` and `running` double their last letter; `killed`, `missing` and `buzzed` own it.
  return /([bcdfgkmnprtv])\1$/.test(rest) ? rest.slice(0, -1) : rest
}

function ending(word: string): string {
  for (const [suffix, rest] of ENDINGS) {
    if (word.endsWith(suffix) && word.length - suffix.length >= rest) {
      return ending(word.slice(0, word.length - suffix.length))
    }
  }
  // `retry` and `retries`, `policy` and `policies` have met in `plural`; `y` and `i` meet here for `happily`.
  return word.endsWith('y') && word.length > 4 ? `${word.slice(0, -1)}i` : word
}

/** Ending, and how many letters must stay for it to go. The first that fits goes. */
const ENDINGS: [suffix: string, rest: number][] = [
  ['ly', 4],
  ['ness', 4],
  ['ment', 5],
  ['ation', 5],
  ['ion', 4],
  ['ate', 5],
  ['at', 5],
  ['e', 3],
]
