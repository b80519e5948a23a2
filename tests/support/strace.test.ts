// The kill harness must find every point, and must catch a writer that is not all or nothing.

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { needs } from './programs'
import { restore, snapshot } from './snapshot'
import { type Struck, strikeEverySyscall } from './strace'
import { describe, expect, test } from './test'

const { skip, why } = needs('strace')

test('a snapshot puts a folder back as it was', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const before = snapshot(alice.path)
  await alice.commit('one', { 'a/b': 'x', 'README.md': 'changed' })
  rmSync(join(alice.path, '.git', 'HEAD'))
  restore(alice.path, before)
  expect(snapshot(alice.path)).toEqual(before)
})

describe.skipIf(skip)(`killing at every system call${why}`, () => {
  test('git update-ref is old or new, sometimes leaves a lock, and never anything between', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const old = (await alice.tip('HEAD')) ?? ''
    const tree = await alice.git('rev-parse', 'HEAD^{tree}').text()
    await alice.git('update-ref', 'refs/x/y', old).ok()
    const lock = join(alice.path, '.git', 'refs', 'x', 'y.lock')
    const seen: Struck[] = []
    const states = new Set<string | null>()
    let locks = 0
    const script = `new=$(git commit-tree -m new ${tree}) && git update-ref refs/x/y $new ${old}`
    const points = await strikeEverySyscall(alice, ['sh', '-c', script], {
      blows: ['all', 'child', 'EIO'],
      async check(struck) {
        seen.push(struck)
        if (existsSync(lock)) locks++
        rmSync(lock, { force: true })
        states.add(await alice.tip('refs/x/y'))
      },
    })
    expect(points.map((point) => point.call)).toEqual(expect.arrayContaining(['openat', 'write', 'rename']))
    expect(new Set(points.map((point) => point.process))).toEqual(new Set([1, 2]))
    expect(seen.filter((struck) => !struck.hit)).toEqual([])
    expect(seen.filter(({ blow }) => blow === 'all').map(({ result }) => result.status)).toEqual(points.map(() => 137))
    expect(states.size).toBe(2)
    expect(locks).toBeGreaterThan(0)
  }, 60_000)

  test('catches a writer that is seen between old and new', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const file = join(alice.path, 'state')
    const states = new Set<string>()
    const script = 'printf one > state; printf two >> state'
    await strikeEverySyscall(alice, ['sh', '-c', script], {
      async check() {
        states.add(existsSync(file) ? readFileSync(file, 'utf8') : 'old')
      },
    })
    expect([...states]).toEqual(['old', '', 'one'])
  }, 60_000)
})
