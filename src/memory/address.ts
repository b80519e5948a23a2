// Which entry is meant: by its key, or by the only possible beginning of one.

import type { Env } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import type { Decision, Seen } from '../store/schema'
import { decideForget } from './decide'
import type { Written } from './draft'
import { openPlaces, type Places, readable } from './places'
import { listEntries, type MemoryProvider } from './provider'
import { docKey, fromDocKey, keyRefusal } from './rules'
import type { Scope } from './schema'
import type { Address } from './standing'

export interface Found {
  places: Places
  place: MemoryProvider
  at: Required<Address>
}

/**
 * The entry that is meant by a key or by the only possible beginning of one. Where nothing fits, the key as it was
 * given: the decision knows whether it was forgotten or renamed.
 */
export function address(places: Places, given: Address): Found | Refusal {
  // As messages name it, with its scope before it.
  const { key, scope } = given.scope === undefined && given.key.startsWith('workspace/') ? fromDocKey(given.key) : given
  const asked = readable(places, scope).flatMap((place): Found[] => {
    const scopes: Scope[] = place.personal ? ['personal'] : scope === undefined ? ['repository', 'workspace'] : [scope]
    return scopes.map((one) => ({ places, place, at: { key, scope: one } }))
  })
  const exact = keyRefusal('repository', key) === null ? asked.find(isThere(asked)) : undefined
  if (exact !== undefined) return exact
  const longer =
    key === ''
      ? []
      : asked.flatMap(({ place, at }) =>
          keysOf(place, at.scope)
            .filter((one) => one.startsWith(key))
            .map((one) => ({ places, place, at: { ...at, key: one } })),
        )
  const [only, ...others] = longer
  if (only !== undefined && others.length === 0) return only
  if (only !== undefined) {
    const keys = longer.map(({ at }) => docKey(at.scope, at.key))
    return {
      refused: 'AMBIGUOUS',
      message: `${longer.length} keys begin with ${key}: ${keys.slice(0, 5).join(', ')}${keys.length > 5 ? ', …' : ''}.`,
      hint: 'Say more of it.',
      data: { keys },
    }
  }
  const problem = keyRefusal(scope ?? 'repository', key)
  if (problem !== null) return problem
  return (
    asked[0] ?? {
      refused: 'NOT_FOUND',
      message: `There is no entry ${key}.`,
      hint: 'See `git dstack memory list`.',
      data: { key },
    }
  )
}

/** One look for all scopes of a place. */
function isThere(asked: readonly Found[]): (found: Found) => boolean {
  const live = new Map(
    [...new Set(asked.map(({ place }) => place))].map((place) => {
      const keys = asked.filter((one) => one.place === place).map(({ at }) => docKey(at.scope, at.key))
      return [place, place.many(keys)]
    }),
  )
  return ({ place, at }) => (live.get(place)?.get(docKey(at.scope, at.key)) ?? []).some((version) => !version.gone)
}

function keysOf(place: MemoryProvider, scope: Scope): string[] {
  return listEntries(place, { scope }).map(({ key }) => key)
}

/** The sentence that a write would say: that it never was there, was forgotten, or has another key. */
export function missing(place: MemoryProvider, at: Required<Address>): Refusal {
  const key = docKey(at.scope, at.key)
  const live = place.many([key]).get(key) ?? []
  const decision = decideForget({ at: () => live }, { ...at, actor: { name: '', kind: 'person' } })
  return isRefusal(decision) ? decision : { refused: 'NOT_FOUND', message: `There is no entry ${key}.` }
}

/** Writes to the entry that is meant. */
export function onEntry(
  env: Env,
  input: Address & { allowSecrets?: readonly string[] },
  decide: (seen: Seen, at: Required<Address>, places: Places) => Decision<Written>,
  more: (scope: Scope) => string[] = () => [],
): Written | Refusal {
  const found = address(openPlaces(env, input), input)
  if (isRefusal(found)) return found
  const { place, at, places } = found
  return place.write([docKey(at.scope, at.key), ...more(at.scope)], (seen) => decide(seen, at, places))
}
