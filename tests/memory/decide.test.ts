import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideConfirm, decideCorrect, decideForget, decideRemember, rememberKeys } from '../../src/memory/decide'
import { expiryOf } from '../../src/memory/fields'
import { memoryOf } from '../../src/memory/forms'
import { decideResolve } from '../../src/memory/resolve'
import { MemoryHead, STATES, type State } from '../../src/memory/schema'
import { AGENT, ALICE, accepted, BOB, refusal, Shelf } from './shelf'

const KEY = 'gotchas/auth/token-refresh'
const NOW = '2026-11-20T12:00:00Z'

function shelfWith(state: State, text = 'old text'): Shelf {
  const shelf = new Shelf()
  shelf.apply(decideRemember(shelf, { key: KEY, text, state, actor: ALICE }))
  return shelf
}

const read = (shelf: Shelf, key = KEY) => {
  const [live] = shelf.at(key)
  return live === undefined ? null : memoryOf(live, { versions: 1, helped: 0 })
}

describe('rank of states', () => {
  const pairs = STATES.flatMap((there) => STATES.map((wanted) => [there, wanted] as const))

  test.each(pairs)('%s is there, %s is written', (there, wanted) => {
    const shelf = shelfWith(there)
    for (const decision of [
      decideRemember(shelf, { key: KEY, text: 'new text', state: wanted, actor: BOB }),
      decideCorrect(shelf, { key: KEY, text: 'new text', state: wanted, actor: BOB }),
    ]) {
      if (STATES.indexOf(wanted) < STATES.indexOf(there)) {
        const no = refusal(decision)
        expect(no.refused).toBe('STATE_RANK')
        expect(no.message).toContain('old text')
        expect(no.message).toContain('new text')
        expect(no.data).toMatchObject({
          kept: { state: there, text: 'old text' },
          refused: { state: wanted, text: 'new text' },
        })
      } else {
        expect(accepted(decision).puts[0]).toMatchObject({ key: KEY, body: 'new text', head: { state: wanted } })
      }
    }
  })

  test('an agent cannot say CONFIRMED: the entry is INFERRED, and it is told', () => {
    const done = accepted(decideRemember(new Shelf(), { key: KEY, text: 'x', state: 'CONFIRMED', actor: AGENT }))
    expect(done.result).toMatchObject({
      state: 'INFERRED',
      notes: ['Written as INFERRED: only a person can say CONFIRMED.'],
    })
    expect(done.puts[0]?.head.source).toEqual({ kind: 'agent', tool: 'claude-code', model: 'claude' })
  })

  test.each([
    ['correct', (s: Shelf) => decideCorrect(s, { key: KEY, text: 'mine', actor: AGENT })],
    ['forget', (s: Shelf) => decideForget(s, { key: KEY, actor: AGENT })],
    ['overwrite', (s: Shelf) => decideRemember(s, { key: KEY, text: 'mine', state: 'CONFIRMED', actor: AGENT })],
  ])('an agent cannot %s what a person confirmed', (_verb, decide) => {
    expect(refusal(decide(shelfWith('CONFIRMED'))).refused).toBe('STATE_RANK')
  })

  test('after forgetting, any state begins anew', () => {
    const shelf = shelfWith('CONFIRMED')
    shelf.apply(decideForget(shelf, { key: KEY, actor: ALICE }))
    shelf.apply(decideRemember(shelf, { key: KEY, text: 'fresh', state: 'UNKNOWN', actor: AGENT }))
    expect(read(shelf)).toMatchObject({ text: 'fresh', state: 'UNKNOWN' })
  })
})

describe('remember', () => {
  test('says in the commit what was written, by whom, under which key', () => {
    const done = accepted(decideRemember(new Shelf(), { key: KEY, text: 'x', state: 'CONFIRMED', actor: ALICE }))
    expect(done.subject).toBe('memory: CONFIRMED gotchas/auth/token-refresh (alice)')
    expect(done.trailers).toEqual({ 'Dstack-Key': KEY, 'Dstack-State': 'CONFIRMED' })
    expect(done.puts[0]?.head).toEqual({
      type: 'memory',
      state: 'CONFIRMED',
      confidence: 0.9,
      source: { kind: 'person' },
      scope: 'repository',
    })
  })

  test.each([
    ['use pnpm', {}, 'notes/build/use-pnpm'],
    ['The login page **needs** a CSRF token', {}, 'notes/auth/the-login-page-needs-a-csrf'],
    ['# Ledger\n\nNever rounds.', { paths: ['packages/ledger/src/**'] }, 'notes/ledger/ledger'],
    ['Amounts are integers', { tags: ['Money'] }, 'notes/money/amounts-are-integers'],
    ['Nothing that we know of', {}, 'notes/general/nothing-that-we-know-of'],
  ])('derives the key of %j', (text, hints, key) => {
    const done = accepted(decideRemember(new Shelf(), { text, ...hints, actor: ALICE }))
    expect(done.result.key).toBe(key)
  })

  test('a derived key never replaces another text; with --force-new both stand', () => {
    const shelf = new Shelf()
    const request = { text: 'use pnpm\n\nnot npm', actor: ALICE }
    shelf.apply(decideRemember(shelf, { text: 'use pnpm', actor: ALICE }))
    const no = refusal(decideRemember(shelf, request))
    expect(no).toMatchObject({
      refused: 'DUPLICATE',
      hint: expect.stringContaining('git dstack memory correct notes/build/use-pnpm'),
    })
    const done = shelf.apply(decideRemember(shelf, { ...request, forceNew: true }))
    expect(done.result.key).toMatch(/^notes\/build\/use-pnpm-[0-9a-z]+$/)
    expect(rememberKeys(request)).toEqual(['notes/build/use-pnpm', done.result.key])
    expect(read(shelf, 'notes/build/use-pnpm')?.text).toBe('use pnpm')
  })

  test('a near-duplicate is named with the command that corrects it; --force-new writes it', () => {
    const near = [{ key: 'notes/build/pnpm', text: 'we use pnpm' }]
    const no = refusal(decideRemember(new Shelf(), { key: KEY, text: 'use pnpm', near, actor: ALICE }))
    expect(no).toMatchObject({ refused: 'DUPLICATE', data: { key: 'notes/build/pnpm', text: 'we use pnpm' } })
    expect(no.hint).toContain('git dstack memory correct notes/build/pnpm')
    accepted(decideRemember(new Shelf(), { key: KEY, text: 'use pnpm', near, forceNew: true, actor: ALICE }))
    // With a key that exists it is a new version of that entry, whatever else is near.
    accepted(decideRemember(shelfWith('INFERRED'), { key: KEY, text: 'use pnpm', near, actor: ALICE }))
  })

  test('--force-new switches off no other guard', () => {
    const no = refusal(
      decideRemember(shelfWith('CONFIRMED'), { key: KEY, text: 'x', state: 'UNKNOWN', forceNew: true, actor: BOB }),
    )
    expect(no.refused).toBe('STATE_RANK')
  })

  test('the same again is no write', () => {
    const done = accepted(
      decideRemember(shelfWith('INFERRED'), {
        key: KEY,
        text: ' \nold text \r\n'.trimStart(),
        state: 'INFERRED',
        actor: BOB,
      }),
    )
    expect(done).toMatchObject({ puts: [], result: { outcome: 'same' } })
  })

  test('a new version keeps what nobody spoke of', () => {
    const shelf = new Shelf()
    shelf.apply(
      decideRemember(shelf, {
        key: KEY,
        text: 'a',
        tags: ['Auth'],
        paths: ['src/auth/**'],
        pin: true,
        actor: ALICE,
        origin: 'example.com/a/b',
      }),
    )
    shelf.apply(
      decideRemember(shelf, { key: KEY, text: 'b', state: 'CONFIRMED', actor: BOB, origin: 'example.com/other' }),
      'bob',
    )
    expect(read(shelf)).toMatchObject({
      text: 'b',
      tags: ['auth'],
      paths: ['src/auth/**'],
      pin: true,
      by: 'bob',
      origin: 'example.com/a/b',
    })
  })

  test('the same key in two scopes is two entries', () => {
    const shelf = new Shelf()
    shelf.apply(decideRemember(shelf, { key: KEY, text: 'here', actor: ALICE }))
    const done = shelf.apply(decideRemember(shelf, { key: KEY, text: 'everywhere', scope: 'workspace', actor: ALICE }))
    expect(done.puts[0]?.key).toBe(`workspace/${KEY}`)
    expect(read(shelf)).toMatchObject({ key: KEY, scope: 'repository', text: 'here' })
    expect(read(shelf, `workspace/${KEY}`)).toMatchObject({ key: KEY, scope: 'workspace', text: 'everywhere' })
  })

  test.each([
    ['an empty text', { text: ' \n' }, 'USAGE'],
    ['binary', { text: 'a\0b' }, 'BAD_TEXT'],
    ['half a surrogate pair', { text: 'a\ud800b' }, 'BAD_TEXT'],
    ['more than 64 KiB', { text: 'ä'.repeat(32 * 1024 + 1) }, 'TOO_LARGE'],
    ['a confidence above 1', { text: 'x', confidence: 1.5 }, 'USAGE'],
    ['no number as confidence', { text: 'x', confidence: Number.NaN }, 'USAGE'],
    ['a key that leaves', { text: 'x', key: '../x' }, 'BAD_KEY'],
    ['a capital key', { text: 'x', key: 'A/b' }, 'BAD_KEY'],
    ['a key of the counts', { text: 'x', key: 'usage/x' }, 'BAD_KEY'],
    ['a key of the other scope', { text: 'x', key: 'workspace/a' }, 'BAD_KEY'],
    ['a glob that leaves', { text: 'x', paths: ['../**'] }, 'USAGE'],
    ['an absolute glob', { text: 'x', paths: ['/etc/**'] }, 'USAGE'],
    ['a tag of two words', { text: 'x', tags: ['a b'] }, 'USAGE'],
    ['a link of unknown form', { text: 'x', links: ['http://x'] }, 'USAGE'],
    ['no date', { text: 'x', expires: 'soon' }, 'USAGE'],
    ['a half-life of 0', { text: 'x', decay: 0 }, 'USAGE'],
  ])('refuses %s', (_what, request, code) => {
    const no = refusal(decideRemember(new Shelf(), { ...request, actor: ALICE }))
    expect(no.refused).toBe(code)
    expect(no.message).toMatch(/\.$/)
  })

  test('a long text is written, and its length said', () => {
    const done = accepted(decideRemember(new Shelf(), { key: KEY, text: 'word '.repeat(2000), actor: ALICE }))
    expect(done.result.notes[0]).toContain('bytes')
  })

  test('never overwrites what it does not understand', () => {
    const shelf = new Shelf()
    shelf.apply({ puts: [{ key: KEY, head: { type: 'oracle', v: 9 }, body: 'x' }], subject: '', result: null })
    expect(refusal(decideRemember(shelf, { key: KEY, text: 'y', state: 'CONFIRMED', actor: ALICE })).refused).toBe(
      'REFUSED',
    )
  })
})

describe('correct', () => {
  test('keeps state, scope, paths, tags; gives a reason; forgets who had confirmed the former text', () => {
    const shelf = new Shelf()
    shelf.apply(decideRemember(shelf, { key: KEY, text: 'a', tags: ['t'], paths: ['p/**'], actor: ALICE }))
    shelf.apply(decideConfirm(shelf, { key: KEY, actor: BOB, now: NOW }), 'bob')
    expect(read(shelf)).toMatchObject({ state: 'CONFIRMED', confidence: 0.95, by: 'alice', confirmed: ['bob'] })
    const done = shelf.apply(decideCorrect(shelf, { key: KEY, text: 'b', reason: 'it moved', actor: BOB }), 'bob')
    expect(done.subject).toBe(`memory: correct ${KEY} (bob)`)
    expect(read(shelf)).toMatchObject({
      text: 'b',
      state: 'CONFIRMED',
      tags: ['t'],
      paths: ['p/**'],
      reason: 'it moved',
      by: 'bob',
    })
    expect(read(shelf)).not.toHaveProperty('confirmed')
  })

  test('fields that a later version added go back byte for byte', () => {
    const shelf = new Shelf()
    const raw = { certainty: ' {"a":   1}' }
    const head = {
      type: 'memory',
      state: 'INFERRED',
      confidence: 0.5,
      source: { kind: 'person' },
      scope: 'repository',
      certainty: { a: 1 },
    }
    shelf.apply({ puts: [{ key: KEY, head, body: 'a', raw }], subject: '', result: null })
    const [put] = accepted(decideCorrect(shelf, { key: KEY, text: 'b', actor: ALICE })).puts
    expect(put?.head.certainty).toEqual({ a: 1 })
    expect(put?.raw?.certainty).toBe(' {"a":   1}')
  })

  test('--key renames: a tombstone that names the new key', () => {
    const shelf = shelfWith('CONFIRMED')
    const done = shelf.apply(decideCorrect(shelf, { key: KEY, rename: 'gotchas/auth/refresh', actor: ALICE }))
    expect(done.subject).toBe(`memory: rename ${KEY} to gotchas/auth/refresh (alice)`)
    expect(shelf.at(KEY)[0]).toMatchObject({
      gone: true,
      doc: { head: { moved: 'gotchas/auth/refresh', was: 'CONFIRMED' } },
    })
    expect(read(shelf, 'gotchas/auth/refresh')).toMatchObject({ text: 'old text', state: 'CONFIRMED' })
    expect(refusal(decideCorrect(shelf, { key: KEY, text: 'x', actor: ALICE }))).toMatchObject({
      refused: 'NOT_FOUND',
      data: { moved: 'gotchas/auth/refresh' },
    })
  })

  test('renaming onto another entry is refused', () => {
    const shelf = shelfWith('INFERRED')
    shelf.apply(decideRemember(shelf, { key: 'a/b', text: 'other', actor: ALICE }))
    expect(refusal(decideCorrect(shelf, { key: KEY, rename: 'a/b', actor: ALICE })).refused).toBe('DUPLICATE')
  })

  test('what was not shown is not overwritten', () => {
    const shelf = shelfWith('INFERRED')
    const saw = shelf.at(KEY)[0]?.oid.slice(0, 8) ?? ''
    shelf.apply(decideCorrect(shelf, { key: KEY, text: 'meanwhile', actor: BOB }), 'bob')
    const no = refusal(decideCorrect(shelf, { key: KEY, text: 'mine', saw, actor: ALICE }))
    expect(no).toMatchObject({ refused: 'CONFLICT', data: { text: 'meanwhile' } })
  })

  test('what is not there cannot be corrected', () => {
    expect(refusal(decideCorrect(new Shelf(), { key: KEY, text: 'x', actor: ALICE })).refused).toBe('NOT_FOUND')
  })
})

describe('confirm', () => {
  test('twice names both; an expiry that has passed falls away', () => {
    const shelf = new Shelf()
    shelf.apply(decideRemember(shelf, { key: KEY, text: 'a', expires: '2026-01-01', actor: AGENT }))
    shelf.apply(decideConfirm(shelf, { key: KEY, actor: BOB, now: NOW }), 'bob')
    const done = shelf.apply(decideConfirm(shelf, { key: KEY, actor: ALICE, now: NOW }))
    expect(read(shelf)).toMatchObject({ state: 'CONFIRMED', confirmed: ['bob', 'alice'], source: { kind: 'agent' } })
    expect(read(shelf)).not.toHaveProperty('expires')
    expect(done.subject).toBe(`memory: confirm ${KEY} (alice)`)
  })

  test('is for people', () => {
    expect(refusal(decideConfirm(shelfWith('INFERRED'), { key: KEY, actor: AGENT, now: NOW })).refused).toBe('REFUSED')
  })
})

describe('conflicts', () => {
  const conflict = (first: State, second: State) => {
    const shelf = new Shelf()
    const other = new Shelf()
    shelf.apply(decideRemember(shelf, { key: KEY, text: 'from alice', state: first, actor: ALICE }))
    shelf.beside(decideRemember(other, { key: KEY, text: 'from bob', state: second, actor: BOB }))
    return shelf
  }

  test.each([
    ['remember', (s: Shelf) => decideRemember(s, { key: KEY, text: 'x', state: 'CONFIRMED', actor: ALICE })],
    ['correct', (s: Shelf) => decideCorrect(s, { key: KEY, text: 'x', actor: ALICE })],
    ['confirm', (s: Shelf) => decideConfirm(s, { key: KEY, actor: ALICE, now: NOW })],
    ['forget', (s: Shelf) => decideForget(s, { key: KEY, actor: ALICE })],
  ])('%s refuses and shows both', (_verb, decide) => {
    const no = refusal(decide(conflict('INFERRED', 'INFERRED')))
    expect(no.refused).toBe('CONFLICT')
    expect(no.message).toContain('from alice')
    expect(no.message).toContain('from bob')
    expect(no.hint).toContain('git dstack resolve')
  })

  test('a version is taken by the beginning of its id, with its author', () => {
    const shelf = conflict('INFERRED', 'INFERRED')
    const bobs = shelf.at(KEY)[1]?.oid ?? ''
    const done = shelf.apply(decideResolve(shelf, { key: KEY, take: bobs.slice(0, 4), actor: ALICE }))
    expect(done).toMatchObject({ subject: `memory: resolve ${KEY} (alice)`, result: { outcome: 'resolved' } })
    expect(shelf.at(KEY)).toHaveLength(1)
    expect(read(shelf)).toMatchObject({ text: 'from bob', by: 'bob' })
  })

  test('the lower version wins only if a person vouches for it', () => {
    const shelf = conflict('CONFIRMED', 'INFERRED')
    const take = shelf.at(KEY)[1]?.oid ?? ''
    expect(refusal(decideResolve(shelf, { key: KEY, take, actor: ALICE })).refused).toBe('STATE_RANK')
    expect(refusal(decideResolve(shelf, { key: KEY, take, state: 'CONFIRMED', actor: AGENT })).refused).toBe(
      'STATE_RANK',
    )
    const done = accepted(decideResolve(shelf, { key: KEY, take, state: 'CONFIRMED', actor: ALICE }))
    expect(done.puts[0]).toMatchObject({ body: 'from bob', head: { state: 'CONFIRMED' } })
  })

  test('a new text ends it with the highest state', () => {
    const shelf = conflict('CONFIRMED', 'INFERRED')
    shelf.apply(decideResolve(shelf, { key: KEY, text: 'both are right', actor: BOB }), 'bob')
    expect(read(shelf)).toMatchObject({ text: 'both are right', state: 'CONFIRMED', by: 'bob' })
  })

  test('wrong ids, no choice, no conflict', () => {
    const shelf = conflict('INFERRED', 'INFERRED')
    expect(refusal(decideResolve(shelf, { key: KEY, take: 'ffff', actor: ALICE })).refused).toBe('NOT_FOUND')
    expect(refusal(decideResolve(shelf, { key: KEY, take: '0', actor: ALICE })).refused).toBe('AMBIGUOUS')
    expect(refusal(decideResolve(shelf, { key: KEY, actor: ALICE })).refused).toBe('USAGE')
    expect(refusal(decideResolve(shelfWith('INFERRED'), { key: KEY, text: 'x', actor: ALICE })).refused).toBe(
      'NOT_FOUND',
    )
  })

  test('forgotten here, corrected there: both can be chosen', () => {
    const make = () => {
      const shelf = shelfWith('INFERRED')
      const correction = decideCorrect(shelf, { key: KEY, text: 'corrected', actor: BOB })
      shelf.apply(decideForget(shelf, { key: KEY, actor: ALICE }))
      shelf.beside(correction)
      return shelf
    }
    const kept = make()
    kept.apply(decideResolve(kept, { key: KEY, take: kept.at(KEY)[1]?.oid ?? '', actor: ALICE }))
    expect(read(kept)?.text).toBe('corrected')
    const gone = make()
    const done = gone.apply(decideResolve(gone, { key: KEY, take: gone.at(KEY)[0]?.oid ?? '', actor: ALICE }))
    expect(done.result.outcome).toBe('forgotten')
    expect(read(gone)).toBeNull()
  })

  test('two people who said the same are no conflict', () => {
    const shelf = new Shelf()
    const decision = decideRemember(shelf, { key: KEY, text: 'same', actor: ALICE })
    shelf.apply(decision)
    shelf.beside(decision)
    expect(shelf.at(KEY)).toHaveLength(2)
    const done = shelf.apply(decideCorrect(shelf, { key: KEY, text: 'better', actor: ALICE }))
    expect(done.result.outcome).toBe('updated')
  })
})

describe('properties', () => {
  const state = fc.constantFrom(...STATES)
  const actor = fc.constantFrom(ALICE, BOB, AGENT)
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  const step = fc.oneof(
    fc.record({
      verb: fc.constant('remember' as const),
      state,
      actor,
      text,
      confidence: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ verb: fc.constant('correct' as const), actor, text }),
    fc.record({ verb: fc.constant('correctTo' as const), state, actor, text }),
    fc.record({ verb: fc.constant('confirm' as const), actor }),
    fc.record({ verb: fc.constant('forget' as const), actor }),
  )

  test('no sequence of writes lowers a state, and every version can be read', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const shelf = new Shelf()
        for (const one of steps) {
          const before = shelf.at(KEY)[0]
          const decision =
            one.verb === 'remember'
              ? decideRemember(shelf, { key: KEY, ...one })
              : one.verb === 'correct' || one.verb === 'correctTo'
                ? decideCorrect(shelf, { key: KEY, ...one })
                : one.verb === 'confirm'
                  ? decideConfirm(shelf, { key: KEY, actor: one.actor, now: NOW })
                  : decideForget(shelf, { key: KEY, actor: one.actor })
          if ('refused' in decision) {
            expect(decision.message.length).toBeGreaterThan(10)
            continue
          }
          shelf.apply(decision, one.actor.name)
          const after = shelf.at(KEY)[0]
          if (after === undefined || after.gone) {
            if (before !== undefined && !before.gone && before.doc.head.state === 'CONFIRMED')
              expect(one.actor.kind).toBe('person')
            continue
          }
          const head = MemoryHead.parse(after.doc.head)
          if (one.actor.kind === 'agent' && one.verb !== 'confirm' && decision.puts.length > 0)
            expect(head.state).not.toBe('CONFIRMED')
          if (before !== undefined && !before.gone) {
            expect(STATES.indexOf(head.state)).toBeGreaterThanOrEqual(STATES.indexOf(before.doc.head.state as State))
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a decision is a function of what it saw', () => {
    fc.assert(
      fc.property(state, state, text, (there, wanted, words) => {
        const decide = () => decideRemember(shelfWith(there), { key: KEY, text: words, state: wanted, actor: ALICE })
        expect(decide()).toEqual(decide())
      }),
    )
  })
})

test.each([
  ['90d', '2027-02-18'],
  ['2w', '2026-12-04'],
  ['3m', '2027-02-20'],
  ['1y', '2027-11-20'],
  ['2027-06-30', '2027-06-30'],
  ['never', null],
])('expiry %s', (given, date) => {
  expect(expiryOf(given, new Date(NOW))).toBe(date)
})
