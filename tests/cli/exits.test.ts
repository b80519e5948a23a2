// Expected failures, one by one: the code, one sentence, what to do next, the same as an object, and nothing changed.

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { type Code, exitOf } from '../../src/errors'
import { bytesOf } from '../setup/support'
import type { Clone } from '../support/clone'
import { onPath } from '../support/programs'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

const KEY = 'build/tools/package-manager'
const ZEROS = '0'.repeat(40)

interface Case {
  name: string
  code: Code
  /** Written out, so that a change of the table in src/errors.ts is seen here. */
  exit: number
  args: string[]
  /** What the sentence or its hint must say. */
  says?: (string | RegExp)[]
  /** What neither may say. */
  hides?: string
  input?: string | Buffer
  vars?: Record<string, string | undefined>
  /** Makes the trouble; the person who then runs the command. */
  given?: (alice: Clone, world: World) => Promise<Clone> | Clone
}

const TOKEN = ['ghp', 'Zk3vQ9xLm2Rt7Yw1Np5Bc8Hd4Jf6Gs0AeUi'].join('_')

const inFolder = (name: string) => (alice: Clone, world: World) => {
  mkdirSync(join(world.path, name))
  return alice.with({ cwd: join(world.path, name) })
}

const conflict = async (alice: Clone, world: World) => {
  const [bob] = await world.clones('bob')
  await alice.inProcess('sync').ok()
  await bob.inProcess('init').ok()
  await bob.inProcess('memory', 'correct', KEY, 'Use bun.').ok()
  await alice.inProcess('memory', 'correct', KEY, 'Use pnpm 10.').ok()
  await bob.inProcess('sync').ok()
  await alice.inProcess('sync').ok()
  return alice
}

const CASES: Case[] = [
  // --- where ---
  {
    name: 'not a repository',
    code: 'NOT_A_REPOSITORY',
    exit: 128,
    args: ['status'],
    says: ['git init'],
    given: inFolder('empty'),
  },
  { name: '-C to nowhere', code: 'NOT_A_REPOSITORY', exit: 128, args: ['-C', 'nowhere', 'status'], says: ['nowhere'] },
  {
    name: 'not opted in',
    code: 'NOT_INITIALISED',
    exit: 78,
    args: ['remember', 'x'],
    says: ['git dstack init'],
    given: (alice) => alice.inProcess('uninstall').then(() => alice),
  },
  {
    name: 'not opted in, and only asked',
    code: 'NOT_INITIALISED',
    exit: 78,
    args: ['recall', 'x'],
    given: (alice) => alice.inProcess('uninstall').then(() => alice),
  },
  {
    name: 'switched off',
    code: 'NOT_INITIALISED',
    exit: 78,
    args: ['recall', 'x'],
    vars: { DSTACK_DISABLED: '1' },
    says: ['DSTACK_DISABLED'],
  },
  {
    name: 'a bare repository that nobody opted in',
    code: 'NOT_INITIALISED',
    exit: 78,
    args: ['memory', 'list'],
    given: (alice, world) => alice.with({ cwd: world.remotes.get('hub')?.path ?? '' }),
  },
  {
    name: 'git does not know who writes',
    code: 'BAD_CONFIG',
    exit: 78,
    args: ['remember', 'x'],
    says: ['user.name'],
    given: (alice) => alice.with({ vars: { GIT_CONFIG_GLOBAL: '/dev/null' } }),
  },
  {
    name: 'a newer format',
    code: 'TOO_NEW',
    exit: 78,
    args: ['remember', 'x'],
    says: [/format 99/, 'Update'],
    given: async (alice) => {
      const path = (await alice.git('ls-tree', '-r', '--name-only', 'refs/dstack/config').text()).split('\n')[0] ?? ''
      const text = await alice.git('show', `refs/dstack/config:${path}`).text()
      const newer = {
        input: `${text.replace(/^min_write: \d+$/m, 'min_write: 99')}\n`,
        vars: { GIT_INDEX_FILE: '.git/scratch' },
      }
      const blob = await alice.with(newer).git('hash-object', '-w', '--stdin').text()
      await alice.with(newer).git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`).ok()
      const tree = await alice.with(newer).git('write-tree').text()
      const commit = await alice.git('commit-tree', '-m', 'newer', tree).text()
      await alice.git('update-ref', 'refs/dstack/config', commit).ok()
      return alice
    },
  },
  // --- keys and ids ---
  {
    name: 'a key that leaves its folder',
    code: 'BAD_KEY',
    exit: 64,
    args: ['remember', '--key', 'a/../b', 'x'],
    says: ['a/../b'],
  },
  {
    name: 'a key with capitals',
    code: 'BAD_KEY',
    exit: 64,
    args: ['remember', '--key', 'Build/Tools', 'x'],
    says: ['lower-case'],
  },
  {
    name: 'an unknown key',
    code: 'NOT_FOUND',
    exit: 1,
    args: ['memory', 'show', 'no/such/entry'],
    says: ['memory list'],
  },
  {
    name: 'the beginning of two keys',
    code: 'AMBIGUOUS',
    exit: 64,
    args: ['memory', 'show', 'build'],
    says: [KEY, 'build/ci/node'],
    given: async (alice) => {
      await alice.inProcess('remember', '--key', 'build/ci/node', 'CI runs Node 20.').ok()
      return alice
    },
  },
  { name: 'an unknown id', code: 'NOT_FOUND', exit: 1, args: ['log', ZEROS], says: ['git dstack log'] },
  { name: 'undo of an unknown id', code: 'NOT_FOUND', exit: 1, args: ['undo', 'abcdef12'], says: ['git dstack log'] },
  { name: 'no such ref or id', code: 'NOT_FOUND', exit: 1, args: ['log', 'memroy'], says: ['memory, plans'] },
  {
    name: 'a version that is not there',
    code: 'NOT_FOUND',
    exit: 1,
    args: ['resolve', KEY, '--take', ZEROS],
    given: conflict,
  },
  {
    name: 'which version stays',
    code: 'USAGE',
    exit: 64,
    args: ['resolve', KEY],
    says: ['--take', '--text'],
    given: conflict,
  },
  {
    name: 'no conflict to end',
    code: 'NOT_FOUND',
    exit: 1,
    args: ['resolve', KEY, '--text', 'x'],
    says: ['git dstack conflicts'],
  },
  // --- texts ---
  { name: 'no text', code: 'USAGE', exit: 64, args: ['remember', ''], says: ['in quotes'] },
  { name: 'nothing on standard input', code: 'USAGE', exit: 64, args: ['remember', '-'], input: '' },
  {
    name: '1 MB of text',
    code: 'TOO_LARGE',
    exit: 64,
    args: ['remember', '--key', 'a/b', '-'],
    input: 'all work and no play\n'.repeat(50_000),
    says: ['65536'],
  },
  {
    name: '1 MB without a key',
    code: 'TOO_LARGE',
    exit: 64,
    args: ['remember', '-'],
    input: 'all work and no play\n'.repeat(50_000),
  },
  {
    name: 'bytes that are no text',
    code: 'BAD_TEXT',
    exit: 64,
    args: ['remember', '-'],
    input: Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  },
  { name: 'text with NUL', code: 'BAD_TEXT', exit: 64, args: ['remember', '-'], input: 'a\0b' },
  // --- rules ---
  {
    name: 'a lower state over a higher one',
    code: 'STATE_RANK',
    exit: 2,
    args: ['remember', '--key', KEY, 'Use yarn.'],
    says: ['Use pnpm.', 'Use yarn.', 'CONFIRMED', 'INFERRED', 'alice'],
  },
  {
    name: 'nearly the same again',
    code: 'DUPLICATE',
    exit: 2,
    args: ['remember', 'use pnpm!'],
    says: ['Use pnpm.', '--force-new'],
  },
  {
    name: 'a credential',
    code: 'SECRET',
    exit: 2,
    args: ['remember', '--key', 'a/b', `token ${TOKEN}`],
    says: ['credential', '--allow-secret'],
    hides: TOKEN,
  },
  {
    name: 'a write on a conflict',
    code: 'CONFLICT',
    exit: 2,
    args: ['memory', 'confirm', KEY],
    says: ['Use bun.', 'Use pnpm 10.', 'resolve'],
    given: conflict,
  },
  {
    name: 'an agent that confirms',
    code: 'REFUSED',
    exit: 2,
    args: ['memory', 'confirm', KEY],
    vars: { DSTACK_AGENT: 'codex' },
    says: ['person'],
  },
  {
    name: 'undo of what others built on',
    code: 'CONFLICT',
    exit: 2,
    args: ['undo'],
    given: async (alice, world) => {
      await conflict(alice, world)
      await alice.inProcess('resolve', KEY, '--text', 'pnpm until March.').ok()
      return alice
    },
  },
  {
    name: 'nothing of mine to undo',
    code: 'NOT_FOUND',
    exit: 1,
    args: ['undo'],
    given: async (alice) => {
      await alice.git('update-ref', '-d', 'refs/dstack/memory').ok()
      return alice
    },
  },
  // --- remotes ---
  {
    name: 'no remote',
    code: 'NO_REMOTE',
    exit: 69,
    args: ['sync'],
    says: ['git dstack init'],
    given: async (alice) => {
      await alice.git('remote', 'remove', 'origin').ok()
      return alice
    },
  },
  {
    name: 'a remote that is gone',
    code: 'REMOTE_UNAVAILABLE',
    exit: 69,
    args: ['sync'],
    says: ['Your work is kept here'],
    given: async (alice, world) => {
      await alice.git('config', 'remote.origin.url', join(world.path, 'gone.git')).ok()
      return alice
    },
  },
  { name: 'an unknown remote', code: 'NO_REMOTE', exit: 69, args: ['init', '--remote', 'upstream'], says: ['origin'] },
  {
    name: 'a refspec that overwrites',
    code: 'REFSPEC_HAZARD',
    exit: 78,
    args: ['sync'],
    says: ['git config --unset'],
    given: async (alice) => {
      await alice.git('config', '--add', 'remote.origin.fetch', '+refs/notes/*:refs/notes/*').ok()
      return alice
    },
  },
  { name: 'a carrier that carries nothing', code: 'NOT_FOUND', exit: 1, args: ['fold', 'HEAD'], says: ['bundle'] },
  { name: 'a carrier that is nothing', code: 'USAGE', exit: 64, args: ['fold', '/no/such/file'] },
  // --- command lines ---
  { name: 'an unknown verb', code: 'USAGE', exit: 64, args: ['remeber', 'x'], says: ['Did you mean remember?'] },
  {
    name: 'an unknown verb of memory',
    code: 'USAGE',
    exit: 64,
    args: ['memory', 'histroy'],
    says: ['Did you mean history?'],
  },
  { name: 'an unknown option', code: 'USAGE', exit: 64, args: ['recall', '--wyh', 'x'], says: ['Did you mean --why?'] },
  { name: 'words without quotes', code: 'USAGE', exit: 64, args: ['remember', 'two', 'words'], says: ['quotes'] },
  {
    name: 'an unknown state',
    code: 'USAGE',
    exit: 64,
    args: ['remember', '--state', 'SURE', 'x'],
    says: ['CONFIRMED'],
  },
  { name: 'an unknown scope', code: 'USAGE', exit: 64, args: ['recall', '--scope', 'mine', 'x'], says: ['personal'] },
  { name: 'no number', code: 'USAGE', exit: 64, args: ['recall', '-n', '0', 'x'], says: ['1 or more'] },
  { name: 'too sure', code: 'USAGE', exit: 64, args: ['remember', '--confidence', '2', 'x'], says: ['0 to 1'] },
  { name: 'no date', code: 'USAGE', exit: 64, args: ['remember', '--expires', 'tomorrow', 'x'], says: ['90d'] },
  { name: 'an unknown setting', code: 'USAGE', exit: 64, args: ['config', 'set', 'bugdet', '1'], says: ['budget'] },
  {
    name: 'a setting in the wrong layer',
    code: 'USAGE',
    exit: 64,
    args: ['config', 'set', '--team', 'autoInit', 'x'],
    says: ['--global'],
  },
  {
    name: 'an unknown format',
    code: 'USAGE',
    exit: 64,
    args: ['memory', 'export', '--format', 'xml'],
    says: ['markdown', 'mcp'],
  },
  {
    name: 'a format that needs a folder',
    code: 'USAGE',
    exit: 64,
    args: ['memory', 'export', '--format', 'markdown'],
    says: ['folder'],
  },
  {
    name: 'an import of nothing',
    code: 'NOT_FOUND',
    exit: 1,
    args: ['memory', 'import', 'gone.md'],
    says: ['gone.md'],
  },
  {
    name: 'an import of something else',
    code: 'BAD_TEXT',
    exit: 64,
    args: ['memory', 'import', 'photo.txt'],
    says: ['Name the format'],
    given: (alice) => {
      alice.write('photo.txt', 'no memory of anybody\n')
      return alice
    },
  },
  {
    name: 'the past of a verb that has none',
    code: 'USAGE',
    exit: 64,
    args: ['at', '2026-01-01', 'sync'],
    says: ['recall'],
  },
  { name: 'a write into the past', code: 'USAGE', exit: 64, args: ['at', '2026-01-01', 'memory', 'forget', KEY] },
  { name: 'no moment', code: 'USAGE', exit: 64, args: ['at', 'yesterday', 'recall', 'x'], says: ['2026-11-01'] },
  { name: 'an unknown page', code: 'USAGE', exit: 64, args: ['help', 'remeber'], says: ['git dstack help'] },
  { name: 'init below a folder without clones', code: 'NOT_FOUND', exit: 1, args: ['init', '--all', '.git/hooks'] },
]

/** The schema of `git dstack schema error`, with nothing more in it. */
const Failed = z.strictObject({
  v: z.literal(1),
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    hint: z.string(),
    data: z.optional(z.record(z.string(), z.unknown())),
    exit: z.int(),
  }),
})

/** One sentence, then a hint; nothing about the program's inside. */
function expectReadable(message: string, hint: string, { says = [], hides }: Case): void {
  expect(message).not.toMatch(/\n|undefined|\[object|\bat .*\.ts:/)
  expect(message.trim()).toMatch(/^["A-Za-z0-9-].*[.?!]$/)
  expect(hint.trim()).toMatch(/[.?!`')]$/)
  for (const part of says)
    expect(`${message} ${hint}`).toMatch(part instanceof RegExp ? part : new RegExp(escaped(part)))
  if (hides !== undefined) expect(message + hint).not.toContain(hides)
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Everything in .git but objects, logs and what may be deleted at any time. */
function stateOf(clone: Clone): Map<string, string> {
  const folder = join(clone.path, '.git')
  return existsSync(folder) ? bytesOf(folder, /^(objects|logs|dstack|scratch)(\/|$)/) : new Map()
}

async function withAlice(world: World): Promise<Clone> {
  const [alice] = await world.clones('alice')
  await alice.inProcess('init').ok()
  await alice.inProcess('remember', '--key', KEY, '--state', 'CONFIRMED', 'Use pnpm.').ok()
  return alice
}

describe('expected failures', () => {
  for (const one of CASES) {
    test(`${one.name}: ${one.code}, exit ${one.exit}`, async ({ world }) => {
      const alice = await withAlice(world)
      const who = (await one.given?.(alice, world)) ?? alice
      const clone = who.with({
        ...(one.input === undefined ? {} : { input: one.input }),
        ...(one.vars === undefined ? {} : { vars: one.vars }),
      })
      const before = stateOf(alice)
      const json = (await clone.inProcess(...one.args, '--json')).json()
      expect(z.safeParse(Failed, json).error, JSON.stringify(json)).toBeUndefined()
      const { error } = z.parse(Failed, json)
      expect({ code: error.code, exit: error.exit }, error.message).toEqual({ code: one.code, exit: exitOf(one.code) })
      expect(error.exit).toBe(one.exit)
      expectReadable(error.message, error.hint, one)

      const text = await clone.inProcess(...one.args)
      expect(text.status).toBe(one.exit)
      expect(text.stdout).toBe('')
      expect(text.stderr.split('\n').map((line) => line.replace(/: .*/s, ':'))).toEqual(['git dstack:', 'Hint:', ''])
      expect(stateOf(alice)).toEqual(before)
    })
  }
})

test('a repository that can only be read: recall answers, remember says why not (77)', async ({ world }) => {
  const alice = await withAlice(world)
  const git = join(alice.path, '.git')
  const isRoot = process.getuid?.() === 0
  const setpriv = onPath('setpriv')
  if (isRoot && setpriv === null) throw new Error('root needs setpriv (it is part of util-linux)')
  // Nobody may read everything, and write nothing.
  chmodSync(world.path, 0o755)
  execFileSync('chmod', ['-R', isRoot ? 'go+rX' : 'a-w', alice.path, alice.home])
  await alice.git('config', '--global', 'safe.directory', '*').ok()
  const prefix = isRoot ? [setpriv ?? '', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] : []
  const reader = alice.with({ prefix })
  try {
    const before = stateOf(alice)
    expect(await reader.dstack('recall', 'pnpm').text()).toContain('Use pnpm.')
    expect(await reader.dstack('memory', 'list').text()).toContain(KEY)
    const refused = await reader.dstack('remember', 'a new fact', '--json')
    expect(refused.json(), refused.stderr).toMatchObject({
      error: { code: 'NO_PERMISSION', exit: 77, hint: expect.any(String) },
    })
    expect(refused.status).toBe(77)
    expect(stateOf(alice)).toEqual(before)
  } finally {
    execFileSync('chmod', ['-R', 'u+w', git, alice.home, alice.path])
  }
})

test('a bare repository and a linked worktree are repositories like others', async ({ world }) => {
  const alice = await withAlice(world)
  await alice.git('worktree', 'add', '-q', '../linked').ok()
  const linked = alice.with({ cwd: join(alice.path, '..', 'linked') })
  expect(await linked.inProcess('recall', 'pnpm').text()).toContain('Use pnpm.')
  const bare = alice.with({ cwd: world.remotes.get('hub')?.path ?? '' })
  await bare.inProcess('init').ok()
  await bare.inProcess('remember', '--key', 'a/b', 'bare fact').ok()
  expect(await bare.inProcess('recall', 'bare').text()).toContain('bare fact')
})
