// The user's branch and working tree: read as they are, moved all or nothing, and no program of the repository runs.

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeEnv } from '../../src/env/node'
import { isRefusal } from '../../src/errors'
import { openRepo, type Repo, type Work } from '../../src/git/git'
import type { Clone } from '../support/clone'
import { needs } from '../support/programs'
import { snapshot } from '../support/snapshot'
import { strikeEverySyscall } from '../support/strace'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

const nothing = () => undefined
const OUT = { json: false, data: nothing, say: nothing, progress: () => nothing, columns: null, colour: false }

/** The repository as one command of this person sees it. */
function repoOf(clone: Clone, vars: Record<string, string> = {}): Repo {
  return openRepo(nodeEnv({ cwd: clone.cwd, vars: { ...clone.vars(), ...vars }, out: OUT }))
}

const work = (clone: Clone): Work => repoOf(clone).work

async function headOf(clone: Clone): Promise<string> {
  return (await clone.tip('HEAD')) ?? ''
}

/** Porcelain status with untracked files: what the person would see. */
const statusOf = (clone: Clone) => clone.git('status', '--porcelain').text()

async function alone(world: World): Promise<Clone> {
  const [alice] = await world.clones('alice')
  return alice
}

describe('reading', () => {
  test('HEAD: on a branch, unborn, detached, packed, in a linked worktree, named by GIT_DIR', async ({ world }) => {
    const alice = await alone(world)
    const first = await headOf(alice)
    expect(work(alice).head()).toEqual({ oid: first, branch: 'main' })
    await alice.git('pack-refs', '--all').ok()
    expect(work(alice).head()).toEqual({ oid: first, branch: 'main' })
    await alice.git('switch', '-q', '-c', 'topic/ä-b').ok()
    const second = await alice.commit('second')
    expect(work(alice).head()).toEqual({ oid: second, branch: 'topic/ä-b' })
    const linked = alice.at(join(world.path, 'linked'))
    await alice.git('worktree', 'add', '-q', linked.path, 'main').ok()
    expect(work(linked).head()).toEqual({ oid: first, branch: 'main' })
    await linked.git('checkout', '-q', '--detach', second).ok()
    expect(work(linked).head()).toEqual({ oid: second, branch: null })
    expect(work(alice).head()).toEqual({ oid: second, branch: 'topic/ä-b' })
    await alice.git('symbolic-ref', 'HEAD', 'refs/heads/unborn').ok()
    expect(work(alice).head()).toEqual({ oid: null, branch: 'unborn' })
    await alice.git('symbolic-ref', 'HEAD', 'refs/heads/main').ok()
    await alice.git('reset', '-q', '--hard').ok()
    // As in a hook: the repository is named, and we stand in a folder below the top.
    alice.write('sub/file', 'x')
    await alice.git('add', '.').ok()
    const inside = alice.with({ cwd: join(alice.path, 'sub'), vars: { GIT_DIR: join(alice.path, '.git') } })
    expect(work(inside).head()).toEqual({ oid: first, branch: 'main' })
    expect(work(inside).changes()).toEqual([{ path: 'sub/file', staged: true }])
  })

  test('changes: tracked files only, staged and not, deleted, unmerged, with any name', async ({ world }) => {
    const alice = await alone(world)
    await alice.commit('files', {
      'a b': '1',
      gone: '1',
      'line\nfeed': '1',
      touched: '1',
      renamed: 'long enough text\n',
    })
    expect(work(alice).changes()).toEqual([])
    alice.write('a b', '2')
    rmSync(join(alice.path, 'gone'))
    alice.write('line\nfeed', '2')
    alice.write('untracked', '1')
    utimesSync(join(alice.path, 'touched'), 1, 1)
    await alice.git('add', 'line\nfeed').ok()
    await alice.git('mv', 'renamed', 'named').ok()
    expect(work(alice).changes()).toEqual([
      { path: 'a b', staged: false },
      { path: 'gone', staged: false },
      { path: 'line\nfeed', staged: true },
      { path: 'named', staged: true },
      { path: 'renamed', staged: true },
    ])
  })

  test('what is half done, and the files that it left unmerged', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    expect(work(alice).inProgress()).toBe(null)
    const mine = await alice.commit('mine', { f: 'mine\n', g: 'mine\n' })
    await alice.git('switch', '-q', '-c', 'other', base).ok()
    const theirs = await alice.commit('theirs', { f: 'theirs\n', h: 'x' })
    const later = await alice.commit('later', { f: 'later\n' })
    const attempts: [ReturnType<Work['inProgress']>, string[], string[]][] = [
      ['merge', ['merge', mine], ['merge', '--abort']],
      ['rebase', ['rebase', mine], ['rebase', '--abort']],
      ['cherry-pick', ['cherry-pick', mine], ['cherry-pick', '--abort']],
      ['revert', ['revert', '--no-edit', theirs], ['revert', '--abort']],
      ['rebase', ['rebase', '--apply', mine], ['rebase', '--abort']],
    ]
    for (const [what, begin, abort] of attempts) {
      expect((await alice.git(...begin)).status, begin.join(' ')).not.toBe(0)
      expect(work(alice).inProgress()).toBe(what)
      expect(work(alice).unmerged()).toEqual(['f'])
      expect(
        work(alice)
          .changes()
          .some(({ path }) => path === 'f'),
      ).toBe(true)
      expect(work(alice).reset(base, await headOf(alice))).toMatchObject({
        refused: what === 'rebase' ? 'REFUSED' : 'NOT_CLEAN',
      })
      await alice.git(...abort).ok()
      expect(work(alice).inProgress()).toBe(null)
    }
    await alice.git('switch', '-q', 'main').ok()
    await alice.git('cherry-pick', theirs, later)
    await alice.git('checkout', '-q', 'HEAD', '--', '.').ok()
    rmSync(join(alice.path, '.git', 'CHERRY_PICK_HEAD'), { force: true })
    expect(work(alice).inProgress()).toBe('cherry-pick') // between two of a series
    await alice.git('cherry-pick', '--quit').ok()
    await alice.git('bisect', 'start').ok()
    expect(work(alice).inProgress()).toBe('bisect')
  })

  test('commits: order, trailers, files of root, renames and merges; nothing in a message can shift a field', async ({
    world,
  }) => {
    const alice = await alone(world)
    const root = await headOf(alice)
    await alice.git('config', 'diff.renames', 'copies').ok()
    await alice.git('config', 'log.showRoot', 'false').ok()
    await alice.git('config', 'trailer.separators', '=').ok()
    const message = 'one:\nmore\n\nA\n\nA\n\nDstack-Slug: pay\nDstack-Voids: 1.1\nDstack-Voids: 1.2\nConstructor: x\n'
    const one = await alice.commit(message, { A: 'text that is long enough\n', 'new\nline': '' })
    await alice.git('mv', 'A', 'B').ok()
    await alice.git('commit', '-q', '-m', 'renamed').ok()
    const two = await headOf(alice)
    await alice.git('commit', '-q', '--allow-empty', '-m', 'empty\n\nDstack-Slug: not\na trailer').ok()
    const three = await headOf(alice)
    await alice.git('switch', '-q', '-c', 'side', root).ok()
    const side = await alice.commit('side', { s: '1' })
    await alice.git('switch', '-q', 'main').ok()
    await alice.git('merge', '-q', '--no-edit', 'side').ok()
    const merge = await headOf(alice)
    await alice.git('config', 'diff.orderFile', '/does/not/exist').ok()
    const all = work(alice).commits({ from: null, to: merge }, { files: true })
    expect(new Set(all.map(({ oid }) => oid))).toEqual(new Set([root, one, two, three, side, merge]))
    for (const { oid, parents } of all) {
      for (const parent of parents) {
        expect(all.findIndex((other) => other.oid === parent)).toBeLessThan(all.findIndex((other) => other.oid === oid))
      }
    }
    const by = new Map(all.map((commit) => [commit.oid, commit]))
    expect(by.get(root)).toMatchObject({ parents: [], files: [{ path: 'README.md', status: 'A' }], author: 'Ada' })
    expect(by.get(one)).toMatchObject({
      subject: 'one: more',
      files: [
        { path: 'A', status: 'A' },
        { path: 'new\nline', status: 'A' },
      ],
      author: 'alice',
      email: 'alice@example.com',
    })
    expect({ ...by.get(one)?.trailers }).toEqual({
      'Dstack-Slug': ['pay'],
      'Dstack-Voids': ['1.1', '1.2'],
      Constructor: ['x'],
    })
    expect(by.get(two)?.files).toEqual([
      { path: 'A', status: 'D' },
      { path: 'B', status: 'A' },
    ])
    expect(by.get(three)).toMatchObject({ files: [], trailers: {}, tree: by.get(two)?.tree })
    expect(by.get(merge)).toMatchObject({ parents: [three, side], files: [{ path: 's', status: 'A' }] })
    const some = work(alice).commits({ from: one, to: three })
    expect(some.map(({ oid, files }) => ({ oid, files }))).toEqual([
      { oid: two, files: [] },
      { oid: three, files: [] },
    ])
    expect(work(alice).commits({ from: three, to: three })).toEqual([])
    expect(work(alice).changedFiles(root, two)).toEqual([
      { path: 'B', status: 'A' },
      { path: 'new\nline', status: 'A' },
    ])
    expect(work(alice).isAncestor(root, merge)).toBe(true)
    expect(work(alice).isAncestor(merge, root)).toBe(false)
    expect(work(alice).isAncestor('1'.repeat(40), merge)).toBe(false)
    expect(() => work(alice).isAncestor(merge, '1'.repeat(40))).toThrow()
  })

  test('published: by any remote, by refspecs of its own, pruned, and never by what tracks no branch', async ({
    world,
  }) => {
    const alice = await alone(world)
    const root = await headOf(alice)
    const pushed = await alice.commit('pushed', { a: '1' })
    await alice.git('push', '-q', 'origin', 'HEAD:refs/heads/topic').ok()
    const local = await alice.commit('local', { a: '2' })
    const held = () => Object.fromEntries(work(alice).publishedIn([local, pushed, root]))
    const main = 'refs/remotes/origin/main'
    const topic = 'refs/remotes/origin/topic'
    expect(held()).toEqual({ [pushed]: [topic], [root]: [main, topic] })
    await alice.git('tag', 'v1').ok()
    await alice.git('branch', 'copy').ok()
    await alice.git('update-ref', 'refs/dstack-remotes/origin/state/x', local).ok()
    await alice.git('config', '--add', 'remote.origin.fetch', '+refs/dstack/*:refs/dstack-remotes/origin/state/*').ok()
    expect(held()).toEqual({ [pushed]: [topic], [root]: [main, topic] })
    const mirror = await world.remote('mirror')
    await alice.git('config', 'remote.mirror.url', mirror.url).ok()
    await alice.git('config', 'remote.mirror.fetch', '+refs/heads/*:refs/elsewhere/mirror-*').ok()
    await alice.git('push', '-q', '--force', 'mirror', 'HEAD:refs/heads/main').ok()
    expect(held()).toMatchObject({ [local]: ['refs/elsewhere/mirror-main'] })
    await alice.git('update-ref', '-d', topic).ok()
    await alice.git('update-ref', '-d', 'refs/elsewhere/mirror-main').ok()
    expect(held()).toEqual({ [root]: [main] })
    expect(work(alice).publishedIn([])).toEqual(new Map())
  })
})

describe('mark', () => {
  test('an empty commit by the person, with reflog; index, working tree and their changes untouched', async ({
    world,
  }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    alice.write('README.md', 'changed\n')
    alice.write('new', 'staged\n')
    await alice.git('add', 'new').ok()
    const index = readFileSync(join(alice.path, '.git', 'index'))
    const marker = work(alice).mark('pay: marker\n\nDstack-Slug: pay\n', { branch: 'main', expect: base }) ?? ''
    expect(await headOf(alice)).toBe(marker)
    expect(readFileSync(join(alice.path, '.git', 'index'))).toEqual(index)
    expect(await statusOf(alice)).toBe(' M README.md\nA  new')
    expect(work(alice).commits({ from: base, to: marker }, { files: true })).toMatchObject([
      { parents: [base], subject: 'pay: marker', author: 'alice', files: [], trailers: { 'Dstack-Slug': ['pay'] } },
    ])
    expect(await alice.git('reflog', '-1', '--format=%gs', 'main').text()).toBe('dstack: pay: marker')
    expect(await alice.git('reflog', '-1', '--format=%gs').text()).toBe('dstack: pay: marker')
    await alice.git('reset', '-q', '--hard').ok()
  })

  test('somebody moved the branch: null, and nothing happens', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const other = await alice.commit('other')
    expect(work(alice).mark('m', { branch: 'main', expect: base })).toBe(null)
    expect(await headOf(alice)).toBe(other)
    // What looked right when it was read, and lost the race.
    const spot = { branch: 'main', expect: other }
    expect([work(alice).mark('m1', spot) === null, work(alice).mark('m2', spot)]).toEqual([false, null])
  })

  test('a lock that somebody holds is an error, not an answer', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const lock = join(alice.path, '.git', 'refs', 'heads', 'main.lock')
    writeFileSync(lock, '')
    expect(() => work(alice).mark('m', { branch: 'main', expect: base })).toThrow(/has it locked/)
    rmSync(lock)
  })

  test('in a linked worktree and from a bare clone', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const linked = alice.at(join(world.path, 'linked'))
    await alice.git('worktree', 'add', '-q', '-b', 'side', linked.path).ok()
    const marker = work(linked).mark('m', { branch: 'side', expect: base })
    expect(work(linked).head()).toEqual({ oid: marker, branch: 'side' })
    expect(work(alice).head()).toEqual({ oid: base, branch: 'main' })
    expect(work(linked).changes()).toEqual([])
    const bare = alice.at(join(world.path, 'bare.git'))
    await alice.git('clone', '-q', '--bare', alice.path, bare.path).ok()
    expect(work(bare).mark('m', { branch: 'main', expect: base })).not.toBe(null)
    expect(() => work(bare).changes()).toThrow(/no working tree/)
  })

  test('SHA-256: mark, backup, reset and revert', async ({ world }) => {
    const alice = world.person('alice')
    await alice.with({ cwd: world.path }).git('init', '-q', '--object-format=sha256', alice.path).ok()
    const base = await alice.commit('first', { a: '1\n' })
    expect(base).toHaveLength(64)
    const marker = work(alice).mark('m', { branch: 'main', expect: base }) ?? ''
    expect(await headOf(alice)).toBe(marker)
    work(alice).backup('refs/dstack-local/backup/pay/20260101T000000Z', marker)
    expect(await alice.refs('refs/dstack-local/')).toEqual(['refs/dstack-local/backup/pay/20260101T000000Z'])
    const next = await alice.commit('next', { a: '2\n' })
    expect(work(alice).revert([next, marker], 'undo', { branch: 'main', expect: next })).toHaveLength(64)
    expect(readFileSync(join(alice.path, 'a'), 'utf8')).toBe('1\n')
    expect(work(alice).reset(base, await headOf(alice))).toBe(null)
    expect(await headOf(alice)).toBe(base)
  })

  test('nobody known: a sentence, not a guess', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    writeFileSync(join(alice.home, '.gitconfig'), '[user]\n\tuseConfigOnly = true\n')
    expect(() => work(alice).mark('m', { branch: 'main', expect: base })).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG' }),
    )
  })

  describe.skipIf(needs('strace').skip)(`killed at every system call${needs('strace').why}`, () => {
    test('the branch is old or new, and the next one works', async ({ world }) => {
      const alice = await alone(world)
      const base = await headOf(alice)
      mkdirSync(join(alice.path, '.git', 'dstack')) // where our own lock tells that its holder died
      const script = join(world.path, 'mark.mts')
      const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../src', path))
      writeFileSync(
        script,
        `import { nodeEnv } from ${source('env/node.ts')}
import { openRepo } from ${source('git/git.ts')}
const out = { json: false, data() {}, say() {}, progress: () => () => {}, columns: null, colour: false }
const repo = openRepo(nodeEnv({ cwd: process.cwd(), vars: process.env, out }))
const { oid, branch } = repo.work.head()
console.log(repo.work.mark('m', { branch, expect: oid }))
`,
      )
      const bundle = join(world.path, 'mark.mjs')
      const esbuild = join(import.meta.dirname, '../../node_modules/.bin/esbuild')
      await alice
        .run(
          esbuild,
          script,
          '--bundle',
          '--platform=node',
          '--format=esm',
          '--log-level=error',
          '--packages=external',
          `--outfile=${bundle}`,
        )
        .ok()
      const seen = { old: 0, new: 0 }
      const points = await strikeEverySyscall(alice, [process.execPath, bundle], {
        // What git does; node's own calls before and after it change nothing here.
        pick: ({ process }) => process > 0,
        async check({ hit, point }) {
          expect(hit, point.line).toBe(true)
          const now = await headOf(alice)
          const parents = await alice.git('log', '-1', '--format=%P', now).text()
          expect(now === base || parents === base, point.line).toBe(true)
          seen[now === base ? 'old' : 'new']++
          expect(await statusOf(alice)).toBe('')
          const again = work(alice).mark('again', { branch: 'main', expect: now })
          expect(await headOf(alice)).toBe(again)
          await alice.git('fsck', '--strict', '--no-dangling').ok()
        },
      })
      expect(points.some(({ title }) => title === 'git commit-tree')).toBe(true)
      expect(points.some(({ title }) => title === 'git update-ref')).toBe(true)
      expect(seen.old).toBeGreaterThan(0)
      expect(seen.new).toBeGreaterThan(0)
    }, 300_000)
  })
})

test('backup: kept under its own prefix, never over another commit', async ({ world }) => {
  const alice = await alone(world)
  const base = await headOf(alice)
  const next = await alice.commit('next')
  const ref = 'refs/dstack-local/backup/pay/20260101T000000Z'
  work(alice).backup(ref, next)
  work(alice).backup(ref, next)
  expect(await alice.tip(ref)).toBe(next)
  expect(() => work(alice).backup(ref, base)).toThrow(/holds another commit/)
  expect(() => work(alice).backup('refs/heads/main', base)).toThrow()
  expect(() => work(alice).backup('refs/dstack-local/backup/../../heads/x', base)).toThrow()
  expect(await alice.tip(ref)).toBe(next)
})

describe('reset', () => {
  test('takes branch, index and working tree back; ignored and untracked files stay', async ({ world }) => {
    const alice = await alone(world)
    await alice.commit('ignore', { '.gitignore': '*.log\n' })
    const base = await headOf(alice)
    await alice.commit('more', { 'README.md': 'more\n', 'dir/deep/new': '1' })
    rmSync(join(alice.path, 'README.md'))
    symlinkSync('dir', join(alice.path, 'README.md'))
    await alice.git('commit', '-q', '-a', '-m', 'link').ok()
    const head = await headOf(alice)
    alice.write('dir/my.log', 'mine')
    alice.write('notes', 'mine')
    expect(work(alice).reset(base, head)).toBe(null)
    expect(await headOf(alice)).toBe(base)
    expect(await statusOf(alice)).toBe('?? notes')
    expect(readFileSync(join(alice.path, 'README.md'), 'utf8')).toBe('# hub\n')
    expect(existsSync(join(alice.path, 'dir/deep'))).toBe(false)
    expect(readFileSync(join(alice.path, 'dir/my.log'), 'utf8')).toBe('mine')
    expect(await alice.git('reflog', '-1', '--format=%gs').text()).toBe(`dstack: reset to ${base}`)
    expect(await alice.tip('HEAD@{1}')).toBe(head)
  })

  test('refuses another HEAD, a detached one, and a tree that is not clean: nothing changes', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const head = await alice.commit('next', { f: '1' })
    const refused = async (expectHead: string, refusal: object) => {
      const before = snapshot(alice.path)
      expect(work(alice).reset(base, expectHead)).toMatchObject(refusal)
      expect(snapshot(alice.path)).toEqual(before)
    }
    await refused(base, { refused: 'CONTENDED' })
    alice.write('README.md', 'changed')
    await refused(head, { refused: 'NOT_CLEAN', data: { paths: ['README.md'] } })
    await alice.git('add', '-u').ok()
    await refused(head, { refused: 'NOT_CLEAN', data: { paths: ['README.md'] } })
    await alice.git('reset', '-q', '--hard').ok()
    await alice.git('checkout', '-q', '--detach').ok()
    await refused(head, { refused: 'REFUSED' })
    await alice.git('switch', '-q', 'main').ok()
    utimesSync(join(alice.path, 'f'), 1, 1)
    expect(work(alice).reset(base, head)).toBe(null)
  })

  test('never writes over what git does not track, ignored or not', async ({ world }) => {
    const alice = await alone(world)
    await alice.commit('env', { '.env': 'example\n', plain: 'x\n', 'a/b': 'x\n' })
    const base = await headOf(alice)
    await alice.git('rm', '-q', '-r', '.env', 'plain', 'a').ok()
    const head = await alice.commit('ignored now', { '.gitignore': '.env\na\n' })
    for (const [path, at] of [
      ['.env', '.env'],
      ['plain', 'plain'],
      ['a', 'a'],
      ['a/b', 'a/b'],
    ] as const) {
      alice.write(path, 'mine')
      expect(work(alice).reset(base, head), path).toMatchObject({ refused: 'NOT_CLEAN', data: { paths: [at] } })
      expect(readFileSync(join(alice.path, path), 'utf8')).toBe('mine')
      expect(await headOf(alice)).toBe(head)
      rmSync(join(alice.path, path.split('/')[0] ?? ''), { recursive: true })
    }
    expect(work(alice).reset(base, head)).toBe(null)
    expect(readFileSync(join(alice.path, '.env'), 'utf8')).toBe('example\n')
  })

  test('another git at work, or a branch that moves at the last moment: everything as before', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const head = await alice.commit('next', { f: '1' })
    const lock = join(alice.path, '.git', 'index.lock')
    writeFileSync(lock, '')
    expect(work(alice).reset(base, head)).toMatchObject({ refused: 'CONTENDED' })
    rmSync(lock)
    const repo = repoOf(alice)
    const move = repo.move
    let moved = ''
    repo.move = (...args) => {
      const tree = repo.git(['commit-tree', '-p', head, '-m', 'meanwhile', `${head}^{tree}`]).stdout.trim()
      repo.git(['update-ref', 'refs/heads/main', tree, head])
      moved = tree
      return move(...args)
    }
    expect(repo.work.reset(base, head)).toMatchObject({ refused: 'CONTENDED' })
    expect(await headOf(alice)).toBe(moved)
    expect(await statusOf(alice)).toBe('')
  })

  test('in a linked worktree, and nowhere else', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const linked = alice.at(join(world.path, 'linked'))
    await alice.git('worktree', 'add', '-q', '-b', 'side', linked.path).ok()
    const head = await linked.commit('next', { f: '1' })
    expect(work(linked).reset(base, head)).toBe(null)
    expect([await headOf(linked), await statusOf(linked), existsSync(join(linked.path, 'f'))]).toEqual([
      base,
      '',
      false,
    ])
    expect([await headOf(alice), await statusOf(alice)]).toEqual([base, ''])
  })
})

describe('revert', () => {
  test('one commit takes back several, newest first, and passes over empty ones', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const one = await alice.commit('one', { a: '1\n' })
    const marker = work(alice).mark('marker', { branch: 'main', expect: one }) ?? ''
    const two = await alice.commit('two', { a: '2\n', 'README.md': 'two\n' })
    const done = work(alice).revert([two, marker, one], 'Revert it\n\nDstack-Slug: pay\n', {
      branch: 'main',
      expect: two,
    })
    expect(await headOf(alice)).toBe(done)
    expect(await statusOf(alice)).toBe('')
    expect(await alice.git('diff', '--stat', base, 'HEAD').text()).toBe('')
    expect(work(alice).commits({ from: two, to: done as string })).toMatchObject([
      { parents: [two], subject: 'Revert it', trailers: { 'Dstack-Slug': ['pay'] } },
    ])
    const nothing = work(alice).revert([marker], 'Void it', { branch: 'main', expect: done as string })
    expect(work(alice).commits({ from: done as string, to: nothing as string }, { files: true })).toMatchObject([
      { files: [] },
    ])
  })

  test('what came after and stays is kept, also within the same file', async ({ world }) => {
    const alice = await alone(world)
    const text = (changes: Record<number, string>) =>
      Array.from({ length: 20 }, (_, i) => `${changes[i] ?? i}\n`).join('')
    await alice.commit('base', { f: text({}) })
    const mine = await alice.commit('mine', { f: text({ 2: 'mine' }), mine: 'x' })
    const theirs = await alice.commit('theirs', { f: text({ 2: 'mine', 17: 'theirs' }), theirs: 'x' })
    const more = await alice.commit('more', { mine: 'y' })
    const done = work(alice).revert([more, mine], 'undo', { branch: 'main', expect: more })
    expect(typeof done).toBe('string')
    expect(readFileSync(join(alice.path, 'f'), 'utf8')).toBe(text({ 17: 'theirs' }))
    expect([existsSync(join(alice.path, 'mine')), existsSync(join(alice.path, 'theirs'))]).toEqual([false, true])
    expect(await statusOf(alice)).toBe('')
    expect(await alice.git('merge-base', '--is-ancestor', theirs, 'HEAD')).toMatchObject({ status: 0 })
  })

  test('a conflict changes nothing and names the files', async ({ world }) => {
    const alice = await alone(world)
    const mine = await alice.commit('mine', { f: 'mine\n', 'a b': 'x\n' })
    const head = await alice.commit('theirs', { f: 'theirs\n', 'a b': 'y\n', other: 'x' })
    const before = [readFileSync(join(alice.path, '.git', 'index')), await alice.git('show-ref').text()]
    expect(work(alice).revert([mine], 'undo', { branch: 'main', expect: head })).toEqual({ conflict: ['a b', 'f'] })
    expect([readFileSync(join(alice.path, '.git', 'index')), await alice.git('show-ref').text()]).toEqual(before)
    expect(await statusOf(alice)).toBe('')
    expect(work(alice).inProgress()).toBe(null)
  })

  test('refuses merges, another HEAD, another branch, a tree that is not clean', async ({ world }) => {
    const alice = await alone(world)
    const base = await headOf(alice)
    const one = await alice.commit('one', { a: '1' })
    await alice.git('switch', '-q', '-c', 'side', base).ok()
    await alice.commit('side', { s: '1' })
    await alice.git('switch', '-q', 'main').ok()
    await alice.git('merge', '-q', '--no-edit', 'side').ok()
    const head = await headOf(alice)
    const spot = { branch: 'main', expect: head }
    expect(work(alice).revert([head], 'undo', spot)).toMatchObject({
      refused: 'REFUSED',
      message: expect.stringMatching(/merge/),
    })
    expect(work(alice).revert([one], 'undo', { ...spot, expect: one })).toMatchObject({ refused: 'CONTENDED' })
    expect(work(alice).revert([one], 'undo', { ...spot, branch: 'side' })).toMatchObject({ refused: 'REFUSED' })
    alice.write('a', 'changed')
    expect(work(alice).revert([one], 'undo', spot)).toMatchObject({ refused: 'NOT_CLEAN' })
    await alice.git('reset', '-q', '--hard').ok()
    expect(await headOf(alice)).toBe(head)
    expect(isRefusal(work(alice).revert([one], 'undo', spot))).toBe(false) // below a merge, but none itself
    expect(existsSync(join(alice.path, 'a'))).toBe(false)
  })

  test('the root commit', async ({ world }) => {
    const alice = await alone(world)
    const root = await headOf(alice)
    const head = await alice.commit('next', { f: '1' })
    expect(typeof work(alice).revert([root], 'undo', { branch: 'main', expect: head })).toBe('string')
    expect(await alice.git('ls-files').text()).toBe('f')
  })
})

describe('programs of the repository', () => {
  /** Hooks, filters, a merge driver and signing programs that leave a trace; the repository names them all. */
  function poison(alice: Clone, canary: string): string[] {
    const program = join(alice.world.path, 'evil.sh')
    writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${canary}\ncat\n`)
    chmodSync(program, 0o755)
    const hooks = join(alice.world.path, 'hooks')
    mkdirSync(hooks)
    const names = [
      'pre-commit',
      'commit-msg',
      'post-commit',
      'post-checkout',
      'post-index-change',
      'reference-transaction',
      'post-rewrite',
      'post-merge',
      'pre-merge-commit',
      'prepare-commit-msg',
    ]
    for (const hook of names) {
      writeFileSync(join(hooks, hook), `#!/bin/sh\necho ${hook} >> ${canary}\n`)
      chmodSync(join(hooks, hook), 0o755)
      writeFileSync(join(alice.path, '.git', 'hooks', hook), `#!/bin/sh\necho ${hook} >> ${canary}\n`)
      chmodSync(join(alice.path, '.git', 'hooks', hook), 0o755)
    }
    return [
      `core.hooksPath=${hooks}`,
      `core.fsmonitor=${program}`,
      `filter.evil.clean=${program}`,
      `filter.evil.smudge=${program}`,
      'filter.evil.required=true',
      `filter.e=v=il.clean=${program}`,
      `merge.evil.driver=${program}`,
      `diff.evil.textconv=${program}`,
      `diff.evil.command=${program}`,
      `diff.external=${program}`,
      `gpg.program=${program}`,
      `gpg.ssh.program=${program}`,
      `gpg.x509.program=${program}`,
      `gpg.ssh.defaultKeyCommand=${program}`,
      'commit.gpgSign=true',
    ]
  }

  test('none of them runs; what only they could write is refused', async ({ world }) => {
    const alice = await alone(world)
    const canary = join(world.path, 'canary')
    await alice.commit('attributes', {
      '.gitattributes': '*.evil filter=evil merge=evil diff=evil\n*.eq filter=e=v=il\n* diff=evil merge=evil\n',
    })
    const base = await alice.commit('base', { 'x.evil': '1\n', 'y.eq': '1\n', f: '1\n' })
    const spoiled = await alice.commit('evil', { 'x.evil': '2\n' })
    const harmless = await alice.commit('harmless', { f: '2\n' })
    for (const setting of poison(alice, canary)) {
      const cut = setting.indexOf('=', setting.startsWith('filter.e=') ? 'filter.e=v=il'.length : 0)
      await alice.git('config', setting.slice(0, cut), setting.slice(cut + 1)).ok()
    }
    for (const path of ['x.evil', 'y.eq', 'f']) utimesSync(join(alice.path, path), 1, 1)
    expect(work(alice).changes()).toEqual([])
    work(alice).commits({ from: null, to: harmless }, { files: true })
    work(alice).changedFiles(base, harmless)
    work(alice).publishedIn([harmless])
    const marker = work(alice).mark('m', { branch: 'main', expect: harmless }) ?? ''
    expect(work(alice).reset(base, marker)).toMatchObject({ refused: 'UNTRUSTED', data: { paths: ['x.evil'] } })
    expect(work(alice).revert([spoiled], 'u', { branch: 'main', expect: marker })).toMatchObject({
      refused: 'UNTRUSTED',
    })
    expect(work(alice).revert([base], 'u', { branch: 'main', expect: marker })).toHaveProperty('conflict')
    expect(work(alice).revert([harmless], 'u', { branch: 'main', expect: marker })).toEqual(expect.any(String))
    expect(readFileSync(join(alice.path, 'f'), 'utf8')).toBe('1\n')
    expect(existsSync(canary) ? readFileSync(canary, 'utf8') : '').toBe('')
    await alice.git('commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', 'control') // plain git does start them
    expect(existsSync(canary)).toBe(true)
  })

  test("the person's own filter runs, as it does for a checkout of their own", async ({ world }) => {
    const alice = await alone(world)
    const own = (name: string, value: string) => alice.git('config', '--global', name, value).ok()
    await own('filter.up.clean', 'tr A-Z a-z')
    await own('filter.up.smudge', 'tr a-z A-Z')
    await alice.git('config', 'filter.up.clean', 'tr A-Z a-z').ok() // the same words are not foreign
    await alice.commit('attributes', { '.gitattributes': '*.up filter=up\n' })
    const base = await alice.commit('base', { 'x.up': 'ONE\n' })
    const head = await alice.commit('next', { 'x.up': 'TWO\n' })
    utimesSync(join(alice.path, 'x.up'), 1, 1)
    expect(work(alice).changes()).toEqual([])
    expect(work(alice).reset(base, head)).toBe(null)
    expect(readFileSync(join(alice.path, 'x.up'), 'utf8')).toBe('ONE\n')
    expect(await statusOf(alice)).toBe('')
  })

  test("signed when the person's own configuration asks, by the person's own program", async ({ world }) => {
    const alice = await alone(world)
    const canary = join(world.path, 'canary')
    const evil = join(world.path, 'evil.sh')
    const key = join(alice.home, 'key')
    await alice.run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key).ok()
    writeFileSync(evil, `#!/bin/sh\necho ran >> ${canary}\nexit 1\n`, { mode: 0o755 })
    const isSigned = async (marker: string | null) =>
      /^gpgsig /m.test(await alice.git('cat-file', 'commit', marker ?? '').text())
    const mark = async () => work(alice).mark('m', { branch: 'main', expect: await headOf(alice) })
    await alice.git('config', 'commit.gpgSign', 'true').ok()
    expect(await isSigned(await mark())).toBe(false)
    await alice.git('config', '--unset', 'commit.gpgSign').ok()
    for (const [name, value] of [
      ['commit.gpgSign', 'true'],
      ['gpg.format', 'ssh'],
      ['user.signingKey', `${key}.pub`],
    ] as const) {
      await alice.git('config', '--global', name, value).ok()
    }
    await alice.git('config', 'gpg.ssh.program', evil).ok()
    expect(await isSigned(await mark())).toBe(true)
    expect(existsSync(canary)).toBe(false)
    await alice.git('config', 'commit.gpgSign', 'false').ok()
    expect(await isSigned(await mark())).toBe(false)
    await alice.git('config', '--unset', 'commit.gpgSign').ok()
    const head = await headOf(alice)
    await alice.git('config', '--global', 'gpg.ssh.program', evil).ok()
    expect(() => work(alice).mark('m', { branch: 'main', expect: head })).toThrow(/could not be signed/)
    expect(await headOf(alice)).toBe(head)
  })
})
