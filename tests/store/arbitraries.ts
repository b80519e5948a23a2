// Random versions of a document, as several writers could have made them.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { encodeDocument } from '../../src/store/document'
import { pathOf } from '../../src/store/keys'
import type { Item } from '../../src/store/merge'

export const BASE = pathOf('k/doc')

export function oidOf(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

export function itemOf(bytes: Uint8Array, path = BASE, mode = '100644'): Item {
  return { path, mode, oid: oidOf(bytes), bytes }
}

const WRITERS = ['aaaa', 'bbbb', 'cccc']

/** A well-formed version: some vector, one of its entries as the dot. */
export const version: fc.Arbitrary<Item> = fc
  .record({
    clock: fc.dictionary(fc.constantFrom(...WRITERS), fc.integer({ min: 1, max: 4 }), { minKeys: 1 }),
    pick: fc.nat(),
    text: fc.constantFrom('x', 'y', 'z'),
    gone: fc.boolean(),
    type: fc.constantFrom('memory', 'of-a-later-version'),
  })
  .map(({ clock, pick, text, gone, type }) => {
    const writers = Object.keys(clock)
    const writer = writers[pick % writers.length] ?? 'aaaa'
    const head = { type, key: 'k/doc', ...(gone ? { gone } : {}), dot: `${writer}:${clock[writer]}`, clock }
    return itemOf(encodeDocument({ head, body: text }))
  })

/** What may come with a fetch and is no version: wrong header, wrong vector, binary, a link, a submodule. */
export const opaque: fc.Arbitrary<Item> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => itemOf(bytes)),
  fc.string({ maxLength: 20 }).map((text) => itemOf(Buffer.from(`---\ntype: memory\nkey: k/doc\n${text}\n---\n\n`))),
  fc.constant(
    itemOf(encodeDocument({ head: { type: 'memory', key: 'k/other', dot: 'aaaa:1', clock: { aaaa: 1 } }, body: '' })),
  ),
  fc.constant(itemOf(Buffer.from('/etc/passwd'), BASE, '120000')),
  fc.constant({ path: BASE, mode: '160000', oid: 'f'.repeat(40), bytes: null }),
)

export const items = fc.array(fc.oneof({ weight: 5, arbitrary: version }, { weight: 1, arbitrary: opaque }), {
  maxLength: 6,
})
