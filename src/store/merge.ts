// Which versions of a document live, and under which names they stand: a pure function of the set of versions.

import { compareClocks, weight } from './clock'
import { type Malformed, parseVersion, type Version } from './document'
import { SUFFIX, safePath } from './keys'

/** A file of a convergent tree. `bytes` is null for what is too large to read, and for what is no file (a submodule). */
export interface Item {
  path: string
  mode: string
  oid: string
  bytes: Uint8Array | null
}

export interface Placed {
  path: string
  mode: string
  oid: string
}

export interface Sorted {
  /** Maximal versions, winner first. */
  live: { item: Item; version: Version }[]
  /** What can't be read as a version: carried, never shown. */
  opaque: { item: Item; why: string }[]
}

const FILE = '100644'

/** `x~0123456789abcdef0123.md`: a version beside the winner, named by the hash of its bytes. */
const BESIDE = /^(.*)~([0-9a-f]{20})\.md$/

/** The path that a file's versions compete for. */
export function basePath(file: Placed): string {
  const path = safePath(file.path)
  const [, name, tag] = BESIDE.exec(path) ?? []
  return name !== undefined && tag === tagOf(file) ? name + SUFFIX : path
}

/** The path of the winner that a version stands beside, by its name alone. */
export function winnerPath(path: string): string {
  return path.replace(BESIDE, `$1${SUFFIX}`)
}

/** Names the bytes (and a mode that is not a plain file's), so that different files never want one name. */
function tagOf(file: { mode: string; oid: string }): string {
  return file.mode === FILE ? file.oid.slice(0, 20) : `${file.mode}${file.oid.slice(0, 14)}`
}

/** Sorts all files that compete for one base path into live versions and opaque files. */
export function sortItems(base: string, items: readonly Item[]): Sorted {
  const distinct = new Map(items.map((item) => [tagOf(item), item]))
  const versions: { item: Item; version: Version }[] = []
  const opaque: { item: Item; why: string }[] = []
  for (const item of distinct.values()) {
    const parsed = readItem(base, item)
    if ('malformed' in parsed) opaque.push({ item, why: parsed.malformed })
    else versions.push({ item, version: parsed })
  }
  const live = versions.filter(
    ({ version }) => !versions.some((other) => compareClocks(version.clock, other.version.clock) === 'before'),
  )
  live.sort(byPrecedence)
  opaque.sort((a, b) => compareText(tagOf(a.item), tagOf(b.item)))
  return { live, opaque }
}

function readItem(base: string, item: Item): Version | Malformed {
  if (item.mode !== FILE) return { malformed: `mode ${item.mode}` }
  if (item.bytes === null) return { malformed: 'too large' }
  return parseVersion(base, item.bytes)
}

/** A text wins over a deletion, then the version that more writes led to, then the larger hash: no clock on a wall. */
function byPrecedence(a: { item: Item; version: Version }, b: { item: Item; version: Version }): number {
  const gone = Number(a.version.gone) - Number(b.version.gone)
  if (gone !== 0) return gone
  return weight(b.version.clock) - weight(a.version.clock) || compareText(b.item.oid, a.item.oid)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The names under which these files stand: the first keeps the path, each other one is named by its hash. */
export function placeItems(base: string, sorted: Sorted): Placed[] {
  const items = [...sorted.live, ...sorted.opaque].map(({ item }) => item)
  return items.map((item, i) => ({
    path: i === 0 ? base : `${base.slice(0, -SUFFIX.length)}~${tagOf(item)}${SUFFIX}`,
    mode: item.mode,
    oid: item.oid,
  }))
}

/** Merges all files that compete for one base path. Commutative, associative, idempotent (tests/store/merge.test.ts). */
export function mergeItems(base: string, items: readonly Item[]): Placed[] {
  return placeItems(base, sortItems(base, items))
}
