// fsck: names every damaged or missing object and every document that can't be read, and has a second opinion.

import { chmodSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fsck, init } from '../../src/setup/setup'
import { attest, openStore } from '../../src/store/store'
import type { Clone } from '../support/clone'
import { expect, test } from '../support/test'
import type { World } from '../support/world'
import { envOf, remember } from './support'

async function filled(world: World): Promise<Clone> {
  const [alice] = await world.clones('alice')
  await init(envOf(alice))
  for (const word of ['one', 'two', 'three']) remember(alice, `notes/fsck/${word}`, `fact ${word}`)
  attest(openStore(envOf(alice)), 'gate', (await alice.tip('HEAD')) ?? '', { t: 'gate', ok: true })
  return alice
}

const objectPath = (clone: Clone, oid: string) => join(clone.path, '.git', 'objects', oid.slice(0, 2), oid.slice(2))

test('a sound clone: both implementations count the same objects', async ({ world }) => {
  const alice = await filled(world)
  const report = await fsck(envOf(alice))
  expect(report.problems).toEqual([])
  expect(report.quarantined).toEqual([])
  expect(report.refs).toBe(3)
  const { audit } = report
  expect(audit.ran && audit.commits + audit.trees + audit.blobs).toBe(report.objects)
  expect(audit).toMatchObject({ ran: true, commits: 5, blobs: 5 })
  await alice.git('gc', '-q').ok()
  expect((await fsck(envOf(alice))).objects).toBe(report.objects)
})

test('nothing to read yet', async ({ world }) => {
  const [alice] = await world.clones('alice')
  expect(await fsck(envOf(alice))).toMatchObject({ refs: 0, objects: 0, problems: [], audit: { ran: false } })
})

test.for(['deleted', 'emptied', 'overwritten by another object', 'a flipped bit'] as const)(
  'an object that is %s is named',
  async (how, { world }) => {
    const alice = await filled(world)
    const line = (await alice.git('ls-tree', '-r', 'refs/dstack/memory').text()).split('\n')[0] ?? ''
    const oid = /[0-9a-f]{40}/.exec(line)?.[0] ?? ''
    const path = objectPath(alice, oid)
    const bytes = readFileSync(path)
    chmodSync(path, 0o644)
    if (how === 'deleted') unlinkSync(path)
    else if (how === 'emptied') writeFileSync(path, '')
    else if (how === 'a flipped bit')
      writeFileSync(
        path,
        bytes.map((byte, i) => (i === bytes.length - 8 ? byte ^ 1 : byte)),
      )
    else {
      const other = await alice.with({ input: 'another text\n' }).git('hash-object', '-w', '--stdin').text()
      writeFileSync(path, readFileSync(objectPath(alice, other)))
    }
    const { problems } = await fsck(envOf(alice))
    expect(problems.map(({ subject, what }) => `${subject} ${what}`).join('\n')).toContain(oid)
    expect(problems[0]?.code).toBe(how === 'deleted' ? 'MISSING_OBJECT' : 'CORRUPT_OBJECT')
    writeFileSync(path, bytes)
  },
)

test('a ref that names nothing', async ({ world }) => {
  const alice = await filled(world)
  const file = join(alice.path, '.git/refs/dstack/memory')
  const good = readFileSync(file)
  writeFileSync(file, `${'2'.repeat(40)}\n`)
  const { problems } = await fsck(envOf(alice))
  expect(problems).toMatchObject([{ code: 'BROKEN_REF', subject: 'refs/dstack/memory' }])
  writeFileSync(file, good)
})

test('documents that can’t be read are listed and are no fault; notes in another form are', async ({ world }) => {
  const alice = await filled(world)
  const head = (await alice.tip('HEAD')) ?? ''
  const add = async (ref: string, path: string, text: string) => {
    const index = { vars: { GIT_INDEX_FILE: join(alice.home, `index-${path.replaceAll('/', '-')}`) } }
    const blob = await alice.with({ input: text }).git('hash-object', '-w', '--stdin').text()
    await alice.with(index).git('read-tree', ref).ok()
    await alice.with(index).git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`).ok()
    const tree = await alice.with(index).git('write-tree').text()
    const commit = await alice.git('commit-tree', '-m', 'by hand', '-p', ref, tree).text()
    await alice.git('update-ref', ref, commit).ok()
  }
  await add('refs/dstack/memory', 'notes/fsck/aa/broken.md', 'no front matter\n')
  const first = await fsck(envOf(alice))
  expect(first.quarantined).toEqual([
    { ref: 'refs/dstack/memory', path: 'notes/fsck/aa/broken.md', why: expect.stringMatching(/front matter/) },
  ])
  expect(first.problems).toEqual([])
  await add('refs/notes/dstack/gate', head, '{"t":"x","id":"1"}\n')
  expect((await fsck(envOf(alice))).problems).toMatchObject([
    { code: 'NOTES', what: expect.stringContaining(`should be at ${head.slice(0, 2)}/`) },
  ])
})

test('says when the second implementation can’t read the repository', async ({ world }) => {
  const hub = await world.remote('hub', { kind: 'file' })
  hub.git('config', 'uploadpack.allowFilter', 'true')
  const far = world.person('far')
  await far.with({ cwd: world.path }).git('init', '-q', '--object-format=sha256', far.path).ok()
  await init(envOf(far))
  remember(far, 'notes/sha/one')
  expect(await fsck(envOf(far))).toMatchObject({
    problems: [],
    audit: { ran: false, why: expect.stringMatching(/sha256/) },
  })
  const bob = world.person('bob')
  await bob.with({ cwd: world.path }).git('clone', '-q', '--filter=blob:none', hub.url, bob.path).ok()
  await init(envOf(bob))
  remember(bob, 'notes/partial/one')
  expect(await fsck(envOf(bob))).toMatchObject({
    problems: [],
    audit: { ran: false, why: expect.stringMatching(/partial clone/) },
  })
})
