// Requirements that a plan lists (`- FR-1: …`, `- **SC-002**: …`), and where it refers to them.

import { plainText } from './lines'
import type { PlanText } from './text'
import type { ReadPlan } from './types'

const LISTED =
  /^\s*[-*+]\s+(?:\[[ xX]\]\s+)?(?:\*\*)?((?:FR|NFR|SC|REQ|US)-?\d{1,4})(?:\*\*)?\s?(?:\([^()]{0,60}\))?\s?[:–—-](?:\*\*)?\s*(\S.*)$/
const NAMED = /\b(?:FR|NFR|SC|REQ)-\d{1,4}\b/g

/** The requirements in the order of the text, the first of each id. */
export function requirementsOf(plan: PlanText): ReadPlan['requirements'] {
  const found = new Map<string, string>()
  for (const line of plan.lines) {
    const [, id, text = ''] = line.kind === 'text' ? (LISTED.exec(line.text) ?? []) : []
    if (id !== undefined && !found.has(id)) found.set(id, plainText(text))
  }
  return [...found].map(([id, text]) => ({ id, text }))
}

/** Ids of requirements that a text names. */
export function requirementsIn(text: string): string[] {
  return [...new Set(text.match(NAMED) ?? [])]
}
