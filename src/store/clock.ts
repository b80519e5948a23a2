// Version vectors: one gap-free counter for each writer incarnation. They order versions; wall time never does.

import type { Clock } from './schema'

export type Order = 'equal' | 'before' | 'after' | 'concurrent'

export function compareClocks(a: Clock, b: Clock): Order {
  const aCovered = covers(b, a)
  const bCovered = covers(a, b)
  if (aCovered && bCovered) return 'equal'
  if (aCovered) return 'before'
  return bCovered ? 'after' : 'concurrent'
}

/** True when whoever wrote `a` had seen everything that `b` names. */
export function covers(a: Clock, b: Clock): boolean {
  return Object.entries(b).every(([writer, tick]) => (a[writer] ?? 0) >= tick)
}

export function joinClocks(clocks: Iterable<Clock>): Clock {
  const joined: Record<string, number> = {}
  for (const clock of clocks) {
    for (const [writer, tick] of Object.entries(clock)) joined[writer] = Math.max(joined[writer] ?? 0, tick)
  }
  return joined
}

/** Sorted by writer, so that the same vector is always the same bytes. */
export function sortClock(clock: Clock): Clock {
  return Object.fromEntries(Object.entries(clock).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Sum of all ticks: how many writes led to this version. */
export function weight(clock: Clock): number {
  return Object.values(clock).reduce((sum, tick) => sum + tick, 0)
}

/** `<writer>:<tick>`: the one entry that a version added itself. */
export interface Dot {
  writer: string
  tick: number
}

const DOT = /^([0-9a-z]{4,32}):([1-9][0-9]{0,14})$/

export function parseDot(text: string): Dot | null {
  const match = DOT.exec(text)
  return match === null ? null : { writer: match[1] ?? '', tick: Number(match[2]) }
}

export function formatDot(dot: Dot): string {
  return `${dot.writer}:${dot.tick}`
}

/** More writers than this in one vector are refused: they would make every document large (security cap). */
const MAX_WRITERS = 1_000

/** A vector from foreign data; null when it is none. */
export function parseClock(value: unknown): Clock | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const entries = Object.entries(value)
  if (entries.length === 0 || entries.length > MAX_WRITERS) return null
  const fine = entries.every(([writer, tick]) => Number.isSafeInteger(tick) && parseDot(`${writer}:${tick}`) !== null)
  return fine ? Object.fromEntries(entries) : null
}
