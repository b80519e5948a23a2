import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import * as memory from '../../src/memory/memory'
import { gitProvider } from '../../src/memory/places'
import type { Json } from '../../src/store/schema'
import { openStore } from '../../src/store/store'
import { providerContract } from './provider-contract'
import { Repo } from './repo'

const made: Repo[] = []
afterEach(() => {
  for (const repo of made.splice(0)) repo.dispose()
})

function repository(options: Parameters<typeof Repo.make>[0] = {}): Repo {
  const repo = Repo.make(options)
  made.push(repo)
  return repo
}

function done<T>(value: T): Exclude<T, { refused: unknown }> {
  if (isRefusal(value)) throw new Error(`${value.refused}: ${value.message}`)
  return value as Exclude<T, { refused: unknown }>
}

const files = (repo: Repo, ref = 'refs/dstack/memory') =>
  repo.git('ls-tree', '-r', '--name-only', ref).trim().split('\n')

providerContract('git', () =>
  gitProvider(openStore(repository().env()), { allowed: new Set(), optIn: true, personal: false }),
)

describe('one entry', () => {
  test('is a commit with a readable document', () => {
    const repo = repository()
    expect(done(memory.remember(repo.env(), { text: 'use pnpm', state: 'CONFIRMED' }))).toMatchObject({
      key: 'notes/build/use-pnpm',
      outcome: 'added',
    })
    expect(repo.git('log', '-1', '--format=%s%n%(trailers:key=Dstack-Key,valueonly)', 'refs/dstack/memory')).toBe(
      'memory: CONFIRMED notes/build/use-pnpm (alice)\nnotes/build/use-pnpm\n\n',
    )
    const [path = ''] = files(repo)
    expect(repo.git('show', `refs/dstack/memory:${path}`)).toContain('\n---\nuse pnpm\n')
    expect(done(memory.show(repo.env(), { key: 'notes/build/use-pnpm' })).entry).toMatchObject({
      text: 'use pnpm',
      state: 'CONFIRMED',
      by: expect.stringContaining('alice'),
      origin: 'work',
    })
  })

  test('a near-duplicate is found by what is there, also in entries of a moment ago', () => {
    const repo = repository()
    memory.remember(repo.env(), { text: 'The login page needs a CSRF token in every form', key: 'gotchas/auth/csrf' })
    const no = memory.remember(repo.env(), { text: 'Every form of the login page needs a CSRF token' })
    expect(no).toMatchObject({ refused: 'DUPLICATE', data: { key: 'gotchas/auth/csrf' } })
    expect(
      done(memory.remember(repo.env(), { text: 'Every form of the login page needs a CSRF token', forceNew: true }))
        .outcome,
    ).toBe('added')
  })

  test('is found by the only possible beginning of its key', () => {
    const repo = repository()
    for (const key of ['gotchas/auth/csrf', 'gotchas/auth/cors', 'ops/deploy/order'])
      memory.remember(repo.env(), { key, text: key, forceNew: true })
    expect(done(memory.confirm(repo.env(), { key: 'ops' })).key).toBe('ops/deploy/order')
    expect(memory.show(repo.env(), { key: 'gotchas/auth/c' })).toMatchObject({
      refused: 'AMBIGUOUS',
      data: { keys: ['gotchas/auth/cors', 'gotchas/auth/csrf'] },
    })
    expect(memory.show(repo.env(), { key: 'nothing' })).toMatchObject({ refused: 'NOT_FOUND' })
    expect(memory.show(repo.env(), { key: '../x' })).toMatchObject({ refused: 'BAD_KEY' })
  })

  test('history prints what was said first, also after it was forgotten', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'first' })
    memory.correct(repo.env(), { key: 'a/b/c', text: 'second', reason: 'wrong' })
    memory.forget(repo.env(), { key: 'a/b/c', reason: 'over' })
    const past = done(memory.history(repo.env(), { key: 'a/b/c' }))
    expect(past.map(({ subject, versions }) => [subject, versions[0]?.text, versions[0]?.gone])).toEqual([
      ['memory: forget a/b/c (alice)', '', true],
      ['memory: correct a/b/c (alice)', 'second', false],
      ['memory: INFERRED a/b/c (alice)', 'first', false],
    ])
    expect(memory.show(repo.env(), { key: 'a/b/c' })).toMatchObject({
      refused: 'NOT_FOUND',
      message: 'a/b/c was forgotten.',
    })
  })

  test('a rename is followed by name', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'x' })
    done(memory.correct(repo.env(), { key: 'a/b/c', rename: 'a/b/d' }))
    expect(memory.show(repo.env(), { key: 'a/b/c' })).toMatchObject({ refused: 'NOT_FOUND', data: { moved: 'a/b/d' } })
    expect(memory.correct(repo.env(), { key: 'a/b/d', rename: '../x' })).toMatchObject({ refused: 'BAD_KEY' })
  })

  test('past its expiry it is UNCERTAIN', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'x', state: 'CONFIRMED', expires: '30d' })
    const later = { DSTACK_TEST_NOW: '2027-01-01T00:00:00Z' }
    expect(done(memory.show(repo.env(), { key: 'a/b/c' })).entry).toMatchObject({
      state: 'CONFIRMED',
      expired: false,
      expires: '2026-12-20',
    })
    expect(memory.list(repo.env(later))).toMatchObject([{ state: 'UNCERTAIN', expired: true }])
  })

  test('what looks like a credential is refused; a fingerprint lets it pass', () => {
    const repo = repository()
    const text = `the token is ghp_${'16C7e42F292c6912E7710c838347Ae178B4a'}`
    const no = memory.remember(repo.env(), { text })
    expect(no).toMatchObject({ refused: 'SECRET' })
    const fingerprint = /--allow-secret ([0-9a-f]+)/.exec((no as { hint: string }).hint)?.[1] ?? ''
    done(memory.remember(repo.env(), { text, allowSecrets: [fingerprint] }))
  })

  test('in a shell of an agent nothing is CONFIRMED', () => {
    const repo = repository()
    const agent = { CLAUDECODE: '1' }
    expect(done(memory.remember(repo.env(agent), { key: 'a/b/c', text: 'x', state: 'CONFIRMED' })).notes).toHaveLength(
      1,
    )
    done(memory.confirm(repo.env(), { key: 'a/b/c' }))
    expect(memory.forget(repo.env(agent), { key: 'a/b/c' })).toMatchObject({ refused: 'STATE_RANK' })
    expect(done(memory.show(repo.env(), { key: 'a/b/c' })).entry).toMatchObject({
      source: { kind: 'agent', tool: 'claude-code' },
      confirmed: ['alice'],
    })
  })
})

describe('a repository that nobody opted in', () => {
  test('is read, and stays untouched', () => {
    const repo = repository({ enabled: false })
    expect(memory.list(repo.env())).toEqual([])
    expect(memory.recall(repo.env(), { query: 'anything at all' })).toEqual({ answers: [], gap: true, tokens: 0 })
    expect(() => memory.remember(repo.env(), { text: 'x' })).toThrowError(
      expect.objectContaining({ code: 'NOT_INITIALISED' }),
    )
    expect(existsSync(join(repo.path, '.git/dstack'))).toBe(false)
    expect(repo.git('for-each-ref')).toBe('')
  })
})

describe('recall', () => {
  const filled = () => {
    const repo = repository()
    const entries: [string, string, object?][] = [
      [
        'gotchas/auth/token-refresh',
        'Two tabs refresh the token at once; take the lock first.',
        { paths: ['src/auth/**'] },
      ],
      ['decisions/build/pnpm', 'We use pnpm because npm resolves the workspace differently.', { state: 'CONFIRMED' }],
      ['ops/deploy/order', 'Deploy the library before its servers.', { tags: ['deploy'] }],
      ['notes/misc/maybe', 'Perhaps the pnpm store is too old.', { proposed: true }],
    ]
    for (const [key, text, more] of entries) done(memory.remember(repo.env(), { key, text, forceNew: true, ...more }))
    return repo
  }
  const keys = (found: memory.Recalled) => found.answers.map(({ entry }) => entry.key)

  test('finds by a word of the key and of the text, in any case, and says why', () => {
    const repo = filled()
    const found = memory.recall(repo.env(), { query: 'PNPM workspace' })
    expect(keys(found)[0]).toBe('decisions/build/pnpm')
    expect(found.answers[0]?.reasons.join(' ')).toContain('PNPM (key, text)')
    expect(keys(memory.recall(repo.env(), { query: 'refresh' }))[0]).toBe('gotchas/auth/token-refresh')
    expect(found.answers[0]?.entry).toMatchObject({
      scope: 'repository',
      source: { kind: 'person' },
      versions: 1,
      helped: 0,
      type: 'memory',
      links: [],
    })
  })

  test('what is proposed waits for a yes', () => {
    const repo = filled()
    expect(keys(memory.recall(repo.env(), { query: 'pnpm store old' }))).not.toContain('notes/misc/maybe')
    done(memory.accept(repo.env(), { key: 'notes/misc/maybe' }))
    expect(keys(memory.recall(repo.env(), { query: 'pnpm store old' }))[0]).toBe('notes/misc/maybe')
  })

  test('the index is kept, caught up, and made anew when it is damaged or gone', () => {
    const repo = filled()
    const index = join(repo.path, '.git/dstack/cache/memory.index')
    const ask = () => keys(memory.recall(repo.env(), { query: 'deploy servers library' }))
    expect(ask()).toEqual(['ops/deploy/order'])
    const before = readFileSync(index)
    memory.correct(repo.env(), { key: 'ops/deploy/order', text: 'Deploy the servers after the library, one by one.' })
    done(
      memory.remember(repo.env(), {
        key: 'ops/deploy/when',
        text: 'On Mondays we deploy: first the library, at noon the servers.',
        forceNew: true,
      }),
    )
    expect(ask()).toEqual(expect.arrayContaining(['ops/deploy/order', 'ops/deploy/when']))
    memory.forget(repo.env(), { key: 'ops/deploy/when' })
    expect(ask()).toEqual(['ops/deploy/order'])
    // Nothing of this needed a new index.
    expect(readFileSync(index).equals(before)).toBe(true)
    writeFileSync(index, before.subarray(0, before.length / 2))
    expect(ask()).toEqual(['ops/deploy/order'])
    rmSync(index)
    expect(ask()).toEqual(['ops/deploy/order'])
    const garbled = readFileSync(index)
    garbled.fill(7, 10, garbled.length / 2)
    writeFileSync(index, garbled)
    expect(ask()).toEqual(['ops/deploy/order'])
  })

  test('works where nothing can be written, and moves no ref', () => {
    const repo = filled()
    const before = repo.git('for-each-ref')
    rmSync(join(repo.path, '.git/dstack/cache'), { recursive: true, force: true })
    chmodSync(join(repo.path, '.git/dstack'), 0o500)
    try {
      expect(keys(memory.recall(repo.env(), { query: 'token lock' }))[0]).toBe('gotchas/auth/token-refresh')
    } finally {
      chmodSync(join(repo.path, '.git/dstack'), 0o700)
    }
    expect(repo.git('for-each-ref')).toBe(before)
  })

  test('the same entry after a plain fetch', () => {
    const repo = filled()
    const bare = join(repo.root, 'remote.git')
    repo.git('init', '-q', '--bare', bare)
    repo.git('push', '-q', bare, 'refs/dstack/*:refs/dstack/*')
    const other = repository()
    other.git('remote', 'add', 'origin', bare)
    other.git('config', 'dstack.remote', 'origin')
    other.git('fetch', '-q', 'origin', '+refs/dstack/*:refs/dstack-remotes/origin/state/*')
    expect(keys(memory.recall(other.env(), { query: 'token lock' }))[0]).toBe('gotchas/auth/token-refresh')
    memory.remember(other.env(), { key: 'mine/only/here', text: 'The lock lives in the token store.' })
    repo.git('fetch', '-q', other.path, '+refs/dstack/memory:refs/dstack-remotes/origin/state/memory')
    repo.git('config', 'dstack.remote', 'origin')
    memory.remember(repo.env(), { key: 'mine/only/there', text: 'Nothing in common.' })
    expect(memory.list(repo.env()).map(({ key }) => key)).toContain('mine/only/here')
  })
})

describe('counts', () => {
  test('what was asked in vain is listed at once, travels with the next write, and goes when it has an answer', () => {
    const repo = repository()
    memory.recall(repo.env(), { query: 'How do I rotate the signing keys?' })
    memory.recall(repo.env(), { query: 'how do i rotate  the SIGNING keys' })
    memory.recall(repo.env(), { query: 'not noted', silent: true })
    const gap = { question: 'how do i rotate the signing keys', count: 2 }
    expect(memory.gaps(repo.env())).toEqual([gap])
    memory.remember(repo.env(), { key: 'a/b/c', text: 'Something else entirely.' })
    expect(files(repo).filter((path) => path.startsWith('usage/'))).toHaveLength(1)
    expect(readdirSync(join(repo.path, '.git/dstack/usage'))).toEqual([])
    expect(memory.gaps(repo.env())).toEqual([gap])
    memory.remember(repo.env(), { key: 'ops/keys/rotate', text: 'To rotate the signing keys, run `make rotate-keys`.' })
    expect(memory.gaps(repo.env())).toEqual([])
  })

  test('what helped is counted once, is shown at once, and reaches the ranking', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'Take the lock before the refresh.' })
    memory.recall(repo.env(), { query: 'lock' })
    expect(done(memory.helped(repo.env(), { key: 'a/b/c' }))).toEqual({ key: 'a/b/c', scope: 'repository', helped: 1 })
    expect(done(memory.show(repo.env(), { key: 'a/b/c' })).entry.helped).toBe(1)
    memory.remember(repo.env(), { key: 'a/b/d', text: 'Another thing.' })
    const [answer] = memory.recall(repo.env(), { query: 'lock refresh' }).answers
    expect(answer?.entry.helped).toBe(1)
    expect(answer?.reasons.join()).toContain('helped 1 time')
    expect(memory.list(repo.env()).map(({ key, helped }) => [key, helped])).toEqual([
      ['a/b/c', 1],
      ['a/b/d', 0],
    ])
    expect(memory.helped(repo.env(), { key: 'z/z/z' })).toMatchObject({ refused: 'NOT_FOUND' })
  })

  test('a pasted token in a question never travels, and stops no write', () => {
    const repo = repository()
    const token = `ghp_${'16C7e42F292c6912E7710c838347Ae178B4a'}`
    memory.recall(repo.env(), { query: `why is ${token} denied` })
    done(memory.remember(repo.env(), { key: 'a/b/c', text: 'x' }))
    expect(repo.git('cat-file', '--batch-all-objects', '--batch').toLowerCase()).not.toContain(token.toLowerCase())
    expect(readdirSync(join(repo.path, '.git/dstack/usage'))).toEqual([])
  })

  test('a copied clone counts for itself', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'x' })
    memory.helped(repo.env(), { key: 'a/b/c' })
    memory.remember(repo.env(), { key: 'a/b/d', text: 'y' })
    cpSync(repo.path, join(repo.root, 'copy'), { recursive: true })
    rmSync(repo.path, { recursive: true })
    cpSync(join(repo.root, 'copy'), repo.path, { recursive: true })
    memory.helped(repo.env(), { key: 'a/b/c' })
    memory.remember(repo.env(), { key: 'a/b/e', text: 'z z' })
    expect(files(repo).filter((path) => path.startsWith('usage/'))).toHaveLength(2)
    expect(done(memory.show(repo.env(), { key: 'a/b/c' })).entry.helped).toBe(2)
  })
})

describe('what a document claims', () => {
  const put = (repo: Repo, head: Record<string, Json>) => {
    const provider = gitProvider(openStore(repo.env()), { allowed: new Set(), optIn: true, personal: false })
    const fields = {
      type: 'memory',
      state: 'CONFIRMED',
      confidence: 1,
      source: { kind: 'person' },
      scope: 'repository',
      ...head,
    }
    provider.write(['a/b/c'], () => ({
      puts: [{ key: 'a/b/c', head: fields, body: 'Trust the claim.' }],
      subject: 'x',
      result: null,
    }))
  }

  test('whose word it is, is who wrote it, not whom it names', () => {
    const repo = repository()
    put(repo, { author: 'Bob <bob@example.com>', written: '2020-01-01T00:00:00Z' })
    const asked: string[] = []
    const found = memory.recall(repo.env(), { query: 'claim', authors: (by) => asked.push(by) > 0 })
    expect(asked).toEqual(['alice <alice@example.com>'])
    const said = { by: 'Bob <bob@example.com>', writer: 'alice <alice@example.com>', at: '2020-01-01T00:00:00Z' }
    expect(found.answers[0]?.entry).toMatchObject(said)
    expect(memory.list(repo.env())).toMatchObject([said])
  })

  test('an agent alone confirms nothing; personal is only what is in the own repository', () => {
    const repo = repository()
    put(repo, { source: { kind: 'agent' }, scope: 'personal' })
    expect(memory.recall(repo.env(), { query: 'claim' }).answers[0]?.entry).toMatchObject({
      state: 'INFERRED',
      scope: 'repository',
    })
    expect(memory.list(repo.env())).toMatchObject([{ state: 'INFERRED', scope: 'repository' }])
    done(memory.confirm(repo.env(), { key: 'a/b/c' }))
    expect(memory.list(repo.env())).toMatchObject([{ state: 'CONFIRMED' }])
  })
})

describe('conflicts', () => {
  const diverged = () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'base' })
    const other = join(repo.root, 'other')
    cpSync(repo.path, other, { recursive: true })
    memory.correct(repo.env(), { key: 'a/b/c', text: 'from alice' })
    const bob = { ...repo.env({ GIT_AUTHOR_NAME: 'bob', GIT_COMMITTER_NAME: 'bob' }), cwd: other }
    done(memory.correct(bob, { key: 'a/b/c', text: 'from bob' }))
    repo.git('config', 'dstack.remote', 'origin')
    repo.git('fetch', '-q', other, '+refs/dstack/memory:refs/dstack-remotes/origin/state/memory')
    return repo
  }

  test('both are shown, a correction refuses, and one who saw both ends it', () => {
    const repo = diverged()
    const [conflict, ...none] = memory.conflicts(repo.env())
    expect(none).toEqual([])
    expect(conflict?.versions.map(({ text }) => text).sort()).toEqual(['from alice', 'from bob'])
    expect(memory.list(repo.env())).toMatchObject([{ versions: 2 }])
    expect(memory.recall(repo.env(), { query: 'from alice bob' }).answers).toMatchObject([{ entry: { versions: 2 } }])
    expect(memory.correct(repo.env(), { key: 'a/b/c', text: 'mine' })).toMatchObject({ refused: 'CONFLICT' })
    const bobs = conflict?.versions.find(({ text }) => text === 'from bob')?.oid
    expect(done(memory.resolve(repo.env(), { key: 'a/b/c', take: String(bobs).slice(0, 8) })).outcome).toBe('resolved')
    expect(memory.conflicts(repo.env())).toEqual([])
    expect(memory.list(repo.env())).toMatchObject([{ text: 'from bob', versions: 1 }])
  })
})

describe('proposals', () => {
  test('a finished piece of work proposes; nothing is saved without a yes; a no is remembered', () => {
    const repo = repository()
    repo.commit('start', { 'README.md': 'x' })
    const base = repo.git('rev-parse', 'HEAD').trim()
    repo.commit('fix(auth): refresh once\n\nIt failed because two tabs refreshed at once.', {
      'src/auth/token.ts': '1',
    })
    repo.commit('feat: ledger\n\nDecision: amounts are integers, see `src/gone.ts`.', { 'src/ledger/money.ts': '1' })
    const { proposals, commits } = done(memory.lessons(repo.env(), base))
    expect([commits, proposals.map(({ entry }) => entry.key)]).toEqual([
      2,
      ['gotchas/auth/refresh-once', 'decisions/ledger/amounts-are-integers-see-src-gone'],
    ])
    expect(repo.git('for-each-ref', 'refs/dstack')).toBe('')

    expect(done(memory.keepLessons(repo.env(), proposals, true)).added).toHaveLength(2)
    // What cites a missing file stays a proposal.
    expect(memory.proposals(repo.env()).map(({ key, dangling }) => [key, dangling])).toEqual([
      ['decisions/ledger/amounts-are-integers-see-src-gone', ['src/gone.ts']],
    ])
    const key = 'decisions/ledger/amounts-are-integers-see-src-gone'
    expect(memory.accept(repo.env(), { key })).toMatchObject({
      refused: 'REFUSED',
      data: { dangling: ['src/gone.ts'] },
    })
    done(memory.reject(repo.env(), { key, reason: 'no' }))
    expect(done(memory.lessons(repo.env(), base)).proposals).toEqual([])
    expect(() => memory.lessons(repo.env(), '--output=x')).toThrowError(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  test('[LEARN] lines of an assistant wait for a person', () => {
    const repo = repository()
    const agent = { CLAUDECODE: '1' }
    const found = memory.lessonsIn(
      repo.env(agent),
      '[LEARN] Testing: vitest run in CI\nMistake: watch mode\nCorrection: vitest run',
    )
    done(memory.keepLessons(repo.env(agent), found, true))
    expect(memory.recall(repo.env(), { query: 'vitest watch mode' }).answers).toEqual([])
    const [proposal] = memory.proposals(repo.env())
    done(memory.accept(repo.env(), { key: proposal?.key ?? '' }))
    expect(memory.recall(repo.env(), { query: 'vitest watch mode' }).answers[0]?.text).toContain('Mistake: watch mode')
  })

  test('a missing path or commit is marked where entries are shown', () => {
    const repo = repository()
    const oid = repo.commit('start', { 'src/a.ts': 'x' })
    memory.remember(repo.env(), {
      key: 'a/b/c',
      text: 'See `src/a.ts` and `src/b.ts`.',
      links: [`sha1:${oid}`, 'sha1:0123456789abcdef'],
      paths: ['src/**', 'lib/**'],
    })
    expect(memory.list(repo.env())[0]?.dangling).toEqual(['src/b.ts', 'lib/**', '0123456789abcdef'])
    expect(memory.recall(repo.env(), { query: 'see', ground: true }).answers[0]?.entry.dangling).toHaveLength(3)
  })
})

describe('scopes', () => {
  test('what is personal lives in a repository of its own, and is found beside the rest', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'The team says: tabs.' })
    memory.remember(repo.env(), { key: 'a/b/c', text: 'I like spaces.', scope: 'personal' })
    expect(memory.list(repo.env()).map(({ scope, text }) => [scope, text])).toEqual([
      ['repository', 'The team says: tabs.'],
      ['personal', 'I like spaces.'],
    ])
    expect(memory.recall(repo.env(), { query: 'spaces' }).answers[0]?.entry).toMatchObject({
      key: 'a/b/c',
      scope: 'personal',
    })
    expect(memory.recall(repo.env(), { query: 'spaces', scope: 'repository' }).answers).toEqual([])
    expect(repo.git('cat-file', '--batch-all-objects', '--batch')).not.toContain('spaces')
    const own = join(repo.root, 'home/.local/share/dstack/personal.git')
    expect(repo.git('--git-dir', own, 'log', '-1', '--format=%s', 'refs/dstack/memory')).toBe(
      'memory: INFERRED a/b/c (alice)\n',
    )
    repo.git('--git-dir', own, 'fsck', '--strict')
    expect(done(memory.forget(repo.env(), { key: 'a/b/c', scope: 'personal' })).outcome).toBe('forgotten')
    expect(memory.list(repo.env(), { scope: 'personal' })).toEqual([])
  })

  test('also when GIT_DIR names the project', () => {
    const repo = repository()
    memory.remember(repo.env({ GIT_DIR: join(repo.path, '.git') }), {
      key: 'a/b/c',
      text: 'mine alone',
      scope: 'personal',
    })
    expect(repo.git('for-each-ref')).toBe('')
  })

  test('the same key for the workspace is another entry', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'here' })
    memory.remember(repo.env(), { key: 'a/b/c', text: 'everywhere', scope: 'workspace', forceNew: true })
    expect(done(memory.show(repo.env(), { key: 'a/b/c' })).entry.text).toBe('here')
    expect(done(memory.show(repo.env(), { key: 'a/b/c', scope: 'workspace' })).entry.text).toBe('everywhere')
    expect(memory.recall(repo.env(), { query: 'everywhere' }).answers[0]?.entry).toMatchObject({
      key: 'a/b/c',
      scope: 'workspace',
    })
    expect(done(memory.forget(repo.env(), { key: 'workspace/a/b/c' })).scope).toBe('workspace')
  })
})

describe('other programs', () => {
  test('an export, imported into an empty repository, is the same export', () => {
    const repo = repository()
    memory.remember(repo.env(), {
      key: 'a/b/c',
      text: 'one',
      state: 'CONFIRMED',
      tags: ['x'],
      expires: '1y',
      links: ['plan:p'],
    })
    memory.remember(repo.env(), { key: 'a/b/d', text: 'two\n\n- with a list', scope: 'workspace', pin: true })
    memory.confirm(repo.env({ GIT_AUTHOR_NAME: 'bob' }), { key: 'a/b/c' })
    memory.remember(repo.env(), { key: 'a/b/mine', text: 'three', scope: 'personal' })
    memory.remember(repo.env(), { key: 'a/b/maybe', text: 'four', proposed: true })
    const first = done(memory.handOut(repo.env(), {}))
    expect(first.entries).toBe(2)
    for (const format of ['json', 'markdown'] as const) {
      const other = repository()
      const to = join(other.root, format === 'json' ? 'memory.json' : 'folder')
      done(memory.handOut(repo.env(), { format, to }))
      expect(done(memory.bringIn(other.env(), { path: to }))).toMatchObject({
        format,
        added: ['a/b/c', 'workspace/a/b/d'],
        refusals: [],
        skipped: [],
      })
      expect(done(memory.handOut(other.env(), {})).text).toBe(first.text)
      expect(done(memory.bringIn(other.env(), { path: to }))).toMatchObject({
        added: [],
        updated: [],
        same: expect.arrayContaining(['a/b/c']),
      })
      expect(other.git('rev-list', '--count', 'refs/dstack/memory')).toBe('1\n')
    }
  })

  test('a dry run says what would be, and writes nothing', () => {
    const repo = repository()
    const path = join(import.meta.dirname, '../fixtures/formats/mcp-memory.jsonl')
    expect(done(memory.bringIn(repo.env(), { path, dryRun: true }))).toMatchObject({
      format: 'mcp',
      added: expect.arrayContaining(['entities/person/mira-okafor']),
    })
    expect(repo.git('for-each-ref')).toBe('')
    done(memory.bringIn(repo.env(), { path, proposed: true }))
    expect(memory.proposals(repo.env())).toHaveLength(5)
  })

  test('a folder with links, binary files and other things in it', () => {
    const repo = repository()
    const folder = join(repo.root, 'notes')
    mkdirSync(join(folder, 'a'), { recursive: true })
    writeFileSync(join(folder, 'a/good.md'), 'Fine.')
    writeFileSync(join(folder, 'a/binary.md'), Buffer.from([0xff, 0xfe, 0, 1, 2]))
    writeFileSync(join(folder, 'a/picture.png'), 'x')
    writeFileSync(join(repo.root, 'secret.md'), 'outside')
    symlinkSync(join(repo.root, 'secret.md'), join(folder, 'a/link.md'))
    const brought = done(memory.bringIn(repo.env(), { path: folder }))
    expect(brought).toMatchObject({
      format: 'markdown',
      added: ['a/good'],
      skipped: [{ where: 'a/binary.md', why: 'the text holds bytes that are not text' }],
    })
    expect(() => memory.bringIn(repo.env(), { path: join(repo.root, 'nothing') })).toThrowError(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
  })

  test('AGENTS.md keeps what is not ours; an export never follows a link out of its folder', () => {
    const repo = repository()
    memory.remember(repo.env(), { key: 'a/b/c', text: 'one' })
    writeFileSync(join(repo.path, 'AGENTS.md'), '# Mine\n')
    done(memory.handOut(repo.env(), { format: 'agents', to: 'AGENTS.md' }))
    done(memory.handOut(repo.env(), { format: 'agents', to: 'AGENTS.md' }))
    const text = readFileSync(join(repo.path, 'AGENTS.md'), 'utf8')
    expect(text.startsWith('# Mine\n')).toBe(true)
    expect(text.match(/`a\/b\/c`/g)).toHaveLength(1)
    mkdirSync(join(repo.root, 'out'))
    symlinkSync(repo.root, join(repo.root, 'out/a'))
    expect(() => memory.handOut(repo.env(), { format: 'markdown', to: join(repo.root, 'out') })).toThrowError(
      expect.objectContaining({ code: 'REFUSED' }),
    )
    expect(memory.handOut(repo.env(), { format: 'markdown' })).toMatchObject({ refused: 'USAGE' })
    expect(memory.handOut(repo.env(), { format: 'xml' })).toMatchObject({ refused: 'USAGE' })
  })
})

describe('the file provider', () => {
  test('serves outside of any repository, by the same verbs', () => {
    const repo = repository()
    const outside = join(repo.root, 'nowhere')
    mkdirSync(outside)
    const env = (more = {}) => ({ ...repo.env({ DSTACK_MEMORY_PROVIDER: 'file', ...more }), cwd: outside })
    done(memory.remember(env(), { key: 'a/b/c', text: 'Kept in a file.' }))
    expect(readFileSync(join(repo.root, 'home/.local/share/dstack/memory/a/b/c.md'), 'utf8')).toContain(
      'Kept in a file.',
    )
    expect(memory.recall(env(), { query: 'kept file' }).answers[0]?.entry.key).toBe('a/b/c')
    expect(memory.history(env(), { key: 'a/b/c' })).toMatchObject({ refused: 'ILLEGAL' })
    expect(() => memory.list(env({ DSTACK_MEMORY_PROVIDER: 'eruka' }))).toThrowError()
    expect(() => memory.list(repo.env({ DSTACK_MEMORY_PROVIDER: 'eruka' }))).toThrowError(
      expect.objectContaining({ code: 'BAD_CONFIG' }),
    )
  })

  test("a repository's own configuration sends memory nowhere else", () => {
    const repo = repository()
    repo.git('config', 'dstack.memoryProvider', 'file')
    repo.git('config', 'dstack.memoryPath', repo.root)
    memory.remember(repo.env(), { key: 'a/b/c', text: 'x' })
    expect(files(repo)).toHaveLength(1)
  })
})
