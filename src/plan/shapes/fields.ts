// Labelled lines under a heading or a task (`files: a, b`, `**Depends on:** 1.1`), and the texts of titles.

import { parsePredicate } from '../predicate'
import { plainText, splitList, withoutCodeSpan } from './lines'

const NAMES = {
  files: ['files', 'file', 'touches'],
  read_first: ['read first', 'read_first'],
  depends_on: ['depends on', 'depends_on', 'dependencies', 'needs'],
  acceptance: ['acceptance', 'acceptance criteria', 'success criteria'],
  covers: ['covers', 'requirements'],
  why: ['why', 'reason'],
  commit_prefix: ['commit prefix', 'commit_prefix'],
  goal: ['goal'],
  origin: ['origin trace', 'origin'],
  priority: ['priority'],
  test_cmd: ['test command', 'testcmd'],
} as const
export type FieldName = keyof typeof NAMES

const BY_LABEL = new Map<string, FieldName>(
  Object.entries(NAMES).flatMap(([name, labels]) => labels.map((label) => [label, name as FieldName] as const)),
)

const LABEL =
  /^(?:[-*+]\s+)?(?:\*\*)?([A-Za-z][A-Za-z _]{1,20}?)\s?(?:\*\*)?(?:\s\([^()]{0,60}\))?:(?:\*\*)?(?:\s+(.*))?$/

export interface Fields {
  /** The value on the label's line, and the entries of the list below it. */
  of: (name: FieldName) => readonly string[]
  /** All other lines. */
  rest: string[]
}

/** Reads the labelled lines; a field goes on through the list below it. */
export function fieldsOf(lines: readonly string[]): Fields {
  const fields = new Map<FieldName, string[]>()
  const rest: string[] = []
  let current: string[] | null = null
  for (const line of lines) {
    const trimmed = line.trim()
    const [, label = '', inline = ''] = LABEL.exec(trimmed) ?? []
    const name = BY_LABEL.get(label.toLowerCase())
    const [, entry] = /^(?:[-*+]|\d{1,9}[.)])\s+(.*)$/.exec(trimmed) ?? []
    if (name !== undefined) {
      current = fields.get(name) ?? []
      fields.set(name, current)
      if (inline.trim() !== '') current.push(inline.trim())
    } else if (current !== null && entry !== undefined) current.push(entry)
    else if (trimmed === '') {
      if (current === null) rest.push(line)
    } else {
      current = null
      rest.push(line)
    }
  }
  return { of: (name) => fields.get(name) ?? [], rest }
}

/** Entries that are lists of names or globs, each perhaps several with commas between. */
export function namesIn(entries: readonly string[]): string[] {
  return entries.flatMap((entry) => splitList(plainText(entry)))
}

/** Predicates and prose of acceptance entries, apart. */
export function sortAcceptance(entries: readonly string[]): { predicates: string[]; prose: string[] } {
  const sorted: { predicates: string[]; prose: string[] } = { predicates: [], prose: [] }
  for (const entry of entries) {
    const line = withoutCodeSpan(entry.trim())
    if (line === '') continue
    if ('problem' in parsePredicate(line)) sorted.prose.push(line)
    else sorted.predicates.push(line)
  }
  return sorted
}

/** Longest title: what is beyond belongs in the action. */
const MAX_TITLE = 120

/** A title of one line, and whether it says less than the text did. */
export function titleOf(label: string): { title: string; shortened: boolean } {
  const text = plainText(label).replace(/\s+/g, ' ')
  const [bold = '', name = ''] = /^\*\*([^*]+)\*\*/.exec(text) ?? []
  const after = text.slice(bold.length)
  const stands = /[:.]$/.test(name) || /^\s?[:—–-]/.test(after)
  if (bold !== '' && stands && after.trim() !== '') return { title: name.replace(/[:.]$/, ''), shortened: true }
  const plain = text.replaceAll('**', '')
  if (plain.length <= MAX_TITLE) return { title: plain, shortened: false }
  const sentence = plain.slice(0, MAX_TITLE).lastIndexOf('. ')
  const word = plain.slice(0, MAX_TITLE - 1).lastIndexOf(' ')
  const title = sentence > 20 ? plain.slice(0, sentence) : `${plain.slice(0, word > 20 ? word : MAX_TITLE - 1)}…`
  return { title, shortened: true }
}

/** What a task's action says: its label where the title shortened it, then the lines below. */
export function actionOf(label: string, shortened: boolean, lines: readonly string[]): string {
  return [...(shortened ? [plainText(label)] : []), ...lines].join('\n').trim()
}
