// The door to a clone's set-up: opt in and out, look, mend. Each verb loads only what it needs.

import type { Env } from '../env/env'
import type { Refusal } from '../errors'
import type { SettingValue } from '../settings/schema'
import type { WritableLayer } from '../settings/settings'
import type { DoctorOptions } from './doctor'
import type { InitOptions } from './init'
import type {
  DoctorReport,
  FolderReport,
  FsckReport,
  InitPlan,
  InitReport,
  StatusReport,
  UninstallReport,
} from './schema'
import type { UninstallOptions } from './uninstall'

export type { SettingValue } from '../settings/schema'
export { findSetting, SETTINGS, type WritableLayer } from '../settings/settings'
export type { DoctorOptions } from './doctor'
export type { InitOptions } from './init'
export { optIn, requireOptIn } from './opt-in'
export type * from './schema'
export type { UninstallOptions } from './uninstall'

/** What init would do. Changes nothing. */
export async function planInit(env: Env, options?: InitOptions): Promise<InitPlan> {
  return (await import('./init')).planInit(env, options)
}

/** Opts this clone in. @throws REFSPEC_HAZARD, AMBIGUOUS, NO_REMOTE */
export async function init(env: Env, options?: InitOptions): Promise<InitReport> {
  return (await import('./init')).init(env, options)
}

/** init in every repository below a folder. */
export async function initAll(env: Env, folder: string, options?: InitOptions): Promise<FolderReport[]> {
  return (await import('./init')).initAll(env, folder, options)
}

/** Every repository below a folder, in a stable order. */
export async function clonesBelow(env: Env, folder: string): Promise<string[]> {
  return (await import('./init')).clonesBelow(env, folder)
}

/**
 * For the command line, before a verb that works with the state: opts the clone in where `dstack.autoInit` says so.
 * @returns the line for stderr, or null
 */
export async function autoInit(env: Env): Promise<string | null> {
  return (await import('./init')).autoInit(env)
}

/** Takes out what init put in. */
export async function uninstall(env: Env, options?: UninstallOptions): Promise<UninstallReport | Refusal> {
  return (await import('./uninstall')).uninstall(env, options)
}

export async function doctor(env: Env, options?: DoctorOptions): Promise<DoctorReport> {
  return (await import('./doctor')).doctor(env, options)
}

export async function status(env: Env): Promise<StatusReport> {
  return (await import('./status')).status(env)
}

export async function fsck(env: Env): Promise<FsckReport> {
  return (await import('./fsck')).fsck(env)
}

/** The value of a setting that counts now, and where it stands. @throws USAGE for an unknown name */
export async function getSetting(env: Env, name: string): Promise<SettingValue> {
  return (await import('./config')).getSetting(env, name)
}

export async function listSettings(env: Env): Promise<SettingValue[]> {
  return (await import('./config')).listSettings(env)
}

/** Without a layer: this clone, or the personal one where only that counts. @throws USAGE */
export async function setSetting(env: Env, name: string, value: string, layer?: WritableLayer): Promise<SettingValue> {
  return (await import('./config')).setSetting(env, name, value, layer)
}

/** @throws USAGE, NOT_FOUND */
export async function unsetSetting(env: Env, name: string, layer?: WritableLayer): Promise<SettingValue> {
  return (await import('./config')).unsetSetting(env, name, layer)
}
