// init: what it plans, what it changes and nothing else, and what it refuses.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DstackError } from '../../src/errors'
import { autoInit, init, initAll, planInit, status } from '../../src/setup/setup'
import { openStore, trackingTip } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import { describe, expect, test } from '../support/test'
import { bytesOf, envOf, remember } from './support'

/** What a look may leave: the cached configuration. */
const NOTHING = /^dstack\/cache(\/|$)/
const code = (error: unknown) => (error as DstackError).code

test('the plan names every change and makes none', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const before = bytesOf(join(alice.path, '.git'), NOTHING)
  const plan = await planInit(envOf(alice))
  expect(plan.steps.map(({ what }) => what.replace(alice.path, ''))).toEqual([
    'set dstack.enabled = true',
    'set dstack.remote = origin',
    'add remote.origin.fetch = +refs/dstack/*:refs/dstack-remotes/origin/state/*',
    'add remote.origin.fetch = +refs/notes/dstack/*:refs/dstack-remotes/origin/notes/*',
    'add a block to /.git/hooks/pre-push',
    'add a block to /.git/hooks/pre-commit',
    'add a block to /.git/hooks/commit-msg',
    'add a block to /.git/hooks/post-commit',
    'add a block to /.git/hooks/post-rewrite',
    'write the format document',
  ])
  expect(await init(envOf(alice), { dryRun: true })).toMatchObject({ dryRun: true, steps: plan.steps })
  expect(bytesOf(join(alice.path, '.git'), NOTHING)).toEqual(before)
})

test('does what it planned, once', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  expect(await alice.git('config', 'dstack.remote').text()).toBe('origin')
  expect(await alice.git('config', '--get-all', 'remote.origin.fetch').text()).toBe(
    [
      '+refs/heads/*:refs/remotes/origin/*',
      '+refs/dstack/*:refs/dstack-remotes/origin/state/*',
      '+refs/notes/dstack/*:refs/dstack-remotes/origin/notes/*',
    ].join('\n'),
  )
  expect(await alice.git('show', 'refs/dstack/config:dstack').text()).toContain('/')
  const before = bytesOf(join(alice.path, '.git'), NOTHING)
  const again = await init(envOf(alice))
  expect(again.steps).toEqual([])
  expect(bytesOf(join(alice.path, '.git'), NOTHING)).toEqual(before)
})

test('a clone that was not opted in is untouched by looking at it', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const before = bytesOf(join(alice.path, '.git'), NOTHING)
  expect(await status(envOf(alice))).toMatchObject({ enabled: false, next: ['git dstack init'], branch: 'main' })
  expect(await autoInit(envOf(alice))).toBeNull()
  await alice.commit('code')
  const push = await alice.git('push').ok()
  expect(push.stderr).not.toMatch(/^(git )?dstack:/m)
  const after = bytesOf(join(alice.path, '.git'), NOTHING)
  for (const [path, bytes] of before)
    if (!/^(objects|logs|refs\/|index|packed-refs|COMMIT_EDITMSG)/.test(path))
      expect([path, after.get(path)]).toEqual([path, bytes])
  expect([...after.keys()].filter((path) => path.includes('dstack'))).toEqual([])
})

test('two people who run it separately agree on the format document', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  await init(envOf(alice))
  await init(envOf(bob))
  const blob = (clone: typeof alice) => clone.git('rev-parse', 'refs/dstack/config^{tree}').text()
  expect(await blob(alice)).toBe(await blob(bob))
  for (const clone of [alice, bob, alice]) await sync(openStore(envOf(clone)))
  expect(await alice.tip('refs/dstack/config')).toBe(await bob.tip('refs/dstack/config'))
})

test('adopts what the team has, and writes no second format document', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  await init(envOf(alice))
  remember(alice, 'notes/build/tool')
  await sync(openStore(envOf(alice)))
  const report = await init(envOf(bob))
  expect(report.adopted).toBe(2)
  expect(report.steps.map(({ action }) => action.kind)).not.toContain('format')
  expect(await bob.tip('refs/dstack/memory')).toBe(await alice.tip('refs/dstack/memory'))
  expect(await bob.tip('refs/dstack/config')).toBe(await alice.tip('refs/dstack/config'))
})

test('finds the state on a branch, where the host allows nothing else', async ({ world }) => {
  await world.remote('hub', { policy: 'heads-and-tags' })
  const [alice, bob] = await world.clones('alice', 'bob')
  await init(envOf(alice))
  remember(alice, 'notes/build/tool')
  await sync(openStore(envOf(alice)))
  const report = await init(envOf(bob))
  expect(report.transport).toBe('branch:dstack-state')
  const store = openStore(envOf(bob))
  expect(trackingTip(store, 'refs/dstack/memory')).toBe(await alice.tip('refs/dstack/memory'))
  expect(await bob.git('config', '--get-all', 'remote.origin.fetch').text()).not.toContain('refs/dstack/*')
})

describe('which remote', () => {
  test('none: works, says so, and elects one later', async ({ world }) => {
    const alice = world.person('alice')
    await alice.with({ cwd: world.path }).git('init', '-q', alice.path).ok()
    const first = await init(envOf(alice))
    expect(first.remote).toBeNull()
    expect(first.warnings.join()).toMatch(/no remote/)
    const hub = await world.remote()
    await alice.git('remote', 'add', 'origin', hub.url).ok()
    const second = await init(envOf(alice))
    expect(second.remote).toBe('origin')
    expect((await init(envOf(alice))).steps).toEqual([])
  })

  test('the upstream of the branch, then origin, else the user has to choose', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await alice.git('remote', 'add', 'fork', '/nowhere').ok()
    expect((await planInit(envOf(alice))).remote).toBe('origin')
    await alice.git('config', 'branch.main.remote', 'fork').ok()
    expect((await planInit(envOf(alice))).remote).toBe('fork')
    await alice.git('checkout', '-q', '--detach').ok()
    await alice.git('remote', 'rename', 'origin', 'upstream').ok()
    const { refusal } = await planInit(envOf(alice))
    expect(refusal).toMatchObject({ refused: 'AMBIGUOUS' })
    expect(refusal?.hint).toContain('git dstack init --remote upstream')
    expect(await init(envOf(alice)).catch(code)).toBe('AMBIGUOUS')
    expect(await init(envOf(alice), { remote: 'nobody' }).catch(code)).toBe('NO_REMOTE')
    expect((await init(envOf(alice), { remote: 'upstream' })).remote).toBe('upstream')
    const moved = await init(envOf(alice), { remote: 'fork' })
    expect(moved.remote).toBe('fork')
    expect(await alice.git('config', '--get-all', 'remote.upstream.fetch').text()).not.toContain('dstack')
  })

  test('one that does not answer: init works all the same', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await alice.git('config', 'remote.origin.url', join(world.path, 'gone.git')).ok()
    const report = await init(envOf(alice))
    expect(report.warnings.join()).toMatch(/origin was not reached/)
    remember(alice, 'notes/a/b')
  })
})

describe('refuses, with the mend', () => {
  test.for([
    ['+refs/notes/*:refs/notes/*', 'remote.origin.fetch'],
    ['+refs/*:refs/*', 'remote.origin.fetch'],
    ['refs/dstack/*:refs/dstack/*', 'remote.origin.fetch'],
  ] as const)('while %s stands at the remote', async ([refspec, subject], { world }) => {
    const [alice] = await world.clones('alice')
    await alice.git('config', '--add', 'remote.origin.fetch', refspec).ok()
    const before = bytesOf(join(alice.path, '.git'), NOTHING)
    const { refusal } = await planInit(envOf(alice))
    expect(refusal?.refused).toBe('REFSPEC_HAZARD')
    expect(refusal?.message).toContain(subject)
    expect(await init(envOf(alice)).catch(code)).toBe('REFSPEC_HAZARD')
    expect(bytesOf(join(alice.path, '.git'), NOTHING)).toEqual(before)
    const mend = /`(git config [^`]*)`/.exec(refusal?.hint ?? '')?.[1] ?? ''
    await alice.sh(mend).ok()
    expect((await init(envOf(alice))).remote).toBe('origin')
  })

  test('in a mirror clone', async ({ world }) => {
    const hub = await world.remote()
    const alice = world.person('alice')
    await alice.with({ cwd: world.path }).git('clone', '-q', '--mirror', hub.url, alice.path).ok()
    expect((await planInit(envOf(alice))).refusal?.refused).toBe('REFSPEC_HAZARD')
    await alice.git('config', '--unset', 'remote.origin.fetch').ok()
    expect((await planInit(envOf(alice))).refusal?.message).toMatch(/mirror/)
  })
})

describe('repositories of other shapes', () => {
  test('a linked worktree: the configuration of all of them', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await alice.git('worktree', 'add', '-q', '../side', '-b', 'side').ok()
    const side = alice.at(join(alice.path, '..', 'side'))
    await init(envOf(side))
    expect(await alice.git('config', '--local', 'dstack.enabled').text()).toBe('true')
    expect((await init(envOf(alice))).steps).toEqual([])
    await side.commit('from the side')
    remember(side, 'notes/side/one')
    expect((await side.git('push', '-u', 'origin', 'side').ok()).stderr).toContain('dstack: 2 sent to origin')
  })

  test('a bare hub without remotes: no hook', async ({ world }) => {
    const hub = await world.remote()
    const admin = world.person('admin').with({ cwd: hub.path })
    const report = await init(envOf(admin))
    expect(report.steps.map(({ action }) => action.kind)).toEqual(['config', 'format'])
  })

  test('a bare clone: plain git fetch means what it meant', async ({ world }) => {
    const hub = await world.remote()
    const alice = world.person('alice')
    await alice.with({ cwd: world.path }).git('clone', '-q', '--bare', hub.url, alice.path).ok()
    const report = await init(envOf(alice))
    expect(report.warnings.join()).toMatch(/no fetch refspec/)
    expect((await init(envOf(alice))).steps).toEqual([])
    remember(alice, 'notes/bare/one')
    expect((await sync(openStore(envOf(alice)))).sent).toBe(2)
  })

  test('a submodule is a repository of its own', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const lib = await world.remote('lib')
    await alice.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', lib.url, 'lib').ok()
    const inside = alice.with({ cwd: join(alice.path, 'lib') })
    await init(envOf(inside))
    expect(await inside.git('config', 'dstack.enabled').text()).toBe('true')
    expect((await alice.git('config', 'dstack.enabled')).status).toBe(1)
    expect(readFileSync(join(alice.path, '.git/modules/lib/hooks/pre-push'), 'utf8')).toContain('git-dstack')
  })

  test.for([
    ['shallow', ['--depth=1']],
    ['blobless', ['--filter=blob:none']],
    ['single branch', ['--single-branch']],
  ] as const)('a %s clone holds the state whole', async ([, options], { world }) => {
    const hub = await world.remote('hub', { kind: 'file' })
    hub.git('config', 'uploadpack.allowFilter', 'true')
    const [alice] = await world.clones('alice')
    await init(envOf(alice))
    for (const word of ['one', 'two', 'three']) remember(alice, `notes/shape/${word}`)
    await sync(openStore(envOf(alice)))
    const bob = world.person('bob')
    await bob
      .with({ cwd: world.path })
      .git('clone', '-q', ...options, hub.url, bob.path)
      .ok()
    await init(envOf(bob))
    await bob.git('config', 'remote.origin.url', '/nowhere').ok()
    expect((await bob.git('log', '--format=%s', 'refs/dstack/memory').text()).split('\n')).toHaveLength(3)
    expect(await bob.git('grep', '-h', 'a fact', 'refs/dstack/memory').text()).toContain('a fact')
  })

  test('SHA-256', async ({ world }) => {
    const alice = world.person('alice')
    const far = alice.with({ cwd: world.path })
    await far.git('init', '-q', '--bare', '--object-format=sha256', 'far.git').ok()
    await far.git('init', '-q', '--object-format=sha256', alice.path).ok()
    await alice.git('remote', 'add', 'origin', join(world.path, 'far.git')).ok()
    await init(envOf(alice))
    remember(alice, 'notes/sha/one')
    expect((await sync(openStore(envOf(alice)))).sent).toBe(2)
    expect((await init(envOf(alice))).steps).toEqual([])
  })
})

test('without an identity it opts in, and writes the format document once git knows who writes', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const nobody = envOf(alice, { GIT_CONFIG_GLOBAL: '/dev/null' })
  expect((await init(nobody)).warnings.join()).toMatch(/does not know who you are/)
  expect(await alice.tip('refs/dstack/config')).toBeNull()
  expect((await init(envOf(alice))).steps.map(({ action }) => action.kind)).toEqual(['format'])
})

test('--all: every repository below, one line each', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  await bob.git('config', '--add', 'remote.origin.fetch', '+refs/notes/*:refs/notes/*').ok()
  mkdirSync(join(world.path, 'people', 'node_modules', 'x'), { recursive: true })
  await alice
    .with({ cwd: join(world.path, 'people', 'node_modules', 'x') })
    .git('init', '-q')
    .ok()
  const reports = await initAll(envOf(alice), join(world.path, 'people'))
  expect(reports.map(({ folder, outcome }) => [folder, outcome])).toEqual([
    [alice.path, 'done'],
    [bob.path, 'refused'],
  ])
  expect(reports[1]?.message).toContain('+refs/notes/*:refs/notes/*')
  expect((await initAll(envOf(alice), join(world.path, 'people')))[0]?.outcome).toBe('nothing')
})

describe('auto-init', () => {
  test('opts in a clone whose remote fits, once, and leaves others alone', async ({ world }) => {
    const [alice, bob] = await world.clones('alice', 'bob')
    await alice.git('config', '--global', 'dstack.autoInit', `${world.path}/*`).ok()
    expect(await autoInit(envOf(alice))).toMatch(/opted this clone in .* travels with origin/)
    expect(await autoInit(envOf(alice))).toBeNull()
    await bob.git('config', '--global', 'dstack.autoInit', 'https://github.com/acme/*').ok()
    expect(await autoInit(envOf(bob))).toBeNull()
    await bob.git('config', '--global', '--replace-all', 'dstack.autoInit', '*').ok()
    await bob.git('config', 'dstack.enabled', 'false').ok()
    expect(await autoInit(envOf(bob))).toBeNull()
  })

  test('is never read from the repository', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await alice.git('config', 'dstack.autoInit', '*').ok()
    expect(await autoInit(envOf(alice))).toBeNull()
  })
})

test('a killed init is finished by the next one', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const config = join(alice.path, '.git', 'config')
  const before = readFileSync(config)
  await init(envOf(alice))
  // As if it had died between writing the record and the rest.
  writeFileSync(config, before)
  await alice.git('update-ref', '-d', 'refs/dstack/config').ok()
  const again = await init(envOf(alice))
  expect(again.steps.map(({ action }) => action.kind)).toEqual(['config', 'config', 'config', 'config', 'format'])
})
