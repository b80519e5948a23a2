// doctor: finds what is wrong, changes nothing unless asked, mends one by one and says honestly whether that helped.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type DoctorOptions, doctor, type Finding, init, status } from '../../src/setup/setup'
import { openStore } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { bytesOf, envOf, remember, writeHook } from './support'

const MEMORY = 'refs/dstack/memory'
const LAST_YEAR = new Date('2025-01-01')
const git = (clone: Clone, path: string) => join(clone.path, '.git', path)
const hubOf = (world: World) => [...world.remotes.values()][0]

async function findings(clone: Clone, options: DoctorOptions = {}): Promise<Finding[]> {
  return (await doctor(envOf(clone, { NODE_EXTRA_CA_CERTS: undefined }), options)).findings
}

/** Errors and warnings by code. */
async function wrong(clone: Clone, options: DoctorOptions = {}): Promise<string[]> {
  return (await findings(clone, options))
    .filter(({ severity, fixed }) => severity !== 'info' && fixed !== true)
    .map(({ code }) => code)
}

async function synced(world: World): Promise<Clone> {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  remember(alice, 'notes/build/tool')
  await sync(openStore(envOf(alice)))
  return alice
}

test('a healthy clone is clean, and looking changes nothing', async ({ world }) => {
  const alice = await synced(world)
  const before = bytesOf(git(alice, ''), /^dstack\/cache/)
  const report = await doctor(envOf(alice), { fix: true, dryRun: true })
  expect(report.findings.filter(({ severity }) => severity !== 'info')).toEqual([])
  expect(report.clean).toBe(true)
  expect(bytesOf(git(alice, ''), /^dstack\/cache/)).toEqual(before)
})

test('a clone that was not opted in is told so, and stays untouched', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const before = bytesOf(git(alice, ''), /^$/)
  expect(await wrong(alice)).toEqual(['NOT_INITIALISED'])
  expect(bytesOf(git(alice, ''), /^$/)).toEqual(before)
})

/** Each breaks something and names the finding; `mended`: `--fix` helps. */
const TROUBLE: Record<
  string,
  { code: string; mended: boolean; make(alice: Clone, world: World): Promise<void> | void }
> = {
  'a lock that nobody holds': {
    code: 'STALE_LOCK',
    mended: true,
    make(alice) {
      writeFileSync(git(alice, `${MEMORY}.lock`), '')
      utimesSync(git(alice, `${MEMORY}.lock`), LAST_YEAR, LAST_YEAR)
    },
  },
  'a lock of the configuration that nobody holds': {
    code: 'STALE_LOCK',
    mended: true,
    make(alice) {
      writeFileSync(git(alice, 'config.lock'), '')
      utimesSync(git(alice, 'config.lock'), LAST_YEAR, LAST_YEAR)
    },
  },
  'an object without content': {
    code: 'EMPTY_OBJECT',
    mended: true,
    make(alice) {
      mkdirSync(git(alice, 'objects/ab'), { recursive: true })
      writeFileSync(git(alice, `objects/ab/${'c'.repeat(38)}`), '')
    },
  },
  'a local ref with a torn file': {
    code: 'BROKEN_REF',
    mended: true,
    make: (alice) => writeFileSync(git(alice, MEMORY), ''),
  },
  'a local ref that names nothing': {
    code: 'BROKEN_REF',
    mended: true,
    make: (alice) => writeFileSync(git(alice, MEMORY), `${'1'.repeat(40)}\n`),
  },
  'a tracking ref that names nothing': {
    code: 'BROKEN_REF',
    mended: true,
    make: (alice) => writeFileSync(git(alice, 'refs/dstack-remotes/origin/state/memory'), `${'1'.repeat(40)}\n`),
  },
  'a fetch refspec that overwrites notes': {
    code: 'REFSPEC_HAZARD',
    mended: false,
    make: async (alice) =>
      void (await alice.git('config', '--add', 'remote.origin.fetch', '+refs/notes/*:refs/notes/*').ok()),
  },
  'a push refspec': {
    code: 'REFSPEC_HAZARD',
    mended: false,
    make: async (alice) => void (await alice.git('config', 'remote.origin.push', 'refs/dstack/*:refs/dstack/*').ok()),
  },
  'a remote that was renamed': {
    code: 'REMOTE_GONE',
    mended: true,
    make: async (alice) => void (await alice.git('remote', 'rename', 'origin', 'hub').ok()),
  },
  'a remote that was removed': {
    code: 'REMOTE_GONE',
    mended: false,
    make: async (alice) => void (await alice.git('remote', 'remove', 'origin').ok()),
  },
  'a refspec of ours that was lost': {
    code: 'REFSPEC_MISSING',
    mended: true,
    make: async (alice) =>
      void (await alice
        .git('config', '--replace-all', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*')
        .ok()),
  },
  'a refspec of ours at another remote': {
    code: 'REFSPEC_STRAY',
    mended: true,
    make: async (alice) => {
      await alice.git('remote', 'add', 'fork', '/nowhere').ok()
      await alice.git('config', '--add', 'remote.fork.fetch', '+refs/dstack/*:refs/dstack-remotes/fork/state/*').ok()
    },
  },
  'a hook that is gone': {
    code: 'HOOK_MISSING',
    mended: true,
    make: (alice) => unlinkSync(git(alice, 'hooks/pre-push')),
  },
  'a hook that somebody changed': {
    code: 'HOOK_CHANGED',
    mended: true,
    make: (alice) =>
      writeHook(
        git(alice, 'hooks/pre-push'),
        readFileSync(git(alice, 'hooks/pre-push'), 'utf8').replace('|| :', '|| exit 1'),
      ),
  },
  'a hook that is not executable': {
    code: 'HOOK_NOT_EXECUTABLE',
    mended: false,
    make: (alice) => chmodSync(git(alice, 'hooks/pre-push'), 0o644),
  },
  'a hook that core.hooksPath hides': {
    code: 'HOOK_UNREACHABLE',
    mended: true,
    make: async (alice) => {
      await alice.git('config', 'core.hooksPath', '.githooks').ok()
      await init(envOf(alice))
    },
  },
  'no identity': {
    code: 'IDENTITY',
    mended: false,
    make: async (alice) => void (await alice.git('config', '--global', '--remove-section', 'user').ok()),
  },
  'work that was not sent for days': {
    code: 'UNSYNCED',
    mended: false,
    make(alice, world) {
      remember(alice, 'notes/old/one')
      world.advance(3 * 86_400)
    },
  },
  'a writer whose clock is ahead': {
    code: 'CLOCK',
    mended: false,
    make(alice, world) {
      world.advance(3 * 86_400)
      remember(alice, 'notes/future/one')
      world.advance(-3 * 86_400)
    },
  },
  'a newer format': {
    code: 'TOO_NEW',
    mended: false,
    async make(alice) {
      const path = (await alice.git('ls-tree', '-r', '--name-only', 'refs/dstack/config').text()).trim()
      const text = (await alice.git('show', `refs/dstack/config:${path}`).text()).replace(
        'min_write: 1',
        'min_write: 9',
      )
      const blob = await alice
        .with({ input: `${text}\n` })
        .git('hash-object', '-w', '--stdin')
        .text()
      const index = { vars: { GIT_INDEX_FILE: git(alice, 'other-index') } }
      await alice.with(index).git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`).ok()
      const tree = await alice.with(index).git('write-tree').text()
      unlinkSync(git(alice, 'other-index'))
      const commit = await alice.git('commit-tree', '-m', 'newer', '-p', 'refs/dstack/config', tree).text()
      await alice.git('update-ref', 'refs/dstack/config', commit).ok()
    },
  },
}

describe('finds, and with --fix mends or says that it could not', () => {
  test.for(Object.keys(TROUBLE))('%s', async (name, { world }) => {
    const { code, mended, make } = TROUBLE[name] as (typeof TROUBLE)[string]
    const alice = await synced(world)
    expect(await wrong(alice)).toEqual([])
    const tip = await alice.tip(MEMORY)
    await make(alice, world)
    const found = (await findings(alice)).filter((finding) => finding.code === code)
    expect(found.length).toBeGreaterThan(0)
    for (const { what, risk, fixable } of found) {
      expect([what, risk].join(' ')).toMatch(/\.$/)
      expect(fixable).toBe(mended)
    }
    const report = await doctor(envOf(alice), { fix: true })
    expect(report.findings.filter((finding) => finding.code === code).every(({ fixed }) => fixed === true)).toBe(mended)
    expect((await wrong(alice)).includes(code)).toBe(!mended)
    if (mended) expect(await alice.tip(MEMORY)).toBe(tip)
    if (name === 'a remote that was removed') await alice.git('remote', 'add', 'origin', hubOf(world)?.url ?? '').ok()
  })

  test('only what is named', async ({ world }) => {
    const alice = await synced(world)
    unlinkSync(git(alice, 'hooks/pre-push'))
    await alice.git('remote', 'rename', 'origin', 'hub').ok()
    const report = await doctor(envOf(alice), { fix: ['STALE_LOCK'] })
    expect(report.findings.filter(({ fixed }) => fixed !== undefined)).toEqual([])
    expect(report.clean).toBe(false)
  })

  test('a mend that fails is reported as such', async ({ world }) => {
    const alice = await synced(world)
    await alice.git('config', '--add', 'remote.origin.fetch', '+refs/notes/*:refs/notes/*').ok()
    unlinkSync(git(alice, 'hooks/pre-push'))
    const report = await doctor(envOf(alice), { fix: true })
    expect(report.findings.find(({ code }) => code === 'HOOK_MISSING')).toMatchObject({
      fixed: false,
      what: expect.stringMatching(/Mending failed: /),
    })
  })
})

test('a live lock is not robbed', async ({ world }) => {
  const alice = await synced(world)
  const lock = git(alice, `${MEMORY}.lock`)
  await alice.with({ cwd: alice.home }).sh('mkfifo go ready').ok()
  const holder = alice
    .with({ cwd: alice.home })
    .sh(`exec 9>'${lock}'; touch -d 2025-01-01 '${lock}'; echo >ready; read wait <go`)
  await alice.with({ cwd: alice.home }).sh('read wait <ready').ok()
  const report = await doctor(envOf(alice), { fix: true })
  expect(report.findings.find(({ code }) => code === 'STALE_LOCK')).toMatchObject({ fixed: false })
  expect(existsSync(lock)).toBe(true)
  await alice.with({ cwd: alice.home }).sh('echo >go').ok()
  await holder
  unlinkSync(lock)
})

test('what a dead writer of ours left behind', async ({ world }) => {
  const alice = await synced(world)
  const env = envOf(alice)
  symlinkSync(JSON.stringify({ pid: 4_194_303, host: env.host, start: '', boot: '' }), git(alice, 'dstack/lock'))
  writeFileSync(git(alice, 'dstack/x.tmp'), '')
  utimesSync(git(alice, 'dstack/x.tmp'), LAST_YEAR, LAST_YEAR)
  const found = await findings(alice, { fix: true })
  expect(found.filter(({ fixed }) => fixed).map(({ code }) => code)).toEqual(['OWN_LOCK', 'TEMPORARY_FILE'])
  expect(readdirSync(git(alice, 'dstack')).filter((name) => name === 'lock' || name.endsWith('.tmp'))).toEqual([])
})

test('after git remote rename everything goes on: nothing is lost, nothing is sent twice', async ({ world }) => {
  const alice = await synced(world)
  remember(alice, 'notes/later/one')
  await alice.git('remote', 'rename', 'origin', 'hub').ok()
  await alice.git('fetch', 'hub').ok()
  await doctor(envOf(alice), { fix: true })
  expect(await status(envOf(alice))).toMatchObject({ remote: 'hub', unsynced: 1, received: 0 })
  expect(await alice.refs('refs/dstack-remotes/origin')).toEqual([])
  expect((await sync(openStore(envOf(alice)))).sent).toBe(1)
  expect(hubOf(world)?.tip(MEMORY)).toBe(await alice.tip(MEMORY))
})

describe('gaps', () => {
  test('a partial clone that lacks our documents', async ({ world }) => {
    const hub = await world.remote('hub', { kind: 'file' })
    hub.git('config', 'uploadpack.allowFilter', 'true')
    const alice = await synced(world)
    const bob = world.person('bob')
    await bob.with({ cwd: world.path }).git('clone', '-q', '--filter=blob:none', hub.url, bob.path).ok()
    await bob.git('config', '--add', 'remote.origin.fetch', '+refs/dstack/*:refs/dstack-remotes/origin/state/*').ok()
    await bob
      .git('config', '--add', 'remote.origin.fetch', '+refs/notes/dstack/*:refs/dstack-remotes/origin/notes/*')
      .ok()
    await bob.git('fetch', '-q').ok() // plain git leaves blobs out
    await init(envOf(bob))
    const gap = (await findings(bob)).find(({ code }) => code === 'MISSING_OBJECT')
    expect(gap).toMatchObject({ severity: 'warning', what: expect.stringMatching(/^\d objects? .* partial clone/) })
    await bob.sh(gap?.command ?? '').ok()
    expect(await wrong(bob)).toEqual([])
    expect(await bob.tip('refs/dstack-remotes/origin/state/memory')).toBe(await alice.tip(MEMORY))
  })

  test('a lost object in a whole clone', async ({ world }) => {
    const alice = await synced(world)
    const blob = await alice.git('rev-parse', 'refs/dstack/memory:notes').text()
    const path = git(alice, `objects/${blob.slice(0, 2)}/${blob.slice(2)}`)
    const bytes = readFileSync(path)
    unlinkSync(path)
    expect((await findings(alice)).find(({ code }) => code === 'MISSING_OBJECT')).toMatchObject({ severity: 'error' })
    writeFileSync(path, bytes)
  })

  test('a shallow history is an info', async ({ world }) => {
    const hub = await world.remote('hub', { kind: 'file' })
    const alice = await synced(world)
    remember(alice, 'notes/two/two')
    await sync(openStore(envOf(alice)))
    const bob = world.person('bob')
    await bob.with({ cwd: world.path }).git('clone', '-q', '--depth=1', hub.url, bob.path).ok()
    await init(envOf(bob))
    await bob.git('fetch', '-q', '--depth=1', 'origin', '+refs/dstack/*:refs/dstack-remotes/origin/state/*').ok()
    expect((await findings(bob)).map(({ code }) => code)).toContain('SHALLOW')
    expect(await wrong(bob)).toEqual([])
  })
})

describe('--remote', () => {
  test('tries the host with a ref of its own and leaves nothing behind', async ({ world }) => {
    const alice = await synced(world)
    const before = hubOf(world)?.refs()
    expect(await wrong(alice, { remote: true })).toEqual([])
    expect(hubOf(world)?.refs()).toEqual(before)
  })

  test('names what the host refuses', async ({ world }) => {
    const alice = await synced(world)
    const [hub] = world.remotes.values()
    const hook = join(hub?.path ?? '', 'hooks', 'update')
    writeFileSync(hook, '#!/bin/sh\necho "no such refs here" >&2\nexit 1\n', { mode: 0o755 })
    const found = await findings(alice, { remote: true })
    expect(found.find(({ code }) => code === 'REMOTE')?.what).toMatch(/refuses .*no such refs here/)
    await alice.git('config', 'remote.origin.url', join(world.path, 'gone')).ok()
    expect(await wrong(alice, { remote: true })).toEqual(['REMOTE'])
  })
})

test('node that reads certificates at every start is mentioned', async ({ world }) => {
  const alice = await synced(world)
  writeFileSync(join(alice.home, 'bundle.pem'), '')
  const { findings: found } = await doctor(envOf(alice, { NODE_EXTRA_CA_CERTS: join(alice.home, 'bundle.pem') }))
  const expected = process.version.startsWith('v20.') ? ['SLOW_START'] : []
  expect(found.map(({ code }) => code).filter((code) => code === 'SLOW_START')).toEqual(expected)
})
