// Patterns from others: a search that ends after its limit, however the pattern backtracks.

/** Matches found, up to the most that was asked for; `slow` when the limit ended the search. */
export type Counted = { count: number } | 'slow'

const LIMIT_MS = 1000

/**
 * Counts the matches of a pattern, `most` at most. V8 looks for the end of a `vm` limit also while a pattern
 * backtracks, so `(a+)+$` ends in time, here and without a thread or a process.
 * @throws SyntaxError for a pattern that is none
 */
export function countMatches(text: string, pattern: string, flags: string, most: number, limitMs = LIMIT_MS): Counted {
  const wanted = new RegExp(pattern, [...new Set(`${flags}g`)].join(''))
  const vm = process.getBuiltinModule('node:vm')
  const search = () => {
    let count = 0
    for (const _match of text.matchAll(wanted)) if (++count >= most) break
    return count
  }
  try {
    const count: unknown = new vm.Script('search()').runInContext(vm.createContext({ search }), { timeout: limitMs })
    return { count: Number(count) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'slow'
    throw error
  }
}
