// What the command line itself adds to the doors behind it: options before a text, rows for pipes, opting in by rule.

import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

async function optedIn(world: World, name = 'alice'): Promise<Clone> {
  const [clone] = await world.clones(name)
  await clone.inProcess('init').ok()
  return clone
}

test('an option that may be repeated does not swallow the text behind it', async ({ world }) => {
  const alice = await optedIn(world)
  const options = ['--path', 'src/auth/**', '--tag', 'auth', '--tag', 'jwt', '--state', 'confirmed']
  await alice.inProcess('remember', ...options, '--key', 'gotchas/auth/token', 'Refresh before expiry.').ok()
  const { entries } = await alice
    .inProcess('memory', 'list', '--state', 'CONFIRMED', 'gotchas')
    .json<{ entries: unknown[] }>()
  expect(entries).toMatchObject([
    { text: 'Refresh before expiry.', paths: ['src/auth/**'], tags: ['auth', 'jwt'], state: 'CONFIRMED' },
  ])
  const found = await alice
    .inProcess('recall', '--path', 'src/auth/a.ts', '--state', 'UNKNOWN', '--state', 'CONFIRMED', 'token')
    .text()
  expect(found).toContain('Refresh before expiry.')
})

test('text comes from standard input, by - or because there is none', async ({ world }) => {
  const alice = await optedIn(world)
  const piped = alice.with({ input: 'First line.\n\nSecond paragraph.\n' })
  await piped.inProcess('remember', '--key', 'a/b', '-').ok()
  await alice.with({ input: 'Another fact about gears.\n' }).inProcess('remember', '--key', 'a/c').ok()
  const { entries } = await alice.inProcess('memory', 'list').json<{ entries: { text: string }[] }>()
  expect(entries.map(({ text }) => text)).toEqual(['First line.\n\nSecond paragraph.', 'Another fact about gears.'])
})

describe('lists for pipes', () => {
  test('--porcelain: one row per line, whatever the text holds; -z: rows end with NUL, as stored', async ({
    world,
  }) => {
    const alice = await optedIn(world)
    await alice.inProcess('remember', '--key', 'a/b', 'one\ttab\nand a line').ok()
    await alice.inProcess('remember', '--key', 'a/c', 'gears turn').ok()
    const lines = (await alice.inProcess('memory', 'list', '--porcelain').text()).split('\n')
    expect(lines.map((line) => line.split('\t').slice(0, 3))).toEqual([
      ['a/b', 'INFERRED', 'repository'],
      ['a/c', 'INFERRED', 'repository'],
    ])
    expect(lines[0]?.split('\t')).toHaveLength(6)
    expect(lines[0]).toContain('one^Itab^Jand a line')
    const rows = (await alice.inProcess('memory', 'list', '-z')).stdout.split('\0')
    expect(rows).toHaveLength(3)
    expect(rows[0]).toMatch(/^a\/b\t.*\tone\ttab\nand a line$/s)
  })

  test('every list has both forms', async ({ world }) => {
    const alice = await optedIn(world)
    for (const name of ['memory list', 'memory proposals', 'memory gaps', 'conflicts', 'config list', 'log']) {
      for (const form of ['--porcelain', '-z']) await alice.inProcess(...name.split(' '), form).ok()
    }
  })
})

describe('a clone that opts in by a rule of the person', () => {
  const rule = (clone: Clone) => clone.git('config', '--global', 'dstack.autoInit', '*/remotes/*')

  test('does so at the first verb that needs it, and says it once', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await rule(alice).ok()
    const first = await alice.inProcess('remember', 'gears turn').ok()
    expect(first.stderr).toMatch(/^git dstack: opted this clone in \(dstack\.autoInit\).*\n$/)
    expect((await alice.inProcess('recall', 'gears').ok()).stderr).toBe('')
  })

  test('stays untouched where it cannot, and the verb says so', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await rule(alice).ok()
    await alice.git('config', '--add', 'remote.origin.fetch', '+refs/notes/*:refs/notes/*').ok()
    const refused = await alice.inProcess('remember', 'gears turn')
    expect(refused.status).toBe(78)
    expect(refused.stderr).toContain('was not opted in')
    expect(await alice.refs('refs/dstack')).toEqual([])
  })
})

describe('looking back', () => {
  test('undo takes back what somebody wrote, not what init wrote', async ({ world }) => {
    const alice = await optedIn(world)
    expect((await alice.inProcess('undo')).status).toBe(1)
    await alice.inProcess('remember', '--key', 'a/b', 'gears turn').ok()
    expect(await alice.inProcess('undo').json()).toMatchObject({ keys: ['a/b'] })
  })

  test('log shows what was fetched, before anything folded it in', async ({ world }) => {
    const [alice, bob] = [await optedIn(world), await optedIn(world, 'bob')]
    await alice.inProcess('remember', '--key', 'a/b', 'gears turn').ok()
    await alice.inProcess('sync').ok()
    await bob.git('fetch', '-q').ok()
    const { commits } = await bob.inProcess('log', 'memory').json<{ commits: { by: string; commit: string }[] }>()
    expect(commits).toMatchObject([{ by: 'alice', subject: 'memory: INFERRED a/b (alice)' }])
    const one = await bob.inProcess('log', commits[0]?.commit.slice(0, 7) ?? '').text()
    expect(one).toContain('+gears turn')
    expect(await bob.inProcess('log', 'plans').text()).toBe('Nothing was written yet.')
  })

  test('at reads what stood then, before and after a write', async ({ world }) => {
    const alice = await optedIn(world)
    await alice.inProcess('remember', '--key', 'a/b', 'gears turn').ok()
    world.advance(3 * 86_400)
    await alice.inProcess('memory', 'correct', 'a/b', 'gears grind').ok()
    expect(await alice.inProcess('at', '2026-01-02', 'memory', 'show', 'a/b').text()).toContain('gears turn')
    expect(await alice.inProcess('at', '2025-12-31', 'memory', 'list').text()).toBe('No entries.')
    const { commits } = await alice.inProcess('log').json<{ commits: { commit: string }[] }>()
    const recalled = await alice.inProcess(
      '--json',
      'at',
      (commits[0]?.commit ?? '').slice(0, 8).toUpperCase(),
      'recall',
      'gears',
    )
    expect(recalled.json()).toMatchObject({ command: 'recall', answers: [{ text: 'gears grind' }] })
  })
})

test('sync --all: each clone for itself, and the worst exit status', async ({ world }) => {
  const [alice, bob] = [await optedIn(world), await optedIn(world, 'bob')]
  await bob.git('config', 'remote.origin.url', '/no/such/place').ok()
  const done = await alice.with({ cwd: world.path }).inProcess('sync', '--all', '--json')
  expect(done.status).toBe(69)
  expect(done.json().results).toMatchObject([
    { folder: alice.path, outcome: 'done', exit: 0 },
    { folder: bob.path, outcome: 'REMOTE_UNAVAILABLE', exit: 69 },
  ])
})
