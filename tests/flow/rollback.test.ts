// Rollback: what goes, how, and when it is refused; then the same on real branches, pushed and not.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeEnv } from '../../src/env/node'
import { isRefusal, type Refusal } from '../../src/errors'
import { type MarkerEvent, markerMessage, readMarkers, rollbackOf } from '../../src/flow/markers'
import { recoverState } from '../../src/flow/recover'
import {
  confirm,
  planRollback,
  type RollbackFacts,
  type RollbackLeaf,
  type RollbackPlan,
  rollbackMessage,
} from '../../src/flow/rollback'
import { openRepo, type WorkCommit } from '../../src/git/git'
import type { Clone } from '../support/clone'
import { test as inWorld } from '../support/test'
import { branchOf, commitOf, oidOf, STATE } from './branch'

const digest = (text: string) => createHash('sha256').update(text).digest('hex')
const plan = (leaf: string) => markerMessage({ slug: 'pay', event: 'plan', leaf, state: STATE })
const complete = (leaf: string) => markerMessage({ slug: 'pay', event: 'complete', leaf, state: STATE })
const CONTRACT = [{ id: '1.0', title: 'Store', needs: [] }]

/** Base 1; leaf 1.0 is 2 to 4 and sealed, leaf 1.1 is 5 to 6 and running. */
const COMMITS: WorkCommit[] = branchOf('base', plan('1.0'), 'feat: one', complete('1.0'), plan('1.1'), 'feat: two')
  .map((commit) =>
    commit.subject.startsWith('feat') ? { ...commit, files: [{ path: commit.subject, status: 'A' }] } : commit,
  )
  .slice(1)

const LEAVES: RollbackLeaf[] = [
  { id: '1.0', order: 1, base: oidOf(1), status: 'sealed' },
  { id: '1.1', order: 2, base: oidOf(4), status: 'running' },
  { id: '1.2', order: 0, base: null, status: 'pending' },
]

function facts(changes: Partial<RollbackFacts> = {}): RollbackFacts {
  return {
    slug: 'pay',
    target: '1.0',
    leaves: LEAVES,
    commits: COMMITS,
    published: new Map(),
    head: oidOf(6),
    clean: true,
    branch: 'main',
    flowBranch: 'main',
    stateTip: STATE,
    now: new Date('2026-01-02T03:04:05.678Z'),
    digest,
    ...changes,
  }
}

function planned(changes: Partial<RollbackFacts> = {}): RollbackPlan {
  const found = planRollback(facts(changes))
  if (isRefusal(found)) throw new Error(found.message)
  return found
}

describe('the plan', () => {
  test('a sealed leaf and everything after it: reset, because nobody else has it', () => {
    const found = planned()
    expect(found).toMatchObject({
      mode: 'reset',
      to: oidOf(1),
      head: oidOf(6),
      files: ['feat: one', 'feat: two'],
      leaves: ['1.0', '1.1'],
      kept: [],
      again: null,
      backup: 'refs/dstack-local/backup/pay/20260102T030405Z',
    })
    expect(found.commits.map(({ oid, empty }) => [oid, empty])).toEqual([
      [oidOf(6), false],
      [oidOf(5), true],
      [oidOf(4), true],
      [oidOf(3), false],
      [oidOf(2), true],
    ])
    expect(found.token).toMatch(/^[0-9a-f]{8}$/)
  })

  test('a running leaf alone', () => {
    const found = planned({ target: '1.1', commits: COMMITS.slice(3) })
    expect(found).toMatchObject({ mode: 'reset', to: oidOf(4), leaves: ['1.1'], files: ['feat: two'] })
  })

  test.each(COMMITS.map(({ oid, subject }) => [subject, oid]))('revert, when a remote holds but "%s"', (_, oid) => {
    const found = planned({ published: new Map([[oid, ['refs/remotes/origin/main']]]) })
    expect(found).toMatchObject({ mode: 'revert', to: oidOf(6), again: null })
    expect(found.commits.find((commit) => commit.oid === oid)?.published).toEqual(['refs/remotes/origin/main'])
  })

  test("another flow's commits in between stay, so it is a revert", () => {
    const other = commitOf(7, 'feat: three\n\nDstack-Slug: other\n', { files: [{ path: 'theirs', status: 'M' }] })
    const found = planned({ commits: [...COMMITS, other], head: other.oid })
    expect(found).toMatchObject({ mode: 'revert', files: ['feat: one', 'feat: two'] })
    expect(found.kept.map(({ oid }) => oid)).toEqual([other.oid])
    expect(found.commits).toHaveLength(5)
  })

  test('a reset that takes an amendment with it says which marker has to be made again', () => {
    const amended = commitOf(7, markerMessage({ slug: 'pay', event: 'amend', state: STATE, leaves: CONTRACT }))
    const commits = [...COMMITS, amended]
    expect(planned({ commits, head: amended.oid }).again).toMatchObject({ oid: amended.oid, leaves: CONTRACT })
    const published = new Map([[oidOf(2), ['refs/remotes/origin/main']]])
    expect(planned({ commits, head: amended.oid, published }).again).toBe(null)
  })

  test('nothing was committed yet: only the state goes back', () => {
    const found = planned({ target: '1.1', commits: [], head: oidOf(4) })
    expect(found).toMatchObject({ mode: 'none', commits: [], leaves: ['1.1'], to: oidOf(4) })
  })

  test('a rollback whose state was never written is not made twice', () => {
    const undo = commitOf(7, rollbackMessage(planned({ published: new Map([[oidOf(2), ['r']]]) })))
    expect(planned({ commits: [...COMMITS, undo], head: undo.oid })).toMatchObject({ mode: 'none', to: undo.oid })
    const later = commitOf(8, 'feat: three', { files: [{ path: 'late', status: 'A' }] })
    const after = planned({ commits: [...COMMITS, undo, later], head: later.oid })
    expect(after).toMatchObject({ mode: 'reset', to: undo.oid, files: ['late'] })
    // One of a later leaf only does not count for this one.
    const partial = commitOf(7, rollbackMessage(planned({ target: '1.1', commits: COMMITS.slice(3) })))
    expect(planned({ commits: [...COMMITS, partial], head: partial.oid }).commits).toHaveLength(6)
  })

  test('keepCode: all commits stay, and the revert is there to void the markers', () => {
    const merge = commitOf(7, 'merge', { parents: [oidOf(6), oidOf(99)] })
    const found = planned({ keepCode: true, commits: [...COMMITS, merge], head: merge.oid })
    expect(found).toMatchObject({ mode: 'revert', commits: [], files: [], leaves: ['1.0', '1.1'] })
    expect(found.kept).toHaveLength(6)
    expect(rollbackMessage(found)).toBe(
      'Revert pay/phase 1.0\n\nDstack-Slug: pay\nDstack-Event: rollback 1.0\nDstack-Voids: 1.1\n',
    )
  })

  test('unpublished merges go with a reset', () => {
    const merge = commitOf(7, 'merge', { parents: [oidOf(6), oidOf(99)] })
    expect(planned({ commits: [...COMMITS, merge], head: merge.oid })).toMatchObject({ mode: 'reset', to: oidOf(1) })
  })
})

describe('refused', () => {
  const merge = commitOf(7, 'merge', { parents: [oidOf(6), oidOf(99)] })
  const undo = commitOf(7, 'Revert\n\nDstack-Slug: pay\nDstack-Event: rollback 1.0\n')
  const tangle = commitOf(8, 'merge', { parents: [undo.oid, oidOf(99)] })
  const cases: [string, Partial<RollbackFacts>, Refusal['refused'], RegExp][] = [
    ['an unknown leaf', { target: '9.9' }, 'NOT_FOUND', /no leaf 9\.9/],
    ['a pending one', { target: '1.2' }, 'REFUSED', /is pending/],
    [
      'a dropped one',
      { leaves: [{ id: '1.0', order: 1, base: oidOf(1), status: 'dropped' }] },
      'REFUSED',
      /is dropped/,
    ],
    ['no base', { leaves: [{ id: '1.0', order: 1, base: null, status: 'sealed' }] }, 'CORRUPT', /Nobody knows/],
    ['a dirty tree', { clean: false }, 'NOT_CLEAN', /not committed/],
    ['a detached HEAD', { branch: null }, 'REFUSED', /no branch/],
    ['another branch', { branch: 'topic' }, 'REFUSED', /HEAD is on topic; pay is on main/],
    ['a rewritten branch', { commits: [commitOf(7, 'x', { parents: [] })] }, 'REFUSED', /was rewritten/],
    ['HEAD below the base', { commits: [] }, 'REFUSED', /was rewritten/],
    [
      'a published merge',
      { commits: [...COMMITS, merge], published: new Map([[merge.oid, ['r']]]) },
      'REFUSED',
      /merge/,
    ],
    ['a merge after a rollback', { commits: [...COMMITS, undo, tangle] }, 'REFUSED', /merge/],
  ]
  test.each(cases)('%s', (_, changes, refused, message) => {
    const found = planRollback(facts(changes))
    expect(found).toMatchObject({ refused, message: expect.stringMatching(message) })
  })
})

describe('the token', () => {
  test('is another one as soon as anything is', () => {
    const more = commitOf(7, 'late', { files: [{ path: 'late', status: 'A' }] })
    const started = LEAVES.map(
      (leaf): RollbackLeaf => (leaf.id === '1.2' ? { ...leaf, order: 3, base: oidOf(6), status: 'running' } : leaf),
    )
    const others: Partial<RollbackFacts>[] = [
      {},
      { slug: 'other' },
      { target: '1.1', commits: COMMITS.slice(3) },
      { stateTip: oidOf(77) },
      { branch: 'topic', flowBranch: null },
      { leaves: started },
      { commits: [...COMMITS, more], head: more.oid },
      { published: new Map([[oidOf(2), ['refs/remotes/origin/main']]]) },
      { published: new Map([[oidOf(2), ['refs/remotes/origin/topic']]]) },
      { keepCode: true },
    ]
    expect(new Set(others.map((changes) => planned(changes).token)).size).toBe(others.length)
    expect(planned({ now: new Date() }).token).toBe(planned().token)
  })

  test('confirms this plan only', () => {
    const found = planned()
    expect(confirm(found, found.token)).toBe(null)
    expect(confirm(found, ` ${found.token.toUpperCase()}\n`)).toBe(null)
    expect(confirm(found, null)).toMatchObject({
      refused: 'REFUSED',
      message: expect.stringMatching(/Nothing was changed/),
    })
    expect(confirm(found, '')).toMatchObject({ refused: 'REFUSED' })
    expect(confirm(found, planned({ stateTip: oidOf(77) }).token)).toMatchObject({ refused: 'REFUSED' })
    // Nobody can copy the whole command out of the refusal.
    expect(JSON.stringify(confirm(found, '12345678'))).not.toContain(found.token)
  })
})

test('the message lists what goes, and voids what has to', () => {
  const message = rollbackMessage(planned())
  expect(message).toBe(
    `Revert pay/phase 1.0\n\nTakes back:\n- ${oidOf(6).slice(0, 12)} feat: two\n- ${oidOf(3).slice(0, 12)} feat: one\n\nDstack-Slug: pay\nDstack-Event: rollback 1.0\nDstack-Voids: 1.1\n`,
  )
  expect(rollbackOf(commitOf(7, message))).toEqual({ slug: 'pay', leaves: ['1.0', '1.1'] })
})

// --- on real branches -----------------------------------------------------------------------------------------------

const repoOf = (clone: Clone) => {
  const quiet = { json: false, data: () => undefined, say: () => undefined, columns: null, colour: false }
  const env = nodeEnv({ cwd: clone.path, vars: clone.vars(), out: { ...quiet, progress: () => () => undefined } })
  return openRepo(env)
}

/** Two leaves of one commit each, with their markers; the branch before each of them. */
async function twoLeaves(alice: Clone, between: () => Promise<void> = async () => undefined) {
  const head = async () => (await alice.tip('HEAD')) ?? ''
  const mark = async (event: MarkerEvent, leaf = '1.0') => {
    const more =
      event === 'plan' || event === 'complete'
        ? { event, leaf }
        : { event, leaves: [...CONTRACT, { id: '1.1', title: 'Server', needs: ['1.0'] }] }
    repoOf(alice).work.mark(markerMessage({ slug: 'pay', state: STATE, ...more }), {
      branch: 'main',
      expect: await head(),
    })
  }
  await mark('approve')
  const first = await head()
  await mark('plan', '1.0')
  await alice.commit('feat: store', { 'store.txt': 'one\n', 'README.md': '# store\n' })
  await mark('complete', '1.0')
  await between()
  const second = await head()
  await mark('plan', '1.1')
  await alice.commit('feat: server', { 'server.txt': 'one\n', 'store.txt': 'two\n' })
  return { first, second }
}

async function rollBack(alice: Clone, target: string, bases: { first: string; second: string }, second = 5) {
  const { work, digest } = repoOf(alice)
  const base = target === '1.0' ? bases.first : bases.second
  const { oid, branch } = work.head()
  const head = oid ?? ''
  const commits = work.commits({ from: base, to: head }, { files: true })
  const found = planRollback({
    slug: 'pay',
    target,
    leaves: [
      { id: '1.0', order: 1, base: bases.first, status: 'sealed' },
      { id: '1.1', order: 2, base: bases.second, status: 'running' },
    ],
    commits,
    published: work.publishedIn(commits.map((commit) => commit.oid)),
    head,
    clean: work.changes().length === 0 && work.inProgress() === null,
    branch,
    flowBranch: 'main',
    stateTip: STATE,
    now: new Date(Date.UTC(2026, 0, 2, 3, 4, second)),
    digest,
  })
  if (isRefusal(found)) return { found, done: null }
  work.backup(found.backup, head)
  const spot = { branch: found.branch, expect: head }
  const going = found.commits.map((commit) => commit.oid)
  const done = found.mode === 'reset' ? work.reset(found.to, head) : work.revert(going, rollbackMessage(found), spot)
  return { found, done }
}

const recovered = (alice: Clone) => {
  const { work } = repoOf(alice)
  const found = recoverState(readMarkers(work.commits({ from: null, to: work.head().oid ?? '' })), 'pay')
  return isRefusal(found) ? found : { leaves: found.leaves.map(({ status }) => status), problems: found.problems }
}

inWorld('nobody else has it: the branch goes back, and the backup keeps what was', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const bases = await twoLeaves(alice)
  const before = await alice.tip('HEAD')
  expect(recovered(alice)).toEqual({ leaves: ['sealed', 'running'], problems: [] })
  const one = await rollBack(alice, '1.1', bases)
  expect(one).toMatchObject({ found: { mode: 'reset', leaves: ['1.1'] }, done: null })
  expect(await alice.tip('HEAD')).toBe(bases.second)
  expect(await alice.tip('refs/dstack-local/backup/pay/20260102T030405Z')).toBe(before)
  expect(readFileSync(join(alice.path, 'store.txt'), 'utf8')).toBe('one\n')
  expect(recovered(alice)).toEqual({ leaves: ['sealed', 'pending'], problems: [] })
  expect(await alice.git('status', '--porcelain').text()).toBe('')
})

inWorld(
  'pushed: one commit takes both leaves back, and the branch alone tells it to every clone',
  async ({ world }) => {
    const [alice, bob] = await world.clones('alice', 'bob')
    const bases = await twoLeaves(alice)
    await alice.git('push', '-q', 'origin', 'main').ok()
    const before = await alice.tip('HEAD')
    expect(await rollBack(alice, '1.0', bases)).toMatchObject({ found: { mode: 'revert', leaves: ['1.0', '1.1'] } })
    expect(await alice.git('log', '-1', '--format=%P').text()).toBe(before)
    expect(await alice.git('diff', '--stat', bases.first, 'HEAD').text()).toBe('')
    expect(existsSync(join(alice.path, 'store.txt'))).toBe(false)
    await alice.git('push', '-q', 'origin', 'main').ok() // a fast-forward
    await bob.git('pull', '-q').ok()
    expect(recovered(bob)).toEqual({ leaves: ['pending', 'pending'], problems: [] })
    // Done again, and taken back again before it was pushed.
    const again = await twoLeaves(alice)
    expect(recovered(alice)).toEqual({ leaves: ['sealed', 'running'], problems: [] })
    expect(await rollBack(alice, '1.0', again, 6)).toMatchObject({ found: { mode: 'reset' }, done: null })
    expect(recovered(alice)).toEqual({ leaves: ['pending', 'pending'], problems: [] })
  },
)

inWorld("another flow's commit in between: kept, or named where it is in the way", async ({ world }) => {
  const [alice] = await world.clones('alice')
  const other = (files: Record<string, string>) => async () => {
    await alice.commit('fix: theirs\n\nDstack-Slug: other', files)
  }
  const bases = await twoLeaves(alice, other({ 'theirs.txt': 'x\n' }))
  expect(await rollBack(alice, '1.0', bases)).toMatchObject({
    found: { mode: 'revert', kept: [{ subject: 'fix: theirs' }] },
  })
  expect([existsSync(join(alice.path, 'theirs.txt')), existsSync(join(alice.path, 'store.txt'))]).toEqual([true, false])
  await alice.git('tag', 'before').ok()
  const entangled = await twoLeaves(alice, other({ 'README.md': '# theirs\n' }))
  const before = await alice.tip('HEAD')
  expect(await rollBack(alice, '1.0', entangled, 6)).toMatchObject({ done: { conflict: ['README.md'] } })
  expect(await alice.tip('HEAD')).toBe(before)
  expect(await alice.git('status', '--porcelain').text()).toBe('')
})

inWorld('a dirty tree: refused, and nothing happens', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const bases = await twoLeaves(alice)
  alice.write('store.txt', 'mine\n')
  expect(await rollBack(alice, '1.1', bases)).toMatchObject({ found: { refused: 'NOT_CLEAN' } })
  expect(readFileSync(join(alice.path, 'store.txt'), 'utf8')).toBe('mine\n')
})
