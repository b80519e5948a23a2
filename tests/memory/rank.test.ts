// What decides between entries that hold the same words.

import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/memory/entry'
import { type Hit, query } from '../../src/memory/search'
import { covers, specificity } from '../../src/store/glob'
import { entry, indexOf, NOW } from './entries'

function hits(entries: readonly Entry[], text: string, paths: readonly string[] = []): Hit[] {
  return [...query(indexOf(entries), [], new Set(), { text, paths, now: NOW })]
}

const keys = (...asked: Parameters<typeof hits>) => hits(...asked).map((hit) => hit.entry.key)

/** Two entries that differ in one thing; `better` has the later key, so that no tie can put it first. */
const duel = (better: Partial<Entry>, worse: Partial<Entry>): Entry[] => [
  entry('t/one/z', 'the lease lives', better),
  entry('t/two/a', 'the lease lives', worse),
]

describe('the better one comes first', () => {
  test.each<[what: string, better: Partial<Entry>, worse: Partial<Entry>]>([
    ['CONFIRMED before INFERRED', { state: 'CONFIRMED' }, { state: 'INFERRED' }],
    ['INFERRED before UNCERTAIN', { state: 'INFERRED' }, { state: 'UNCERTAIN' }],
    ['UNCERTAIN before UNKNOWN', { state: 'UNCERTAIN' }, { state: 'UNKNOWN' }],
    ['INFERRED before expired and CONFIRMED', { state: 'INFERRED' }, { expires: '2026-11-20' }],
    ['not yet expired before expired', { expires: '2026-11-21' }, { expires: '2026-11-19' }],
    ['expired before UNKNOWN', { expires: '2026-01-01' }, { state: 'UNKNOWN' }],
    ['sure before unsure', { confidence: 0.9 }, { confidence: 0.5 }],
    ['lasting before decayed', { at: '2026-08-01' }, { at: '2026-08-01', decay: 10 }],
    ['newer before older', { at: '2026-11-01' }, { at: '2025-11-01' }],
    ['minutes newer before older', { at: '2026-11-01T10:05:00Z' }, { at: '2026-11-01T10:00:00Z' }],
    ['proven before unused', { helped: 3 }, {}],
    ['pinned before not pinned', { pin: true }, {}],
    ['word in the key before word in the text only', { text: 'it lives' }, { text: 'the lease it lives' }],
  ])('%s', (what, better, worse) => {
    const inKey = what.startsWith('word in the key')
    const pair = inKey ? [entry('t/lease/z', 'it lives on'), entry('t/two/a', 'it leases')] : duel(better, worse)
    expect(keys(pair, 'lease')[0]).toBe(pair[0]?.key)
  })

  test('equal ones by key', () => expect(keys(duel({}, {}), 'lease')).toEqual(['t/one/z', 't/two/a']))

  test('use is damped: a thousand times do not beat a far better answer', () => {
    const found = keys(
      [entry('a/a/used', 'lease', { helped: 1000 }), entry('b/b/answer', 'lease ttl seconds')],
      'lease ttl seconds',
    )
    expect(found[0]).toBe('b/b/answer')
  })

  test('a state does not beat a far better answer', () => {
    const found = keys(
      [entry('a/a/sure', 'lease of another kind'), entry('b/b/guess', 'worker lease ttl', { state: 'UNKNOWN' })],
      'worker lease ttl',
    )
    expect(found[0]).toBe('b/b/guess')
  })
})

describe('files of the change', () => {
  const files = [
    entry('a/every/where', 'retry', { paths: ['**'] }),
    entry('a/no/paths', 'retry'),
    entry('a/the/file', 'retry', { paths: ['src/http/retry.ts'] }),
    entry('a/the/folder', 'retry', { paths: ['src/http/**'] }),
    entry('a/the/root', 'retry', { paths: ['src/**'] }),
    entry('a/z/elsewhere', 'retry', { paths: ['docs/**'] }),
  ]

  test('the more a glob says about them, the better; other files are worse than none', () => {
    const found = keys(files, 'retry', ['README.md', 'src/http/retry.ts'])
    expect(found).toEqual(['a/the/file', 'a/the/folder', 'a/the/root', 'a/every/where', 'a/no/paths', 'a/z/elsewhere'])
    expect(hits(files, 'retry', ['src/http/retry.ts'])[1]?.reasons).toContain('src/http/retry.ts in src/http/**')
  })

  test('without a question they decide, after what is pinned', () => {
    const pinned = entry('z/z/pinned', 'whatever', { pin: true, state: 'UNKNOWN', paths: ['docs/**'] })
    const found = keys([...files, pinned], '', ['src/http/retry.ts'])
    expect(found.slice(0, 3)).toEqual(['z/z/pinned', 'a/the/file', 'a/the/folder'])
  })
})

describe('a guess beside a newer confirmed entry on the same topic', () => {
  const guess = entry('gotchas/runtime/lease-thirty', 'worker lease ttl, worker lease ttl', {
    state: 'INFERRED',
    tags: ['lease'],
  })
  // Long, so that its words count for less.
  const sure = entry('gotchas/runtime/lease-ninety', `worker lease ttl ${'and more about other things '.repeat(8)}`, {
    at: '2026-11-10',
    tags: ['lease'],
  })
  const question = 'worker lease ttl'

  test('comes after it and says so', () => {
    const found = hits([guess, sure], question)
    expect(found.map((hit) => hit.entry.key)).toEqual([sure.key, guess.key])
    expect(found[1]?.reasons).toContain(`older than ${sure.key}`)
  })

  test.each<[what: string, other: Entry]>([
    ['of another topic', { ...sure, key: 'gotchas/engine/lease-ninety' }],
    ['without a common tag', { ...sure, tags: ['ttl'] }],
    ['that is older', { ...sure, at: '2025-01-01' }],
    ['that is no more than a guess', { ...sure, state: 'UNCERTAIN' }],
    ['that hardly answers', { ...sure, text: `a lease ${'and more about other things '.repeat(80)}` }],
  ])('keeps its place beside one %s', (_, other) => {
    expect(hits([guess, other], question)[0]?.entry.key).toBe(guess.key)
  })
})

describe('globs', () => {
  test.each([
    ['src/**', 'src/a/b.ts', true],
    ['src/**', 'src', false],
    ['src/**', 'lib/src/a.ts', false],
    ['**', 'anything/at/all', true],
    ['**/*.test.ts', 'a.test.ts', true],
    ['**/*.test.ts', 'x/y/a.test.ts', true],
    ['**/tests/**', 'crates/a/tests/b.rs', true],
    ['*.rs', 'deep/down/mod.rs', true],
    ['package.json', 'web/package.json', true],
    ['src/auth', 'src/auth/mod.rs', true],
    ['src/auth', 'src/authority/mod.rs', false],
    ['src/auth/', 'src/auth/mod.rs', true],
    ['./src/*.ts', 'src/a.ts', true],
    ['src/*.ts', 'src/deep/a.ts', false],
    ['src/?.ts', 'src/a.ts', true],
    ['src/?.ts', 'src/ab.ts', false],
    ['src/[a-c]x.ts', 'src/bx.ts', true],
    ['src/[!a-c]x.ts', 'src/bx.ts', false],
    ['src/[x.ts', 'src/[x.ts', true],
    ['src/{a,b/{c,d}}/*.ts', 'src/b/d/x.ts', true],
    ['src/{a,b}/*.ts', 'src/c/x.ts', false],
    ['a/**/b/**/c', 'a/x/b/y/z/c', true],
    ['a/**/b/**/c', 'a/x/b/y/z/d', false],
    ['a/**/b', 'a/b', true],
    ['', 'a', false],
  ])('%s and %s: %s', (glob, path, expected) => expect(covers(glob, path)).toBe(expected))

  test('say more with every name', () => {
    const path = 'src/http/retry.ts'
    const rising = ['**', 'src/**', 'src/http/**', path].map((glob) => specificity(glob, path))
    expect(rising).toEqual([...rising].sort((a, b) => a - b))
    expect(rising[0]).toBe(0)
    expect(rising.at(-1)).toBe(1)
  })

  test('a hostile glob ends soon', () => {
    const started = process.hrtime.bigint()
    covers(`${'**/a/'.repeat(500)}b`, 'a/'.repeat(300))
    covers('{a,b}'.repeat(200), 'a'.repeat(200))
    covers(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(2000)
  })
})
