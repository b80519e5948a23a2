// The hooks around a commit: whoever commits, by whatever way, meets the same rule; and what it costs where nobody asked for it.

import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '../../src/errors'
import { NO_CONTEXT, runGate } from '../../src/gate/gate'
import { HOOKS } from '../../src/setup/hook-names'
import { init, setSetting, status, uninstall } from '../../src/setup/setup'
import { openStore } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import { BUT_OUR_REFS, bytesOf, envOf, writeHook } from '../setup/support'
import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

const NOT_CHECKED = /^dstack: Nothing was checked of what is staged/m
const hook = (clone: Clone, name: string) => join(clone.path, '.git', 'hooks', name)

/** A clone whose gate has no command to run; what is staged then passes as soon as it is checked. */
async function gated(world: World, mode = 'strict', questions = 'off'): Promise<Clone> {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  for (const name of ['gate.test', 'gate.lint']) await setSetting(envOf(alice), name, 'none')
  await setSetting(envOf(alice), 'questions.mode', questions)
  await setSetting(envOf(alice), 'gate.mode', mode)
  return alice
}

async function stage(clone: Clone, text: string): Promise<void> {
  clone.write('notes.txt', text)
  await clone.git('add', 'notes.txt').ok()
}

async function check(clone: Clone): Promise<void> {
  const done = await runGate(openStore(envOf(clone)), { target: 'staged', context: NO_CONTEXT, hashes: new Set() })
  if (isRefusal(done) || !done.green) throw new Error(`not green: ${JSON.stringify(done)}`)
}

const notes = (clone: Clone) => clone.git('log', '-1', '--format=%N', '--notes=dstack/gate').text()
/** Notes each start of node, and starts it. */
function counting(world: World): () => number {
  const log = join(world.path, 'starts')
  const program = join(world.bin, 'git-dstack')
  const text = readFileSync(program, 'utf8')
  writeFileSync(program, text.replace('#!/bin/sh\n', `#!/bin/sh\necho "$3" >> '${log}'\n`), { mode: 0o755 })
  return () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0)
}

const ways: Record<string, (alice: Clone) => Promise<{ status: number | null; stderr: string }>> = {
  'a plain shell': async (alice) => alice.sh('git commit -q -m x'),
  'git -C': async (alice) => alice.with({ cwd: '/' }).git('-C', alice.path, 'commit', '-q', '-m', 'x'),
  'an alias': async (alice) => {
    await alice.git('config', 'alias.ci', 'commit -q').ok()
    return alice.git('ci', '-m', 'x')
  },
  'a shell alias': async (alice) => {
    await alice.git('config', 'alias.save', '!git commit -q -m x').ok()
    return alice.git('save')
  },
  'an editor that sets GIT_DIR': async (alice) => {
    const vars = { GIT_DIR: join(alice.path, '.git'), GIT_WORK_TREE: alice.path }
    return alice.with({ vars }).git('commit', '-q', '-m', 'x')
  },
  'a commit of named files': async (alice) => alice.git('commit', '-q', '-m', 'x', '--', 'notes.txt'),
  'git commit -a': async (alice) => alice.git('commit', '-q', '-a', '-m', 'x'),
}

describe('strict', () => {
  test.for(Object.keys(ways))('%s is refused without a verdict, and passes with one', async (way, { world }) => {
    const alice = await gated(world)
    await alice.git('add', '.').ok()
    const commit = ways[way]
    if (commit === undefined) throw new Error(way)
    await alice.with({ vars: { DSTACK_DISABLED: '1' } }).commit('before', { 'notes.txt': 'old\n' })
    const before = await alice.tip('HEAD')
    await stage(alice, 'new\n')
    const refused = await commit(alice)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(NOT_CHECKED)
    expect(refused.stderr).toMatch(/^dstack: the commit was not made\. "git commit --no-verify"/m)
    expect(await alice.tip('HEAD')).toBe(before)
    await check(alice)
    expect(await commit(alice)).toMatchObject({ status: 0, stderr: '' })
    expect(await notes(alice)).toContain('"t":"gate"')
  })

  test('in a linked worktree', async ({ world }) => {
    const alice = await gated(world)
    await alice.git('worktree', 'add', '-q', '../side', '-b', 'side').ok()
    const side = alice.at(join(alice.path, '..', 'side'))
    await stage(side, 'new\n')
    expect((await side.git('commit', '-q', '-m', 'x')).stderr).toMatch(NOT_CHECKED)
    await check(side)
    await side.git('commit', '-q', '-m', 'x').ok()
    expect(await notes(side)).toContain('"t":"gate"')
  })

  test('behind husky', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const runner =
      '#!/usr/bin/env sh\nn=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] && exit 0\nsh -e "$s" "$@"\n'
    alice.write('.husky/_/h', runner)
    for (const name of HOOKS) {
      alice.write(`.husky/_/${name}`, '#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
      chmodSync(join(alice.path, '.husky/_', name), 0o755)
    }
    alice.write('.husky/pre-commit', 'echo husky >&2\n')
    await alice.git('config', 'core.hooksPath', '.husky/_').ok()
    await init(envOf(alice))
    for (const name of ['gate.test', 'gate.lint']) await setSetting(envOf(alice), name, 'none')
    await setSetting(envOf(alice), 'questions.mode', 'off')
    await stage(alice, 'new\n')
    expect(await alice.git('commit', '-q', '-m', 'off')).toMatchObject({ status: 0, stderr: 'husky\n' })
    await setSetting(envOf(alice), 'gate.mode', 'strict')
    await stage(alice, 'newer\n')
    expect((await alice.git('commit', '-q', '-m', 'x')).stderr).toMatch(NOT_CHECKED)
    await check(alice)
    expect(await alice.git('commit', '-q', '-m', 'x')).toMatchObject({ status: 0, stderr: 'husky\n' })
  })

  test('starts no test: a verdict is looked up', async ({ world }) => {
    const alice = await gated(world)
    await stage(alice, 'new\n')
    await check(alice)
    await setSetting(envOf(alice), 'gate.test', 'touch ran')
    const commit = await alice.git('commit', '-q', '-m', 'x')
    expect(commit.stderr).toMatch(/^dstack: What is staged was checked otherwise/m)
    expect(existsSync(join(alice.path, 'ran'))).toBe(false)
  })

  test('a verdict of other contents is none', async ({ world }) => {
    const alice = await gated(world)
    await stage(alice, 'checked\n')
    await check(alice)
    await stage(alice, 'not checked\n')
    expect((await alice.git('commit', '-q', '-m', 'x')).stderr).toMatch(NOT_CHECKED)
  })

  test('fails closed when git dstack can not start, and says the way round', async ({ world }) => {
    const alice = await gated(world)
    await stage(alice, 'new\n')
    writeFileSync(join(world.bin, 'git-dstack'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
    const commit = await alice.git('commit', '-q', '-m', 'x')
    expect(commit.status).toBe(1)
    expect(commit.stderr).toMatch(/--no-verify/)
    await alice.git('commit', '-q', '--no-verify', '-m', 'x').ok()
    await alice.git('config', 'dstack.gate.mode', 'remind').ok()
    await stage(alice, 'newer\n')
    await alice.git('commit', '-q', '-m', 'y').ok()
  })

  test('the verdict follows an amend and a rebase', async ({ world }) => {
    const alice = await gated(world)
    await stage(alice, 'new\n')
    await check(alice)
    await alice.git('commit', '-q', '-m', 'x').ok()
    await alice.git('commit', '-q', '--amend', '-m', 'y').ok()
    expect(await notes(alice)).toContain('"t":"gate"')
    await alice.git('switch', '-q', '-c', 'other', 'HEAD~1').ok()
    await alice.with({ vars: { DSTACK_DISABLED: '1' } }).commit('aside', { 'aside.txt': 'a\n' })
    await alice.git('switch', '-q', 'main').ok()
    await alice.git('rebase', '-q', 'other').ok()
    expect(await notes(alice)).toContain('"t":"gate"')
    expect(await alice.git('config', 'notes.rewriteRef')).toMatchObject({ status: 1 })
  })

  test('open questions stop only where they are strict, too', async ({ world }) => {
    const alice = await gated(world, 'strict', 'remind')
    await stage(alice, 'new\n')
    await check(alice)
    expect(await alice.git('commit', '-q', '-m', 'x')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^dstack: Of the five questions, questions? [\d, ]+ (is|are) open/),
    })
    await setSetting(envOf(alice), 'questions.mode', 'strict')
    await stage(alice, 'newer\n')
    await check(alice)
    expect(await alice.git('commit', '-q', '-m', 'x')).toMatchObject({ status: 1 })
  })
})

test('remind: one line, and the commit is made', async ({ world }) => {
  const alice = await gated(world, 'remind', 'remind')
  await stage(alice, 'new\n')
  const commit = await alice.git('commit', '-q', '-m', 'x').ok()
  expect(commit.stderr).toMatch(/^dstack: Nothing was checked.*Of the five questions.*\n$/)
})

test('the user’s own hook decides first, gets the list of a rewrite, and its refusal is final', async ({ world }) => {
  const [alice] = await world.clones('alice')
  writeHook(
    hook(alice, 'pre-commit'),
    '#!/bin/bash\nset -euo pipefail\n[ ! -e stop ] || exit 7\necho mine >&2\nexit 0\n',
  )
  writeHook(hook(alice, 'post-rewrite'), '#!/bin/sh\ncat > rewritten\nexit 0\n')
  const before = bytesOf(join(alice.path, '.git'), BUT_OUR_REFS)
  await init(envOf(alice))
  await setSetting(envOf(alice), 'gate.mode', 'remind')
  await setSetting(envOf(alice), 'questions.mode', 'off')
  await stage(alice, 'new\n')
  alice.write('stop', '')
  const refused = await alice.git('commit', '-q', '-m', 'x')
  expect(refused).toMatchObject({ status: 1, stderr: '' })
  rmSync(join(alice.path, 'stop'))
  const made = await alice.git('commit', '-q', '-m', 'x').ok()
  expect(made.stderr).toMatch(/^mine\ndstack: Nothing was checked/)
  const from = await alice.tip('HEAD')
  await alice.git('commit', '-q', '--amend', '-m', 'y').ok()
  expect(readFileSync(join(alice.path, 'rewritten'), 'utf8')).toBe(`${from} ${await alice.tip('HEAD')}\n`)
  expect(await uninstall(envOf(alice))).toMatchObject({ restored: true })
  const after = bytesOf(join(alice.path, '.git'), BUT_OUR_REFS)
  for (const [path, bytes] of before)
    if (/^(hooks|config)/.test(path)) expect([path, after.get(path)]).toEqual([path, bytes])
})

describe('the budget of markers bites in every mode', () => {
  test.for([
    ['shop: decomposition approved', 1],
    ['shop: decomposition amended', 1],
    ['shop/phase 1.1: plan approved', 1],
    ['shop/phase 1.1: implementation complete', 1],
    ['shop/phase 1.1: implementation complete, at last', 0],
    ['docs: plan approved', 0],
    ['feat: an ordinary commit', 0],
  ] as const)('%s: exit %i', async ([subject, expected], { world }) => {
    const alice = await gated(world, 'off')
    const commit = await alice.git('commit', '-q', '--allow-empty', '-m', subject)
    expect(commit.status).toBe(expected)
    if (expected === 1) expect(commit.stderr).toMatch(/^dstack: The subject ".*" is reserved/)
    else expect(commit.stderr).toBe('')
  })

  test('written in an editor, below its comments', async ({ world }) => {
    const alice = await gated(world, 'off')
    const vars = { GIT_EDITOR: `printf '\\n# a comment\\nshop: decomposition approved\\n' >` }
    expect((await alice.with({ vars }).git('commit', '-q', '--allow-empty')).stderr).toMatch(/is reserved/)
  })

  test('an amended marker is no new one; a second on top of it is', async ({ world }) => {
    const alice = await gated(world, 'off')
    const marker = 'shop/phase 1.1: plan approved'
    // As the engine makes them: no hook runs.
    await alice.git('commit', '-q', '--allow-empty', '--no-verify', '-m', marker).ok()
    await alice.git('commit', '-q', '--allow-empty', '--amend', '-m', marker, '-m', 'with more to say').ok()
    await alice.git('config', 'alias.again', 'commit --allow-empty --amend').ok()
    await alice.git('again', '-q', '-m', marker).ok()
    expect((await alice.git('commit', '-q', '--allow-empty', '-m', marker)).status).toBe(1)
    expect((await alice.git('commit', '-q', '--allow-empty', '-m', marker, '-m', '--amend')).status).toBe(1)
    expect(
      (await alice.git('commit', '-q', '--amend', '--allow-empty', '-m', 'shop/phase 1.2: plan approved')).status,
    ).toBe(1)
  })
})

describe('what it costs', () => {
  test('no start of node in a commit where the gate is off', async ({ world }) => {
    const alice = await gated(world, 'off')
    const starts = counting(world)
    await alice.commit('code')
    await alice.git('commit', '-q', '--amend', '-m', 'x').ok()
    expect(starts()).toBe(0)
    await setSetting(envOf(alice), 'gate.mode', 'remind')
    await alice.commit('more')
    expect(starts()).toBe(3)
  })
})

test('what went around the gate is named when it is pushed, and the push goes on', async ({ world }) => {
  const alice = await gated(world)
  await alice.git('push', '-q').ok()
  await stage(alice, 'earned\n')
  await check(alice)
  await alice.git('commit', '-q', '-m', 'earned').ok()
  expect((await alice.git('push', '-q').ok()).stderr).not.toMatch(/no verdict/)
  const around: string[] = []
  for (const words of [
    ['commit', '-q', '-n', '-m', 'around'],
    ['-c', 'core.hooksPath=/dev/null', 'commit', '-q', '-m', 'around'],
  ]) {
    await stage(alice, `${words.join(' ')}\n`)
    await alice.git(...words).ok()
    around.push(((await alice.tip('HEAD')) ?? '').slice(0, 8))
  }
  const push = await alice.git('push').ok()
  expect(push.stderr).toMatch(new RegExp(`^dstack: no verdict counts for ${around.join(', ')} .*evidence check`, 'm'))
  expect([...world.remotes.values()][0]?.tip('refs/heads/main')).toBe(await alice.tip('HEAD'))
  const list = await alice.dstack('evidence', 'check', 'HEAD~2..HEAD')
  expect(list.status).toBe(1)
  for (const commit of around) expect(list.stdout).toContain(commit)
})

describe('switched off in an emergency', () => {
  test.for([
    ['the environment', async (alice: Clone) => alice.with({ vars: { DSTACK_DISABLED: '1' } })],
    [
      'dstack.disabled',
      async (alice: Clone) => {
        await alice.git('config', 'dstack.disabled', 'true').ok()
        return alice
      },
    ],
  ] as const)('by %s: no start of node, reserved subjects included', async ([, off], { world }) => {
    const alice = await off(await gated(world))
    const starts = counting(world)
    await stage(alice, 'new\n')
    await alice.git('commit', '-q', '-m', 'shop: decomposition approved').ok()
    expect(starts()).toBe(0)
    expect(await status(envOf(alice))).toMatchObject({
      disabled: expect.stringMatching(/DSTACK_DISABLED|dstack\.disabled/),
    })
  })

  test('by the team: it comes with a plain fetch, is shown with who and when, and can be taken back', async ({
    world,
  }) => {
    const alice = await gated(world)
    const [bob] = await world.clones('bob')
    if (bob === undefined) throw new Error('two people')
    await sync(openStore(envOf(alice)))
    await init(envOf(bob))
    await setSetting(envOf(bob), 'disabled', 'true', 'team')
    await sync(openStore(envOf(bob)))
    await stage(alice, 'new\n')
    expect((await alice.git('commit', '-q', '-m', 'x')).status).toBe(1)
    await alice.git('fetch', '-q').ok()
    await alice.git('commit', '-q', '-m', 'x').ok()
    expect((await status(envOf(alice))).gate).toMatchObject({
      mode: 'off',
      disabledBy: { by: expect.stringMatching(/^bob/), at: expect.stringMatching(/^2026-01-01T/) },
    })
    const starts = counting(world)
    await stage(alice, 'newer\n')
    await alice.git('commit', '-q', '-m', 'y').ok()
    expect(starts()).toBe(0)
    await setSetting(envOf(alice), 'disabled', 'false', 'team')
    expect((await status(envOf(alice))).gate).toMatchObject({ mode: 'strict', disabledBy: null })
    await stage(alice, 'newest\n')
    expect((await alice.git('commit', '-q', '-m', 'z')).status).toBe(1)
  })
})

test('the mode of the team counts in a clone once it has synced, and the clone’s own beats it', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await init(envOf(clone))
  await setSetting(envOf(alice), 'gate.mode', 'strict', 'team')
  await sync(openStore(envOf(alice)))
  await bob.git('fetch', '-q').ok()
  expect((await status(envOf(bob))).gate).toMatchObject({ mode: 'strict', layer: 'team', missing: [] })
  await stage(bob, 'new\n')
  expect((await bob.git('commit', '-q', '-m', 'x')).status).toBe(1)
  await setSetting(envOf(bob), 'gate.mode', 'off')
  await bob.git('commit', '-q', '-m', 'x').ok()
  await uninstall(envOf(bob))
  expect(await bob.git('config', '--get-regexp', '^dstack')).toMatchObject({ status: 1, stdout: '' })
})

test('a clone that has only the push hook is completed by init', async ({ world }) => {
  const alice = await gated(world)
  for (const name of HOOKS) if (name !== 'pre-push') rmSync(hook(alice, name))
  expect((await status(envOf(alice))).gate.missing).toEqual(HOOKS.slice(1))
  expect((await init(envOf(alice))).steps.map(({ action }) => action)).toEqual(
    HOOKS.slice(1).map((name) => ({ kind: 'hook', path: hook(alice, name) })),
  )
  expect((await status(envOf(alice))).gate.missing).toEqual([])
})
