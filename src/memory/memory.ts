// The door to memory: what people and agents do with entries. What a write becomes is decided in decide.ts and its neighbours.

import type { Env } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import { onEntry } from './address'
import {
  decideConfirm,
  decideCorrect,
  decideForget,
  decideRemember,
  type RememberRequest,
  rememberKeys,
} from './decide'
import type { Fields, Written } from './draft'
import { expiryOf } from './fields'
import { nearDuplicates } from './near'
import { openPlaces, type Places, placeFor } from './places'
import { over } from './reading'
import { decideResolve } from './resolve'
import { cleanText, docKey, keyRefusal } from './rules'
import type { Scope, State } from './schema'
import type { Address } from './standing'

export type { Written } from './draft'
export { bringIn, handOut } from './exchange'
export { FORMAT_NAMES } from './formats'
export type { Imported } from './import'
export { accept, keepLessons, type Lessons, lessons, lessonsIn, proposals, reject } from './learning'
export {
  type Answer,
  conflicts,
  type Detail,
  gaps,
  helped,
  history,
  list,
  type Past,
  type Recalled,
  recall,
  show,
} from './reading'

// --- writing one entry ------------------------------------------------------------------------------------------------

/** What people give with an entry. */
export interface Given extends Omit<Fields, 'expires'> {
  /** ISO date, `90d`, `6w`, `3m`, `1y`, or `never`. */
  expires?: string
  scope?: Scope
  reason?: string
  /** Fingerprints of what looks like a credential and is none. */
  allowSecrets?: readonly string[]
}

export interface RememberInput extends Given {
  text: string
  key?: string
  /** Says that it is another fact than the one that is nearly the same. */
  forceNew?: boolean
  /** Ends a conflict at the key with this text. */
  settle?: boolean
  /** Waits for a person's yes. */
  proposed?: boolean
}

/** A new entry, or with the key of an entry its next version. */
export function remember(env: Env, input: RememberInput): Written | Refusal {
  const places = openPlaces(env, input)
  const fields = fieldsOf(env, input)
  if (isRefusal(fields)) return fields
  const scope = input.scope ?? 'repository'
  const problem = input.key === undefined ? null : keyRefusal(scope, input.key)
  if (problem !== null) return problem
  const origin = places.origin()
  const request: RememberRequest = {
    ...input,
    ...fields,
    actor: places.actor(),
    near: input.forceNew === true ? [] : similar(places, scope, input),
    ...(origin === undefined ? {} : { origin }),
  }
  return placeFor(places, scope).write(rememberKeys(request), (seen) => decideRemember(seen, request))
}

/** Entries of the same place that say nearly the same. */
function similar(places: Places, scope: Scope, { text, key }: RememberInput): { key: string; text: string }[] {
  const own = key === undefined ? undefined : docKey(scope, key)
  const found = over(places, scope === 'personal' ? scope : 'repository', ({ index, tail, hidden }) => {
    return nearDuplicates(index, tail, hidden, cleanText(text), own)
  })
  return found.map((one) => ({ key: one.key.replace(/^personal\//, ''), text: one.text }))
}

export interface CorrectInput extends Given, Address {
  text?: string
  /** The new key. */
  rename?: string
  /** The version that was shown; another one there is not overwritten. */
  saw?: string
  settle?: boolean
}

/** What was said before stays in the history. */
export function correct(env: Env, input: CorrectInput): Written | Refusal {
  const fields = fieldsOf(env, input)
  if (isRefusal(fields)) return fields
  const renamed = input.rename === undefined ? null : keyRefusal(input.scope ?? 'repository', input.rename)
  if (renamed !== null) return renamed
  const more = (scope: Scope) => (input.rename === undefined ? [] : [docKey(scope, input.rename)])
  return onEntry(
    env,
    input,
    (seen, at, places) => decideCorrect(seen, { ...input, ...fields, ...at, actor: places.actor() }),
    more,
  )
}

export interface ConfirmInput extends Address {
  confidence?: number
  reason?: string
}

export function confirm(env: Env, input: ConfirmInput): Written | Refusal {
  const now = env.now().toISOString()
  return onEntry(env, input, (seen, at, places) => decideConfirm(seen, { ...input, ...at, now, actor: places.actor() }))
}

export function forget(env: Env, input: Address & { reason?: string; settle?: boolean }): Written | Refusal {
  return onEntry(env, input, (seen, at, places) => decideForget(seen, { ...input, ...at, actor: places.actor() }))
}

export interface ResolveInput extends Address {
  /** The version that stays: the beginning of its id. */
  take?: string
  text?: string
  state?: State
  confidence?: number
  reason?: string
  allowSecrets?: readonly string[]
}

/** Ends a conflict. */
export function resolve(env: Env, input: ResolveInput): Written | Refusal {
  return onEntry(env, input, (seen, at, places) => decideResolve(seen, { ...input, ...at, actor: places.actor() }))
}

function fieldsOf(env: Env, { expires, ...given }: Given): Fields | Refusal {
  if (expires === undefined) return given
  const date = expiryOf(expires, env.now())
  return isRefusal(date) ? date : { ...given, expires: date }
}
