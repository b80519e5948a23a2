// What stands at a key before a write, and the refusals that follow from it.

import type { Refusal } from '../errors'
import type { Live, Seen } from '../store/schema'
import { differing, headOf, tombstoneOf } from './forms'
import { type Actor, below, ceiling, docKey, excerpt, fromDocKey, highest } from './rules'
import type { MemoryHead, Scope, State } from './schema'

export interface Address {
  key: string
  scope?: Scope
}

export interface Former {
  live: Live
  head: MemoryHead
}

export interface Standing {
  /** The key of the document. */
  at: string
  /** Every live version, winner first, tombstones included. */
  live: Live[]
  /** The versions that say something, winner first. */
  formers: Former[]
}

/** Reads what stands at an address. Refuses where a document stands that this version does not understand. */
export function standingAt(seen: Seen, address: Address): Standing | Refusal {
  const at = docKey(address.scope ?? 'repository', address.key)
  const live = seen.at(at)
  const formers: Former[] = []
  for (const version of live) {
    if (version.gone) continue
    const head = headOf(version)
    if (head === null) {
      return {
        refused: 'REFUSED',
        message: `${at} holds a document that this version of git dstack does not understand.`,
        hint: 'Choose another key, or upgrade git dstack.',
      }
    }
    formers.push({ live: version, head })
  }
  return { at, live, formers }
}

/** The entry at an address, for a write that needs one. With `settle` the write ends a conflict; without it refuses. */
export function existing(seen: Seen, address: Address, settle = false): (Standing & { former: Former }) | Refusal {
  const standing = standingAt(seen, address)
  if ('refused' in standing) return standing
  const [former] = standing.formers
  if (former === undefined) return notFound(standing)
  return (settle ? null : conflictRefusal(standing)) ?? { ...standing, former }
}

function notFound({ at, live }: Standing): Refusal {
  const moved = live.map((version) => tombstoneOf(version)?.moved).find((key) => key !== undefined)
  if (moved !== undefined) {
    const to = fromDocKey(moved).key
    return {
      refused: 'NOT_FOUND',
      message: `${at} was renamed.`,
      hint: `It is ${to} now.`,
      data: { key: at, moved: to },
    }
  }
  return {
    refused: 'NOT_FOUND',
    message: live.length === 0 ? `There is no entry ${at}.` : `${at} was forgotten.`,
    hint: live.length === 0 ? 'See `git dstack memory list`.' : `See \`git dstack memory history ${at}\`.`,
    data: { key: at },
  }
}

/** Several live versions: nobody who saw only one of them may end it by accident. */
export function conflictRefusal(standing: Standing): Refusal | null {
  const { at } = standing
  const live = differing(standing.live)
  if (live.length < 2) return null
  return {
    refused: 'CONFLICT',
    message: `${at} has ${live.length} versions from people who did not see each other: ${live.map(shown).join('; ')}.`,
    hint: `Choose one or write the text anew: \`git dstack resolve ${at}\`.`,
    data: { key: at, versions: live.map(described) },
  }
}

/** A lower state never overwrites a higher one. */
export function rankRefusal(standing: Standing, state: State, text: string): Refusal | null {
  const top = topOf(standing)
  if (top === null || !below(state, top.head.state)) return null
  return {
    refused: 'STATE_RANK',
    message: `${standing.at} is ${shown(top.live)}; ${state} “${excerpt(text)}” ranks below it and was not written.`,
    hint: `If you know that it is wrong, correct it with \`--state ${top.head.state}\`; else keep yours under a key of its own.`,
    data: { key: standing.at, kept: described(top.live), refused: { state, text } },
  }
}

/** What only people may replace or remove, an agent may not. */
export function ceilingRefusal(standing: Standing, actor: Actor, verb: string): Refusal | null {
  const top = topOf(standing)
  if (top === null || !below(ceiling(actor), top.head.state)) return null
  return {
    refused: 'STATE_RANK',
    message: `${standing.at} is ${shown(top.live)}; an agent cannot ${verb} what a person confirmed.`,
    hint: `Tell the person what is wrong with it, or keep what you found under a key of its own.`,
    data: { key: standing.at, kept: described(top.live) },
  }
}

export function topOf({ formers }: Standing): Former | null {
  const top = highest(formers.map(({ head }) => head.state))
  return formers.find(({ head }) => head.state === top) ?? null
}

/** A version in a sentence. */
function shown(live: Live): string {
  const head = headOf(live)
  const by = String(live.doc.head.by ?? 'unknown')
  return head === null ? `forgotten (${by})` : `${head.state} “${excerpt(live.doc.body)}” (${by})`
}

/** A version for programs. */
export function described(live: Live): Record<string, unknown> {
  const { by, at, state, confidence } = live.doc.head
  return {
    oid: live.oid,
    gone: live.gone,
    state: state ?? null,
    confidence: confidence ?? null,
    by,
    at,
    text: live.doc.body,
  }
}
