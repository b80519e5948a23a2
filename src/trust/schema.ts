// The durable format of the file in which a person's trust is kept, outside of every repository. Types only, and their reading.

import { DstackError } from '../errors'
import type { Definition } from './definition'

/** A command that a person allowed. */
export interface Allowed extends Definition {
  /** Where it stood when it was allowed: a plan, a recipe. */
  where?: string
  /** ISO time. */
  at: string
  by: string
}

/** Named by the repository's id, one file for each: `<state folder>/dstack/trust/<id>.json`. */
export interface TrustFile {
  v: 1
  /** For people who look into the file: whose it is. */
  repository: { path: string; url: string }
  allowed: Allowed[]
}

/** What can't be read trusts nothing. @throws TOO_NEW for the file of a newer version, CORRUPT for what is none */
export function parseTrust(bytes: Buffer | null, path: string): Allowed[] {
  if (bytes === null) return []
  const value = json(bytes)
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined
  if (typeof version === 'number' && version > 1) {
    throw new DstackError('TOO_NEW', `${path} was written by a newer git dstack.`, { hint: 'Update git dstack.' })
  }
  const { allowed } = (value ?? {}) as Partial<TrustFile>
  if (version !== 1 || !Array.isArray(allowed)) {
    throw new DstackError('CORRUPT', `${path} is no file of git dstack, so nothing is trusted.`, {
      hint: 'Move it away, then allow again what may run.',
    })
  }
  return allowed.filter(isAllowed)
}

function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    return null // said by the caller
  }
}

function isAllowed(entry: Partial<Allowed> | null): entry is Allowed {
  const texts = [entry?.hash, entry?.command, entry?.folder, entry?.at, entry?.by]
  return texts.every((text) => typeof text === 'string') && Array.isArray(entry?.names) && Array.isArray(entry?.files)
}
