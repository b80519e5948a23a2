// Plain git in a clone that has opted in: nothing of ours is lost by it, and it never fails because of us.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { doctor, fsck, init, status } from '../../src/setup/setup'
import { openStore, viewRef } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import type { Clone } from '../support/clone'
import { needs } from '../support/programs'
import { describe, expect, test } from '../support/test'
import { bytesOf, envOf, remember } from './support'

const MEMORY = 'refs/dstack/memory'
const keys = (clone: Clone) =>
  [
    ...viewRef(openStore(envOf(clone)), MEMORY)
      .all()
      .keys(),
  ].sort()

test('fetch.prune and fetch --prune leave what was not published', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await init(envOf(clone))
  remember(alice, 'notes/prune/one')
  await sync(openStore(envOf(alice)))
  await bob.git('fetch', '-q').ok()
  remember(bob, 'notes/prune/two')
  await bob.git('config', 'fetch.prune', 'true').ok()
  const [hub] = world.remotes.values()
  hub?.git('update-ref', '-d', MEMORY)
  await bob.git('fetch', '-q').ok()
  await bob.git('fetch', '-q', '--prune', '--all').ok()
  expect(keys(bob)).toEqual(['notes/prune/one', 'notes/prune/two'])
  await sync(openStore(envOf(bob)))
  expect(hub?.tip(MEMORY)).toBe(await bob.tip(MEMORY))
})

test('a branch named dstack/x, a tag, a remote branch dstack/memory', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await init(envOf(clone))
  for (const branch of ['dstack/x', 'dstack/memory']) await alice.git('branch', branch).ok()
  await alice.git('tag', 'dstack/memory').ok()
  remember(alice, 'notes/branch/one')
  await alice.git('push', '-q', 'origin', '--all').ok()
  await alice.git('push', '-q', 'origin', '--tags').ok()
  await bob.git('fetch', '-q').ok()
  await bob.git('checkout', '-q', '-b', 'dstack/y', 'origin/dstack/x').ok()
  expect(keys(bob)).toEqual(['notes/branch/one'])
  expect((await doctor(envOf(bob))).clean).toBe(true)
})

test('git gc while others write: every acknowledged write is there', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  const written: string[] = []
  for (let round = 0; round < 4; round++) {
    const cleaning = alice.git('gc', '--quiet', '--prune=now')
    const packing = alice.git('pack-refs', '--all')
    for (let i = 0; i < 6; i++) {
      const key = `notes/gc/r${round}-${i}`
      remember(alice, key, `fact ${key}`)
      written.push(key)
      // Lets the two of them start and go on between the writes.
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const done of [await cleaning, await packing]) expect(done.stderr).not.toMatch(/fatal|corrupt/)
  }
  expect(keys(alice)).toEqual(written.sort())
  expect((await fsck(envOf(alice))).problems).toEqual([])
})

test('git stash, rebase, reset and clean do not touch the state', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  remember(alice, 'notes/work/one')
  const tip = await alice.tip(MEMORY)
  await alice.commit('one')
  await alice.commit('two')
  alice.write('file.txt', 'dirty\n')
  await alice.git('stash').ok()
  await alice.git('reset', '-q', '--hard', 'HEAD~1').ok()
  await alice.git('clean', '-fdxq').ok()
  await alice.git('rebase', '-q', 'origin/main').ok()
  await alice.git('fetch', '-q').ok()
  expect(await alice.tip(MEMORY)).toBe(tip)
  expect(await status(envOf(alice))).toMatchObject({ unsynced: 2 })
})

const { skip, why } = needs('tmpfs')

describe.skipIf(skip)(`a read-only repository${why}`, () => {
  /** The same clone, its folder mounted read-only. */
  const readOnly = (clone: Clone) => {
    const script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    return clone.with({ cwd: clone.world.path, prefix: ['unshare', '-m', 'sh', '-c', script, clone.path] })
  }

  test('looking works, changing is refused by name, and nothing is half done', async ({ world }) => {
    const [alice, bob] = await world.clones('alice', 'bob')
    await init(envOf(alice))
    remember(alice, 'notes/ro/one')
    const before = bytesOf(join(alice.path, '.git'), /^$/)
    expect(await readOnly(alice).dstack('status').json()).toMatchObject({ enabled: true, unsynced: 2 })
    expect((await readOnly(alice).dstack('doctor')).status).toBeLessThanOrEqual(1)
    for (const words of [['uninstall'], ['config', 'set', 'fsync', 'false']]) {
      const refused = await readOnly(alice).dstack(...words)
      expect([refused.status, refused.stderr]).toEqual([77, expect.stringMatching(/^git dstack: .*read-only/i)])
    }
    expect(bytesOf(join(alice.path, '.git'), /^$/)).toEqual(before)
    const refused = await readOnly(bob).dstack('init')
    expect([refused.status, refused.stderr]).toEqual([77, expect.stringMatching(/read-only/i)])
    expect(existsSync(join(bob.path, '.git', 'dstack'))).toBe(false)
    expect((await readOnly(alice).git('fetch', '--dry-run')).stderr).not.toMatch(/dstack:/)
  })
})
