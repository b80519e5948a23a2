// Remotes that refuse, drop, hang or are not there: one clear sentence, exit status 69, nothing lost, work goes on.

import type { Clone } from '../support/clone'
import { liftPolicy, POLICY_NAMES, type Policy } from '../support/policies'
import { needs } from '../support/programs'
import { closedPort, cuttingProxy, gitDaemon, type HttpFault, silentServer } from '../support/servers'
import type { Result } from '../support/spawning'
import { describe, expect, test } from '../support/test'
import type { Kind, Remote, World } from '../support/world'

const MEMORY = 'refs/dstack/memory'
const UNAVAILABLE = 69

/** Alice has something that no remote has. */
async function aliceWithNews(
  world: World,
  options: { kind?: Kind; policy?: Policy } = {},
): Promise<{ alice: Clone; hub: Remote }> {
  const hub = await world.remote('hub', options)
  const [alice] = await world.clones('alice')
  await alice.git('config', '--global', 'dstack.allowProtocol', 'http git').ok()
  await alice.dstack('init').ok()
  await remember(alice, 'first', 'The build uses pnpm')
  return { alice, hub }
}

function remember(clone: Clone, topic: string, text: string): Promise<Result> {
  return clone.dstack('remember', '--key', `notes/test/${topic}`, text).ok()
}

/** One sentence that says what happened, and one that says what to do next. */
function expectClear(done: Result, reason: RegExp): void {
  expect(done.status, done.stdout + done.stderr).toBe(UNAVAILABLE)
  expect(done.stderr).toMatch(/^git dstack: .+\nHint: .+\.$/m)
  expect(done.stderr).toMatch(reason)
  expect(done.stderr).not.toMatch(/\n\s+at |--force|push -f/)
}

/** Nothing is lost here, reading and writing still work. */
async function expectWorkGoesOn(alice: Clone): Promise<void> {
  await alice.git('grep', '-q', 'The build uses pnpm', MEMORY).ok()
  expect(await alice.dstack('recall', 'pnpm').text()).toContain('The build uses pnpm')
  await remember(alice, 'later', 'Tests run with vitest')
}

async function expectArrives(alice: Clone, hub: Remote): Promise<void> {
  await alice.dstack('sync').ok()
  expect(hub.tip(MEMORY)).toBe(await alice.tip(MEMORY))
  expect(
    hub.git('grep', '-c', '-e', 'The build uses pnpm', '-e', 'Tests run with vitest', MEMORY).split('\n'),
  ).toHaveLength(2)
}

/** `in`: our refs are let in. `branch`: only branches are, so the state travels on one. `refused`: nothing is. */
const OUTCOMES: Record<Policy, { outcome: 'in' | 'branch' | 'refused'; reason?: RegExp }> = {
  'denies-all': { outcome: 'refused', reason: /This repository is frozen/ },
  'denies-our-refs': { outcome: 'branch', reason: /refs outside the team policy/ },
  'hides-our-refs': { outcome: 'branch', reason: /hidden ref/ },
  'heads-and-tags': { outcome: 'branch', reason: /only branches and tags are allowed/ },
  'committer-is-pusher': { outcome: 'in' },
  'known-authors': { outcome: 'in' },
  'ticket-in-message': { outcome: 'refused', reason: /names no ticket/ },
  strict: { outcome: 'in' },
  quota: { outcome: 'refused', reason: /over its size quota/ },
}

describe('a host with a policy', () => {
  for (const policy of POLICY_NAMES) {
    const { outcome, reason = /./ } = OUTCOMES[policy]
    test(`${policy}: ${outcome}`, async ({ world }) => {
      const { alice, hub } = await aliceWithNews(world, { policy })
      const sync = await alice.dstack('sync')
      if (outcome === 'refused') {
        expectClear(sync, reason)
        await expectWorkGoesOn(alice)
        expect(hub.refs('refs/dstack')).toEqual([])
        liftPolicy(hub.path)
        world.advance(120)
      } else {
        expect(sync.status, sync.stderr).toBe(0)
        await remember(alice, 'later', 'Tests run with vitest')
      }
      if (outcome !== 'branch') return expectArrives(alice, hub)
      expect(sync.stdout + sync.stderr).toMatch(reason)
      expect(sync.stdout + sync.stderr).toMatch(/branch.*dstack-state/)
      await alice.dstack('sync').ok()
      expect(hub.refs()).toEqual(['refs/heads/dstack-state', 'refs/heads/main'])
      const [bob] = await world.clones('bob')
      await bob.dstack('init').ok()
      expect(await bob.dstack('recall', 'vitest').text()).toContain('Tests run with vitest')
    })
  }

  test('merges of two people pass a host where the committer must be the pusher', async ({ world }) => {
    const { alice, hub } = await aliceWithNews(world, { policy: 'committer-is-pusher' })
    const [bob] = await world.clones('bob')
    await bob.dstack('init').ok()
    await alice.dstack('sync').ok()
    await bob.dstack('sync').ok()
    for (const clone of [alice, bob]) await remember(clone, clone.name, `From ${clone.name}`)
    for (let round = 0; round < 3; round++) for (const clone of [alice, bob]) await clone.dstack('sync').ok()
    expect([await alice.tip(MEMORY), await bob.tip(MEMORY)]).toEqual([hub.tip(MEMORY), hub.tip(MEMORY)])
    expect(hub.git('grep', '-h', 'From', MEMORY).split('\n').sort()).toEqual(['From alice', 'From bob'])
  })

  const http = needs('git http-backend')
  test.skipIf(http.skip)(
    `is not stormed: at most three tries, then a minute without background tries${http.why}`,
    async ({ world }) => {
      const { alice } = await aliceWithNews(world, { kind: 'http', policy: 'denies-all' })
      const pushes = () =>
        (world.http?.requests ?? []).filter((request) => request === 'POST /hub.git/git-receive-pack').length
      expectClear(await alice.dstack('sync'), /frozen/)
      const first = pushes()
      expect(first).toBeGreaterThan(0)
      expect(first).toBeLessThanOrEqual(3)
      await alice.commit('code')
      expect((await alice.git('push')).status).toBe(1)
      expect(pushes(), 'only the user’s own push').toBe(first + 1)
      world.advance(120)
      expect((await alice.git('push')).status).toBe(1)
      expect(pushes(), 'ours and the user’s').toBeGreaterThan(first + 2)
    },
  )

  test('does not fail the user’s own push', async ({ world }) => {
    const { alice, hub } = await aliceWithNews(world, { policy: 'denies-our-refs' })
    const tip = await alice.commit('code')
    const push = await alice.git('push', 'origin', 'main')
    expect(push.status, push.stderr).toBe(0)
    expect(hub.tip('refs/heads/main')).toBe(tip)
    expect(push.stderr).toMatch(/refs outside the team policy/)
  })
})

const { skip, why } = needs('git http-backend')

describe.skipIf(skip)(`an HTTP server${why}`, () => {
  const statuses: [HttpFault, RegExp][] = [
    [{ kind: 'status', status: 401 }, /git dstack: /],
    [{ kind: 'status', status: 403 }, /403/],
    [{ kind: 'status', status: 407 }, /407/],
    [{ kind: 'status', status: 500 }, /500/],
  ]
  for (const [fault, reason] of statuses) {
    test(`answers ${JSON.stringify(fault)}`, async ({ world }) => {
      const { alice, hub } = await aliceWithNews(world, { kind: 'http' })
      if (world.http) world.http.fault = fault
      expectClear(await alice.dstack('sync'), reason)
      await expectWorkGoesOn(alice)
      if (world.http) world.http.fault = null
      world.advance(120)
      await expectArrives(alice, hub)
    })
  }

  test('cuts the connection after k bytes, on the way there and back', async ({ world }) => {
    const { alice, hub } = await aliceWithNews(world, { kind: 'http' })
    const server = world.http
    if (server === undefined) throw new Error('no http server')
    await remember(alice, 'later', 'Tests run with vitest')
    for (const service of ['git-upload-pack', 'git-receive-pack']) {
      for (const after of process.env.DSTACK_SLOW ? [0, 1, 4, 8, 50, 100, 150, 200, 300, 400, 600] : [0, 8, 150]) {
        server.fault = { kind: 'drop', after }
        server.faulty = (asked) => asked === service
        const sync = await alice.dstack('sync')
        // Where the whole answer is shorter than k, nothing was cut.
        if (sync.status !== 0) expectClear(sync, /git dstack: /)
        server.fault = null
        world.advance(120)
      }
    }
    await expectArrives(alice, hub)
  })
})

const daemon = needs('git daemon')

test.skipIf(daemon.skip)(`git:// is cut after k bytes${daemon.why}`, async ({ world }) => {
  const { alice, hub } = await aliceWithNews(world)
  await remember(alice, 'later', 'Tests run with vitest')
  const server = await gitDaemon(`${world.path}/remotes`)
  world.onDispose(() => server.close())
  for (const after of process.env.DSTACK_SLOW ? [0, 1, 4, 20, 60, 100, 200, 400, 800] : [0, 60, 200]) {
    const proxy = await cuttingProxy(server.port, after)
    await alice.git('remote', 'set-url', 'origin', `git://127.0.0.1:${proxy.port}/hub.git`).ok()
    const sync = await alice.dstack('sync')
    if (sync.status !== 0) expectClear(sync, /git dstack: /)
    await proxy.close()
    world.advance(120)
  }
  await alice.git('remote', 'set-url', 'origin', server.url('hub.git')).ok()
  await expectArrives(alice, hub)
})

test('a port on which nobody listens', async ({ world }) => {
  const { alice, hub } = await aliceWithNews(world)
  await alice.git('remote', 'set-url', 'origin', `git://127.0.0.1:${await closedPort()}/hub.git`).ok()
  // The reason stands in git's second line; the sentence is a sentence.
  expectClear(await alice.dstack('sync'), /^git dstack: .*Connection refused\.$/m)
  await expectWorkGoesOn(alice)
  await alice.git('remote', 'set-url', 'origin', hub.url).ok()
  world.advance(120)
  await expectArrives(alice, hub)
})

test('no remote at all', async ({ world }) => {
  const alice = world.person('alice')
  await alice.with({ cwd: world.path }).git('init', '-q', alice.path).ok()
  await alice.dstack('init').ok()
  await remember(alice, 'first', 'The build uses pnpm')
  expectClear(await alice.dstack('sync'), /remote/)
  await expectWorkGoesOn(alice)
})

test('protocols that the user did not allow are not spoken', async ({ world }) => {
  const { alice } = await aliceWithNews(world)
  await alice.git('config', '--global', '--unset', 'dstack.allowProtocol').ok()
  const silent = await silentServer()
  world.onDispose(() => silent.close())
  for (const url of [
    `git://127.0.0.1:${silent.port}/x`,
    `http://127.0.0.1:${silent.port}/x`,
    'ext::sh -c "touch owned"',
  ]) {
    await alice.git('remote', 'set-url', 'origin', url).ok()
    expectClear(await alice.dstack('sync'), /allow/i)
    world.advance(120)
  }
  expect(silent.connections).toBe(0)
})

describe('a remote that hangs', () => {
  // All at once: they wait, they don't work. Somebody who waits is told after 30 s; plain git would hang for ever on git://.
  test('is given up within the time limit, over every transport', async ({ world }) => {
    const { alice, hub } = await aliceWithNews(world)
    const [bob, carol] = await world.clones('bob', 'carol')
    const silent = await silentServer()
    world.onDispose(() => silent.close())
    const urls = [
      [alice, `git://127.0.0.1:${silent.port}/hub.git`],
      [bob, `http://127.0.0.1:${silent.port}/hub.git`],
      [carol, `ssh://nobody@127.0.0.1:${silent.port}/hub.git`],
    ] as const
    for (const clone of [bob, carol]) {
      await clone.git('config', '--global', 'dstack.allowProtocol', 'http git').ok()
      await clone.dstack('init').ok()
      await remember(clone, clone.name, `From ${clone.name}`)
    }
    await Promise.all(
      urls.map(async ([clone, url]) => {
        await clone.git('remote', 'set-url', 'origin', url).ok()
        const started = performance.now()
        expectClear(await clone.dstack('sync'), /git dstack: /)
        expect(performance.now() - started, url).toBeLessThan(45_000)
      }),
    )
    expect(silent.connections).toBeGreaterThanOrEqual(3)
    await expectWorkGoesOn(alice)
    await alice.git('remote', 'set-url', 'origin', hub.url).ok()
    world.advance(120)
    await expectArrives(alice, hub)
  }, 120_000)

  test.skipIf(skip)(
    `holds the user’s push up for a limited time only${why}`,
    async ({ world }) => {
      const { alice, hub } = await aliceWithNews(world, { kind: 'http' })
      if (world.http === undefined) throw new Error('no http server')
      let hung = 0
      world.http.fault = { kind: 'hang' }
      world.http.faulty = () => hung++ === 1 // git asks for the remote's refs, then runs the hook: the second request is ours
      const tip = await alice.commit('code')
      const started = performance.now()
      await alice.git('push', '-q', 'origin', 'main').ok()
      expect(performance.now() - started).toBeLessThan(45_000)
      expect(hung).toBeGreaterThan(2)
      expect(hub.tip('refs/heads/main')).toBe(tip)
    },
    120_000,
  )
})
