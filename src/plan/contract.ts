// The contract of a piece of work as readable Markdown: text to value and back, what is wrong with it, and what pins a leaf.

import { parsePredicate } from './predicate'
import type { Contract, Issue, LeafSpec } from './schema'
import { LEAF_ID } from './schema'
import {
  closesFence,
  codeSpan,
  fenceOf,
  headingOf,
  type Line,
  readLines,
  splitList,
  withoutCodeSpan,
} from './shapes/lines'

/** Every field that is a list, by its label; the second says that its items are for machines and stand in code spans. */
const LISTS = {
  deliverables: ['Deliverables', false],
  in_scope: ['In scope', true],
  out_of_scope: ['Out of scope', true],
  provides: ['Provides', false],
  must_keep: ['Must keep', false],
  acceptance: ['Acceptance', true],
} as const
type ListName = keyof typeof LISTS

const VALUES = {
  goal: 'Goal',
  repo: 'Repo',
  depends_on: 'Depends on',
  risk: 'Risk',
  engine: 'Engine',
  hitl: 'Hitl',
  est_tasks: 'Tasks (estimate)',
  notes: 'Notes',
} as const
type ValueName = keyof typeof VALUES

/** Other ways to write a label. */
const ALSO: Record<string, ListName | ValueName> = {
  repository: 'repo',
  'estimated tasks': 'est_tasks',
  tasks: 'est_tasks',
}

const LABELS = new Map<string, ListName | ValueName>([
  ...Object.entries(LISTS).map(([name, [label]]) => [label.toLowerCase(), name as ListName] as const),
  ...Object.entries(VALUES).map(([name, label]) => [label.toLowerCase(), name as ValueName] as const),
  ...Object.entries(ALSO),
])

type Structure =
  | { is: 'title'; title: string }
  | { is: 'leaf'; id: string; title: string; level: number }
  | { is: 'section' }
  | { is: 'label'; name: ListName | ValueName; rest: string; level?: number }

/** What a leaf, or the whole, is while its lines are read. */
interface Draft {
  id: string
  /** Of its heading. */
  level: number
  title: string
  values: Partial<Record<ValueName, string>>
  lists: Partial<Record<ListName, string[]>>
}

/**
 * Reads a contract: `# Decomposition: <title>`, what belongs to the whole, and a section `## Leaf X.Y: <title>` for
 * each leaf. Case, order, bold labels and labels as headings are free; fenced blocks (outside of notes) and comments
 * are passed over. It never refuses: `contractIssues` says what is missing.
 */
export function parseContract(markdown: string): Contract {
  const whole: Draft = { id: '', level: 1, title: '', values: {}, lists: {} }
  const leaves: Draft[] = []
  let draft: Draft | null = whole
  let field: ListName | ValueName | null = null
  for (const line of readLines(markdown)) {
    const structure = structureOf(line)
    if (structure === null) {
      if (draft === null || field === null || line.kind === 'comment') continue
      if (field === 'notes') draft.values.notes += `\n${unescapeLine(line)}`
      else if (line.kind === 'text') field = continueField(draft, field, line.text)
      continue
    }
    field = null
    if (structure.is === 'title') {
      draft = whole
      whole.title ||= structure.title
    } else if (structure.is === 'leaf') {
      draft = { ...structure, values: {}, lists: {} }
      leaves.push(draft)
    } else if (structure.is === 'section') draft = null
    else {
      // A label that is a heading as high as the leaf's own is no longer the leaf's.
      if (structure.level !== undefined && structure.level <= (draft?.level ?? 2)) draft = whole
      if (draft === null) continue
      field = structure.name
      startField(draft, field, structure.rest)
    }
  }
  return {
    title: whole.title,
    goal: whole.values.goal ?? '',
    leaves: leaves.map(leafOf),
    acceptance: whole.lists.acceptance ?? [],
  }
}

/** Which line begins something, and what. */
function structureOf(line: Line): Structure | null {
  const head = headingOf(line)
  if (head === null) return labelOf(line)
  const { level, heading } = head
  const [, id, title = ''] = /^leaf\s+(\d+\.\d+|[^\s:]+)\s*[:.–—-]?(?:\s+(.*))?$/i.exec(heading) ?? []
  if (id !== undefined) return { is: 'leaf', id, title: title.trim(), level }
  const named = LABELS.get(heading.replace(/:$/, '').toLowerCase())
  if (named !== undefined) return { is: 'label', name: named, rest: '', level }
  if (level === 1) return { is: 'title', title: heading.replace(/^(?:decomposition|contract)\s*:\s*/i, '') }
  return level === 2 ? { is: 'section' } : null
}

/** `Goal: …`, `**Goal:** …`, `**Goal**: …`. */
function labelOf(line: Line): Structure | null {
  if (line.kind !== 'text') return null
  const [, bold, label = '', rest = ''] =
    /^\s{0,3}(\*\*)?([A-Za-z][A-Za-z ()]{2,20}?)\s?(?:\*\*)?:(.*)$/.exec(line.text) ?? []
  const name = LABELS.get(label.toLowerCase())
  if (name === undefined) return null
  return { is: 'label', name, rest: (bold === undefined ? rest : rest.replace(/^\*\*/, '')).trim() }
}

function isList(name: ListName | ValueName): name is ListName {
  return Object.hasOwn(LISTS, name)
}

function startField(draft: Draft, name: ListName | ValueName, rest: string): void {
  if (!isList(name)) draft.values[name] = rest
  else {
    const items =
      name === 'in_scope' || name === 'out_of_scope' ? splitList(rest) : rest === '' ? [] : [withoutCodeSpan(rest)]
    const none = items.length === 1 && /^none$/i.test(items[0] ?? '')
    draft.lists[name] = [...(draft.lists[name] ?? []), ...(none ? [] : items)]
  }
}

/** Takes a line into the field; gives the field that the next line may continue. */
function continueField(draft: Draft, name: ListName | ValueName, text: string): ListName | ValueName | null {
  const trimmed = text.trim()
  const [bullet] = /^(?:[-*+]|\d{1,9}[.)])(?=\s|$)/.exec(trimmed) ?? []
  const item = bullet === undefined ? '' : trimmed.slice(bullet.length).trim()
  if (!isList(name)) {
    const value = draft.values[name] ?? ''
    const listed = name === 'depends_on' && item !== ''
    if (trimmed === '') return value === '' ? name : null
    if (value !== '' && name !== 'goal' && !listed) return null
    draft.values[name] = listed ? `${value}, ${item}` : `${value} ${trimmed}`.trim()
    return name
  }
  const items = draft.lists[name] ?? []
  draft.lists[name] = items
  if (item !== '') items.push(withoutCodeSpan(item))
  else if (bullet === undefined && trimmed !== '' && /^\s/.test(text))
    items.push(`${items.pop() ?? ''} ${trimmed}`.trim())
  return name
}

function leafOf({ id, title, values, lists }: Draft): LeafSpec {
  const { goal = '', repo, depends_on = '', risk = '', engine, hitl, est_tasks, notes } = values
  const given = risk.toLowerCase()
  const count = /^\d{1,4}/.exec(est_tasks ?? '')?.[0]
  const text = notes?.replace(/^(?:[ \t]*\n)+/, '').trimEnd()
  return {
    id,
    title,
    goal,
    ...(repo ? { repo: withoutCodeSpan(repo) } : {}),
    deliverables: lists.deliverables ?? [],
    in_scope: lists.in_scope ?? [],
    out_of_scope: lists.out_of_scope ?? [],
    provides: lists.provides ?? [],
    must_keep: lists.must_keep ?? [],
    depends_on: splitList(depends_on).map((name) => name.replace(/^leaf\s+/i, '')),
    acceptance: lists.acceptance ?? [],
    ...(engine ? { engine: withoutCodeSpan(engine) } : {}),
    ...(/^(?:yes|on|true|no|off|false)$/i.test(hitl ?? '') ? { hitl: /^(?:yes|on|true)$/i.test(hitl ?? '') } : {}),
    risk: given === 'low' || given === 'high' ? given : 'mid',
    ...(count === undefined ? {} : { est_tasks: Number(count) }),
    ...(text ? { notes: text } : {}),
  }
}

/** The contract as Markdown; `parseContract` reads the same from it. */
export function formatContract(contract: Contract): string {
  const { title, goal, acceptance, leaves } = contract
  const parts = [`# Decomposition:${heading(title)}`, `Goal: ${goal}`.trimEnd(), list('acceptance', acceptance)]
  return `${[...parts, ...leaves.map(formatLeaf)].join('\n\n')}\n`
}

function formatLeaf(leaf: LeafSpec): string {
  const values = [
    `Goal: ${leaf.goal}`.trimEnd(),
    ...(leaf.repo === undefined ? [] : [`Repo:${value(leaf.repo)}`]),
    `Depends on: ${leaf.depends_on.join(', ') || 'none'}`,
    `Risk: ${leaf.risk}`,
    ...(leaf.engine === undefined ? [] : [`Engine:${value(leaf.engine)}`]),
    ...(leaf.hitl === undefined ? [] : [`Hitl: ${leaf.hitl ? 'yes' : 'no'}`]),
    ...(leaf.est_tasks === undefined ? [] : [`Tasks (estimate): ${leaf.est_tasks}`]),
  ]
  const names = Object.keys(LISTS) as ListName[]
  const lists = names.filter((name) => leaf[name].length > 0).map((name) => list(name, leaf[name]))
  const notes = leaf.notes === undefined ? [] : [`Notes:\n\n${escapeNotes(leaf.notes)}`]
  return [`## Leaf ${leaf.id}:${heading(leaf.title)}`, values.join('\n'), ...lists, ...notes].join('\n\n')
}

/** A run of `#` at a heading's end is decoration, unless another one follows. */
function heading(text: string): string {
  return text === '' ? '' : ` ${text}${/(?:^|\s)#+$/.test(text) ? ' #' : ''}`
}

function value(text: string): string {
  return text === '' ? '' : ` ${withoutCodeSpan(text) === text ? text : codeSpan(text)}`
}

function list(name: ListName, items: readonly string[]): string {
  const [label, machine] = LISTS[name]
  const bullets = items.map((item) => `- ${machine || withoutCodeSpan(item) !== item ? codeSpan(item) : item}`)
  return [`${label}:`, ...bullets].join('\n')
}

/** Indentation, backslashes before the first sign, and what the line would begin without them. */
function escapesOf(text: string): { indent: string; slashes: string; rest: string; begins: 'fence' | 'other' | null } {
  const [, indent = '', slashes = '', rest = ''] = /^([ \t]*)(\\*)(.*)$/s.exec(text) ?? []
  const [line] = readLines(`${indent}${rest}`)
  if (line === undefined) return { indent, slashes, rest, begins: null }
  const begins = line.kind === 'code' ? 'fence' : line.kind === 'text' && structureOf(line) === null ? null : 'other'
  return { indent, slashes, rest, begins }
}

/** Notes with a backslash before each line that would end them. A fence that is never closed would, too. */
function escapeNotes(notes: string): string {
  const { text, open } = escapeLines(notes, false)
  return open ? escapeLines(notes, true).text : text
}

function escapeLines(notes: string, fencesToo: boolean): { text: string; open: boolean } {
  let fence = ''
  const lines = notes.split('\n').map((line) => {
    if (fence !== '') {
      if (closesFence(fence, line.trim())) fence = ''
      return line
    }
    const { indent, slashes, rest, begins } = escapesOf(line)
    if (begins === 'fence' && slashes === '' && !fencesToo) fence = fenceOf(line.trim())
    else if (begins !== null) return `${indent}\\${slashes}${rest}`
    return line
  })
  return { text: lines.join('\n'), open: fence !== '' }
}

function unescapeLine(line: Line): string {
  if (line.kind !== 'text') return line.text
  const { indent, slashes, rest, begins } = escapesOf(line.text)
  return begins === null ? line.text : `${indent}${slashes.slice(1)}${rest}`
}

/** Canonical JSON of a leaf (names sorted, nothing that its progress changes): its hash pins the leaf. */
export function leafText(leaf: LeafSpec): string {
  const fields = Object.entries(leaf).filter(([, value]) => value !== undefined)
  return JSON.stringify(Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Title of the leaf in templates/CONTRACT.md: a contract that has it was not written yet. */
export const EXAMPLE_LEAF = 'Name the first piece of work'

/** What keeps a contract from being approved (rule E2): severity `error` each. */
export function contractIssues(contract: Contract): Issue[] {
  const { title, goal, leaves, acceptance } = contract
  const issues: Issue[] = []
  const add = (rule: string, where: string, message: string) => {
    issues.push({ severity: 'error', rule, message, where })
  }
  if (title === '') add('no-title', 'contract', 'The contract has no title: begin it with `# Decomposition: <title>`.')
  if (goal === '')
    add('no-goal', 'contract', 'The contract has no goal: say in one `Goal:` what is true when it is done.')
  if (leaves.length === 0) add('no-leaf', 'contract', 'The contract has no leaf: add a section `## Leaf 1.1: <title>`.')
  if (/(?![\t\n])\p{Cc}/u.test(formatContract(contract))) {
    add('control-character', 'contract', 'The contract has a control character, which a reader may not see.')
  }
  const ids = new Set<string>()
  const checkPredicates = (where: string, lines: readonly string[]) => {
    for (const line of lines) {
      const predicate = parsePredicate(line)
      if ('problem' in predicate) add('bad-predicate', where, `${shown(line)} can't be checked. ${predicate.problem}`)
    }
  }
  checkPredicates('contract', acceptance)
  for (const leaf of leaves) {
    const where = leaf.id
    if (!LEAF_ID.test(leaf.id)) add('bad-id', where, `Leaf "${leaf.id}" needs an id of two numbers, like 1.2.`)
    if (ids.has(leaf.id)) add('duplicate-id', where, `Two leaves are called ${leaf.id}.`)
    ids.add(leaf.id)
    for (const [missing, rule, message] of missingOf(leaf)) if (missing) add(rule, where, message)
    checkPredicates(where, leaf.acceptance)
  }
  for (const leaf of leaves) {
    for (const id of leaf.depends_on) {
      if (!ids.has(id))
        add('unknown-dependency', leaf.id, `Leaf ${leaf.id} depends on ${id}, which is not in the contract.`)
    }
  }
  const cycle = cycleOf(new Map(leaves.map((leaf) => [leaf.id, leaf.depends_on])))
  if (cycle !== null) add('cycle', cycle[0] ?? '', `Leaves wait for each other: ${cycle.join(' → ')}.`)
  return issues
}

function missingOf(leaf: LeafSpec): [boolean, string, string][] {
  const { id } = leaf
  return [
    [leaf.title === '', 'no-title', `Leaf ${id} has no title.`],
    [leaf.title === EXAMPLE_LEAF, 'example', `Leaf ${id} is still the example of the template.`],
    [leaf.goal === '', 'no-goal', `Leaf ${id} has no goal.`],
    [leaf.deliverables.length === 0, 'no-deliverable', `Leaf ${id} lists no deliverable.`],
    [leaf.in_scope.length === 0, 'no-scope', `Leaf ${id} says in no glob what it may change (\`In scope:\`).`],
    [
      leaf.acceptance.length === 0,
      'no-predicate',
      `Leaf ${id} has no acceptance predicate, so nothing can tell when it is done.`,
    ],
  ]
}

function shown(line: string): string {
  return `"${line.length > 80 ? `${line.slice(0, 79)}…` : line}"`
}

/** A cycle as the path that closes it (`1.1`, `1.2`, `1.1`), or null. Without recursion: a contract comes from anybody. */
function cycleOf(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>()
  for (const start of graph.keys()) {
    const path: { id: string; next: number }[] = [{ id: start, next: 0 }]
    const onPath = new Set([start])
    while (path.length > 0) {
      const top = path.at(-1)
      if (top === undefined) break
      const to = graph.get(top.id)?.[top.next++]
      if (to === undefined || done.has(top.id)) {
        done.add(top.id)
        onPath.delete(top.id)
        path.pop()
      } else if (onPath.has(to)) return [...path.slice(path.findIndex(({ id }) => id === to)).map(({ id }) => id), to]
      else if (!done.has(to)) {
        onPath.add(to)
        path.push({ id: to, next: 0 })
      }
    }
  }
  return null
}
