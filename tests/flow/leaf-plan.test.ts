// What is wrong with the tasks of a leaf, one rule at a time; and which globs lie in which.

import { describe, expect, test } from 'vitest'
import { covers, planIssues } from '../../src/flow/leaf-plan'
import type { Task } from '../../src/plan/schema'
import { leafSpec } from './fixtures'

const task = (change: Partial<Task> = {}): Task => ({
  id: '1.1-C01',
  title: 'Retry',
  leaf: '1.1',
  status: 'pending',
  files: ['src/retry.ts'],
  read_first: [],
  depends_on: [],
  acceptance: ['exit 0 : npm test'],
  covers: [],
  attempts: 0,
  commits: [],
  evidence: [],
  action: '',
  ...change,
})
const LEAF = leafSpec('1.1', { in_scope: ['src/**', 'tests/*.ts'], out_of_scope: ['src/api/**'] })
const rules = (...tasks: Task[]) => planIssues(LEAF, tasks).map(({ rule }) => rule)

describe('planIssues', () => {
  test('a whole plan has none', () =>
    expect(rules(task(), task({ id: '1.1-T02', depends_on: ['1.1-C01'] }))).toEqual([]))

  test.each<[string, Task[]]>([
    ['id', [task({ id: '1.1-X01' })]],
    ['id', [task({ id: '1.2-C01' })]],
    ['duplicate', [task(), task()]],
    ['schema', [task({ title: ' ' })]],
    ['no-predicate', [task(), task({ id: '1.1-C02', acceptance: [] })]],
    ['bad-predicate', [task(), task({ id: '1.1-C02', acceptance: ['it works'] })]],
    ['bad-predicate', [task(), task({ id: '1.1-C02', acceptance: ['manual: look at it'] })]],
    ['out-of-scope', [task({ files: ['README.md'] })]],
    ['out-of-scope', [task({ files: ['src/api/x.ts'] })]],
    ['uncovered', [task({ acceptance: ['exit 0 : true'] })]],
    ['unknown-dependency', [task({ depends_on: ['1.1-C09'] })]],
    ['cycle', [task({ depends_on: ['1.1-C02'] }), task({ id: '1.1-C02', depends_on: ['1.1-C01'] })]],
  ])('%s', (rule, tasks) => expect(rules(...tasks)).toEqual([rule]))

  test('spelling does not matter for what a predicate covers', () => {
    expect(rules(task({ acceptance: ['exit 0:npm test'] }))).toEqual([])
  })
})

describe('covers', () => {
  test.each([
    ['src/**', 'src/a.ts', true],
    ['src/**', 'src/a/b.ts', true],
    ['src/**', 'src/**/*.ts', true],
    ['src/', 'src/a/b.ts', true],
    ['src/*.ts', 'src/a.ts', true],
    ['src/*.ts', 'src/*.ts', true],
    ['**', 'anything/at/all', true],
    ['**/*.test.ts', 'tests/x/a.test.ts', true],
    ['./src/a.ts', 'src/a.ts', true],
    ['src/*.ts', 'src/a/b.ts', false],
    ['src/*.ts', 'src/*', false],
    ['src/a.ts', 'src/*.ts', false],
    ['src/**', 'tests/a.ts', false],
    ['src/**', '**', false],
    ['src', 'src/a.ts', false],
    ['src/a?.ts', 'src/ab.ts', true],
    ['src/a?.ts', 'src/abc.ts', false],
    ['src/a.ts', 'src/axts', false],
  ])('%s holds %s: %s', (outer, inner, expected) => expect(covers(outer, inner)).toBe(expected))
})
