// How things look: foreign strings made harmless, JSON, colours, times, counts, columns. Pure.

import type { styleText } from 'node:util'
import { type Env, harmful, PLAIN, pattern, safe } from '../env/env'

export { safe, safeLines } from '../env/env'

/** One line of JSON in which nothing can move a terminal either: what is not plain to see is escaped. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value)
  if (PLAIN.test(json)) return `${json}\n`
  const escaped = (character: string) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join('')
  return `${json.replace(harmful(), escaped)}\n`
}

/**
 * Whether to colour. The most particular wins: `--color`, then NO_COLOR and FORCE_COLOR, then `git -c color.ui=…`,
 * then whether stdout is a terminal. Source: no-color.org, git-config(1).
 */
export function useColour(env: Env, when: 'auto' | 'always' | 'never'): boolean {
  if (when !== 'auto') return when === 'always'
  const { NO_COLOR, FORCE_COLOR, GIT_CONFIG_PARAMETERS, TERM } = env.vars
  if (NO_COLOR) return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  const given = /'color\.(?:ui|dstack)'?='?(\w+)'/i.exec(GIT_CONFIG_PARAMETERS ?? '')?.[1]
  if (given === 'false' || given === 'never') return false
  return given === 'always' || (env.out.colour && TERM !== 'dumb')
}

export type Style = Parameters<typeof styleText>[0]

/** Colours for this output: `paint(env)('bold', 'x')`; plain text when colours are off. */
export function paint(env: Env): (style: Style, text: string) => string {
  // The stream was looked at already, and looking again would load the network stack.
  return env.out.colour
    ? (style, text) => process.getBuiltinModule('node:util').styleText(style, text, { validateStream: false })
    : (_, text) => text
}

/** The first characters of an object id: 8, or as many as it takes to tell it from the others. */
export function shortId(oid: string, others: Iterable<string> = []): string {
  let length = 8
  for (const other of others) {
    if (other === oid) continue
    while (length < oid.length && other.startsWith(oid.slice(0, length))) length++
  }
  return oid.slice(0, length)
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** `3 hours ago`, `in 2 days` (an expiry, or a clock that is ahead), `just now` within a minute. */
export function relativeTime(then: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - then.getTime()) / 1000)
  if (!Number.isFinite(seconds)) return 'at an unknown time'
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? []
  if (unit === undefined || length === undefined) return 'just now'
  const count = plural(Math.floor(Math.abs(seconds) / length), unit)
  return seconds > 0 ? `${count} ago` : `in ${count}`
}

/** `1 entry`, `3 entries`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Characters that take two cells on a terminal. Source: Unicode East Asian Width (W, F), by blocks. */
const wide = pattern(
  String.raw`[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}` +
    String.raw`\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]`,
  'u',
)
/** Characters that take none, because they sit on the one before. */
const combining = pattern(String.raw`\p{M}`, 'u')
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

/** Cells that the text takes on a terminal; our own colour sequences take none. */
export function cells(text: string): number {
  const bare = text.replace(COLOUR, '')
  if (PLAIN.test(bare)) return bare.length
  let count = 0
  for (const character of bare) count += wide().test(character) ? 2 : combining().test(character) ? 0 : 1
  return count
}

/** Cuts text to so many cells, with an ellipsis. For text without colours. */
export function cut(text: string, width: number): string {
  if (cells(text) <= width) return text
  let kept = ''
  let used = 1
  for (const character of text) {
    used += cells(character)
    if (used > width) break
    kept += character
  }
  return `${kept.trimEnd()}…`
}

/**
 * Rows as aligned columns, two spaces apart. On a terminal the last column is cut to the width; in a pipe nothing is.
 * Cells must have gone through `safe`.
 */
export function columns(rows: readonly (readonly string[])[], width: number | null): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cells(cell))
  }
  const lines = rows.map((row) => {
    let line = ''
    row.forEach((cell, i) => {
      if (i < row.length - 1) line += `${cell}${' '.repeat((widths[i] ?? 0) - cells(cell))}  `
      else line += width === null ? cell : cut(cell, Math.max(20, width - cells(line)))
    })
    return line.trimEnd()
  })
  return lines.join('\n')
}

/**
 * Lists for programs (`--porcelain`): fields between tabs. Rows end with a newline and fields are made safe, or with
 * `-z` rows end with NUL and the last field is as stored.
 */
export function porcelain(rows: readonly (readonly string[])[], zero: boolean): string {
  return rows.map((row) => (zero ? `${row.join('\t')}\0` : `${row.map(safe).join('\t')}\n`)).join('')
}
