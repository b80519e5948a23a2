// Where the pre-push hook belongs in this repository, whose it is, and whether our block may stand in it.

import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import type { Env } from '../env/env'
import type { Repo } from '../git/git'
import { callsUs, hasBlock, hasCurrentBlock, isShell, ownerOf, type Runner, snippet } from './hook-block'

export type HookPlace =
  /** Our block can stand here; `current`: it does, as this version writes it. */
  | { kind: 'ours'; path: string; runner: Runner; current: boolean }
  /** The file is not ours to change. `called`: our call is in it, or in the tool's configuration, already. */
  | { kind: 'foreign'; path: string; why: string; snippet: string; called: boolean }

const HOOK = 'pre-push'
const LEFTHOOK = ['lefthook', '.lefthook', '.config/lefthook'].flatMap((name) =>
  ['yml', 'yaml', 'json', 'jsonc', 'toml'].map((ending) => `${name}.${ending}`),
)

/** The file that `git rev-parse --git-path hooks/pre-push` names, or husky's own in its place. */
export function hookPlace(env: Env, repo: Repo): HookPlace {
  const set = repo.config.values.findLast(({ name }) => name === 'core.hookspath')
  if (set === undefined || set.value === '') return placeAt(env, repo, join(repo.commonDir, 'hooks', HOOK), 'itself')
  const folder = hooksFolder(env, repo, set.value)
  const path = join(folder, HOOK)
  if (set.scope !== 'local' && set.scope !== 'worktree') {
    return foreign(path, `core.hooksPath = ${set.value} of your own configuration serves all your repositories`)
  }
  if (!isInside(env, repo, folder)) return foreign(path, `core.hooksPath = ${set.value} is outside of this repository`)
  // husky 9 generates `_` and runs the file beside it; husky 4 to 8 keep the file itself in the folder.
  if (/(^|\/)\.husky\/_\/?$/.test(set.value)) return placeAt(env, repo, join(dirname(folder), HOOK), 'husky')
  return placeAt(env, repo, path, 'itself')
}

function placeAt(env: Env, repo: Repo, path: string, runner: Runner): HookPlace {
  const lefthook = LEFTHOOK.map((name) => join(repo.workTree ?? repo.commonDir, name)).find(
    (file) => env.files.stat(file) !== null,
  )
  if (lefthook !== undefined) {
    const called = callsUs(readText(env, lefthook) ?? '')
    return { kind: 'foreign', path, why: 'lefthook writes the hooks here', snippet: snippet('lefthook'), called }
  }
  const stat = env.files.stat(path)
  if (stat === null) return { kind: 'ours', path, runner, current: false }
  if (stat.kind !== 'file') return foreign(path, 'it is a link')
  const text = readText(env, path) ?? ''
  const owner = ownerOf(text)
  if (owner !== null) {
    const called = callsUs(readText(env, join(repo.workTree ?? repo.commonDir, '.pre-commit-config.yaml')) ?? '')
    return { kind: 'foreign', path, why: `${owner} writes it`, snippet: snippet(owner), called }
  }
  if (!hasBlock(text)) {
    if (!isShell(text)) return foreign(path, 'it is not a shell script', callsUs(text))
    if (callsUs(text)) return foreign(path, 'it calls git dstack by itself', true)
    if (runner === 'itself' && (stat.mode & 0o111) === 0)
      return foreign(path, 'it is not executable, so git passes over it')
  }
  return { kind: 'ours', path, runner, current: hasCurrentBlock(text, runner) }
}

function foreign(path: string, why: string, called = false): HookPlace {
  return { kind: 'foreign', path, why, snippet: snippet('other'), called }
}

/** As git reads a path: `~/` is the home, a relative one starts where hooks run. */
function hooksFolder(env: Env, repo: Repo, value: string): string {
  if (value.startsWith('~/')) return join(env.vars.HOME ?? '', value.slice(2))
  return isAbsolute(value) ? value : resolve(repo.workTree ?? repo.gitDir, value)
}

/** A configuration that came with a repository must not make us write elsewhere, links included. */
function isInside(env: Env, repo: Repo, folder: string): boolean {
  let existing = folder
  while (env.files.stat(existing, 'follow') === null && dirname(existing) !== existing) existing = dirname(existing)
  const real = env.files.realPath(existing)
  return [repo.workTree, repo.commonDir].some((top) => {
    if (top === null) return false
    const realTop = env.files.realPath(top)
    return real === realTop || real.startsWith(realTop + sep)
  })
}

/** Is the file one of the project's, so that whoever changes it commits it? */
export function isTracked(repo: Repo, path: string): boolean {
  if (repo.workTree === null || !path.startsWith(repo.workTree + sep) || path.startsWith(repo.commonDir + sep))
    return false
  return repo.git(['ls-files', '--error-unmatch', '--', path], { ok: [0, 1] }).status === 0
}

/** Every file in which our block may stand: the place of today, and the ones where tools put away what they found. */
export function hooksWithBlock(env: Env, repo: Repo, recorded?: string): string[] {
  const folders = [join(repo.commonDir, 'hooks'), dirname(hookPlace(env, repo).path)]
  if (repo.workTree !== null) folders.push(join(repo.workTree, '.husky'))
  const near = folders.flatMap((folder) => namesIn(env, folder).map((name) => join(folder, name)))
  const files = new Set([...(recorded === undefined ? [] : [recorded]), ...near])
  return [...files].filter((file) => env.files.stat(file)?.kind === 'file' && hasBlock(readText(env, file) ?? ''))
}

function namesIn(env: Env, folder: string): string[] {
  if (env.files.stat(folder, 'follow')?.kind !== 'folder') return []
  return env.files.list(folder).filter((name) => name.startsWith(HOOK) && !name.endsWith('.sample'))
}

/** A file's bytes, one character each; null when nothing is there. */
export function readText(env: Env, path: string): string | null {
  return env.files.read(path)?.toString('latin1') ?? null
}
