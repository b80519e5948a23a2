// Our own JSON: every field of every entry, so that an export can be imported anywhere and exported again as it was.

import { PORTABLE_FIELDS } from '../head'
import type { Portable } from '../schema'
import { entryFrom, type FileText, type Format, inOrder, isRecord, type Parsed, readJson, type Skipped } from './common'

/** Goes up when an older git dstack could not read what is written. */
const VERSION = 1

export const json: Format = {
  title: 'git dstack (JSON)',
  exact: true,
  shape: 'file',

  fits: ([file]) => file !== undefined && /^\s*\{/.test(file.text) && content(file) !== null,

  parse(files) {
    const entries: Portable[] = []
    const skipped: Skipped[] = []
    for (const file of files) {
      const read = readJson(file.text)
      if ('why' in read) return { refused: 'BAD_TEXT', message: `${file.path} cannot be read: ${read.why}.` }
      const version = isRecord(read.value) ? read.value.v : undefined
      if (typeof version === 'number' && version > VERSION) {
        return {
          refused: 'TOO_NEW',
          message: `${file.path} was written in format ${version}; this git dstack reads up to ${VERSION}.`,
          hint: 'Upgrade git dstack, or export again with the older one.',
        }
      }
      const found = content(file)
      if (found === null) return { refused: 'BAD_TEXT', message: `${file.path} holds no "entries".` }
      collect(file, found, { entries, skipped })
    }
    return { entries, skipped }
  },

  render: (entries) => [
    {
      path: 'memory.json',
      text: `${JSON.stringify({ v: VERSION, entries: inOrder(entries).map(ordered) }, null, 2)}\n`,
    },
  ],
}

function content(file: FileText): unknown[] | null {
  const read = readJson(file.text)
  if ('why' in read || !isRecord(read.value)) return null
  const { v, entries } = read.value
  return typeof v === 'number' && Array.isArray(entries) ? entries : null
}

function collect(file: FileText, found: readonly unknown[], { entries, skipped }: Parsed): void {
  for (const [i, value] of found.entries()) {
    const read = isRecord(value) ? entryFrom(value) : { why: 'it is no JSON object' }
    const name = isRecord(value) && typeof value.key === 'string' ? value.key.slice(0, 200) : `entry ${i + 1}`
    if ('why' in read) skipped.push({ where: `${file.path}: ${name}`, why: read.why })
    else entries.push(read.entry)
  }
}

/** Known fields in the order of the schema, then the others by name: a diff of two exports shows only what changed. */
function ordered(entry: Portable): Record<string, unknown> {
  const others = Object.keys(entry)
    .filter((name) => !PORTABLE_FIELDS.includes(name))
    .sort()
  return Object.fromEntries([...PORTABLE_FIELDS, ...others].map((name) => [name, entry[name]]))
}
