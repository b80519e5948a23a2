// The companion's text: read leniently, written without touching what people wrote, checked against what happened.

import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type Companion, PHASE_STATES, readCompanion } from '../../src/plan/companion'
import { companionIssues, type PlanCommit } from '../../src/plan/companion-check'
import { addEntry, type CompanionEntry, mergeCompanions, newCompanion, withPhases } from '../../src/plan/companion-edit'
import type { Contract, Task } from '../../src/plan/schema'

const TEMPLATE = readFileSync('templates/IMPLEMENTATION.md', 'utf8')
const PHASES = [
  { id: '1.1', title: 'Queue' },
  { id: '1.2', title: 'Retries' },
]
const fresh = newCompanion(TEMPLATE, { title: 'Webhooks', slug: 'webhooks', date: '2026-11-20', phases: PHASES })
const phase = (text: string, id = '1.1') => readCompanion(text).phases.find((one) => one.id === id)

describe('reading', () => {
  test('a new one', () => {
    expect(readCompanion(fresh)).toEqual({
      title: 'Webhooks',
      started: '2026-11-20',
      status: 'IN PROGRESS',
      phases: PHASES.map(({ id, title }) => ({
        ...{ id, title, status: 'PENDING', commits: [], tests: '', details: '' },
        ...{ deviations: [], bugs: [], questions: [] },
      })),
    })
    expect(fresh).not.toContain('{{')
  })

  test('what people write in other ways', () => {
    const text = `# Webhooks

Status: in progress

### 1.1 — Queue ###
status: **Done**
Commit: 1a2b3c4 (the queue), deadbee5
Tests: 12 passed
Took two days.

#### What we did
We built it.

- and tested it
  on two machines

#### Bugs
1. not a bullet of ours
#### Deviation
- \`src/a.ts\` and \`src/b/**\` - both were needed
- package.json: a library
- no path at all
#### Something else
Free words.
### Phase 1.2: Retries
* **Status**: BLOCKED by the queue
`
    expect(phase(text)).toMatchObject({
      title: 'Queue',
      status: 'DONE',
      commits: ['1a2b3c4', 'deadbee5'],
      tests: '12 passed',
      deviations: [
        { paths: ['src/a.ts', 'src/b/**'], reason: 'both were needed' },
        { paths: ['package.json'], reason: 'a library' },
        { paths: [], reason: 'no path at all' },
      ],
    })
    for (const words of ['Took two days.', 'We built it.', 'on two machines', 'Free words.']) {
      expect(phase(text)?.details).toContain(words)
    }
    expect(phase(text, '1.2')?.status).toBe('BLOCKED')
    expect(readCompanion('')).toEqual({ title: '', started: null, status: null, phases: [] })
    expect(readCompanion('```\n## Phase 1.1: in a fence\n```\n').phases).toEqual([])
  })
})

describe('writing', () => {
  test('every kind of entry under its heading', () => {
    let text = addEntry(TEMPLATE, fresh, {
      phase: '1.2',
      status: 'DONE',
      commits: ['1a2b3c4d5e6f first', '2b3c4d5e6f70 second'],
      tests: '42 passed',
      details: 'Backoff with jitter.\n\nThe queue keeps order.',
      deviation: { path: 'package.json', reason: 'a library was missing' },
      bug: 'clock',
      question: 'who?',
    })
    text = addEntry(TEMPLATE, text, { phase: '1.2', commits: ['1a2b3c4d5e6f first'], bug: 'another' })
    expect(phase(text, '1.2')).toEqual({
      id: '1.2',
      title: 'Retries',
      status: 'DONE',
      commits: ['1a2b3c4d5e6f', '2b3c4d5e6f70'],
      tests: '42 passed',
      details: 'Backoff with jitter.\n\nThe queue keeps order.',
      deviations: [{ paths: ['package.json'], reason: 'a library was missing' }],
      bugs: ['clock', 'another'],
      questions: ['who?'],
    })
    expect(phase(text)).toEqual(phase(fresh))
    expect(readCompanion(text).status).toBe('IN PROGRESS')
    expect(readCompanion(addEntry(TEMPLATE, text, { phase: '1.1', status: 'SKIPPED' })).status).toBe('DONE')
    expect(readCompanion(addEntry(TEMPLATE, text, { phase: '1.1', status: 'BLOCKED' })).status).toBe('BLOCKED')
  })

  test('into a text that people made themselves', () => {
    const text = addEntry(TEMPLATE, '# Mine\n\n## 1.1 Queue\n\nStatus: x\n\nWords.\n\n## Later\n\nMore.\n', {
      phase: '1.1',
      status: 'DONE',
      tests: '3 passed',
      details: 'It works.',
    })
    expect(text).toBe(
      '# Mine\n\n## 1.1 Queue\n\n- **Tests:** 3 passed\n\nStatus: DONE\n\nWords.\n\n### Details\n\n- It works.\n\n## Later\n\nMore.\n',
    )
  })

  test('a phase that is not there yet', () => {
    const text = addEntry(TEMPLATE, fresh, { phase: '2.1', title: 'Later', details: 'x y' })
    expect(readCompanion(text).phases.map(({ id }) => id)).toEqual(['1.1', '1.2', '2.1'])
    expect(withPhases(TEMPLATE, text, PHASES)).toBe(text)
  })
})

const words = fc
  .array(
    fc.constantFrom(
      'a',
      'b c',
      '#',
      '# x',
      '## Phase 9.9: y',
      '```',
      '~~~',
      '<!--',
      '-->',
      '- z',
      'Status: DONE',
      '',
      '`p`',
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((lines) => lines.join('\n'))
  .filter((text) => /[a-z]/.test(text))

const entry: fc.Arbitrary<CompanionEntry> = fc.record(
  {
    phase: fc.constantFrom('1.1', '1.2', '2.1'),
    status: fc.constantFrom(...PHASE_STATES),
    commits: fc.array(fc.constantFrom('1a2b3c4d', '2b3c4d5e some words', '3c4d5e6f'), { maxLength: 2 }),
    tests: fc.constantFrom('1 passed', '2 passed, 1 failed'),
    details: words,
    bug: words,
    question: words,
    deviation: fc.record({ path: fc.constantFrom('src/a.ts', 'b/**'), reason: words }),
  },
  { requiredKeys: ['phase'] },
)

const counts = ({ phases }: Companion) =>
  phases.map(({ id, commits, deviations, bugs, questions }) => [
    id,
    commits,
    deviations.length,
    bugs.length,
    questions.length,
  ])

/** Lines that are not replaced when a field gets another value. */
const kept = (text: string) =>
  text.split('\n').filter((line) => line.trim() !== '' && !/\*\*(Status|Tests):/.test(line))

describe('properties', () => {
  property.prop([fc.array(entry, { maxLength: 6 }), entry])('an entry adds and takes nothing away', (before, next) => {
    const text = before.reduce((all, one) => addEntry(TEMPLATE, all, one), fresh)
    const after = addEntry(TEMPLATE, text, next)
    const lines = kept(after)
    let at = -1
    for (const line of kept(text)) {
      at = lines.indexOf(line, at + 1)
      expect(at, line).toBeGreaterThanOrEqual(0)
    }
    const ids = readCompanion(text).phases.map(({ id }) => id)
    expect(readCompanion(after).phases.map(({ id }) => id)).toEqual(
      ids.includes(next.phase) ? ids : [...ids, next.phase],
    )
    const read = phase(after, next.phase)
    if (next.status !== undefined) expect(read?.status).toBe(next.status)
    if (next.tests !== undefined) expect(read?.tests).toBe(next.tests)
    for (const commit of next.commits ?? []) expect(read?.commits).toContain(commit.slice(0, 8))
    if (next.deviation !== undefined)
      expect(read?.deviations.flatMap(({ paths }) => paths)).toContain(next.deviation.path)
    for (const other of readCompanion(after).phases.filter(({ id }) => id !== next.phase)) {
      expect(other).toEqual(phase(text, other.id))
    }
    expect(counts(readCompanion(addEntry(TEMPLATE, after, next)))).toEqual(counts(readCompanion(after)))
  })

  property.prop([
    fc.array(entry, { maxLength: 4 }),
    fc.array(entry, { maxLength: 4 }),
    fc.array(entry, { maxLength: 4 }),
  ])('putting versions together keeps what each says, and is done once', (base, left, right) => {
    const add = (text: string, entries: CompanionEntry[]) =>
      entries.reduce((all, one) => addEntry(TEMPLATE, all, one), text)
    const start = add(fresh, base)
    const [one, other] = [add(start, left), add(start, right)]
    const merged = mergeCompanions(TEMPLATE, one, [other])
    const bare = (line: string) => line.trim().replace(/^(?:[-*+]\s+|#+\s+|\\)+/, '')
    const have = new Set(merged.split('\n').map(bare))
    for (const line of [...kept(one), ...kept(other)]) expect(have, line).toContain(bare(line))
    expect(mergeCompanions(TEMPLATE, merged, [other])).toBe(merged)
    expect(mergeCompanions(TEMPLATE, one, [one])).toBe(one)
  })
})

describe('checking', () => {
  const task = (id: string, status: Task['status'], files: string[] = []): Task => ({
    ...{
      id,
      title: id,
      leaf: id.split('-')[0] ?? '',
      status,
      files,
      read_first: [],
      depends_on: [],
      acceptance: [],
      covers: [],
    },
    ...{ attempts: 0, commits: [], evidence: [], action: '' },
  })
  const commit = (files: string[], more: Partial<PlanCommit> = {}): PlanCommit => ({
    ...{ oid: '1a2b3c4d5e6f', subject: 'feat: x', seconds: Date.UTC(2026, 10, 20) / 1000, files },
    ...more,
  })
  const check = (text: string, tasks: Task[], commits: PlanCommit[] = [], contract: Contract | null = null) =>
    companionIssues(
      { companion: readCompanion(text), at: '2026-11-20T00:00:00Z', contract, phases: [], tasks },
      { commits },
    ).map(({ rule, where }) => `${rule} ${where}`)
  const done = (details: string) => addEntry(TEMPLATE, fresh, { phase: '1.1', status: 'DONE', details })

  test.each([
    ['Done.', ['no-details 1.1']],
    ['- [x] DONE!', ['no-details 1.1']],
    ['It is all complete', ['no-details 1.1']],
    ['Backoff with jitter.', []],
    ['完成了重试队列', []],
  ])('DONE with %j', (details, issues) => {
    expect(check(done(details), [task('1.1-C01', 'done')])).toEqual(issues)
  })

  test('plan and companion have to agree', () => {
    expect(check(fresh, [task('1.1-C01', 'done'), task('1.2-C01', 'pending')])).toEqual(['done-in-plan 1.1'])
    expect(check(fresh, [task('3.1-C01', 'skipped')])).toEqual(['done-in-plan 3.1'])
    expect(check(done('Backoff.'), [task('1.1-C01', 'running')])).toEqual(['done-in-companion 1.1'])
    expect(check(fresh, [])).toEqual([])
  })

  test('files outside of the plan need a deviation', () => {
    const tasks = [task('1.1-C01', 'pending', ['src/a/**']), task('1.2-C01', 'pending', ['src/b.ts'])]
    expect(check(fresh, tasks, [commit(['src/a/x.ts', 'src/b.ts'])])).toEqual([])
    expect(check(fresh, tasks, [commit(['src/b.ts', 'package.json'], { leaf: '1.1' })])).toEqual([
      'no-deviation src/b.ts',
      'no-deviation package.json',
    ])
    const explained = addEntry(TEMPLATE, fresh, { phase: '1.1', deviation: { path: '*.json', reason: 'a library' } })
    expect(check(explained, tasks, [commit(['package.json'])])).toEqual([])
    const silent = explained.replace(': a library', '')
    expect(check(silent, tasks, [commit(['package.json'])])).toEqual(['no-deviation package.json'])
    expect(check(fresh, [task('1.1-C01', 'pending')], [commit(['anything'])])).toEqual([])
    const lists = { deliverables: [], provides: [], must_keep: [], depends_on: [], acceptance: [] }
    const scope = { in_scope: ['src/**'], out_of_scope: ['src/old/**'] }
    const leaf = { id: '1.1', title: '', goal: '', risk: 'mid' as const, ...lists, ...scope }
    const contract = { title: '', goal: '', acceptance: [], leaves: [leaf] }
    expect(check(fresh, tasks, [commit(['src/old/x.ts', 'src/c.ts'], { leaf: '1.1' })], contract)).toEqual([
      'no-deviation src/old/x.ts',
    ])
  })

  test('eight days of commits without a word', () => {
    const at = (day: number) => commit([], { seconds: Date.UTC(2026, 10, day, 0, 0, 1) / 1000 })
    expect(check(fresh, [], [at(26)])).toEqual([])
    expect(check(fresh, [], [at(21), at(28), at(22)])).toEqual(['stale companion'])
    expect(check(fresh, [], [at(1)])).toEqual([])
  })
})
