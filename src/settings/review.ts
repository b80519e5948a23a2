// The settings of reviews: which programs review, and how long they may take. Pure.

import { argvOf } from './argv'
import { isWholeNumber } from './checks'
import type { Setting } from './table'

const HELP = '{prompt} stands for the file with its task (without: standard input), {output} for the file of its answer'

/** It runs only when a person allowed it (`git dstack trust allow`), so the team may propose one. */
function reviewer(name: string, help: string): Setting {
  return {
    name: `review.${name}`,
    default: '',
    help,
    layers: ['team', 'personal'],
    problem(value) {
      const words = argvOf(value)
      return 'problem' in words ? words.problem : null
    },
  }
}

export const REVIEW_SETTINGS: readonly Setting[] = [
  reviewer('reviewer', `program that reviews, with its arguments; ${HELP}`),
  reviewer('reviewerB', 'another one for track B; without it the same one'),
  {
    name: 'review.limitSeconds',
    default: '600',
    help: 'how long one reviewer may take',
    layers: ['team', 'personal', 'clone'],
    problem: (value) => (isWholeNumber(value, 1, 86_400) ? null : 'it is no number of seconds from 1 to 86400'),
  },
]
