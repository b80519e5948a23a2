// Trees as folders: what the index holds, whether the working tree is that, and checkouts of our own that no `git worktree` shows.

import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Env } from '../env/env'
import { type GitCall, git } from './exec'
import { withoutForeign } from './foreign'
import type { Repo } from './git'
import type { Oid } from './objects'

/** The repository may not say that changed files count as unchanged, or that files are left out. */
const STRICT = [
  'core.trustctime=true',
  'core.checkStat=default',
  'core.ignoreStat=false',
  'core.sparseCheckout=false',
  'core.untrackedCache=false',
  'core.splitIndex=false',
  'submodule.recurse=false',
]

/** The tree that the index holds; null while paths are unmerged. In a hook that of the commit which is being made. */
export function indexTree(env: Env, repo: Repo): Oid | null {
  const index = env.vars.GIT_INDEX_FILE
  const vars = index === undefined || index === '' ? {} : { GIT_INDEX_FILE: resolve(env.cwd, index) }
  const done = git(env, repo.place, ['write-tree'], { vars, ok: [0, 128] })
  return done.status === 0 ? done.stdout.toString('latin1').trim() : null
}

/**
 * Why the working tree is not exactly what HEAD holds, as the end of a sentence; null when it is. Untracked files count, and so
 * does what git was told not to look at (`assume-unchanged`, `skip-worktree`).
 */
export function workTreeDiffers(env: Env, repo: Repo): string | null {
  const { workTree } = repo
  if (workTree === null) return 'there is none'
  const run = runner(env, repo, workTree, join(repo.gitDir, 'index'))
  const flags = ['--porcelain=v2', '-z', '--no-renames', '--untracked-files=normal', '--ignore-submodules=none']
  const [line = ''] = run(['status', ...flags])
    .stdout.toString('utf8')
    .split('\0')
  if (line !== '') {
    const path = line.startsWith('? ')
      ? line.slice(2)
      : line
          .split(' ')
          .slice(line[0] === 'u' ? 10 : 8)
          .join(' ')
    return line.startsWith('? ') ? `${path} is untracked` : `${path} is changed`
  }
  const marked = run(['ls-files', '-v', '-z']).stdout.toString('utf8').split('\0')
  const hidden = marked.find((entry) => entry !== '' && !/^[HK] /.test(entry))
  return hidden === undefined ? null : `git was told not to look at ${hidden.slice(2)}`
}

export interface Checkout {
  tree: Oid
  /** What HEAD is for commands that run there. */
  head: Oid | null
  /** Absolute path; everything in it is ours. */
  folder: string
  /** Names of folders that stay when all else that is not of the tree is taken away. */
  keep: readonly string[]
}

/**
 * Makes a folder hold exactly this tree. It has a small repository of its own, which borrows the objects of the real one, so that
 * `git ls-files` works in it and nothing done there moves a ref or an index of the user. No hook and no foreign filter runs.
 */
export function checkOut(env: Env, repo: Repo, { tree, head, folder, keep }: Checkout): void {
  const own = join(folder, '.git')
  const fill = () => {
    plant(env, repo, own, head)
    env.files.remove(join(own, 'index.lock'))
    runner(env, repo, folder, join(own, 'index'))(['read-tree', '--reset', '-u', tree])
  }
  try {
    fill()
  } catch {
    // Whatever a killed run or a command left there: begin anew. What is wrong with the tree itself is said then.
    env.files.remove(folder)
    fill()
  }
  const list = ['ls-files', '--others', '--directory', '-z']
  for (const path of runner(env, repo, folder, join(own, 'index'))(list).stdout.toString('utf8').split('\0')) {
    const parts = path.split('/').filter((part) => part !== '')
    if (parts.length > 0 && !parts.some((part) => keep.includes(part))) env.files.remove(join(folder, ...parts))
  }
}

/** The least that git takes for a repository. Source: gitrepository-layout(5). */
function plant(env: Env, repo: Repo, own: string, head: Oid | null): void {
  const format = repo.format === 'sha1' ? '' : `[extensions]\n\tobjectformat = ${repo.format}\n`
  const version = repo.format === 'sha1' ? 0 : 1
  env.files.write(join(own, 'config'), `[core]\n\trepositoryformatversion = ${version}\n\tbare = false\n${format}`)
  env.files.write(join(own, 'objects', 'info', 'alternates'), `${join(repo.commonDir, 'objects')}\n`)
  env.files.write(join(own, 'HEAD'), head === null ? 'ref: refs/heads/none\n' : `${head}\n`)
  env.files.makeFolder(join(own, 'refs', 'heads'))
}

/** Files of the tree that are no longer as they were checked out. */
export function changedSince(env: Env, repo: Repo, folder: string): string[] {
  const args = ['diff', '--name-only', '-z', '--no-ext-diff', '--no-textconv', '--ignore-submodules=all']
  const done = runner(env, repo, folder, join(folder, '.git', 'index'))(args)
  return done.stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '')
}

/** Of these names at the top of the working tree, links to those that git ignores. Gives what is linked. */
export function linkIgnored(env: Env, repo: Repo, folder: string, names: readonly string[]): string[] {
  const { workTree } = repo
  if (workTree === null) return []
  const there = names.filter((name) => env.files.stat(join(workTree, name), 'follow')?.kind === 'folder')
  if (there.length === 0) return []
  // This verb refuses to work with the literal pathspecs that the runner asks for; it takes no patterns anyway.
  const ask = ['--no-literal-pathspecs', 'check-ignore', '-z', '--stdin']
  const input = there.map((name) => `${name}/\0`).join('')
  const done = runner(env, repo, workTree, join(repo.gitDir, 'index'))(ask, { input, ok: [0, 1] })
  const ignored = done.stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '')
  const linked = ignored.map((path) => path.replace(/\/$/, ''))
  for (const name of linked) {
    const path = join(folder, name)
    if (env.files.stat(path) === null) symlinkSync(join(workTree, name), path, 'junction')
  }
  return linked
}

function runner(env: Env, repo: Repo, workTree: string, index: string) {
  const vars = { GIT_WORK_TREE: workTree, GIT_INDEX_FILE: index, ...withoutForeign(env, repo.freshConfig()) }
  return (args: readonly string[], call: GitCall = {}) =>
    git(env, { cwd: workTree, gitDir: repo.gitDir }, args, { config: STRICT, ...call, vars })
}
