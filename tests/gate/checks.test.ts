// Each of the seven checks on a real tree: one that passes and one that fails.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { GateContext } from '../../src/gate/gate'
import { Gated, reasonOf, results, taskContext } from './place'

let at: Gated
beforeEach(() => {
  at = Gated.make()
})
afterEach(() => at.dispose())

interface Case {
  check: string
  files: Record<string, string>
  message?: string
  context?: GateContext
  commands?: string[]
  result: string
  reason: string | RegExp
}

const CASES: Case[] = [
  { check: 'lint', files: { 'src/b': 'b\n' }, result: 'pass', reason: 'It ended with 0.' },
  { check: 'lint', files: { 'src/b': '\tb\n' }, result: 'fail', reason: 'It ended with 1, not with 0.' },
  { check: 'test', files: { 'src/b': 'b\n' }, result: 'pass', reason: 'It ended with 0.' },
  { check: 'test', files: { 'test.sh': 'exit 3\n' }, result: 'fail', reason: 'It ended with 3, not with 0.' },
  { check: 'test', files: { 'test.sh': 'no-such-program\n' }, result: 'error', reason: /is not there \(exit 127\)/ },
  {
    check: 'test',
    files: { 'test.sh': 'echo x >> src/ok\n' },
    result: 'error',
    reason: 'It changed src/ok of what it was to judge.',
  },
  { check: 'acceptance', files: { 'src/b': 'b\n' }, result: 'skip', reason: 'No task asks for anything.' },
  {
    check: 'acceptance',
    files: { 'src/b': 'b\n' },
    context: taskContext({ acceptance: ['path exists src/b', 'exit 0 : cat src/b', 'diff touches src/**'] }),
    commands: ['cat src/b'],
    result: 'pass',
    reason: 'All 3 hold.',
  },
  {
    check: 'acceptance',
    files: { 'src/b': 'b\n' },
    context: taskContext({ acceptance: ['path exists src/c', 'path absent src'] }),
    result: 'fail',
    reason: 'path exists src/c: Nothing is at src/c. 1 more do not hold either.',
  },
  {
    check: 'acceptance',
    files: { 'src/b': 'b\n' },
    context: taskContext({ acceptance: ['path exists src/b @red'] }),
    result: 'pass',
    reason: 'All 1 hold.',
  },
  {
    check: 'acceptance',
    files: { 'src/b': 'b\n' },
    context: taskContext({ acceptance: ['path exists src/ok @red'] }),
    result: 'fail',
    reason: /^path exists src\/ok @red: At the base it holds already/,
  },
  {
    check: 'acceptance',
    files: { 'src/b': 'b\n' },
    context: taskContext({ acceptance: ['it works well'] }),
    result: 'error',
    reason: /can't be checked/,
  },
  { check: 'longproc', files: { x: '' }, result: 'pass', reason: 'No long process is open.' },
  {
    check: 'longproc',
    files: { x: '' },
    context: taskContext(
      {},
      {
        longprocs: [
          { id: 'train', state: 'ACTIVE' },
          { id: 'old', state: 'DONE' },
        ],
      },
    ),
    result: 'fail',
    reason: 'Not ended: train (ACTIVE).',
  },
  {
    check: 'todo',
    files: { x: '// TODO(#12) later\n' },
    result: 'pass',
    reason: 'Nothing is left undone in the added lines.',
  },
  {
    check: 'todo',
    files: { x: 'one\n// TODO later\n' },
    result: 'fail',
    reason: 'The change adds a to-do in x:2, without an id such as #12.',
  },
  {
    check: 'commit_prefix',
    files: { x: '' },
    message: 'tokens 1.1-C01: refresh',
    context: taskContext({}),
    result: 'pass',
    reason: 'The subject begins so.',
  },
  {
    check: 'commit_prefix',
    files: { x: '' },
    message: 'refresh\n\nDstack-Slug: tokens\nDstack-Task: 1.1-C01',
    context: taskContext({}),
    result: 'pass',
    reason: 'A trailer names the task.',
  },
  {
    check: 'commit_prefix',
    files: { x: '' },
    message: 'refresh',
    context: taskContext({ commit_prefix: 'feat: ' }),
    result: 'fail',
    reason: 'The subject does not begin with "feat: ", and no trailer Dstack-Task names 1.1-C01.',
  },
  { check: 'loop', files: { x: '' }, context: taskContext({}), result: 'pass', reason: 'It is no loop.' },
]

test.each(CASES)(
  '$check: $result, $reason',
  async ({ check, files, message = 'change', context, commands = [], ...expected }) => {
    at.repo.commit(message, files)
    const run = await at.ran({ commit: 'HEAD' }, context, ...commands)
    expect(results(run)[check]).toBe(expected.result)
    if (typeof expected.reason === 'string') expect(reasonOf(run, check)).toBe(expected.reason)
    else expect(reasonOf(run, check)).toMatch(expected.reason)
    expect(run.green).toBe(Object.values(results(run)).every((result) => result === 'pass' || result === 'skip'))
  },
)

test('the third failure in a row with the same output is a loop, and so is the same red tree', async () => {
  const context = taskContext({})
  at.repo.commit('broken', { 'test.sh': 'echo broken; exit 1\n' })
  for (const file of ['a', 'b']) {
    at.repo.commit(file, { [file]: file })
    expect(results(await at.ran({ commit: 'HEAD' }, context)).loop).toBe('pass')
  }
  at.repo.commit('c', { c: 'c' })
  const third = await at.ran({ commit: 'HEAD' }, context)
  expect(reasonOf(third, 'loop')).toBe('test failed three times in a row with the same output.')

  at.repo.commit('other', { 'test.sh': 'echo other; exit 1\n' })
  const again = [1, 2, 3].map(() => () => at.ran({ commit: 'HEAD' }, context))
  const reasons: string[] = []
  for (const once of again) reasons.push(reasonOf(await once(), 'loop'))
  expect(reasons).toEqual(['It is no loop.', 'It is no loop.', 'The same tree failed three times in a row.'])
  // Another task has no part in it.
  expect(results(await at.ran({ commit: 'HEAD' }, taskContext({ id: '1.1-C02' }))).loop).toBe('pass')
})

test('without a test command nothing would be tested: red, unless somebody says none', async () => {
  at.repo.git('config', '--unset', 'dstack.gate.test')
  const run = await at.ran('head')
  expect(results(run)).toMatchObject({ lint: 'pass', test: 'error' })
  expect(run.green).toBe(false)
  at.repo.git('config', 'dstack.gate.test', 'none')
  expect(results(await at.ran('head'))).toMatchObject({ test: 'skip' })
})

test('a large change is a warning, and stays green', async () => {
  at.repo.git('config', 'dstack.gate.largeDiff', '5')
  at.repo.commit('long', { long: 'x\n'.repeat(6) })
  const run = await at.ran('head')
  expect(run.line.warnings).toEqual(['The change has 6 lines, more than 5.'])
  expect(run.green).toBe(true)
  at.repo.commit('short', { short: 'x\n' })
  expect((await at.ran('head')).line.warnings).toEqual([])
})

test('files that a run leaves behind are gone for the next one; what is shared is linked', async () => {
  at.repo.commit('ignore', {
    '.gitignore': 'node_modules\nout\n',
    'test.sh': 'test -e node_modules/dep && test ! -e out && echo > out && echo > left\n',
  })
  writeFileSync(join(at.path, 'untracked'), '')
  at.sh('mkdir node_modules && touch node_modules/dep')
  const first = await at.ran('head')
  expect(first.notes).toEqual([
    'What HEAD holds was checked, not the working tree: untracked is untracked.',
    'Linked from the working tree: node_modules.',
  ])
  expect(first.green).toBe(true)
  expect((await at.ran('head')).green).toBe(true)
  rmSync(join(at.path, 'untracked'))
})
