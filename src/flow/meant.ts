// Which flow somebody means who names none: that of this worktree, or the only one that is going on. Never the newest.

import { isRefusal, type Refusal } from '../errors'
import { readCurrent } from '../plan/plan'
import type { Store } from '../store/store'
import { slugsOf, standingOf } from './reading'

/** The slug that is named, or the one that is meant. Refused: NOT_FOUND, or AMBIGUOUS with what it could be. */
export function meantFlow(store: Store, named?: string): string | Refusal {
  if (named !== undefined) return named
  const slugs = slugsOf(store)
  const current = readCurrent(store)
  if (current !== null && slugs.includes(current)) return current
  const live = slugs.filter((slug) => !hasEnded(store, slug))
  const commands = live.map((slug) => `git dstack flow use ${slug}`)
  if (current !== null) {
    return {
      refused: 'NOT_FOUND',
      message: `This worktree works on ${current}, which has no flow.`,
      hint: `Begin it: \`git dstack decompose ${current}\`${live.length === 0 ? '' : `, or name another one: ${live.join(', ')}`}.`,
      data: { candidates: live, commands },
    }
  }
  const [only] = live
  if (only !== undefined && live.length === 1) return only
  if (only !== undefined) {
    return {
      refused: 'AMBIGUOUS',
      message: `Several flows are going on: ${live.join(', ')}.`,
      hint: `Name one, or choose one for this worktree: \`git dstack flow use ${only}\`.`,
      data: { candidates: live, commands },
    }
  }
  return {
    refused: 'NOT_FOUND',
    message: slugs.length === 0 ? 'There is no flow here.' : 'No flow is going on here.',
    hint:
      slugs.length === 0
        ? 'Begin one with `git dstack decompose <goal>`.'
        : `Name one that has ended: ${slugs.join(', ')}.`,
    data: { candidates: slugs, commands: [] },
  }
}

/** A flow that can't be read has not ended: it wants to be looked at. */
function hasEnded(store: Store, slug: string): boolean {
  const standing = standingOf(store, slug)
  return !isRefusal(standing) && (standing.flow.state.step === 'Done' || standing.flow.state.step === 'Aborted')
}
