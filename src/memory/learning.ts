// What waits for a yes: proposals of hooks and agents, and the lessons of a finished piece of work.

import type { Env } from '../env/env'
import type { Refusal } from '../errors'
import type { Live } from '../store/schema'
import { keyProblem } from '../store/store'
import { onEntry } from './address'
import { compound, learned, type Proposal } from './compound'
import type { Written } from './draft'
import { memoryOf, placeOf } from './forms'
import { decideImport, type Imported } from './import'
import { openPlaces, type Places } from './places'
import { decideAccept, decideReject } from './proposals'
import { list, type Shown } from './reading'
import { docKey } from './rules'
import type { Portable, State } from './schema'
import type { Address } from './standing'
import { finishedWork, grounded } from './work'

/** What waits for a person's yes. */
export function proposals(env: Env): Shown[] {
  return list(env, { proposed: true })
}

export interface AcceptInput extends Address {
  state?: State
  confidence?: number
  reason?: string
  /** Accepts although it cites what is not there. */
  anyway?: boolean
}

export function accept(env: Env, input: AcceptInput): Written | Refusal {
  return onEntry(env, input, (seen, at, places) => {
    const [live] = seen.at(docKey(at.scope, at.key))
    return decideAccept(seen, { ...input, ...at, actor: places.actor(), dangling: missingIn(places, live) })
  })
}

function missingIn(places: Places, live: Live | undefined): string[] {
  const memory = live === undefined ? null : memoryOf(live, { versions: 1, helped: 0 })
  return memory === null ? [] : (grounded(places.store, [memory])[0]?.dangling ?? [])
}

export function reject(env: Env, input: Address & { reason?: string }): Written | Refusal {
  return onEntry(env, input, (seen, at, places) => decideReject(seen, { ...input, ...at, actor: places.actor() }))
}

export interface Lessons {
  base: string | null
  commits: number
  proposals: Proposal[]
}

/** What a finished piece of work teaches. Nothing is written; what was decided before is not proposed again. */
export function lessons(env: Env, since?: string): Lessons | Refusal {
  const places = openPlaces(env)
  const { store } = places
  if (store === null) return { refused: 'ILLEGAL', message: 'Lessons come from commits; memory is kept in files here.' }
  const { base, commits } = finishedWork(store, since)
  return { base, commits: commits.length, proposals: fresh(places, compound(commits, places.actor())) }
}

/** The `[LEARN]` lines of what an assistant said. Nothing is written. */
export function lessonsIn(env: Env, message: string, from?: string): Proposal[] {
  const places = openPlaces(env)
  return fresh(places, learned(message, places.actor(), from))
}

/** A key that was written before, forgotten ones included, has had its answer. */
function fresh(places: Places, all: readonly Proposal[]): Proposal[] {
  const known = places.project.many(all.map(({ entry }) => placeOf(entry)))
  return all.filter(({ entry }) => (known.get(placeOf(entry)) ?? []).length === 0)
}

/**
 * Writes proposals: as proposals, or with a person's yes as entries. What cites something missing stays a proposal
 * either way.
 */
export function keepLessons(env: Env, kept: readonly Proposal[], accepted: boolean): Imported | Refusal {
  const places = openPlaces(env)
  const actor = places.actor()
  const yes = accepted && actor.kind === 'person'
  const entries = grounded(
    places.store,
    kept.map(({ entry }) => entry),
  ).map(({ dangling, ...entry }): Portable => {
    return { ...(entry as Portable), proposed: !yes || dangling !== undefined }
  })
  const keys = entries.map(placeOf).filter((key) => keyProblem(key) === null)
  const origin = places.origin()
  const request = { entries, actor, format: 'finished work', exact: true, ...(origin === undefined ? {} : { origin }) }
  return places.project.write(keys, (seen) => decideImport(seen, request))
}
