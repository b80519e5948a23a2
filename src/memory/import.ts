// Many entries in one commit. Each stands for itself: what cannot be written is said, and stops nothing else.

import { isRefusal, type Refusal } from '../errors'
import type { Decision, Put, Seen } from '../store/schema'
import { portable, putEntry } from './draft'
import { fieldProblem } from './fields'
import { factsOf, placeOf } from './forms'
import { type Actor, below, ceiling, cleanText, excerpt, keyRefusal, textProblem } from './rules'
import type { Portable } from './schema'
import { conflictRefusal, type Former, rankRefusal, type Standing, standingAt } from './standing'

export interface ImportRequest {
  entries: readonly Portable[]
  actor: Actor
  /** Name of the format, for the commit's subject. */
  format: string
  /**
   * True for our own formats, which know every field: an entry replaces what is there. Otherwise what the format
   * does not know stays as it was.
   */
  exact: boolean
  /** The repository in which entries without an origin were said. */
  origin?: string
}

export interface Imported {
  added: string[]
  updated: string[]
  same: string[]
  refusals: { key: string; why: string; code: string }[]
}

/** Nothing to do is a success, too: then there are no documents to write. */
export function decideImport(seen: Seen, request: ImportRequest): Decision<Imported> {
  const result: Imported = { added: [], updated: [], same: [], refusals: [] }
  const puts = new Map<string, Put>()
  for (const given of request.entries) {
    const entry = prepared(given, request)
    const place = placeOf(entry)
    const outcome = puts.has(place) || result.same.includes(place) ? twice(place) : decideOne(seen, entry, request)
    if (isRefusal(outcome)) {
      result.refusals.push({ key: place, why: outcome.message, code: outcome.refused })
    } else if (outcome === 'same') {
      result.same.push(place)
    } else {
      puts.set(place, outcome.put)
      result[outcome.former ? 'updated' : 'added'].push(place)
    }
  }
  const count = `${puts.size} ${puts.size === 1 ? 'entry' : 'entries'}`
  return {
    puts: [...puts.values()],
    subject: `memory: import ${count} from ${request.format} (${excerpt(request.actor.name, 60)})`,
    trailers: { 'Dstack-Format': request.format },
    result,
  }
}

function prepared(given: Portable, request: ImportRequest): Portable {
  const entry: Portable = { ...given, text: cleanText(given.text) }
  // An agent that imports claims no more than an agent may say.
  if (below(ceiling(request.actor), entry.state)) entry.state = ceiling(request.actor)
  if (entry.origin === undefined && request.origin !== undefined) entry.origin = request.origin
  return entry
}

function decideOne(
  seen: Seen,
  entry: Portable,
  request: ImportRequest,
): { put: Put; former: boolean } | 'same' | Refusal {
  const problem = keyRefusal(entry.scope, entry.key) ?? textProblem(entry.text) ?? fieldProblem(entry)
  if (problem !== null) return problem
  const standing = standingAt(seen, entry)
  if (isRefusal(standing)) return standing
  const [former] = standing.formers
  if (former === undefined) return { put: putEntry(entry), former: false }
  const next = request.exact ? entry : overlaid(former, entry)
  if (isKnown(standing, former, next, request)) return 'same'
  const refusal = conflictRefusal(standing) ?? rankRefusal(standing, next.state, next.text)
  return refusal ?? { put: putEntry(next, former.live), former: true }
}

/** What another format says, over what it cannot say. */
function overlaid(former: Former, entry: Portable): Portable {
  const before = portable(former)
  const spoken = Object.entries(entry).filter(([, value]) => !(Array.isArray(value) && value.length === 0))
  const next: Portable = { ...before, ...Object.fromEntries(spoken) }
  next.pin = before.pin || entry.pin
  // The same words again say no less than before: a state that a person raised since then stays.
  if (entry.text === before.text && below(entry.state, before.state)) {
    next.state = before.state
    next.confidence = before.confidence
  }
  return next
}

function isKnown(standing: Standing, former: Former, next: Portable, request: ImportRequest): boolean {
  if (standing.live.length > 1) return false
  if (factsOf(portable(former)) === factsOf(next)) return true
  // Foreign formats keep confidence in steps and tags of their own; equal words and state are no news.
  return !request.exact && next.text === former.live.doc.body && next.state === former.head.state
}

function twice(place: string): Refusal {
  return { refused: 'DUPLICATE', message: `${place} is there twice; the first one counts.` }
}
