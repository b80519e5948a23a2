// The light spec of a feature: what it says, and whether it says enough. At most 150 lines, at least one predicate.

import { type Predicate, parsePredicate } from './predicate'
import type { Issue } from './schema'
import { bodyOf, headingOf, type Line, readLines, sectionsOf, withoutCodeSpan } from './shapes/lines'

/** Source of the number: the minimum of a spec; a longer one is a burden for whoever reviews it. */
export const MAX_SPEC_LINES = 150

export interface Requirement {
  /** `FR-1`, `SC-2` … */
  id: string
  text: string
}

export interface Criterion {
  /** Absent: it has none. */
  id?: string
  text: string
  /** Null: it is prose. */
  predicate: Predicate | null
  /** Why it is no predicate, where it is written as one. */
  problem: string | null
}

export interface Spec {
  title: string
  problem: string
  users: string
  /** With ids or without. */
  behaviour: { id?: string; text: string }[]
  non_goals: string[]
  acceptance: Criterion[]
  lines: number
}

/** The sections, by what their heading may be. The first word is how the template has it. */
const SECTIONS = {
  problem: ['Problem', /^(?:the )?(?:problem|motivation|why)\b/i],
  users: ['Users', /^(?:users?|who|audience|personas?)\b/i],
  behaviour: ['Behaviour', /^(?:behaviou?rs?|(?:functional )?requirements?|what)\b/i],
  non_goals: ['Non-goals', /^(?:non[- ]?goals?|out of scope)\b/i],
  acceptance: ['Acceptance', /^(?:acceptance|success criteria|done when)\b/i],
} as const
type SectionName = keyof typeof SECTIONS

const ID = /^(?:\[[ xX]\]\s+)?(\*\*)?([A-Z]{1,6}-\d{1,4})(?:\*\*)?\s*[:.–—-]?(?:\*\*)?\s+(.*)$/s

export function readSpec(text: string): Spec {
  const lines = readLines(text)
  const parts = new Map<SectionName, Line[]>()
  let title = ''
  const sections = sectionsOf(lines)
  for (const [at, section] of sections.entries()) {
    if (section.level === 1 && title === '') title = section.heading.replace(/^spec\s*:\s*/i, '')
    const name = nameOf(section.heading) ?? (section.level > 2 ? nearest(sections, at) : null)
    if (name !== null) parts.set(name, [...(parts.get(name) ?? []), ...bodyOf(lines, section)])
  }
  const prose = (name: SectionName) => proseOf(parts.get(name) ?? [])
  return {
    title,
    problem: prose('problem'),
    users: prose('users'),
    behaviour: bullets(parts.get('behaviour') ?? []).map(named),
    non_goals: bullets(parts.get('non_goals') ?? []),
    acceptance: criteria(parts.get('acceptance') ?? []),
    lines: text.trimEnd() === '' ? 0 : text.trimEnd().split('\n').length,
  }
}

function nameOf(heading: string): SectionName | null {
  const found = Object.entries(SECTIONS).find(([, [, pattern]]) => pattern.test(heading))
  return (found?.[0] as SectionName | undefined) ?? null
}

function nearest(sections: ReturnType<typeof sectionsOf>, at: number): SectionName | null {
  const parent = sections[at]?.parent ?? -1
  if (parent < 0) return null
  return nameOf(sections[parent]?.heading ?? '') ?? nearest(sections, parent)
}

function proseOf(lines: readonly Line[]): string {
  return lines
    .filter(({ kind }) => kind !== 'comment')
    .map(({ text }) => text)
    .join('\n')
    .trim()
}

/** Bullets, each with its indented lines; without any, every paragraph. */
function bullets(lines: readonly Line[]): string[] {
  const found: string[] = []
  for (const { text, kind } of lines) {
    if (kind === 'comment' || text.trim() === '') continue
    const item = /^\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+(.*)$/.exec(text)?.[1]
    if (item !== undefined) found.push(item)
    else if (found.length > 0 && /^\s/.test(text)) found.push(`${found.pop()} ${text.trim()}`)
    else found.push(text.trim())
  }
  return found
}

function named(item: string): { id?: string; text: string } {
  const [, , id, text] = ID.exec(item) ?? []
  return id === undefined || text === undefined ? { text: item } : { id, text: text.trim() }
}

function criteria(lines: readonly Line[]): Criterion[] {
  const fenced = lines.filter(
    ({ kind, text }) => kind === 'code' && !/^\s*(?:`{3}|~{3})/.test(text) && text.trim() !== '',
  )
  const listed = bullets(lines.filter(({ kind }) => kind !== 'code'))
  return [...listed, ...fenced.map(({ text }) => `\`${text.trim()}\``)].map((item) => {
    const { id, text } = named(item.replace(/^\[[ xX]\]\s+/, ''))
    const bare = withoutCodeSpan(text.trim())
    const read = parsePredicate(bare)
    const code = bare !== text.trim()
    return {
      ...(id === undefined ? {} : { id }),
      text: bare,
      predicate: 'problem' in read ? null : read,
      problem: 'problem' in read && code ? read.problem : null,
    }
  })
}

/** What tasks can be held against: whatever has an id. */
export function requirementsOf(spec: Spec): Requirement[] {
  const all = [...spec.behaviour, ...spec.acceptance]
  return all.flatMap(({ id, text }) => (id === undefined ? [] : [{ id, text }]))
}

/** Everything that is wrong with a spec; `error` refuses it. */
export function specIssues(text: string): Issue[] {
  const spec = readSpec(text)
  const headings = readLines(text).flatMap((line) => headingOf(line)?.heading ?? [])
  const issues: Issue[] = []
  const say = (severity: Issue['severity'], rule: string, where: string, message: string) =>
    issues.push({ severity, rule, where, message })
  if (spec.title === '') say('warning', 'no-title', 'spec', 'The spec has no title.')
  for (const [name, [label, pattern]] of Object.entries(SECTIONS)) {
    if (!headings.some((heading) => pattern.test(heading))) {
      say('error', 'no-section', 'spec', `The spec has no section "${label}".`)
    } else if (spec[name as SectionName].length === 0 && name !== 'acceptance') {
      const weight = name === 'problem' || name === 'behaviour' ? 'error' : 'warning'
      say(weight, 'empty-section', 'spec', `The section "${label}" says nothing.`)
    }
  }
  if (!spec.acceptance.some(({ predicate }) => predicate !== null)) {
    say('error', 'no-predicate', 'spec', 'No line under "Acceptance" is one that a program can check.')
  }
  for (const { id, text: line, predicate, problem } of spec.acceptance) {
    if (problem !== null) say('error', 'bad-predicate', id ?? 'spec', `\`${line}\`: ${problem}`)
    else if (predicate === null) say('warning', 'prose', id ?? 'spec', `No program can check "${line}".`)
  }
  const ids = requirementsOf(spec).map(({ id }) => id)
  for (const id of new Set(ids.filter((one, i) => ids.indexOf(one) !== i))) {
    say('error', 'duplicate', id, `${id} stands twice in the spec.`)
  }
  if (spec.lines > MAX_SPEC_LINES) {
    say('error', 'too-long', 'spec', `The spec has ${spec.lines} lines; ${MAX_SPEC_LINES} are the most.`)
  }
  return issues
}
