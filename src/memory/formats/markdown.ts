// A folder of Markdown: `<key>.md` with the front matter that documents have in the store, readable by any notes program.

import { encodeDocument, parseDocument } from '../../store/document'
import type { Doc, Json } from '../../store/schema'
import { frontMatter, placeOf } from '../forms'
import { isScope, isState } from '../head'
import { entryFrom, type FileText, type Format, inOrder, isRecord, keyFromName, type Parsed } from './common'

export const markdown: Format = {
  title: 'folder of Markdown',
  exact: true,
  shape: 'folder',

  fits: (files) => files.some(isMarkdown) && (files.length > 1 || files.some(({ text }) => /^---\r?\n/.test(text))),

  parse(files) {
    const parsed: Parsed = { entries: [], skipped: [] }
    for (const file of files.filter(isMarkdown)) {
      const { fields, ignored } = fieldsOf(file)
      for (const why of ignored) parsed.skipped.push({ where: file.path, why })
      if (fields === null) continue
      const read = entryFrom(fields)
      if ('why' in read) parsed.skipped.push({ where: file.path, why: read.why })
      else parsed.entries.push(read.entry)
    }
    return parsed
  },

  render: (entries) =>
    inOrder(entries).map((entry) => {
      const { type, author, written, ...head } = frontMatter(entry)
      const who = { ...(author === undefined ? {} : { by: author }), ...(written === undefined ? {} : { at: written }) }
      const document = encodeDocument({ head: { key: entry.key, ...head, ...who }, body: entry.text })
      return {
        path: `${entry.scope === 'personal' ? 'personal/' : ''}${placeOf(entry)}.md`,
        text: document.toString('utf8'),
      }
    }),
}

function isMarkdown({ path }: FileText): boolean {
  return /\.(md|markdown)$/i.test(path)
}

/** What a file says. `ignored` holds what of its front matter cannot be read; a file without any is all text. */
function fieldsOf(file: FileText): { fields: Record<string, unknown> | null; ignored: string[] } {
  const text = file.text.replace(/^\ufeff/, '').replace(/\r\n/g, '\n')
  const byPath = {
    key: keyFromName(file.path.replace(/\.(md|markdown)$/i, '')),
    source: { kind: 'import', from: file.path },
  }
  if (!text.startsWith('---\n')) return { fields: { ...byPath, text }, ignored: [] }
  const doc = parseDocument(new TextEncoder().encode(text))
  if ('malformed' in doc) return { fields: null, ignored: [`its front matter cannot be read: ${doc.malformed}`] }
  if (doc.head.gone === true) return { fields: null, ignored: ['it is forgotten'] }
  if (doc.head.type === 'usage') return { fields: null, ignored: ['it holds counts, no entry'] }
  return fromHead(doc, byPath)
}

function fromHead({ head, raw, body }: Doc, byPath: Record<string, unknown>) {
  const ignored: string[] = []
  const fields: Record<string, unknown> = { ...byPath, text: body }
  for (const [name, value] of Object.entries(head)) {
    const read = readField(name, value, raw?.[name] ?? '')
    if (read === undefined) ignored.push(`its field "${name}" cannot be read`)
    else if (!STAMPED.has(name)) fields[name] = read
  }
  // A document that was checked out of the store says who wrote its version, and who had said it.
  const { author, written, date, key, ...rest } = fields
  const said = {
    ...rest,
    key: typeof key === 'string' ? key.replace(/^workspace\//, '') : key,
    by: author ?? rest.by,
    at: written ?? rest.at ?? (typeof date === 'string' && !Number.isNaN(Date.parse(date)) ? date : undefined),
  }
  return { fields: said, ignored }
}

/** What the store stamps, and what only looks like ours in other programs' files. */
const STAMPED = new Set(['type', 'clock', 'dot', 'gone'])

/** The fields that have a form; in other programs' files they may be anything. */
const FORMS: Readonly<Record<string, (value: Json) => unknown>> = {
  state: (value) => (typeof value === 'string' && isState(value.toUpperCase()) ? value.toUpperCase() : undefined),
  scope: (value) => (isScope(value) ? value : undefined),
  confidence: (value) => (typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined),
  source: (value) =>
    isRecord(value) ? value : typeof value === 'string' ? { kind: 'import', from: value } : undefined,
  paths: listOf,
  tags: (value) => listOf(value)?.map((tag) => tag.replace(/^#/, '').replace(/\s+/g, '-')),
  links: listOf,
  confirmed: listOf,
  pin: (value) => (typeof value === 'boolean' ? value : undefined),
  proposed: (value) => (typeof value === 'boolean' ? value : undefined),
  decay: (value) => (typeof value === 'number' ? value : undefined),
  expires: textOf,
  origin: textOf,
  reason: textOf,
  by: textOf,
  at: textOf,
  author: textOf,
  written: textOf,
  key: textOf,
}

/** undefined for what cannot be read. `source` is what stands behind the colon. */
function readField(name: string, value: Json, source: string): unknown {
  const lines = source.includes('\n') ? blockList(source) : value
  const read = typeof lines === 'string' && /^\s*'/.test(source) ? unquoted(lines) : lines
  const form = Object.hasOwn(FORMS, name) ? FORMS[name] : undefined
  return form === undefined || read === undefined ? read : form(read)
}

function textOf(value: Json): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}

/** A list as JSON, as YAML writes it (`[a, b]`, or a line for each), or words with commas between. */
function listOf(value: Json): string[] | undefined {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string') ? (value as string[]) : undefined
  if (typeof value !== 'string') return value === null ? [] : undefined
  const inner = /^\[(.*)\]$/.exec(value.trim())?.[1] ?? value
  return inner
    .split(',')
    .map((one) => unquoted(one.trim()))
    .filter((one) => one !== '')
}

function blockList(value: string): string[] | undefined {
  const lines = value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.every((line) => line.startsWith('- ')) ? lines.map((line) => unquoted(line.slice(2).trim())) : undefined
}

function unquoted(text: string): string {
  const [, , inner] = /^(["'])(.*)\1$/.exec(text) ?? []
  return inner ?? text
}
