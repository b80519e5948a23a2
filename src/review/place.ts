// Is a finding true of the place that it names? Pure: what is there comes in as a `Site`.

import type { Given } from './schema'

/** The commit under review, and what the range changed in it. */
export interface Site {
  /** Lines of a file at the head; null when there is no such file, or it is no text. */
  lines(path: string): readonly string[] | null
  /** Object id of the file at the head; null when there is none. */
  id(path: string): string | null
  /** Did the range take the file away? */
  gone(path: string): boolean
  /** First and last line of what the range changed in the file. */
  touched(path: string): readonly (readonly [from: number, to: number])[]
}

export type Range = readonly [from: number, to: number]

/** `verified` undefined: it names no place. `why` ends a sentence that begins with its place. */
export type Looked =
  | { verified: true; range: Range | null; quoted: boolean }
  | { verified: false; why: string }
  | { verified: undefined }

/** From the top of the repository, with slashes; as a reviewer may have written it. */
export function plainPath(path: string): string {
  return path.trim().replace(/^(\.\/)+/, '')
}

/** `12`, `12-40`, `L12-L40`; null for anything else. */
export function readRange(lines: string | number): Range | null {
  const match = /^L?(\d{1,9})(?:C\d+)?(?:\s*[-–:]\s*L?(\d{1,9})(?:C\d+)?)?$/i.exec(String(lines).trim())
  if (match === null) return null
  const from = Number(match[1])
  const to = Number(match[2] ?? from)
  return from >= 1 && to >= from ? [from, to] : null
}

/**
 * Its file exists, its lines exist, and what it quotes is there. Quoted text counts wherever it stands in the file: the lines
 * are then set right, to the place nearest to the ones that were named.
 */
export function look(given: Pick<Given, 'path' | 'lines' | 'evidence'>, site: Site): Looked {
  if (given.path === undefined || given.path.trim() === '') return { verified: undefined }
  const path = plainPath(given.path)
  const evidence = given.evidence?.trim() ?? ''
  const lines = site.lines(path)
  if (lines === null) {
    if (site.gone(path) && evidence === '') return { verified: true, range: null, quoted: false }
    return { verified: false, why: 'no such text file is there' }
  }
  const named = given.lines === undefined ? null : readRange(given.lines)
  if (given.lines !== undefined && named === null) return { verified: false, why: 'what it calls lines are none' }
  if (evidence !== '') {
    const places = quotes(lines, evidence)
    if (places.length === 0) return { verified: false, why: 'what it quotes is not there' }
    return { verified: true, range: nearest(places, named), quoted: true }
  }
  if (named !== null && named[1] > lines.length) {
    return { verified: false, why: `the file has only ${lines.length} lines` }
  }
  return { verified: true, range: named, quoted: false }
}

/** Does it stand in what the range changed? Without lines the whole file counts. */
export function isTouched(path: string, range: Range | null, site: Site): boolean {
  const touched = site.touched(plainPath(path))
  if (range === null) return touched.length > 0 || site.gone(plainPath(path))
  return touched.some(([from, to]) => from <= range[1] && range[0] <= to)
}

const squeeze = (text: string) => text.replace(/\s+/g, ' ').trim()

/** Where a quoted text stands; blanks don't count, nor do the signs of a difference or ticks around it. */
function quotes(lines: readonly string[], evidence: string): Range[] {
  const starts: { at: number; line: number }[] = []
  let text = ''
  for (const [i, line] of lines.entries()) {
    const plain = squeeze(line)
    if (plain === '') continue
    starts.push({ at: text.length, line: i + 1 })
    text += `${plain} `
  }
  const lineAt = (offset: number) => starts.findLast(({ at }) => at <= offset)?.line ?? 1
  const unticked = evidence.replace(/^`{1,3}\w*\n?|`{1,3}$/g, '')
  const unsigned = unticked.replace(/^[+ ]/gm, '')
  for (const wanted of new Set([evidence, unticked, unsigned].map(squeeze))) {
    if (wanted === '') continue
    const found: Range[] = []
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      found.push([lineAt(at), lineAt(at + wanted.length - 1)])
    }
    if (found.length > 0) return found
  }
  return []
}

function nearest(places: readonly Range[], named: Range | null): Range | null {
  const far = ([from, to]: Range) => (named === null ? from : Math.max(0, from - named[1], named[0] - to))
  return [...places].sort((a, b) => far(a) - far(b) || a[0] - b[0])[0] ?? null
}
