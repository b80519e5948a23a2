// TASK.xml: one `<task>`, or several in a `<tasks>`; children name, files, read_first, action, acceptance, verify, done, commit_prefix.

import { LEAF_ID, TASK_ID } from '../schema'
import { fieldsOf, namesIn, sortAcceptance, titleOf } from './fields'
import { splitList, withoutCodeSpan } from './lines'
import { type Found, plainPhase } from './markdown'
import type { Draft } from './numbering'
import { dedent, type PlanText } from './text'
import type { Problem, ReadFeature } from './types'
import { type Element, parseXml } from './xml'

const CHILDREN = [
  'name',
  'files',
  'read_first',
  'action',
  'acceptance',
  'verify',
  'done',
  'commit_prefix',
  'depends_on',
  'covers',
  'why',
]

export function readTaskXml(plan: PlanText, warnings: string[]): Found | Problem {
  const root = parseXml(plan.text)
  if ('problem' in root) return root
  if (root.name !== 'task' && root.name !== 'tasks')
    return { problem: `The XML begins with <${root.name}>, not with <task> or <tasks>.` }
  const elements = root.name === 'task' ? [root] : root.children
  const drafts: Draft[] = []
  for (const [i, element] of elements.entries()) {
    if (element.name !== 'task') return { problem: `In <tasks> stands a <${element.name}>; only <task> belongs there.` }
    const draft = taskOf(element, warnings)
    if (draft === null) return { problem: `Task ${i + 1} of the XML has no <name>.` }
    drafts.push(draft)
  }
  const leaves = [...new Set(drafts.map(({ leaf }) => leaf))].sort((a, b) => byNumber(a, b))
  const features: ReadFeature[] = []
  for (const leaf of leaves) {
    const n = Number(leaf.split('.')[0])
    const feature = features.find((known) => known.n === n)
    const phase = plainPhase(leaf, root.attributes.title ?? `Phase ${leaf}`, n)
    if (feature === undefined)
      features.push({ n, title: root.attributes.title ?? 'Full plan', acceptance: [], phases: [phase] })
    else feature.phases.push(phase)
  }
  return { title: root.attributes.title ?? (drafts.length === 1 ? (drafts[0]?.title ?? '') : ''), features, drafts }
}

function byNumber(a: string, b: string): number {
  const [x = 0, y = 0] = a.split('.').map(Number)
  const [v = 0, w = 0] = b.split('.').map(Number)
  return x - v || y - w
}

function taskOf(element: Element, warnings: string[]): Draft | null {
  const texts = new Map<string, string[]>()
  for (const child of element.children) {
    if (!CHILDREN.includes(child.name)) warnings.push(`<${child.name}> in a task is not known and was passed over.`)
    const known = texts.get(child.name) ?? []
    texts.set(child.name, known)
    known.push(
      ...(child.name === 'verify' ? [] : [child.text]),
      ...child.children.filter(({ name }) => name !== 'automated').map(({ text }) => text),
    )
  }
  const verify = element.children.filter(({ name }) => name === 'verify')
  return taskFrom({
    attributes: element.attributes,
    lines: (name) => (texts.get(name) ?? []).flatMap(entries),
    text: (name) => (texts.get(name) ?? []).map((text) => dedent(text.split(/\r?\n/)).join('\n')).join('\n'),
    automated: verify.flatMap(({ children }) =>
      children.filter(({ name }) => name === 'automated').map(({ text }) => text),
    ),
    verify: verify.flatMap(({ text }) => entries(text)),
  })
}

/** Lines of an element, without bullets. */
export function entries(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/^[-*+]\s+(?:\[[ xX]\]\s+)?/, ''))
    .filter((line) => line !== '')
}

/** What both kinds of `<task>` (strict XML, and GSD's in Markdown) offer. */
export interface TaskSource {
  attributes: Record<string, string>
  /** Lines of a child, without bullets. */
  lines: (name: string) => string[]
  /** Text of a child. */
  text: (name: string) => string
  /** Commands of `<verify><automated>`. */
  automated: readonly string[]
  /** The rest of `<verify>`, by lines. */
  verify: readonly string[]
}

/**
 * A draft from a task element; null without a name. What can be run becomes a predicate: lines that are one, and the
 * commands in `<automated>`, which must exit with 0. Lines of `<acceptance>` stay as they are; other prose goes to the
 * action.
 */
export function taskFrom({ attributes, lines, text, automated, verify }: TaskSource): Draft | null {
  const [label] = lines('name')
  if (label === undefined) return null
  const id = (attributes.id ?? '').toUpperCase()
  const { title } = titleOf(label.replace(/^task\s+\d{1,3}\s*:\s*/i, ''))
  const checks = sortAcceptance([...verify, ...lines('done')])
  const commands = automated.flatMap(entries).map((command) => `exit 0 : ${withoutCodeSpan(command)}`)
  const prose = checks.prose.length === 0 ? [] : ['', 'Done when:', ...checks.prose.map((line) => `- ${line}`)]
  const [prefix] = lines('commit_prefix')
  const why = lines('why').join(' ')
  const leaf = TASK_ID.exec(id)?.[1] ?? (LEAF_ID.test(attributes.leaf ?? '') ? (attributes.leaf ?? '') : '1.1')
  return {
    ...(TASK_ID.test(id) ? { id } : attributes.id === undefined ? {} : { source_id: attributes.id }),
    title,
    leaf,
    files: pathsOf(lines('files')),
    read_first: pathsOf(lines('read_first')),
    depends_on: lines('depends_on').flatMap(splitList),
    acceptance: [...new Set([...lines('acceptance').map(withoutCodeSpan), ...commands, ...checks.predicates])],
    covers: lines('covers').flatMap(splitList),
    ...(why === '' ? {} : { why }),
    action: [text('action'), ...prose].join('\n').trim(),
    ...(prefix === undefined ? {} : { commit_prefix: prefix }),
    status: attributes.status === 'done' ? 'done' : 'pending',
  }
}

/** Paths with commas between, or one per line; words in parentheses behind one are a remark. */
function pathsOf(lines: readonly string[]): string[] {
  const { of, rest } = fieldsOf(lines)
  return [...namesIn(of('files')), ...rest.flatMap(splitList)].map((path) => path.replace(/\s\([^()]{0,200}\)$/, ''))
}
