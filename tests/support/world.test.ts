// The test world itself, with plain git only.

import { existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { audit, commonDir, expectSound } from './auditor'
import { needs } from './programs'
import { describe, expect, test } from './test'
import { type Kind, World } from './world'

const OURS = 'refs/dstack/memory'

describe('people', () => {
  test('have identities, homes and a clock of their own', async ({ world }) => {
    const [alice, bob] = await world.clones('alice', 'bob')
    await alice.commit('one')
    await alice.commit('two')
    const log = await alice.git('log', '--format=%an %ae %cI %s', '-2').text()
    expect(log).toMatch(
      /^alice alice@example.com 2026-01-01T00:00:\d\d\S+ two\nalice alice@example.com 2026-01-01T00:00:\d\d\S+ one$/,
    )
    expect(bob.vars().HOME).not.toBe(alice.vars().HOME)
  })

  test('two runs of the same story give the same ids', async () => {
    const ids = []
    for (let run = 0; run < 2; run++) {
      const world = await World.create()
      const [alice] = await world.clones('alice')
      ids.push(await alice.commit('the same'))
      await world.dispose()
      expect(existsSync(world.path)).toBe(false)
    }
    expect(ids[0]).toBe(ids[1])
  })

  test('nothing of the surrounding git leaks in', async ({ world }) => {
    process.env.GIT_DIR = '/nowhere'
    try {
      const [alice] = await world.clones('alice')
      expect(await alice.git('rev-parse', '--show-toplevel').text()).toBe(alice.path)
    } finally {
      delete process.env.GIT_DIR
    }
  })

  test('every command has another clock and another random seed', async ({ world }) => {
    const first = world.tick()
    const second = world.tick()
    expect(Date.parse(second.DSTACK_TEST_NOW ?? '') - Date.parse(first.DSTACK_TEST_NOW ?? '')).toBe(1000)
    expect(second.DSTACK_TEST_SEED).not.toBe(first.DSTACK_TEST_SEED)
  })

  test('git dstack is a subcommand of git', async ({ world }) => {
    const [alice] = await world.clones('alice')
    expect(await alice.sh('command -v git-dstack').text()).toBe(join(world.bin, 'git-dstack'))
  })
})

describe('the auditor', () => {
  test('reads what git wrote, loose and packed', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await alice.commit('one')
    await alice.git('update-ref', OURS, 'HEAD').ok()
    await alice.git('notes', '--ref=refs/notes/dstack/gate', 'add', '-m', 'line').ok()
    const expected = { refs: 2, commits: 3, trees: 3, blobs: 3 }
    expect(await audit(alice.path)).toEqual(expected)
    await alice.git('gc', '-q').ok()
    expect(await audit(alice.path)).toEqual(expected)
  })

  test('is not fooled: a damaged object, an empty object, a left-over lock', async () => {
    const world = await World.create()
    const [alice] = await world.clones('alice')
    await alice.commit('one')
    await alice.git('update-ref', OURS, 'HEAD').ok()
    const dir = commonDir(alice.path)
    writeFileSync(join(dir, 'refs', 'dstack', 'memory.lock'), '')
    await expect(expectSound(alice.path)).rejects.toThrow(/left-over lock: refs\/dstack\/memory.lock/)
    rmSync(join(dir, 'refs', 'dstack', 'memory.lock'))
    await expectSound(alice.path)
    const blob = await alice.git('rev-parse', 'HEAD:file.txt').text()
    const file = join(dir, 'objects', blob.slice(0, 2), blob.slice(2))
    rmSync(file)
    await expect(expectSound(alice.path)).rejects.toThrow(blob)
    writeFileSync(file, 'not an object')
    await expect(audit(alice.path)).rejects.toThrow(`cannot read ${blob}`)
    truncateSync(file)
    await expect(expectSound(alice.path)).rejects.toThrow(/empty file/)
    await world.dispose()
  })
})

const KINDS: [Kind, ReturnType<typeof needs>][] = [
  ['path', needs()],
  ['file', needs()],
  ['ssh', needs('sshd')],
  ['http', needs('git http-backend')],
  ['git', needs('git daemon')],
  ['gitolite', needs('gitolite')],
]

for (const [kind, { skip, why }] of KINDS) {
  test.skipIf(skip)(
    `${kind}: clone, push and fetch with plain git${why}`,
    async ({ world }) => {
      const hub = await world.remote('hub', { kind })
      const [alice, bob] = await world.clones('alice', 'bob')
      const tip = await alice.commit('from alice')
      await alice.git('push', '-q', 'origin', 'main').ok()
      expect(hub.tip('refs/heads/main')).toBe(tip)
      await bob.git('fetch', '-q').ok()
      expect(await bob.tip('origin/main')).toBe(tip)
      await alice.git('update-ref', OURS, 'HEAD').ok()
      const ours = await alice.git('push', 'origin', OURS)
      if (kind === 'gitolite') {
        expect(ours.status).toBe(1)
        expect(ours.stderr).toMatch(/refs\/dstack\/memory hub alice DENIED/)
      } else expect(hub.tip(OURS)).toBe(tip)
    },
    30_000,
  )
}
