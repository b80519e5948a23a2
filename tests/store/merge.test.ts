// The merge laws: commutative, associative, idempotent, a pure function of the set of versions; nobody's text is dropped.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareClocks } from '../../src/store/clock'
import { encodeDocument, parseVersion, type Version } from '../../src/store/document'
import { basePath, type Item, mergeItems, type Placed, sortItems } from '../../src/store/merge'
import { BASE, itemOf, items, version } from './arbitraries'

const RUNS = Number(process.env.DSTACK_PROPERTY_RUNS ?? 2000)

/** Merges two trees of one document as the store does: what stands in either of them competes. */
function merge(a: readonly Item[], b: readonly Item[]): Item[] {
  const bytes = new Map([...a, ...b].map((item) => [`${item.mode} ${item.oid}`, item.bytes]))
  return mergeItems(BASE, [...a, ...b]).map((placed) => ({
    ...placed,
    bytes: bytes.get(`${placed.mode} ${placed.oid}`) ?? null,
  }))
}

const tree = (items: readonly Item[]) => merge(items, [])
const names = (items: readonly Placed[]) => items.map(({ path, mode, oid }) => `${mode} ${oid} ${path}`).sort()
const parsed = (item: Item): Version => {
  const result = parseVersion(BASE, item.bytes ?? Buffer.alloc(0))
  if ('malformed' in result) throw new Error(result.malformed)
  return result
}

describe('merge of two trees', () => {
  test('commutative', () => {
    fc.assert(
      fc.property(
        items,
        items,
        (a, b) => void expect(names(merge(tree(a), tree(b)))).toEqual(names(merge(tree(b), tree(a)))),
      ),
      { numRuns: RUNS },
    )
  })

  test('associative', () => {
    const law = fc.property(items, items, items, (a, b, c) => {
      const left = merge(merge(tree(a), tree(b)), tree(c))
      expect(names(left)).toEqual(names(merge(tree(a), merge(tree(b), tree(c)))))
    })
    fc.assert(law, { numRuns: RUNS })
  })

  test('idempotent', () => {
    fc.assert(
      fc.property(items, (a) => void expect(names(merge(tree(a), tree(a)))).toEqual(names(tree(a)))),
      { numRuns: RUNS },
    )
  })

  test('the tree is a pure function of the set of versions', () => {
    const law = fc.property(items, fc.infiniteStream(fc.nat()), (list, order) => {
      const shuffled = [...list, ...list].map((item) => ({ item, at: order.next().value })).sort((a, b) => a.at - b.at)
      const oneByOne = shuffled.reduce<Item[]>((done, { item }) => merge(done, [item]), [])
      expect(names(oneByOne)).toEqual(names(tree(list)))
    })
    fc.assert(law, { numRuns: RUNS })
  })

  test('every name tells what competes for it', () => {
    fc.assert(
      fc.property(items, (list) => tree(list).every((item) => basePath(item) === BASE)),
      { numRuns: RUNS },
    )
  })
})

describe('what lives', () => {
  test('exactly the maximal versions, and every file that is no version, byte for byte', () => {
    const law = fc.property(items, (list) => {
      const { live, opaque } = sortItems(BASE, list)
      const distinct = new Map(list.map((item) => [`${item.mode}${item.oid}`, item]))
      const versions = [...distinct.values()].filter(
        (item) => !opaque.some((other) => other.item.oid === item.oid && other.item.mode === item.mode),
      )
      const maximal = versions.filter(
        (a) => !versions.some((b) => compareClocks(parsed(a).clock, parsed(b).clock) === 'before'),
      )
      expect(new Set(live.map(({ item }) => item.oid))).toEqual(new Set(maximal.map((item) => item.oid)))
      expect(live.length + opaque.length).toBeLessThanOrEqual(distinct.size)
      expect(tree(list)).toHaveLength(live.length + opaque.length)
    })
    fc.assert(law, { numRuns: RUNS })
  })

  test('a write that saw all of them ends a conflict', () => {
    const law = fc.property(fc.array(version, { minLength: 1, maxLength: 5 }), (list) => {
      const clock: Record<string, number> = { dddd: 1 }
      for (const item of list) {
        for (const [writer, tick] of Object.entries(parsed(item).clock))
          clock[writer] = Math.max(clock[writer] ?? 0, tick)
      }
      const settled = itemOf(
        encodeDocument({ head: { type: 'memory', key: 'k/doc', dot: 'dddd:1', clock }, body: 'settled' }),
      )
      const after = merge(tree(list), [settled])
      expect(after.map((item) => item.oid)).toEqual([settled.oid])
      expect(after[0]?.path).toBe(BASE)
    })
    fc.assert(law, { numRuns: RUNS })
  })

  test('a text wins over a deletion, and both stay', () => {
    const document = (body: string, writer: string, more: object) =>
      itemOf(
        encodeDocument({
          head: { type: 'memory', key: 'k/doc', ...more, dot: `${writer}:1`, clock: { [writer]: 1 } },
          body,
        }),
      )
    const text = document('kept', 'aaaa', {})
    const gone = document('', 'bbbb', { gone: true })
    expect(tree([gone, text]).map((item) => [item.path, item.oid])).toEqual([
      [BASE, text.oid],
      [BASE.replace('.md', `~${gone.oid.slice(0, 20)}.md`), gone.oid],
    ])
  })
})
