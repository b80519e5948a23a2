// Reading front matter by hand: the same answers as the schemas in schema.ts, which cost a third of a bare start to load.

import type { Json } from '../store/schema'
import type { MemoryHead, Scope, Source, State, TombstoneHead, UsageHead } from './schema'
import { STATES } from './states'

const SCOPES: readonly Scope[] = ['repository', 'workspace', 'personal']
const KINDS: readonly Source['kind'][] = ['person', 'agent', 'import']

type Guard = (value: unknown) => boolean

const text: Guard = (value) => typeof value === 'string'
const number: Guard = (value) => typeof value === 'number' && Number.isFinite(value)
const flag: Guard = (value) => typeof value === 'boolean'
const texts: Guard = (value) => Array.isArray(value) && value.every(text)
const maybe =
  (guard: Guard): Guard =>
  (value) =>
    value === undefined || guard(value)
const counts: Guard = (value) => isRecord(value) && Object.values(value).every(number)

const isSource: Guard = (value) =>
  isRecord(value) &&
  KINDS.some((kind) => kind === value.kind) &&
  [value.tool, value.model, value.from].every(maybe(text))

/** What can be said about an entry, in the order in which documents have it. */
const SAID: Readonly<Record<string, Guard>> = {
  state: (value) => STATES.some((state) => state === value),
  confidence: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  source: isSource,
  scope: (value) => SCOPES.some((scope) => scope === value),
  paths: maybe(texts),
  tags: maybe(texts),
  pin: maybe(flag),
  links: maybe(texts),
  expires: maybe(text),
  decay: maybe(number),
  origin: maybe(text),
  proposed: maybe(flag),
  reason: maybe(text),
  confirmed: maybe(texts),
}

const HEAD: Readonly<Record<string, Guard>> = {
  type: (value) => value === 'memory',
  key: text,
  by: text,
  at: text,
  ...SAID,
  author: maybe(text),
  written: maybe(text),
}

const PORTABLE: Readonly<Record<string, Guard>> = { key: text, text, ...SAID, by: maybe(text), at: maybe(text) }

/** The fields of an entry outside of any store, in their order. */
export const PORTABLE_FIELDS: readonly string[] = Object.keys(PORTABLE)

/** What holds where a document says nothing. */
export function usual(): Record<string, unknown> {
  return { paths: [], tags: [], pin: false, links: [], proposed: false }
}

/** The front matter of an entry; null for anything else. */
export function readHead(head: Readonly<Record<string, Json>>): MemoryHead | null {
  return wrong(head, HEAD) === null ? ({ ...usual(), ...head } as MemoryHead) : null
}

/** The first field that cannot be part of an entry as it is; null when all can. */
export function wrongField(entry: Readonly<Record<string, unknown>>): string | null {
  return wrong(entry, PORTABLE)
}

export function readTombstone(head: Readonly<Record<string, Json>>): TombstoneHead | null {
  const fields = {
    type: HEAD.type as Guard,
    gone: (value: unknown) => value === true,
    reason: maybe(text),
    was: maybe(SAID.state as Guard),
    moved: maybe(text),
  }
  return wrong(head, fields) === null ? (head as TombstoneHead) : null
}

export function readUsage(head: Readonly<Record<string, Json>>): UsageHead | null {
  const fields = {
    type: (value: unknown) => value === 'usage',
    key: text,
    helped: maybe(counts),
    gaps: maybe(counts),
    batch: maybe(texts),
  }
  const whole: Record<string, unknown> = { helped: {}, gaps: {}, batch: [], ...head }
  return wrong(head, fields) === null ? (whole as UsageHead) : null
}

export function isState(value: unknown): value is State {
  return STATES.some((state) => state === value)
}

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value)
}

export function readSource(value: unknown): Source | null {
  return isSource(value) ? (value as Source) : null
}

function wrong(fields: Readonly<Record<string, unknown>>, guards: Readonly<Record<string, Guard>>): string | null {
  for (const [name, guard] of Object.entries(guards)) if (!guard(fields[name])) return name
  return null
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
