// What a check of doctor finds, and how it mends it.

import type { Store } from '../store/store'
import type { Finding } from './schema'

export interface Problem extends Omit<Finding, 'fixable' | 'fixed'> {
  /** Mends it; afterwards the check runs again, and only what that says counts. */
  mend?: () => void | Promise<void>
}

export type Check = (store: Store) => Problem[]

/** Younger files (ms) may belong to somebody who is at work. */
export const SETTLED_MS = 10_000

/** `1 object`, `3 objects`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

const UNITS: readonly [noun: string, ms: number, upTo: number][] = [
  ['second', 1_000, 120],
  ['minute', 60_000, 120],
  ['hour', 3_600_000, 48],
]

/** `3 minutes`. */
export function words(ms: number): string {
  const [noun, unit] = UNITS.find(([, unit, upTo]) => ms < unit * upTo) ?? ['day', 86_400_000]
  return counted(Math.round(ms / unit), noun)
}
