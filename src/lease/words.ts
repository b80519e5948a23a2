// What is said about a lease: who has it, since when, and what to do about it.

import type { Refusal } from '../errors'

/** `Alice <alice@example.com>` → `Alice`. */
export function nameOf(holder: string): string {
  return holder.replace(/ <[^>]*>$/, '')
}

/** Seconds as `45 s`, `15 min`, `2 h 5 min`; rounded up. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 120) return `${whole} s`
  const minutes = Math.ceil(whole / 60)
  if (minutes < 120) return `${minutes} min`
  const rest = minutes % 60
  return `${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`
}

export interface Held {
  name: string
  holder: string
  host: string
  session: string | null
  purpose: string
  age: number | null
}

/** `Alice <alice@example.com> on host (agent session x)`. */
function whoHolds({ holder, host, session }: Held): string {
  return `${holder} on ${host}${session === null ? '' : ` (agent session ${session})`}`
}

/** `wait`: seconds after which it may be taken over, if nothing is heard of its holder until then. */
export function heldByAnother<L extends Held>(lease: L, wait: number): Refusal {
  const { name, holder, purpose, age } = lease
  const seen = age === null || age < 1 ? 'seen here for the first time just now' : `unchanged here for ${duration(age)}`
  const what = purpose === '' ? '' : ` for "${purpose}"`
  return {
    refused: 'CONTENDED',
    message: `${name} is held by ${whoHolds(lease)}${what}, ${seen}.`,
    hint: `Ask ${nameOf(holder)} for \`git dstack lease release ${name}\`, or try again: if nothing changes, it may be taken over in ${duration(wait)}.`,
    data: { lease, wait: Math.ceil(wait) },
  }
}

/** It was ours, or should have been. `now`: what is there instead, where somebody has it. */
export function heldNoMore<L extends Held>(name: string, why: string, now: L | null): Refusal {
  const who = now === null ? '' : ` ${whoHolds(now)} has it now.`
  return {
    refused: 'CONTENDED',
    message: `${name} is not held here: ${why}.${who}`,
    hint: `Stop what it guards, look at what happened meanwhile, then take it again: \`git dstack lease take ${name}\`.`,
    data: { name, lease: now },
  }
}

export function overtaken(name: string, why: string): Refusal {
  return {
    refused: 'CONTENDED',
    message: `${name} could not be taken: ${why}.`,
    hint: 'Try again in a moment.',
    data: { name },
  }
}
