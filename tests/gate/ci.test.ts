// The pre-receive hook of templates/ci in a bare repository: an earned push goes through, any other is refused by name.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Gated } from './place'

const TOP = join(import.meta.dirname, '..', '..')

let at: Gated
let bare: string
beforeEach(() => {
  at = Gated.make()
  bare = join(at.repo.root, 'bare.git')
  const bin = join(at.repo.root, 'bin')
  mkdirSync(bin)
  const run = [process.execPath, join(TOP, 'tests/run.mjs'), join(TOP, 'src/main.ts')]
  writeFileSync(join(bin, 'git-dstack'), `#!/bin/sh\nexec ${run.map((word) => `'${word}'`).join(' ')} "$@"\n`)
  chmodSync(join(bin, 'git-dstack'), 0o755)
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare], { env: at.repo.vars() })
  at.repo.git('push', '-q', bare, 'HEAD:refs/heads/main')
  // What the gate runs is the server's to say.
  for (const name of ['lint', 'test']) {
    execFileSync('git', ['-C', bare, 'config', `dstack.gate.${name}`, `sh ${name}.sh`], { env: at.repo.vars() })
  }
  cpSync(join(TOP, 'templates/ci/pre-receive.sh'), join(bare, 'hooks/pre-receive'))
  chmodSync(join(bare, 'hooks/pre-receive'), 0o755)
})
afterEach(() => at.dispose())

function push(...refs: string[]) {
  const path = `${join(at.repo.root, 'bin')}:${process.env.PATH}`
  const done = spawnSync('git', ['push', '-q', bare, ...refs], {
    cwd: at.path,
    env: at.repo.vars({ PATH: path }),
    encoding: 'utf8',
  })
  return { status: done.status, said: done.stderr }
}

test('pre-receive refuses an unearned push, and takes it with the verdict in the same push', async () => {
  at.repo.commit('b', { 'src/b.txt': 'b\n' })
  const refused = push('main')
  expect(refused.status).not.toBe(0)
  expect(refused.said).toContain('NOT CLEARED: 1 of 1 commit not earned.')
  expect(refused.said).toContain(`git dstack gate run --commit ${at.oid('HEAD').slice(0, 12)}`)
  expect((await at.ran('head')).green).toBe(true)
  expect(push('main').status).not.toBe(0)
  const taken = push('main', 'refs/notes/dstack/gate')
  expect(taken).toMatchObject({ status: 0 })

  // The notes are there now; a new branch is measured by what is new in it, and a red commit stays out.
  at.repo.commit('red', { 'src/c.txt': '\tc\n' })
  await at.ran('head')
  expect(push('main:topic', 'refs/notes/dstack/gate').said).toContain('lint: It ended with 1, not with 0.')
  expect(push('HEAD^:refs/heads/topic').status).toBe(0)
  expect(push(':topic').status).toBe(0)
}, 120_000)

test('the other snippets are there, and ask the same question', async () => {
  const yaml = await import('yaml')
  for (const name of ['github.yml', 'gitlab.yml']) {
    const text = readFileSync(join(TOP, 'templates/ci', name), 'utf8')
    expect(yaml.parse(text)).toBeTypeOf('object')
    expect(text).toContain('git dstack evidence check "$')
  }
  expect(existsSync(join(TOP, 'templates/ci/pre-receive.sh'))).toBe(true)
})
