// How a conflict ends: somebody who saw all versions takes one of them, or writes the text anew.

import { isRefusal, type Refusal } from '../errors'
import type { Decision, Live, Seen } from '../store/schema'
import { change, portable, putEntry, reasonOf, tombstone, unsaid, type Written } from './draft'
import { fieldProblem } from './fields'
import { differing, headOf } from './forms'
import { type Actor, ceiling, cleanText, highest, sourceOf, textProblem } from './rules'
import type { Portable, State } from './schema'
import { type Address, ceilingRefusal, described, rankRefusal, type Standing, standingAt } from './standing'

export interface ResolveRequest extends Address {
  actor: Actor
  /** The version to keep: a prefix of its id. */
  take?: string
  /** Or: the text that replaces all of them. */
  text?: string
  state?: State
  confidence?: number
  reason?: string
}

/** A version that covers all live ones. The rank rule holds against the highest of them. */
export function decideResolve(seen: Seen, request: ResolveRequest): Decision<Written> {
  const standing = standingAt(seen, request)
  if (isRefusal(standing)) return standing
  const problem = settled(standing) ?? fieldProblem(request)
  if (problem !== null) return problem
  return request.text === undefined ? take(standing, request) : rewrite(standing, request, request.text)
}

function settled({ at, live }: Standing): Refusal | null {
  if (differing(live).length > 1) return null
  return { refused: 'NOT_FOUND', message: `There is no conflict at ${at}.`, hint: 'See `git dstack conflicts`.' }
}

function take(standing: Standing, request: ResolveRequest): Decision<Written> {
  const chosen = choose(standing, request.take)
  if (isRefusal(chosen)) return chosen
  const head = headOf(chosen)
  const top = ceilingRefusal(standing, request.actor, 'settle')
  if (head === null) {
    if (top !== null) return top
    const done: Written = { ...base(standing, request), outcome: 'forgotten', state: 'UNKNOWN' }
    return change(`resolve ${standing.at}`, request.actor, done, [tombstone(standing, reasonOf(request))])
  }
  const state = request.state ?? head.state
  const refusal = top ?? rankRefusal(standing, state, chosen.doc.body)
  if (refusal !== null) return refusal
  const entry: Portable = { ...portable({ live: chosen, head }), state }
  if (request.confidence !== undefined) entry.confidence = request.confidence
  return written(standing, request, entry, chosen)
}

function choose({ at, live }: Standing, id: string | undefined): Live | Refusal {
  const data = { key: at, versions: live.map(described) }
  const hint = `The versions are ${live.map(({ oid }) => oid.slice(0, 8)).join(', ')}.`
  if (id === undefined) return { refused: 'USAGE', message: 'Nothing was said about which version stays.', hint, data }
  const matches = live.filter(({ oid }) => oid.startsWith(id.toLowerCase()))
  const [first, second] = matches
  if (first === undefined) return { refused: 'NOT_FOUND', message: `${at} has no version ${id}.`, hint, data }
  if (second !== undefined)
    return { refused: 'AMBIGUOUS', message: `${id} is the beginning of several versions.`, hint, data }
  return first
}

function rewrite(standing: Standing, request: ResolveRequest, words: string): Decision<Written> {
  const text = cleanText(words)
  const [former] = standing.formers
  const problem = textProblem(text)
  if (problem !== null) return problem
  // A conflict has at least one version that says something.
  if (former === undefined) throw new TypeError('a conflict without a text')
  const state = request.state ?? highest(standing.formers.map(({ head }) => head.state))
  const refusal = ceilingRefusal(standing, request.actor, 'settle') ?? rankRefusal(standing, state, text)
  if (refusal !== null) return refusal
  const entry: Portable = {
    ...unsaid(portable(former)),
    text,
    state,
    confidence: request.confidence ?? Math.max(...standing.formers.map(({ head }) => head.confidence)),
    source: sourceOf(request.actor),
  }
  return written(standing, request, entry, former.live)
}

function written(standing: Standing, request: ResolveRequest, entry: Portable, from: Live): Decision<Written> {
  if (request.reason !== undefined) entry.reason = request.reason
  const done: Written = { ...base(standing, request), state: entry.state }
  return change(`resolve ${standing.at}`, request.actor, done, [putEntry(entry, from)])
}

function base(standing: Standing, request: ResolveRequest): Written {
  const notes = [`${standing.live.length} versions became one.`]
  return {
    key: request.key,
    scope: request.scope ?? 'repository',
    outcome: 'resolved',
    state: ceiling(request.actor),
    notes,
  }
}
