// Documents as bytes: what is written is what is read, for every value; foreign bytes never crash.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { encodeDocument, MAX_DOCUMENT, parseDocument, parseVersion } from '../../src/store/document'
import { keyOf, keyProblem, pathOf, safePath, slug } from '../../src/store/keys'
import type { Doc, Json } from '../../src/store/schema'

const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.string({ maxLength: 5 }).filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 3 },
    ),
  ) as fc.Arbitrary<Json>,
})).value

const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,10}$/).filter((text) => !['constructor'].includes(text))
const body = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))

function read(bytes: Uint8Array): Doc {
  const doc = parseDocument(bytes)
  if ('malformed' in doc) throw new Error(doc.malformed)
  return doc
}

describe('a document', () => {
  test('is read as it was written, for every field and text', () => {
    fc.assert(
      fc.property(fc.dictionary(name, json, { minKeys: 1, noNullPrototype: true }), body, (head, text) => {
        const doc = read(encodeDocument({ head, body: text }))
        expect(JSON.stringify(doc.head)).toBe(JSON.stringify(head))
        expect(doc.body).toBe(text)
        expect(encodeDocument(doc).equals(encodeDocument({ head, body: text }))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('has front matter that YAML readers understand alike', () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.oneof(fc.string({ unit: 'grapheme-ascii' }), fc.integer(), fc.boolean()), {
          minKeys: 1,
          noNullPrototype: true,
        }),
        (head) => {
          const text = encodeDocument({ head, body: '' }).toString()
          expect(parseYaml(text.slice(4, text.indexOf('\n---\n')))).toEqual(head)
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each([
    [''],
    ['2026-11-20T10:00:00Z'],
    ['true'],
    ['~'],
    ['0x1f'],
    ['a: b'],
    [' leading'],
    ['trailing '],
    ['"quoted"'],
    ['[1'],
    ['a\u2028b'],
    ['- x'],
    ['# x'],
  ])('keeps the string %j a string', (value) => {
    expect(read(encodeDocument({ head: { x: value, list: [value] }, body: '' })).head).toEqual({
      x: value,
      list: [value],
    })
  })

  test('keeps what a later version wrote over several lines', () => {
    const text = '---\ntype: memory\nshape:\n  - a\n  - b: 1\nkey: k\n---\nbody\n'
    const doc = read(Buffer.from(text))
    expect(encodeDocument(doc).toString()).toBe(text)
    expect(encodeDocument({ ...doc, head: { ...doc.head, key: 'other' } }).toString()).toBe(
      text.replace('key: k', 'key: other'),
    )
  })

  test('that is none is said to be none', () => {
    const why = (bytes: Uint8Array | string) => {
      const doc = parseDocument(Buffer.from(bytes))
      return 'malformed' in doc ? doc.malformed : 'fine'
    }
    expect(why('no head')).toBe('no front matter')
    expect(why('---\ntype: x\n')).toBe('no end of the front matter')
    expect(why('---\ntype: x\ntype: y\n---\n')).toBe('field "type" twice')
    expect(why('---\n???\n---\n')).toBe('a line of the front matter is no field')
    expect(why(Buffer.from([0xff, 0xfe]))).toBe('not UTF-8 text')
    expect(why('---\ntype: x\n---\n\0\n')).toBe('binary')
    expect(why('x'.repeat(MAX_DOCUMENT + 1))).toBe(`larger than ${MAX_DOCUMENT} bytes`)
    expect(why(`---\n${'a: b\n'.repeat(10_000)}---\n`)).toBe('no end of the front matter')
  })

  test('from anywhere never crashes the reader', () => {
    const piece = fc.constantFrom(
      '---\n',
      'type: memory\n',
      'key: k/x\n',
      'clock: {"aaaa":1}\n',
      'clock: {"aaaa":1e309}\n',
      'clock: []\n',
      'dot: aaaa:1\n',
      'dot: "aaaa:1"\n',
      '__proto__: 1\n',
      '[[[[',
      '{"a":',
      '\0',
      '\u202e',
      '\r\n',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (parts) => {
        expect(typeof parseVersion(pathOf('k/x'), Buffer.from(parts.join('')))).toBe('object')
      }),
      { numRuns: 3000 },
    )
    const deep = `---\ntype: x\nkey: k/x\nclock: ${'['.repeat(8000)}\n---\n`
    expect(parseVersion(pathOf('k/x'), Buffer.from(deep))).toHaveProperty('malformed')
  })
})

describe('a version', () => {
  const version = (head: Record<string, Json>) => {
    const found = parseVersion(
      pathOf('k/x'),
      encodeDocument({ head: { type: 't', key: 'k/x', dot: 'aaaa:2', clock: { aaaa: 2 }, ...head }, body: '' }),
    )
    return 'malformed' in found ? found.malformed : 'fine'
  }

  test.each([
    [{}, 'fine'],
    [{ key: 'k/y' }, 'the key does not fit the path'],
    [{ type: 7 }, 'no type'],
    [{ clock: {} }, 'no version vector'],
    [{ clock: { aaaa: -1 } }, 'no version vector'],
    [{ clock: { aaaa: 1.5 } }, 'no version vector'],
    [{ clock: { 'a b': 1 } }, 'no version vector'],
    [{ dot: 'aaaa:3' }, 'the dot does not fit the version vector'],
    [{ dot: 'bbbb:2' }, 'the dot does not fit the version vector'],
  ])('with %j: %s', (head, answer) => {
    expect(version(head as Record<string, Json>)).toBe(answer)
  })
})

describe('keys', () => {
  test.each(['a', 'a/b/v1.2', 'gotchas/auth/token-refresh', '2026/q1', 'a_b/c'])('%s can be one', (key) => {
    expect(keyProblem(key)).toBeNull()
    expect(keyOf(pathOf(key))).toBe(key)
  })

  test.each([
    '',
    '/',
    'a//b',
    '../x',
    'a/../b',
    'a/./b',
    '.git/config',
    'A/b',
    'a b',
    'a/con',
    'nul.txt',
    'x.md',
    'x.lock',
    'x.',
    '-x',
    'ü',
    'a/b\n',
    `a/${'x'.repeat(65)}`,
    'usage/x',
    'a/a/a/a/a/a/a/a/a',
  ])('%j can not', (key) => expect(keyProblem(key)).not.toBeNull())

  test("a path belongs to one key, and a folder never has a document's ending", () => {
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/)
    const key = fc
      .array(word, { minLength: 1, maxLength: 4 })
      .map((words) => words.join('/'))
      .filter((text) => keyProblem(text) === null)
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(pathOf(a) === pathOf(b)).toBe(a === b)
        expect(
          pathOf(a)
            .split('/')
            .slice(0, -1)
            .some((folder) => folder.endsWith('.md')),
        ).toBe(false)
        expect(safePath(pathOf(a))).toBe(pathOf(a))
        expect(pathOf(b).startsWith(`${pathOf(a)}/`)).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '../../etc/passwd.md',
    '.git/config.md',
    'a/b',
    'x.md/y.md',
    '/abs.md',
    'C:/x.md',
    'a\\b.md',
    'GIT~1/x.md',
    '\u202egpj.md',
    'a/ .md',
  ])('the path %j is moved to where it harms nobody', (path) => {
    expect(safePath(path)).toMatch(/^quarantine\/[0-9a-f]{2}\/[0-9a-f]{8}\.md$/)
  })

  test('a slug is a word that can be a key, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => void expect(keyProblem(slug(text))).toBeNull()),
      { numRuns: 2000 },
    )
  })
})
