// Records and stubs as documents: they say who, when and why, nothing of the text, and never look like a credential.

import { createHash, randomBytes, scryptSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { encodeDocument, parseDocument } from '../../src/store/document'
import { pathOf } from '../../src/store/keys'
import { meant, parseRedaction, recordPut, stubOf, stubPut } from '../../src/store/redaction'
import { findSecrets } from '../../src/store/store'

const KEYS = [
  'deploy/token',
  'api/secret-key',
  'aws/access-key-id',
  'db/password',
  'notes/private-key',
  'passwords/root',
]

function sealed(text: string): string {
  const salt = randomBytes(10).toString('hex')
  return `${salt}:${scryptSync(text, salt, 32, { N: 16 }).toString('hex')}`
}

const head = (key: string, dot = 'abcdefghij:3') => ({
  type: 'memory',
  key,
  by: 'Alice <alice@example.com>',
  at: '2026-01-01T00:00:00Z',
  dot,
  clock: { abcdefghij: 3 },
})

function recordBytes(key: string): Buffer {
  const put = recordPut('r1', 'a key was in it', [{ key, dot: 'abcdefghij:3', seal: sealed('x') }])
  return encodeDocument({ head: { ...put.head, ...head(put.key), type: 'redaction' }, body: '' })
}

describe('a record', () => {
  test.each(KEYS)('of %s is read back, and is no credential', (key) => {
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    for (let i = 0; i < 50; i++) {
      const bytes = recordBytes(key)
      expect(findSecrets(bytes.toString('utf8'), { hash })).toEqual([])
      const record = parseRedaction(pathOf('dstack/redactions/r1'), bytes)
      expect(record).toMatchObject({
        id: 'r1',
        by: 'Alice <alice@example.com>',
        removed: [{ key, dot: 'abcdefghij:3' }],
      })
    }
  })

  test('at another path, of another type or damaged is none', () => {
    expect(parseRedaction(pathOf('dstack/redactions/r2'), recordBytes('a/b'))).toBeNull()
    expect(parseRedaction(pathOf('a/b'), encodeDocument({ head: head('a/b'), body: 'x' }))).toBeNull()
    expect(parseRedaction(pathOf('dstack/redactions/r1'), Buffer.from('removed'))).toBeNull()
  })
})

describe('a stub', () => {
  const text = encodeDocument({ head: head('a/b'), body: 'plum heron' })
  const record = parseRedaction(pathOf('dstack/redactions/r1'), recordBytes('a/b'))

  test('keeps name and vector, says who and why, and holds nothing of the text', () => {
    if (record === null) throw new Error('no record')
    const [found] = meant([record], text)
    if (found === undefined) throw new Error('not meant')
    const stub = stubOf(found.doc, record, found.removed)
    expect(stub.toString('utf8')).not.toContain('plum')
    expect(parseDocument(stub)).toMatchObject({
      head: { ...head('a/b'), type: 'redacted', gone: true, reason: 'a key was in it', redactor: record.by },
      body: '',
    })
    expect(meant([record], stub)).toEqual([])
    expect(stubOf(found.doc, record, found.removed)).toEqual(stub)
  })

  test('a version of another dot or key is not meant', () => {
    if (record === null) throw new Error('no record')
    expect(meant([record], encodeDocument({ head: head('a/b', 'abcdefghij:4'), body: 'x' }))).toEqual([])
    expect(meant([record], encodeDocument({ head: head('a/c'), body: 'x' }))).toEqual([])
  })

  test('on top ends only the removed versions', () => {
    expect(stubPut('a/b', 'why', [], ['1'.repeat(40)])).toMatchObject({ head: { gone: true }, over: ['1'.repeat(40)] })
  })
})
