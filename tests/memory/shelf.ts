// The live versions of a few keys in memory, as a decision sees them: enough of a store for tests of pure decisions.

import { isRefusal, type Refusal } from '../../src/errors'
import type { Actor } from '../../src/memory/rules'
import { encodeDocument, parseDocument } from '../../src/store/document'
import type { Change, Decision, Doc, Json, Live, Put, Seen } from '../../src/store/schema'

export const ALICE: Actor = { name: 'alice', kind: 'person' }
export const BOB: Actor = { name: 'bob', kind: 'person' }
export const AGENT: Actor = { name: 'alice', kind: 'agent', tool: 'claude-code', model: 'claude' }

export class Shelf implements Seen {
  private readonly versions = new Map<string, Live[]>()
  private count = 0

  at(key: string): Live[] {
    return this.versions.get(key) ?? []
  }

  /** Puts documents as a writer who saw everything. */
  apply<R>(decision: Decision<R>, by = 'alice'): Change<R> {
    if (isRefusal(decision)) throw new Error(`refused: ${decision.message}`)
    for (const put of decision.puts) this.versions.set(put.key, [this.live(put, by)])
    return decision
  }

  /** Puts them beside what is there, as a writer who did not see it. */
  beside<R>(decision: Decision<R>, by = 'bob'): void {
    if (isRefusal(decision)) throw new Error(`refused: ${decision.message}`)
    for (const put of decision.puts) this.versions.set(put.key, [...this.at(put.key), this.live(put, by)])
  }

  private live(put: Put, by: string): Live {
    this.count++
    const { type, ...fields } = put.head
    const head: Record<string, Json> = {
      type: type ?? 'unknown',
      key: put.key,
      ...fields,
      by,
      at: new Date(Date.UTC(2026, 0, 1, 0, 0, this.count)).toISOString(),
    }
    const doc: Doc = { head, body: put.body, ...(put.raw === undefined ? {} : { raw: put.raw }) }
    // Through bytes and back, so that what the format cannot hold shows up here.
    const read = parseDocument(encodeDocument(doc))
    if ('malformed' in read) throw new Error(`${put.key}: ${read.malformed}`)
    const oid = this.count.toString(16).padStart(2, '0').repeat(20)
    return { oid, path: `${put.key}.md`, doc: read, clock: {}, gone: head.gone === true }
  }
}

export function refusal<R>(decision: Decision<R>): Refusal {
  if (!isRefusal(decision)) throw new Error(`not refused: ${decision.subject}`)
  return decision
}

export function accepted<R>(decision: Decision<R>): Change<R> {
  if (isRefusal(decision)) throw new Error(`refused: ${decision.message}`)
  return decision
}
