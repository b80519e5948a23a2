// What waits for a person's yes: accepting and rejecting entries that hooks, agents and `compound` proposed.

import { isRefusal, type Refusal } from '../errors'
import type { Decision, Seen } from '../store/schema'
import { change, personOnly, portable, putEntry, reasonOf, tombstone, type Written } from './draft'
import { fieldProblem } from './fields'
import { type Actor, DEFAULT_CONFIDENCE } from './rules'
import type { Portable, State } from './schema'
import { type Address, existing, type Former, rankRefusal } from './standing'

export interface AcceptRequest extends Address {
  actor: Actor
  state?: State
  confidence?: number
  reason?: string
  /** What it cites and is not there; a claim that cannot be checked stays a proposal. */
  dangling?: readonly string[]
  /** The guard against missing citations is off (`--anyway`). */
  anyway?: boolean
}

/** The proposal becomes an entry like any other. */
export function decideAccept(seen: Seen, request: AcceptRequest): Decision<Written> {
  const standing = existing(seen, request)
  if (isRefusal(standing)) return standing
  const { former } = standing
  const problem =
    personOnly(request.actor, 'accept') ??
    fieldProblem(request) ??
    proposedOnly(former, 'accept') ??
    groundless(standing.at, request)
  if (problem !== null) return problem
  const before = portable(former)
  const state = request.state ?? before.state
  const refusal = rankRefusal(standing, state, before.text)
  if (refusal !== null) return refusal
  const entry: Portable = { ...before, state, proposed: false }
  entry.confidence = request.confidence ?? (state === before.state ? before.confidence : DEFAULT_CONFIDENCE[state])
  if (request.reason !== undefined) entry.reason = request.reason
  const done: Written = { key: entry.key, scope: entry.scope, outcome: 'accepted', state, notes: [] }
  return change(`accept ${standing.at}`, request.actor, done, [putEntry(entry, former.live)])
}

export interface RejectRequest extends Address {
  actor: Actor
  reason?: string
}

/** A tombstone, so that the same proposal is not made again. */
export function decideReject(seen: Seen, request: RejectRequest): Decision<Written> {
  const standing = existing(seen, request)
  if (isRefusal(standing)) return standing
  const { former } = standing
  const problem = personOnly(request.actor, 'reject') ?? proposedOnly(former, 'reject')
  if (problem !== null) return problem
  const { key, scope, state } = portable(former)
  const done: Written = { key, scope, outcome: 'rejected', state, notes: [] }
  return change(`reject ${standing.at}`, request.actor, done, [tombstone(standing, reasonOf(request))])
}

function proposedOnly({ head }: Former, verb: string): Refusal | null {
  if (head.proposed) return null
  return {
    refused: 'REFUSED',
    message: `${head.key} is no proposal; there is nothing to ${verb}.`,
    hint: 'See `git dstack memory proposals`.',
  }
}

function groundless(at: string, { dangling, anyway }: AcceptRequest): Refusal | null {
  if (anyway === true || dangling === undefined || dangling.length === 0) return null
  return {
    refused: 'REFUSED',
    message: `${at} stays a proposal: it cites what is not there (${dangling.join(', ')}).`,
    hint: 'Correct the citation, or add `--anyway`.',
    data: { key: at, dangling: [...dangling] },
  }
}
