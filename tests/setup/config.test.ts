// config: layers, where each setting counts, the team's document, and what is refused.

import type { DstackError } from '../../src/errors'
import { matchesUrl, nearestSetting, resolveSetting } from '../../src/settings/table'
import { getSetting, init, listSettings, SETTINGS, setSetting, unsetSetting } from '../../src/setup/setup'
import { openStore } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import { describe, expect, test } from '../support/test'
import { envOf } from './support'

const failure = (error: unknown) =>
  `${(error as DstackError).code}: ${(error as DstackError).message} ${(error as DstackError).hint}`

test('a later layer wins: default, team, personal, this clone, command line', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  expect(await getSetting(envOf(alice), 'budget')).toEqual({
    name: 'budget',
    value: '2000',
    layer: 'default',
    origin: '',
  })
  expect(await setSetting(envOf(alice), 'budget', '3000', 'team')).toMatchObject({
    value: '3000',
    layer: 'team',
    origin: 'refs/dstack/config',
  })
  expect(await setSetting(envOf(alice), 'BUDGET', '4000', 'personal')).toMatchObject({
    value: '4000',
    layer: 'personal',
  })
  expect(await setSetting(envOf(alice), 'dstack.budget', '5000')).toMatchObject({ value: '5000', layer: 'clone' })
  const given = envOf(alice, { GIT_CONFIG_PARAMETERS: "'dstack.budget'='6000'" })
  expect(await getSetting(given, 'budget')).toMatchObject({ value: '6000', layer: 'command' })
  await unsetSetting(envOf(alice), 'budget')
  await unsetSetting(envOf(alice), 'budget', 'personal')
  expect(await unsetSetting(envOf(alice), 'budget', 'team')).toMatchObject({ layer: 'default' })
  expect(await unsetSetting(envOf(alice), 'budget', 'team').catch(failure)).toMatch(
    /^NOT_FOUND: budget is not set for the team/,
  )
  expect((await listSettings(envOf(alice))).map(({ name }) => name)).toEqual(SETTINGS.map(({ name }) => name))
})

test('the team’s settings travel, and two people’s edits both stay', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await init(envOf(clone))
  await setSetting(envOf(alice), 'budget', '700', 'team')
  await sync(openStore(envOf(alice)))
  await bob.git('fetch', '-q').ok()
  expect(await getSetting(envOf(bob), 'budget')).toMatchObject({ value: '700', layer: 'team' })
  await setSetting(envOf(alice), 'budget', '800', 'team')
  await setSetting(envOf(bob), 'budget', '900', 'team')
  for (const clone of [alice, bob, alice]) await sync(openStore(envOf(clone)))
  const one = await getSetting(envOf(alice), 'budget')
  expect(one).toEqual(await getSetting(envOf(bob), 'budget'))
  await setSetting(envOf(alice), 'budget', '1000', 'team')
  for (const clone of [alice, bob]) await sync(openStore(envOf(clone)))
  expect(await getSetting(envOf(bob), 'budget')).toMatchObject({ value: '1000' })
})

describe('refuses', () => {
  test.for([
    [['pushlimt', '3'], /^USAGE: There is no setting "pushlimt"\. Did you mean pushLimit\?/],
    [['colour', 'x'], /There are: enabled, disabled, remote/],
    [['pushLimit', 'soon'], /^USAGE: "soon" can't be pushLimit: it is no number of seconds/],
    [['fsync', 'perhaps'], /neither true nor false/],
    [['transport', 'branch:../x'], /neither refs nor branch/],
    [['remote', 'fork'], /git dstack init --remote fork/],
    [['pushLimit', '3', 'team'], /can't be set for the team/],
    [['allowProtocol', 'git', 'clone'], /can't be set in this clone/],
    [['autoInit', '*', 'team'], /can't be set for the team/],
  ] as const)('config set %j', async ([[name, value, layer], message], { world }) => {
    const [alice] = await world.clones('alice')
    const before = await alice.git('config', '--list').text()
    expect(await setSetting(envOf(alice), name, value, layer).catch(failure)).toMatch(message)
    expect(await alice.git('config', '--list').text()).toBe(before)
  })
})

test('what decides about trust is not taken from the repository or the team', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await alice.git('config', 'dstack.allowProtocol', 'ext').ok()
  expect(await getSetting(envOf(alice), 'allowProtocol')).toMatchObject({ layer: 'default' })
  expect(await setSetting(envOf(alice), 'allowProtocol', 'http git')).toMatchObject({
    layer: 'personal',
    value: 'http git',
  })
})

test('transport takes its refspec along', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  const specs = async () =>
    (await alice.git('config', '--get-all', 'remote.origin.fetch').text())
      .split('\n')
      .filter((spec) => spec.includes('/branch/'))
  await setSetting(envOf(alice), 'transport', 'branch:agent/one')
  expect(await specs()).toEqual(['+refs/heads/agent/one*:refs/dstack-remotes/origin/branch/agent/one*'])
  await setSetting(envOf(alice), 'transport', 'branch:two')
  expect(await specs()).toEqual(['+refs/heads/two*:refs/dstack-remotes/origin/branch/two*'])
  await setSetting(envOf(alice), 'transport', 'refs')
  expect(await specs()).toEqual([])
  expect(await getSetting(envOf(alice), 'transport')).toMatchObject({ value: 'refs', layer: 'clone' })
})

describe('pure parts', () => {
  test('every default can be used, or is empty', () => {
    for (const setting of SETTINGS)
      if (setting.default !== '') expect([setting.name, setting.problem(setting.default)]).toEqual([setting.name, null])
  })

  test('a value that can’t be used, and a layer that does not count, are passed over', () => {
    const setting = SETTINGS.find(({ name }) => name === 'pushLimit')
    if (setting === undefined) throw new Error('no pushLimit')
    const stands = [
      { layer: 'team', origin: 'r', value: '99' },
      { layer: 'personal', origin: 'p', value: '20' },
      { layer: 'clone', origin: 'c', value: 'never' },
    ] as const
    expect(resolveSetting(setting, stands)).toEqual({ name: 'pushLimit', layer: 'personal', origin: 'p', value: '20' })
  })

  test('URL patterns', () => {
    expect(matchesUrl('https://github.com/acme/*', 'https://github.com/acme/x/y.git')).toBe(true)
    expect(matchesUrl('https://github.com/acme/*', 'https://github.com.evil.example/acme/x')).toBe(false)
    expect(matchesUrl('git@github.com:acme/*.git', 'git@github.com:acme/x.git')).toBe(true)
    expect(matchesUrl('https://github.com/acme', 'https://github.com/acme/x')).toBe(false)
    expect(nearestSetting('disable')).toBe('disabled')
    expect(nearestSetting('zzz')).toBeNull()
  })
})
