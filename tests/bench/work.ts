// What every memory does, so that several can be timed at it.

import { QUESTIONS, sample } from './corpus'
import type { Timed } from './measure'

export interface Work {
  create: Timed
  list: Timed
  search: Timed
}

/** What is searched for. */
export const WORD = QUESTIONS.common[0]

/** How many documents of a corpus hold that word. */
export function holders(size: number): number {
  return Array.from({ length: size }, (_, i) => sample(i, size)).filter(({ text }) => text.includes(WORD)).length
}
