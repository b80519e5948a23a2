// What makes new objects and moved refs outlive a power failure, and a gc that runs just now.

import { join } from 'node:path'
import type { Env } from '../env/env'
import type { Config } from './config'
import type { Layout } from './layout'
import type { Oid } from './objects'

/** Without it a test saves the disk's time. */
export function isDurable(config: Config): boolean {
  return config.flag('dstack.fsync', true)
}

/** The setting of a git call that writes objects or refs. */
export function fsyncSetting(config: Config): string {
  return isDurable(config) ? 'core.fsync=committed' : 'core.fsync=none'
}

/** How far ahead new objects are dated; their ref names them long before that. */
const PRUNE_SHIELD_MS = 10_000

/** `git prune` leaves alone what is younger than its own start: a gc that runs just now can't take these loose objects any more. */
export function shieldObjects(env: Env, layout: Layout, oids: readonly Oid[]): void {
  for (const oid of oids) env.files.touch(loosePath(layout, oid), Date.now() + PRUNE_SHIELD_MS)
}

export function loosePath(layout: Layout, oid: Oid): string {
  return join(layout.commonDir, 'objects', oid.slice(0, 2), oid.slice(2))
}

/** git syncs the files; that their names are on the disk too needs their folders. */
export function syncObjectFolders(env: Env, layout: Layout, oids: readonly Oid[]): void {
  const objects = join(layout.commonDir, 'objects')
  env.files.syncFolders([...new Set(oids.map((oid) => join(objects, oid.slice(0, 2)))), objects])
}

export function syncRefFolders(env: Env, layout: Layout, ref: string): void {
  const parts = ref.split('/').slice(0, -1)
  env.files.syncFolders(parts.map((_, i) => join(layout.commonDir, ...parts.slice(0, i + 1))))
}
