// Forgiving a typo: which known terms a misspelt one may stand for.

/** Letters that may differ for a word of this length: none below 4, one up to 7, two from 8. */
export function tolerance(length: number): number {
  return length < 4 ? 0 : length < 8 ? 1 : 2
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment, the
 * restricted Damerau distance). `max + 1` when it is more than `max`. `rows` saves making three for every pair.
 */
export function distance(a: string, b: string, max: number, rows: number[][] = [[], [], []]): number {
  const over = max + 1
  if (Math.abs(a.length - b.length) > max) return over
  let [before, above, row] = rows as [number[], number[], number[]]
  for (let j = 0; j <= b.length; j++) above[j] = j
  for (let i = 1; i <= a.length; i++) {
    // Only cells within `max` of the diagonal can stay within `max`; those beside them count as beyond it.
    const from = Math.max(1, i - max)
    const to = Math.min(b.length, i + max)
    row[from - 1] = from === 1 ? i : over
    let least = row[from - 1] as number
    for (let j = from; j <= to; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1)
      let cost = (above[j - 1] as number) + (same ? 0 : 1)
      cost = Math.min(cost, (row[j - 1] as number) + 1, j === i + max ? over : (above[j] as number) + 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, (before[j - 2] as number) + 1)
      row[j] = cost
      least = Math.min(least, cost)
    }
    if (least > max) return over
    ;[before, above, row] = [above, row, before]
  }
  return Math.min(above[b.length] as number, over)
}

export interface Correction {
  term: string
  distance: number
}

const SHORT = 4
/** At most this many readings of one misspelt word. */
const READINGS = 3

/**
 * The known terms nearest to a misspelt word, best first. `stem` is the word's term, `word` what was typed: stemming
 * may have cut a misspelt ending wrongly, so the nearer of the two counts, and the sum decides between equals; then
 * the more frequent term wins.
 */
export function corrections(
  stem: string,
  word: string,
  known: Iterable<string>,
  frequency: (term: string) => number,
): Correction[] {
  const max = tolerance(word.length)
  if (max === 0) return []
  const pieces = piecesOf(stem, max)
  const rows: number[][] = [[], [], []]
  let found: string[] = []
  let best = max
  for (const term of known) {
    if (!pieces.some((piece) => term.includes(piece)) || term === stem) continue
    const byStem = distance(stem, term, best, rows)
    const byWord = stem === word ? byStem : distance(word, term, best, rows)
    // A short stem is near to everything (`bake` to `bar`): then both must be near.
    const near = stem.length < SHORT ? Math.max(byStem, byWord) : Math.min(byStem, byWord)
    if (near > best || frequency(term) === 0) continue
    if (near < best) found = []
    best = near
    found.push(term)
  }
  const sum = (term: string) => distance(stem, term, max) + distance(word, term, max)
  return [...new Set(found)]
    .sort((a, b) => sum(a) - sum(b) || frequency(b) - frequency(a) || (a < b ? -1 : 1))
    .slice(0, READINGS)
    .map((term) => ({ term, distance: best }))
}

/**
 * Pieces of a word of which one at least stands unharmed in every word that is so near: each change harms one piece, a
 * swap across a border two (for two such swaps in one word this is not so). Most terms hold none, and asking for them
 * costs a tenth of the distance.
 */
function piecesOf(word: string, max: number): string[] {
  const count = Math.min(word.length, max + 2)
  return Array.from({ length: count }, (_, i) => word.slice((i * word.length) / count, ((i + 1) * word.length) / count))
}
