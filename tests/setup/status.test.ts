// status: where this clone stands, in two git processes, and what to do next.

import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '../../src/env/env'
import { recall, remember as rememberEntry } from '../../src/memory/memory'
import { init, type StatusReport, status } from '../../src/setup/setup'
import { nextSteps, parseStatus } from '../../src/setup/status'
import { openStore } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import { describe, expect, test } from '../support/test'
import { envOf, remember } from './support'

test('tells what waits on both sides, the branch, and the last sync', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await init(envOf(clone))
  expect(await status(envOf(alice))).toMatchObject({
    unsynced: 1,
    received: 0,
    lastSync: null,
    hook: 'installed',
    next: ['git push'],
  })
  remember(alice, 'notes/a/one')
  await sync(openStore(envOf(alice)))
  remember(alice, 'notes/a/two')
  remember(alice, 'notes/a/three')
  await alice.commit('code', { 'README.md': 'changed\n', 'new.txt': 'x\n' })
  alice.write('README.md', 'changed again\n')
  expect(await status(envOf(alice))).toMatchObject({
    folder: alice.path,
    branch: 'main',
    changedFiles: 1,
    upstream: { name: 'origin/main', ahead: 1, behind: 0 },
    enabled: true,
    remote: 'origin',
    transport: 'refs',
    unsynced: 2,
    received: 0,
    lastSync: expect.stringMatching(/^2026-01-01T/),
    next: ['git push'],
  })
  remember(bob, 'notes/b/one')
  await bob.git('fetch', '-q').ok()
  expect(await status(envOf(bob))).toMatchObject({ unsynced: 2, received: 2, next: ['git dstack sync'] })
  await sync(openStore(envOf(bob)))
  expect(await status(envOf(bob))).toMatchObject({ unsynced: 0, received: 0, next: [] })
})

test('shows how many entries the search index counted', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  expect(await status(envOf(alice))).toMatchObject({ entries: null, conflicts: null })
  for (const text of ['The build uses pnpm', 'Tokens expire after an hour', 'The sky is blue'])
    rememberEntry(envOf(alice), { text })
  recall(envOf(alice), { query: 'pnpm' })
  expect(await status(envOf(alice))).toMatchObject({ entries: 3, conflicts: 0 })
})

test('over a branch as transport it counts the same', async ({ world }) => {
  await world.remote('hub', { policy: 'heads-and-tags' })
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  remember(alice, 'notes/a/one')
  await sync(openStore(envOf(alice)))
  expect(await status(envOf(alice))).toMatchObject({ unsynced: 0, received: 0, transport: 'branch:dstack-state' })
  remember(alice, 'notes/a/two')
  expect(await status(envOf(alice))).toMatchObject({ unsynced: 1, received: 0 })
})

test('starts one process, two when the sides differ', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  await sync(openStore(envOf(alice)))
  const started = async () => {
    const env = envOf(alice)
    const verbs: string[] = []
    await status({
      ...env,
      run(command: Command) {
        verbs.push(
          command.args.find((word) => /^(for-each-ref|status|rev-list|config|cat-file|log|rev-parse)$/.test(word)) ??
            'other',
        )
        return env.run(command)
      },
    })
    return verbs.filter((verb) => verb !== 'config') // read once and cached
  }
  expect(await started()).toEqual(['status'])
  remember(alice, 'notes/a/one') // of a ref that the remote has not at all
  expect(await started()).toEqual(['status', 'rev-list'])
  await sync(openStore(envOf(alice)))
  remember(alice, 'notes/a/two')
  expect(await started()).toEqual(['status', 'rev-list'])
})

test('a disabled clone says by what', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  expect(await status(envOf(alice, { DSTACK_DISABLED: '1' }))).toMatchObject({
    disabled: expect.stringMatching(/environment/),
    next: ['unset DSTACK_DISABLED'],
  })
  await alice.git('config', '--global', 'dstack.disabled', 'true').ok()
  expect(await status(envOf(alice))).toMatchObject({
    disabled: expect.stringMatching(/dstack.disabled is true in .*\.gitconfig/),
  })
})

test('runs no filter that only the repository names', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const canary = join(alice.home, 'canary')
  await alice.commit('attributes', { '.gitattributes': '*.txt filter=evil\n*.md filter=evil2\n', 'a.txt': 'a\n' })
  await alice.git('config', 'filter.evil.clean', `touch ${canary}; cat`).ok()
  await alice.git('config', 'filter.evil2.process', `touch ${canary}`).ok()
  await alice.git('config', 'filter.evil2.required', 'true').ok()
  alice.write('a.txt', 'b\n')
  alice.write('README.md', 'c\n')
  expect(await status(envOf(alice))).toMatchObject({ changedFiles: 2 })
  expect(existsSync(canary)).toBe(false)
  await alice.git('config', 'filter.e=vil.clean', `touch ${canary}; cat`).ok()
  alice.write('.gitattributes', '*.txt filter=e=vil\n')
  expect(await status(envOf(alice))).toMatchObject({ branch: 'main', changedFiles: null })
  expect(existsSync(canary)).toBe(false)
  await alice.git('status')
  expect(existsSync(canary)).toBe(true) // the canary sings for plain git
})

test('a bare repository, a detached head, a token in the URL, a read-only clone', async ({ world }) => {
  const hub = await world.remote()
  expect(await status(envOf(world.person('admin').with({ cwd: hub.path })))).toMatchObject({
    branch: 'main',
    changedFiles: null,
  })
  const [alice] = await world.clones('alice')
  await alice.git('checkout', '-q', '--detach').ok()
  await alice.git('config', 'remote.origin.url', 'https://alice:hunter2@example.com/x.git').ok()
  await alice.git('config', 'dstack.remote', 'origin').ok()
  expect(await status(envOf(alice))).toMatchObject({ branch: null, url: 'https://example.com/x.git' })
  chmodSync(join(alice.path, '.git'), 0o555)
  expect((await status(envOf(alice))).enabled).toBe(false)
  chmodSync(join(alice.path, '.git'), 0o755)
})

describe('pure parts', () => {
  test('porcelain v2', () => {
    expect(parseStatus('# branch.oid (initial)\n# branch.head main\n')).toEqual({
      branch: 'main',
      changedFiles: 0,
      upstream: null,
    })
    expect(
      parseStatus(
        '# branch.oid x\n# branch.head f/x\n# branch.upstream o/f/x\n# branch.ab +2 -13\n1 .M N... a b\n2 R. x\nu UU y\n',
      ),
    ).toEqual({
      branch: 'f/x',
      changedFiles: 3,
      upstream: { name: 'o/f/x', ahead: 2, behind: 13 },
    })
    expect(parseStatus('# branch.head main\n# branch.upstream origin/gone\n').upstream).toEqual({
      name: 'origin/gone',
      ahead: 0,
      behind: 0,
    })
  })

  test('what next', () => {
    const fine: Omit<StatusReport, 'next'> = {
      folder: '/x',
      branch: 'main',
      changedFiles: 0,
      upstream: null,
      enabled: true,
      disabled: null,
      remote: 'origin',
      url: null,
      transport: 'refs',
      entries: 1,
      conflicts: 0,
      unsynced: 0,
      received: 0,
      flow: null,
      lastSync: null,
      waitUntil: null,
      hook: 'installed',
      gate: { mode: 'off', layer: 'default', disabledBy: null, off: [], missing: [] },
    }
    const flow = { slug: 'a', step: 'Ready', leaf: null, sealed: 0, leaves: 1, unverified: false, live: 1 }
    expect(nextSteps(fine)).toEqual([])
    expect(nextSteps({ ...fine, enabled: false })).toEqual(['git dstack init'])
    expect(nextSteps({ ...fine, unsynced: 1, hook: 'unwanted' })).toEqual(['git dstack sync'])
    expect(nextSteps({ ...fine, unsynced: 1, hook: 'missing' })).toEqual(['git dstack sync', 'git dstack init'])
    expect(nextSteps({ ...fine, conflicts: 2, received: 1 })).toEqual(['git dstack conflicts', 'git dstack sync'])
    expect(nextSteps({ ...fine, gate: { ...fine.gate, missing: ['commit-msg'] } })).toEqual(['git dstack init'])
    expect(nextSteps({ ...fine, remote: null })[0]).toMatch(/git remote add/)
    expect(nextSteps({ ...fine, flow })).toEqual(['git dstack flow show'])
    expect(nextSteps({ ...fine, flow: { ...flow, step: 'Done', live: 0 } })).toEqual([])
    expect(nextSteps({ ...fine, flow: { ...flow, slug: null, live: 2 } })).toEqual(['git dstack flow list'])
    expect(nextSteps({ ...fine, entries: 0 })[0]).toMatch(/remember/)
  })
})
