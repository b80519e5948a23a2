// Front matter as other tools write it: names with values, lists, and lists of small records. The rest of YAML is passed over.

import type { Line } from './lines'
import { splitList } from './lines'

export type FrontValue = string | (string | Record<string, string>)[] | Front
export interface Front {
  [name: string]: FrontValue
}

const ENTRY = /^([A-Za-z_][\w-]{0,60})\s*:(?:\s+(.*))?$/

/** What stands between the two `---`; nothing when there is none. Two levels of names, as the formats that we read have. */
export function frontOf(lines: readonly Line[]): Front {
  const front: Front = Object.create(null) as Front
  let outer: Front = front
  let name: string | null = null
  let outerIndent = 0
  for (const { kind, text } of lines) {
    if (kind !== 'front') break
    const trimmed = text.trim()
    if (trimmed === '' || trimmed === '---' || trimmed.startsWith('#')) continue
    const indent = text.length - text.trimStart().length
    if (trimmed.startsWith('- ') || trimmed === '-') {
      if (name !== null) addEntry(outer, name, trimmed.slice(1).trim())
      continue
    }
    const [, key, value = ''] = ENTRY.exec(trimmed) ?? []
    if (key === undefined) continue
    if (indent > outerIndent && name !== null && continuesRecord(outer, name, key, value)) continue
    if (indent === 0) {
      outer = front
      outerIndent = 0
    } else if (outer === front && name !== null && front[name] === '') {
      outer = Object.create(null) as Front
      front[name] = outer
      outerIndent = indent
    }
    outer[key] = scalar(value)
    name = key
  }
  return front
}

/** `- text`, or the first field of a record: `- path: src/a.ts`. */
function addEntry(outer: Front, name: string, entry: string): void {
  const [, key, value = ''] = ENTRY.exec(entry) ?? []
  const known = outer[name]
  const list = Array.isArray(known) ? known : []
  outer[name] = list
  list.push(key === undefined ? unquote(entry) : { [key]: unquote(value) })
}

/** A further field of the last record of a list. */
function continuesRecord(outer: Front, name: string, key: string, value: string): boolean {
  const list = outer[name]
  const last = Array.isArray(list) ? list.at(-1) : undefined
  if (typeof last !== 'object') return false
  last[key] = unquote(value)
  return true
}

function scalar(value: string): string | string[] {
  const text = unquote(value)
  const [, inner] = /^\[(.*)\]$/.exec(text) ?? []
  return inner === undefined ? text : splitList(inner).map(unquote)
}

function unquote(value: string): string {
  const text = value.trim()
  const [, quoted] = /^(?:"([^"]*)"|'([^']*)')(?:\s+#.*)?$/.exec(text)?.filter((part) => part !== undefined) ?? []
  if (quoted !== undefined) return quoted
  const comment = text.indexOf(' #')
  return comment < 0 ? text : text.slice(0, comment).trim()
}

/** A value as texts: a list, or the one text that it is. */
export function textsOf(value: FrontValue | undefined): string[] {
  if (typeof value === 'string') return splitList(value)
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

/** A value as records. */
export function recordsOf(value: FrontValue | undefined): Record<string, string>[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object') : []
}

/** A nested name. */
export function within(front: Front, name: string, inner: string): FrontValue | undefined {
  const value = front[name]
  return typeof value === 'object' && !Array.isArray(value) ? value[inner] : undefined
}
