// The door to settings: the value that counts in this clone, from its layers. Default, team, personal, this clone.

import { DstackError } from '../errors'
import type { ConfigValue } from '../git/git'
import { CONFIG, type Store, viewRef } from '../store/store'
import type { Layer, SettingValue } from './schema'
import { findSetting, resolveSetting, SETTINGS, type Setting, type Stand } from './table'

export { findSetting, matchesUrl, nearestSetting, SETTINGS, type Setting, type WritableLayer } from './table'

/** The document of refs/dstack/config with the team's settings: field `settings`, a value by name. */
export const TEAM_KEY = 'dstack/settings'

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

function resolved(store: Store, setting: Setting, team: Record<string, string>): SettingValue {
  const name = `dstack.${setting.name.toLowerCase()}`
  const stands: Stand[] = []
  const shared = team[setting.name]
  if (shared !== undefined) stands.push({ layer: 'team', origin: CONFIG, value: shared })
  for (const value of store.repo.config.values) {
    const layer = LAYER[value.scope]
    if (value.name === name && layer !== undefined)
      stands.push({ layer, origin: value.origin.replace(/^file:/, ''), value: value.value })
  }
  return resolveSetting(setting, stands)
}

/** What the team has set and may set; on a conflict the winner's value, and what only others have. */
export function teamSettings(store: Store): Record<string, string> {
  return mergedSettings(
    viewRef(store, CONFIG)
      .at(TEAM_KEY)
      .filter(({ gone }) => !gone)
      .map(({ doc }) => doc.head.settings),
  )
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
