// The one table of error codes. Codes are stable: scripts and agents match them; sentences may improve.

/** Exit status of each code. Source: the conventions of sysexits.h, plus 1 to 4 and 128 as in git. */
const EXIT = {
  // 1: no, not satisfied
  NOT_FOUND: 1,
  NOT_CLEAN: 1,
  // 2: a conflict, or a rule refused
  CONFLICT: 2,
  STATE_RANK: 2,
  DUPLICATE: 2,
  SECRET: 2,
  REFUSED: 2,
  // 3: not legal in this state
  ILLEGAL: 3,
  // 4: a required program is missing or too old
  PROGRAM_MISSING: 4,
  // 64 and above: sysexits.h
  USAGE: 64,
  BAD_KEY: 64,
  BAD_TEXT: 64,
  AMBIGUOUS: 64,
  TOO_LARGE: 64,
  REMOTE_UNAVAILABLE: 69,
  REMOTE_REFUSED: 69,
  NO_REMOTE: 69,
  INTERNAL: 70,
  IO: 74,
  CORRUPT: 74,
  CONTENDED: 75,
  UNTRUSTED: 76,
  NO_PERMISSION: 77,
  BAD_CONFIG: 78,
  REFSPEC_HAZARD: 78,
  TOO_NEW: 78,
  NOT_INITIALISED: 78,
  NOT_A_REPOSITORY: 128,
} as const

export type Code = keyof typeof EXIT

export interface ErrorOptions {
  /** What the reader can do next: one sentence, with the command where there is one. */
  hint?: string
  /** Structured facts for `--json`. Must not hold secrets. */
  data?: Record<string, unknown>
  cause?: unknown
}

/** A failure that the person at the terminal, or the program that reads `--json`, can act on. */
export class DstackError extends Error {
  override readonly name = 'DstackError'
  readonly code: Code
  readonly hint: string | undefined
  readonly data: Record<string, unknown> | undefined

  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.data = options.data
  }

  get exit(): number {
    return EXIT[this.code]
  }
}

/** An expected "no": a value, so that the type makes the caller look. */
export interface Refusal {
  refused: Code
  message: string
  hint?: string
  data?: Record<string, unknown>
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value
}

/** Turns a refusal into the error that ends a command. */
export function refusalError(refusal: Refusal): DstackError {
  return new DstackError(refusal.refused, refusal.message, {
    ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
    ...(refusal.data === undefined ? {} : { data: refusal.data }),
  })
}

export function exitOf(code: Code): number {
  return EXIT[code]
}
