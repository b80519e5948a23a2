// The door to settings: the value that counts in this clone, from its layers. Default, team, personal, this clone.

import { DstackError } from '../errors'
import type { Config, ConfigValue } from '../git/git'
import { CONFIG, type Store, viewRef } from '../store/store'
import { type GateMode, TEAM_GATE, teamGateOf } from './mode'
import type { Layer, SettingValue } from './schema'
import { findSetting, resolveSetting, SETTINGS, type Setting, type Stand } from './table'

export { argvOf } from './argv'
export type { GateMode } from './mode'
export { findSetting, matchesUrl, nearestSetting, SETTINGS, type Setting, type WritableLayer } from './table'

/** The document of refs/dstack/config with the team's settings: field `settings`, a value by name. */
export const TEAM_KEY = 'dstack/settings'
/**
 * The document that switches the gates of the whole team off: it says who did and when. It may come with a fetch, since it only
 * lets more through. Everything else goes on, or it could not be taken back by the same way.
 */
export const DISABLED_KEY = 'dstack/disabled'

const LAYER: Readonly<Partial<Record<ConfigValue['scope'], Layer>>> = {
  system: 'personal',
  global: 'personal',
  local: 'clone',
  worktree: 'clone',
  command: 'command',
}

/** The value that counts now, and where it stands. @throws USAGE for a name that no setting has */
export function settingOf(store: Store, name: string): SettingValue {
  const setting = findSetting(name)
  if (setting === null) throw new DstackError('USAGE', `There is no setting "${name}".`)
  return resolved(store, setting, teamSettings(store))
}

/** Every setting with the value that counts. */
export function settingsOf(store: Store): SettingValue[] {
  const team = teamSettings(store)
  return SETTINGS.map((setting) => resolved(store, setting, team))
}

function resolved({ repo }: Store, setting: Setting, team: Record<string, string>): SettingValue {
  return resolvedIn(repo.config, setting, team[setting.name])
}

function resolvedIn(config: Config, setting: Setting, shared: string | undefined): SettingValue {
  const name = `dstack.${setting.name.toLowerCase()}`
  const stands: Stand[] = []
  if (shared !== undefined) stands.push({ layer: 'team', origin: CONFIG, value: shared })
  for (const value of config.values) {
    const layer = LAYER[value.scope]
    if (value.name === name && layer !== undefined)
      stands.push({ layer, origin: value.origin.replace(/^file:/, ''), value: value.value })
  }
  return resolveSetting(setting, stands)
}

/** What the team has set and may set; on a conflict the winner's value, and what only others have. */
export function teamSettings(store: Store): Record<string, string> {
  const seen = viewRef(store, CONFIG).many([TEAM_KEY, DISABLED_KEY])
  const live = (key: string) => (seen.get(key) ?? []).filter(({ gone }) => !gone).map(({ doc }) => doc.head)
  const settings = mergedSettings(live(TEAM_KEY).map((head) => head.settings))
  return { ...settings, ...(live(DISABLED_KEY).length > 0 ? { disabled: 'true' } : {}) }
}

/** Who switched the gates of the team off, and when (ISO 8601); null: nobody. */
export function teamDisabled(store: Store): { by: string; at: string } | null {
  const live = viewRef(store, CONFIG)
    .at(DISABLED_KEY)
    .find(({ gone }) => !gone)
  if (live === undefined) return null
  const { by, at } = live.doc.head
  return { by: typeof by === 'string' ? by : '', at: typeof at === 'string' ? at : '' }
}

export interface ModeHere {
  mode: GateMode
  layer: Layer
  /** The team has switched its gates off. */
  disabled: boolean
}

/** The gate's mode by configuration alone, with what was noted of the team's settings: no process is started. */
export function gateMode(config: Config): ModeHere {
  const setting = findSetting('gate.mode')
  if (setting === null) throw new DstackError('INTERNAL', 'The setting gate.mode is not there.')
  const noted = config.values.findLast(
    ({ name, scope }) => name === TEAM_GATE.toLowerCase() && scope === 'local',
  )?.value
  if (noted === 'disabled') return { mode: 'off', layer: 'team', disabled: true }
  const { value, layer } = resolvedIn(config, setting, noted)
  return { mode: value as GateMode, layer, disabled: false }
}

/** Notes what the team says of the gate where hooks look. To be called by whoever may have changed or fetched it. */
export function noteTeamGate(store: Store): void {
  const { repo } = store
  const said = teamGateOf(teamSettings(store))
  const config = repo.freshConfig()
  const noted = config.values.findLast(
    ({ name, scope }) => name === TEAM_GATE.toLowerCase() && scope === 'local',
  )?.value
  if (said === (noted ?? null)) return
  if (said === null) repo.git(['config', '--local', '--unset-all', TEAM_GATE], { ok: [0, 5] })
  else repo.git(['config', '--local', '--replace-all', TEAM_GATE, said])
}

/** By name; of several versions, the first one's value wins. */
export function mergedSettings(versions: readonly unknown[]): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const version of [...versions].reverse()) {
    if (typeof version !== 'object' || version === null) continue
    for (const [name, value] of Object.entries(version)) {
      if (typeof value === 'string' && findSetting(name)?.layers.includes('team')) settings[name] = value
    }
  }
  return settings
}
