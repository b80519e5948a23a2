// git's post-commit hook: the commit gets the verdict of its tree. Nothing in here can fail a commit that is made.

import type { Env } from '../env/env'
import { here } from './gated'

export async function postCommit(env: Env): Promise<number> {
  const at = await here(env)
  const commit = at?.repo.work.head().oid ?? null
  if (at === null || at.mode === 'off' || commit === null) return 0
  const { copyToCommit } = await import('../gate/gate')
  copyToCommit(at.store, commit)
  return 0
}
