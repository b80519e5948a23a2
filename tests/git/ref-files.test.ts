// Refs read from git's files are those that `git for-each-ref` lists; what is unclear is left to git.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeEnv } from '../../src/env/node'
import { openRepo } from '../../src/git/git'
import { tipsFromFiles } from '../../src/git/ref-files'
import type { Clone } from '../support/clone'
import { expect, test } from '../support/test'

const PATTERNS = ['refs/dstack/', 'refs/notes/dstack', 'refs/dstack-remotes/origin/']

function ours(clone: Clone, patterns = PATTERNS) {
  const env = nodeEnv({ cwd: clone.path, vars: clone.vars() })
  return tipsFromFiles(env, openRepo(env), patterns)
}

async function gits(clone: Clone, patterns = PATTERNS) {
  const list = await clone.git('for-each-ref', '--format=%(objectname) %(refname)', ...patterns).text()
  return list
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ ref: line.slice(41), oid: line.slice(0, 40) }))
}

test('loose, packed, both, nested, removed, beside others of nearly the same name', async ({ world }) => {
  const [alice] = await world.clones('alice')
  expect(ours(alice)).toEqual([])
  const [one, two] = [await alice.commit('one'), await alice.commit('two')]
  const set = (ref: string, oid: string) => alice.git('update-ref', ref, oid).ok()
  const names = [
    'refs/dstack/memory',
    'refs/dstack/flow/a/b',
    'refs/dstack/memory-x',
    'refs/dstack-other/x',
    'refs/notes/dstack/gate',
  ]
  for (const ref of [
    ...names,
    'refs/notes/dstackless',
    'refs/dstack-remotes/origin/state/memory',
    'refs/dstack-remotes/fork/state/memory',
  ])
    await set(ref, one)
  expect(ours(alice)).toEqual(await gits(alice))
  await alice.git('pack-refs', '--all').ok()
  await alice.git('tag', '-a', '-m', 'x', 'v1').ok()
  await alice.git('pack-refs', '--all').ok()
  expect(ours(alice)).toEqual(await gits(alice))
  await set('refs/dstack/memory', two)
  await set('refs/dstack/flow/c', two)
  await alice.git('update-ref', '-d', 'refs/dstack/memory-x').ok()
  writeFileSync(join(alice.path, '.git/refs/dstack/flow/a.lock'), '')
  expect(ours(alice)).toEqual(await gits(alice))
  for (const pattern of [
    'refs/dstack/memory',
    'refs/dstack/flow',
    'refs/dstack/flow/',
    'refs/dstack/none',
    'refs/heads/',
  ]) {
    expect([pattern, ours(alice, [pattern])]).toEqual([pattern, await gits(alice, [pattern])])
  }
  // The auditor takes these for ours.
  for (const ref of ['refs/dstack-other/x', 'refs/notes/dstackless']) await alice.git('update-ref', '-d', ref).ok()
  await alice.sh('rm .git/refs/dstack/flow/a.lock').ok()
})

test.for([
  ['a symbolic ref', (alice: Clone) => alice.git('symbolic-ref', 'refs/dstack/alias', 'refs/heads/main').ok()],
  ['a torn ref', async (alice: Clone) => writeFileSync(join(alice.path, '.git/refs/dstack/torn'), '12')],
  ['a link', async (alice: Clone) => symlinkSync('../heads/main', join(alice.path, '.git/refs/dstack/link'))],
  [
    'a name that git does not list',
    async (alice: Clone) => writeFileSync(join(alice.path, '.git/refs/dstack/a b'), `${'1'.repeat(40)}\n`),
  ],
] as const)('%s is left to git', async ([, make], { world }) => {
  const [alice] = await world.clones('alice')
  mkdirSync(join(alice.path, '.git/refs/dstack'))
  await make(alice)
  expect(ours(alice)).toBeNull()
  const env = nodeEnv({ cwd: alice.path, vars: alice.vars() })
  expect(openRepo(env).tips(...PATTERNS)).toEqual(await gits(alice))
  await alice.sh('rm -r .git/refs/dstack').ok()
})
