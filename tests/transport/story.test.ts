// The same story over every transport: what one remembers and pushes with plain git, the other recalls after a fetch.

import type { Clone } from '../support/clone'
import { needs } from '../support/programs'
import { describe, expect, test } from '../support/test'
import type { Kind, Remote, World } from '../support/world'

const MEMORY = 'refs/dstack/memory'
const KEY = 'notes/build/tool'

interface Told {
  hub: Remote
  alice: Clone
  bob: Clone
}

async function aliceWithNews(world: World): Promise<Clone> {
  const alice = await join(world, 'alice')
  await alice.dstack('remember', '--key', KEY, 'The build uses pnpm').ok()
  return alice
}

/** What Alice remembered travels by plain `git push` and `git fetch`. */
async function told(world: World, hub: Remote, alice: Clone): Promise<Told> {
  await alice.commit('code of alice')
  await alice.git('push', '-q').ok()
  const bob = await join(world, 'bob')
  await bob.git('fetch', '-q').ok()
  expect(await bob.dstack('recall', 'pnpm').text()).toContain('The build uses pnpm')
  return { hub, alice, bob }
}

async function join(world: World, name: string): Promise<Clone> {
  const [clone] = await world.clones(name)
  // http:// and git:// are not encrypted: their use is the user's own decision.
  await clone.git('config', '--global', 'dstack.allowProtocol', 'http git').ok()
  await clone.dstack('init').ok()
  return clone
}

/** Both say something else about the same thing, offline; nothing is lost, the conflict is shown and settled. */
async function disagree({ alice, bob }: Told): Promise<void> {
  await alice.dstack('memory', 'correct', KEY, 'The build uses yarn').ok()
  await bob.dstack('memory', 'correct', KEY, 'The build uses npm').ok()
  await syncBoth(alice, bob)
  for (const clone of [alice, bob]) {
    const conflicts = await clone.dstack('conflicts', '--exit-code')
    expect(conflicts.status, conflicts.stderr).toBe(1)
    for (const text of [KEY, 'The build uses yarn', 'The build uses npm']) expect(conflicts.stdout).toContain(text)
    expect(await clone.dstack('memory', 'show', KEY).text()).toContain('2 versions')
  }
  await bob.dstack('resolve', KEY, '--text', 'The build uses yarn, CI uses npm').ok()
  await syncBoth(bob, alice)
  const settled = await alice.dstack('memory', 'show', KEY).text()
  expect(settled).toContain('The build uses yarn, CI uses npm')
  await alice.dstack('conflicts', '--exit-code').ok()
}

async function undo({ alice, bob }: Told): Promise<void> {
  await alice.dstack('remember', '--key', 'notes/wrong/one', 'The moon is made of cheese').ok()
  await syncBoth(alice, bob)
  await alice.dstack('undo').ok()
  await syncBoth(alice, bob)
  const recall = await bob.dstack('recall', 'moon cheese')
  expect(recall.stdout).not.toContain('made of cheese')
  await bob.git('log', '--format=%s', '-1', MEMORY).ok()
  const history = await bob.git('log', '-p', '--format=%s', MEMORY).text()
  expect(history).toContain('+The moon is made of cheese')
}

async function syncBoth(first: Clone, second: Clone): Promise<void> {
  for (const clone of [first, second, first]) await clone.dstack('sync').ok()
  expect(await second.tip(MEMORY)).toBe(await first.tip(MEMORY))
}

const KINDS: [Kind, ReturnType<typeof needs>][] = [
  ['path', needs()],
  // As a path, but for how it is written.
  ...(process.env.DSTACK_SLOW ? [['file', needs()] as [Kind, ReturnType<typeof needs>]] : []),
  ['ssh', needs('sshd')],
  ['http', needs('git http-backend')],
  ['git', needs('git daemon')],
]

for (const [kind, { skip, why }] of KINDS) {
  test.skipIf(skip)(`over ${kind}${why}`, async ({ world }) => {
    const hub = await world.remote('hub', { kind })
    const both = await told(world, hub, await aliceWithNews(world))
    expect(hub.tip(MEMORY)).toBe(await both.alice.tip(MEMORY))
    await disagree(both)
    await undo(both)
    expect(hub.tip(MEMORY)).toBe(await both.alice.tip(MEMORY))
  })
}

const { skip, why } = needs('gitolite')

describe.skipIf(skip)(`over gitolite, which refuses refs outside of branches and tags${why}`, () => {
  test('the refusal is explained and the state travels on a branch', async ({ world }) => {
    const hub = await world.remote('hub', { kind: 'gitolite', rules: 'heads-and-tags' })
    const alice = await aliceWithNews(world)
    const sync = await alice.dstack('sync').ok()
    expect(sync.stdout + sync.stderr).toMatch(/refuses refs under refs\/dstack\/.*DENIED by fallthru/)
    expect(sync.stdout + sync.stderr).toMatch(/branch dstack-state/)
    expect(hub.refs()).toEqual(['refs/heads/dstack-state', 'refs/heads/main'])
    const both = await told(world, hub, alice)
    await disagree(both)
    await undo(both)
    expect(hub.refs('refs/dstack')).toEqual([])
  })

  test('one kind of branch only: the branch is chosen by hand', async ({ world }) => {
    const hub = await world.remote('hub', { kind: 'gitolite', rules: 'agent-branches' })
    const alice = await aliceWithNews(world)
    const bob = await join(world, 'bob')
    const sync = await alice.dstack('sync')
    expect(sync.status).toBe(69)
    expect(sync.stderr).toMatch(/DENIED/)
    for (const clone of [alice, bob]) await clone.dstack('config', 'set', 'transport', 'branch:agent/dstack').ok()
    await syncBoth(alice, bob)
    expect(hub.refs()).toEqual(['refs/heads/agent/dstack', 'refs/heads/main'])
    expect(await bob.dstack('recall', 'pnpm').text()).toContain('The build uses pnpm')
    await disagree({ hub, alice, bob })
  })
})
