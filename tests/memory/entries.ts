// Entries for the tests of search: plain ones, and generated ones over a small vocabulary so that they collide.

import fc from 'fast-check'
import { inMemory } from '../../src/memory/blocks'
import type { Entry } from '../../src/memory/entry'
import { type Scope, STATES } from '../../src/memory/schema'
import { build, type Index, open } from '../../src/memory/search'

export const NOW = new Date('2026-11-20T12:00:00Z')

export function entry(key: string, text: string, more: Partial<Entry> = {}): Entry {
  return {
    key,
    text,
    oid: 'a'.repeat(40),
    state: 'CONFIRMED',
    confidence: 1,
    by: 'Alice <alice@example.org>',
    at: '2026-11-01T00:00:00Z',
    paths: [],
    tags: [],
    pin: false,
    scope: 'repository',
    proposed: false,
    versions: 1,
    helped: 0,
    meta: {},
    ...more,
  }
}

export function indexOf(entries: readonly Entry[], identity = 'tips'): Index {
  return open(inMemory(build(entries, identity)))
}

/** Words that stem to themselves and are no stop words, some of them a typo apart. */
export const WORDS = [
  'lease',
  'token',
  'tokens',
  'refresh',
  'queue',
  'worker',
  'pgbouncer',
  'cache',
  'cargo',
  'kubernetes',
]
const IDENTIFIERS = [
  'leaseTtl',
  'token_refresh',
  'E0277',
  'src/auth/mod.rs',
  'tokenrefresh',
  'Schlüssel',
  'p99',
  '数据库',
]

const word = fc.constantFrom(...WORDS, ...IDENTIFIERS)
const text = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' '))
const part = fc.constantFrom('auth', 'runtime', 'lease', 'queue', 'cargo-cache')

export const anyEntry: fc.Arbitrary<Entry> = fc
  .record({
    key: fc.tuple(part, part, part).map((parts) => parts.join('/')),
    text,
    state: fc.constantFrom(...STATES),
    confidence: fc.constantFrom(0, 0.5, 0.9, 1),
    by: fc.constantFrom('Alice <a@example.org>', 'Bob <b@example.org>'),
    at: fc.constantFrom('2026-11-20T11:00:00Z', '2026-11-01T00:00:00Z', '2025-01-01', 'not a date'),
    paths: fc.constantFrom<string[][]>([], ['src/**'], ['src/auth/**', '*.rs'], ['**']),
    tags: fc.constantFrom<string[][]>([], ['auth'], ['auth', 'lease-ttl']),
    pin: fc.boolean(),
    scope: fc.constantFrom<Scope[]>('repository', 'workspace'),
    proposed: fc.boolean(),
    helped: fc.constantFrom(0, 0, 1, 7),
    versions: fc.constantFrom(1, 2),
    expires: fc.constantFrom(undefined, '2026-11-19', '2027-01-01'),
    decay: fc.constantFrom(undefined, 0.1, 30),
  })
  .map(({ expires, decay, ...rest }) => ({
    ...entry(rest.key, rest.text),
    ...rest,
    ...(expires === undefined ? {} : { expires }),
    ...(decay === undefined ? {} : { decay }),
  }))

/** Entries with different keys. */
export const anyEntries = (maxLength = 12): fc.Arbitrary<Entry[]> =>
  fc.uniqueArray(anyEntry, { selector: ({ key }) => key, maxLength })

/** A question: known words, typos of them, joined and split ones. */
export const anyQuestion: fc.Arbitrary<string> = fc
  .array(fc.oneof(word, fc.constantFrom('lese', 'pgbuoncer', 'kubernets', 'work', 'leasettl', 'unknown', 'the', '')), {
    maxLength: 4,
  })
  .map((words) => words.join(' '))
