import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PORTABLE_FIELDS, readHead, readTombstone, readUsage, usual, wrongField } from '../../src/memory/head'
import { MemoryHead, Portable, STATES, TombstoneHead, UsageHead } from '../../src/memory/schema'
import type { Json } from '../../src/store/schema'
import { portable } from './portables'

/** Values that are right for one field and wrong for another, and values that are nearly right. */
const value = fc.constantFrom<Json>(
  null,
  '',
  'x',
  'memory',
  'usage',
  0,
  0.5,
  1,
  1.5,
  -1,
  true,
  false,
  [],
  ['a'],
  ['a', 1],
  {},
  { a: 1 },
  { a: 'b' },
  { a: -0.5 },
  ...STATES,
  'confirmed',
  'repository',
  'workspace',
  'personal',
  { kind: 'person' },
  { kind: 'robot' },
  { kind: 'agent', tool: 't', model: 1 },
  [{ kind: 'person' }],
  { kind: 'import', from: 'f', more: [1] },
)
const fields = [
  'type',
  'gone',
  'was',
  'moved',
  'helped',
  'gaps',
  'batch',
  'author',
  'written',
  'later',
  ...PORTABLE_FIELDS,
]
const change = fc.tuple(fc.constantFrom(...fields), value)
const right = {
  type: 'memory',
  key: 'a/b',
  by: 'a',
  at: 'b',
  text: 'x',
  state: 'INFERRED',
  confidence: 0.5,
  source: { kind: 'person' },
  scope: 'repository',
}
const heads = fc
  .array(change, { maxLength: 4 })
  .map((changes) => ({ ...right, ...Object.fromEntries(changes) }) as Record<string, Json>)

test('front matter is read as the schemas read it', () => {
  fc.assert(
    fc.property(heads, fc.constantFrom({}, { type: 'usage' }, { gone: true }), (given, more) => {
      const head = { ...given, ...more } as Record<string, Json>
      const agree = (mine: unknown, theirs: { success: boolean; data?: unknown }) => {
        if (theirs.success) expect(mine).toEqual(theirs.data)
        else expect(mine).toBeNull()
      }
      agree(readHead(head), MemoryHead.safeParse(head))
      agree(readTombstone(head), TombstoneHead.safeParse(head))
      agree(readUsage(head), UsageHead.safeParse(head))
      expect(wrongField({ ...usual(), ...head }) === null).toBe(Portable.safeParse({ ...usual(), ...head }).success)
    }),
    { numRuns: 3000 },
  )
})

test('entries have the fields of the schema, in its order', () => {
  expect(PORTABLE_FIELDS).toEqual(Object.keys(Portable.shape))
  fc.assert(
    fc.property(portable, (entry) => {
      expect(wrongField(entry)).toBeNull()
    }),
  )
})
