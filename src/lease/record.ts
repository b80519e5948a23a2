// What a lease commit says: lease.json for programs, a sentence and trailers for whoever reads the log.

import * as z from 'zod/mini'
import type { Oid } from '../git/git'
import { LEASE_NAME, LeaseRecord, LONGEST_TTL } from './schema'
import { duration, nameOf } from './words'

export const LEASE_FILE = 'lease.json'

/** What stands behind a name; null where it can be a lease's. */
export function nameProblem(name: string): string | null {
  if (!LEASE_NAME.test(name)) {
    return 'a name has 1 to 80 small letters, digits, dots, dashes and underscores, and begins with a letter or digit'
  }
  return /\.\.|\.$|\.lock$/.test(name) ? 'git takes no name with two dots, a dot at the end, or .lock' : null
}

export function formatRecord(record: LeaseRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`
}

/** What lease.json says. What can't be read counts as held by somebody, for the longest time that a lease may have. */
export function parseRecord(name: string, text: string | null): LeaseRecord {
  const read = z.safeParse(LeaseRecord, fromJson(text ?? ''))
  if (read.success) return { ...read.data, name }
  return {
    type: 'lease',
    name,
    holder: 'somebody',
    host: 'an unknown host',
    session: null,
    nonce: '',
    clone: '',
    ttl: LONGEST_TTL,
    state: 'held',
    purpose: 'what it says can not be read by this version',
    at: '',
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // not ours, or torn: the schema says no
  }
}

/** A line that somebody else gets to see: control characters and line ends become spaces. */
export function oneLine(text: string, most: number): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, most)
    .trim()
}

export type Step = 'taken' | 'renewed' | 'taken over' | 'released'

/** `lease: flow-payments taken by Alice on host (15 min)`, what it is for, and trailers. */
export function messageOf(record: LeaseRecord, step: Step, before: Oid | null): string {
  const { name, holder, host, session, ttl, purpose, state } = record
  const what = `${step} by ${nameOf(holder)} on ${host}`
  const subject = step === 'released' ? `lease: ${name} ${what}` : `lease: ${name} ${what} (${duration(ttl)})`
  const trailers = [
    `Dstack-Lease: ${name}`,
    `Dstack-Lease-State: ${state}`,
    ...(session === null ? [] : [`Dstack-Session: ${session}`]),
    ...(step === 'taken over' && before !== null ? [`Dstack-Lease-Expired: ${before}`] : []),
  ]
  const body = step === 'released' || purpose === '' ? '' : `${purpose}\n\n`
  return `${subject}\n\n${body}${trailers.join('\n')}\n`
}
