// The record of what was there before init. It may be deleted: uninstall then takes out what it recognises.

import type { Env } from '../env/env'
import type { Repo } from '../git/git'
import type { Installed, InstalledHook } from './schema'

const FILE = 'installed.json'

/** As it was while there was one hook. */
interface OneHook {
  hook?: InstalledHook & { path: string }
}

export function readInstalled(env: Env, repo: Repo): Installed | null {
  const bytes = env.files.read(repo.ours(FILE))
  if (bytes === null) return null
  try {
    const record = JSON.parse(bytes.toString('utf8')) as Installed & OneHook
    if (record.v !== 1 || typeof record.config?.before !== 'string') return null
    const { hook, ...rest } = record
    return { ...rest, hooks: record.hooks ?? (hook === undefined ? {} : { [hook.path]: hook }) }
  } catch {
    return null // torn or foreign
  }
}

/** Only for the owner's eyes: a configuration may hold a token in a URL. */
export function writeInstalled(env: Env, repo: Repo, record: Installed): void {
  env.files.write(repo.ours(FILE), `${JSON.stringify(record)}\n`, { mode: 0o600, sync: true })
}
