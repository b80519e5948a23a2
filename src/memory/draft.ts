// What a new version of an entry is made of: the pieces that all decisions share.

import type { Refusal } from '../errors'
import type { Change, Live, Put } from '../store/schema'
import { frontMatter, memoryOf, placeOf, portableOf } from './forms'
import { type Actor, below, bytes, ceiling, excerpt, highest, TEXT_LIMITS } from './rules'
import type { Portable, Scope, State } from './schema'
import type { Former, Standing } from './standing'

/** What can be said about an entry besides its text. Absent = as it was, or the default; null = none. */
export interface Fields {
  state?: State
  /** 0 to 1. */
  confidence?: number
  paths?: readonly string[]
  tags?: readonly string[]
  links?: readonly string[]
  pin?: boolean
  /** ISO date from which it counts as UNCERTAIN. */
  expires?: string | null
  /** Half-life of the confidence in days. */
  decay?: number | null
}

export interface Written {
  key: string
  scope: Scope
  outcome: 'added' | 'updated' | 'same' | 'renamed' | 'confirmed' | 'forgotten' | 'resolved' | 'accepted' | 'rejected'
  state: State
  /** Sentences for the writer: what was done differently from what was asked. */
  notes: string[]
}

export function personOnly(actor: Actor, verb: string): Refusal | null {
  if (actor.kind === 'person') return null
  return {
    refused: 'REFUSED',
    message: `Only a person can ${verb} an entry.`,
    hint: 'Ask the person whom you work for.',
  }
}

/** An agent's claim is INFERRED at most. */
export function claimed(actor: Actor, wanted: State): { state: State; notes: string[] } {
  const top = ceiling(actor)
  if (!below(top, wanted)) return { state: wanted, notes: [] }
  return { state: top, notes: [`Written as ${top}: only a person can say ${wanted}.`] }
}

export function tooLong(text: string): string[] {
  if (bytes(text) <= TEXT_LIMITS.soft) return []
  return [`The text has ${bytes(text)} bytes; above ${TEXT_LIMITS.soft} it is cut where it is loaded by itself.`]
}

/** The fields that a request speaks of. */
export function given(request: Fields): Partial<Portable> {
  const fields: Partial<Portable> = {}
  if (request.paths !== undefined) fields.paths = [...new Set(request.paths)]
  if (request.tags !== undefined) fields.tags = [...new Set(request.tags.map((tag) => tag.toLowerCase()))]
  if (request.links !== undefined) fields.links = [...new Set(request.links)]
  if (request.pin !== undefined) fields.pin = request.pin
  if (request.expires !== undefined) fields.expires = request.expires ?? undefined
  if (request.decay !== undefined) fields.decay = request.decay ?? undefined
  return fields
}

/** A version as an entry, ready to be changed. */
export function portable(former: Former): Portable {
  const memory = memoryOf(former.live, { versions: 1, helped: 0 })
  if (memory === null) throw new TypeError('a former version is an entry')
  return portableOf(memory)
}

/** The entry as the ground for another text: who had said and confirmed the former one, when and why, falls away. */
export function unsaid(entry: Portable): Portable {
  const { by, at, confirmed, reason, ...rest } = entry
  return rest as Portable
}

export function putEntry(entry: Portable, former?: Live): Put {
  const raw = former?.doc.raw
  return { key: placeOf(entry), head: frontMatter(entry), body: entry.text, ...(raw === undefined ? {} : { raw }) }
}

export function tombstone(standing: Standing, fields: { reason?: string; moved?: string }): Put {
  const was = standing.formers.length === 0 ? {} : { was: highest(standing.formers.map(({ head }) => head.state)) }
  return { key: standing.at, head: { type: 'memory', gone: true, ...was, ...fields }, body: '' }
}

export function reasonOf(request: { reason?: string }): { reason?: string } {
  return request.reason === undefined ? {} : { reason: request.reason }
}

export function change(what: string, actor: Actor, result: Written, puts: Put[]): Change<Written> {
  return {
    puts,
    subject: `memory: ${what} (${excerpt(actor.name, 60)})`,
    trailers: { 'Dstack-Key': puts.map(({ key }) => key).join(' '), 'Dstack-State': result.state },
    result,
  }
}

/** Nothing to write: the store makes no commit for a change without documents. */
export function unchanged(done: Written): Change<Written> {
  return { puts: [], subject: 'memory: no change', result: { ...done, outcome: 'same' } }
}
