// git's configuration, read once, with the scope of each value. Cached, because a process start is most of a hook's time.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { git } from './exec'
import type { Layout } from './layout'

export type ConfigScope = 'system' | 'global' | 'local' | 'worktree' | 'command' | 'unknown'

export interface ConfigValue {
  scope: ConfigScope
  /** `file:/home/a/.gitconfig`, `command line:` … */
  origin: string
  /** Lower case except for the subsection. */
  name: string
  value: string
}

export interface Config {
  /** The value that git itself would use: the last one. */
  get(name: string): string | undefined
  all(name: string): string[]
  /** The last value from system or global scope: for everything that names a program, since a repository must not. */
  own(name: string): string | undefined
  ownAll(name: string): string[]
  flag(name: string, otherwise: boolean): boolean
  readonly values: readonly ConfigValue[]
}

/** Reads the configuration from git. */
export function readConfig(env: Env, layout: Layout): Config {
  return makeConfig(fromGit(env, layout))
}

/**
 * The same, through a cache beside the repository that is valid while no configuration file has changed.
 * For speed only: what names a program to run must come from `readConfig`.
 */
export function cachedConfig(env: Env, layout: Layout): Config {
  if (env.vars.GIT_CONFIG_PARAMETERS !== undefined || env.vars.GIT_CONFIG_COUNT !== undefined) {
    return readConfig(env, layout)
  }
  const path = join(layout.gitDir, 'dstack', 'cache', 'config.json')
  const cached = parseCache(env.files.read(path))
  const standard = standardFiles(env, layout)
  if (cached !== null && cached.standard === standard.join('\n') && cached.stamp === stamp(env, cached.files)) {
    return makeConfig(cached.values)
  }
  const values = fromGit(env, layout)
  saveCache(env, layout, path, standard, values)
  return makeConfig(values)
}

function fromGit(env: Env, layout: Layout): ConfigValue[] {
  const done = git(env, layout.place, ['config', '--list', '-z', '--show-origin', '--show-scope'])
  const fields = done.stdout.toString('utf8').split('\0')
  const values: ConfigValue[] = []
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [scope, origin, entry] = [fields[i] ?? '', fields[i + 1] ?? '', fields[i + 2] ?? '']
    const cut = entry.indexOf('\n')
    // A key without `=` has no newline: git reads it as true.
    const [name, value] = cut < 0 ? [entry, 'true'] : [entry.slice(0, cut), entry.slice(cut + 1)]
    // Our own overrides are on the command line too; they say nothing about the user.
    if (scope !== 'command' || !OURS.has(name)) values.push({ scope: scope as ConfigScope, origin, name, value })
  }
  return values
}

const OURS = new Set([
  'core.fsmonitor',
  'core.hookspath',
  'core.pager',
  'core.alternaterefscommand',
  'diff.external',
  'protocol.ext.allow',
  'gc.auto',
  'maintenance.auto',
  'log.showsignature',
])

function makeConfig(values: readonly ConfigValue[]): Config {
  const pick = (name: string, wanted: (value: ConfigValue) => boolean) =>
    values.filter((value) => value.name === name && wanted(value)).map((value) => value.value)
  const own = (value: ConfigValue) => value.scope === 'system' || value.scope === 'global'
  const all = (name: string) => pick(name, () => true)
  return {
    values,
    all,
    get: (name) => all(name).at(-1),
    ownAll: (name) => pick(name, own),
    own: (name) => pick(name, own).at(-1),
    flag(name, otherwise) {
      const value = all(name).at(-1)?.toLowerCase()
      return value === undefined ? otherwise : ['true', 'yes', 'on', '1', ''].includes(value)
    },
  }
}

interface Cache {
  v: 1
  standard: string
  files: string[]
  stamp: string
  values: ConfigValue[]
}

function parseCache(bytes: Buffer | null): Cache | null {
  if (bytes === null) return null
  try {
    const cache = JSON.parse(bytes.toString('utf8')) as Cache
    return cache.v === 1 && Array.isArray(cache.values) && Array.isArray(cache.files) ? cache : null
  } catch {
    return null // torn or foreign: read again and replace it
  }
}

/** The files that git reads whether or not they exist now. */
function standardFiles(env: Env, layout: Layout): string[] {
  const home = env.vars.HOME ?? ''
  const xdg = env.vars.XDG_CONFIG_HOME || join(home, '.config')
  const global = env.vars.GIT_CONFIG_GLOBAL
  const system = env.vars.GIT_CONFIG_NOSYSTEM ? [] : [env.vars.GIT_CONFIG_SYSTEM ?? '/etc/gitconfig']
  const own = global === undefined ? [join(xdg, 'git', 'config'), join(home, '.gitconfig')] : [global]
  return [...system, ...own, join(layout.commonDir, 'config'), join(layout.gitDir, 'config.worktree')]
}

/** git replaces its configuration files by rename, so that a change shows in the inode as well as in time and size. */
function stamp(env: Env, files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = env.files.stat(file, 'follow')
      return stat === null ? '-' : `${stat.inode}.${stat.mtimeMs}.${stat.size}`
    })
    .join(' ')
}

function saveCache(env: Env, layout: Layout, path: string, standard: string[], values: ConfigValue[]): void {
  // Without opt-in a clone stays untouched.
  if (env.files.stat(join(layout.commonDir, 'dstack')) === null) return
  // These conditions depend on more than files.
  if (values.some((value) => /^includeif\.(onbranch|hasconfig)/.test(value.name))) return
  const included = values.flatMap(({ origin }) => (origin.startsWith('file:/') ? [origin.slice(5)] : []))
  const files = [...new Set([...standard, ...included])]
  const youngest = Math.max(...files.map((file) => env.files.stat(file, 'follow')?.mtimeMs ?? 0))
  // A file written this very moment could change again within the file system's clock tick. Files bear the machine's
  // time, so it is compared with that.
  if (youngest > Date.now() - 100) return
  const cache: Cache = { v: 1, standard: standard.join('\n'), files, stamp: stamp(env, files), values }
  try {
    env.files.write(path, JSON.stringify(cache), { mode: 0o600 })
  } catch {
    // A read-only repository works without the cache, only slower.
  }
}
