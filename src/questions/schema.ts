// The durable format of answers and proofs in notes, and what the five questions are called. Types and constants only.

/** Kinds of lines in `refs/notes/dstack/questions`. Each sits on the tree that it is about. */
export const NOTES = 'questions'

export const NUMBERS = [1, 2, 3, 4, 5] as const
export type Number5 = (typeof NUMBERS)[number]

/** Source of the questions: the quality gate of the method; "no" to any of them means stop. */
export const QUESTIONS: Readonly<Record<Number5, { name: string; text: string }>> = {
  1: { name: 'negative', text: 'Are there negative tests: do they show what is refused and how it fails?' },
  2: { name: 'verify', text: 'Was it seen to work live, not only in tests?' },
  3: { name: 'companion', text: 'Was the companion updated since the last commit, with details?' },
  4: { name: 'red', text: 'Would these tests fail without the change?' },
  5: { name: 'done', text: 'Is it truly done: nothing open, skipped, mocked or left for later?' },
}

/** Why a test failed: an expectation (or an exception that nobody expected); what it uses is not there yet; neither. */
export type FailureKind = 'assertion' | 'absence' | 'other'

export interface Failure {
  test: string
  kind: FailureKind
  /** One line. Foreign. */
  said: string
}

/**
 * - `proved`: they fail without the change by what they assert, and pass with it.
 * - `proved-by-absence`: what they use is not there without the change; whether that is enough is policy.
 * - `decorative`: tests of the change pass without it.
 * - `broken`: they fail for another reason, fail with the change as well, or nothing readable came out.
 * - `cannot-separate`: the tests stand in the files of the code.
 * - `no-tests`, `only-tests`: there is nothing to try, or nothing without which they could fail.
 */
export const OUTCOMES = [
  'proved',
  'proved-by-absence',
  'decorative',
  'broken',
  'cannot-separate',
  'no-tests',
  'only-tests',
] as const
export type Outcome = (typeof OUTCOMES)[number]

/** A line `{"t":"red",…}`: what `proveRed` found out. */
export interface RedLine {
  t: 'red'
  v: 1
  /** Tree that the change is made on. */
  base: string
  tree: string
  outcome: Outcome
  reason: string
  /** The commands, in order; the names of the test files are not in them. */
  commands: string[]
  /** Hashes of their definitions, as trust has them. */
  definitions: string[]
  tests: string[]
  /** SHA-256 of everything that was printed. */
  output: string
  at: string
  by: string
}

/** A line `{"t":"verify",…}`: how the probe of `questions.verify` ended on this tree. */
export interface VerifyLine {
  t: 'verify'
  v: 1
  tree: string
  command: string
  definition: string
  /** Exit status; null when a signal or the limit ended it. */
  exit: number | null
  output: string
  ms: number
  at: string
  by: string
}

/** A line `{"t":"answer",…}`: what somebody said. The newest one of a question counts. */
export interface AnswerLine {
  t: 'answer'
  v: 1
  tree: string
  question: Number5
  answer: 'yes' | 'no'
  text: string
  at: string
  by: string
  /** The tool in whose shell it was said; absent: a person's own. */
  agent?: string
}
