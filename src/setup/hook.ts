// Where a hook belongs in this repository, whose it is, and whether our block may stand in it.

import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import type { Env } from '../env/env'
import type { Repo } from '../git/git'
import { hasBlock, hasCurrentBlock, isShell, ownerOf, type Runner } from './hook-block'
import { HOOKS, type HookName } from './hook-names'
import { callsUs, canCall, type Tool } from './hook-snippets'

export type HookPlace =
  /** Our block can stand here; `current`: it does, as this version writes it. */
  | { kind: 'ours'; hook: HookName; path: string; runner: Runner; current: boolean }
  /** The file is not ours to change. `called`: our call is in it, or in the tool's configuration, already. */
  | { kind: 'foreign'; hook: HookName; path: string; why: string; tool: Tool; called: boolean }

const LEFTHOOK = ['lefthook', '.lefthook', '.config/lefthook'].flatMap((name) =>
  ['yml', 'yaml', 'json', 'jsonc', 'toml'].map((ending) => `${name}.${ending}`),
)

/** The places of our hooks. In a bare repository nobody commits; its worktrees share its hooks, and put them there. */
export function hookPlaces(env: Env, repo: Repo): HookPlace[] {
  const wanted = HOOKS.filter((hook) => hook === 'pre-push' || repo.workTree !== null)
  return wanted.map((hook) => hookPlace(env, repo, hook))
}

/** The file that `git rev-parse --git-path hooks/<hook>` names, or husky's own in its place. */
export function hookPlace(env: Env, repo: Repo, hook: HookName): HookPlace {
  const set = repo.config.values.findLast(({ name }) => name === 'core.hookspath')
  const at = (folder: string, runner: Runner) => placeAt(env, repo, { hook, path: join(folder, hook), runner })
  if (set === undefined || set.value === '') return at(join(repo.commonDir, 'hooks'), 'itself')
  const folder = hooksFolder(env, repo, set.value)
  const foreign = (why: string) =>
    foreignPlace({ hook, path: join(folder, hook) }, `core.hooksPath = ${set.value} ${why}`)
  if (set.scope !== 'local' && set.scope !== 'worktree') {
    return foreign('of your own configuration serves all your repositories')
  }
  if (!isInside(env, repo, folder)) return foreign('is outside of this repository')
  // husky 9 generates `_` and runs the file beside it; husky 4 to 8 keep the file itself in the folder.
  if (/(^|\/)\.husky\/_\/?$/.test(set.value)) return at(dirname(folder), 'husky')
  return at(folder, 'itself')
}

/** A hook of git's and the file that it is. */
interface Spot {
  hook: HookName
  path: string
}

function placeAt(env: Env, repo: Repo, spot: Spot & { runner: Runner }): HookPlace {
  const { hook, path, runner } = spot
  const foreign = (why: string, called = false) => foreignPlace(spot, why, 'other', called)
  /** What a tool can't run is not missing in its configuration. */
  const inTool = (tool: Tool, why: string, config: string) => {
    const called = !canCall(tool, hook) || callsUs(readText(env, config) ?? '', hook)
    return foreignPlace(spot, why, tool, called)
  }
  const lefthook = LEFTHOOK.map((name) => join(repo.workTree ?? repo.commonDir, name)).find(
    (file) => env.files.stat(file) !== null,
  )
  if (lefthook !== undefined) return inTool('lefthook', 'lefthook writes the hooks here', lefthook)
  const stat = env.files.stat(path)
  if (stat === null) return { kind: 'ours', hook, path, runner, current: false }
  if (stat.kind !== 'file') return foreign('it is a link')
  const text = readText(env, path) ?? ''
  const owner = ownerOf(text)
  if (owner !== null) {
    return inTool(owner, `${owner} writes it`, join(repo.workTree ?? repo.commonDir, '.pre-commit-config.yaml'))
  }
  if (!hasBlock(text)) {
    if (!isShell(text)) return foreign('it is not a shell script', callsUs(text, hook))
    if (callsUs(text, hook)) return foreign('it calls git dstack by itself', true)
    if (runner === 'itself' && (stat.mode & 0o111) === 0) return foreign('it is not executable, so git passes over it')
  }
  return { kind: 'ours', hook, path, runner, current: hasCurrentBlock(text, hook, runner) }
}

function foreignPlace({ hook, path }: Spot, why: string, tool: Tool = 'other', called = false): HookPlace {
  return { kind: 'foreign', hook, path, why, tool, called }
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
export function hooksWithBlock(env: Env, repo: Repo, recorded: readonly string[] = []): string[] {
  const folders = [join(repo.commonDir, 'hooks'), dirname(hookPlace(env, repo, 'pre-push').path)]
  if (repo.workTree !== null) folders.push(join(repo.workTree, '.husky'))
  const near = folders.flatMap((folder) => namesIn(env, folder).map((name) => join(folder, name)))
  const files = new Set([...recorded, ...near])
  return [...files].filter((file) => env.files.stat(file)?.kind === 'file' && hasBlock(readText(env, file) ?? ''))
}

function namesIn(env: Env, folder: string): string[] {
  if (env.files.stat(folder, 'follow')?.kind !== 'folder') return []
  return env.files
    .list(folder)
    .filter((name) => HOOKS.some((hook) => name.startsWith(hook)) && !name.endsWith('.sample'))
}

/** A file's bytes, one character each; null when nothing is there. */
export function readText(env: Env, path: string): string | null {
  return env.files.read(path)?.toString('latin1') ?? null
}
