// Decisions as tables: what a spec has to say, what principles can check, what belongs together, which plan is meant.

import { describe, expect, test } from 'vitest'
import { type CheckInput, crossCheck } from '../../src/plan/crosscheck'
import { judge, parseRule, principleIssues, readPrinciples, type Subject } from '../../src/plan/principles'
import type { Contract, LeafSpec, Task } from '../../src/plan/schema'
import { readPlan } from '../../src/plan/shapes/shapes'
import type { ReadTask } from '../../src/plan/shapes/types'
import { nearSlugs, slugFor, slugRefusal, slugWith } from '../../src/plan/slug'
import { readSpec, requirementsOf, specIssues } from '../../src/plan/spec'
import { keepIds, sortTasks } from '../../src/plan/tasks'
import { type Candidate, decideWhich, type WhichInput } from '../../src/plan/which'

function task(id: string, more: Partial<Task> = {}): Task {
  const lists = { files: [], read_first: [], depends_on: [], acceptance: [], covers: [], commits: [], evidence: [] }
  return { id, title: id, leaf: id.split('-')[0] ?? '', status: 'pending', attempts: 0, action: '', ...lists, ...more }
}

describe('a spec', () => {
  const SPEC = `# Spec: Retry

## The problem
It fails.

## Who
Shops.

## Behaviour

### Sending
- **FR-1**: A failed one is tried again,
  three times.
- It is fast.

## Out of scope
- A screen.

## Success criteria
- [ ] SC-1: \`exit 0 : npm test\`
- nice to have

\`\`\`
path exists src/retry.ts
\`\`\`
`
  test('is read whatever its headings are called', () => {
    const spec = readSpec(SPEC)
    expect(spec).toMatchObject({
      ...{ title: 'Retry', problem: 'It fails.', users: 'Shops.', non_goals: ['A screen.'] },
      behaviour: [{ id: 'FR-1', text: 'A failed one is tried again, three times.' }, { text: 'It is fast.' }],
    })
    expect(spec.acceptance.map(({ id, predicate }) => [id, predicate?.form ?? null])).toEqual([
      ['SC-1', 'exit'],
      [undefined, null],
      [undefined, 'path'],
    ])
    expect(requirementsOf(spec).map(({ id }) => id)).toEqual(['FR-1', 'SC-1'])
    expect(specIssues(SPEC).map(({ rule }) => rule)).toEqual(['prose'])
  })

  test.each([
    ['no section', SPEC.replace('## Who\nShops.\n', ''), ['error no-section', 'warning prose']],
    ['an empty problem', SPEC.replace('It fails.', '<!-- later -->'), ['error empty-section', 'warning prose']],
    ['an empty non-goal', SPEC.replace('- A screen.', ''), ['warning empty-section', 'warning prose']],
    ['a broken predicate', SPEC.replace('exit 0 : npm test', 'exit zero'), ['error bad-predicate', 'warning prose']],
    ['an id twice', SPEC.replace('- It is fast.', '- FR-1: It is fast.'), ['warning prose', 'error duplicate']],
    ['no title', SPEC.replace('# Spec: Retry', ''), ['warning no-title', 'warning prose']],
    ['150 lines', `${SPEC}${'\n'.repeat(150)}- [x] SC-9: \`exit 0 : x\``, ['warning prose', 'error too-long']],
  ])('%s', (_, text, issues) => {
    expect(specIssues(text).map(({ severity, rule }) => `${severity} ${rule}`)).toEqual(issues)
  })
})

describe('principles', () => {
  const subject = (more: Partial<Subject> = {}): Subject => ({
    ...{ texts: ['# Plan\n\n## Test plan\n\nUse pnpm.'], contract: null },
    ...{ has: { spec: true, contract: false, companion: true }, tasks: [] },
    ...more,
  })

  test('lines with a weight, and the last code span as their rule', () => {
    const text =
      '# P\n\n- MUST use `pnpm`: `text /npm install/ absent`\n- **MUST NOT** guess\n* SHOULD x: `at most 3 tasks`\n- may\n'
    expect(readPrinciples(text)).toMatchObject([
      { weight: 'MUST', rule: { is: 'text' }, line: 3 },
      { weight: 'MUST', rule: null, problem: null },
      { weight: 'SHOULD', rule: { is: 'most', tasks: 3 } },
    ])
  })

  test.each([
    ['text /npm/ absent', subject(), ['plan']],
    ['text /NPM install/i absent', subject(), []],
    ['text /pnpm/ present', subject(), []],
    ['text /yarn/ present', subject(), ['plan']],
    ['requires kind T', subject({ tasks: [task('1.1-C01'), task('1.2-T01')] }), ['1.1']],
    ['requires kind T beside C', subject({ tasks: [task('1.1-C01'), task('1.2-D01')] }), ['1.1']],
    ['requires section test plan', subject(), []],
    ['requires section Risks', subject(), ['plan']],
    ['requires contract', subject(), ['plan']],
    ['requires spec', subject(), []],
    [
      'files within src/**, tests/**',
      subject({ tasks: [task('1.1-C01', { files: ['src/a.ts', 'x.ts'] })] }),
      ['1.1-C01'],
    ],
    ['files outside vendor/**', subject({ tasks: [task('1.1-C01', { files: ['vendor/a.c'] })] }), ['1.1-C01']],
    [
      'acceptance /@red/',
      subject({ tasks: [task('1.1-C01', { acceptance: ['exit 0 : x @red'] }), task('1.1-C02')] }),
      ['1.1-C02'],
    ],
    ['at most 1 tasks', subject({ tasks: [task('1.1-C01'), task('1.1-C02'), task('1.2-C01')] }), ['1.1']],
  ] as [string, Subject, string[]][])('%s', (text, on, broken) => {
    const rule = parseRule(text)
    if ('problem' in rule) throw new Error(rule.problem)
    expect(judge(rule, on).map(({ where }) => where)).toEqual(broken)
  })

  test.each([
    'text /(/ absent',
    'text /(a+)+$/ absent',
    'requires kind X',
    'be nice',
    'text /a/',
    'acceptance /a/ absent',
  ])('%s is no rule', (text) => expect(parseRule(text)).toHaveProperty('problem'))

  test('a MUST that nobody can check is said, a SHOULD is not', () => {
    const issues = principleIssues('- MUST be nice\n- SHOULD be nice\n- MUST x: `be nice`\n', subject())
    expect(issues.map(({ severity, rule, where }) => [severity, rule, where])).toEqual([
      ['warning', 'not-checkable', 'principles.md:1'],
      ['warning', 'not-checkable', 'principles.md:3'],
    ])
  })
})

describe('cross-check', () => {
  const PLAN = `# Plan: X

## Requirements

- FR-1: one
- FR-2: two

## Feature 1: F

### Phase 1.1: A

- [ ] 1.1-C01 a

### Phase 1.2: B
Depends on: 1.1

- [ ] 1.2-C01 b
`
  const leaf: LeafSpec = {
    ...{ id: '1.1', title: 'A', goal: 'g', deliverables: ['d'], in_scope: ['src/**'], out_of_scope: [], provides: [] },
    ...{ must_keep: [], depends_on: [], acceptance: ['exit 0 : x'], risk: 'mid' },
  }
  const contract = (leaves: LeafSpec[]): { text: string; contract: Contract } => ({
    text: '',
    contract: { title: 'X', goal: 'g', leaves, acceptance: [] },
  })
  const good = [
    task('1.1-C01', { covers: ['FR-1'], acceptance: ['exit 0 : a'] }),
    task('1.2-C01', { covers: ['FR-2'], acceptance: ['exit 0 : b'] }),
  ]
  const check = (more: Partial<CheckInput> = {}) => {
    const read = readPlan(PLAN, 'PLAN.md')
    if ('problem' in read) throw new Error(read.problem)
    const none = { problem: null, contract: null, spec: null, hasCompanion: true, conflicts: [], principles: null }
    const input: CheckInput = { slug: 'x', plan: PLAN, read: { ...read, warnings: [] }, tasks: good, ...none, ...more }
    return crossCheck(input)
  }
  const words = (more: Partial<CheckInput>) =>
    check(more).issues.map(({ severity, rule, where }) => `${severity} ${rule} ${where}`)

  test('nothing to say', () => {
    expect(check()).toEqual({
      slug: 'x',
      issues: [],
      ok: true,
      coverage: { requirements: ['FR-1', 'FR-2'], covered: ['FR-1', 'FR-2'], percent: 100 },
    })
  })

  test.each([
    [
      'a requirement without a task',
      { tasks: [good[0] as Task, task('1.2-C01', { covers: ['FR-1'], acceptance: ['exit 0 : b'] })] },
      ['error uncovered FR-2'],
    ],
    ['one that may still come', { tasks: [good[0] as Task] }, ['warning no-tasks 1.2', 'warning uncovered FR-2']],
    [
      'a task without a requirement',
      { tasks: [...good, task('1.1-C02', { acceptance: ['exit 0 : c'] })] },
      ['warning unasked 1.1-C02'],
    ],
    [
      'an unknown requirement',
      { tasks: [...good, task('1.1-C02', { acceptance: ['exit 0 : c'], covers: ['FR-9'] })] },
      ['warning unknown-requirement 1.1-C02'],
    ],
    ['no predicate', { tasks: [...good, task('1.1-C02', { covers: ['FR-1'] })] }, ['warning no-predicate 1.1-C02']],
    [
      'prose for a predicate',
      { tasks: [...good, task('1.1-C02', { covers: ['FR-1'], acceptance: ['it works'] })] },
      ['error bad-predicate 1.1-C02'],
    ],
    [
      'an unknown dependency',
      { tasks: [...good, task('1.1-C02', { covers: ['FR-1'], acceptance: ['exit 0 : c'], depends_on: ['1.1-C09'] })] },
      ['error unknown-dependency 1.1-C02'],
    ],
    [
      'a circle',
      { tasks: good.map((one, i) => ({ ...one, depends_on: [good[1 - i]?.id ?? ''] })) },
      ['error cycle 1.1-C01'],
    ],
    [
      'a file outside of the contract',
      {
        contract: contract([leaf, { ...leaf, id: '1.2' }]),
        tasks: good.map((one) => ({ ...one, files: ['src/a.ts', 'docs/x.md'] })),
      },
      ['error out-of-scope 1.1-C01', 'error out-of-scope 1.2-C01'],
    ],
    [
      'a leaf that nobody knows',
      { contract: contract([leaf]), read: null, tasks: good },
      ['error unknown-leaf 1.2-C01'],
    ],
    ['a contract that is none', { contract: contract([]) }, ['error no-leaf contract']],
    [
      'a broken principle comes first',
      { principles: '- MUST x: `requires contract`', tasks: [good[0] as Task] },
      ['critical principle plan', 'warning no-tasks 1.2', 'warning uncovered FR-2'],
    ],
    ['a conflict', { conflicts: ['x/plan'] }, ['error conflict x/plan']],
  ] as [string, Partial<CheckInput>, string[]][])('%s', (_, input, issues) => {
    expect(words(input)).toEqual(issues)
    expect(check(input).ok).toBe(issues.every((issue) => issue.startsWith('warning')))
  })

  test('a criterion is covered by a task with the same predicate', () => {
    const spec =
      '# S\n## Problem\np\n## Users\nu\n## Behaviour\n- FR-1: b\n## Non-goals\n- n\n## Acceptance\n- SC-1: `exit 0 : a`\n- SC-2: `exit 0 : z`\n'
    expect(check({ spec }).coverage).toEqual({
      requirements: ['FR-1', 'SC-1', 'SC-2', 'FR-2'],
      covered: ['FR-1', 'SC-1', 'FR-2'],
      percent: 75,
    })
  })
})

describe('which', () => {
  const plan = (slug: string, status: Candidate['status'] = 'available'): Candidate => ({
    ...{ slug, title: slug, kind: 'feature', status, done: 0, total: 1 },
  })
  const two = [plan('b'), plan('a')]

  test.each([
    ['nothing there', { plans: [] }, 'none', undefined, []],
    [
      'only what is over',
      { plans: [plan('a', 'archived'), plan('b', 'completed'), plan('c', 'cancelled')] },
      'none',
      undefined,
      [],
    ],
    ['the only open one', { plans: [plan('a', 'archived'), plan('b', 'running')] }, 'selected', 'b', ['b']],
    ['never one of two, whichever is newer', { plans: two }, 'ambiguous', undefined, ['a', 'b']],
    ['that of the worktree', { plans: two, current: 'b' }, 'selected', 'b', ['b']],
    ['the named one before that of the worktree', { plans: two, current: 'b', slug: 'a' }, 'selected', 'a', ['a']],
    ['a worktree of something that is gone', { plans: two, current: 'x' }, 'blocked', undefined, ['a', 'b']],
    [
      'a worktree of something that is over',
      { plans: [plan('x', 'completed'), plan('a')], current: 'x' },
      'blocked',
      undefined,
      ['a'],
    ],
    ['an unknown name', { plans: two, slug: 'aa', near: ['a'] }, 'blocked', undefined, ['a']],
    ['an archived name', { plans: [plan('a', 'archived')], slug: 'a' }, 'blocked', undefined, ['a']],
    ['a completed one by its name', { plans: [plan('a', 'completed')], slug: 'a' }, 'selected', 'a', ['a']],
    ['somebody else works on the only one', { plans: [plan('a', 'claimed')] }, 'blocked', undefined, ['a']],
    [
      'somebody else works on the named one',
      { plans: [plan('a', 'claimed'), plan('b')], slug: 'a' },
      'blocked',
      undefined,
      ['a'],
    ],
  ] as [string, WhichInput, string, string | undefined, string[]][])('%s', (_, input, result, slug, candidates) => {
    const found = decideWhich(input)
    expect(found.result).toBe(result)
    expect(found.selected?.slug).toBe(slug)
    expect(found.candidates.map((one) => one.slug)).toEqual(candidates)
    expect(found.commands.length).toBeGreaterThan(0)
    expect(decideWhich({ ...input, plans: [...input.plans].reverse() })).toEqual(found)
  })
})

describe('ids and slugs', () => {
  const read = (id: string, title: string, more: Partial<ReadTask> = {}): ReadTask => {
    const { leaf, files, read_first, depends_on, acceptance, covers, action } = task(id)
    return { id, title, leaf, files, read_first, depends_on, acceptance, covers, action, status: 'pending', ...more }
  }
  const ids = (now: ReadTask[], there: Task[], own = false) =>
    keepIds(now, there, own).map(({ id, title }) => `${id} ${title}`)

  test('tasks are found again', () => {
    const there = [task('1.1-C01', { title: 'a' }), task('1.1-C02', { title: 'b' })]
    expect(ids([read('1.1-C01', 'new'), read('1.1-C02', 'a'), read('1.1-C03', 'b')], there)).toEqual([
      '1.1-C03 new',
      '1.1-C01 a',
      '1.1-C02 b',
    ])
    expect(ids([read('1.1-C01', 'b')], there)).toEqual(['1.1-C02 b'])
    expect(ids([read('1.1-C01', 'a, but better'), read('1.1-C02', 'b')], there)).toEqual([
      '1.1-C01 a, but better',
      '1.1-C02 b',
    ])
    expect(ids([read('1.1-C01', 'b')], there, true)).toEqual(['1.1-C01 b'])
    const named = [task('1.1-C01', { title: 'a', source_id: 'T007' })]
    expect(ids([read('1.1-C04', 'z', { source_id: 'T007' })], named)).toEqual(['1.1-C01 z'])
    expect(
      keepIds([read('1.1-C02', 'a'), read('1.1-C03', 'c', { depends_on: ['1.1-C02'] })], there, false)[1]?.depends_on,
    ).toEqual(['1.1-C01'])
  })

  test('numbers count as numbers, tests stand before code', () => {
    const all = ['1.10-C01', '1.2-C10', '1.2-C02', '1.2-T02', '2.1-C01', 'odd'].map((id) => ({ id }))
    expect(sortTasks([...all].reverse()).map(({ id }) => id)).toEqual([
      '1.2-T02',
      '1.2-C02',
      '1.2-C10',
      '1.10-C01',
      '2.1-C01',
      'odd',
    ])
  })

  test('slugs', () => {
    expect(slugFor('Retry failed webhooks, again and again and again!')).toBe('retry-failed-webhooks-again-and-again')
    expect(slugFor('Ärger')).toBe('arger')
    for (const title of ['x'.repeat(90), '漢字', 'CON', '- -']) expect(slugRefusal(slugFor(title)), title).toBeNull()
    expect(slugRefusal(slugWith('x'.repeat(48), 'my-api'))).toBeNull()
    expect(slugWith('deploy', 'org/api')).toBe('deploy-org-api')
    expect(nearSlugs('retry-webhoks', ['retry-webhooks', 'login', 'retry'])).toEqual(['retry', 'retry-webhooks'])
  })
})
