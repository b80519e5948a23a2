// The original dstack's fields: `memory export` prints a list of them, its file backend keeps one per file in folders.

import type { Portable, State } from '../schema'
import {
  distinctKeys,
  entryFrom,
  type FileText,
  type Format,
  inOrder,
  isRecord,
  keyFromName,
  type Parsed,
  readJson,
} from './common'

interface Field {
  path: string
  value: unknown
  confidence?: unknown
  source?: unknown
  updated_at?: unknown
}

/** Where a field without a time of its own was never written by the original: it needs one to read the file. */
const NO_TIME = '1970-01-01T00:00:00Z'

export const dstack: Format = {
  title: 'dstack (JSON fields)',
  exact: false,
  shape: 'file',

  fits: (files) => files.length > 0 && files.some((file) => fieldsOf(file).some(isField)),

  parse(files) {
    const parsed: Parsed = { entries: [], skipped: [] }
    const distinct = distinctKeys()
    for (const file of files.filter(({ path }) => files.length === 1 || path.endsWith('.json'))) {
      const read = readJson(file.text)
      if ('why' in read) parsed.skipped.push({ where: file.path, why: read.why })
      for (const [i, field] of fieldsOf(file).entries()) {
        const entry = isField(field) ? portable(field, distinct) : { why: 'it has no "path" and "value"' }
        const name = isField(field) ? field.path.slice(0, 200) : `field ${i + 1}`
        if ('why' in entry) parsed.skipped.push({ where: `${file.path}: ${name}`, why: entry.why })
        else parsed.entries.push(entry.entry)
      }
    }
    return parsed
  },

  render: (entries) => [{ path: 'memory.json', text: `${JSON.stringify(inOrder(entries).map(field), null, 2)}\n` }],
}

function fieldsOf(file: FileText): unknown[] {
  if (!/^\s*[[{]/.test(file.text)) return []
  const read = readJson(file.text)
  if ('why' in read) return []
  return Array.isArray(read.value) ? read.value : [read.value]
}

function isField(value: unknown): value is Field {
  return isRecord(value) && typeof value.path === 'string' && value.path !== '' && 'value' in value
}

function portable(field: Field, distinct: ReturnType<typeof distinctKeys>): ReturnType<typeof entryFrom> {
  // Outside of 0 to 1 the original itself takes the nearer end; without one it says 0.5.
  const given = typeof field.confidence === 'number' ? field.confidence : 0.5
  const confidence = Math.min(Math.max(given, 0), 1)
  const wanted = keyFromName(field.path)
  const key = distinct(wanted, field.path)
  const text = typeof field.value === 'string' ? field.value : JSON.stringify(field.value, null, 2)
  return entryFrom({
    key,
    text: text ?? '',
    state: stateOf(confidence),
    confidence,
    source: { kind: 'import', tool: 'dstack', ...(typeof field.source === 'string' ? { from: field.source } : {}) },
    ...(typeof field.updated_at === 'string' && !Number.isNaN(Date.parse(field.updated_at))
      ? { at: field.updated_at }
      : {}),
    ...(key === field.path ? {} : { dstack: { path: field.path } }),
  })
}

/** It knows confidence only. People set it to 0 where something proved wrong; nobody confirms anything. */
function stateOf(confidence: number): State {
  if (confidence === 0) return 'UNKNOWN'
  return confidence > 0.5 ? 'INFERRED' : 'UNCERTAIN'
}

function field(entry: Portable): Field {
  const { key, text, confidence, source, at } = entry
  const kept = isRecord(entry.dstack) && typeof entry.dstack.path === 'string' ? entry.dstack.path : key
  const words = { person: 'user', agent: source.tool ?? 'agent', import: source.from ?? source.tool ?? 'import' }
  return { path: kept, value: text, confidence, source: words[source.kind], updated_at: at ?? NO_TIME }
}
