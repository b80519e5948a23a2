// Long answers on a terminal go through the user's pager, as git's do.

import { spawnSync } from 'node:child_process'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { openRepo } from '../git/git'

/** Shows the text in the pager. False: there is none, or it is not wanted here; print the text instead. */
export function page(env: Env, text: string): boolean {
  const { vars } = env
  if (vars.CI !== undefined || vars.TERM === 'dumb') return false
  const pager = vars.GIT_PAGER ?? configuredPager(env) ?? vars.PAGER ?? 'less -FRX'
  if (pager === '' || pager === 'cat') return false
  // A pager is a shell command, as in git. It comes from the user's own environment or configuration.
  const done = spawnSync('sh', ['-c', pager], {
    input: text,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { LESS: 'FRX', LV: '-c', ...vars },
    cwd: env.cwd,
  })
  return done.status !== 127 && (done.error === undefined || (done.error as NodeJS.ErrnoException).code === 'EPIPE')
}

/** `core.pager` from global and system scope only: a repository must not name a program to run. */
function configuredPager(env: Env): string | undefined {
  try {
    return openRepo(env).freshConfig().own('core.pager')
  } catch (error) {
    if (error instanceof DstackError && error.code === 'NOT_A_REPOSITORY') return undefined
    throw error
  }
}
