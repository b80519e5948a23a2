// Words and terms: what a text is found by.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stem } from '../../src/memory/stem'
import { scanWords, terms, words } from '../../src/memory/tokens'

const all = (text: string) => words(text).flatMap(terms)

describe('words', () => {
  test.each([
    ['Set `DB_POOL_MAX=20`, please.', ['Set', 'DB_POOL_MAX', '20', 'please']],
    ['runtime/src/lease/mod.rs', ['runtime', 'src', 'lease', 'mod.rs']],
    ['CacheKey::for_tenant()', ['CacheKey', 'for_tenant']],
    ['**90 seconds** since v0.31, not 30...', ['90', 'seconds', 'since', 'v0.31', 'not', '30']],
    ['it-is-so. And "sqlx_s_14" __dirname', ['it-is-so', 'And', 'sqlx_s_14', 'dirname']],
    ['Sitzungsschlüssel, größer', ['Sitzungsschlüssel', 'größer']],
    ['', []],
    ['--- ... !!', []],
  ])('%j', (text, expected) => expect(words(text)).toEqual(expected))

  test('the scan for indexing finds the words that `words` finds, in any text of ASCII', () => {
    const ascii = fc.string({ unit: fc.constantFrom(...'aZ9._-/ :_'), maxLength: 40 })
    fc.assert(
      fc.property(ascii, (text) => {
        const found: string[] = []
        expect(scanWords(text, (start, end) => found.push(text.slice(start, end)))).toBe(true)
        expect(found).toEqual(text.match(/[a-zA-Z0-9]+(?:(?:[.-]|_+)[a-zA-Z0-9]+)*/g) ?? [])
        expect(words(text)).toEqual(found)
        // The pattern for other alphabets draws the same lines: `é` switches to it and is no part of them.
        expect(words(`${text} é`)).toEqual([...found, 'é'])
      }),
      { numRuns: 300 },
    )
    expect(scanWords('größer', () => expect.unreachable())).toBe(false)
  })

  test('equal words have equal hashes wherever they stand', () => {
    const hashes = new Map<string, number>()
    for (const text of ['lease ttl', 'a lease', '`lease`', 'ttl:lease']) {
      scanWords(text, (start, end, hash) => {
        const word = text.slice(start, end)
        expect(hashes.get(word) ?? hash).toBe(hash)
        hashes.set(word, hash)
      })
    }
    expect(hashes.get('lease')).not.toBe(hashes.get('ttl'))
  })
})

describe('terms', () => {
  test.each([
    ['packContextWindow', ['packcontextwindow', 'pack', 'context', 'window']],
    ['LEASE_TTL', ['leasettl', 'leas', 'ttl']],
    ['token-refresh', ['tokenrefresh', 'token', 'refresh']],
    ['HTTPServer2', ['httpserver2', 'http', 'server']],
    ['E0277', ['e0277', '0277']],
    ['p99', ['p99', '99']],
    ['mod.rs', ['modr', 'mod', 'rs']],
    ['1.21', ['1.21', '21']],
    ['JWTs', ['jwt']],
    ['WebSockets', ['websocket', 'web', 'socket']],
    ['websocket', ['websocket']],
    ['Caches', ['cach']],
    ['the', []],
    ['Größe', ['große']],
  ])('%s', (word, expected) => expect(terms(word)).toEqual(expected))

  test('the ways to write one identifier meet in its first term', () => {
    const wholes = ['leaseTtl', 'LeaseTtl', 'lease_ttl', 'LEASE__TTL', 'lease-ttl', 'lease.ttl'].map(
      (word) => terms(word)[0],
    )
    expect(new Set(wholes)).toEqual(new Set(['leasettl']))
  })

  test('scripts without blanks are found by pairs of characters', () => {
    expect(terms('数据库锁')).toEqual(['数据', '据库', '库锁'])
    expect(all('数据库')).toEqual(expect.arrayContaining(all('数据')))
  })

  test('accents and compatibility forms do not matter', () => {
    expect(all('Schlüssel naïve ﬁle')).toEqual(all('Schlussel naive file'))
  })

  test('any text gives terms that are short, lower case and whole characters, and the same when asked again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const term of all(text)) {
          expect(term).not.toBe('')
          expect(term.length).toBeLessThanOrEqual(64)
          expect(Buffer.from(term).toString()).toBe(term)
        }
        expect(all(text)).toEqual(all(text))
      }),
      { numRuns: 300 },
    )
  })
})

describe('stem', () => {
  test.each([
    ['expires expired expiring expire'],
    ['retry retries retried'],
    ['migrate migrates migrated migrating migration migrations'],
    ['allocate allocates allocated allocating allocation'],
    ['connect connects connected connecting connection connections'],
    ['drop drops dropped dropping'],
    ['cache caches cached caching'],
    ['index indexes indexed indexing'],
    ['kill kills killed killing'],
    ['tests test testing tested'],
  ])('%s', (family) => expect(new Set(family.split(' ').map(stem)).size).toBe(1))

  test('different words stay apart', () => {
    for (const [one, other] of [
      ['format', 'form'],
      ['region', 'reg'],
      ['process', 'proces'],
      ['status', 'statu'],
      ['bus', 'bu'],
      ['string', 'str'],
      ['universal', 'universe'],
    ] as const) {
      expect(stem(one)).not.toBe(stem(other))
    }
  })

  test('codes, numbers and other alphabets stay as they are', () => {
    for (const word of ['e0277', '137', 'größen', 'os', 'ids2']) expect(stem(word)).toBe(word)
  })
})
