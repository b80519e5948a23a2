// A group of targets that are measured together.

import type { Ground } from './ground'
import { median } from './measure'
import type { Figure, Outcome } from './targets'

export interface Group {
  /** Ids of the targets, without what stands behind a dash. */
  targets: readonly string[]
  run(ground: Ground): Promise<{ outcomes: Outcome[]; figures?: Figure[] }>
}

/** `31 ms`, `4.2 ms`: the median, for the detail of a row. */
export function ms(times: readonly number[]): string {
  const value = median(times)
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

/** Throws with what was expected and what came. */
export function expect(actual: string | number, expected: string | number, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`)
}
