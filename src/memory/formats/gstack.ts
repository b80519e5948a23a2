// gstack's learnings.jsonl: one JSON object per line, appended; of the same key and type the newest counts.

import { fieldProblem } from '../fields'
import type { Portable } from '../schema'
import { distinctKeys, entryFrom, type Format, inOrder, isRecord, jsonLines, keyFromName, type Parsed } from './common'

/** First word of our keys → the type that says the same. */
const TYPE_OF: Readonly<Record<string, string>> = {
  gotchas: 'pitfall',
  decisions: 'architecture',
  conventions: 'pattern',
  preferences: 'preference',
  tools: 'tool',
  ops: 'operational',
}

/** Fields that our own carry; all others travel along as they are. */
const OURS = ['key', 'insight', 'confidence', 'files', 'ts']

type Line = Record<string, unknown> & { key: string; type: string; insight: string }

export const gstack: Format = {
  title: 'gstack (learnings.jsonl)',
  exact: false,
  shape: 'file',

  fits: ([file]) =>
    file !== undefined &&
    jsonLines(file)
      .slice(0, 20)
      .some(({ value }) => isLine(value)),

  parse(files) {
    const parsed: Parsed = { entries: [], skipped: [] }
    const newest = new Map<string, { where: string; line: Line }>()
    for (const { where, value } of files.flatMap(jsonLines)) {
      if (!isLine(value)) {
        parsed.skipped.push({ where, why: typeof value === 'string' ? value : 'it has no "key", "type" and "insight"' })
        continue
      }
      const id = `${value.key}|${value.type}`
      const former = newest.get(id)
      const later = former === undefined || timeOf(value) > timeOf(former.line)
      const [kept, passed] = later ? [{ where, line: value }, former] : [former, { where, line: value }]
      newest.set(id, kept)
      if (passed !== undefined) parsed.skipped.push({ where: passed.where, why: `${kept.where} replaces it` })
    }
    const distinct = distinctKeys()
    for (const [id, { where, line }] of newest) {
      const read = portable(line, distinct(keyFromName(`learnings/${line.type}/${line.key}`), id))
      if ('why' in read) parsed.skipped.push({ where, why: read.why })
      else parsed.entries.push(read.entry)
    }
    return parsed
  },

  render: (entries) => [
    {
      path: 'learnings.jsonl',
      text: inOrder(entries)
        .map((entry) => `${JSON.stringify(line(entry))}\n`)
        .join(''),
    },
  ],
}

function isLine(value: unknown): value is Line {
  return (
    isRecord(value) &&
    [value.key, value.type, value.insight].every((field) => typeof field === 'string' && field !== '')
  )
}

/** As gstack compares them: a line without a time never replaces one that has one. */
function timeOf({ ts }: Line): number {
  const time = typeof ts === 'string' ? Date.parse(ts) : Number.NaN
  return Number.isNaN(time) ? 0 : time
}

function portable(line: Line, key: string): ReturnType<typeof entryFrom> {
  const points = typeof line.confidence === 'number' ? Math.min(Math.max(line.confidence, 0), 10) : 5
  const stated = line.source === 'user-stated'
  const files = Array.isArray(line.files) ? line.files.filter((file) => typeof file === 'string') : []
  const paths = files.filter((file) => fieldProblem({ paths: [file] }) === null)
  const rest = Object.fromEntries(Object.entries(line).filter(([name]) => !OURS.includes(name)))
  return entryFrom({
    key,
    text: line.insight,
    state: stated ? 'CONFIRMED' : points > 3 ? 'INFERRED' : 'UNCERTAIN',
    confidence: points / 10,
    source: { kind: 'import', tool: 'gstack', ...(typeof line.source === 'string' ? { from: line.source } : {}) },
    paths,
    // What nobody stated loses a point every 30 days there; half of it is gone after 15 days for each point.
    ...(stated || points === 0 ? {} : { decay: points * 15 }),
    ...(timeOf(line) > 0 ? { at: line.ts } : {}),
    gstack: { ...rest, key: line.key, ...(paths.length === files.length ? {} : { files }) },
  })
}

function line(entry: Portable): Record<string, unknown> {
  const { files, key, ...kept } = isRecord(entry.gstack) ? entry.gstack : own(entry)
  return {
    skill: 'dstack',
    ...kept,
    key: typeof key === 'string' ? key : entry.key.replace(/[^A-Za-z0-9_-]+/g, '-'),
    insight: entry.text,
    confidence: Math.min(Math.max(Math.round(entry.confidence * 10), 1), 10),
    ...(files !== undefined ? { files } : entry.paths.length === 0 ? {} : { files: entry.paths }),
    ...(entry.at === undefined ? {} : { ts: entry.at }),
  }
}

/** What gstack wants to know of an entry that it never saw. */
function own(entry: Portable): Record<string, unknown> {
  const [first = ''] = entry.key.split('/')
  const stated = entry.source.kind === 'person' && entry.state === 'CONFIRMED'
  const source = stated ? 'user-stated' : entry.source.kind === 'person' ? 'observed' : 'inferred'
  return { type: TYPE_OF[first] ?? 'pattern', source, trusted: stated }
}
