// Who may take a lease when: the judgement as a table.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Claim,
  heldFor,
  type Instant,
  isRenewalDue,
  judge,
  marginOf,
  NOTHING_OWN,
  type Own,
  type Sighting,
  settle,
  sight,
  timeLeft,
} from '../../src/lease/judge'
import { messageOf, nameProblem, oneLine, parseRecord } from '../../src/lease/record'
import { type LeaseRecord, LONGEST_TTL } from '../../src/lease/schema'
import { duration } from '../../src/lease/words'

const record = (more: Partial<LeaseRecord> = {}): LeaseRecord => ({
  type: 'lease',
  name: 'job',
  holder: 'Alice <alice@example.com>',
  host: 'a',
  session: null,
  nonce: 'n',
  clone: 'c',
  ttl: 100,
  state: 'held',
  purpose: 'work',
  at: '2026-01-01T00:00:00.000Z',
  ...more,
})

const at = (seconds: number, boot = 'b1', asleep = 0): Instant => ({
  boot,
  monotonic: seconds * 1000,
  uptime: (seconds + asleep) * 1000,
})
const claim = (id: string, more: Partial<Claim> = {}): Claim => ({
  id,
  after: null,
  since: at(0),
  record: record(),
  ...more,
})
const own = (held: Claim | null, ...pending: Claim[]): Own => ({ held, pending })
const seen = (seconds: number, id = 'x', boot = 'b1'): Sighting => ({ id, boot, monotonic: seconds * 1000 })

describe('who may take it', () => {
  const held = { tip: 'x', record: record() }
  test.each([
    ['nobody ever took it', { tip: null, record: null }, NOTHING_OWN, undefined, at(0), 'untaken'],
    ['it was released', { tip: 'x', record: record({ state: 'released' }) }, NOTHING_OWN, undefined, at(0), 'released'],
    ['our own', held, own(claim('x')), undefined, at(0), 'ours'],
    ['our own, long over', held, own(claim('x')), undefined, at(10_000), 'ours'],
    ['our own, whose answer was lost', held, own(null, claim('x')), undefined, at(0), 'ours'],
    ['our own before somebody else took it', held, own(claim('w')), undefined, at(0), 100],
    ['never seen', held, NOTHING_OWN, undefined, at(500), 100],
    ['seen just now', held, NOTHING_OWN, seen(500), at(500), 100],
    ['seen a moment short of its time', held, NOTHING_OWN, seen(0), at(99.999), 0.001],
    ['seen for exactly its time', held, NOTHING_OWN, seen(0), at(100), 'expired'],
    ['another commit was seen', held, NOTHING_OWN, seen(0, 'w'), at(500), 100],
    ['seen before a restart', held, NOTHING_OWN, seen(0, 'x', 'b0'), at(500), 100],
    ['the clock went back', held, NOTHING_OWN, seen(600), at(500), 100],
    ['the machine slept: that time does not count', held, NOTHING_OWN, seen(0), at(50, 'b1', 1000), 50],
  ] as const)('%s', (_, there, mine, sighting, now, expected) => {
    const verdict = judge(there, mine, sighting, now)
    if (typeof expected === 'number') {
      expect(verdict).toEqual({ kind: 'taken', wait: expect.closeTo(expected * 1000, 6) })
    } else if (expected === 'ours') expect(verdict).toEqual({ kind: 'ours' })
    else expect(verdict).toEqual({ kind: 'free', why: expected })
  })

  test('the first sight stays while the commit does', () => {
    expect(sight(undefined, 'x', at(5))).toEqual(seen(5))
    expect(sight(seen(5), 'x', at(50))).toEqual(seen(5))
    expect(sight(seen(5), 'y', at(50))).toEqual(seen(50, 'y'))
    expect(sight(seen(5), 'x', at(50, 'b2'))).toEqual(seen(50, 'x', 'b2'))
    expect(sight(seen(60), 'x', at(50))).toEqual(seen(50))
  })
})

describe('how long a holder may act', () => {
  test.each([
    [2, 1],
    [3, 1.5],
    [4, 2],
    [10, 2],
    [60, 12],
    [900, 180],
  ])('of %i s the last %d are the margin', (ttl, margin) => expect(marginOf(ttl)).toBe(margin))

  test.each([
    ['at once', claim('x'), at(0), 80],
    ['a moment before the margin', claim('x'), at(79.999), 0.001],
    ['in the margin', claim('x'), at(80), 0],
    ['after a restart', claim('x'), at(1, 'b2'), Number.NEGATIVE_INFINITY],
    ['after the clock went back', claim('x', { since: at(10) }), at(9), Number.NEGATIVE_INFINITY],
    ['after sleep, which counts', claim('x'), at(1, 'b1', 79), 0],
    ['with a release on its way', claim('x', { since: null }), at(0), Number.NEGATIVE_INFINITY],
    ['released', claim('x', { record: record({ state: 'released' }) }), at(0), 0],
  ])('%s', (_, mine, now, seconds) => expect(timeLeft(mine, now)).toBeCloseTo(seconds * 1000, 6))

  test('a renewal is due after a third of it', () => {
    expect(isRenewalDue(claim('x'), at(33.3))).toBe(false)
    expect(isRenewalDue(claim('x'), at(33.4))).toBe(true)
    expect(heldFor(null, at(0))).toBe(Number.POSITIVE_INFINITY)
  })

  test('who watches never begins before who holds has stopped, while clocks differ by less than a fifth', () => {
    const second = fc.double({ min: 0, max: 5_000, noNaN: true })
    const rate = fc.double({ min: 0.91, max: 1.09, noNaN: true })
    fc.assert(
      fc.property(
        fc.record({
          ttl: fc.integer({ min: 2, max: 5_000 }),
          pushed: second,
          arrival: second,
          sightedAfter: second,
          moment: second,
          fast: rate,
          slow: rate,
        }),
        ({ ttl, pushed, arrival, sightedAfter, moment, fast, slow }) => {
          const sighted = pushed + arrival + sightedAfter
          const now = sighted + moment
          const holder = claim('x', { since: at(pushed * slow), record: record({ ttl }) })
          const holds = timeLeft(holder, at(now * slow)) > 0
          const there = { tip: 'x', record: record({ ttl }) }
          const takes = judge(there, NOTHING_OWN, seen(sighted * fast), at(now * fast)).kind === 'free'
          return !(holds && takes)
        },
      ),
      { numRuns: 5_000 },
    )
  })
})

describe('what is ours after a look', () => {
  const held = claim('l1', { after: 'l0' })
  const next = claim('l2', { after: 'l1' })
  test.each([
    ['it is there', own(held), 'l1', own(held)],
    ['somebody stands behind it', own(held), 'z', own(null)],
    ['the renewal has arrived', own(held, next), 'l2', own(next)],
    ['the renewal can still arrive', own(held, next), 'l1', own(held, next)],
    ['what was answered from before may still come into sight', own(held), 'l0', own(null, held)],
    ['the first try can still arrive', own(null, claim('p')), null, own(null, claim('p'))],
    ['nothing is there any more', own(held), null, own(null)],
    [
      'a release is on its way: only a new commit makes it ours',
      own(null, claim('l1', { since: null })),
      'l1',
      own(null, claim('l1', { since: null })),
    ],
  ])('%s', (_, before, tip, after) => expect(settle(before, tip)).toEqual(after))
})

describe('what a lease says', () => {
  test('for people and programs', () => {
    const message = messageOf(record({ name: 'flow-payments', ttl: 900, session: 's1' }), 'taken', null)
    expect(message).toBe(
      'lease: flow-payments taken by Alice on a (15 min)\n\nwork\n\nDstack-Lease: flow-payments\nDstack-Lease-State: held\nDstack-Session: s1\n',
    )
    expect(messageOf(record({ state: 'released' }), 'released', 'x')).toMatch(/^lease: job released by Alice on a\n\nD/)
    expect(messageOf(record(), 'taken over', 'abc')).toContain('\nDstack-Lease-Expired: abc\n')
  })

  test('one that can not be read is held for as long as any may be', () => {
    for (const text of [null, '', '{}', '{"type":"lease"}', JSON.stringify(record({ ttl: 1e9 }))]) {
      expect(parseRecord('job', text)).toMatchObject({ state: 'held', ttl: LONGEST_TTL, name: 'job' })
    }
    const newer = parseRecord('job', JSON.stringify({ ...record({ name: 'other' }), colour: 'red' }))
    expect(newer).toMatchObject({ name: 'job', colour: 'red', ttl: 100 })
  })

  test('nothing in it moves a terminal or begins a line', () => {
    expect(oneLine(' a\nb\u001b[2J\u202ec ', 80)).toBe('a b [2J c')
  })

  test('names are those that git takes', () => {
    for (const name of ['job', 'flow-payments', 'release-main', 'a.b_c', '1', 'a'.repeat(80)])
      expect(nameProblem(name), name).toBeNull()
    for (const name of ['', 'A', '-a', '.a', 'a/b', 'a..b', 'a.', 'a.lock', 'a b', 'ä', 'a'.repeat(81)])
      expect(nameProblem(name), name).not.toBeNull()
  })

  test('durations are rounded up', () => {
    expect([0, 0.2, 45, 119, 120, 900, 7_199, 7_200, 7_500].map(duration)).toEqual([
      '0 s',
      '1 s',
      '45 s',
      '119 s',
      '2 min',
      '15 min',
      '2 h',
      '2 h',
      '2 h 5 min',
    ])
  })
})
