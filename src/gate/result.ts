// What checking a predicate gives. Pure.

/** `error`: it could not be found out. That never counts as passed. */
export type Outcome = 'pass' | 'fail' | 'error'

export interface Result {
  /** The predicate in its canonical spelling. */
  predicate: string
  result: Outcome
  /** One sentence. Foreign names in it are harmless to print. */
  reason: string
  ms: number
  /** The end of what a command printed, harmless to print; empty where no command ran. */
  output: string
  /** SHA-256 of all that was kept of it; empty where no command ran. */
  outputHash: string
  /**
   * SHA-256 of what was asked: the predicate, how it was asked (at the head, or at the base), and for a command all that
   * trust covers. Another hash is another check, and says nothing about this one.
   */
  definition: string
  /** What the result depends on besides the definition: the tree, and for differences and `@red` the base. */
  inputs: readonly ('tree' | 'base')[]
  /** Set when it was not even tried. */
  refused?: 'UNTRUSTED'
}

/** What one form finds out; the rest of the result is the same for all. */
export interface Finding {
  result: Outcome
  reason: string
  /** The output of a command: whole, as far as it was kept. */
  output?: string
  refused?: 'UNTRUSTED'
}

export const pass = (reason: string): Finding => ({ result: 'pass', reason })
export const fail = (reason: string): Finding => ({ result: 'fail', reason })
export const error = (reason: string): Finding => ({ result: 'error', reason })

/** Names of things in a sentence: the first few, and how many more. */
export function some(names: readonly string[], show: (name: string) => string): string {
  const shown = names.slice(0, 3).map(show).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
