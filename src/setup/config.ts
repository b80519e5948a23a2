// config: settings in layers. Default, team (refs/dstack/config), personal (the user's git configuration), this clone.

import type { Env } from '../env/env'
import { DstackError, isRefusal, refusalError } from '../errors'
import type { SettingValue } from '../settings/schema'
import {
  DISABLED_KEY,
  findSetting,
  mergedSettings,
  nearestSetting,
  noteTeamGate,
  SETTINGS,
  type Setting,
  settingOf,
  settingsOf,
  TEAM_KEY,
  teamSettings,
  type WritableLayer,
} from '../settings/settings'
import { CONFIG, openStore, type Store, write } from '../store/store'
import { carrierRefspec, useCarrier } from '../sync/sync'

/** The value that counts now, and where it stands. @throws USAGE */
export function getSetting(env: Env, name: string): SettingValue {
  return settingOf(openStore(env), known(name).name)
}

/** Every setting with the value that counts. */
export function listSettings(env: Env): SettingValue[] {
  return settingsOf(openStore(env))
}

/**
 * Sets a value. Without a layer: this clone, or the personal one where only that counts.
 * @throws USAGE for an unknown name, a value that can't be used, a layer in which the setting does not count
 */
export function setSetting(env: Env, name: string, value: string, layer?: WritableLayer): SettingValue {
  const store = openStore(env)
  const setting = known(name)
  const problem = setting.problem(value)
  if (problem !== null)
    throw new DstackError('USAGE', `"${value}" can't be ${setting.name}: ${problem}.`, { hint: help(setting) })
  const target = layerFor(setting, layer)
  if (target === 'team') writeTeam(store, setting.name, value)
  else if (setting.name === 'remote') {
    throw new DstackError('USAGE', 'The remote is chosen together with its refspecs.', {
      hint: `Run \`git dstack init --remote ${value}\`.`,
    })
  } else if (setting.name === 'transport' && target === 'clone') setTransport(store, value)
  else store.repo.git(['config', scopeOption(target), '--replace-all', `dstack.${setting.name}`, value])
  return getSetting(env, name)
}

/** Takes a value out of one layer. @throws USAGE, NOT_FOUND when it is not set there */
export function unsetSetting(env: Env, name: string, layer?: WritableLayer): SettingValue {
  const store = openStore(env)
  const setting = known(name)
  const target = layerFor(setting, layer)
  const where =
    target === 'team' ? 'for the team' : target === 'personal' ? 'in your own configuration' : 'in this clone'
  const missing = () =>
    new DstackError('NOT_FOUND', `${setting.name} is not set ${where}.`, {
      hint: 'See `git dstack config list --show-origin`.',
    })
  if (target === 'team') {
    if (!(setting.name in teamSettings(store))) throw missing()
    writeTeam(store, setting.name, null)
  } else {
    const done = store.repo.git(['config', scopeOption(target), '--unset-all', `dstack.${setting.name}`], {
      ok: [0, 5],
    })
    if (done.status === 5) throw missing()
  }
  return getSetting(env, name)
}

function known(name: string): Setting {
  const setting = findSetting(name)
  if (setting !== null) return setting
  const near = nearestSetting(name)
  throw new DstackError('USAGE', `There is no setting "${name}".`, {
    hint: near === null ? `There are: ${SETTINGS.map((one) => one.name).join(', ')}.` : `Did you mean ${near}?`,
  })
}

function help(setting: Setting): string {
  return `${setting.name}: ${setting.help}.`
}

function layerFor(setting: Setting, wanted: WritableLayer | undefined): WritableLayer {
  const target = wanted ?? (setting.layers.includes('clone') ? 'clone' : 'personal')
  if (setting.layers.includes(target)) return target
  const words = { team: 'for the team', personal: 'in your own configuration (--global)', clone: 'in this clone' }
  throw new DstackError('USAGE', `${setting.name} can't be set ${words[target]}.`, {
    hint: `It counts only ${setting.layers.map((layer) => words[layer]).join(' or ')}.`,
  })
}

function scopeOption(layer: 'personal' | 'clone'): string {
  return layer === 'personal' ? '--global' : '--local'
}

/** A branch as transport needs its refspec, so that plain `git fetch` brings it. */
function setTransport(store: Store, value: string): void {
  const { repo, remote, carrier } = store
  const former = remote === null || carrier === null ? null : carrierRefspec(remote, carrier)
  if (former !== null && value !== `branch:${carrier}`) {
    repo.git(['config', '--local', '--fixed-value', '--unset-all', `remote.${remote}.fetch`, former], { ok: [0, 5] })
  }
  if (value !== 'refs' && remote !== null) useCarrier(store, remote, value.slice('branch:'.length))
  else repo.git(['config', '--local', '--replace-all', 'dstack.transport', value])
}

// --- the team's layer -----------------------------------------------------------------------------------------------

function writeTeam(store: Store, name: string, value: string | null): void {
  if (name === 'disabled') writeDisabled(store, value !== null && /^(true|yes|on|1)$/i.test(value))
  else writeShared(store, name, value)
  noteTeamGate(store)
}

/** A document of its own, so that it says who switched the team's gates off, and when. */
function writeDisabled(store: Store, off: boolean): void {
  const done = write(store, CONFIG, [DISABLED_KEY], (seen) => {
    const there = seen.at(DISABLED_KEY).some(({ gone }) => !gone)
    const head = off ? { type: 'disabled' } : { type: 'disabled', gone: true }
    const subject = off ? 'config: the gates of the team are off' : 'config: the gates of the team are on again'
    return { puts: off || there ? [{ key: DISABLED_KEY, head, body: '' }] : [], subject, result: null }
  })
  if (isRefusal(done)) throw refusalError(done)
}

function writeShared(store: Store, name: string, value: string | null): void {
  const done = write(store, CONFIG, [TEAM_KEY], (seen) => {
    const live = seen.at(TEAM_KEY).filter(({ gone }) => !gone)
    const { [name]: _former, ...others } = mergedSettings(live.map(({ doc }) => doc.head.settings))
    const settings = value === null ? others : { ...others, [name]: value }
    const put = {
      key: TEAM_KEY,
      head: { ...live[0]?.doc.head, type: 'settings', settings },
      body: live[0]?.doc.body ?? '',
    }
    const raw = live[0]?.doc.raw
    const subject = value === null ? `config: ${name} is not set any more` : `config: ${name} = ${value}`
    return { puts: [raw === undefined ? put : { ...put, raw }], subject, result: null }
  })
  if (isRefusal(done)) throw refusalError(done)
}
