// Plan files of every shape: what is read, boxes that change and nothing else, two people's boxes, parts by repository.

import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePredicate } from '../../src/plan/predicate'
import { TASK_ID } from '../../src/plan/schema'
import {
  boxesOf,
  detectShape,
  MAX_TASKS,
  MAX_TEXT,
  mergeBoxes,
  type ReadOptions,
  type ReadPlan,
  readPlan,
  setBoxes,
  splitByRepo,
} from '../../src/plan/shapes/shapes'
import { parseXml } from '../../src/plan/shapes/xml'

const FOLDER = new URL('../fixtures/plans/', import.meta.url)
const FILES = readdirSync(FOLDER)
const fixture = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8')

function read(text: string, name: string, options?: ReadOptions): ReadPlan {
  const plan = readPlan(text, name, options)
  if ('problem' in plan) throw new Error(`${name}: ${plan.problem}`)
  return plan
}

function problem(text: string, name: string): string {
  const plan = readPlan(text, name)
  return 'problem' in plan ? plan.problem : `read as ${plan.shape} with ${plan.tasks.length} tasks`
}

const planOf = (name: string) => read(fixture(name), name)
const states = (text: string) => new Map(boxesOf(text).map(({ n, checked }) => [n, checked]))

/** A plan on one screen. */
function outline({ features, tasks }: ReadPlan): string[] {
  return features.flatMap((feature) => [
    `${feature.n} ${feature.title}`,
    ...feature.phases.flatMap((phase) => [
      `  ${phase.id} ${phase.title}${phase.depends_on.length > 0 ? ` after ${phase.depends_on.join(' ')}` : ''}`,
      ...tasks
        .filter(({ leaf }) => leaf === phase.id)
        .map((task) => {
          const from = task.source_id === undefined ? '' : ` (${task.source_id})`
          const after = task.depends_on.length > 0 ? ` after ${task.depends_on.join(' ')}` : ''
          return `    ${task.status === 'done' ? 'x' : '-'} ${task.id}${from} ${task.title}${after}`
        }),
    ]),
  ])
}

const task = (plan: ReadPlan, id: string) => plan.tasks.find((each) => each.id === id)

test('every fixture is of the shape that its name says', () => {
  expect(Object.fromEntries(FILES.map((name) => [name, detectShape(fixture(name), name)]))).toEqual({
    '01-02-PLAN.md': 'gsd',
    'ROADMAP.md': 'gsd',
    'TASK.xml': 'taskxml',
    'TODOS-gstack.md': 'todos',
    'TODOS.md': 'todos',
    'dstack.md': 'dstack',
    'gstack-living.md': 'gstack',
    'numbered.md': 'markdown',
    'plain.md': 'markdown',
    'speckit-tasks.md': 'speckit',
    'tasks.xml': 'taskxml',
    'two-repos.md': 'markdown',
  })
})

test('the templates are plans', () => {
  for (const [name, shape] of [
    ['PLAN.md', 'dstack'],
    ['TASK.xml', 'taskxml'],
  ] as const) {
    const plan = read(readFileSync(new URL(`../../templates/${name}`, import.meta.url), 'utf8'), name)
    expect(plan).toMatchObject({ shape, title: '{{title}}', warnings: [] })
    expect(plan.tasks.length).toBeGreaterThan(0)
    for (const { acceptance } of plan.tasks) {
      expect(acceptance.length).toBeGreaterThan(0)
      for (const line of acceptance) expect(parsePredicate(line)).not.toHaveProperty('problem')
    }
  }
})

describe('dstack', () => {
  const plan = planOf('dstack.md')

  test('features, phases and tasks with their ids', () => {
    expect(outline(plan)).toEqual([
      '1 Counting',
      '  1.1 Sliding window',
      '    x 1.1-T01 Tests for the window',
      '    - 1.1-C01 The window itself after 1.1-T01',
      '  1.2 Answers after 1.1',
      '    - 1.2-C01 Answer 429 with Retry-After after 1.1-T01 1.1-C01',
      '2 Telling people',
      '  2.1 Handbook',
      '    - 2.1-D01 Document the limits in the handbook',
      '    - 2.1-C01 Announce it',
    ])
    expect(plan.title).toBe('Rate limits for the public API')
    expect(plan.features[0]).toMatchObject({
      origin: 'request of support, section "Outages in March"',
      acceptance: ['exit 0 : npm test'],
    })
    expect(plan.features[0]?.phases[0]?.touches).toEqual(['src/limit/**', 'tests/limit/**'])
    expect(plan.warnings).toEqual(['1 box stands outside of phases and became no tasks.'])
  })

  test('the fields of a task', () => {
    expect(task(plan, '1.1-C01')).toEqual({
      id: '1.1-C01',
      title: 'The window itself',
      leaf: '1.1',
      files: ['src/limit/{window,clock}.ts'],
      read_first: ['docs/limits.md'],
      depends_on: ['1.1-T01'],
      acceptance: ['exit 0 : npm test -- tests/limit @red', 'text /setInterval/ in src/limit/** absent'],
      covers: ['FR-1', 'SC-1'],
      why: 'A fixed window lets twice the number through at its edges.',
      action:
        'Keep the counters in one map, and drop keys that are silent for two windows.\n\n```ts\n// - [ ] this is no task\n```',
      commit_prefix: 'limit:',
      status: 'pending',
      box: 1,
      origin: 'Phase 1.1: Sliding window',
    })
  })

  test('requirements', () => {
    expect(plan.requirements.map(({ id }) => id)).toEqual(['FR-1', 'FR-2', 'SC-1'])
    expect(plan.requirements[1]?.text).toBe('The answer 429 carries `Retry-After` in seconds.')
  })

  test('an id that is taken or of another phase gives way, with a warning', () => {
    const odd = read(
      '# Plan: x\n### Phase 1.1: a\n- [ ] 1.1-C01 one\n- [ ] 1.1-C01 two\n- [ ] 2.1-C01 three\n- [ ] 1.1-X01 four\n',
      'p.md',
    )
    expect(outline(odd).slice(2)).toEqual([
      '    - 1.1-C01 one',
      '    - 1.1-C02 (1.1-C01) two',
      '    - 1.1-C03 (2.1-C01) three',
      '    - 1.1-C04 (1.1-X01) four',
    ])
    expect(odd.warnings).toEqual([
      'Two tasks are called 1.1-C01; the second got a new number.',
      '2.1-C01 stands under phase 1.1; it got a new number.',
    ])
  })

  test('prose stays in its own acceptance, for a check to find', () => {
    const own = read('# Plan: x\n### Phase 1.1: a\n- [ ] 1.1-C01 one\n  acceptance: it works\n', 'p.md')
    expect(own.tasks[0]?.acceptance).toEqual(['it works'])
  })
})

describe('plain Markdown', () => {
  const plan = planOf('plain.md')

  test('boxes under headings, nested ones before the one around', () => {
    expect(plan.title).toBe('Move the newsletter to the new mailer')
    expect(outline(plan)).toEqual([
      '1 Preparation',
      '  1.1 Preparation',
      '    x 1.1-C01 Get an account at the new mailer',
      '    - 1.1-C02 Write down who sends what today after 1.1-C03 1.1-C04',
      '    - 1.1-C03 transactional mail',
      '    x 1.1-C04 campaigns',
      '2 Switch',
      '  2.1 Switch',
      '    - 2.1-C01 Move the templates',
      '    - 2.1-M01 Backfill the suppression list, see FR-3',
      '    - 2.1-T01 Write tests for bounces',
      '3 Later',
      '  3.1 Later',
      '    - 3.1-C01 Drop the old account',
    ])
  })

  test('criteria are no tasks, prose is no predicate', () => {
    expect(plan.features[1]?.acceptance).toEqual([
      'value $(npm run -s mailer-status) /provider == "new"',
      'Nobody gets a letter twice',
    ])
    expect(task(plan, '2.1-M01')).toMatchObject({
      acceptance: ['exit 0 : node scripts/compare-lists.js'],
      action: 'Acceptance:\n- somebody from support looked at ten addresses',
      covers: ['FR-3'],
      origin: 'Switch',
    })
    expect(task(plan, '2.1-C01')).toMatchObject({
      files: ['mail/templates/**'],
      action: '**Move the templates** — all twelve, with their translations',
    })
  })

  test('numbered lists, where there is no box', () => {
    expect(outline(planOf('numbered.md'))).toEqual([
      '1 Full plan',
      '  1.1 Upgrade to Node 22',
      '    - 1.1-C01 Raise the engines field',
      '    - 1.1-T01 Run the test suite on both versions',
      '    - 1.1-D01 Update the readme',
      '2 Afterwards',
      '  2.1 Afterwards',
      '    - 2.1-C01 Remove the polyfill',
    ])
    expect(planOf('numbered.md').tasks[0]?.action).toBe('in package.json and in the image')
  })

  test('a text without tasks is read, with a warning', () => {
    expect(read('# Only prose\n\nand more', 'a.md')).toMatchObject({
      tasks: [],
      warnings: ['No task was found in the plan.'],
    })
  })
})

describe('TODOS.md', () => {
  test('what is unchecked, by bands', () => {
    const plan = planOf('TODOS.md')
    expect(plan.bands).toEqual(['P0', 'P1', 'P2', 'P3', 'none'])
    expect(plan.tasks.map(({ title }) => title)).toEqual([
      'Rotate the signing key',
      'Stop the importer when the disk is full',
      'rename the bucket',
      'A tour for new users',
      'Dark mode',
    ])
    expect(task(plan, '1.1-C01')).toMatchObject({ why: 'it was in a screenshot', box: 2 })
    expect(plan.boxes).toHaveLength(7)
  })

  test('only the bands that were chosen', () => {
    const plan = read(fixture('TODOS.md'), 'TODOS.md', { bands: ['p1', 'none'] })
    expect(plan.tasks.map(({ id, title, box }) => [id, title, box])).toEqual([
      ['1.1-C01', 'Stop the importer when the disk is full', 0],
      ['2.1-C01', 'Dark mode', 4],
    ])
    expect(plan.bands).toEqual(['P0', 'P1', 'P2', 'P3', 'none'])
  })

  test('headings and bullets that name a priority, as gstack writes them', () => {
    const plan = planOf('TODOS-gstack.md')
    expect(plan.bands).toEqual(['P1', 'P2', 'P3'])
    expect(plan.tasks.map(({ title, origin }) => `${title} < ${origin}`)).toEqual([
      'Show the diff before the prompt < Review / Show the diff before the prompt',
      'Timeline without a value crashes < P2/P3: follow-ups of the March wave',
      'Quote-aware masking < P2/P3: follow-ups of the March wave',
    ])
    expect(plan.tasks[0]?.why).toBe('People answer without having seen it.')
  })
})

describe('gstack living plans', () => {
  const plan = planOf('gstack-living.md')

  test('phases with their boxes; what cannot be run is left out', () => {
    expect(outline(plan)).toEqual([
      '1 Sign in',
      '  1.1 Password check',
      '    x 1.1-T01 Password check: tests',
      '    x 1.1-C01 Password check after 1.1-T01',
      '  1.2 Lockout after 1.1',
      '    - 1.2-T01 Lockout: tests',
      '    - 1.2-C01 Lockout after 1.2-T01',
      '3 Sign out',
      '  3.1 End a session after 1.1 1.2',
      '    x 3.1-C01 End a session',
    ])
    expect(plan.warnings).toEqual([
      'Phase 3 "Only an idea" has no Review box; it was left out.',
      'Feature 2 "Nothing that can be run" has no phase that can be run; it was left out.',
    ])
    expect(plan.features.flatMap(({ phases }) => phases)).toMatchObject([
      {
        boxes: { spec: 0, implementation: 1, review: 2 },
        state: 'impl_done',
        legacy: false,
        test_cmd: 'npm test -- auth',
      },
      { boxes: { spec: 3, implementation: 4, review: 5 }, state: 'pending', touches: ['src/auth/lock.ts'] },
      { boxes: { implementation: 7, review: 8 }, state: 'committed', legacy: true },
    ])
    expect(plan.features[0]).toMatchObject({ origin: 'Week 1 / sign in, Week 2 / lockout' })
  })

  test.each([
    ['   ', 'pending'],
    ['x  ', 'pending'],
    [' x ', 'impl_done'],
    ['xx ', 'impl_done'],
    ['  x', 'committed'],
    ['xxx', 'committed'],
  ])('boxes [%s] mean %s (rule 19)', ([spec, implementation, review], state) => {
    const text = `### Phase 1: a\n- [${spec}] **Test Specification**: t\n- [${implementation}] **Implementation**: i\n- [${review}] **Review**: r\n`
    const read = planOf2(text)
    expect(read.features[0]).toMatchObject({ title: 'Full plan', phases: [{ id: '1.1', state }] })
  })

  const planOf2 = (text: string) => read(text, 'living.md', { shape: 'gstack' })

  test('only the bold word counts, and three boxes are three', () => {
    const twice = planOf2(
      '### Phase 1.1: a\n- [ ] implementation of something\n- [ ] **implementation (x)**: i\n- [ ] **Review & QA (y)**: r\n- [ ] **Review (z)**: again\n',
    )
    expect(twice.features[0]?.phases[0]?.boxes).toEqual({ implementation: 1, review: 2 })
    expect(twice.warnings).toEqual(['Phase 1.1 has a second review box in line 5; the first counts.'])
  })
})

describe('GSD', () => {
  test('a plan file', () => {
    const plan = planOf('01-02-PLAN.md')
    expect(plan.title).toBe('Tokens that expire.')
    expect(outline(plan)).toEqual([
      '1 foundation',
      '  1.2 foundation after 1.1',
      '    - 1.2-C01 Issue and verify tokens',
      '    - 1.2-C02 Try it in a browser after 1.2-C01',
    ])
    expect(plan.features[0]).toMatchObject({
      origin: '01-foundation, plan 02',
      acceptance: [
        'A user can sign in: with a password',
        'A token expires after 15 minutes',
        'path exists src/auth/token.ts',
      ],
      phases: [{ touches: ['src/auth/token.ts', 'tests/auth/token.test.ts'] }],
    })
    expect(plan.tasks[0]).toMatchObject({
      files: ['src/auth/token.ts', 'tests/auth/token.test.ts'],
      read_first: ['src/auth/schema.ts'],
      covers: ['AUTH-01', 'AUTH-03'],
      acceptance: ['exit 0 : npm test -- auth/token', 'text /jsonwebtoken/ in package.json absent'],
      action:
        'Sign with the key of the environment; refuse when `exp < now && !grace`.\nThe type is Result<Token, Expired>.\n\n' +
        'Done when:\n- Look at the log: no key in it.\n- Tokens are issued and refused as the tests say.\n- An expired token is refused',
    })
  })

  test('a task element that is not closed ends the reading, with a warning', () => {
    const plan = read('<task type="auto">\n<name>a</name>\n</task>\n<task>\n<name>b</name>\n', 'PLAN.md')
    expect(plan.tasks.map(({ title }) => title)).toEqual(['a'])
    expect(plan.warnings).toEqual(['A <task> is not closed; what stands below it was not read.'])
  })

  test('a roadmap', () => {
    const plan = planOf('ROADMAP.md')
    expect(plan.title).toBe('Ledger')
    expect(outline(plan)).toEqual([
      '1 Foundation',
      '  1.1 Project and schema',
      '    x 1.1-C01 (01-01) Project and schema',
      '  1.2 First page',
      '    x 1.2-C01 (01-02) First page',
      '2 Entries',
      '  2.1 Add an entry after 1.1 1.2',
      '    x 2.1-C01 (02-01) Add an entry',
      '  2.2 Migrate old entries after 1.1 1.2',
      '    - 2.2-M01 (02-02) Migrate old entries',
      '3 Rounding',
      '  3.1 Count in cents after 2.1 2.2',
      '    - 3.1-C01 (02.1-01) Count in cents',
      '4 Reports',
      '  4.1 Reports after 3.1',
      '    - 4.1-C01 Reports',
    ])
    expect(plan.features[0]?.acceptance).toEqual([
      'A page that shows an empty ledger',
      'A visitor sees an empty ledger',
      'The schema is migrated on start',
    ])
    expect(plan.tasks[0]).toMatchObject({ covers: ['LED-01', 'LED-02'], origin: 'Phase 1: Foundation', box: 4 })
  })
})

test('spec-kit', () => {
  const plan = planOf('speckit-tasks.md')
  expect(plan.title).toBe('Photo albums')
  expect(outline(plan)).toEqual([
    '1 Setup (Shared Infrastructure)',
    '  1.1 Setup (Shared Infrastructure)',
    '    x 1.1-C01 (T001) Create project structure per implementation plan',
    '    x 1.1-G01 (T002) Configure linting in biome.json after 1.1-C01',
    '    - 1.1-D01 (T003) Document the setup in docs/setup.md after 1.1-C01',
    '2 Foundational (Blocking Prerequisites)',
    '  2.1 Foundational (Blocking Prerequisites) after 1.1',
    '    - 2.1-M01 (T004) Migrate the schema for albums in db/migrations/0007_albums.sql',
    '3 Make an album',
    '  3.1 Make an album after 2.1',
    '    - 3.1-T01 (T005) Contract test for POST /albums in tests/contract/test_albums.py',
    '    - 3.1-C01 (T006) Create Album model in src/models/album.py (FR-001)',
    '    - 3.1-C02 (T007) Implement AlbumService in src/services/album_service.py (depends on T004, T006) after 2.1-M01 3.1-C01 3.1-T01',
    '4 Share an album',
    '  4.1 Share an album after 2.1',
    '    - 4.1-C01 (T008) Add links in src/services/share.py',
    '5 Polish',
    '  5.1 Polish after 1.1 2.1 3.1 4.1',
    '    - 5.1-C01 (T009) Run quickstart.md',
  ])
  expect(plan.requirements).toEqual([
    { id: 'US1', text: 'Make an album' },
    { id: 'US2', text: 'Share an album' },
  ])
  expect(task(plan, '3.1-C01')).toMatchObject({ covers: ['FR-001', 'US1'], files: ['src/models/album.py'] })
  expect(task(plan, '3.1-T01')?.files).toEqual(['tests/contract/test_albums.py'])
  expect(plan.features[2]?.acceptance).toEqual(['A user makes an album and adds photos'])
  expect(problem('- [ ] T001 a\n', 'tasks.md')).toMatch(/headings like/)
})

describe('TASK.xml', () => {
  test('one task', () => {
    const plan = planOf('TASK.xml')
    expect(outline(plan)).toEqual(['2 Full plan', '  2.3 Phase 2.3', '    - 2.3-C04 Refuse uploads over 10 MB'])
    expect(plan.tasks[0]).toMatchObject({
      files: ['src/upload.ts', 'tests/upload.test.ts'],
      read_first: ['docs/limits.md', 'src/config.ts'],
      acceptance: ['exit 0 : npm test -- upload', 'text /10 \\* 1024 \\* 1024/ in src/upload.ts ==1'],
      action:
        'Stop reading when size > 10 MB && answer 413.\n  Keep what follows the limit in one place.\n\n' +
        'Done when:\n- A file of 11 MB is refused & nothing is left on disk.',
      commit_prefix: 'upload:',
    })
  })

  test('several tasks', () => {
    const plan = planOf('tasks.xml')
    expect(plan.title).toBe('Uploads')
    expect(outline(plan)).toEqual([
      '1 Uploads',
      '  1.1 Uploads',
      '    - 1.1-T01 (first) Write tests for the limit',
      '  1.2 Uploads',
      '    x 1.2-C01 Set the limit after 1.1-T01',
    ])
    expect(plan.tasks[0]?.acceptance).toEqual(['diff touches tests/**'])
  })

  test.each([
    ['<!DOCTYPE task [<!ENTITY a "b">]><task/>', /DOCTYPE/],
    ['<task><name>&a;</name></task>', /entities/],
    ['<task><name>a & b</name></task>', /entities/],
    ['<task><name>&#0;</name></task>', /entities/],
    ['<task><name>&#27;[31m</name></task>', /entities/],
    ['<task><name>a < b</name></task>', /&lt;/],
    ['<task><name>a</task>', /closes nothing/],
    ['<task>', /not closed/],
    ['<task/><task/>', /second outermost/],
    ['<task a="1" a="2"/>', /stands twice/],
    ['<task a=1/>', /not well-formed/],
    ['<task><?php x ?></task>', /instruction/],
    ['<task>', /not closed/],
    ['text<task/>', /outside/],
    ['<plan/>', /not with <task>/],
    ['<tasks><plan/></tasks>', /only <task>/],
    ['<task><files>a</files></task>', /no <name>/],
    [`${'<task>'.repeat(40)}`, /nested more than/],
  ])('%s', (text, words) => {
    expect(problem(text, 'TASK.xml')).toMatch(words)
  })

  test('the five entities, numbers, CDATA, comments, attributes', () => {
    expect(
      parseXml(
        `\ufeff<?xml version="1.0"?><!-- < & --><a b='"&lt;' c = "&#65;&#x42;" >&amp;&gt;<![CDATA[<&]]><d/>&quot;&apos;</a>\n`,
      ),
    ).toEqual({
      name: 'a',
      attributes: { b: '"<', c: 'AB' },
      text: '&><&"\'',
      children: [{ name: 'd', attributes: {}, text: '', children: [] }],
    })
  })
})

describe.each(FILES)('%s', (name) => {
  const text = fixture(name)
  const windows = `\ufeff${text.replaceAll('\n', '\r\n')}`

  test('says the same with CRLF and a byte order mark', () => {
    const { boxes, tasks, features, requirements, repos } = read(windows, name)
    const plan = read(text, name)
    expect({ boxes, tasks, features, requirements, repos }).toEqual({
      boxes: plan.boxes,
      tasks: plan.tasks,
      features: plan.features,
      requirements: plan.requirements,
      repos: plan.repos,
    })
  })

  test('its ids are ids, unique, of a phase; its boxes are boxes of the text', () => {
    const { tasks, boxes, features } = read(text, name)
    const phases = features.flatMap((feature) => feature.phases.map(({ id }) => id))
    expect(new Set(phases).size).toBe(phases.length)
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length)
    for (const { id, leaf, box, status } of tasks) {
      expect(TASK_ID.exec(id)?.[1]).toBe(leaf)
      expect(phases).toContain(leaf)
      if (box !== undefined && detectShape(text, name) !== 'gstack') expect(boxes[box]?.checked).toBe(status === 'done')
    }
  })

  test('writing what the boxes say changes nothing; ticking changes only ticks', () => {
    for (const form of [text, windows, text.trimEnd(), text.replaceAll('[x]', '[X]')]) {
      expect(setBoxes(form, states(form))).toBe(form)
      const all = new Map(boxesOf(form).map(({ n }) => [n, true]))
      const ticked = setBoxes(form, all)
      expect(ticked.length).toBe(form.length)
      expect(boxesOf(ticked).every(({ checked }) => checked)).toBe(true)
      const none = new Map(boxesOf(form).map(({ n }) => [n, false]))
      expect(setBoxes(setBoxes(ticked, none), states(form)).toLowerCase()).toBe(form.toLowerCase())
    }
  })
})

/** Markdown of every kind of line that could be taken for a box, or hide one. */
const anyLine = fc.oneof(
  fc.constantFrom(
    '- [ ] a',
    '* [x] b',
    '  - [X] c',
    '1. [ ] d',
    '> - [ ] q',
    '- [] no',
    '- [ ]no',
    '[ ] no',
    '- [ ]',
    '```',
    '~~~~',
    '<!-- x',
    '-->',
    '<!-- - [ ] -->',
    '---',
    '# H',
    '## H',
    '## G ##',
    '',
    '\t- [ ] e\t',
    '- [x]  f  ',
  ),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
)
const markdown = fc
  .tuple(
    fc.array(fc.tuple(anyLine, fc.constantFrom('\n', '\r\n'))),
    fc.constantFrom('', '\ufeff'),
    fc.constantFrom('', '- [ ] last'),
  )
  .map(([lines, bom, last]) => bom + lines.map(([line, end]) => line + end).join('') + last)

describe('boxes of any Markdown', () => {
  test('stay as they are when nothing changes', () => {
    fc.assert(
      fc.property(markdown, (text) => {
        expect(setBoxes(text, states(text))).toBe(text)
        expect(setBoxes(text, new Map())).toBe(text)
        expect(setBoxes(text, new Map([[999, true]]))).toBe(text)
      }),
      { numRuns: 600 },
    )
  })

  test('take any states, and the rest of the text stays', () => {
    fc.assert(
      fc.property(markdown, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (text, bits) => {
        const wanted = new Map(boxesOf(text).map(({ n }) => [n, bits[n % 40] ?? false]))
        const set = setBoxes(text, wanted)
        expect(states(set)).toEqual(wanted)
        expect(set.replace(/\[[ xX]\]/g, '[]')).toBe(text.replace(/\[[ xX]\]/g, '[]'))
      }),
      { numRuns: 600 },
    )
  })

  test('a text that is read gives a plan or a sentence', () => {
    fc.assert(
      fc.property(
        markdown,
        fc.constantFrom(...(['dstack', 'markdown', 'todos', 'gstack', 'gsd', 'speckit', 'taskxml'] as const)),
        (text, shape) => {
          const plan = readPlan(text, 'a.md', { shape })
          if ('problem' in plan) expect(plan.problem).toMatch(/\.$/)
          else expect(plan.boxes).toEqual(boxesOf(text))
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('three ways', () => {
  const base = '# P\n\n## A\n- [ ] one\n- [ ] two\n- [x] three\n\n## B\n- [ ] one\n'
  const tick = (text: string, ...ns: number[]) => setBoxes(text, new Map(ns.map((n) => [n, true])))
  const clear = (text: string, ...ns: number[]) => setBoxes(text, new Map(ns.map((n) => [n, false])))

  test('two people tick different boxes: both are kept', () => {
    const file = tick(base, 0)
    expect(mergeBoxes(base, file, new Map([[1, true]]))).toEqual({
      text: tick(base, 0, 1),
      conflicts: [],
      taken: [{ n: 0, checked: true }],
    })
  })

  test('a box changed in the file stays as it is, whatever the tasks said before', () => {
    const file = clear(tick(base, 0), 2)
    const merged = mergeBoxes(
      base,
      file,
      new Map([
        [0, false],
        [1, false],
        [2, true],
        [3, true],
      ]),
    )
    expect(merged).toEqual({
      text: tick(file, 3),
      conflicts: [],
      taken: [
        { n: 0, checked: true },
        { n: 2, checked: false },
      ],
    })
  })

  test('changed on both sides alike', () => {
    const file = tick(base, 1)
    expect(mergeBoxes(base, file, new Map([[1, true]]))).toEqual({ text: file, conflicts: [], taken: [] })
  })

  test('[X] in the file stays', () => {
    const file = base.replace('[x]', '[X]')
    expect(mergeBoxes(base, file, new Map([[2, true]]))).toEqual({ text: file, conflicts: [], taken: [] })
  })

  test('an edited file: boxes are found by label and heading, line ends and all', () => {
    const file = `\ufeff${tick(base, 1).replace('# P\n', '# P\n\nMore words.\n').replaceAll('\n', '\r\n')}`
    const merged = mergeBoxes(
      base,
      file,
      new Map([
        [0, true],
        [3, true],
      ]),
    )
    expect(merged).toEqual({ text: tick(file, 0, 3), conflicts: [], taken: [{ n: 1, checked: true }] })
  })

  test('what is gone or new is reported, and nothing is guessed', () => {
    const file = '# P\n\n## A\n- [ ] two\n- [x] three\n- [ ] four\n\n## C\n- [ ] one\n'
    const merged = mergeBoxes(
      base,
      file,
      new Map([
        [0, true],
        [1, true],
        [3, false],
      ]),
    )
    expect(merged).toMatchObject({
      problem: 'edited',
      text: tick(file, 0),
      conflicts: [{ n: 0, label: 'one', line: 4 }],
      unmatched: [
        { n: 0, label: 'one' },
        { n: 3, label: 'one' },
      ],
      added: [
        { n: 2, label: 'four' },
        { n: 3, label: 'one' },
      ],
      taken: [],
    })
  })

  test('equal labels that can be confused are left alone', () => {
    const two = '## A\n- [ ] same\n- [ ] same\n'
    const three = '## A\n- [ ] same\n- [x] same\n- [ ] same\n'
    expect(mergeBoxes(two, three, new Map([[0, true]]))).toMatchObject({ problem: 'edited', text: three, taken: [] })
    const sections = '## A\n- [ ] same\n## A\n- [ ] same\n'
    const swapped = '## A\nsecond\n- [ ] same\n## A\n- [x] same\n'
    expect(mergeBoxes(sections, swapped, new Map([[0, true]]))).toMatchObject({
      problem: 'edited',
      text: swapped,
      taken: [],
    })
    // The same list with other words around it is the same list.
    expect(mergeBoxes(two, `${two}\nwords\n`, new Map([[1, true]]))).toEqual({
      text: '## A\n- [ ] same\n- [x] same\n\nwords\n',
      conflicts: [],
      taken: [],
    })
  })

  test('a box that the file changed is never written over', () => {
    const bits = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })
    const edit = fc.constantFrom(
      (text: string) => text,
      (text: string) => `intro\n${text}`,
      (text: string) => text.replace('a', 'other'),
      (text: string) => text.replace(/^.*\n/, ''),
      (text: string) => text.replaceAll('\r\n', '\n'),
    )
    fc.assert(
      fc.property(markdown, bits, bits, edit, (text, theirs, ours, change) => {
        const boxes = boxesOf(text)
        const file = change(setBoxes(text, new Map(boxes.map(({ n }) => [n, theirs[n % 40] ?? false]))))
        const wanted = new Map(boxes.map(({ n }) => [n, ours[n % 40] ?? false]))
        const merged = mergeBoxes(text, file, wanted)
        const before = boxesOf(file)
        const after = boxesOf(merged.text)
        expect(after.map(({ label }) => label)).toEqual(before.map(({ label }) => label))
        if ('problem' in merged) return
        for (const box of boxes) {
          const [then, now] = [before[box.n]?.checked, after[box.n]?.checked]
          if (then !== box.checked) expect(now).toBe(then)
          else expect(now).toBe(wanted.get(box.n))
          const taken = merged.taken.find(({ n }) => n === box.n)
          expect(taken?.checked).toBe(then !== box.checked && wanted.get(box.n) === box.checked ? then : undefined)
        }
      }),
      { numRuns: 600 },
    )
  })
})

describe('by repository', () => {
  test('each part has its own sections and tasks, what is common, and the headings above', () => {
    const text = fixture('two-repos.md')
    const plan = read(text, 'two-repos.md')
    expect(plan.repos).toEqual(['api', 'web'])
    const parts = splitByRepo(text, plan)
    const common = ['Agree on the names of the fields', 'One run through both']
    const of = parts.map((part) => ({ ...part, plan: read(part.text, 'part.md') }))
    expect(
      of.map(({ repo, sections, plan }) => [
        repo,
        sections,
        plan.tasks.map(({ title, origin }) => `${title} < ${origin}`),
      ]),
    ).toEqual([
      [
        'api',
        ['Sign in with a passkey', 'Words', 'Server', 'Routes', 'Test plan'],
        [
          `${common[0]} < Words`,
          'Add the challenge route < Routes',
          'Add the verify route < Routes',
          `${common[1]} < Test plan`,
        ],
      ],
      [
        'web',
        ['Sign in with a passkey', 'Words', 'Server', 'Routes', 'Client [repo: web]', 'Test plan'],
        [
          `${common[0]} < Words`,
          'Call it from the form < Routes',
          'Ask the browser for the key < Client [repo: web]',
          `${common[1]} < Test plan`,
        ],
      ],
    ])
    expect(of.map(({ plan }) => plan.repos)).toEqual([['api'], ['web']])
    expect(of[1]?.plan.tasks[1]?.action).toBe('Only behind the flag.')
  })

  test.each([
    ['# P\n## A [repo: a]\n- [ ] x\n## B (repository: b)\n- [ ] y\n', ['a', 'b']],
    ['# P\n## A\n**Repository:** `a`\n- [ ] x\n## B\nRepo: b\n- [ ] y\n', ['a', 'b']],
    ['---\nrepos:\n  - a\n  - b\n---\n- [ ] x\n', ['a', 'b']],
    ['- [ ] x [repo: a]\n- [ ] y\n  repo: b\n  files: f\n', ['a', 'b']],
    ['# P\nRepo: a\n- [ ] x\n', ['a']],
    ['# P\n```\nRepo: a\n```\n- [ ] x\n', []],
    ['# P\n- [ ] x\n', []],
  ])('%s', (text, repos) => {
    const plan = read(text, 'a.md')
    expect(plan.repos).toEqual(repos)
    const parts = splitByRepo(text, plan)
    expect(parts.map(({ repo }) => repo)).toEqual(repos)
    if (repos.length === 1) expect(parts[0]?.text).toBe(text)
    // Nothing is lost: every task is in a part.
    const titles = parts.flatMap((part) => read(part.text, 'a.md').tasks.map(({ title }) => title))
    if (repos.length > 0) expect([...new Set(titles)].sort()).toEqual(plan.tasks.map(({ title }) => title).sort())
  })
})

describe('hostile texts', () => {
  test('caps', () => {
    expect(problem('a'.repeat(MAX_TEXT + 1), 'a.md')).toMatch(/larger than 256 KiB/)
    expect(problem('é'.repeat(MAX_TEXT / 2 + 1), 'a.md')).toMatch(/larger than 256 KiB/)
    expect(problem(`# a\n${'- [ ] x\n'.repeat(MAX_TASKS + 1)}`, 'a.md')).toMatch(/2001 tasks/)
    expect(problem('- [ ] x\n'.repeat(1200), 'a.md')).toMatch(/too many tasks/)
    expect(problem(Array.from({ length: 21 }, (_, i) => `## A [repo: r${i}]\n`).join(''), 'a.md')).toMatch(
      /21 repositories/,
    )
    expect(problem('- [ ] a\n- [ ] \u001b[31mred\n', 'a.md')).toMatch(/^Line 2 has a control character/)
    expect(problem('a\rb', 'a.md')).toMatch(/control character/)
    expect(problem('a\u0000', 'a.md')).toMatch(/control character/)
  })

  test('names of Object.prototype are names', () => {
    const text =
      '---\n__proto__: x\nconstructor: [a]\nrepos:\n  - __proto__: y\n---\n# toString\n- [ ] __proto__\n  constructor: a\n'
    expect(read(text, 'a.md').tasks.map(({ title }) => title)).toEqual(['__proto__'])
    expect(Object.prototype).not.toHaveProperty('x')
  })

  // Several times what was seen on a busy machine; work that grows with the square takes far longer.
  const SIZE = process.env.DSTACK_SLOW === '1' ? MAX_TEXT : MAX_TEXT / 8
  const LIMIT = (SIZE / MAX_TEXT) * 20_000
  const pieces = [
    '- [ ] ',
    '- [ ] a\n',
    '  - [ ] a\n',
    '#',
    '# ',
    '## P0\n',
    '# Phase 1: a\n',
    '## Feature 1\n### Phase 1\n',
    '```\n',
    '<!--',
    '<!-- a\n',
    '[repo:',
    ' ',
    '\n',
    '*',
    '**',
    'a.',
    '/a',
    '`',
    '---\n',
    'a: b\n- c\n',
    '- a: b\n',
    '<task ',
    '<task>',
    '<task><name>a</name></task>',
    '<a b="',
    '&',
    '&amp;',
    'priority:*',
    '- [ ] T001 [P] a/b.ts\n',
    '- [ ] **Phase 1: a**\n',
    '- [ ] **Implementation** a\n',
    '> ',
    '1. a\n',
    '(priority',
    'depends on T001 ',
  ]

  test.each(['dstack', 'markdown', 'todos', 'gstack', 'gsd', 'speckit', 'taskxml'] as const)(
    '%s is read in linear time',
    (shape) => {
      for (const piece of pieces) {
        for (const head of ['', '---\n# A\n- [ ] T001 <task><name>']) {
          const text = (head + piece.repeat(SIZE / piece.length)).slice(0, SIZE)
          const started = performance.now()
          const plan = readPlan(text, 'a.md', { shape })
          if (!('problem' in plan)) splitByRepo(text, plan)
          mergeBoxes(text, `x${text}`, new Map([[0, true]]))
          expect(performance.now() - started, `${JSON.stringify(head)} ${JSON.stringify(piece)}`).toBeLessThan(LIMIT)
        }
      }
    },
  )
})
