// The index and its tail: what is found, in which order, and what happens to damaged files.

import fc from 'fast-check'
import MiniSearch from 'minisearch'
import { describe, expect, test } from 'vitest'
import type { Slices } from '../../src/env/env'
import { DstackError } from '../../src/errors'
import { inMemory } from '../../src/memory/blocks'
import { collect } from '../../src/memory/collect'
import type { Entry } from '../../src/memory/entry'
import { distance } from '../../src/memory/fuzzy'
import { build, type Index, open, type Question, query } from '../../src/memory/search'
import { anyEntries, anyQuestion, entry, indexOf, NOW, WORDS } from './entries'

const NONE: ReadonlySet<string> = new Set()

function keys(index: Index | null, text: string, more: Partial<Question> = {}): string[] {
  return [...query(index, [], NONE, { text, now: NOW, ...more })].map((hit) => hit.entry.key)
}

describe('what is found', () => {
  const index = indexOf([
    entry('gotchas/auth/token-refresh', 'Call `queryClient.clear()` in signOut.', { tags: ['react'] }),
    entry('gotchas/runtime/lease', 'The lease lives 90 seconds; reconnecting workers renew it.'),
    entry('decisions/infra/plain-hosts', 'No kubernetes: systemd on six hosts.'),
    entry('gotchas/engine/compounds', 'Rechnungsnummer is not split.'),
  ])

  test.each([
    ['a word of the key', 'refresh', 'gotchas/auth/token-refresh'],
    ['a word of the text, in any case', 'LEASE', 'gotchas/runtime/lease'],
    ['a tag', 'react', 'gotchas/auth/token-refresh'],
    ['an identifier as a whole', 'queryclient.clear', 'gotchas/auth/token-refresh'],
    ['a part of an identifier', 'client', 'gotchas/auth/token-refresh'],
    ['another form of the word', 'reconnected worker', 'gotchas/runtime/lease'],
    ['a missing letter', 'kuberntes', 'decisions/infra/plain-hosts'],
    ['swapped letters', 'laese', 'gotchas/runtime/lease'],
    ['two words written as one', 'tokenrefresh', 'gotchas/auth/token-refresh'],
    ['a compound written apart', 'token refresh', 'gotchas/auth/token-refresh'],
    ['a word that runs through two others', 'leaselives', 'gotchas/runtime/lease'],
    ['the beginning of a longer word', 'Rechnung', 'gotchas/engine/compounds'],
  ])('%s', (_, question, key) => expect(keys(index, question)[0]).toBe(key))

  test('nothing', () => {
    expect(keys(index, 'zzzzzzzz')).toEqual([])
    expect(keys(index, 'the of and')).toEqual([])
    expect(keys(null, 'lease')).toEqual([])
  })

  test('without words every entry is a hit', () => expect(keys(index, ' ')).toHaveLength(4))

  test('the reasons say which words stand where, and how a typo was read', () => {
    const [hit] = query(index, [], NONE, { text: 'laese kuberntes seconds', now: NOW })
    expect(hit?.reasons).toEqual(['laese → leas (key, text)', 'seconds (text)', 'CONFIRMED', '19 days old'])
    expect(hit?.words).toBe(2)
  })

  test('a hit is the entry as it was given', () => {
    const given = entry('a/b/c', 'Größe "x"\n\n- 数据', {
      paths: ['**'],
      expires: '2027-01-01',
      decay: 2.5,
      meta: { n: [1, null] },
    })
    expect([...query(indexOf([given]), [], NONE, { text: '', now: NOW })][0]?.entry).toEqual(given)
  })

  test('filters by state as written, scope, proposal and author', () => {
    const mixed = indexOf([
      entry('a/a/a', 'lease', { state: 'UNCERTAIN', by: 'Bob' }),
      entry('a/a/b', 'lease', { scope: 'personal', expires: '2020-01-01' }),
      entry('a/a/c', 'lease', { proposed: true }),
    ])
    expect(keys(mixed, 'lease').sort()).toEqual(['a/a/a', 'a/a/b'])
    expect(keys(mixed, 'lease', { includeProposed: true })).toHaveLength(3)
    expect(keys(mixed, 'lease', { states: ['CONFIRMED'] })).toEqual(['a/a/b'])
    expect(keys(mixed, 'lease', { scopes: ['repository'] })).toEqual(['a/a/a'])
    expect(keys(mixed, 'lease', { authors: (by) => by === 'Bob' })).toEqual(['a/a/a'])
  })

  test('a word that every entry holds finds them all', () => {
    const everywhere = Array.from({ length: 2000 }, (_, i) =>
      entry(`n/n/${i}`, 'lease', { state: 'UNKNOWN', confidence: 0, at: '' }),
    )
    expect(keys(indexOf(everywhere), 'lease')).toHaveLength(2000)
  })

  test('a typo that somebody made in an entry is found, and what was meant as well', () => {
    const many = Array.from({ length: 30 }, (_, i) => entry(`n/n/e${i}`, 'the migration ran'))
    const found = keys(indexOf([...many, entry('z/z/typo', 'the migrtion ran')]), 'migrtion')
    expect(found[0]).toBe('z/z/typo')
    expect(found).toHaveLength(31)
  })
})

describe('the index file', () => {
  /** A word of its own for each entry, of letters only. */
  const name = (i: number) => `${String(i).replace(/\d/g, (digit) => 'bcdfghjklm'[Number(digit)] as string)}x`
  const entries = Array.from({ length: 700 }, (_, i) => entry(`c/t/k${i}`, `${name(i)} ${WORDS[i % WORDS.length]}`))
  const bytes = build(entries, 'tip-1')

  test('is a function of the set of entries', () => {
    expect(build([...entries].reverse(), 'tip-1').equals(bytes)).toBe(true)
  })

  test('names what it covers and counts it', () => {
    const index = indexOf([entry('a/a/a', 'x', { proposed: true }), entry('a/a/b', 'x', { versions: 3 })], 'tip-2')
    expect(index.identity).toBe('tip-2')
    expect(index.counts).toEqual({ entries: 2, proposed: 1, conflicts: 1 })
  })

  test('finds entries by key, also across blocks of the table', () => {
    const index = indexOf(entries)
    for (const { key } of entries) expect(index.find(key).map((doc) => index.entry(doc).key)).toEqual([key])
    expect(index.find('c/t/k')).toEqual([])
    expect(index.find('zzz')).toEqual([])
  })

  test('a query for one word reads a small part of it, and of the entries only the hits', () => {
    let read = 0
    const counting: Slices = {
      ...inMemory(bytes),
      read: (at, length) => {
        read += length
        return bytes.subarray(at, at + length)
      },
    }
    expect(keys(open(counting), name(123))).toEqual(['c/t/k123'])
    expect(read).toBeLessThan(bytes.length / 4)
  })

  test('works when reads start at odd addresses', () => {
    const odd: Slices = {
      ...inMemory(bytes),
      read: (at, length) => Buffer.concat([Buffer.alloc(1), bytes.subarray(at, at + length)]).subarray(1),
    }
    expect(keys(open(odd), name(123))).toEqual(['c/t/k123'])
  })

  const refused = (damaged: Buffer) => expect(() => open(inMemory(damaged))).toThrow(DstackError)

  test('is refused when it is empty, cut, longer, or something else', () => {
    for (const length of [0, 1, 3, 19, 20, 100, bytes.length - 4, bytes.length - 1]) refused(bytes.subarray(0, length))
    refused(Buffer.concat([bytes, Buffer.from('more')]))
    refused(Buffer.alloc(4096))
    refused(Buffer.from('not an index at all, but long enough to be read as one'))
  })

  test('is refused when another version wrote it', () => {
    const other = Buffer.from(bytes)
    other[other.length - 20] = 99
    refused(other)
  })

  test('damaged anywhere, it gives real entries or says CORRUPT', () => {
    const given = new Map(entries.map((one) => [one.key, one]))
    let corrupt = 0
    const change = fc.record({
      at: fc.nat(bytes.length - 1),
      length: fc.constantFrom(1, 1, 4, 512),
      to: fc.nat(255),
      question: fc.constantFrom('lease', `${name(7)} queue`, 'kubernets', '', name(699)),
    })
    fc.assert(
      fc.property(change, ({ at, length, to, question }) => {
        const damaged = Buffer.from(bytes).fill(to, at, Math.min(bytes.length, at + length))
        try {
          const index = open(inMemory(damaged))
          const hits = [
            ...query(index, [entry('t/t/t', 'lease')], new Set(['c/t/k5']), { text: question, paths: ['x'], now: NOW }),
          ]
          for (const hit of hits) expect(hit.entry).toEqual(given.get(hit.entry.key) ?? entry('t/t/t', 'lease'))
        } catch (error) {
          if (!(error instanceof DstackError) || error.code !== 'CORRUPT') throw error
          corrupt++
        }
      }),
      { numRuns: 400 },
    )
    expect(corrupt).toBeGreaterThan(50)
  })

  test('a lost sector in the middle of a large column is found', () => {
    const index = indexOf(entries)
    const [times] = [index.signals()[1]]
    const at = bytes.indexOf(Buffer.from(times.buffer, times.byteOffset, times.byteLength))
    const damaged = Buffer.from(bytes).fill(0, at + 512, at + 1024)
    expect(() => [...query(open(inMemory(damaged)), [], NONE, { text: 'lease', now: NOW })]).toThrow(/damaged/)
  })
})

describe('the tail', () => {
  const changes = fc.record({
    entries: anyEntries(),
    changed: anyEntries(5),
    removed: fc.array(fc.nat(11), { maxLength: 3 }),
    text: anyQuestion,
    paths: fc.constantFrom([], ['src/auth/mod.rs']),
    includeProposed: fc.boolean(),
  })

  test('index and tail together rank as one index of the same set, with the same scores and reasons', () => {
    fc.assert(
      fc.property(changes, ({ entries, changed, removed, ...question }) => {
        const gone = new Set(removed.flatMap((i) => entries[i]?.key ?? []))
        const last = new Map([...entries, ...changed].map((one) => [one.key, one]))
        for (const key of gone) last.delete(key)
        const tail = changed.filter(({ key }) => !gone.has(key))
        const asked = { ...question, now: NOW }
        const together = [...query(indexOf(entries), tail, gone, asked)]
        expect(together).toEqual([...query(indexOf([...last.values()]), [], NONE, asked)])
      }),
      { numRuns: 400 },
    )
  })

  test('everything in the tail, and no index, is the same again', () => {
    fc.assert(
      fc.property(anyEntries(), anyQuestion, (entries, text) => {
        const asked = { text, now: NOW }
        expect([...query(null, entries, NONE, asked)]).toEqual([...query(indexOf(entries), [], NONE, asked)])
      }),
      { numRuns: 100 },
    )
  })

  test('scores fall, and no entry comes twice', () => {
    fc.assert(
      fc.property(anyEntries(30), anyQuestion, (entries, text) => {
        const hits = [
          ...query(indexOf(entries.slice(5)), entries.slice(0, 5), NONE, { text, now: NOW, includeProposed: true }),
        ]
        expect(new Set(hits.map((hit) => hit.entry.key)).size).toBe(hits.length)
        for (const [i, hit] of hits.entries()) {
          expect(hit.score).toBeGreaterThan(0)
          // The first ten are compared with each other once more (`demoteOutdated`).
          if (i !== 0 && i !== 10) expect(hit.score).toBeLessThanOrEqual(hits[i - 1]?.score as number)
          expect(hit.coverage).toBeLessThanOrEqual(1.0001)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('against minisearch', () => {
  // Its default reads plain words as we do; what it stems, corrects or joins, nobody does here.
  const plain = ['lease', 'queue', 'worker', 'cargo', 'vacuum']
  const texts = fc.array(fc.array(fc.constantFrom(...plain), { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 15,
  })

  test('the same entries are found', () => {
    fc.assert(
      fc.property(texts, fc.uniqueArray(fc.constantFrom(...plain), { minLength: 1, maxLength: 3 }), (docs, asked) => {
        const entries = docs.map((words, i) => entry(`k/k/${i}`, words.join(' ')))
        const known = asked.filter((word) => docs.flat().includes(word))
        const oracle = new MiniSearch<Entry>({ fields: ['text'], idField: 'key' })
        oracle.addAll(entries)
        const expected = oracle.search(known.join(' ')).map(({ id }) => id as string)
        const found = known.length === 0 ? [] : keys(indexOf(entries), known.join(' '))
        expect([...found].sort()).toEqual(expected.sort())
      }),
      { numRuns: 200 },
    )
  })
})

describe('collecting terms', () => {
  test('gives the same for many documents, which are scanned, as for few', () => {
    const text = fc.array(fc.constantFrom('leaseTtl', 'lease_ttl', 'the', 'größe', 'Cargo.toml', 'p99', 'a--b', 'x'), {
      maxLength: 9,
    })
    fc.assert(
      fc.property(text, fc.constantFrom(' ', ', ', '/', '.'), (words, between) => {
        const one = { key: 'a/b/c-d', text: words.join(between), tags: ['ci', 'token-refresh'] }
        const few = collect([one])
        const many = collect(Array.from({ length: 1001 }, () => one))
        expect([...many.terms.keys()]).toEqual([...few.terms.keys()])
        expect(many.lengths[1000]).toBe(few.lengths[0])
        for (const [term, number] of few.terms) {
          const { docs, occurrences } = many.postings(many.terms.get(term) as number)
          expect([docs.length, docs[1000]]).toEqual([1001, 1000])
          expect(occurrences[1000]).toBe(few.postings(number).occurrences[0])
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('distance', () => {
  /** The textbook table, without limits. */
  function reference(a: string, b: string): number {
    const table = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array.from({ length: b.length }, () => 0)])
    const cell = (i: number, j: number) => table[i]?.[j] as number
    for (let j = 1; j <= b.length; j++) (table[0] as number[])[j] = j
    for (let i = 1; i <= a.length; i++) {
      for (let j = 1; j <= b.length; j++) {
        const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        const costs = [cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)]
        ;(table[i] as number[])[j] = Math.min(...costs, swapped ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY)
      }
    }
    return cell(a.length, b.length)
  }

  test('is that of the whole table, up to the limit', () => {
    const short = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
    const rows: number[][] = [[], [], []]
    fc.assert(
      fc.property(short, short, fc.integer({ min: 1, max: 3 }), (a, b, max) => {
        expect(distance(a, b, max, rows)).toBe(Math.min(reference(a, b), max + 1))
      }),
      { numRuns: 2000 },
    )
  })
})
