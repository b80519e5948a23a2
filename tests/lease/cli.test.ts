// lease list, take and release as people and scripts use them.

import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

async function optedIn(world: World) {
  const clones = await world.clones('alice', 'bob')
  for (const clone of clones) await clone.inProcess('init').ok()
  return clones
}

test('one has it, the other is told who; after the release it is free', async ({ world }) => {
  const [alice, bob] = await optedIn(world)
  const agent = alice.with({ vars: { DSTACK_SESSION: 'session-7' } })
  const taken = await agent.inProcess('lease', 'take', 'release-main', '--purpose', 'release 1.4').ok()
  expect(taken.stdout).toMatch(
    /^release-main is yours for 12 min; take it again before, to keep it \([0-9a-f]{8}\)\.\n$/,
  )
  const refused = await bob.inProcess('lease', 'take', 'release-main')
  expect(refused.status).toBe(75)
  expect(refused.stderr).toMatch(/held by alice <alice@.*> on .* \(agent session session-7\) for "release 1\.4"/)
  expect(refused.stderr).toContain('Hint: Ask alice for `git dstack lease release release-main`')
  expect((await bob.inProcess('lease', 'take', 'release-main', '--json')).json()).toMatchObject({
    error: { code: 'CONTENDED', data: { wait: 900, lease: { name: 'release-main', session: 'session-7' } } },
  })
  const other = await bob.inProcess('lease', 'release', 'release-main')
  expect([other.status, other.stdout]).toEqual([1, 'release-main is not held by this working tree.\n'])
  expect(await alice.inProcess('lease', 'release', 'release-main').text()).toBe('Released release-main.')
  await bob.inProcess('lease', 'take', 'release-main').ok()
})

test('the list is what was fetched, in all forms', async ({ world }) => {
  const [alice, bob] = await optedIn(world)
  expect(await bob.inProcess('lease', 'list').text()).toBe('No leases.')
  await alice.inProcess('lease', 'take', 'a', '--ttl', '60', '--purpose', 'one \u001b[2J thing').ok()
  await alice.inProcess('lease', 'take', 'b').ok()
  await alice.inProcess('lease', 'release', 'b').ok()
  expect(await alice.inProcess('lease', 'list').text()).toMatch(
    /^a {2}held here +for \d\d s more .*one \[2J thing\nb {2}released by alice/,
  )
  expect(await bob.inProcess('lease', 'list').text()).toBe('No leases.')
  await bob.git('fetch', '-q').ok()
  expect(await bob.inProcess('lease', 'list').text()).toMatch(/^a {2}held by alice +on /)
  const rows = (await bob.inProcess('lease', 'list', '--porcelain').text()).split('\n').map((row) => row.split('\t'))
  expect(rows.map(([name, state, , , , ttl]) => [name, state, ttl])).toEqual([
    ['a', 'held', '60'],
    ['b', 'released', '900'],
  ])
  expect((await bob.inProcess('lease', 'list', '-z')).stdout.split('\0')).toHaveLength(3)
})

describe('what can not be', () => {
  test('exit 64 for names and times that can not be used', async ({ world }) => {
    const [alice] = await optedIn(world)
    const wrong = [
      ['take', 'A/B'],
      ['take', 'x', '--ttl', '1'],
      ['take', 'x', '--ttl', 'long'],
      ['release', 'x.lock'],
      [],
    ]
    for (const words of wrong) expect((await alice.inProcess('lease', ...words)).status, words.join(' ')).toBe(64)
  })

  test('exit 69 over a branch, on every verb', async ({ world }) => {
    const [alice] = await optedIn(world)
    await alice.inProcess('config', 'set', 'transport', 'branch:dstack-state').ok()
    for (const words of [['list'], ['take', 'x'], ['release', 'x']]) {
      const done = await alice.inProcess('lease', ...words)
      expect([done.status, done.stderr]).toEqual([69, expect.stringContaining('dstack-state')])
    }
  })

  test('exit 78 where nobody opted in', async ({ world }) => {
    const [alice] = await world.clones('alice')
    expect((await alice.inProcess('lease', 'take', 'x')).status).toBe(78)
  })
})

test('a hook that runs on every push sends no lease, and has nothing to do for one', async ({ world }) => {
  const [alice] = await optedIn(world)
  await alice.inProcess('sync').ok()
  await alice.inProcess('lease', 'take', 'a').ok()
  expect(await alice.inProcess('status', '--json').json()).toMatchObject({ unsynced: 0 })
  expect(await alice.refs('refs/dstack/lease')).toEqual([])
  await alice.git('push', '-q', 'origin', 'refs/dstack/*').ok()
})
