import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  foldUsage,
  MAX_BATCH,
  normalQuestion,
  openGaps,
  type Pending,
  parseUsage,
  totals,
  type Usage,
  usageOf,
  withPending,
} from '../../src/memory/usage'
import { Shelf } from './shelf'

const KEY = 'usage/w1'
const anything = () => true

function pending(usages: Usage[], prefix = ''): Pending[] {
  return usages.map((usage, i) => ({ id: `${prefix}${i}`, usage }))
}

function fold(shelf: Shelf, waiting: Pending[], key = KEY): void {
  const put = foldUsage(key, shelf.at(key), waiting, anything)
  if (put !== null) shelf.apply({ puts: [put], subject: 'x', result: null })
}

const read = (shelf: Shelf, key = KEY) => {
  const [live] = shelf.at(key)
  return live === undefined ? null : usageOf(live)
}

describe('folding', () => {
  test('adds to what the writer had counted before', () => {
    const shelf = new Shelf()
    fold(shelf, pending([{ helped: 'a/b' }, { gap: 'How do I deploy?' }, { helped: 'a/b' }], 'a'))
    fold(shelf, pending([{ helped: 'a/b' }, { gap: 'how do i  DEPLOY' }, { gap: 'who owns ci' }], 'b'))
    expect(read(shelf)).toMatchObject({ helped: { 'a/b': 3 }, gaps: { 'how do i deploy': 2, 'who owns ci': 1 } })
  })

  test('counts an event once, however often it is offered, also beside new ones', () => {
    const shelf = new Shelf()
    const first = pending([{ helped: 'a/b' }], 'a')
    const second = pending([{ helped: 'a/b' }], 'b')
    fold(shelf, first)
    expect(foldUsage(KEY, shelf.at(KEY), first, anything)).toBeNull()
    fold(shelf, [...first, ...second])
    fold(shelf, [...first, ...second])
    expect(read(shelf)?.helped).toEqual({ 'a/b': 2 })
    // Tidied up at last: nothing needs to be remembered of it.
    fold(shelf, pending([{ helped: 'a/b' }], 'c'))
    expect(read(shelf)?.batch).toEqual(['c0'])
  })

  test('is no write when nothing happened', () => {
    expect(foldUsage(KEY, [], [], anything)).toBeNull()
    expect(foldUsage(KEY, [], pending([{ gap: ' ?! ' }]), anything)).toBeNull()
  })

  test('questions that must not travel stay here', () => {
    const put = foldUsage(
      KEY,
      [],
      pending([{ gap: 'ghp_abc denied' }, { gap: 'fine' }]),
      (text) => !text.includes('ghp_'),
    )
    expect(put?.head.gaps).toEqual({ fine: 1 })
  })

  test('torn and foreign files are no events', () => {
    expect(['{"gap":', 'null', '[]', '{"gap":7}', '', `{"gap":"${'x'.repeat(5000)}"}`].map(parseUsage)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ])
    expect(parseUsage('{"helped":"a","x":1}')).toEqual({ helped: 'a' })
  })

  test('a name that reaches the prototype is dropped', () => {
    const put = foldUsage(KEY, [], pending([{ helped: '__proto__' }, { helped: 'a/b' }]), anything)
    expect(put?.head.helped).toEqual({ 'a/b': 1 })
    expect(Object.getPrototypeOf(put?.head.helped)).toBe(Object.prototype)
  })

  test('fits into a front matter; what was counted least goes; the rest of a long queue waits', () => {
    const shelf = new Shelf()
    fold(shelf, pending([{ gap: 'often' }, { gap: 'often' }], 'o'))
    const many = pending(
      Array.from({ length: 250 }, (_, i) => ({ gap: `a rather long question that nobody could answer, number ${i}` })),
      'm',
    )
    fold(shelf, many)
    expect(read(shelf)?.batch).toHaveLength(MAX_BATCH)
    for (let i = 0; i < 4; i++) fold(shelf, many)
    const head = read(shelf)
    expect(head?.gaps.often).toBe(2)
    expect(JSON.stringify(head?.gaps).length).toBeLessThanOrEqual(5 * 1024)
    expect(JSON.stringify(shelf.at(KEY)[0]?.doc.head).length).toBeLessThan(15 * 1024)
  })

  test('counts only grow', () => {
    const usage = fc.oneof(
      fc.record({ helped: fc.constantFrom('a/b', 'c/d', 'e/f') }),
      fc.record({ gap: fc.constantFrom('x', 'y', 'Z ', 'z') }),
    )
    fc.assert(
      fc.property(fc.array(fc.array(usage, { maxLength: 5 }), { maxLength: 8 }), (batches) => {
        const shelf = new Shelf()
        for (const [i, usages] of batches.entries()) {
          const before = read(shelf)
          fold(shelf, pending(usages, `b${i}-`))
          const after = read(shelf)
          for (const field of ['helped', 'gaps'] as const) {
            for (const [name, count] of Object.entries(before?.[field] ?? {}))
              expect(after?.[field][name]).toBeGreaterThanOrEqual(count)
          }
        }
        const all = batches.flat().filter((one) => 'helped' in one).length
        const sum = [...totals(new Map([[KEY, shelf.at(KEY)]])).helped.values()].reduce((a, b) => a + b, 0)
        expect(sum).toBe(all)
      }),
    )
  })
})

describe('totals', () => {
  test('sum over writers; versions of one writer are not added up', () => {
    const shelf = new Shelf()
    fold(shelf, pending([{ helped: 'a/b' }]), 'usage/w1')
    fold(shelf, pending([{ helped: 'a/b' }, { helped: 'c/d' }]), 'usage/w2')
    const [first] = shelf.at('usage/w1')
    const [other] = shelf.at('usage/w2')
    if (first === undefined || other === undefined) throw new Error('nothing there')
    expect([
      ...totals(
        new Map([
          ['usage/w1', [first]],
          ['usage/w2', [other]],
          ['other/x', [other]],
        ]),
      ).helped,
    ]).toEqual([
      ['a/b', 2],
      ['c/d', 1],
    ])
    expect([...totals(new Map([['usage/w1', [first, other]]])).helped]).toEqual([
      ['a/b', 1],
      ['c/d', 1],
    ])
  })

  test('what still waits counts already, once', () => {
    const shelf = new Shelf()
    const first = pending([{ helped: 'a/b' }, { gap: 'X' }], 'a')
    fold(shelf, first)
    const waiting = [...first, ...pending([{ helped: 'a/b' }, { gap: 'x' }, { gap: '!' }], 'b')]
    const counts = withPending(totals(new Map([[KEY, shelf.at(KEY)]])), shelf.at(KEY), waiting)
    expect([[...counts.helped], [...counts.gaps]]).toEqual([[['a/b', 2]], [['x', 2]]])
  })

  test('gaps: most often first, answered ones hidden', () => {
    const counts = {
      helped: new Map(),
      gaps: new Map([
        ['b', 1],
        ['a', 1],
        ['c', 2],
        ['d', 1],
      ]),
    }
    expect(openGaps(counts, (question) => question === 'd')).toEqual([
      { question: 'c', count: 2 },
      { question: 'a', count: 1 },
      { question: 'b', count: 1 },
    ])
  })

  test('a hostile document cannot shrink or overflow a sum', () => {
    const shelf = new Shelf()
    const put = (key: string, helped: Record<string, number>) =>
      shelf.apply({ puts: [{ key, head: { type: 'usage', helped }, body: '' }], subject: '', result: null })
    put('usage/a', { 'a/b': -5, 'c/d': 1e308, 'e/f': 0.5 })
    put('usage/b', { 'a/b': 2 })
    expect([...totals(new Map(['usage/a', 'usage/b'].map((key) => [key, shelf.at(key)]))).helped]).toEqual([['a/b', 2]])
  })
})

test('a question in one form', () => {
  expect(normalQuestion('  “How\tdo I\n deploy?!” ')).toBe('how do i deploy')
  expect(normalQuestion('ｆｕｌｌ width')).toBe('full width')
  expect(normalQuestion('x'.repeat(500))).toHaveLength(120)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(normalQuestion(normalQuestion(text))).toBe(normalQuestion(text))
    }),
    { numRuns: 1000 },
  )
})
