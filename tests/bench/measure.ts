// The interleaved timer: A B C A B C …, ratios taken round by round, then the median. Ratios bind, milliseconds don't.

/** Runs a case once and gives the milliseconds that count; throws when its outcome is not what it must be. */
export type Timed = (round: number) => number | Promise<number>

/** The first rounds warm the caches and don't count. */
export const DROPPED = 2

export interface Rounds {
  /** Rounds that count. 10 to 20 separate a tenth, 3 to 6 only gaps of five times and more. */
  kept: number
  dropped: number
}

/** Milliseconds of each case, one per round that counts. */
export async function interleave<const N extends string>(
  cases: Readonly<Record<N, Timed>>,
  rounds: Rounds,
): Promise<Record<N, number[]>> {
  const names = Object.keys(cases) as N[]
  const times = Object.fromEntries(names.map((name) => [name, []])) as Record<string, number[]> as Record<N, number[]>
  for (let round = 0; round < rounds.dropped + rounds.kept; round++) {
    for (const name of names) {
      const ms = await cases[name](round)
      if (round >= rounds.dropped) times[name].push(ms)
    }
  }
  return times
}

/** How many times as long as the base a case took: each round against the base of the same round, then the median. */
export function ratio(times: readonly number[], base: readonly number[]): number {
  if (times.length !== base.length) throw new Error('Cases of one table have the same rounds.')
  return median(times.map((ms, round) => ms / (base[round] ?? Number.NaN)))
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('There is no median of nothing.')
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}
