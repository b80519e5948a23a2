// What becomes of findings: each rule as a row, and what holds for all of them.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decided, decide, type Earlier, fingerprintOf, type Report } from '../../src/review/decide'
import { isTouched, look, readRange, type Site } from '../../src/review/place'
import { CLASSES, type Given, type Track } from '../../src/review/schema'

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

const FILES: Readonly<Record<string, string>> = {
  'src/queue.ts': [
    'import x',
    '',
    'export function push() {',
    '  list.push(1)',
    '}',
    '',
    'export const list = []',
  ].join('\n'),
  'src/old.ts': 'one\ntwo\nthree',
}
const site: Site = {
  lines: (path) => FILES[path]?.split('\n') ?? null,
  id: (path) => (FILES[path] === undefined ? null : `id of ${path}`),
  gone: (path) => path === 'src/gone.ts',
  touched: (path) => (path === 'src/queue.ts' ? [[3, 5]] : []),
}

const given = (more: Partial<Given> = {}): Given => ({
  severity: 'P2',
  class: 'bug',
  claim: 'It loses items.',
  ...more,
})
const run = (findings: Given[], more: { track?: Track; earlier?: Earlier[] } = {}) =>
  decide({ track: more.track ?? 'A', reports: [{ reviewer: 'r', findings }], site, earlier: more.earlier ?? [], hash })
const listOf = (decided: Decided) =>
  Object.entries(decided).find(([, list]) => (list as unknown[]).length > 0)?.[0] ?? 'none'

describe('a place', () => {
  test.each([
    ['12', [12, 12]],
    [7, [7, 7]],
    ['3-9', [3, 9]],
    ['L3-L9', [3, 9]],
    [' 3 – 9 ', [3, 9]],
    ['9-3', null],
    ['0', null],
    ['-4', null],
    ['all', null],
  ])('lines %j', (lines, range) => expect(readRange(lines)).toEqual(range))

  test.each<[string, Partial<Given>, string]>([
    ['no path', {}, 'undefined'],
    ['a file', { path: 'src/queue.ts' }, 'true'],
    ['as written from here', { path: './src/queue.ts', lines: '3' }, 'true 3-3'],
    ['no such file', { path: 'src/nothing.ts' }, 'false no such text file is there'],
    ['outside', { path: '../../etc/passwd' }, 'false no such text file is there'],
    ['a file that the range takes away', { path: 'src/gone.ts' }, 'true'],
    ['lines that are there', { path: 'src/queue.ts', lines: '7' }, 'true 7-7'],
    ['lines behind the end', { path: 'src/queue.ts', lines: '7-8' }, 'false the file has only 7 lines'],
    ['no lines', { path: 'src/queue.ts', lines: 'somewhere' }, 'false what it calls lines are none'],
    ['a quotation', { path: 'src/queue.ts', lines: '4', evidence: 'list.push(1)' }, 'true 4-4'],
    ['with other blanks', { path: 'src/queue.ts', evidence: 'export function push() {\n\tlist.push(1)' }, 'true 3-4'],
    ['with the signs of a difference', { path: 'src/queue.ts', evidence: '+  list.push(1)\n+}' }, 'true 4-5'],
    ['in ticks', { path: 'src/queue.ts', evidence: '`list.push(1)`' }, 'true 4-4'],
    ['elsewhere in the file: set right', { path: 'src/queue.ts', lines: '90', evidence: 'list.push(1)' }, 'true 4-4'],
    ['made up', { path: 'src/queue.ts', lines: '4', evidence: 'list.pop()' }, 'false what it quotes is not there'],
  ])('%s', (_, finding, expected) => {
    const looked = look(given(finding), site)
    const rest =
      looked.verified === false ? ` ${looked.why}` : looked.verified && looked.range ? ` ${looked.range.join('-')}` : ''
    expect(`${looked.verified}${rest}`).toBe(expected)
  })

  test('a quotation that stands twice is the one near the named lines', () => {
    const twice: Site = { ...site, lines: () => ['a()', 'b()', 'c()', 'a()'] }
    expect(look(given({ path: 'x', lines: '3-4', evidence: 'a()' }), twice)).toMatchObject({ range: [4, 4] })
    expect(look(given({ path: 'x', lines: '1', evidence: 'a()' }), twice)).toMatchObject({ range: [1, 1] })
  })

  test('is touched where it meets what changed', () => {
    const at = (from: number, to: number) => isTouched('src/queue.ts', [from, to], site)
    expect([at(1, 2), at(1, 3), at(4, 4), at(5, 9), at(6, 7)]).toEqual([false, true, true, true, false])
    expect([isTouched('src/queue.ts', null, site), isTouched('src/old.ts', null, site)]).toEqual([true, false])
  })
})

describe('where a finding goes', () => {
  const skipped = (more: Partial<Earlier> = {}): Earlier => ({
    class: 'bug',
    claim: 'It loses items!',
    path: 'src/queue.ts',
    id: 'id of src/queue.ts',
    ...more,
  })
  const here = { path: 'src/queue.ts', lines: '4' }
  test.each<[string, Given, { track?: Track; earlier?: Earlier[] }, string]>([
    ['it counts', given(here), {}, 'findings'],
    ['without a place', given(), {}, 'findings'],
    ['not found at its place', given({ path: 'nowhere.ts' }), {}, 'unverified'],
    ['another class', given({ ...here, class: 'silent_drop' }), {}, 'outside'],
    ['another class, and made up', given({ class: 'taste', path: 'nowhere.ts' }), {}, 'outside'],
    ['lines that were not touched', given({ path: 'src/queue.ts', lines: '1' }), {}, 'preexisting'],
    ['a file that was not touched', given({ path: 'src/old.ts' }), {}, 'preexisting'],
    [
      'what is missing there is for track B',
      given({ class: 'silent_drop', path: 'src/old.ts' }),
      { track: 'B' },
      'findings',
    ],
    ['a plan names files to come', given({ class: 'order', path: 'nowhere.ts' }), { track: 'plan' }, 'findings'],
    ['decided on before', given(here), { earlier: [skipped()] }, 'silent'],
    [
      'the same in other words for people',
      given({ ...here, claim: 'it LOSES 3 items' }),
      { earlier: [skipped()] },
      'silent',
    ],
    ['before the file changed', given(here), { earlier: [skipped({ id: 'another' })] }, 'findings'],
    ['of another file', given(here), { earlier: [skipped({ path: 'src/old.ts' })] }, 'findings'],
    [
      'by its fingerprint',
      given(here),
      { earlier: [skipped({ claim: '?', fingerprint: fingerprintOf(given(here), hash) })] },
      'silent',
    ],
  ])('%s', (_, finding, more, expected) => expect(listOf(run([finding], more))).toBe(expected))
})

describe('the same finding from two', () => {
  const both = (a: Partial<Given>, b: Partial<Given>, names: [string, string] = ['x', 'y']) => {
    const reports: Report[] = [
      { reviewer: names[0], findings: [given({ path: 'src/queue.ts', lines: '4', ...a })] },
      { reviewer: names[1], findings: [given({ path: 'src/queue.ts', lines: '4', ...b })] },
    ]
    return decide({ track: 'A', reports, site, earlier: [], hash })
  }

  test('is one with more confidence', () => {
    expect(both({}, {}).findings).toMatchObject([{ confidence: 75, reviewers: ['x', 'y'] }])
    expect(both({ confidence: 75 }, { claim: 'it loses items' }).findings).toMatchObject([{ confidence: 100 }])
    expect(both({ confidence: 100 }, {}).findings).toMatchObject([{ confidence: 100 }])
  })
  test('from the same one twice is no more', () => {
    expect(both({}, {}, ['x', 'x']).findings).toMatchObject([{ confidence: 50, reviewers: ['x'] }])
  })
  test('has the worse severity of those that are as well founded', () => {
    expect(both({ severity: 'P3' }, { severity: 'P1' }).findings).toMatchObject([{ severity: 'P1' }])
    expect(both({ severity: 'P3' }, { severity: 'P1', lines: '99' }).findings).toMatchObject([
      { severity: 'P3', lines: '4' },
    ])
  })
  test('a made-up one adds nothing to a real one', () => {
    expect(both({}, { evidence: 'made up' })).toMatchObject({ findings: [{ confidence: 50 }], unverified: [] })
  })
  test('quoted words make it surer; what is not there makes it less sure', () => {
    expect(run([given({ path: 'src/queue.ts', evidence: 'list.push(1)' })]).findings).toMatchObject([
      { confidence: 75 },
    ])
    expect(run([given({ path: 'no.ts', confidence: 100 })]).unverified).toMatchObject([
      { confidence: 25, verified: false },
    ])
  })
})

describe('for all findings', () => {
  const finding = fc.record(
    {
      severity: fc.constantFrom('P1', 'P2', 'P3'),
      class: fc.constantFrom('bug', 'security', 'silent_drop', 'taste'),
      claim: fc.constantFrom('It loses items.', 'it loses items', 'No limit.', '!!!'),
      path: fc.constantFrom('src/queue.ts', './src/queue.ts', 'src/old.ts', 'nowhere.ts', 'src/gone.ts'),
      lines: fc.constantFrom('1', '4', '3-5', '99', 'x', 7),
      evidence: fc.constantFrom('list.push(1)', 'import x', 'made up', ''),
      confidence: fc.integer({ min: 0, max: 100 }),
    },
    { requiredKeys: ['severity', 'class', 'claim'] },
  ) as fc.Arbitrary<Given>
  const reports = fc.array(
    fc.record({ reviewer: fc.constantFrom('x', 'y', 'z'), findings: fc.array(finding, { maxLength: 6 }) }),
    { maxLength: 4 },
  )
  const track = fc.constantFrom<Track>('plan', 'A', 'B')
  const earlier = fc.array(
    fc.record({
      class: fc.constant('bug'),
      claim: fc.constantFrom('It loses items.', 'No limit.'),
      path: fc.constantFrom('src/queue.ts', undefined),
      id: fc.constantFrom('id of src/queue.ts', 'other', null),
    }),
    { maxLength: 2 },
  )
  const all = (decided: Decided) => Object.values(decided).flat() as Decided['findings']

  test('the order in which they come changes nothing', () => {
    fc.assert(
      fc.property(reports, track, earlier, fc.nat(), (them, on, before, seed) => {
        const turn = <T>(list: readonly T[]) =>
          list.length === 0 ? [] : [...list.slice(seed % list.length), ...list.slice(0, seed % list.length)].reverse()
        const other = turn(them).map((one) => ({ ...one, findings: turn(one.findings) }))
        const request = { track: on, site, earlier: before, hash }
        expect(decide({ ...request, reports: other })).toEqual(decide({ ...request, reports: them }))
      }),
    )
  })

  test('none is lost, none is there twice', () => {
    fc.assert(
      fc.property(reports, track, earlier, (them, on, before) => {
        const decided = all(decide({ track: on, reports: them, site, earlier: before, hash }))
        const came = new Set(them.flatMap(({ findings }) => findings.map((one) => fingerprintOf(one, hash))))
        expect(decided.map(({ fingerprint }) => fingerprint).sort()).toEqual([...came].sort())
      }),
    )
  })

  test('deciding again changes nothing: no number moves, nobody becomes surer', () => {
    fc.assert(
      fc.property(reports, (them) => {
        const once = decide({ track: 'A', reports: them, site, earlier: [], hash })
        const again = decide({
          track: 'A',
          reports: [{ reviewer: 'again', findings: once.findings }],
          site,
          earlier: [],
          hash,
        })
        const plain = ({ findings }: Decided) => findings.map(({ reviewers: _, ...rest }) => rest)
        expect(plain(again)).toEqual(plain(once))
      }),
    )
  })

  test('another reviewer who found it, too, never makes it less sure', () => {
    fc.assert(
      fc.property(finding, finding, (one, two) => {
        const same = {
          ...two,
          class: one.class,
          claim: one.claim,
          ...(one.path === undefined ? {} : { path: one.path }),
        }
        if (one.path === undefined) delete (same as Partial<Given>).path
        const alone = all(
          decide({ track: 'A', reports: [{ reviewer: 'x', findings: [one] }], site, earlier: [], hash }),
        )[0]
        const reports = [
          { reviewer: 'x', findings: [one] },
          { reviewer: 'y', findings: [same] },
        ]
        const both = all(decide({ track: 'A', reports, site, earlier: [], hash }))[0]
        if (alone?.verified === both?.verified) expect(both?.confidence).toBeGreaterThanOrEqual(alone?.confidence ?? 0)
      }),
    )
  })

  test('what counts is of the track, found where it says, and was touched', () => {
    fc.assert(
      fc.property(reports, track, (them, on) => {
        for (const one of decide({ track: on, reports: them, site, earlier: [], hash }).findings) {
          expect(CLASSES[on]).toContain(one.class)
          expect(one.verified).not.toBe(false)
          if (on === 'A' && one.path !== undefined) expect(['src/queue.ts', 'src/gone.ts']).toContain(one.path)
        }
      }),
    )
  })
})
