// Writing into a companion: what is added stands under its heading, everything else stays as people wrote it.

import {
  type Companion,
  type CompanionPhase,
  items,
  PHASE_STATES,
  type PhaseLines,
  type PhaseState,
  type PhaseTitle,
  phaseLines,
  readCompanion,
  SUBSECTIONS,
  type Subsection,
} from './companion'
import { codeSpan, type Line, readLines } from './shapes/lines'

/** What happened in a phase. Absent: nothing is said of that. */
export interface CompanionEntry {
  /** `X.Y` */
  phase: string
  /** For the heading, where the phase is not in the companion yet. */
  title?: string
  status?: PhaseState
  commits?: readonly string[]
  /** `12 passed, 0 failed` */
  tests?: string
  details?: string
  bug?: string
  deviation?: { path: string; reason: string }
  question?: string
}

const PHASE_MARK = '## Phase {{phase}}'

/** The parts of the template: what stands at the top, and one phase. */
function partsOf(template: string): { top: string; phase: string } {
  const cut = template.indexOf(PHASE_MARK)
  return { top: template.slice(0, cut), phase: template.slice(cut) }
}

/** A companion in which nothing has happened yet. `date` is a day, ISO. */
export function newCompanion(
  template: string,
  { title, slug, date, phases }: { title: string; slug: string; date: string; phases: readonly PhaseTitle[] },
): string {
  const words: Record<string, string> = { title: oneLine(title), slug, date }
  const top = partsOf(template).top.replace(/\{\{(\w+)\}\}/g, (_, name: string) => words[name] ?? '')
  return withPhases(template, top.trimEnd(), phases)
}

/** The text with a section for every phase that has none yet. One in which nothing has happened yet is called anew. */
export function withPhases(template: string, text: string, phases: readonly PhaseTitle[]): string {
  const known = new Map(readCompanion(text).phases.map((phase) => [phase.id, phase]))
  let next = text
  for (const { id, title } of phases) {
    const there = known.get(id)
    if (there !== undefined && there.title !== title && title !== '' && isUntouched(there))
      next = retitled(next, id, title)
  }
  const missing = phases.filter(({ id }) => !known.has(id))
  if (missing.length === 0) return next
  const sections = missing.map(({ id, title }) => {
    const section = partsOf(template).phase.replace(/\{\{phase\}\}/g, id)
    return section.replace(/:? ?\{\{phase title\}\}/g, () => (title === '' ? '' : `: ${oneLine(title)}`)).trimEnd()
  })
  return withOverall(`${next.trimEnd()}\n\n${sections.join('\n\n')}`)
}

function isUntouched({ status, commits, tests, details, deviations, bugs, questions }: CompanionPhase): boolean {
  const lists = [commits, deviations, bugs, questions]
  return status === 'PENDING' && `${tests}${details}` === '' && lists.every(({ length }) => length === 0)
}

function retitled(text: string, id: string, title: string): string {
  const place = phaseLines(readLines(text)).find((phase) => phase.id === id)
  if (place === undefined) return text
  const lines = text.split('\n')
  const end = lines[place.start]?.endsWith('\r') ? '\r' : ''
  lines[place.start] = `${'#'.repeat(place.level)} Phase ${id}: ${oneLine(title)}${end}`
  return lines.join('\n')
}

/** The text with what happened. The words of whoever writes never make a heading, a field or a fence of the text. */
export function addEntry(template: string, text: string, entry: CompanionEntry): string {
  let next = withPhases(template, text, [{ id: entry.phase, title: entry.title ?? '' }])
  const edit = (change: (lines: string[], place: PhaseLines, read: readonly Line[]) => void) => {
    const read = readLines(next)
    const place = phaseLines(read).find(({ id }) => id === entry.phase)
    if (place === undefined) return
    const lines = next.split('\n')
    change(lines, place, read)
    next = lines.join('\n')
  }
  const { status, tests, commits = [], deviation } = entry
  if (tests !== undefined) edit((lines, place, read) => setField(lines, read, place, 'Tests', oneLine(tests)))
  if (commits.length > 0) edit((lines, place, read) => addCommits(lines, read, place, commits))
  const added: [Subsection, string | undefined][] = [
    ['details', entry.details],
    [
      'deviations',
      deviation === undefined ? undefined : `${codeSpan(oneLine(deviation.path))}: ${deviation.reason.trim()}`,
    ],
    ['bugs', entry.bug],
    ['questions', entry.question],
  ]
  for (const [name, item] of added) {
    if (item !== undefined && item.trim() !== '') edit((lines, place, read) => addItem(lines, read, place, name, item))
  }
  if (status !== undefined) {
    edit((lines, place, read) => setField(lines, read, place, 'Status', status))
    next = withOverall(next)
  }
  return next
}

/** The status at the top follows from those of the phases. */
function withOverall(text: string): string {
  const { phases } = readCompanion(text)
  const states = phases.map(({ status }) => status)
  const over = states.every((state) => state === 'DONE' || state === 'SKIPPED')
  const overall: PhaseState = over ? 'DONE' : states.includes('BLOCKED') ? 'BLOCKED' : 'IN PROGRESS'
  const lines = text.split('\n')
  const read = readLines(text)
  const first = phaseLines(read)[0]?.start ?? lines.length
  const at = fieldAt(read, 0, first, 'Status')
  if (at < 0) return text
  lines[at] = fieldLine(lines[at] ?? '', overall)
  return lines.join('\n')
}

// --- fields -----------------------------------------------------------------------------------------------------------

function fieldAt(read: readonly Line[], from: number, to: number, name: string): number {
  const pattern = new RegExp(`^\\s*(?:[-*+]\\s+)?(?:\\*\\*)?${name.replace(/s$/, 's?')}\\s*(?:\\*\\*)?\\s*:`, 'i')
  for (let at = from; at < to; at++) {
    const line = read[at]
    if (line?.kind === 'text' && pattern.test(line.text)) return at
  }
  return -1
}

/** The line with another value; how it is written stays. */
function fieldLine(line: string, value: string): string {
  const end = line.endsWith('\r') ? '\r' : ''
  return `${line.slice(0, line.indexOf(':') + 1)}${/^[^:]*:\*\*/.test(line) ? '**' : ''} ${value}`.trimEnd() + end
}

function setField(lines: string[], read: readonly Line[], place: PhaseLines, name: string, value: string): void {
  const at = fieldAt(read, place.start + 1, place.body, name)
  if (at >= 0) lines[at] = fieldLine(lines[at] ?? '', value)
  else insertField(lines, place, `- **${name}:** ${value}`)
}

function insertField(lines: string[], place: PhaseLines, line: string): number {
  let at = place.start + 1
  while (at < place.body && lines[at]?.trim() === '') at++
  if (at === place.start + 1) lines.splice(at++, 0, '')
  const alone = at >= place.body || !/^\s*[-*+] /.test(lines[at] ?? '')
  lines.splice(at, 0, line, ...(alone ? [''] : []))
  return at
}

function addCommits(lines: string[], read: readonly Line[], place: PhaseLines, commits: readonly string[]): void {
  let at = fieldAt(read, place.start + 1, place.body, 'Commits')
  if (at < 0) at = insertField(lines, place, '- **Commits:**')
  let end = at + 1
  while (end < place.body && /^\s+\S/.test(lines[end] ?? '')) end++
  const there = lines.slice(at, end).join('\n')
  const isNew = (commit: string) => !there.includes((/^[0-9a-f]{7,64}/.exec(commit)?.[0] ?? commit).slice(0, 12))
  lines.splice(end, 0, ...commits.filter(isNew).map((commit) => `  - ${oneLine(commit)}`))
}

// --- lists ------------------------------------------------------------------------------------------------------------

function addItem(lines: string[], read: readonly Line[], place: PhaseLines, name: Subsection, item: string): void {
  const bullet = quoted(item)
  const part = place.parts.find((one) => one.name === name)
  if (part !== undefined) {
    const [same = ''] = items(readLines(bullet.join('\n')))
    if (items(read.slice(part.start + 1, part.end)).includes(same)) return
    let end = part.end
    while (end > part.start + 1 && lines[end - 1]?.trim() === '') end--
    const list = read[end - 1]?.kind === 'text' && /^(?:[-*+]\s|\s+\S)/.test(lines[end - 1] ?? '')
    lines.splice(end, 0, ...(list ? [] : ['']), ...bullet)
    return
  }
  const [title] = SUBSECTIONS[name]
  let end = place.end
  while (end > place.start + 1 && lines[end - 1]?.trim() === '') end--
  lines.splice(end, 0, '', `${'#'.repeat(place.level + 1)} ${title}`, '', ...bullet)
}

/**
 * Text as one bullet: what would open a comment or a heading is escaped, and so is a fence, unless it closes again by
 * itself.
 */
function quoted(text: string): string[] {
  const masked = (line: string) => line.replace(/\S/, '\\$&')
  const plain = text.replace(/\r\n?/g, '\n').trim().split('\n')
  const open = plain.map((line, i) => (i > 0 && /^\s*<!--/.test(line) ? masked(line) : line))
  const read = readLines(`- ${open.join('\n')}\n.`)
  const whole = read.at(-1)?.kind === 'text'
  return open.map((line, i) => {
    if (line.trim() === '') return ''
    if (i === 0) return `- ${line}`
    const risky = whole ? read[i]?.kind === 'text' && /^\s*#/.test(line) : /^\s*(?:#|`{3}|~{3})/.test(line)
    return `  ${risky ? masked(line) : line}`
  })
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

// --- several versions ---------------------------------------------------------------------------------------------------

/**
 * What people wrote into it at the same time, as one text: the first with everything that the others have more. How
 * far a phase is, is what the furthest says; of two test counts the other one goes into the details.
 */
export function mergeCompanions(template: string, first: string, others: readonly string[]): string {
  let text = first
  for (const other of others) text = mergeTwo(template, text, other)
  return text
}

function mergeTwo(template: string, mine: string, theirs: string): string {
  const there = readCompanion(theirs)
  let text = withPhases(template, mine, there.phases)
  for (const phase of there.phases) {
    const own = phaseIn(readCompanion(text), phase.id)
    const status = further(own?.status ?? null, phase.status)
    const counts = phase.tests !== '' && phase.tests !== own?.tests
    if (counts && own?.tests !== '')
      text = addEntry(template, text, { phase: phase.id, details: `Tests: ${phase.tests}` })
    text = addEntry(template, text, {
      phase: phase.id,
      ...(status === null ? {} : { status }),
      ...(counts && own?.tests === '' ? { tests: phase.tests } : {}),
      commits: phase.commits,
    })
    for (const [name, list] of Object.entries(itemsOf(theirs, phase.id))) {
      for (const item of list) {
        const read = readLines(text)
        const place = phaseLines(read).find(({ id }) => id === phase.id)
        const lines = text.split('\n')
        if (place !== undefined && !theyHave(read, item)) addItem(lines, read, place, name as Subsection, item)
        text = lines.join('\n')
      }
    }
  }
  return withRest(text, theirs)
}

function phaseIn({ phases }: Companion, id: string) {
  return phases.find((phase) => phase.id === id)
}

function further(a: PhaseState | null, b: PhaseState | null): PhaseState | null {
  const rank = (state: PhaseState | null) => (state === null ? -1 : PHASE_STATES.indexOf(state))
  return rank(b) > rank(a) ? b : a
}

function itemsOf(text: string, id: string): Record<Subsection, string[]> {
  const read = readLines(text)
  const parts = phaseLines(read).find((phase) => phase.id === id)?.parts ?? []
  const of = (name: Subsection) =>
    parts.filter((part) => part.name === name).flatMap(({ start, end }) => items(read.slice(start + 1, end)))
  return { details: of('details'), deviations: of('deviations'), bugs: of('bugs'), questions: of('questions') }
}

function theyHave(read: readonly Line[], item: string): boolean {
  const lines = new Set(read.map(({ text }) => text.trim().replace(/^[-*+]\s+/, '')))
  return item.split('\n').every((line) => line.trim() === '' || lines.has(line.trim()))
}

const FIELD_LINE = /^\s*(?:[-*+]\s+)?(?:\*\*)?(?:status|tests?|started|plan|commits?)\s*(?:\*\*)?\s*:/i

/** Lines of the other text that found no place go to the end, so that none is lost. */
function withRest(text: string, theirs: string): string {
  const bare = (line: string) => line.trim().replace(/^(?:[-*+]\s+|#+\s+|\\)+/, '')
  const have = new Set(text.split('\n').map(bare))
  const lost = readLines(theirs).filter(({ text: line, kind }) => {
    return kind !== 'comment' && line.trim() !== '' && !FIELD_LINE.test(line) && !have.has(bare(line))
  })
  if (lost.length === 0) return text
  const lines = lost.map(({ text: line }) => `    ${line.trim()}`)
  return `${text.trimEnd()}\n\n## Also written\n\n${lines.join('\n')}`
}
