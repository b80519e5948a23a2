import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { nodeEnv } from '../../src/env/node'
import { decideRemember } from '../../src/memory/decide'
import { entryAt, fileProvider, listEntries, providerNamed } from '../../src/memory/provider'
import { providerContract } from './provider-contract'
import { ALICE } from './shelf'

const root = mkdtempSync(join(tmpdir(), 'dstack-provider-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let count = 0
function folder(): string {
  return join(root, String(++count))
}

function files(where = folder()) {
  const { files } = nodeEnv({ vars: {} })
  const hash = (text: string) => createHash('sha1').update(text).digest('hex')
  return fileProvider({
    files,
    folder: where,
    by: 'Alice <alice@example.com>',
    now: () => new Date('2026-11-20T12:00:00Z'),
    hash,
  })
}

providerContract('file', files)

describe('the folder', () => {
  test('is readable Markdown', () => {
    const where = folder()
    files(where).write(['gotchas/auth/x'], (seen) =>
      decideRemember(seen, { key: 'gotchas/auth/x', text: 'v', actor: ALICE }),
    )
    expect(readFileSync(join(where, 'gotchas/auth/x.md'), 'utf8')).toBe(
      [
        '---',
        'type: memory',
        'key: gotchas/auth/x',
        'state: INFERRED',
        'confidence: 0.6',
        'source: {"kind":"person"}',
        'scope: repository',
        'by: Alice <alice@example.com>',
        'at: "2026-11-20T12:00:00.000Z"',
        '---',
        'v',
        '',
      ].join('\n'),
    )
  })

  test('links, foreign files and broken documents are passed over', () => {
    const where = folder()
    mkdirSync(join(where, 'a/b'), { recursive: true })
    writeFileSync(join(root, 'secret.md'), '---\ntype: memory\n---\nsecret')
    symlinkSync(join(root, 'secret.md'), join(where, 'a/b/link.md'))
    symlinkSync(root, join(where, 'a/up'))
    writeFileSync(join(where, 'a/b/Note.MD'), 'x')
    writeFileSync(join(where, 'a/b/broken.md'), '---\nno field\n---\n')
    writeFileSync(join(where, 'a/b/plain.md'), 'no front matter')
    const provider = files(where)
    expect(listEntries(provider)).toEqual([])
    expect(entryAt(provider, { key: 'a/b/link' })).toBeNull()
    expect(entryAt(provider, { key: '../secret' })).toBeNull()
  })
})

test('an unknown provider is an error, not another place', () => {
  const makers = { git: files, file: files }
  expect(providerNamed('file', makers).name).toBe('file')
  for (const name of ['eruka', '', 'constructor', '__proto__']) {
    expect(() => providerNamed(name, makers)).toThrowError(
      expect.objectContaining({ code: 'BAD_CONFIG', hint: expect.stringContaining('git, file') }),
    )
  }
})
