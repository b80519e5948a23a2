// A document as bytes: `name: value` lines between two `---`, then Markdown. What we don't understand survives byte for byte.

import { parseClock, parseDot } from './clock'
import { keyOf } from './keys'
import type { Clock, Doc, Json } from './schema'

/** Caps in bytes, on write and on fetch: what is over stays in the tree and isn't shown. */
export const MAX_DOCUMENT = 256 * 1024
export const MAX_HEAD = 16 * 1024

export interface Version {
  key: string
  doc: Doc
  clock: Clock
  dot: { writer: string; tick: number }
  gone: boolean
}

export interface Malformed {
  malformed: string
}

const FIELD = /^([a-z][a-z0-9_-]{0,63}):(?: ([^\n]*))?$/
/** Strings that can stand without quotes and mean the same to a YAML reader. */
const PLAIN = /^[\p{L}\p{N}_/.(][\p{L}\p{N} _/.,()@<>+=*~%'-]*$/u
const NOT_STRING = /^(?:true|false|null|yes|no|on|off|~|[-+.]?[0-9][0-9_.eE+-]*|0[xo].*|\.(?:inf|nan))$/i
const LOOKS_LIKE_JSON = /^(?:[["{]|-?[0-9]|true$|false$|null$)/

export function encodeDocument(doc: Doc): Buffer {
  const lines = Object.entries(doc.head).map(([name, value]) => {
    const raw = doc.raw?.[name]
    return raw !== undefined && sameJson(parseValue(raw), value) ? `${name}:${raw}` : `${name}: ${encodeValue(value)}`
  })
  return Buffer.from(`---\n${lines.join('\n')}\n---\n${doc.body}\n`)
}

function encodeValue(value: Json): string {
  const plain =
    typeof value === 'string' &&
    PLAIN.test(value) &&
    !NOT_STRING.test(value) &&
    !LOOKS_LIKE_JSON.test(value) &&
    !value.endsWith(' ')
  // JSON leaves these as they are; they end a line for some readers, or turn a terminal's.
  return plain
    ? value
    : JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function sameJson(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Parses the bytes of a document that stands for itself, without asking for a key or a vector. */
export function parseDocument(bytes: Uint8Array): Doc | Malformed {
  if (bytes.length > MAX_DOCUMENT) return { malformed: `larger than ${MAX_DOCUMENT} bytes` }
  const text = decodeUtf8(bytes)
  if (text === null) return { malformed: 'not UTF-8 text' }
  if (text.includes('\0')) return { malformed: 'binary' }
  if (!text.startsWith('---\n')) return { malformed: 'no front matter' }
  const end = text.indexOf('\n---\n', 3)
  if (end < 0 || end > MAX_HEAD) return { malformed: 'no end of the front matter' }
  const head: Record<string, Json> = {}
  const raw: Record<string, string> = {}
  let last: string | null = null
  for (const line of text
    .slice(4, end + 1)
    .split('\n')
    .slice(0, -1)) {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name !== undefined) {
      if (Object.hasOwn(head, name)) return { malformed: `field "${name}" twice` }
      raw[name] = line.slice(name.length + 1)
      head[name] = parseValue(value === undefined ? '' : ` ${value}`)
      last = name
    } else if (last !== null && /^( |-|$)/.test(line)) {
      // A value of several lines, as a later version or a person's editor may write it: kept as it is.
      raw[last] += `\n${line}`
      head[last] = raw[last] ?? ''
    } else {
      return { malformed: 'a line of the front matter is no field' }
    }
  }
  const body = text.slice(end + 5)
  return { head, raw, body: body.endsWith('\n') ? body.slice(0, -1) : body }
}

/** `raw` is everything behind the colon. */
function parseValue(raw: string): Json {
  const text = raw.startsWith(' ') ? raw.slice(1) : raw
  if (!LOOKS_LIKE_JSON.test(text)) return text
  try {
    return JSON.parse(text) as Json
  } catch {
    return text // 2026-11-20 and the like: begins as JSON does and is none
  }
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** A document at a path of a convergent ref; what lacks a valid key, vector or dot is malformed, and is only carried. */
export function parseVersion(path: string, bytes: Uint8Array): Version | Malformed {
  const doc = parseDocument(bytes)
  if ('malformed' in doc) return doc
  const { head } = doc
  const key = keyOf(path)
  if (key === null || head.key !== key) return { malformed: 'the key does not fit the path' }
  if (typeof head.type !== 'string' || head.type === '') return { malformed: 'no type' }
  const clock = parseClock(head.clock)
  if (clock === null) return { malformed: 'no version vector' }
  const dot = typeof head.dot === 'string' ? parseDot(head.dot) : null
  if (dot === null || clock[dot.writer] !== dot.tick) return { malformed: 'the dot does not fit the version vector' }
  return { key, doc, clock, dot, gone: head.gone === true }
}
