// What is known, in strict rank.

/** Lowest first. A lower state never overwrites a higher one. */
export const STATES = ['UNKNOWN', 'UNCERTAIN', 'INFERRED', 'CONFIRMED'] as const
