// What two runs of a change's tests mean: without the change, and with it. Pure.

import type { TestRun } from './read-output'
import { worst } from './runners'
import type { Failure, Outcome } from './schema'

/** How the tests of one command ended. */
export interface SuiteRun {
  command: string
  /** Exit status; null when a signal or the limit ended it. */
  status: number | null
  timedOut: boolean
  limitSeconds: number
  /** The last line that it printed, harmless to print. */
  last: string
  /** Null: what it prints can't be read. */
  run: TestRun | null
}

export interface Verdict {
  outcome: Outcome
  /** One sentence. Foreign names in it have not gone through `safe`. */
  reason: string
  failures: Failure[]
  /** Tests of the change that pass without it. */
  decorative: string[]
}

const verdict = (outcome: Outcome, reason: string, more: Partial<Verdict> = {}): Verdict => ({
  outcome,
  reason,
  failures: [],
  decorative: [],
  ...more,
})

/** @param isNew is a test of this name one that the change adds? */
export function judgeRed(runs: readonly SuiteRun[], isNew: (name: string) => boolean): Verdict {
  const judged = runs.map((run) => judgeOne(run, isNew))
  const failures = judged.flatMap((one) => one.failures)
  const decorative = judged.flatMap((one) => one.decorative)
  // One decorative test is certain; a run that broke may hide others.
  const order = ['decorative', 'broken', 'proved-by-absence', 'proved'] as const
  const found = order.map((outcome) => judged.find((one) => one.outcome === outcome)).find((one) => one !== undefined)
  return { ...(found ?? verdict('broken', 'Nothing was run.')), failures, decorative }
}

function judgeOne({ command, status, timedOut, limitSeconds, last, run }: SuiteRun, isNew: (name: string) => boolean) {
  if (timedOut) return verdict('broken', `Without the change, ${command} did not end within ${limitSeconds} seconds.`)
  if (status === null) return verdict('broken', `Without the change, a signal ended ${command}: ${last}`)
  const decorative = [...new Set(run?.passing.filter(isNew))]
  const failures = run?.failures ?? []
  if (decorative.length > 0) {
    const reason = `${some(decorative)} ${decorative.length === 1 ? 'passes' : 'pass'} without the change.`
    return verdict('decorative', reason, { failures, decorative })
  }
  if (status === 0) {
    if (run !== null && run.passing.length === 0) return verdict('broken', `${command} ran no test.`)
    return verdict('decorative', 'The tests pass without the change.')
  }
  if (run === null) return verdict('broken', `${command} fails without the change, and what it prints can't be read.`)
  const other = failures.find(({ kind }) => kind === 'other')
  if (other !== undefined) {
    return verdict('broken', `Without the change, ${other.test} fails for another reason: ${other.said}`, { failures })
  }
  const kind = worst(failures.map((failure) => failure.kind))
  if (kind === null) return verdict('broken', `${command} failed (${status}) and named no test: ${last}`)
  const names = some(failures.map(({ test }) => test))
  return kind === 'absence'
    ? verdict('proved-by-absence', `Without the change, what ${names} needs is not there.`, { failures })
    : verdict('proved', `Without the change, ${names} fails by what it asserts.`, { failures })
}

/** Null: they pass with the change, as they should. */
export function judgeGreen(runs: readonly SuiteRun[]): Verdict | null {
  for (const { command, status, timedOut, limitSeconds, last, run } of runs) {
    if (timedOut) return verdict('broken', `With the change, ${command} did not end within ${limitSeconds} seconds.`)
    if (status !== 0) {
      const [first] = run?.failures ?? []
      const what = first === undefined ? last : `${first.test}: ${first.said}`
      return verdict('broken', `They fail with the change as well: ${what}`, { failures: run?.failures ?? [] })
    }
    if (run !== null && run.passing.length === 0) return verdict('broken', `With the change, ${command} ran no test.`)
  }
  return null
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
