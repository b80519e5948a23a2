// Looking at memory: lists, single entries, their past, conflicts, and the answers to questions.

import type { Env } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import { historyOf, MEMORY, type Store } from '../store/store'
import { address, missing } from './address'
import { type AsOf, asOf, memoryOf } from './forms'
import { entriesOf, memoryOfEntry, type Searchable, searching } from './indexed'
import { noteUsage, openPlaces, type Places, readable, withWaiting } from './places'
import { type Filter, listEntries, versionsAt } from './provider'
import { type RecallRequest, recall as recallFrom } from './recall'
import { docKey } from './rules'
import type { Memory, Scope, State } from './schema'
import { type Address, described } from './standing'
import { type Gap, openGaps, totals } from './usage'
import { grounded } from './work'

/** An entry at this moment, with what it cites and is not there. */
export type Shown = AsOf<Memory>

/** Every entry that the filter lets through, by key. */
export function list(env: Env, filter: Filter = {}): Shown[] {
  const places = openPlaces(env)
  const entries = readable(places, filter.scope).flatMap((place) => listEntries(place, filter))
  return shown(places, entries)
}

export interface Detail {
  entry: Shown
  /** Every live version, winner first; more than one is a conflict. */
  versions: Record<string, unknown>[]
}

export function show(env: Env, input: Address): Detail | Refusal {
  const found = address(openPlaces(env), input)
  if (isRefusal(found)) return found
  const { place, at, places } = found
  const live = versionsAt(place, at)
  const store = place.personal ? places.personal().store : places.store
  const context = {
    versions: live.length,
    helped: store === null ? 0 : timesHelped(store, docKey(at.scope, at.key)),
    personal: place.personal,
  }
  const winner = live.find((version) => !version.gone)
  const memory = winner === undefined ? null : memoryOf(winner, context)
  const [entry] = memory === null ? [] : shown(places, [memory])
  if (entry === undefined) return missing(place, at)
  return { entry, versions: live.map(described) }
}

function shown(places: Places, entries: readonly Memory[]): Shown[] {
  const now = places.env.now()
  return grounded(places.store, entries).map((entry) => asOf(entry, now))
}

export interface Past {
  commit: string
  /** ISO time. */
  at: string
  by: string
  subject: string
  /** What stood at the key after it, winner first. */
  versions: Record<string, unknown>[]
}

/** What was said at a key, newest first, forgotten entries included. */
export function history(env: Env, input: Address & { limit?: number }): Past[] | Refusal {
  const found = address(openPlaces(env), input)
  if (isRefusal(found)) return found
  const { place, at, places } = found
  const store = place.personal ? places.personal().store : places.store
  if (store === null)
    return { refused: 'ILLEGAL', message: 'Memory in files keeps no history.', hint: 'Use the git provider.' }
  const past = historyOf(store, MEMORY, docKey(at.scope, at.key), input.limit)
  if (past.length === 0) return missing(place, at)
  return past.map(({ commit, live }) => ({
    commit: commit.oid,
    at: new Date(commit.seconds * 1000).toISOString(),
    by: commit.author,
    subject: commit.subject,
    versions: live.map(described),
  }))
}

export interface Conflict {
  key: string
  scope: Scope
  versions: Record<string, unknown>[]
}

/** The keys at which people who did not see each other said different things. */
export function conflicts(env: Env): Conflict[] {
  return readable(openPlaces(env)).flatMap((place) =>
    listEntries(place)
      .filter(({ versions }) => versions > 1)
      .map(({ key, scope }) => ({ key, scope, versions: versionsAt(place, { key, scope }).map(described) })),
  )
}

// --- answers --------------------------------------------------------------------------------------------------------------

export interface RecallInput {
  /** Words to look for. Without any: what matters now. */
  query?: string
  /** Files of the change at hand, relative to the top of the repository. */
  paths?: readonly string[]
  limit?: number
  /** Tokens of all answers together. */
  budget?: number
  /** Tokens that the caller prints around each answer. */
  overhead?: number
  scope?: Scope
  states?: readonly State[]
  includeProposed?: boolean
  /** Only what these people said. */
  authors?: (by: string) => boolean
  /** Also looks whether what an answer cites is there; costs two more processes. */
  ground?: boolean
  /** A question of the program itself: found in vain, it is no gap. */
  silent?: boolean
}

export interface Answer {
  entry: Shown
  /** Its text, or as much of it as fits the budget. */
  text: string
  cut: boolean
  score: number
  /** Why it is an answer, and why it stands where it stands. */
  reasons: string[]
}

export interface Recalled {
  answers: Answer[]
  /** True when there was a question and nothing answers it; it is noted, and `memory gaps` lists it. */
  gap: boolean
  tokens: number
}

/** The best answers first. Moves no ref; a question in vain is noted, best effort. */
export function recall(env: Env, input: RecallInput): Recalled {
  const places = openPlaces(env)
  const { scope, ground, silent, ...rest } = input
  const request: RecallRequest = { ...rest, now: env.now(), ...(scope === undefined ? {} : { scopes: [scope] }) }
  const found = over(places, scope, (searchable) =>
    recallFrom(searchable.index, searchable.tail, searchable.hidden, request),
  )
  if (found.gap && silent !== true && input.query !== undefined && places.store !== null)
    noteGap(places.store, input.query)
  const memories = found.hits.map(({ entry }) => memoryOfEntry(entry))
  const checked = ground === true ? grounded(places.store, memories) : memories
  const answers = found.hits.flatMap(({ text, cut, score, reasons }, i): Answer[] => {
    const memory = checked[i]
    return memory === undefined ? [] : [{ entry: asOf(memory, request.now), text, cut, score, reasons }]
  })
  return { answers, gap: found.gap, tokens: found.tokens }
}

/** A search over everything that this user may read. What is personal is little, and is read anew each time. */
export function over<T>(places: Places, scope: Scope | undefined, search: (searchable: Searchable) => T): T {
  const own = readable(places, scope).find(({ personal }) => personal)
  const more = own === undefined ? [] : entriesOf(own.all(), true)
  if (places.store === null || scope === 'personal') {
    const project = scope === 'personal' ? [] : entriesOf(places.project.all())
    return search({ index: null, tail: [...project, ...more], hidden: new Set() })
  }
  return searching(places.store, ({ index, tail, hidden }) => search({ index, tail: [...tail, ...more], hidden }))
}

function noteGap(store: Store, question: string): void {
  // A repository that nobody opted in stays untouched.
  if (!store.repo.config.flag('dstack.enabled', false)) return
  try {
    noteUsage(store, { gap: question })
  } catch {
    // An answer is worth more than its count: a read-only repository still answers.
  }
}

/** What is still asked in vain, most often first. */
export function gaps(env: Env): Gap[] {
  const places = openPlaces(env)
  const { store } = places
  if (store === null) return []
  const now = env.now()
  const counts = withWaiting(store, totals(places.project.all()))
  return over(places, undefined, ({ index, tail, hidden }) =>
    openGaps(counts, (question) => !recallFrom(index, tail, hidden, { query: question, now, limit: 3 }).gap),
  )
}

/** Says that an entry helped. It is counted with the next write. */
export function helped(env: Env, input: Address): { key: string; scope: Scope; helped: number } | Refusal {
  const found = address(openPlaces(env), input)
  if (isRefusal(found)) return found
  const { place, at, places } = found
  if (versionsAt(place, at).length === 0) return missing(place, at)
  const store = place.personal ? places.personal().store : places.store
  if (store === null)
    return { refused: 'ILLEGAL', message: 'Memory in files counts nothing.', hint: 'Use the git provider.' }
  const key = docKey(at.scope, at.key)
  noteUsage(store, { helped: key })
  return { ...at, helped: timesHelped(store, key) }
}

/** The index knows the sums; what waits in this clone comes on top. */
function timesHelped(store: Store, key: string): number {
  const written = searching(store, ({ index, tail }) => {
    const recent = tail.find((entry) => entry.key === key)
    const [doc] = recent === undefined ? (index?.find(key) ?? []) : []
    return recent?.helped ?? (doc === undefined ? 0 : (index?.entry(doc).helped ?? 0))
  })
  const counts = withWaiting(store, { helped: new Map([[key, written]]), gaps: new Map() })
  return counts.helped.get(key) ?? 0
}
