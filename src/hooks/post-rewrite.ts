// git's post-rewrite hook: after an amend or a rebase, verdicts follow the commits as far as they still say something.
// We never set notes.rewriteRef: git then writes without looking at what others wrote meanwhile, and loses acknowledged lines.

import type { Env } from '../env/env'
import { here } from './gated'

export async function postRewrite(env: Env): Promise<number> {
  const at = await here(env)
  if (at === null || at.mode === 'off') return 0
  const pairs = readPairs(env.stdin().toString('latin1'))
  if (pairs.length === 0) return 0
  const { carryOver } = await import('../gate/gate')
  carryOver(at.store, pairs)
  return 0
}

/** `<old> SP <new> [SP <extra>]` on each line. Source: githooks(5). */
export function readPairs(text: string): { from: string; to: string }[] {
  return [...text.matchAll(/^([0-9a-f]{40}(?:[0-9a-f]{24})?) ([0-9a-f]{40}(?:[0-9a-f]{24})?)(?: .*)?$/gm)].map(
    ([, from = '', to = '']) => ({ from, to }),
  )
}
