// What other tools found, in their own forms: SARIF 2.1.0, review comments of GitHub, discussions of GitLab. Pure.
//
//                  P1                               P2                        P3
// SARIF            level error; security-severity   level warning, or none    level note, none;
//                  7.0 and above                    is said; 4.0 to 6.9       below 4.0
// a comment's      P0, P1, critical, high,          P2, medium, issue, todo,  P3, low, minor, nit, nitpick, suggestion,
// label            blocking                         chore, bug, no label      question, thought, note, typo, polish, style
//
// security-severity, where a rule or a result has one, wins over the level. A label stands at the beginning of a comment
// (`nit: …`, `issue (blocking): …`, `[P1] …`). Praise, replies, system notes, resolved threads, suppressed results and results that
// are no failures are left out, and counted.

import type { Report } from './decide'
import { fromComments, isComments } from './foreign-comments'
import { fromDiscussions, isDiscussions } from './foreign-discussions'
import { fromSarif, isSarif } from './foreign-sarif'

export type Format = 'SARIF' | 'GitHub' | 'GitLab'

export interface Foreign {
  format: Format
  reports: Report[]
  /** What was left out because it asks for nothing. */
  skipped: number
}

/** Recognises the form by its content. Null: it is none of these, but perhaps our own. */
export function readForeign(text: string): Foreign | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (isSarif(value)) return { format: 'SARIF', ...fromSarif(value) }
  if (isComments(value)) return { format: 'GitHub', ...fromComments(value) }
  if (isDiscussions(value)) return { format: 'GitLab', ...fromDiscussions(value) }
  return null
}
