// A green gate is never shown on a tree that was not tested: whatever git does to the commit afterwards.

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import { carryOver, checkRange, copyToCommit, mayCommit, reattach, runRecorded, verdictOf } from '../../src/gate/gate'
import { indexTree } from '../../src/git/git'
import { evidenceOf } from '../../src/store/store'
import { Gated, reasonOf, results, taskContext } from './place'

let at: Gated
beforeEach(() => {
  at = Gated.make()
})
afterEach(() => at.dispose())

/** What anybody is told of a commit. */
function told(rev = 'HEAD') {
  const verdict = at.verdict(rev)
  const oid = at.oid(rev)
  const earned = checkRange(at.store(), [oid, `^${oid}^`])[0]?.earned
  expect(verdictOf(at.store(), [oid]).get(oid) === 'green').toBe(verdict.green)
  expect(earned).toBe(verdict.green)
  return { validity: verdict.validity, green: verdict.green }
}

const write = (name: string, text: string) => writeFileSync(join(at.path, name), text)
const GREEN = { validity: 'valid', green: true }
const CARRIED = { validity: 'carried', green: false }
const STALE = { validity: 'stale', green: false }
const NONE = { validity: 'none', green: false }

test('staged, then committed: pre-commit looks it up, post-commit copies it; nothing runs again', async () => {
  write('src/b.txt', 'b\n')
  at.repo.git('add', '-A')
  const tree = at.repo.git('write-tree').trim()
  const before = mayCommit(at.store(), tree)
  expect(isRefusal(before) && before.hint).toBe('Run `git dstack gate run --staged`, then commit again.')
  // What lies in the working tree, and is not staged, has no part in it.
  write('src/b.txt', '\tbroken\n')
  const run = await at.ran('staged')
  expect(run).toMatchObject({ green: true, tree, commit: null, where: 'scratch checkout' })
  expect(mayCommit(at.store(), tree)).toMatchObject({ ok: true })
  at.repo.git('commit', '-q', '-m', 'b')
  expect(copyToCommit(at.store(), at.oid('HEAD'))).toMatchObject({ commit: at.oid('HEAD'), tree })
  expect(copyToCommit(at.store(), at.oid('HEAD'))).not.toBeNull()
  expect(evidenceOf(at.store(), 'gate', at.oid('HEAD'))).toHaveLength(1)
  expect(told()).toEqual(GREEN)
  expect(at.repo.git('log', '-1', '--notes=dstack/gate')).toContain('"t":"gate"')
  expect(readFileSync(join(at.path, 'src/b.txt'), 'utf8')).toBe('\tbroken\n')
  expect(at.repo.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
})

test('a red verdict on what is staged stops the commit and says why', async () => {
  write('src/b.txt', '\tb\n')
  at.repo.git('add', '-A')
  expect((await at.ran('staged')).green).toBe(false)
  const refused = mayCommit(at.store(), at.repo.git('write-tree').trim())
  expect(isRefusal(refused) && refused.message).toBe('What is staged did not pass: lint: It ended with 1, not with 0.')
})

test.each([
  ['an unstaged change', () => appendFileSync(join(at.path, 'src/a.txt'), '\t\n'), 'src/a.txt is changed'],
  ['a staged change', () => at.sh('printf "\\t" >> src/a.txt; git add -A'), 'src/a.txt is changed'],
  ['an untracked file', () => write('src/new', '\t\n'), 'src/new is untracked'],
  [
    'a hidden change',
    () => at.sh('git update-index --assume-unchanged src/a.txt; printf "\\t" >> src/a.txt'),
    'git was told not to look at src/a.txt',
  ],
  [
    'a skipped file',
    () => at.sh('git update-index --skip-worktree src/a.txt; printf "\\t" >> src/a.txt'),
    'git was told not to look at src/a.txt',
  ],
])('%s: HEAD is tested apart, and the verdict is of HEAD only', async (_name, change, why) => {
  change()
  const run = await at.ran('head')
  expect(run).toMatchObject({ where: 'scratch checkout', green: true, tree: at.oid('HEAD^{tree}') })
  expect(run.notes[0]).toBe(`What HEAD holds was checked, not the working tree: ${why}.`)
  at.sh('for flag in assume-unchanged skip-worktree; do git update-index --no-$flag src/a.txt; done; git add -A')
  const tree = indexTree(at.store().env, at.store().repo) ?? ''
  expect(isRefusal(mayCommit(at.store(), tree))).toBe(true)
  expect((await at.ran('staged')).green).toBe(false)
})

test('exactly HEAD: the working tree itself; when a check leaves something behind, nothing is noted', async () => {
  expect(await at.ran('head')).toMatchObject({ where: 'working tree', green: true, notes: [] })
  expect(told()).toEqual(GREEN)
  at.repo.commit('messy', { 'test.sh': 'echo > left\n' })
  const run = await at.run('head')
  expect(isRefusal(run) && run.message).toBe(
    'The working tree changed while the gate ran (left is untracked), so the verdict is of no tree and was not noted.',
  )
  expect(told()).toEqual(NONE)
})

test('a file with an old time and other bytes is a changed file', async () => {
  const path = join(at.path, 'src/a.txt')
  const then = new Date('2020-01-01')
  utimesSync(path, then, then)
  at.repo.git('status')
  writeFileSync(`${path}.new`, 'one\ntwo\nthrex\n')
  utimesSync(`${path}.new`, then, then)
  renameSync(`${path}.new`, path)
  at.repo.git('config', 'core.trustctime', 'false')
  at.repo.git('config', 'core.checkStat', 'minimal')
  expect((await at.ran('head')).where).toBe('scratch checkout')
})

test('amend: the message only stays green, other files do not; what follows is at most carried', async () => {
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  await at.ran('head')
  const first = at.oid('HEAD')
  at.repo.git('commit', '-q', '--amend', '-m', 'better words')
  // The tree has a verdict, so even without a hook it counts.
  expect(told()).toEqual(GREEN)
  expect(carryOver(at.store(), [{ from: first, to: at.oid('HEAD') }])).toEqual([at.oid('HEAD')])
  expect(told()).toEqual(GREEN)

  const second = at.oid('HEAD')
  write('src/b.txt', 'other\n')
  at.repo.git('commit', '-aq', '--amend', '--no-edit')
  expect(carryOver(at.store(), [{ from: second, to: at.oid('HEAD') }])).toEqual([])
  expect(told()).toEqual(NONE)
})

test('amend through the staged tree: the change begins at the parent, and is looked at from there', async () => {
  at.repo.commit('b', { 'src/b.txt': '// TODO later\n' })
  write('src/c.txt', 'c\n')
  at.repo.git('add', '-A')
  expect((await at.ran('staged')).green).toBe(true)
  at.repo.git('commit', '-q', '--amend', '--no-edit')
  copyToCommit(at.store(), at.oid('HEAD'))
  expect(at.verdict()).toMatchObject({ validity: 'valid', green: false })
  expect(at.verdict().why[0]).toMatch(/^todo: The change adds a to-do in src\/b\.txt:1/)
})

test('amend that changes blanks only: another patch, not carried', async () => {
  at.repo.commit('py', { 'src/a.py': 'if x:\n  a()\n  b()\n' })
  await at.ran('head')
  const from = at.oid('HEAD')
  write('src/a.py', 'if x:\n  a()\nb()\n')
  at.repo.git('commit', '-aq', '--amend', '--no-edit')
  carryOver(at.store(), [{ from, to: at.oid('HEAD') }])
  expect(told()).toEqual(NONE)
})

test('rebase: carried, never green; a red one is not carried to earned either', async () => {
  at.sh('git checkout -qb topic')
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  await at.ran('head')
  const from = at.oid('HEAD')
  at.sh('git checkout -q main')
  at.repo.commit('upstream breaks it', { 'test.sh': 'test ! -e src/b.txt\n' })
  at.sh('git checkout -q topic; git rebase -q main')
  expect(told()).toEqual(NONE)
  expect(carryOver(at.store(), [{ from, to: at.oid('HEAD') }])).toEqual([at.oid('HEAD')])
  // The test itself is another one now, so not even that.
  expect(told()).toEqual(STALE)
  expect(at.verdict().why).toContain('test was another check then.')
  expect((await at.ran({ commit: 'HEAD' })).green).toBe(false)
  expect(at.verdict()).toMatchObject({ validity: 'valid', green: false })
})

test('rebase onto something else: carried; earned only where the team takes that', async () => {
  at.sh('git checkout -qb topic')
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  await at.ran('head')
  const from = at.oid('HEAD')
  at.sh('git checkout -q main')
  at.repo.commit('upstream', { 'docs.txt': 'd\n' })
  at.sh('git checkout -q topic; git rebase -q main')
  carryOver(at.store(), [{ from, to: at.oid('HEAD') }])
  expect(told()).toEqual(CARRIED)
  expect(at.verdict().why[0]).toMatch(/^It was earned on the tree [0-9a-f]{12}, by the same patch\.$/)
  at.repo.git('config', 'dstack.gate.acceptCarried', 'true')
  expect(checkRange(at.store(), ['HEAD', '^HEAD^'])[0]).toMatchObject({ earned: true, validity: 'carried' })
  expect(verdictOf(at.store(), [at.oid('HEAD')]).get(at.oid('HEAD'))).toBe('absent')
  expect((await at.ran({ commit: 'HEAD' })).green).toBe(true)
  expect(told()).toEqual(GREEN)
})

test('squash merge: by tree it is found, by task alone it is stale', async () => {
  const context = taskContext({})
  at.sh('git checkout -qb topic')
  at.repo.commit('tokens 1.1-C01: a', { 'src/b.txt': 'b\n' })
  await at.ran('head', context)
  at.repo.commit('tokens 1.1-C01: b', { 'src/c.txt': 'c\n' })
  at.sh('git checkout -q main; git merge -q --squash topic; git commit -qm "all of it"')
  expect(told()).toEqual(NONE)
  at.sh('printf "all\\n\\nDstack-Slug: tokens\\nDstack-Task: 1.1-C01\\n" | git commit -q --amend -F -')
  expect(reattach(at.store(), ['HEAD', '^HEAD^'])).toMatchObject([{ by: 'task' }])
  expect(told()).toEqual(STALE)
  // The same tree as the topic's tip: tested there, it is tested.
  await at.ran({ commit: 'topic' }, context)
  expect(reattach(at.store(), ['HEAD', '^HEAD^'])).toMatchObject([{ by: 'tree', from: at.oid('topic') }])
  expect(told()).toEqual(GREEN)
  expect(reattach(at.store(), ['HEAD', '^HEAD^'])).toEqual([])
})

test('cherry-pick: found by patch, and only carried', async () => {
  at.sh('git checkout -qb topic')
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  await at.ran('head')
  at.sh('git checkout -q main')
  at.repo.commit('upstream', { 'docs.txt': 'd\n' })
  at.sh('git cherry-pick topic')
  expect(told()).toEqual(NONE)
  expect(reattach(at.store(), ['HEAD', '^HEAD^'])).toMatchObject([{ by: 'patch', from: at.oid('topic') }])
  expect(told()).toEqual(CARRIED)
})

test('revert: the former tree was tested, so it is green; on top of something else it is not', async () => {
  await at.ran('head')
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  at.sh('git revert --no-edit HEAD')
  expect(told()).toEqual(GREEN)
  at.repo.commit('c', { 'src/c.txt': 'c\n' })
  at.sh('git revert --no-edit HEAD~1')
  expect(told()).toEqual(NONE)
})

test.each([
  ['another command', () => at.repo.git('config', 'dstack.gate.test', 'true'), 'test was another check then.'],
  ['no such check', () => at.repo.git('config', 'dstack.gate.lint', 'none'), 'lint was another check then.'],
])('a weakened check (%s) makes the verdict stale', async (_name, weaken, why) => {
  await at.ran('head')
  weaken()
  expect(told()).toEqual(STALE)
  expect(at.verdict().why).toEqual([why])
})

test('a task that asks for more makes the verdict without it stale; the message is asked anew', async () => {
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  await at.ran('head')
  expect(at.verdict('HEAD', taskContext({ acceptance: ['path exists src/b.txt'] }))).toMatchObject(STALE)
  await at.ran('head', taskContext({ acceptance: ['path exists src/b.txt'] }))
  expect(at.verdict('HEAD', taskContext({ acceptance: ['path exists src/b.txt'] }))).toMatchObject({
    validity: 'valid',
    green: false,
    why: [
      'commit_prefix: The subject does not begin with "tokens 1.1-C01: ", and no trailer Dstack-Task names 1.1-C01.',
    ],
  })
  at.repo.git('commit', '-q', '--amend', '-m', 'tokens 1.1-C01: b')
  expect(at.verdict('HEAD', taskContext({ acceptance: ['path exists src/b.txt'] }))).toMatchObject(GREEN)
})

test('a line that names another tree proves nothing where somebody put it; own counts only own', async () => {
  await at.ran('head')
  const [line = ''] = at.repo.git('notes', '--ref=dstack/gate', 'show', 'HEAD').trim().split('\n')
  at.repo.commit('b', { 'src/b.txt': '\t\n' })
  at.repo.git('notes', '--ref=dstack/gate', 'add', '-m', line, 'HEAD')
  expect(told()).toEqual(STALE)
  expect(told('HEAD^')).toEqual(GREEN)
  at.repo.git('config', 'dstack.gate.accept', 'own')
  expect(told('HEAD^')).toEqual(GREEN)
  const bob = at.store({ GIT_AUTHOR_NAME: 'bob', GIT_AUTHOR_EMAIL: 'bob@example.com' })
  expect(verdictOf(bob, [at.oid('HEAD^')]).get(at.oid('HEAD^'))).toBe('absent')
})

test('the repository’s own filters, hooks and attributes do not run or hide anything', async () => {
  const canary = join(at.repo.root, 'canary')
  at.repo.commit('attributes', { '.gitattributes': '* filter=evil diff=evil\n' })
  at.repo.git('config', 'filter.evil.smudge', `touch ${canary}; cat`)
  at.repo.git('config', 'filter.evil.clean', `touch ${canary}; cat`)
  at.repo.git('config', 'diff.evil.textconv', `touch ${canary}; cat`)
  at.repo.git('config', 'core.fsmonitor', `touch ${canary}`)
  mkdirSync(join(at.path, '.git/hooks'), { recursive: true })
  for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction']) {
    writeFileSync(join(at.path, '.git/hooks', hook), `#!/bin/sh\ntouch ${canary}\n`)
    chmodSync(join(at.path, '.git/hooks', hook), 0o755)
  }
  await at.ran('head')
  await at.ran('staged')
  await at.ran({ commit: 'HEAD^' })
  reattach(at.store(), ['HEAD'])
  expect(existsSync(canary)).toBe(false)
})

test('a git in a check works on the checkout and can not move anything of the user', async () => {
  at.repo.commit('git', {
    'test.sh':
      'test "$(git ls-files | wc -l)" -eq 5 && git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x && git branch evil\n',
  })
  const head = at.oid('HEAD')
  expect(results(await at.ran({ commit: 'HEAD' })).test).toBe('pass')
  expect(at.oid('HEAD')).toBe(head)
  expect(at.repo.git('branch', '--list', 'evil')).toBe('')
})

test('evidence run: notes how a command ended; refuses on another tree', async () => {
  const done = await runRecorded(at.store(), 'echo hello; exit 3')
  expect(done).toMatchObject({ status: 3, output: 'hello\n', tree: at.oid('HEAD^{tree}') })
  expect(evidenceOf(at.store(), 'run', at.oid('HEAD'))).toMatchObject([{ t: 'run', status: 3 }])
  expect(told()).toEqual(NONE)
  write('new', '')
  expect(await runRecorded(at.store(), 'true')).toMatchObject({ refused: 'NOT_CLEAN' })
  at.sh('rm new')
  expect(await runRecorded(at.store(), 'touch new')).toMatchObject({ refused: 'NOT_CLEAN', data: { status: 0 } })
  expect(evidenceOf(at.store(), 'run', at.oid('HEAD'))).toHaveLength(1)
})

test('the first commit has no parent; a merge is looked at from its first', async () => {
  at.sh('git checkout -q --orphan other; git commit -qm root; git checkout -q main')
  const root = at.oid('other')
  await at.ran({ commit: root })
  expect(at.verdict('other')).toMatchObject(GREEN)
  expect(checkRange(at.store(), [root])).toMatchObject([{ commit: root, earned: true }])
  at.sh(
    'git checkout -qb side; echo s > s; git add s; git commit -qm s; git checkout -q main; git merge -q --no-ff --no-edit side',
  )
  const run = await at.ran('head')
  expect(run.line.base).toBe(at.oid('HEAD^1'))
  expect(reasonOf(run, 'todo')).toMatch(/^Nothing/)
  expect(told()).toEqual(GREEN)
})
