// Where a repository's folders are, found without starting git.

import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Place } from './exec'

export interface Layout {
  /** Where git is started, so that its own discovery (and its ownership check) finds the same repository. */
  place: Place
  /** This worktree's own folder. */
  gitDir: string
  /** Shared by all worktrees: objects, refs, our rebuildable files under `dstack/`. */
  commonDir: string
  /** Top of the working tree; null in a bare repository. */
  workTree: string | null
}

/**
 * Walks up from `start` as git does. GIT_DIR (relative to the current folder, as git passes it on) wins.
 * @throws NOT_A_REPOSITORY
 */
export function findLayout(env: Env, start: string): Layout {
  const named = env.vars.GIT_DIR
  if (named !== undefined && named !== '') return namedLayout(env, start, resolve(env.cwd, named))
  for (let folder = start; ; folder = dirname(folder)) {
    const dotGit = join(folder, '.git')
    const kind = env.files.stat(dotGit)?.kind
    if (kind !== undefined) {
      const gitDir = followGitFile(env, dotGit)
      if (gitDir !== null) return layout(env, { cwd: folder }, gitDir, folder)
    }
    if (isGitDir(env, folder)) return insideGitDir(env, folder)
    if (dirname(folder) === folder) throw notARepository(start)
  }
}

function namedLayout(env: Env, start: string, path: string): Layout {
  const gitDir = followGitFile(env, path)
  if (gitDir === null) throw notARepository(path)
  const workTree = env.vars.GIT_WORK_TREE
  const top = workTree !== undefined ? resolve(env.cwd, workTree) : gitDir.endsWith('/.git') ? dirname(gitDir) : null
  return layout(env, { cwd: start, gitDir }, gitDir, top)
}

function insideGitDir(env: Env, gitDir: string): Layout {
  // A folder named .git has its working tree beside it; anything else is bare.
  const top = gitDir.endsWith('/.git') ? dirname(gitDir) : null
  return layout(env, { cwd: top ?? gitDir }, gitDir, top)
}

function layout(env: Env, place: Place, gitDir: string, workTree: string | null): Layout {
  const pointer = env.files.read(join(gitDir, 'commondir'))
  const commonDir = pointer === null ? gitDir : resolve(gitDir, pointer.toString('utf8').trim())
  return { place, gitDir, commonDir, workTree }
}

/** A `.git` folder as it is, a `.git` file (linked worktree, submodule) followed; null when it is neither. */
function followGitFile(env: Env, path: string): string | null {
  let at = path
  if (env.files.stat(at)?.kind === 'link') at = env.files.realPath(at)
  if (env.files.stat(at)?.kind === 'file') {
    const target = /^gitdir: (.+?)\r?\n?$/.exec(env.files.read(at)?.toString('utf8') ?? '')?.[1]
    if (target === undefined) return null
    at = isAbsolute(target) ? target : resolve(dirname(at), target)
  }
  return isGitDir(env, at) ? at : null
}

function isGitDir(env: Env, folder: string): boolean {
  if (env.files.stat(join(folder, 'HEAD')) === null) return false
  return env.files.stat(join(folder, 'commondir')) !== null || env.files.stat(join(folder, 'objects')) !== null
}

function notARepository(where: string): DstackError {
  return new DstackError('NOT_A_REPOSITORY', `There is no git repository at ${where} or above it.`, {
    hint: 'Go to a git repository, or make one with `git init`.',
  })
}
