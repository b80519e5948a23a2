// What a write of one entry becomes: a new version, or a refusal. Pure; runs again when somebody was faster.

import { isRefusal, type Refusal } from '../errors'
import { fnv1a } from '../store/keys'
import type { Decision, Seen } from '../store/schema'
import {
  change,
  claimed,
  type Fields,
  given,
  personOnly,
  portable,
  putEntry,
  reasonOf,
  tombstone,
  tooLong,
  unchanged,
  unsaid,
  type Written,
} from './draft'
import { fieldProblem } from './fields'
import { factsOf } from './forms'
import {
  type Actor,
  cleanText,
  DEFAULT_CONFIDENCE,
  docKey,
  excerpt,
  fromDocKey,
  keyRefusal,
  sourceOf,
  textProblem,
} from './rules'
import type { Portable, Scope } from './schema'
import {
  type Address,
  ceilingRefusal,
  conflictRefusal,
  existing,
  type Former,
  rankRefusal,
  type Standing,
  standingAt,
} from './standing'
import { type Hints, keyFor } from './topic'

export interface RememberRequest extends Fields {
  text: string
  actor: Actor
  key?: string
  scope?: Scope
  origin?: string
  /** What it was derived from. */
  from?: string
  reason?: string
  /** Waits for a person's yes. */
  proposed?: boolean
  /** Entries that say nearly the same, best first. */
  near?: readonly { key: string; text: string }[]
  /** The guard against near-duplicates is off (`--force-new`). */
  forceNew?: boolean
  /** The writer saw all versions of a conflict and ends it. */
  settle?: boolean
}

/** A new entry, or with the key of one that exists a new version of it. */
export function decideRemember(seen: Seen, request: RememberRequest): Decision<Written> {
  const text = cleanText(request.text)
  const problem = textProblem(text) ?? fieldProblem(request)
  if (problem !== null) return problem
  const scope = request.scope ?? 'repository'
  const place = chooseKey(seen, scope, text, request)
  if (isRefusal(place)) return place
  const standing = standingAt(seen, { scope, key: place.key })
  if (isRefusal(standing)) return standing
  const [former] = standing.formers
  const duplicate = former === undefined && request.forceNew !== true ? duplicateRefusal(text, request) : null
  if (duplicate !== null) return duplicate

  const { state, notes } = claimed(request.actor, request.state ?? 'INFERRED')
  const refusal = (request.settle ? null : conflictRefusal(standing)) ?? rankRefusal(standing, state, text)
  if (refusal !== null) return refusal
  const base = former === undefined ? null : unsaid(portable(former))
  const entry: Portable = {
    ...(base ?? { key: place.key, scope, paths: [], tags: [], links: [], pin: false, proposed: false }),
    ...given(request),
    text,
    state,
    confidence: request.confidence ?? (base?.state === state ? base.confidence : DEFAULT_CONFIDENCE[state]),
    source: sourceOf(request.actor, request.from),
    proposed: request.proposed ?? false,
  }
  if (base === null && request.origin !== undefined) entry.origin = request.origin
  if (request.reason !== undefined) entry.reason = request.reason
  const outcome = former === undefined ? 'added' : 'updated'
  const done: Written = { key: place.key, scope, outcome, state, notes: [...notes, ...tooLong(text)] }
  if (standing.live.length === 1 && former !== undefined && factsOf(portable(former)) === factsOf(entry))
    return unchanged(done)
  return change(`${state} ${standing.at}`, request.actor, done, [putEntry(entry, former?.live)])
}

/**
 * The keys that `decideRemember` may write, as document keys: the one that was given; else the one derived from the
 * text and a longer one for another text that would get the same.
 */
export function rememberKeys(request: RememberRequest): string[] {
  const scope = request.scope ?? 'repository'
  if (request.key !== undefined) return [docKey(scope, request.key)]
  const text = cleanText(request.text)
  const key = docKey(scope, keyFor('notes', text, hintsOf(request)))
  return [key, `${key}-${fnv1a(text).toString(36)}`]
}

function hintsOf({ tags, paths }: RememberRequest): Hints {
  return { tags: tags ?? [], paths: paths ?? [] }
}

/** A derived key never replaces what another text has. */
function chooseKey(seen: Seen, scope: Scope, text: string, request: RememberRequest): { key: string } | Refusal {
  if (request.key !== undefined) return keyRefusal(scope, request.key) ?? { key: request.key }
  const [plain = '', longer = ''] = rememberKeys(request)
  const other = seen.at(plain).find((live) => !live.gone && live.doc.body !== text)
  if (other === undefined) return { key: fromDocKey(plain).key }
  return request.forceNew === true ? { key: fromDocKey(longer).key } : duplicateOf(plain, other.doc.body, text)
}

function duplicateRefusal(text: string, request: RememberRequest): Refusal | null {
  const near = request.near?.find(({ key }) => key !== request.key)
  return near === undefined ? null : duplicateOf(near.key, near.text, text)
}

function duplicateOf(key: string, theirs: string, yours: string): Refusal {
  return {
    refused: 'DUPLICATE',
    message: `${key} says nearly the same: “${excerpt(theirs)}”.`,
    hint: `Correct it: \`git dstack memory correct ${key} "…"\`; or add \`--force-new\` if yours is another fact.`,
    data: { key, text: theirs, refused: { text: yours } },
  }
}

export interface CorrectRequest extends Fields, Address {
  actor: Actor
  /** Absent: only other fields change. */
  text?: string
  /** Why it was wrong. */
  reason?: string
  /** A new key: the former one keeps a tombstone that names it. */
  rename?: string
  /** The version that the writer was shown (a prefix of its id); anything else there is a conflict, not overwritten. */
  saw?: string
  settle?: boolean
}

/** A new version of an entry that keeps what nobody spoke of; what was said before stays in the history. */
export function decideCorrect(seen: Seen, request: CorrectRequest): Decision<Written> {
  const standing = existing(seen, request, request.settle)
  if (isRefusal(standing)) return standing
  const { former } = standing
  if (request.saw !== undefined && !former.live.oid.startsWith(request.saw)) return changedMeanwhile(standing)
  const before = portable(former)
  const text = request.text === undefined ? before.text : cleanText(request.text)
  const problem = textProblem(text) ?? fieldProblem(request)
  if (problem !== null) return problem
  const { state, notes } = claimed(request.actor, request.state ?? before.state)
  const refusal =
    (request.state === undefined ? ceilingRefusal(standing, request.actor, 'correct') : null) ??
    rankRefusal(standing, state, text)
  if (refusal !== null) return refusal
  const entry: Portable = { ...(text === before.text ? before : unsaid(before)), ...given(request), text, state }
  entry.confidence = request.confidence ?? (state === before.state ? before.confidence : DEFAULT_CONFIDENCE[state])
  if (text !== before.text) {
    entry.source = sourceOf(request.actor)
    if (request.actor.kind === 'person') entry.proposed = false
  }
  if (request.reason !== undefined) entry.reason = request.reason
  const done: Written = {
    key: entry.key,
    scope: entry.scope,
    outcome: 'updated',
    state,
    notes: [...notes, ...tooLong(text)],
  }
  if (request.rename !== undefined && request.rename !== entry.key) {
    return renamed(seen, standing, { ...entry, key: request.rename }, request, done)
  }
  if (standing.live.length === 1 && factsOf(portable(former)) === factsOf(entry)) return unchanged(done)
  return change(`correct ${standing.at}`, request.actor, done, [putEntry(entry, former.live)])
}

function renamed(
  seen: Seen,
  standing: Standing & { former: Former },
  entry: Portable,
  request: CorrectRequest,
  done: Written,
): Decision<Written> {
  const problem = keyRefusal(entry.scope, entry.key)
  if (problem !== null) return problem
  const target = standingAt(seen, entry)
  if (isRefusal(target)) return target
  const [there] = target.formers
  if (there !== undefined) return duplicateOf(target.at, there.live.doc.body, entry.text)
  const tomb = tombstone(standing, { moved: target.at, reason: request.reason ?? `renamed to ${target.at}` })
  return change(
    `rename ${standing.at} to ${target.at}`,
    request.actor,
    { ...done, key: entry.key, outcome: 'renamed' },
    [tomb, putEntry(entry, standing.former.live)],
  )
}

function changedMeanwhile(standing: Standing & { former: Former }): Refusal {
  const { live, head } = standing.former
  return {
    refused: 'CONFLICT',
    message: `${standing.at} has changed: it says “${excerpt(live.doc.body)}” now (${head.by}).`,
    hint: 'Read it, then correct that.',
    data: { key: standing.at, oid: live.oid, text: live.doc.body },
  }
}

export interface ConfirmRequest extends Address {
  actor: Actor
  confidence?: number
  reason?: string
  /** Today, ISO: an expiry that has passed falls away. */
  now: string
}

/** A person says that it is so: CONFIRMED, by name. The text and its author stay. */
export function decideConfirm(seen: Seen, request: ConfirmRequest): Decision<Written> {
  const standing = existing(seen, request)
  if (isRefusal(standing)) return standing
  const problem = fieldProblem(request) ?? personOnly(request.actor, 'confirm')
  if (problem !== null) return problem
  const before = portable(standing.former)
  const names = before.confirmed ?? []
  const entry: Portable = {
    ...before,
    state: 'CONFIRMED',
    confidence: request.confidence ?? Math.max(before.confidence, 0.95),
    confirmed: names.includes(request.actor.name) ? names : [...names, request.actor.name],
    proposed: false,
  }
  // The text counts as fresh from now on; who said it remains.
  delete entry.at
  const notes: string[] = []
  if (before.expires !== undefined && before.expires <= request.now) {
    delete entry.expires
    notes.push(`It had expired on ${before.expires}; it does not expire any more.`)
  }
  if (request.reason !== undefined) entry.reason = request.reason
  const done: Written = { key: entry.key, scope: entry.scope, outcome: 'confirmed', state: 'CONFIRMED', notes }
  return change(`confirm ${standing.at}`, request.actor, done, [putEntry(entry, standing.former.live)])
}

export interface ForgetRequest extends Address {
  actor: Actor
  reason?: string
  settle?: boolean
}

/** A tombstone: readers see nothing any more, the history keeps every word. */
export function decideForget(seen: Seen, request: ForgetRequest): Decision<Written> {
  const standing = existing(seen, request, request.settle)
  if (isRefusal(standing)) return standing
  const refusal = ceilingRefusal(standing, request.actor, 'forget')
  if (refusal !== null) return refusal
  const { key, scope, state } = portable(standing.former)
  const done: Written = { key, scope, outcome: 'forgotten', state, notes: [] }
  return change(`forget ${standing.at}`, request.actor, done, [tombstone(standing, reasonOf(request))])
}
