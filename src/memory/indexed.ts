// What a search looks through: the index that is kept beside the repository, caught up with what was written since.

import type { Slices } from '../env/env'
import { DstackError } from '../errors'
import type { Json, Live } from '../store/schema'
import { MEMORY, type Store, type View, viewCommit, viewRef } from '../store/store'
import { inMemory } from './blocks'
import type { Entry } from './entry'
import { differing, loadedState, memoryOf } from './forms'
import { readSource } from './head'
import type { Memory } from './schema'
import { build, type Index, open } from './search'
import { type Counts, totals, USAGE } from './usage'

export interface Searchable {
  index: Index | null
  /** What was written since the index was made. */
  tail: Entry[]
  /** Keys of the index that are not there any more. */
  hidden: Set<string>
}

const FILE = 'cache/memory.index'
/** The index's counts by themselves, for `status`, which loads nothing of memory. */
const COUNTS = 'cache/memory.counts.json'
/** More changed documents than this, and the index is made anew. */
const MAX_TAIL = 64

/**
 * Runs a search over the store's memory as it is now. The index is a cache: where it is missing, damaged or far behind,
 * it is made anew, and where it cannot be kept, it serves this one search.
 */
export function searching<T>(store: Store, search: (searchable: Searchable) => T): T {
  const view = viewRef(store, MEMORY)
  if (view.tip === null) return search({ index: null, tail: [], hidden: new Set() })
  const file = store.env.files.open(store.repo.ours(FILE))
  try {
    const kept = file === null ? null : caughtUp(store, view, file)
    if (kept !== null) return search(kept)
  } catch (error) {
    // Found damaged while it was read; the search has no effects and can run again.
    if (!(error instanceof DstackError) || error.code !== 'CORRUPT') throw error
  } finally {
    file?.close()
  }
  const fresh = rebuilt(store, view, view.tip)
  return search(fresh)
}

/** The kept index with its tail; null when it has to be made anew. */
function caughtUp(store: Store, view: View, file: Slices): Searchable | null {
  const index = open(file)
  if (index.identity === view.stamp) return { index, tail: [], hidden: new Set() }
  const changed = view.since(index.identity)
  if (changed === null || changed.length > MAX_TAIL) return null
  return withTail(store, index, view, changed)
}

function rebuilt(store: Store, view: View, tip: string): Searchable {
  const base = view.stamp === tip ? view : viewCommit(store, tip)
  const bytes = build(entriesOf(base.all()), tip)
  const index = open(inMemory(bytes))
  keep(store, bytes, index)
  return view.stamp === tip
    ? { index, tail: [], hidden: new Set() }
    : withTail(store, index, view, view.since(tip) ?? [])
}

function keep(store: Store, bytes: Uint8Array, { identity, counts }: Index): void {
  // A repository that nobody opted in stays untouched.
  if (store.env.files.stat(store.repo.ours('')) === null) return
  try {
    store.env.files.write(store.repo.ours(FILE), bytes)
    store.env.files.write(store.repo.ours(COUNTS), `${JSON.stringify({ v: 1, tip: identity, ...counts })}\n`)
  } catch {
    // A read-only repository, a full disk: this search has it, and the next one tries again.
  }
}

/** The changed entries, and those whose counts changed because somebody's usage document did. */
function withTail(store: Store, index: Index, view: View, changed: readonly string[]): Searchable {
  const usage = changed.filter((key) => key.startsWith(USAGE))
  const gained = usage.length === 0 ? new Map<string, number>() : gainedSince(store, index.identity, view, usage)
  const counted = [...gained.keys()].filter((key) => index.find(key).length > 0)
  const keys = [...new Set([...changed, ...counted])].filter((key) => !key.startsWith(USAGE))
  const live = view.many(keys)
  const tail: Entry[] = []
  const hidden = new Set<string>()
  for (const key of keys) {
    const [doc] = index.find(key)
    const helped = (doc === undefined ? 0 : index.entry(doc).helped) + (gained.get(key) ?? 0)
    const entry = entryAt(key, live.get(key) ?? [], helped)
    if (entry === null) hidden.add(key)
    else tail.push(entry)
  }
  return { index, tail, hidden }
}

function gainedSince(store: Store, commit: string, view: View, keys: readonly string[]): Map<string, number> {
  const before = totals(viewCommit(store, commit).many(keys)).helped
  const after = totals(view.many(keys)).helped
  const gained = [...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const)
  return new Map(gained.filter(([, count]) => count > 0))
}

/** Documents as search sees them. */
export function entriesOf(documents: ReadonlyMap<string, Live[]>, personal = false): Entry[] {
  const { helped }: Counts = totals(documents)
  return [...documents].flatMap(([key, live]) => entryAt(key, live, helped.get(key) ?? 0, personal) ?? [])
}

function entryAt(key: string, live: readonly Live[], helped: number, personal = false): Entry | null {
  const versions = differing(live)
  const winner = versions.find((version) => !version.gone)
  const memory = winner === undefined ? null : memoryOf(winner, { versions: versions.length, helped, personal })
  if (memory === null) return null
  const { text, oid, confidence, at, paths, tags, pin, scope, proposed, expires, decay } = memory
  // Whether it loads by itself is decided by who wrote it, not by whom it names.
  const by = memory.writer ?? memory.by
  const known = {
    text,
    oid,
    state: loadedState(memory),
    confidence,
    by,
    at,
    paths,
    tags,
    pin,
    scope,
    proposed,
    versions: memory.versions,
    helped,
  }
  const rest = Object.entries(memory).filter(([name]) => !(name in known) && !['expires', 'decay'].includes(name))
  return {
    key: personal ? `${PERSONAL}${key}` : key,
    ...known,
    ...(expires === undefined ? {} : { expires }),
    ...(decay === undefined ? {} : { decay }),
    meta: { ...(Object.fromEntries(rest) as Record<string, Json>), said: memory.by },
  }
}

/** Keeps what is personal apart from entries of the project with the same key. */
const PERSONAL = 'personal/'

/** The opposite: what a hit says, as readers see entries. */
export function memoryOfEntry({ meta: { said, ...meta }, ...entry }: Entry): Memory {
  const links = Array.isArray(meta.links) ? meta.links.filter((link) => typeof link === 'string') : []
  const key = typeof meta.key === 'string' ? meta.key : entry.key
  const by = typeof said === 'string' ? said : entry.by
  return { ...meta, ...entry, by, type: 'memory', key, source: readSource(meta.source) ?? { kind: 'import' }, links }
}
