import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideConfirm, decideRemember } from '../../src/memory/decide'
import { FORMATS } from '../../src/memory/formats'
import { memoryOf, placeOf, portableOf } from '../../src/memory/forms'
import { decideImport } from '../../src/memory/import'
import { MemoryHead, type Portable } from '../../src/memory/schema'
import { portable, portables } from './portables'
import { AGENT, ALICE, BOB, Shelf } from './shelf'

const entry = (fields: Partial<Portable> = {}): Portable => ({
  key: 'a/b/c',
  text: 'x',
  state: 'INFERRED',
  confidence: 0.6,
  source: { kind: 'import' },
  scope: 'repository',
  paths: [],
  tags: [],
  pin: false,
  links: [],
  proposed: false,
  ...fields,
})

const bring = (shelf: Shelf, entries: Portable[], options: { exact?: boolean; actor?: typeof ALICE } = {}) =>
  decideImport(shelf, { entries, actor: ALICE, format: 'json', exact: true, ...options })

function exported(shelf: Shelf, entries: readonly Portable[]): string {
  const all = entries.map((one) => {
    const [live] = shelf.at(placeOf(one))
    const memory = live === undefined ? null : memoryOf(live, { versions: 1, helped: 0 })
    if (memory === null) throw new Error(`${one.key} is not there`)
    return portableOf(memory)
  })
  return FORMATS.json.render(all)[0]?.text ?? ''
}

describe('import', () => {
  test('one commit, and what became of each', () => {
    const shelf = new Shelf()
    shelf.apply(decideRemember(shelf, { key: 'a/b/c', text: 'x', actor: ALICE }))
    shelf.apply(decideRemember(shelf, { key: 'a/b/d', text: 'sure', state: 'CONFIRMED', actor: ALICE }))
    shelf.apply(decideRemember(shelf, { key: 'a/b/e', text: 'old', actor: ALICE }))
    const done = shelf.apply(
      bring(shelf, [
        entry(),
        entry({ key: 'a/b/d', text: 'guess' }),
        entry({ key: 'a/b/e', text: 'new' }),
        entry({ key: 'a/b/f' }),
        entry({ key: 'a/b/f', text: 'again' }),
        entry({ key: '..' }),
      ]),
    )
    expect(done.result).toEqual({
      added: ['a/b/f'],
      updated: ['a/b/e'],
      same: ['a/b/c'],
      refusals: [
        { key: 'a/b/d', code: 'STATE_RANK', why: expect.stringContaining('ranks below') },
        { key: 'a/b/f', code: 'DUPLICATE', why: 'a/b/f is there twice; the first one counts.' },
        { key: '..', code: 'BAD_KEY', why: expect.stringContaining('cannot be used') },
      ],
    })
    expect(done.subject).toBe('memory: import 2 entries from json (alice)')
  })

  test('who said it, and when, comes along; who imports is in the commit', () => {
    const shelf = new Shelf()
    shelf.apply(bring(shelf, [entry({ by: 'Mira', at: '2024-01-02T03:04:05Z' })]), 'bob')
    const [live] = shelf.at('a/b/c')
    expect(live?.doc.head).toMatchObject({ by: 'bob', author: 'Mira', written: '2024-01-02T03:04:05Z' })
    expect(live && memoryOf(live, { versions: 1, helped: 0 })).toMatchObject({ by: 'Mira', at: '2024-01-02T03:04:05Z' })
  })

  test('an agent imports nothing as CONFIRMED', () => {
    const shelf = new Shelf()
    shelf.apply(bring(shelf, [entry({ state: 'CONFIRMED' })], { actor: AGENT }))
    expect(shelf.at('a/b/c')[0]?.doc.head.state).toBe('INFERRED')
  })

  test('a conflict is left as it is', () => {
    const shelf = new Shelf()
    shelf.apply(decideRemember(shelf, { key: 'a/b/c', text: '1', actor: ALICE }))
    shelf.beside(decideRemember(new Shelf(), { key: 'a/b/c', text: '2', actor: BOB }))
    expect(shelf.apply(bring(shelf, [entry({ text: '3' })])).result.refusals).toEqual([
      { key: 'a/b/c', code: 'CONFLICT', why: expect.any(String) },
    ])
  })

  test('a foreign format changes nothing that it cannot say', () => {
    const shelf = new Shelf()
    shelf.apply(
      bring(shelf, [entry({ text: 'old', source: { kind: 'import', tool: 'mcp-memory' } })], { exact: false }),
    )
    shelf.apply(
      decideRemember(shelf, { key: 'a/b/c', text: 'old', tags: ['t'], pin: true, state: 'INFERRED', actor: ALICE }),
    )
    shelf.apply(bring(shelf, [entry({ text: 'new' })], { exact: false }))
    expect(shelf.at('a/b/c')[0]?.doc).toMatchObject({ body: 'new', head: { tags: ['t'], pin: true } })
    // What a person confirmed since then stays so when the same words come again.
    shelf.apply(decideConfirm(shelf, { key: 'a/b/c', actor: BOB, now: '2026-11-20' }))
    expect(bring(shelf, [entry({ text: 'new' })], { exact: false })).toMatchObject({
      puts: [],
      result: { same: ['a/b/c'] },
    })
    expect(bring(shelf, [entry({ text: 'other' })], { exact: false })).toMatchObject({
      result: { refusals: [{ code: 'STATE_RANK' }] },
    })
  })

  test('an export, imported elsewhere, is the same export; imported twice it is no write', () => {
    fc.assert(
      fc.property(portables, (entries) => {
        const shelf = new Shelf()
        // Without author and time of its own an entry gets those of the import.
        const dated = entries.map((one): Portable => ({ by: 'mira', at: '2026-01-01T00:00:00Z', ...one }))
        const given = dated.filter(({ scope }) => scope !== 'personal')
        const done = shelf.apply(bring(shelf, given))
        expect(done.result.refusals).toEqual([])
        expect(exported(shelf, given)).toBe(FORMATS.json.render(given)[0]?.text)
        expect(bring(shelf, given)).toMatchObject({ puts: [], result: { added: [], updated: [], refusals: [] } })
      }),
      { numRuns: 200 },
    )
  })

  test('every version can be read, and no state is lowered', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(
            portable.map((one): Portable => ({ ...one, key: 'a/b/c', scope: 'repository' })),
            { maxLength: 2 },
          ),
          { maxLength: 6 },
        ),
        fc.boolean(),
        (batches, exact) => {
          const shelf = new Shelf()
          let former = 0
          for (const batch of batches) {
            shelf.apply(bring(shelf, batch, { exact }))
            const [live] = shelf.at('a/b/c')
            if (live === undefined) continue
            const rank = ['UNKNOWN', 'UNCERTAIN', 'INFERRED', 'CONFIRMED'].indexOf(
              MemoryHead.parse(live.doc.head).state,
            )
            expect(rank).toBeGreaterThanOrEqual(former)
            former = rank
          }
        },
      ),
    )
  })
})
