// What was taken back for good: the records that travel with a ref, and the stubs that stand where a text stood.

import { encodeDocument, parseDocument, parseVersion, type Version } from './document'
import { keyOf, pathOf } from './keys'
import { winnerPath } from './merge'
import type { Doc, Json, Live, Put } from './schema'

/** One removed version: named by its key and its dot, which nobody can guess a text from, and made sure by a slow hash. */
export interface Removed {
  key: string
  dot: string
  /** `<salt>:<hash>`: scrypt over the version's bytes (`Repo.seal`). A plain hash would let short secrets be guessed. */
  seal: string
}

/** A record: the document `dstack/redactions/<id>` of the ref that held the text. */
export interface Redaction {
  id: string
  by: string
  at: string
  reason: string
  removed: Removed[]
}

/** Where the records stand in a convergent ref. */
export const REDACTIONS = 'dstack/redactions'
/** The documents that stand where a text stood; `gone`, so that every reader passes over them. */
export const STUB_TYPE = 'redacted'
const RECORD_TYPE = 'redaction'
/** Versions in one record: more would not fit the front matter. */
export const MAX_REMOVED = 64

export function recordKey(id: string): string {
  return `${REDACTIONS}/${id}`
}

export function recordPut(id: string, reason: string, removed: readonly Removed[]): Put {
  const list = removed.map(({ key, dot, seal }): Json => ({ key, dot, seal }))
  return { key: recordKey(id), head: { type: RECORD_TYPE, reason, removed: list }, body: '' }
}

/** A record by its path below the ref's root; null for anything else. */
export function parseRedaction(path: string, bytes: Uint8Array): Redaction | null {
  const base = winnerPath(path)
  const version = parseVersion(base, bytes)
  if ('malformed' in version) return null
  const { type, by, at, reason, removed } = version.doc.head
  if (type !== RECORD_TYPE || !Array.isArray(removed) || removed.length > MAX_REMOVED) return null
  const list = removed.flatMap((one): Removed[] => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return []
    const { key, dot, seal } = one
    return typeof key === 'string' && typeof dot === 'string' && typeof seal === 'string' ? [{ key, dot, seal }] : []
  })
  const id = (keyOf(base) ?? '').slice(REDACTIONS.length + 1)
  return { id, by: String(by ?? ''), at: String(at ?? ''), reason: String(reason ?? ''), removed: list }
}

/** The address in `Alice <alice@example.com>`, in lower case. */
export function addressOf(by: string): string {
  return (/<([^<>]*)>\s*$/.exec(by)?.[1] ?? by).trim().toLowerCase()
}

export interface Meant {
  record: Redaction
  removed: Removed
  doc: Doc
}

/** What the records may mean by these bytes, to be made sure by the seal. Stubs keep the name of what they replace. */
export function meant(records: readonly Redaction[], bytes: Uint8Array): Meant[] {
  const doc = parseDocument(bytes)
  if ('malformed' in doc || doc.head.type === STUB_TYPE) return []
  return records.flatMap((record) =>
    record.removed
      .filter(({ key, dot }) => doc.head.key === key && doc.head.dot === dot)
      .map((removed) => ({ record, removed, doc })),
  )
}

/**
 * The stub that stands in the text's place, in history too. It keeps name and vector of the version, so that nothing else
 * changes its order; the same bytes in every clone.
 */
export function stubOf({ head }: Doc, record: Redaction, removed: Removed): Buffer {
  const { key = '', by = '', at = '', dot = '', clock = {} } = head
  const { reason } = record
  const stub: Record<string, Json> = {
    type: STUB_TYPE,
    key,
    gone: true,
    reason,
    redactor: record.by,
    redacted: record.at,
    removed: removed.seal,
    by,
    at,
    dot,
    clock,
  }
  return encodeDocument({ head: stub, body: '' })
}

/** The new version on top of the removed live ones: older clones, which know of no records, see that the text is gone. */
export function stubPut(key: string, reason: string, removed: readonly Removed[], over: readonly string[]): Put {
  const seals = removed.filter((one) => one.key === key).map(({ seal }) => seal)
  return { key, head: { type: STUB_TYPE, gone: true, reason, removed: seals }, body: '', over }
}

/** A live version as a reader of the past may see it. */
export function masked(records: readonly Redaction[], version: Version): Pick<Live, 'doc' | 'gone'> {
  const dot = `${version.dot.writer}:${version.dot.tick}`
  for (const record of records) {
    const removed = record.removed.find((one) => one.key === version.key && one.dot === dot)
    if (removed === undefined || version.doc.head.type === STUB_TYPE) continue
    const doc = parseDocument(stubOf(version.doc, record, removed))
    if (!('malformed' in doc)) return { doc, gone: true }
  }
  return { doc: version.doc, gone: version.gone }
}

/** The path for which a removed version competes. */
export function basesOf(removed: Iterable<{ removed: Removed }>): string[] {
  return [...new Set([...removed].map((one) => pathOf(one.removed.key)))]
}
