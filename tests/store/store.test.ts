// The store on real git: what two people see of each other's writes, what undo gives back, what is refused.

import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DstackError, isRefusal } from '../../src/errors'
import {
  advance,
  attest,
  CONFIG,
  evidenceOf,
  FORMAT_KEY,
  foldInto,
  historyOf,
  MEMORY,
  pathOf,
  readChain,
  type Store,
  undo,
  viewRef,
  write,
} from '../../src/store/store'
import { foldCarrier, sync } from '../../src/sync/sync'
import { makeHub } from '../simulate/world'
import {
  addClone,
  at,
  backUp,
  copyClone,
  dispose,
  gitIn,
  type Hub,
  litter,
  put,
  restore,
  type SimClone,
  texts,
} from './clones'

let hub: Hub
let alice: SimClone
let bob: SimClone

beforeEach(() => {
  hub = makeHub(0, 'store')
  alice = addClone(hub, 'alice')
  bob = addClone(hub, 'bob')
})

afterEach(() => {
  for (const clone of hub.clones) {
    expect(gitIn(hub.root, clone.dir, ['fsck', '--strict', '--no-dangling'])).toBe('')
    expect(litter(join(clone.dir, '.git'))).toEqual([])
  }
  dispose(hub)
})

const git = (clone: SimClone, ...args: string[]) => gitIn(hub.root, clone.dir, args)
const code = (work: () => unknown): string => {
  try {
    work()
    return 'ok'
  } catch (error) {
    return error instanceof DstackError ? error.code : String(error)
  }
}

describe('a write', () => {
  test('is one readable document, one commit, one reflog entry', () => {
    put(at(hub, alice), 'gotchas/auth/token-refresh', 'Refresh *before* expiry.')
    const path = pathOf('gotchas/auth/token-refresh')
    expect(path).toBe('gotchas/auth/a0/token-refresh.md')
    const shown = git(alice, 'show', `${MEMORY}:${path}`)
    expect(shown).toMatch(/^---\ntype: memory\nkey: gotchas\/auth\/token-refresh\nby: alice <alice@example.com>\n/)
    expect(shown.endsWith('---\nRefresh *before* expiry.\n')).toBe(true)
    expect(git(alice, 'log', '--format=%s %an', MEMORY)).toBe('memory: gotchas/auth/token-refresh alice\n')
    expect(git(alice, 'reflog', 'show', MEMORY).split('\n')).toHaveLength(2)
    expect(git(alice, 'grep', '-l', 'before', MEMORY)).toBe(`${MEMORY}:${path}\n`)
  })

  test('keeps the rest of the tree', () => {
    for (const key of ['a/b/c', 'a/b/d', 'x', 'z/y']) put(at(hub, alice), key, key)
    expect([...viewRef(at(hub, alice), MEMORY).all().keys()].sort()).toEqual(['a/b/c', 'a/b/d', 'x', 'z/y'])
  })

  test('keeps fields and types that it does not know, byte for byte', () => {
    const store = at(hub, alice)
    const raw = ' {"b":1,   "a":2}'
    write(store, MEMORY, ['k/x'], () => ({
      puts: [{ key: 'k/x', head: { type: 'of-tomorrow', shape: { b: 1, a: 2 } }, raw: { shape: raw }, body: 'b' }],
      subject: 's',
      result: null,
    }))
    const [live] = viewRef(at(hub, alice), MEMORY).at('k/x')
    write(at(hub, bob), MEMORY, ['k/x'], () => ({
      puts: [{ key: 'k/x', head: live?.doc.head ?? {}, raw: live?.doc.raw ?? {}, body: 'c' }],
      subject: 's',
      result: null,
    }))
    expect(git(bob, 'show', `${MEMORY}:${pathOf('k/x')}`)).toContain(`\nshape:${raw}\n`)
  })

  test('is refused by its decision without a trace', () => {
    const before = put(at(hub, alice), 'k/x', 'one')
    const done = write(at(hub, alice), MEMORY, ['k/x'], () => ({ refused: 'DUPLICATE', message: 'no' }))
    expect(isRefusal(done)).toBe(true)
    expect(git(alice, 'rev-parse', MEMORY).trim()).toBe(before)
  })

  test('of a key with dots, of a document that is too large, in a repository with a newer format: refused', () => {
    expect(code(() => put(at(hub, alice), '../x', 'x'))).toBe('BAD_KEY')
    expect(code(() => put(at(hub, alice), 'k/x', 'x'.repeat(300_000)))).toBe('TOO_LARGE')
    write(at(hub, alice), CONFIG, [FORMAT_KEY], () => ({
      puts: [{ key: FORMAT_KEY, head: { type: 'format', format: 9, min_write: 9 }, body: '' }],
      subject: 'config: format',
      result: null,
    }))
    expect(code(() => put(at(hub, alice), 'k/x', 'x'))).toBe('TOO_NEW')
    expect(texts(at(hub, alice), 'k/x')).toEqual([])
  })

  test.skipIf(process.getuid?.() === 0)('in a read-only repository: no permission, and reading works', () => {
    put(at(hub, alice), 'k/x', 'one')
    execFileSync('chmod', ['-R', 'a-w', join(alice.dir, '.git')])
    try {
      expect(code(() => put(at(hub, alice), 'k/x', 'two'))).toBe('NO_PERMISSION')
      expect(texts(at(hub, alice), 'k/x')).toEqual(['one'])
    } finally {
      execFileSync('chmod', ['-R', 'u+w', join(alice.dir, '.git')])
      chmodSync(alice.dir, 0o755)
    }
  })

  test('works in a linked worktree, with packed refs, and beside a branch dstack/x', () => {
    git(alice, 'commit', '-q', '--allow-empty', '-m', 'first')
    git(alice, 'branch', 'dstack/x')
    put(at(hub, alice), 'k/x', 'one')
    git(alice, 'pack-refs', '--all')
    git(alice, 'worktree', 'add', '-q', '../linked')
    const linked = { ...alice, dir: join(hub.root, 'linked') }
    put(at(hub, linked), 'k/x', 'two')
    expect(texts(at(hub, alice), 'k/x')).toEqual(['two'])
    expect(git(alice, 'log', '--format=%s', MEMORY).split('\n')).toHaveLength(3)
  })

  test('in a SHA-256 repository', () => {
    const dir = join(hub.root, 'sha256')
    gitIn(hub.root, hub.root, ['init', '-q', '--object-format=sha256', dir])
    for (const [name, value] of [
      ['user.name', 'a'],
      ['user.email', 'a@example.com'],
    ])
      gitIn(hub.root, dir, ['config', name ?? '', value ?? ''])
    const clone: SimClone = { name: 'sha', dir, skew: 0, online: true }
    hub.clones.push(clone)
    const tip = put(at(hub, clone), 'k/x', 'one')
    expect(tip).toHaveLength(64)
    put(at(hub, clone), 'k/x', 'two')
    expect(texts(at(hub, clone), 'k/x')).toEqual(['two'])
  })
})

describe('two people', () => {
  test('a concurrent correction is kept beside the other and shown to both; a write that saw both ends it', async () => {
    put(at(hub, alice), 'k/x', 'first')
    await sync(at(hub, alice))
    git(bob, 'fetch', '-q')
    put(at(hub, bob), 'k/x', 'bob says')
    put(at(hub, alice), 'k/x', 'alice says')
    await sync(at(hub, bob))
    await sync(at(hub, alice))
    git(bob, 'fetch', '-q')
    expect(texts(at(hub, bob), 'k/x').sort()).toEqual(['alice says', 'bob says'])
    expect(texts(at(hub, alice), 'k/x')).toEqual(texts(at(hub, bob), 'k/x'))
    put(at(hub, bob), 'k/x', 'settled')
    const report = await sync(at(hub, bob))
    expect(report).toMatchObject({ sent: 1, checked: true })
    await sync(at(hub, alice))
    expect(texts(at(hub, alice), 'k/x')).toEqual(['settled'])
    expect(git(alice, 'rev-parse', MEMORY)).toBe(git(bob, 'rev-parse', MEMORY))
  })

  test('a reader sees the union before anything is synced, and moves no ref for it', async () => {
    put(at(hub, alice), 'k/a', 'from alice')
    await sync(at(hub, alice))
    put(at(hub, bob), 'k/b', 'from bob')
    git(bob, 'fetch', '-q')
    const before = git(bob, 'for-each-ref')
    expect([...viewRef(at(hub, bob), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
    expect(git(bob, 'for-each-ref')).toBe(before)
  })

  test('a ref that was overwritten from outside comes back with the next sync', async () => {
    put(at(hub, alice), 'k/a', 'published')
    await sync(at(hub, alice))
    put(at(hub, bob), 'k/b', 'not published')
    git(bob, 'fetch', '-q')
    git(bob, 'update-ref', MEMORY, 'refs/dstack-remotes/origin/state/memory')
    expect(texts(at(hub, bob), 'k/b')).toEqual([])
    await sync(at(hub, bob))
    expect(texts(at(hub, bob), 'k/b')).toEqual(['not published'])
  })

  test('a remote that lost its refs gets them back, and the report says so', async () => {
    put(at(hub, alice), 'k/a', 'one')
    const first = await sync(at(hub, alice))
    expect(first.warnings).toEqual([])
    put(at(hub, alice), 'k/a', 'two')
    await sync(at(hub, alice))
    gitIn(hub.root, hub.bare, ['update-ref', MEMORY, `${MEMORY}~1`])
    const report = await sync(at(hub, alice))
    expect(report.warnings.join()).toContain('went back')
    expect(report.checked).toBe(true)
    expect(gitIn(hub.root, hub.bare, ['rev-parse', MEMORY])).toBe(git(alice, 'rev-parse', MEMORY))
  })
})

describe('copies and forged vectors hide nothing', () => {
  test('a copied clone is another writer', async () => {
    put(at(hub, alice), 'k/x', 'before the copy')
    const copy = copyClone(hub, alice, 'copy')
    put(at(hub, alice), 'k/x', 'in the original')
    put(at(hub, copy), 'k/x', 'in the copy')
    await sync(at(hub, alice))
    await sync(at(hub, copy))
    expect(texts(at(hub, copy), 'k/x').sort()).toEqual(['in the copy', 'in the original'])
  })

  test('a clone restored from a backup is another writer', async () => {
    put(at(hub, alice), 'k/x', 'before')
    const backup = backUp(hub, alice, 'one')
    put(at(hub, alice), 'k/x', 'published, then forgotten')
    await sync(at(hub, alice))
    restore(alice, backup)
    put(at(hub, alice), 'k/x', 'after the restore')
    await sync(at(hub, alice))
    expect(texts(at(hub, alice), 'k/x').sort()).toEqual(['after the restore', 'published, then forgotten'])
  })

  test('a snapshot that restores the id file to the letter is noticed when the twins meet', async () => {
    put(at(hub, alice), 'k/x', 'before')
    const ids = join(alice.dir, '.git/dstack/writer.json')
    const tip = git(alice, 'rev-parse', MEMORY).trim()
    const snapshot = execFileSync('cat', [ids])
    put(at(hub, alice), 'k/x', 'published')
    await sync(at(hub, alice))
    // As a disk snapshot does it: the ref, the tracking refs and the very same id file are back.
    git(alice, 'update-ref', MEMORY, tip)
    git(alice, 'update-ref', '-d', 'refs/dstack-remotes/origin/state/memory')
    rmSync(join(alice.dir, '.git/dstack/sync.json'))
    const self = JSON.parse(snapshot.toString()) as { inode: number; birthMs: number }
    const gullible = (store: Store): Store => ({
      ...store,
      env: {
        ...store.env,
        files: {
          ...store.env.files,
          stat: (path, follow) => {
            const stat = store.env.files.stat(path, follow)
            return stat !== null && path === ids ? { ...stat, inode: self.inode, birthMs: self.birthMs } : stat
          },
          read: (path) => (path === ids && !used ? snapshot : store.env.files.read(path)),
        },
      },
    })
    let used = false
    put(gullible(at(hub, alice)), 'k/x', 'in the snapshot')
    used = true
    const written = JSON.parse(execFileSync('cat', [ids]).toString()) as {
      refs: Record<string, { id: string; tick: number }>
    }
    expect(written.refs[MEMORY]?.tick).toBe(2) // the twin of the tick that was published
    await sync(at(hub, alice))
    expect(texts(at(hub, alice), 'k/x').sort()).toEqual(['in the snapshot', 'published'])
  })

  test('a version that claims to have seen our unpublished write does not cover it', async () => {
    put(at(hub, alice), 'k/x', 'first')
    await sync(at(hub, alice))
    const ours = viewRef(at(hub, alice), MEMORY).at('k/x')[0]?.clock ?? {}
    const [id] = Object.keys(ours)
    await sync(at(hub, bob))
    // Mallory forges the vector with plain plumbing.
    const forged = `---\ntype: memory\nkey: k/x\nby: m\nat: x\ndot: "mmmmmmmmmm:1"\nclock: ${JSON.stringify({ [id ?? '']: 900, mmmmmmmmmm: 1 })}\n---\nforged\n`
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: bob.dir, input: forged })
      .toString()
      .trim()
    const leaf = execFileSync('git', ['mktree'], { cwd: bob.dir, input: `100644 blob ${blob}\tx.md\n` })
      .toString()
      .trim()
    const [folder] = pathOf('k/x').split('/').slice(1)
    const middle = execFileSync('git', ['mktree'], { cwd: bob.dir, input: `040000 tree ${leaf}\t${folder}\n` })
      .toString()
      .trim()
    const root = execFileSync('git', ['mktree'], { cwd: bob.dir, input: `040000 tree ${middle}\tk\n` })
      .toString()
      .trim()
    const commit = git(bob, 'commit-tree', root, '-p', MEMORY, '-m', 'memory: k/x').trim()
    git(bob, 'push', '-q', 'origin', `${commit}:${MEMORY}`)
    put(at(hub, alice), 'k/x', 'not published yet')
    await sync(at(hub, alice))
    expect(texts(at(hub, alice), 'k/x').sort()).toEqual(['forged', 'not published yet'])
    put(at(hub, alice), 'k/x', 'after the forgery')
    expect(texts(at(hub, alice), 'k/x')).toEqual(['after the forgery'])
  })
})

describe('hostile files in a fetched ref', () => {
  test('links, binaries, foreign names and 5 MB are carried and not shown; the rest is folded', async () => {
    put(at(hub, alice), 'k/x', 'mine')
    const store = at(hub, bob)
    const batch = store.repo.batch()
    const blob = (text: string | Buffer) => batch.blob(Buffer.from(text))
    const entries = [
      { mode: '120000', name: 'link.md', oid: blob('/etc/passwd') },
      { mode: '100644', name: 'binary.md', oid: blob(Buffer.from([0, 1, 2])) },
      { mode: '100644', name: 'no-suffix', oid: blob('x') },
      { mode: '100644', name: 'large.md', oid: blob(Buffer.alloc(5 << 20, 97)) },
      { mode: '100644', name: '\u202egpj.md', oid: blob('x') },
    ]
    const tip = batch.commit({
      tree: batch.tree([{ mode: '040000', name: 'k', oid: batch.tree(entries) }]),
      parents: [],
      author: 'm <m> 1 +0000',
      committer: 'm <m> 1 +0000',
      message: 'x\n',
    })
    store.repo.save(batch)
    git(bob, 'push', '-q', 'origin', `${tip}:${MEMORY}`)
    await sync(at(hub, alice))
    const view = viewRef(at(hub, alice), MEMORY)
    expect([...view.all().keys()]).toEqual(['k/x'])
    expect(
      view
        .broken()
        .map(({ why }) => why)
        .sort(),
    ).toEqual(['binary', 'mode 120000', 'no front matter', 'no front matter', 'too large'])
    put(at(hub, alice), 'k/x', 'still works')
    await sync(at(hub, alice))
    await sync(at(hub, bob))
    expect(texts(at(hub, bob), 'k/x')).toEqual(['still works'])
    expect(git(bob, 'rev-parse', MEMORY)).toBe(git(alice, 'rev-parse', MEMORY))
  })
})

describe('undo', () => {
  const last = (store: Store) => {
    const [commit] = store.repo.log([MEMORY], { limit: 1 })
    if (commit === undefined) throw new Error('no commit')
    return commit
  }

  test('gives the former text back by a new write; of a first write a tombstone', () => {
    put(at(hub, alice), 'k/x', 'one')
    put(at(hub, alice), 'k/x', 'two')
    expect(isRefusal(undo(at(hub, alice), MEMORY, last(at(hub, alice))))).toBe(false)
    expect(texts(at(hub, alice), 'k/x')).toEqual(['one'])
    expect(historyOf(at(hub, alice), MEMORY, 'k/x').map((past) => past.live[0]?.doc.body)).toEqual([
      'one',
      'two',
      'one',
    ])
    put(at(hub, alice), 'k/y', 'new')
    undo(at(hub, alice), MEMORY, last(at(hub, alice)))
    expect(
      viewRef(at(hub, alice), MEMORY)
        .at('k/y')
        .map((live) => live.gone),
    ).toEqual([true])
  })

  test('is refused where somebody wrote on top', () => {
    put(at(hub, alice), 'k/x', 'one')
    const first = last(at(hub, alice))
    put(at(hub, alice), 'k/x', 'two')
    expect(undo(at(hub, alice), MEMORY, first)).toMatchObject({ refused: 'CONFLICT' })
    expect(texts(at(hub, alice), 'k/x')).toEqual(['two'])
  })
})

describe('linear refs', () => {
  const FLOW = 'refs/dstack/flow/payments'
  const step = (text: string) => ({ files: new Map([['state.md', text]]), subject: `flow: ${text}` })

  test('advance one step at a time; a stale step is an answer', () => {
    const first = advance(at(hub, alice), FLOW, null, step('Drafting'))
    expect(typeof first).toBe('string')
    expect(advance(at(hub, alice), FLOW, null, step('again'))).toMatchObject({ refused: 'CONTENDED' })
    advance(at(hub, alice), FLOW, String(first), step('Approved'))
    expect(readChain(at(hub, alice), FLOW)?.files.get('state.md')).toBe('Approved')
    expect(git(alice, 'log', '--format=%s', FLOW)).toBe('flow: Approved\nflow: Drafting\n')
  })

  test('followers read the tracking ref; a diverged one is reported as stale and overwrites nothing', async () => {
    const first = String(advance(at(hub, alice), FLOW, null, step('one')))
    await sync(at(hub, alice))
    await sync(at(hub, bob))
    expect(git(bob, 'for-each-ref', FLOW)).toBe('')
    expect(readChain(at(hub, bob), FLOW)?.tip).toBe(first)
    advance(at(hub, bob), FLOW, first, step('by bob'))
    advance(at(hub, alice), FLOW, first, step('by alice'))
    await sync(at(hub, bob))
    const report = await sync(at(hub, alice))
    expect(report.refs.find(({ ref }) => ref === FLOW)?.outcome).toBe('stale')
    expect(gitIn(hub.root, hub.bare, ['rev-parse', FLOW])).toBe(git(bob, 'rev-parse', FLOW))
  })
})

describe('evidence', () => {
  test('is a set of lines that unite; git shows it; a retracted line is gone', async () => {
    git(alice, 'commit', '-q', '--allow-empty', '-m', 'first')
    git(alice, 'push', '-q', 'origin', 'HEAD:main')
    git(bob, 'pull', '-q', 'origin', 'main')
    const head = git(alice, 'rev-parse', 'HEAD').trim()
    const line = attest(at(hub, alice), 'gate', head, { t: 'gate', ok: true })
    attest(at(hub, alice), 'gate', head, { t: 'gate', ok: true })
    attest(at(hub, bob), 'gate', head, { t: 'gate', ok: false })
    await sync(at(hub, alice))
    await sync(at(hub, bob))
    await sync(at(hub, alice))
    expect(
      evidenceOf(at(hub, alice), 'gate', head)
        .map((found) => found.ok)
        .sort(),
    ).toEqual([false, true])
    expect(git(alice, 'rev-parse', 'refs/notes/dstack/gate')).toBe(git(bob, 'rev-parse', 'refs/notes/dstack/gate'))
    expect(git(bob, 'log', '-1', '--notes=dstack/*')).toContain('"ok":true')
    attest(at(hub, bob), 'gate', head, { t: 'retract', of: line.id })
    expect(evidenceOf(at(hub, bob), 'gate', head).map((found) => found.ok)).toEqual([false])
  })

  test('a note that a person added at another depth is united with ours', async () => {
    git(alice, 'commit', '-q', '--allow-empty', '-m', 'first')
    const head = git(alice, 'rev-parse', 'HEAD').trim()
    git(alice, 'notes', '--ref=dstack/gate', 'add', '-m', 'looks fine', head)
    attest(at(hub, alice), 'gate', head, { t: 'gate', ok: true })
    const note = git(alice, 'notes', '--ref=dstack/gate', 'show', head)
    expect(note).toContain('looks fine')
    expect(note).toContain('"ok":true')
    expect(git(alice, 'ls-tree', '-r', '--name-only', 'refs/notes/dstack/gate').trim()).toBe(
      `${head.slice(0, 2)}/${head.slice(2)}`,
    )
  })
})

describe('an orphaned lock', () => {
  test('is cleared when it is old and nobody holds it; a fresh one is left alone', () => {
    put(at(hub, alice), 'k/x', 'one')
    const lock = join(alice.dir, '.git', `${MEMORY}.lock`)
    writeFileSync(lock, '')
    const hourAgo = Date.now() / 1000 - 3600
    utimesSync(lock, hourAgo, hourAgo)
    put(at(hub, alice), 'k/x', 'two')
    expect(texts(at(hub, alice), 'k/x')).toEqual(['two'])
    writeFileSync(lock, '')
    expect(code(() => put(at(hub, alice), 'k/x', 'three'))).toBe('CONTENDED')
    rmSync(lock)
    expect(texts(at(hub, alice), 'k/x')).toEqual(['two'])
  })
})

describe('carriers', () => {
  test('another clone by its folder: both sides are kept, nothing is taken away', async () => {
    put(at(hub, alice), 'k/a', 'a')
    put(at(hub, bob), 'k/b', 'b')
    await foldCarrier(at(hub, bob), alice.dir)
    expect([...viewRef(at(hub, bob), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
    expect(git(bob, 'for-each-ref', 'refs/dstack-local')).toBe('')
  })

  test('folding the same tip again changes nothing', async () => {
    put(at(hub, alice), 'k/a', 'a')
    await foldCarrier(at(hub, bob), alice.dir)
    const tip = git(bob, 'rev-parse', MEMORY)
    const store = at(hub, bob)
    expect(foldInto(store, MEMORY, tip.trim(), false, null).how).toBe('nothing')
    expect(git(bob, 'rev-parse', MEMORY)).toBe(tip)
  })
})

describe('what looks like a credential', () => {
  const token = `ghp_${'A1b2C3d4E5f6G7h8I9j0'}${'K1l2M3n4O5p6Q7r8'}`

  test('is refused before anything is written; a person can let a false alarm pass', () => {
    const decide = () => ({
      puts: [{ key: 'k/x', head: { type: 'memory' }, body: `the token is ${token}` }],
      subject: 's',
      result: null,
    })
    const refused = write(at(hub, alice), MEMORY, ['k/x'], decide)
    expect(refused).toMatchObject({ refused: 'SECRET' })
    expect(JSON.stringify(refused)).not.toContain(token)
    expect(texts(at(hub, alice), 'k/x')).toEqual([])
    const findings = isRefusal(refused) ? (refused.data?.findings as { fingerprint: string }[]) : []
    const [finding] = findings
    const allowed = write(at(hub, alice), MEMORY, ['k/x'], decide, {
      allowSecrets: new Set([finding?.fingerprint ?? '']),
    })
    expect(isRefusal(allowed)).toBe(false)
  })

  test('that got into a ref another way is not pushed on', async () => {
    put(at(hub, alice), 'k/x', 'harmless')
    await sync(at(hub, alice))
    const store = at(hub, alice)
    const batch = store.repo.batch()
    const blob = batch.blob(Buffer.from(`token: ${token}\n`))
    const tip = store.repo.tip(MEMORY) ?? ''
    const who = 'm <m@example.com> 1 +0000'
    const commit = batch.commit({
      tree: batch.tree([{ mode: '100644', name: 'x.md', oid: blob }]),
      parents: [tip],
      author: who,
      committer: who,
      message: 'x\n',
    })
    store.repo.save(batch)
    git(alice, 'update-ref', MEMORY, commit)
    const report = await sync(at(hub, alice))
    expect(report.refs.find(({ ref }) => ref === MEMORY)?.outcome).toBe('secret')
    expect(JSON.stringify(report)).not.toContain(token)
    expect(gitIn(hub.root, hub.bare, ['rev-parse', MEMORY]).trim()).toBe(tip)
  })
})
