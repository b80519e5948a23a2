// Where a person's trust is kept: one file for each repository, in their own state folder. The repository has no vote.

import { dirname, isAbsolute, join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { type Repo, withoutCredentials } from '../git/git'
import { type Allowed, parseTrust, type TrustFile } from './schema'

/** The file, and what it says about the repository. */
export interface Ledger {
  path: string
  repository: { path: string; url: string }
}

/**
 * Finds the file of this repository, by the real path of its common folder and the URL of its remote. A working tree that
 * only points at somebody else's `.git`, and that the other doesn't point back to, is a repository of its own here: it
 * inherits nothing.
 * @throws BAD_CONFIG where the file would lie in the repository, or there is no home for it
 */
export function findLedger(env: Env, repo: Repo): Ledger {
  const common = env.files.realPath(repo.commonDir)
  const remote = repo.config.get('dstack.remote') ?? 'origin'
  const url = withoutCredentials(repo.config.get(`remote.${remote}.url`) ?? '')
  const own = pointsBack(env, repo) ? [] : [repo.gitDir, repo.workTree ?? '']
  const id = repo.digest(JSON.stringify([common, url, ...own])).slice(0, 32)
  const folder = join(stateFolder(env), 'dstack', 'trust')
  const tops = [common, ...(repo.workTree === null ? [] : [env.files.realPath(repo.workTree)])]
  const real = realFolder(env, folder)
  if (tops.some((top) => real === top || real.startsWith(join(top, '/')))) {
    throw new DstackError('BAD_CONFIG', `${folder} lies in the repository, which has no vote on its own trust.`, {
      hint: 'Set XDG_STATE_HOME to a folder outside of it.',
    })
  }
  return { path: join(folder, `${id}.json`), repository: { path: common, url } }
}

/** @throws TOO_NEW, CORRUPT */
export function readLedger(env: Env, { path }: Ledger): Allowed[] {
  return parseTrust(env.files.read(path), path)
}

/** Changes the file; one at a time in a repository. */
export function changeLedger(
  env: Env,
  repo: Repo,
  ledger: Ledger,
  change: (allowed: readonly Allowed[]) => Allowed[],
): void {
  const lock = repo.lock()
  try {
    const file: TrustFile = { v: 1, repository: ledger.repository, allowed: change(readLedger(env, ledger)) }
    env.files.write(ledger.path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, sync: true })
  } finally {
    lock?.release()
  }
}

/** Source: XDG Base Directory Specification, which says to ignore relative paths. */
function stateFolder(env: Env): string {
  const { XDG_STATE_HOME, HOME } = env.vars
  if (XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME)) return XDG_STATE_HOME
  if (HOME !== undefined && isAbsolute(HOME)) return join(HOME, '.local', 'state')
  throw new DstackError('BAD_CONFIG', 'There is no folder for what you trust: HOME is not set.', {
    hint: 'Set HOME, or XDG_STATE_HOME.',
  })
}

/** The real path of what is there of a folder's path, with the rest as it is. */
function realFolder(env: Env, folder: string): string {
  if (env.files.stat(folder, 'follow') !== null) return env.files.realPath(folder)
  const above = dirname(folder)
  return above === folder ? folder : join(realFolder(env, above), folder.slice(above.length))
}

/** Is this working tree one that its `.git` knows: the folder above it, or a linked worktree that points back? */
function pointsBack(env: Env, repo: Repo): boolean {
  if (repo.workTree === null) return true
  const real = (path: string) => (env.files.stat(path, 'follow') === null ? path : env.files.realPath(path))
  const [top, gitDir, common] = [real(repo.workTree), real(repo.gitDir), real(repo.commonDir)]
  if (gitDir === common) return gitDir === join(top, '.git')
  const pointer = env.files.read(join(gitDir, 'gitdir'))?.toString('utf8').trim() ?? ''
  const back = isAbsolute(pointer) ? pointer : join(gitDir, pointer)
  return dirname(gitDir) === join(common, 'worktrees') && real(dirname(back)) === top
}
