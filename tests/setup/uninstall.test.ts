// uninstall: what init changed is as it was, to the byte; what others changed meanwhile stays.

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { init, uninstall } from '../../src/setup/setup'
import { openStore } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import { BUT_OUR_REFS, bytesOf, envOf, remember, writeHook } from './support'

const gitDir = (clone: Clone) => join(clone.path, '.git')

const CONFIGS: Record<string, (config: string) => string> = {
  'as git clone wrote it': (text) => text,
  'with comments and odd spacing': (text) =>
    `# mine\n;also mine\n\n${text}\n  [alias]\n\t\tst=status # short\n\n[user]name=Zoë\n`,
  'with Windows line ends': (text) => text.replaceAll('\n', '\r\n'),
  'without a last newline': (text) => `${text}[push]\n\tdefault = current`,
  'with bytes that are no UTF-8': (text) => `${text}[user]\n\tname = Zo\xeb\n`,
  'with settings of ours made by hand': (text) => `${text}[dstack]\n\tpushLimit = 3 ; slow host\n`,
}

const HOOKS: Record<string, string | null> = {
  'no hook': null,
  'a shell hook': '#!/bin/sh\necho mine >&2\nexit 0\n',
  'a bash hook without a last newline': '#!/usr/bin/env bash\nset -euo pipefail\ncat >/dev/null',
  'a hook without a first line': 'echo mine >&2\n',
  'a Python hook': '#!/usr/bin/env python3\nimport sys\nsys.stdin.read()\n',
}

describe('leaves .git as it was', () => {
  test.for(Object.keys(CONFIGS))('configuration %s', async (name, { world }) => {
    const [alice] = await world.clones('alice')
    const config = join(gitDir(alice), 'config')
    const text = CONFIGS[name]?.(readFileSync(config, 'latin1')) ?? ''
    writeFileSync(config, Buffer.from(text, 'latin1'))
    chmodSync(config, 0o664)
    const before = bytesOf(gitDir(alice), BUT_OUR_REFS)
    await init(envOf(alice))
    expect(bytesOf(gitDir(alice), BUT_OUR_REFS)).not.toEqual(before)
    expect(statSync(config).mode & 0o777).toBe(0o664)
    const report = await uninstall(envOf(alice))
    expect(report).toMatchObject({ restored: true, refs: { kept: ['refs/dstack/config'] } })
    expect(bytesOf(gitDir(alice), BUT_OUR_REFS)).toEqual(before)
  })

  test.for(Object.keys(HOOKS))('hooks: %s', async (name, { world }) => {
    const [alice] = await world.clones('alice')
    const text = HOOKS[name] ?? null
    if (text !== null) writeHook(join(gitDir(alice), 'hooks', 'pre-push'), text, 0o775)
    const before = bytesOf(gitDir(alice), BUT_OUR_REFS)
    await init(envOf(alice))
    expect(await uninstall(envOf(alice))).toMatchObject({ restored: true })
    expect(bytesOf(gitDir(alice), BUT_OUR_REFS)).toEqual(before)
  })

  test('without a hooks folder, and with linked worktrees', async ({ world }) => {
    const [alice] = await world.clones('alice')
    rmSync(join(gitDir(alice), 'hooks'), { recursive: true })
    await alice.git('worktree', 'add', '-q', '../side').ok()
    const side = alice.at(join(alice.path, '..', 'side'))
    const before = bytesOf(gitDir(alice), BUT_OUR_REFS)
    await init(envOf(side))
    mkdirSync(join(gitDir(alice), 'worktrees', 'side', 'dstack'), { recursive: true })
    await uninstall(envOf(alice))
    expect(bytesOf(gitDir(alice), BUT_OUR_REFS)).toEqual(before)
  })

  test('after real work, and settings that came later', async ({ world }) => {
    await world.remote('hub', { policy: 'heads-and-tags' })
    const [alice] = await world.clones('alice')
    const before = bytesOf(gitDir(alice), BUT_OUR_REFS)
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    await sync(openStore(envOf(alice))) // the host refuses our refs: a branch becomes the transport
    await alice.git('config', 'dstack.pushLimit', '5').ok()
    expect(await alice.git('config', 'dstack.transport').text()).toBe('branch:dstack-state')
    expect(await uninstall(envOf(alice))).toMatchObject({ restored: true })
    const after = bytesOf(gitDir(alice), BUT_OUR_REFS)
    after.delete('refs/remotes/origin/dstack-state') // plain git's own, for a branch that exists
    expect(after).toEqual(before)
  })

  test('also when the record of what was there is gone', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const before = bytesOf(gitDir(alice), BUT_OUR_REFS)
    await init(envOf(alice))
    rmSync(join(gitDir(alice), 'dstack'), { recursive: true })
    await uninstall(envOf(alice))
    expect(bytesOf(gitDir(alice), BUT_OUR_REFS)).toEqual(before)
  })

  test('also when a second init made the record anew', async ({ world }) => {
    const [alice] = await world.clones('alice')
    writeHook(join(gitDir(alice), 'hooks', 'pre-push'), '#!/bin/sh\nexit 0\n')
    const before = bytesOf(gitDir(alice), BUT_OUR_REFS)
    await init(envOf(alice))
    rmSync(join(gitDir(alice), 'dstack'), { recursive: true })
    await init(envOf(alice))
    await uninstall(envOf(alice))
    expect(bytesOf(gitDir(alice), BUT_OUR_REFS)).toEqual(before)
  })

  test('in a clone that was never opted in', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const before = bytesOf(gitDir(alice), /^$/)
    expect(await uninstall(envOf(alice))).toMatchObject({ removed: [], restored: true })
    expect(bytesOf(gitDir(alice), /^$/)).toEqual(before)
  })
})

test('what the user changed between two runs of init is the user’s', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const hook = join(gitDir(alice), 'hooks', 'pre-push')
  await init(envOf(alice))
  await alice.git('config', 'alias.st', 'status').ok()
  writeHook(hook, '#!/bin/sh\necho mine >&2\n')
  expect((await init(envOf(alice))).steps.map(({ action }) => action.kind)).toEqual(['hook'])
  appendFileSync(hook, 'echo more >&2\n')
  await alice.git('config', 'alias.ci', 'commit').ok()
  await init(envOf(alice), { hooks: false })
  await uninstall(envOf(alice))
  expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\necho mine >&2\necho more >&2\n')
  expect(await alice.git('config', '--get-regexp', '^(alias|dstack)\\.').text()).toBe(
    'alias.st status\nalias.ci commit',
  )
})

test('what the user changed meanwhile stays, and only ours goes', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const hook = join(gitDir(alice), 'hooks', 'pre-push')
  writeHook(hook, '#!/bin/sh\necho first >&2\n')
  await init(envOf(alice))
  appendFileSync(hook, 'echo second >&2\n')
  await alice.git('config', 'user.name', 'Alice Later').ok()
  await alice.git('remote', 'add', 'fork', '/nowhere').ok()
  expect(await uninstall(envOf(alice))).toMatchObject({ restored: false })
  expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\necho first >&2\necho second >&2\n')
  const config = readFileSync(join(gitDir(alice), 'config'), 'utf8')
  expect(config).not.toMatch(/\[dstack\]|refs\/dstack/)
  expect(config).toContain('name = Alice Later')
  expect(config).toContain('[remote "fork"]')
  expect(existsSync(join(gitDir(alice), 'dstack'))).toBe(false)
})

describe('--refs', () => {
  const ours = (clone: Clone) => clone.refs('refs/dstack')

  test('is refused while something is in this clone only', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    const before = bytesOf(gitDir(alice), /^dstack\/cache/)
    const refused = await uninstall(envOf(alice), { refs: true })
    expect(refused).toMatchObject({
      refused: 'REFUSED',
      message: expect.stringMatching(/2 writes are in this clone and not on origin/),
    })
    expect(bytesOf(gitDir(alice), /^dstack\/cache/)).toEqual(before)
  })

  test('is refused without a remote, and when the remote has forgotten or does not answer', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    await sync(openStore(envOf(alice)))
    const hub = [...world.remotes.values()][0]
    hub?.git('update-ref', '-d', 'refs/dstack/memory')
    expect(await uninstall(envOf(alice), { refs: true })).toMatchObject({
      message: expect.stringMatching(/1 write is in this clone and not on origin/),
    })
    await alice.git('config', 'remote.origin.url', join(world.path, 'gone')).ok()
    expect(await uninstall(envOf(alice), { refs: true })).toMatchObject({
      message: expect.stringMatching(/can't be asked/),
    })
    await alice.git('remote', 'remove', 'origin').ok()
    expect(await uninstall(envOf(alice), { refs: true })).toMatchObject({
      message: expect.stringMatching(/and there is none/),
    })
    expect(await ours(alice)).toHaveLength(2)
  })

  test('removes them when the remote holds everything', async ({ world }) => {
    const [alice, bob] = await world.clones('alice', 'bob')
    const before = bytesOf(gitDir(alice))
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    await sync(openStore(envOf(alice)))
    await init(envOf(bob))
    remember(bob, 'notes/c/d')
    await sync(openStore(envOf(bob)))
    const report = await uninstall(envOf(alice), { refs: true })
    expect(report).toMatchObject({ restored: true })
    expect(await alice.refs('refs')).toEqual([
      'refs/heads/main',
      'refs/remotes/origin/HEAD',
      'refs/remotes/origin/main',
    ])
    expect(bytesOf(gitDir(alice))).toEqual(before)
  })
})
