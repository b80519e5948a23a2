// Objects made in memory are the objects that git and isomorphic-git make.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import git from 'isomorphic-git'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  decodeCommit,
  decodeSignature,
  decodeTree,
  encodeSignature,
  encodeTree,
  hashObject,
  ObjectBatch,
  type ObjectFormat,
} from '../../src/git/objects'

const root = mkdtempSync(join(tmpdir(), 'dstack-objects-'))
const dirs: Record<ObjectFormat, string> = { sha1: join(root, 'one'), sha256: join(root, 'two') }

beforeAll(() => {
  for (const [format, dir] of Object.entries(dirs))
    execFileSync('git', ['init', '-q', `--object-format=${format}`, dir])
})
afterAll(() => rmSync(root, { recursive: true }))

const run = (format: ObjectFormat, args: string[], input?: Buffer | string) =>
  execFileSync('git', args, { cwd: dirs[format], ...(input === undefined ? {} : { input }) })
    .toString()
    .trim()

describe.each(['sha1', 'sha256'] as const)('%s', (format) => {
  test("blobs have git's ids", () => {
    const bytes = Buffer.from([0, 255, 10, 13, 65])
    expect(hashObject(format, 'blob', bytes)).toBe(run(format, ['hash-object', '--stdin'], bytes))
  })

  test('a pack of blob, trees and commit unpacks, and fsck is content', () => {
    const batch = new ObjectBatch(format)
    const blob = batch.blob(Buffer.from('x'.repeat(100_000)))
    const tree = batch.tree([
      { mode: '100644', name: 'a-', oid: blob },
      { mode: '040000', name: 'a', oid: batch.tree([{ mode: '100644', name: 'ü', oid: blob }]) },
      { mode: '100644', name: 'a.b', oid: blob },
    ])
    const who = encodeSignature({ name: 'A <x>\n', email: ' a@b ', seconds: 1700000000, zone: '-0330' })
    expect(who).toBe('A x <a@b> 1700000000 -0330')
    const commit = batch.commit({ tree, parents: [], author: who, committer: who, message: 'm\n' })
    run(format, ['unpack-objects', '-q'], batch.pack())
    run(format, ['update-ref', 'refs/heads/x', commit])
    expect(run(format, ['fsck', '--strict'])).toBe('')
    expect(run(format, ['ls-tree', '-r', '--name-only', '-z', commit]).split('\0').filter(Boolean)).toEqual([
      'a-',
      'a.b',
      'a/ü',
    ])
    expect(decodeCommit(execFileSync('git', ['cat-file', 'commit', commit], { cwd: dirs[format] }))).toEqual({
      tree,
      parents: [],
      author: who,
      committer: who,
      message: 'm\n',
    })
    expect(decodeSignature(who)).toEqual({ name: 'A x', email: 'a@b', seconds: 1700000000, zone: '-0330' })
  })
})

test('isomorphic-git gives the same ids to blobs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { oid } = await git.hashBlob({ object: bytes })
      expect(hashObject('sha1', 'blob', bytes)).toBe(oid)
    }),
    { numRuns: 200 },
  )
})

test("trees survive decoding and encoding, in git's order", () => {
  const name = fc.stringMatching(/^[a-z0-9.~_-]{1,8}$/).filter((text) => text !== '.' && text !== '..')
  const entry = fc.record({
    mode: fc.constantFrom('100644', '040000', '120000', '160000'),
    name,
    oid: fc.constant('a'.repeat(40)),
  })
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: (one) => one.name }), (entries) => {
      const decoded = decodeTree(encodeTree(entries), 'sha1')
      const byName = (list: readonly { name: string }[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1))
      expect(byName(decoded)).toEqual(byName(entries))
      expect(encodeTree(decoded)).toEqual(encodeTree(entries))
    }),
  )
})
