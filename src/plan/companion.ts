// The companion of a plan: what really happened, phase by phase, as one Markdown text that people edit too.

import type { LeafSpec } from './schema'
import { headingOf, type Line, readLines, withoutCodeSpan } from './shapes/lines'

export const PHASE_STATES = ['PENDING', 'IN PROGRESS', 'SKIPPED', 'BLOCKED', 'DONE'] as const
export type PhaseState = (typeof PHASE_STATES)[number]

/** A file that was changed although the plan does not name it, and why. */
export interface Deviation {
  /** Globs. */
  paths: string[]
  reason: string
}

export interface CompanionPhase {
  /** `X.Y` */
  id: string
  title: string
  /** Null where the text says none, or an unknown one. */
  status: PhaseState | null
  /** Ids, as they stand there: shortened or whole. */
  commits: string[]
  /** Test counts in the words of who wrote them; empty: none. */
  tests: string
  /** What was done, in prose; empty: nothing is said. */
  details: string
  deviations: Deviation[]
  bugs: string[]
  questions: string[]
}

export interface Companion {
  title: string
  started: string | null
  status: PhaseState | null
  phases: CompanionPhase[]
}

/** What a heading below a phase may be called. The first is how we write it. */
export const SUBSECTIONS = {
  details: ['Details', /^(?:details?|what (?:was|we) did|notes?)\b/i],
  deviations: ['Deviations', /^deviations?\b/i],
  bugs: ['Bugs found', /^bugs?\b/i],
  questions: ['Open questions', /^(?:open )?questions?\b/i],
} as const
export type Subsection = keyof typeof SUBSECTIONS

const PHASE = /^(?:(?:phase|leaf)\s+)?(\d{1,3}\.\d{1,3})(?![\d.])\s*[:.–—-]?\s*(.*)$/i
const FIELD = /^\s*(?:[-*+]\s+)?(\*\*)?(status|commits?|tests?|started|plan)\s*(\*\*)?\s*:\s*(\*\*)?\s*(.*)$/i
const COMMIT = /(?<![\w-])[0-9a-f]{7,64}(?![\w-])/g

// --- reading ----------------------------------------------------------------------------------------------------------

/** A section of the text: where it stands, and the sections below it. Line numbers; `end` is the first line behind it. */
export interface PhaseLines {
  id: string
  title: string
  level: number
  start: number
  /** Where its own fields and free text end: at the first heading below it. */
  body: number
  end: number
  parts: { name: Subsection | null; start: number; end: number }[]
}

/** Where the phases stand in the text. */
export function phaseLines(lines: readonly Line[]): PhaseLines[] {
  const phases: PhaseLines[] = []
  let open: PhaseLines | null = null
  const close = (at: number) => {
    if (open === null) return
    open.end = at
    const last = open.parts.at(-1)
    if (last === undefined) open.body = at
    else last.end = at
  }
  for (const [at, line] of lines.entries()) {
    const head = headingOf(line)
    if (head === null) continue
    if (open !== null && head.level > open.level) {
      const last = open.parts.at(-1)
      if (last === undefined) open.body = at
      else last.end = at
      open.parts.push({ name: subsectionOf(head.heading), start: at, end: lines.length })
      continue
    }
    close(at)
    const [, id, title = ''] = PHASE.exec(head.heading) ?? []
    open = null
    if (id === undefined) continue
    open = { id, title, level: head.level, start: at, body: lines.length, end: lines.length, parts: [] }
    phases.push(open)
  }
  close(lines.length)
  return phases
}

function subsectionOf(heading: string): Subsection | null {
  const found = Object.entries(SUBSECTIONS).find(([, [, pattern]]) => pattern.test(heading))
  return (found?.[0] as Subsection | undefined) ?? null
}

/** Reads what there is to read; what it can't place counts as details of its phase. It never refuses. */
export function readCompanion(text: string): Companion {
  const lines = readLines(text)
  const places = phaseLines(lines)
  const first = places[0]?.start ?? lines.length
  const head = fieldsOf(lines.slice(0, first))
  const title = lines.map(headingOf).find((one) => one?.level === 1)?.heading ?? ''
  return {
    title: title.replace(/: what really happened$/, ''),
    started: head.get('started')?.value || null,
    status: stateOf(head.get('status')?.value),
    phases: places.map((place) => phaseOf(lines, place)),
  }
}

function phaseOf(lines: readonly Line[], place: PhaseLines): CompanionPhase {
  const body = lines.slice(place.start + 1, place.body)
  const fields = fieldsOf(body)
  const part = (name: Subsection) =>
    place.parts.filter((one) => one.name === name).flatMap(({ start, end }) => lines.slice(start + 1, end))
  const other = place.parts.filter(({ name }) => name === null).flatMap(({ start, end }) => lines.slice(start, end))
  const fieldLines = new Set([...fields.values()].flatMap((field) => field.lines))
  const free = body.filter((line) => !fieldLines.has(line))
  const commits = fields.get('commits')
  return {
    id: place.id,
    title: place.title,
    status: stateOf(fields.get('status')?.value),
    commits: commits === undefined ? [] : idsIn(commits.lines.map(({ text }) => text).join('\n')),
    tests: fields.get('tests')?.value ?? '',
    details: [...items(part('details')), ...items(free), ...items(other)].join('\n'),
    deviations: items(part('deviations')).map(deviationOf),
    bugs: items(part('bugs')),
    questions: items(part('questions')),
  }
}

interface Field {
  value: string
  /** Its own line, and those of its list. */
  lines: Line[]
}

/** `- **Status:** DONE`, `Status: DONE`; a list below one belongs to it. */
function fieldsOf(lines: readonly Line[]): Map<string, Field> {
  const fields = new Map<string, Field>()
  let open: Field | null = null
  for (const line of lines) {
    const [whole, , name = '', , , value = ''] = (line.kind === 'text' ? FIELD.exec(line.text) : null) ?? []
    if (whole !== undefined) {
      open = { value: value.trim(), lines: [line] }
      const plain = name.toLowerCase().replace(/^(commit|test)$/, '$1s')
      if (!fields.has(plain)) fields.set(plain, open)
    } else if (open !== null && line.kind === 'text' && /^(?:\s+\S|\s*$)/.test(line.text)) open.lines.push(line)
    else open = null
  }
  return fields
}

export function stateOf(text: string | undefined): PhaseState | null {
  const plain = (text ?? '').replace(/[*_`]/g, '').replace(/[_-]/g, ' ').trim().toUpperCase()
  return PHASE_STATES.find((state) => plain === state || plain.startsWith(`${state} `)) ?? null
}

function idsIn(text: string): string[] {
  return [...new Set([...text.matchAll(COMMIT)].map(([id]) => id).filter((id) => /\d/.test(id)))]
}

/** Bullets with what is indented below them, and paragraphs. Comments are none. */
export function items(lines: readonly Line[]): string[] {
  const found: string[][] = []
  let open = false
  for (const { text, kind } of lines) {
    const bullet = kind === 'text' ? /^[-*+]\s+/.exec(text) : null
    if (kind === 'comment' || (text.trim() === '' && !open)) continue
    if (bullet !== null) found.push([text.slice(bullet[0].length)])
    else if (open && (text.trim() === '' || kind === 'code' || /^\s/.test(text)))
      found.at(-1)?.push(text.replace(/^ {1,4}/, ''))
    else if (open && found.at(-1)?.at(-1)?.trim() !== '') found.at(-1)?.push(text)
    else found.push([text])
    open = true
  }
  return found.map((item) => item.join('\n').trim()).filter((item) => item !== '')
}

/** `` `src/a.ts`, `src/b/**`: why `` */
function deviationOf(item: string): Deviation {
  const spans = /^((?:`[^`]+`(?:\s*,\s*|\s+and\s+)?)+)\s*[:–—-]?\s*([\s\S]*)$/.exec(item)
  if (spans !== null) {
    const paths = [...(spans[1] ?? '').matchAll(/`[^`]+`/g)].map(([span]) => withoutCodeSpan(span))
    return { paths, reason: (spans[2] ?? '').trim() }
  }
  const [, path, reason = ''] = /^(\S+?):\s+([\s\S]*)$/.exec(item) ?? []
  return path === undefined ? { paths: [], reason: item } : { paths: [path], reason: reason.trim() }
}

/** The commit that was noted last. */
export function newestCommit({ phases }: Companion): string | null {
  return phases.flatMap(({ commits }) => commits).at(-1) ?? null
}

export type PhaseTitle = Pick<LeafSpec, 'id' | 'title'>
