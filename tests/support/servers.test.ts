// The servers misbehave as asked, and every process of theirs ends with them. Plain git only.

import { connect } from 'node:net'
import { POLICY_NAMES, type Policy } from './policies'
import { needs } from './programs'
import { closedPort, cuttingProxy, gitDaemon, type HttpFault, silentServer } from './servers'
import { describe, expect, test } from './test'

const OURS = 'refs/dstack/memory'

describe.skipIf(needs('git http-backend').skip)(`smart HTTP${needs('git http-backend').why}`, () => {
  const faults: [HttpFault, RegExp][] = [
    [{ kind: 'status', status: 401 }, /could not read Username|Authentication failed/],
    [{ kind: 'status', status: 403 }, /403/],
    [{ kind: 'status', status: 407 }, /407/],
    [{ kind: 'status', status: 500 }, /500/],
    [{ kind: 'drop', after: 100 }, /early EOF|hung up|curl 18|transfer closed|unable to access/],
  ]
  for (const [fault, message] of faults) {
    test(`${JSON.stringify(fault)}`, async ({ world }) => {
      await world.remote('hub', { kind: 'http' })
      const [alice] = await world.clones('alice')
      if (world.http) world.http.fault = fault
      const fetch = await alice.git('fetch')
      expect(fetch.status).not.toBe(0)
      expect(fetch.stderr).toMatch(message)
      if (world.http) world.http.faulty = (service) => service === 'git-receive-pack'
      await alice.git('fetch').ok()
    })
  }

  test('hang', async ({ world }) => {
    await world.remote('hub', { kind: 'http' })
    const [alice] = await world.clones('alice')
    if (world.http) world.http.fault = { kind: 'hang' }
    const patience = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=1']
    expect((await alice.git(...patience, 'fetch')).stderr).toMatch(/too slow|timed out/i)
    await expect(alice.with({ limit: 300 }).git('fetch')).rejects.toThrow('still running after 300 ms')
  })
})

test.skipIf(needs('git daemon').skip)(
  `a proxy cuts git:// after k bytes${needs('git daemon').why}`,
  async ({ world }) => {
    await world.remote()
    const [alice] = await world.clones('alice')
    const daemon = await gitDaemon(`${world.path}/remotes`)
    world.onDispose(() => daemon.close())
    for (const after of [0, 1, 40]) {
      const proxy = await cuttingProxy(daemon.port, after)
      const fetch = await alice.git('ls-remote', `git://127.0.0.1:${proxy.port}/hub.git`)
      expect(fetch.status, `after ${after} bytes`).toBe(128)
      await proxy.close()
    }
    const whole = await cuttingProxy(daemon.port, Number.POSITIVE_INFINITY)
    expect(await alice.git('ls-remote', `git://127.0.0.1:${whole.port}/hub.git`).text()).toContain('refs/heads/main')
    await whole.close()
    await daemon.close()
    await daemon.close()
  },
)

test('a silent server accepts and says nothing; a closed port refuses', async ({ world }) => {
  const silent = await silentServer()
  world.onDispose(() => silent.close())
  await world.remote()
  const [alice] = await world.clones('alice')
  await expect(alice.with({ limit: 300 }).git('ls-remote', `git://127.0.0.1:${silent.port}/x`)).rejects.toThrow(
    'still running',
  )
  expect(silent.connections).toBe(1)
  const port = await closedPort()
  const refused = await new Promise((resolve) =>
    connect(port, '127.0.0.1').once('error', (error) => resolve(error.message)),
  )
  expect(refused).toContain('ECONNREFUSED')
})

/** What a plain push of one branch and one of our refs meets. */
const REFUSES: Record<Policy, { branch: RegExp | null; ours: RegExp | null }> = {
  'denies-all': { branch: /frozen/, ours: /frozen/ },
  'denies-our-refs': { branch: null, ours: /refs outside the team policy/ },
  'hides-our-refs': { branch: null, ours: /deny updating a hidden ref/ },
  'heads-and-tags': { branch: null, ours: /only branches and tags are allowed: refs\/dstack\/memory/ },
  'committer-is-pusher': { branch: null, ours: /committer ci@example.com is not you/ },
  'known-authors': { branch: null, ours: null },
  'ticket-in-message': { branch: /names no ticket/, ours: /names no ticket/ },
  strict: { branch: null, ours: null },
  quota: { branch: /size quota/, ours: /size quota/ },
}

for (const policy of POLICY_NAMES) {
  test(`policy ${policy}`, async ({ world }) => {
    await world.remote('hub', { policy })
    const [alice] = await world.clones('alice')
    await alice.commit('work')
    const ci = alice.with({ vars: { GIT_COMMITTER_EMAIL: 'ci@example.com' } })
    const commit = await ci.git('commit-tree', '-p', 'HEAD', '-m', 'state', 'HEAD^{tree}').text()
    await alice.git('update-ref', OURS, commit).ok()
    for (const [refspec, refused] of [
      ['main', REFUSES[policy].branch],
      [OURS, REFUSES[policy].ours],
    ] as const) {
      const push = await alice.git('push', 'origin', refspec)
      expect(push.status, push.stderr).toBe(refused === null ? 0 : 1)
      if (refused !== null) expect(push.stderr).toMatch(refused)
    }
  })
}

test('policy known-authors refuses strangers, policy strict refuses rewritten history', async ({ world }) => {
  const names = await world.remote('names', { policy: 'known-authors' })
  const strict = await world.remote('strict', { policy: 'strict' })
  const [alice] = await world.clones('alice')
  await alice.commit('one')
  await alice.git('push', '-q', strict.url, 'main').ok()
  const stranger = alice.with({ vars: { GIT_AUTHOR_EMAIL: 'x@elsewhere.org' } })
  await stranger.git('commit', '-q', '--amend', '--reset-author', '-m', 'two').ok()
  expect((await alice.git('push', names.url, 'main')).stderr).toMatch(/unknown identity x@elsewhere.org/)
  expect((await alice.git('push', '--force', strict.url, 'main')).stderr).toMatch(/non-fast-forward/)
})
