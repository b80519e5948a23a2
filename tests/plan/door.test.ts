// The door to plans with real git: what is written, what is refused, what two people do to one plan.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as plans from '../../src/plan/plan'
import { advance, CONFIG, FLEET, openStore, write } from '../../src/store/store'
import type { Repo } from '../memory/repo'
import { done, refused, repository, storeOf } from './repo'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'plans')
const fixture = (name: string) => readFileSync(join(FIXTURES, name), 'utf8')

function newPlan(repo: Repo, title = 'Retry webhooks'): string {
  return done(plans.newPlan(storeOf(repo), { title, kind: 'feature' })).slug
}

function imported(repo: Repo, text: string, name = 'PLAN.md', more: Partial<plans.ImportInput> = {}) {
  const [one] = done(plans.importPlan(storeOf(repo), { text, name, ...more }))
  if (one === undefined) throw new Error('nothing was imported')
  return one
}

const exported = (repo: Repo, slug: string) => done(plans.exportPlan(storeOf(repo), slug)).text
const states = (repo: Repo, slug: string) =>
  Object.fromEntries(plans.tasksOf(storeOf(repo), slug).map(({ id, status }) => [id, status]))
const finish = (repo: Repo, slug: string, id: string) =>
  done(plans.setTask(storeOf(repo), slug, id, { status: 'done' }, `done ${id}`))

describe('a new plan', () => {
  test('has every section, its tasks and its companion, and nothing to complain about', () => {
    const repo = repository()
    const made = done(plans.newPlan(storeOf(repo), { title: 'Retry failed webhooks', kind: 'feature' }))
    expect(made.slug).toBe('retry-failed-webhooks')
    const view = done(plans.showPlan(storeOf(repo), made.slug))
    expect(view).toMatchObject({ title: 'Retry failed webhooks', kind: 'feature', state: 'open', shape: 'dstack' })
    expect(view.plan?.text).toMatch(/^# Plan: Retry failed webhooks\n/)
    expect(view.plan?.text).not.toContain('{{')
    expect(view.todo.map(({ id }) => id)).toEqual(['1.1-T01', '1.1-C01'])
    expect(view.companion?.phases).toMatchObject([{ id: '1.1', status: 'PENDING', commits: [], details: '' }])
    expect(view.companion?.text).toContain('- **Started:** 2026-11-20')
    expect(view.companion?.text).not.toContain('{{')
    const report = done(plans.checkPlan(storeOf(repo), made.slug))
    expect(report).toMatchObject({ ok: true, coverage: { percent: 100 } })
    expect(repo.git('log', '-1', '--format=%s%n%(trailers:key=Dstack-Slug,valueonly)', 'refs/dstack/plans')).toBe(
      'plan: new retry-failed-webhooks: Retry failed webhooks (alice)\nretry-failed-webhooks\n\n',
    )
  })

  test('never takes the place of another', () => {
    const repo = repository()
    done(plans.newPlan(storeOf(repo), { title: 'One', kind: 'feature' }))
    expect(refused(plans.newPlan(storeOf(repo), { title: 'One', kind: 'fix' })).refused).toBe('DUPLICATE')
    expect(refused(plans.newPlan(storeOf(repo), { title: 'X', slug: 'Not A Slug', kind: 'fix' })).refused).toBe(
      'BAD_KEY',
    )
    expect(refused(plans.newPlan(storeOf(repo), { title: 'X', slug: 'usage', kind: 'fix' })).refused).toBe('BAD_KEY')
    expect(refused(plans.newPlan(storeOf(repo), { title: ' ', kind: 'fix' })).refused).toBe('USAGE')
  })

  test('an unknown one names those that are like it', () => {
    const repo = repository()
    newPlan(repo)
    expect(refused(plans.showPlan(storeOf(repo), 'retry-webhoks'))).toMatchObject({
      refused: 'NOT_FOUND',
      data: { near: ['retry-webhooks'] },
    })
  })

  test('is archived and put back, with everything', () => {
    const repo = repository()
    const slug = newPlan(repo)
    done(plans.archivePlan(storeOf(repo), slug))
    expect(plans.listPlans(storeOf(repo))).toEqual([])
    expect(plans.listPlans(storeOf(repo), { archived: true })).toMatchObject([{ slug, tasks: { done: 0, total: 2 } }])
    expect(done(plans.archivePlan(storeOf(repo), slug)).keys).toEqual([])
    done(plans.archivePlan(storeOf(repo), slug, { undo: true }))
    expect(plans.listPlans(storeOf(repo)).map((one) => one.slug)).toEqual([slug])
  })
})

describe('begin', () => {
  const has = (repo: Repo, slug: string) => done(plans.showPlan(storeOf(repo), slug)).has

  test.each([
    ['fix', { plan: true, spec: false, contract: false, companion: false }],
    ['feature', { plan: true, spec: true, contract: false, companion: true }],
    ['architecture', { plan: true, spec: true, contract: true, companion: true }],
  ] as const)('%s asks for no more than it needs', (kind, parts) => {
    const repo = repository()
    const { slug } = done(plans.begin(storeOf(repo), { title: 'Health check', kind }))
    expect(has(repo, slug)).toEqual(parts)
    expect(repo.git('rev-list', '--count', 'refs/dstack/plans').trim()).toBe('1')
    expect(done(plans.checkPlan(storeOf(repo), slug)).ok).toBe(kind === 'fix')
  })

  test('a spec that nobody has filled in gives way to one that is one', () => {
    const repo = repository()
    const { slug } = done(plans.begin(storeOf(repo), { title: 'Retry', kind: 'feature' }))
    expect(done(plans.checkSpec(storeOf(repo), slug)).ok).toBe(false)
    done(plans.newSpec(storeOf(repo), { title: 'Retry', text: SPEC }))
    expect(done(plans.checkSpec(storeOf(repo), slug))).toMatchObject({
      ok: true,
      requirements: [{ id: 'FR-1' }, { id: 'SC-1' }],
    })
    expect(refused(plans.newSpec(storeOf(repo), { title: 'Retry', text: SPEC })).refused).toBe('DUPLICATE')
  })
})

const SPEC = `# Spec: Retry

## Problem
Deliveries fail.

## Users
Shops.

## Behaviour
- FR-1: A failed delivery is tried again.

## Non-goals
- No screen.

## Acceptance
- SC-1: \`exit 0 : npm test\`
`

describe('a spec', () => {
  test('without a predicate is refused, and so is one of a fix', () => {
    const repo = repository()
    const prose = SPEC.replace('`exit 0 : npm test`', 'it works')
    expect(refused(plans.newSpec(storeOf(repo), { title: 'Retry', text: prose }))).toMatchObject({
      refused: 'REFUSED',
      data: { issues: [{ rule: 'no-predicate' }] },
    })
    expect(refused(plans.newSpec(storeOf(repo), { title: 'Retry' })).refused).toBe('USAGE')
    const long = `${SPEC}${'\n'.repeat(150)}more`
    expect(refused(plans.newSpec(storeOf(repo), { title: 'Retry', text: long })).data).toMatchObject({
      issues: [{ rule: 'too-long' }],
    })
    const { slug } = done(plans.begin(storeOf(repo), { title: 'Typo', kind: 'fix' }))
    expect(refused(plans.newSpec(storeOf(repo), { title: 'Typo', slug, text: SPEC })).message).toContain('is a fix')
  })
})

describe('files', () => {
  test.each(readdirSync(FIXTURES))('%s comes out as it went in', (name) => {
    const repo = repository()
    const text = fixture(name)
    const bands = /^TODOS/.test(name) ? ['P0', 'P1', 'P2', 'P3'].filter((band) => text.includes(band)) : undefined
    const all = done(plans.importPlan(storeOf(repo), { text, name, ...(bands === undefined ? {} : { bands }) }))
    for (const { slug, tasks } of all) {
      expect(tasks.added.length, name).toBeGreaterThan(0)
      if (all.length === 1) expect(exported(repo, slug)).toBe(text)
    }
    const again = done(plans.importPlan(storeOf(repo), { text, name, ...(bands === undefined ? {} : { bands }) }))
    expect(again.map(({ outcome }) => outcome)).toEqual(all.map(() => 'same'))
  })

  test('a BOM and CRLF stay', () => {
    const repo = repository()
    const text = `\ufeff${fixture('gstack-living.md').replace(/\n/g, '\r\n')}`
    const { slug } = imported(repo, text, 'living.md')
    expect(exported(repo, slug)).toBe(text)
  })

  test('the boxes are as the tasks are', () => {
    const repo = repository()
    const { slug, tasks } = imported(repo, '# Plan\n\n- [ ] one\n- [X] two\n- [ ] three\n')
    expect(states(repo, slug)).toEqual({
      [tasks.added[0] ?? '']: 'pending',
      [tasks.added[1] ?? '']: 'done',
      [tasks.added[2] ?? '']: 'pending',
    })
    finish(repo, slug, tasks.added[0] ?? '')
    expect(exported(repo, slug)).toBe('# Plan\n\n- [x] one\n- [X] two\n- [ ] three\n')
  })

  test('bands have to be chosen', () => {
    const repo = repository()
    const text = fixture('TODOS.md')
    expect(refused(plans.importPlan(storeOf(repo), { text, name: 'TODOS.md' }))).toMatchObject({
      refused: 'USAGE',
      data: { bands: expect.arrayContaining(['P0', 'P1']) },
    })
    expect(refused(plans.importPlan(storeOf(repo), { text, name: 'TODOS.md', bands: ['P9'] })).message).toContain(
      'no band P9',
    )
    expect(imported(repo, text, 'TODOS.md', { bands: ['P0'] }).tasks.added.length).toBeGreaterThan(0)
  })

  test('two repositories are two plans in one write, each task traced; an unknown one is refused', () => {
    const repo = repository()
    const text = fixture('two-repos.md')
    const both = done(plans.importPlan(storeOf(repo), { text, name: 'two-repos.md' }))
    expect(both).toHaveLength(2)
    for (const { slug, repo: name } of both) {
      expect(slug).toContain(`-${name}`)
      const tasks = plans.tasksOf(storeOf(repo), slug)
      expect(tasks.length).toBeGreaterThan(0)
      for (const task of tasks) expect(task.origin, `${slug} ${task.id}`).toBeTruthy()
    }
    expect(repo.git('rev-list', '--count', 'refs/dstack/plans').trim()).toBe('1')
    const known = both[0]?.repo?.toLowerCase() ?? ''
    const put = { key: `repos/${known}`, head: { type: 'repo' }, body: '' }
    write(storeOf(repo), FLEET, [put.key], () => ({ puts: [put], subject: 'fleet: add', result: null }))
    const no = refused(plans.importPlan(storeOf(repo), { text, name: 'two-repos.md', slug: 'other' }))
    expect(no).toMatchObject({ refused: 'NOT_FOUND', data: { unknown: [both[1]?.repo], known: [known] } })
  })
})

describe('taking a plan in again', () => {
  const TEXT = '# Deploy\n\n## Phase 1.1: Build\n\n- [ ] compile\n- [ ] package\n\n## Phase 1.2: Ship\n\n- [ ] upload\n'

  test('a box that was changed in the file moves its task, and only that', () => {
    const repo = repository()
    const { slug } = imported(repo, TEXT)
    const [compile = '', pack = '', upload = ''] = plans.tasksOf(storeOf(repo), slug).map(({ id }) => id)
    finish(repo, slug, upload)
    const again = imported(repo, TEXT.replace('[ ] compile', '[x] compile'))
    expect(again).toMatchObject({ outcome: 'updated', followed: [compile] })
    expect(states(repo, slug)).toEqual({ [compile]: 'done', [pack]: 'pending', [upload]: 'done' })
    expect(plans.tasksOf(storeOf(repo), slug)[0]?.evidence).toEqual(['unverified'])
  })

  test('a task keeps its id and its commits when others come before it', () => {
    const repo = repository()
    const { slug } = imported(repo, TEXT)
    const [compile = ''] = plans.tasksOf(storeOf(repo), slug).map(({ id }) => id)
    done(plans.setTask(storeOf(repo), slug, compile, { status: 'done', commits: ['abc1234'] }, 'done'))
    imported(repo, TEXT.replace('- [ ] compile', '- [ ] install\n- [ ] compile'))
    const tasks = plans.tasksOf(storeOf(repo), slug)
    expect(tasks.find(({ title }) => title === 'compile')).toMatchObject({
      id: compile,
      status: 'done',
      commits: ['abc1234'],
    })
    expect(tasks).toHaveLength(4)
    expect(exported(repo, slug)).toContain('- [ ] install\n- [x] compile')
  })

  test('a task that is gone from the text is gone; one that somebody handed in stays', () => {
    const repo = repository()
    const { slug } = imported(repo, TEXT)
    const [task] = plans.tasksOf(storeOf(repo), slug)
    if (task === undefined) throw new Error('no task')
    const { box: _box, origin: _origin, ...plain } = task
    done(
      plans.putTasks(
        storeOf(repo),
        slug,
        '9.1',
        [{ ...plain, id: '9.1-C01', leaf: '9.1', title: 'by hand' }],
        'tasks 9.1',
      ),
    )
    const again = imported(repo, TEXT.replace('- [ ] package\n', ''))
    expect(again.tasks.removed).toHaveLength(1)
    expect(plans.tasksOf(storeOf(repo), slug).map(({ title }) => title)).toEqual(['compile', 'upload', 'by hand'])
  })

  test('an old copy with a new tick only moves the task', () => {
    const repo = repository()
    const { slug } = imported(repo, TEXT)
    const doc = done(plans.partOf(storeOf(repo), slug, 'plan'))
    done(plans.editPlan(storeOf(repo), slug, 'plan', TEXT.replace('upload', 'upload to both'), { saw: doc.oid }))
    const again = imported(repo, TEXT.replace('[ ] compile', '[x] compile'))
    expect(again.merged).toBe(true)
    expect(exported(repo, slug)).toBe(TEXT.replace('upload', 'upload to both').replace('[ ] compile', '[x] compile'))
  })

  test('edits in different lines are put together, in the same lines refused', () => {
    const repo = repository()
    const { slug } = imported(repo, TEXT)
    const doc = done(plans.partOf(storeOf(repo), slug, 'plan'))
    done(plans.editPlan(storeOf(repo), slug, 'plan', TEXT.replace('upload', 'upload to both'), { saw: doc.oid }))
    imported(repo, TEXT.replace('compile', 'compile twice'))
    expect(exported(repo, slug)).toBe(TEXT.replace('upload', 'upload to both').replace('compile', 'compile twice'))
    const before = repo.git('rev-parse', 'refs/dstack/plans')
    const no = refused(plans.importPlan(storeOf(repo), { text: TEXT.replace('upload', 'throw away'), name: 'PLAN.md' }))
    expect(no.refused).toBe('CONFLICT')
    expect(repo.git('rev-parse', 'refs/dstack/plans')).toBe(before)
  })

  test('another file never takes the place of a plan', () => {
    const repo = repository()
    imported(repo, TEXT)
    expect(refused(plans.importPlan(storeOf(repo), { text: TEXT, name: 'other.md' })).refused).toBe('DUPLICATE')
    done(plans.archivePlan(storeOf(repo), 'deploy'))
    expect(refused(plans.importPlan(storeOf(repo), { text: TEXT, name: 'PLAN.md' })).message).toContain('archived')
  })
})

describe('writing into a file', () => {
  const TEXT = '# Deploy\n\n- [ ] compile\n- [ ] upload\n'
  const write_ = (repo: Repo, text: string) => repo.commit('file', { 'PLAN.md': text })
  const read = (repo: Repo) => readFileSync(join(repo.path, 'PLAN.md'), 'utf8')
  const out = (repo: Repo) => done(plans.exportFile(storeOf(repo), 'deploy', join(repo.path, 'PLAN.md')))

  test('never touches a box that somebody changed, and says so', () => {
    const repo = repository()
    const { tasks } = imported(repo, TEXT)
    write_(repo, TEXT.replace('[ ] compile', '[ ] compile it all').replace('[ ] upload', '[x] upload'))
    finish(repo, 'deploy', tasks.added[0] ?? '')
    expect(out(repo)).toMatchObject({
      changed: false,
      conflicts: [{ label: 'compile' }],
      taken: [{ n: 1, checked: true }],
    })
    expect(read(repo)).toBe('# Deploy\n\n- [ ] compile it all\n- [x] upload\n')
  })

  test('clears a box that it ticked itself', () => {
    const repo = repository()
    const { tasks } = imported(repo, TEXT)
    const [compile = ''] = tasks.added
    write_(repo, TEXT)
    finish(repo, 'deploy', compile)
    expect(out(repo)).toMatchObject({ changed: true, conflicts: [], taken: [] })
    expect(read(repo)).toContain('[x] compile')
    done(plans.setTask(storeOf(repo), 'deploy', compile, { status: 'pending' }, 'rollback'))
    expect(out(repo)).toMatchObject({ changed: true, taken: [] })
    expect(read(repo)).toBe(TEXT)
  })
})

describe('texts', () => {
  test('what was changed meanwhile is not overwritten', () => {
    const repo = repository()
    const slug = newPlan(repo)
    const first = done(plans.writeContract(storeOf(repo), slug, '# Decomposition: A\n'))
    expect(first.keys).toEqual([`${slug}/contract`])
    const saw = plans.contractOf(storeOf(repo), slug)?.oid ?? ''
    done(plans.writeContract(storeOf(repo), slug, '# Decomposition: B\n', { saw }))
    expect(refused(plans.writeContract(storeOf(repo), slug, '# Decomposition: C\n', { saw }))).toMatchObject({
      refused: 'CONFLICT',
      data: { text: '# Decomposition: B\n' },
    })
    expect(plans.contractOf(storeOf(repo), slug)).toMatchObject({
      text: '# Decomposition: B\n',
      contract: { title: 'B' },
    })
    expect(done(plans.diffPlan(storeOf(repo), slug, 'contract')).diff).toContain(
      '-# Decomposition: A\n+# Decomposition: B',
    )
    const whole = done(plans.diffPlan(storeOf(repo), slug, 'contract', '2020-01-01'))
    expect(whole).toMatchObject({ before: { oid: null } })
    expect(refused(plans.diffPlan(storeOf(repo), slug, 'contract', 'ffffffff')).refused).toBe('NOT_FOUND')
    expect(refused(plans.diffPlan(storeOf(repo), slug, 'spec')).message).toContain('has no spec')
  })

  test('an edited plan takes its tasks along', () => {
    const repo = repository()
    const slug = newPlan(repo)
    const view = done(plans.showPlan(storeOf(repo), slug))
    const text = (view.plan?.text ?? '')
      .replace('- [ ] 1.1-T01 Write a test that fails', '- [x] 1.1-T01 Write two tests that fail')
      .replace('## Test plan', '### Phase 1.2: More\n\n- [ ] 1.2-D01 Tell people\n  covers: FR-1\n\n## Test plan')
    done(plans.editPlan(storeOf(repo), slug, 'plan', text, { saw: view.plan?.oid ?? '' }))
    expect(states(repo, slug)).toEqual({ '1.1-T01': 'done', '1.1-C01': 'pending', '1.2-D01': 'pending' })
    expect(plans.companionOf(storeOf(repo), slug)?.phases.map(({ id }) => id)).toEqual(['1.1', '1.2'])
    expect(refused(plans.editPlan(storeOf(repo), slug, 'plan', text, { saw: view.plan?.oid ?? '' })).refused).toBe(
      'CONFLICT',
    )
  })

  test('fields of a later version survive', () => {
    const repo = repository()
    const slug = newPlan(repo)
    const key = `${slug}/tasks/1.1-c01`
    write(storeOf(repo), 'refs/dstack/plans', [key], (seen) => {
      const [live] = seen.at(key)
      if (live === undefined) throw new Error('no task')
      return {
        puts: [{ key, head: { ...live.doc.head, colour: 'red' }, body: live.doc.body }],
        subject: 'later',
        result: null,
      }
    })
    finish(repo, slug, '1.1-C01')
    expect(repo.git('grep', '-h', 'colour', 'refs/dstack/plans')).toBe('colour: red\n')
  })
})

describe('converge', () => {
  const requirements = '\n## Requirements\n\n- FR-1: one thing\n- FR-2: another thing\n'
  const shapes: [string, string, string][] = [
    [
      'dstack',
      'PLAN.md',
      `# Plan: X\n${requirements}\n## Feature 1: F\n\n### Phase 1.1: A\n\n- [x] 1.1-C01 a\n  covers: FR-1\n`,
    ],
    ['markdown', 'notes.md', `# Notes\n${requirements}\n## Work\n\n- [ ] FR-1: do it`],
    ['speckit', 'tasks.md', `# Tasks: X\n${requirements}\n## Phase 1: Setup\n\n- [ ] T001 FR-1: do it in src/a.ts\n`],
    [
      'gstack',
      'living.md',
      `# Living\n${requirements}\n## Feature 1: F\n\n### Phase 1: A (FR-1)\n\n- [ ] **Implementation (primary-impl role)**: x\n- [ ] **Review & QA (review roles)**: y\n`,
    ],
  ]
  test.each(shapes)('%s: only a phase is added, and nothing the second time', (shape, name, text) => {
    const repo = repository()
    const { slug } = imported(repo, text, name)
    expect(done(plans.showPlan(storeOf(repo), slug)).shape).toBe(shape)
    expect(done(plans.checkPlan(storeOf(repo), slug)).coverage.percent).toBe(50)
    const [first] = plans.tasksOf(storeOf(repo), slug)
    finish(repo, slug, first?.id ?? '')
    const before = exported(repo, slug)
    expect(done(plans.convergePlan(storeOf(repo), slug)).added).toEqual(['FR-2'])
    const after = exported(repo, slug)
    expect(after.startsWith(before)).toBe(true)
    expect(after.slice(before.length)).toContain('another thing')
    expect(done(plans.checkPlan(storeOf(repo), slug)).coverage.percent).toBe(100)
    expect(states(repo, slug)[first?.id ?? '']).toBe('done')
    const tip = repo.git('rev-parse', 'refs/dstack/plans')
    expect(done(plans.convergePlan(storeOf(repo), slug))).toMatchObject({ added: [], keys: [] })
    expect([exported(repo, slug), repo.git('rev-parse', 'refs/dstack/plans')]).toEqual([after, tip])
  })

  test('a form without a place for it is left alone', () => {
    const repo = repository()
    const { slug } = imported(repo, `# TODOS\n${requirements}\n## P1\n\n- [ ] a\n`, 'TODOS.md', { bands: ['P1'] })
    expect(refused(plans.convergePlan(storeOf(repo), slug)).message).toContain('no place')
  })
})

describe('tasks', () => {
  test('putting those of a leaf is one write; how far the same ones are stays', () => {
    const repo = repository()
    const slug = newPlan(repo)
    finish(repo, slug, '1.1-C01')
    const [test_, code] = plans.tasksOf(storeOf(repo), slug)
    if (test_ === undefined || code === undefined) throw new Error('no tasks')
    const { box: _box, ...next } = code
    const before = Number(repo.git('rev-list', '--count', 'refs/dstack/plans'))
    done(
      plans.putTasks(
        storeOf(repo),
        slug,
        '1.1',
        [
          { ...next, title: 'Make it pass, at last', status: 'pending' },
          { ...next, id: '1.1-D02', title: 'Write it down', status: 'pending' },
        ],
        'plan of 1.1',
      ),
    )
    expect(Number(repo.git('rev-list', '--count', 'refs/dstack/plans'))).toBe(before + 1)
    const tasks = plans.tasksOf(storeOf(repo), slug, '1.1')
    expect(tasks.map(({ id, status, title }) => [id, status, title])).toEqual([
      ['1.1-C01', 'done', 'Make it pass, at last'],
      ['1.1-D02', 'pending', 'Write it down'],
    ])
    expect(tasks[0]?.box).toBe(code.box)
    expect(refused(plans.putTasks(storeOf(repo), slug, '1.2', tasks, 'x')).message).toContain('belongs to leaf 1.1')
    expect(refused(plans.setTask(storeOf(repo), slug, '7.7-C01', {}, 'x')).refused).toBe('NOT_FOUND')
    expect(done(plans.setTask(storeOf(repo), slug, '1.1-C01', { status: 'done' }, 'again')).keys).toEqual([])
  })
})

describe('principles', () => {
  test('a broken MUST is critical, one without a rule is said', () => {
    const repo = repository()
    const slug = newPlan(repo)
    const text = '- MUST have docs: `requires kind D`\n- MUST be nice to read\n- SHOULD be small: `at most 1 tasks`\n'
    done(plans.writePrinciples(storeOf(repo), text))
    expect(plans.principlesOf(storeOf(repo))?.text).toBe(text)
    expect(repo.git('ls-tree', '-r', '--name-only', CONFIG)).toMatch(/dstack\/[0-9a-f]{2}\/principles\.md/)
    const { issues, ok } = done(plans.checkPlan(storeOf(repo), slug))
    expect(ok).toBe(false)
    expect(issues.map(({ severity, rule }) => [severity, rule])).toEqual([
      ['critical', 'principle'],
      ['warning', 'not-checkable'],
      ['warning', 'principle'],
    ])
    expect(refused(plans.writePrinciples(storeOf(repo), '', { saw: ['ffffffff'] })).refused).toBe('CONFLICT')
  })
})

describe('which', () => {
  test('by worktree, by name, or the only one', () => {
    const repo = repository()
    expect(plans.whichPlan(storeOf(repo)).result).toBe('none')
    const one = newPlan(repo, 'One')
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({ result: 'selected', selected: { slug: one } })
    const two = newPlan(repo, 'Two')
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({
      result: 'ambiguous',
      candidates: [{ slug: one }, { slug: two }],
    })
    plans.useSlug(storeOf(repo), one)
    expect(plans.readCurrent(storeOf(repo))).toBe(one)
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({ result: 'selected', selected: { slug: one } })
    done(plans.archivePlan(storeOf(repo), one))
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({ result: 'blocked', candidates: [{ slug: two }] })
    plans.useSlug(storeOf(repo), null)
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({ result: 'selected', selected: { slug: two } })
    done(plans.archivePlan(storeOf(repo), two))
    expect(refused(plans.meantSlug(storeOf(repo)))).toMatchObject({ refused: 'NOT_FOUND', data: { result: 'none' } })
    expect(plans.meantSlug(storeOf(repo), 'whatever')).toBe('whatever')
  })

  test('each worktree has its own', () => {
    const repo = repository()
    repo.commit('first', { 'a.txt': 'a\n' })
    const [one, two] = [newPlan(repo, 'One'), newPlan(repo, 'Two')]
    repo.git('worktree', 'add', '-q', '../second')
    plans.useSlug(storeOf(repo), one)
    const second = openStore({ ...repo.env(), cwd: join(repo.root, 'second') })
    expect(plans.whichPlan(second).result).toBe('ambiguous')
    plans.useSlug(second, two)
    expect([plans.readCurrent(storeOf(repo)), plans.readCurrent(second)]).toEqual([one, two])
  })

  test('a flow that is over, and one that somebody else works on', () => {
    const repo = repository()
    const [one, two] = [newPlan(repo, 'One'), newPlan(repo, 'Two')]
    const state = (step: string) => new Map([['state.json', JSON.stringify({ v: 1, step })]])
    advance(storeOf(repo), `refs/dstack/flow/${one}`, null, { files: state('Done'), subject: 'flow: done' })
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({
      result: 'selected',
      selected: { slug: two, status: 'available' },
    })
    advance(storeOf(repo), `refs/dstack/flow/${two}`, null, { files: state('Plan'), subject: 'flow: plan' })
    expect(plans.whichPlan(storeOf(repo))).toMatchObject({ selected: { slug: two, status: 'running' } })
    const held = new Map([[two, 'Bob on host b']])
    expect(plans.whichPlan(storeOf(repo), { held })).toMatchObject({
      result: 'blocked',
      candidates: [{ holder: 'Bob on host b' }],
    })
  })
})
