// A hub and its clones on real git, for simulations that run in this process.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Env } from '../../src/env/env'
import { nodeEnv } from '../../src/env/node'
import { fetchRefspecs, openStore, type Store } from '../../src/store/store'

export interface SimClone {
  name: string
  dir: string
  /** Seconds that this machine's clock is off. */
  skew: number
  online: boolean
}

export interface Hub {
  root: string
  bare: string
  clones: SimClone[]
}

/** What git sees of the machine: nothing of the person's own settings. */
export function gitVars(root: string, name: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: join(root, `home-${name}`),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    TZ: 'UTC',
    LC_ALL: 'C',
  }
}

export function gitIn(root: string, dir: string, args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: dir,
    env: gitVars(root, 'git'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export function makeHub(clones: number, seedName: string): Hub {
  const root = mkdtempSync(join(tmpdir(), `dstack-sim-${seedName}-`))
  const bare = join(root, 'hub.git')
  gitIn(root, root, ['init', '-q', '--bare', '-b', 'main', bare])
  for (const [name, value] of [
    ['core.logAllRefUpdates', 'always'],
    ['gc.auto', '0'],
    ['receive.denyNonFastForwards', 'true'],
  ] as const) {
    gitIn(root, bare, ['config', name, value])
  }
  const hub: Hub = { root, bare, clones: [] }
  for (let i = 0; i < clones; i++) addClone(hub, `c${i}`)
  return hub
}

export function addClone(hub: Hub, name: string): SimClone {
  const dir = join(hub.root, name)
  mkdirSync(join(hub.root, `home-${name}`), { recursive: true })
  gitIn(hub.root, hub.root, ['clone', '-q', hub.bare, dir])
  for (const refspec of fetchRefspecs('origin'))
    gitIn(hub.root, dir, ['config', '--add', 'remote.origin.fetch', refspec])
  const settings = {
    'user.name': name,
    'user.email': `${name}@example.com`,
    'gc.auto': '0',
    'dstack.remote': 'origin',
    'dstack.enabled': 'true',
    'dstack.fsync': 'false',
    'dstack.ephemeral': 'false',
  }
  for (const [key, value] of Object.entries(settings)) gitIn(hub.root, dir, ['config', key, value])
  mkdirSync(join(dir, '.git', 'dstack'), { recursive: true })
  const clone: SimClone = { name, dir, skew: 0, online: true }
  hub.clones.push(clone)
  return clone
}

/** `cp -r` of a clone, under a name of its own. */
export function copyClone(hub: Hub, from: SimClone, name: string): SimClone {
  const dir = join(hub.root, name)
  cpSync(from.dir, dir, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  const clone: SimClone = { name, dir, skew: from.skew, online: from.online }
  hub.clones.push(clone)
  return clone
}

export function backUp(hub: Hub, clone: SimClone, label: string): string {
  const dir = join(hub.root, `backup-${clone.name}-${label}`)
  cpSync(clone.dir, dir, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  return dir
}

/** An older copy is put back in place, as after a failed disk. */
export function restore(clone: SimClone, backup: string): void {
  rmSync(clone.dir, { recursive: true })
  cpSync(backup, clone.dir, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
}

/** The world of one clone at one moment of the simulation; `seed` makes ids and jitter repeatable. */
export function envOf(hub: Hub, clone: SimClone, step: number, seed: number): Env {
  const now = new Date(Date.UTC(2026, 0, 1) + (step + clone.skew) * 1000)
  const vars = { ...gitVars(hub.root, clone.name), DSTACK_TEST_NOW: now.toISOString(), DSTACK_TEST_SEED: String(seed) }
  const silent = {
    json: false,
    data: () => undefined,
    say: () => undefined,
    progress: () => () => undefined,
    columns: null,
    colour: false,
  }
  return { ...nodeEnv({ cwd: clone.dir, vars, out: silent }), pause: () => undefined }
}

/** Runs the built command in a clone; its exit status. */
export function command(hub: Hub, clone: SimClone, step: number, main: string, args: readonly string[]): number {
  const now = new Date(Date.UTC(2026, 0, 1) + (step + clone.skew) * 1000).toISOString()
  const vars = { ...gitVars(hub.root, clone.name), DSTACK_TEST_NOW: now, DSTACK_AGENT: 'none' }
  const done = spawnSync(process.execPath, [main, ...args], { cwd: clone.dir, env: vars, encoding: 'utf8' })
  return done.status ?? -1
}

export function storeAt(hub: Hub, clone: SimClone, step: number, seed: number): Store {
  return openStore(envOf(hub, clone, step, seed))
}

/** Files that no finished command may leave behind: locks, temporary files, empty objects. */
export function litter(gitDir: string): string[] {
  const found: string[] = []
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (/\.lock$|\.tmp$|^tmp_/.test(entry.name) || path.endsWith('/dstack/lock')) found.push(path)
      else if (/objects\/[0-9a-f]{2}\//.test(path) && statSync(path).size === 0) found.push(`empty ${path}`)
    }
  }
  walk(gitDir)
  return found
}

export function dispose(hub: Hub): void {
  rmSync(hub.root, { recursive: true, force: true })
}
