// An entry in its three forms: a live version in the store, what readers see, and what travels between programs.

import type { Json, Live } from '../store/schema'
import { PORTABLE_FIELDS, readHead, readTombstone } from './head'
import { docKey, fromDocKey } from './rules'
import type { Memory, MemoryHead, Portable, Scope, State, TombstoneHead } from './schema'

/** What the store or a reader adds; never part of what somebody said. */
const COMPUTED = [
  'type',
  'key',
  'text',
  'clock',
  'dot',
  'gone',
  'moved',
  'was',
  'oid',
  'versions',
  'helped',
  'dangling',
  'writer',
  'expired',
]

/** The order of the fields in a document: a new version differs from the former one only in what was changed. */
const KNOWN = [...PORTABLE_FIELDS, 'author', 'written']

/** Field names that the front matter can hold. */
const FIELD = /^[a-z][a-z0-9_-]{0,63}$/

export interface Context {
  /** Number of live versions at the key. */
  versions: number
  helped: number
  /** Whether it stands in the user's own repository. Absent: as the document says, which is good enough for a write. */
  personal?: boolean
}

/** A live version as readers see it; null for a tombstone, another type, and what does not fit the schema. */
export function memoryOf(live: Live, context: Context): Memory | null {
  const head = headOf(live)
  if (head === null) return null
  const { clock, dot, author, written, ...said } = head
  const place = fromDocKey(head.key)
  const personal = context.personal ?? head.scope === 'personal'
  return {
    ...said,
    key: place.key,
    scope: personal ? 'personal' : place.scope,
    by: author ?? head.by,
    at: written ?? head.at,
    ...(author === undefined ? {} : { writer: head.by }),
    text: live.doc.body,
    oid: live.oid,
    versions: context.versions,
    helped: context.helped,
  }
}

/** The parsed front matter of an entry; null as in `memoryOf`. */
export function headOf(live: Live): MemoryHead | null {
  return live.gone ? null : readHead(live.doc.head)
}

export function tombstoneOf(live: Live): TombstoneHead | null {
  return readTombstone(live.doc.head)
}

/** What travels: everything that was said, without what a store or a reader added. */
export function portableOf(memory: Memory): Portable {
  const entry: Portable = { ...memory }
  for (const name of COMPUTED) if (name !== 'key' && name !== 'text') delete entry[name]
  return entry
}

/**
 * The front matter of an entry. What is empty or usual is left out, so that documents stay short; `by` and `at` become
 * `author` and `written`, since the store stamps its own.
 */
export function frontMatter(entry: Portable): Record<string, Json> {
  const { by, at } = entry
  const fields: Record<string, unknown> = { ...entry, by: undefined, at: undefined, author: by, written: at }
  const others = Object.keys(fields)
    .filter((name) => !KNOWN.includes(name))
    .sort()
  const head: Record<string, unknown> = { type: 'memory' }
  for (const name of [...KNOWN, ...others]) {
    const value = fields[name]
    if (!COMPUTED.includes(name) && FIELD.test(name) && !isUsual(name, value)) head[name] = value
  }
  // All of it came out of JSON or a schema.
  return head as Record<string, Json>
}

function isUsual(name: string, value: unknown): boolean {
  if (value === undefined) return true
  if (name === 'pin' || name === 'proposed') return value === false
  return ['paths', 'tags', 'links'].includes(name) && Array.isArray(value) && value.length === 0
}

/** The document key of an entry. */
export function placeOf(entry: { scope: Scope; key: string }): string {
  return docKey(entry.scope, entry.key)
}

/** What an entry says, as one string: equal when nothing but who said it, when and why differs. */
export function factsOf(entry: Portable): string {
  const { source, author, written, reason, ...head } = frontMatter(entry)
  return JSON.stringify([head, entry.text], sorted)
}

function sorted(_name: string, part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The live versions that differ in what they say, winner first. More than one, of which one says something, is a
 * conflict; two people who wrote the same, or both forgot it, are none.
 */
export function differing(live: readonly Live[]): Live[] {
  const seen = new Map<string, Live>()
  for (const version of live) {
    const memory = memoryOf(version, { versions: 1, helped: 0 })
    const said = version.gone ? 'gone' : memory === null ? version.oid : factsOf(portableOf(memory))
    if (!seen.has(said)) seen.set(said, version)
  }
  return [...seen.values()]
}

/** What nobody but an agent says is known loads as INFERRED, whatever a document claims. */
export function loadedState({ state, source, confirmed = [] }: Memory): State {
  return state === 'CONFIRMED' && source.kind === 'agent' && confirmed.length === 0 ? 'INFERRED' : state
}

/** An entry at one moment. */
export type AsOf<T> = T & {
  /** Past its date: it counts as UNCERTAIN, whatever was said. */
  expired: boolean
}

/**
 * What an entry counts as at this moment: past `expires` it is UNCERTAIN, with `decay` its confidence halves every so
 * many days since it was said or confirmed.
 */
export function asOf(entry: Memory, now: Date): AsOf<Memory> {
  const expired = entry.expires !== undefined && Date.parse(entry.expires) <= now.getTime()
  const loaded = loadedState(entry)
  const state = expired && loaded !== 'UNKNOWN' ? 'UNCERTAIN' : loaded
  const days = Math.max(0, (now.getTime() - Date.parse(entry.at)) / 86_400_000)
  const confidence =
    entry.decay === undefined || Number.isNaN(days) ? entry.confidence : entry.confidence * 2 ** (-days / entry.decay)
  return { ...entry, state, confidence, expired }
}
