// The record of what was there before init. It may be deleted: uninstall then takes out what it recognises.

import type { Env } from '../env/env'
import type { Repo } from '../git/git'
import type { Installed } from './schema'

const FILE = 'installed.json'

export function readInstalled(env: Env, repo: Repo): Installed | null {
  const bytes = env.files.read(repo.ours(FILE))
  if (bytes === null) return null
  try {
    const record = JSON.parse(bytes.toString('utf8')) as Installed
    return record.v === 1 && typeof record.config?.before === 'string' ? record : null
  } catch {
    return null // torn or foreign
  }
}

/** Only for the owner's eyes: a configuration may hold a token in a URL. */
export function writeInstalled(env: Env, repo: Repo, record: Installed): void {
  env.files.write(repo.ours(FILE), `${JSON.stringify(record)}\n`, { mode: 0o600, sync: true })
}
