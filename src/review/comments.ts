// What a person's comment asks for: its label, its severity and class, and its words. Pure.

import type { Given, Severity } from './schema'

/** The label at the beginning. Source: conventionalcomments.org, and what review bots write. */
const WORDS =
  'p[0-3]|critical|high|medium|low|minor|blocking|praise|nitpick|nit|suggestion|issue|bug|security|perf|performance|todo|chore|' +
  'question|thought|note|typo|polish|style'
const MARKUP = '[*_`]{0,3}'
const LABEL = new RegExp(
  [
    // `[P1] …`
    String.raw`^\s*${MARKUP}\[(${WORDS})(?:\s*\(([^)]{0,60})\))?\]${MARKUP}\s*[:\-–—]?\s*`,
    // `issue (blocking): …`, `Critical - …`; a word at the beginning of a sentence is no label.
    String.raw`^\s*${MARKUP}(${WORDS})${MARKUP}\s*(?:\(([^)]{0,60})\))?${MARKUP}(?::|\s+[\-–—]\s)${MARKUP}\s*`,
  ].join('|'),
  'i',
)

const SEVERITY: readonly [RegExp, Severity][] = [
  [/\b(p0|p1|critical|high|blocking)\b/i, 'P1'],
  [/\b(p3|low|minor|nit|nitpick|suggestion|question|thought|note|typo|polish|style)\b/i, 'P3'],
]
const CLASS: readonly [RegExp, string][] = [
  [/\bsecurity\b/i, 'security'],
  [/\bperf(ormance)?\b/i, 'perf'],
  [/\b(nit|nitpick|typo|polish|style|chore|readability|naming)\b/i, 'maintainability'],
]

export interface Comment {
  body: string
  path?: string
  lines?: string
}

/** Null for what asks for nothing: praise, and comments without words. */
export function fromComment({ body, path, lines }: Comment): Given | null {
  const suggestion = /^```suggestion[^\n]*\n([\s\S]*?)^```/m.exec(body)?.[1]?.trim()
  const words = body
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^```suggestion[^\n]*\n[\s\S]*?^```[ \t]*$/gm, '')
    .trim()
  const match = LABEL.exec(words)
  const label = match === null ? '' : `${match[1] ?? match[3]} ${match[2] ?? match[4] ?? ''}`
  if (/^praise\b/i.test(label)) return null
  const claim =
    words.slice(match?.[0].length ?? 0).trim() || (suggestion === undefined ? '' : 'Take the suggested change.')
  if (claim === '') return null
  const isFree = /\bnon-blocking\b/i.test(label)
  const severity = isFree ? 'P3' : (SEVERITY.find(([signs]) => signs.test(label))?.[1] ?? 'P2')
  const kind = CLASS.find(([signs]) => signs.test(label))?.[1] ?? (severity === 'P3' ? 'maintainability' : 'bug')
  return {
    severity,
    class: kind,
    claim: claim.slice(0, 4000),
    ...(path === undefined ? {} : { path }),
    ...(lines === undefined ? {} : { lines }),
    ...(suggestion === undefined || suggestion === '' ? {} : { fix_hint: suggestion.slice(0, 4000) }),
  }
}

/** `from` may be absent, or null as the APIs write it. */
export function linesOf(from: number | null | undefined, to: number | null | undefined): { lines?: string } {
  const last = to ?? from
  return last === null || last === undefined ? {} : { lines: `${from ?? last}-${last}` }
}
