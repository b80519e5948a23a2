// Several runs at once, killed runs, untrusted commands, setup, and the verbs as a person types them.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as z from 'zod/mini'
import { outputs } from '../../src/cli/gate-outputs'
import { isRefusal } from '../../src/errors'
import { mayCommit, runGate, setUp } from '../../src/gate/gate'
import { definitionOf } from '../../src/trust/trust'
import { dstack } from '../cli/shell'
import { Gated, LINT, results, TEST } from './place'

let at: Gated
let log: string
beforeEach(() => {
  at = Gated.make()
  log = join(at.repo.root, 'log')
})
afterEach(() => at.dispose())

const runsIn = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0)

/** The same on every machine: what is trusted is the text, the names and the files. */
function hashFlags(...commands: string[]): string[] {
  const { env, repo } = at.store()
  return [LINT, TEST, ...commands].flatMap((command) => ['--trust-hash', definitionOf(env, repo, command).hash])
}

async function cli(args: string[], vars: Record<string, string> = {}) {
  const ran = await dstack(args, { cwd: at.path, vars: at.repo.vars(vars) })
  const json = args.includes('--json') ? JSON.parse(ran.stdout) : null
  if (json !== null && json.error === undefined) {
    const { v: _v, command, ...value } = json
    const schema = outputs[command as keyof typeof outputs]
    z.parse(schema, value)
  }
  return { ...ran, json }
}

test('two runs of the same tree at once: the second takes the verdict of the first', async () => {
  at.repo.commit('slow', { 'test.sh': `echo run >> ${log}; while test ! -e ${log}.go; do sleep 0.02; done\n` })
  const first = at.run({ commit: 'HEAD' })
  await vi.waitFor(() => expect(runsIn(log)).toBe(1), { timeout: 20_000 })
  const second = at.run({ commit: 'HEAD' })
  writeFileSync(`${log}.go`, '')
  const [one, two] = await Promise.all([first, second])
  expect(isRefusal(one) || one.joined).toBe(false)
  expect(two).toMatchObject({ joined: true, green: true })
  expect(runsIn(log)).toBe(1)
  // Later it is a run of its own again, and other trees never wait.
  expect(await at.ran({ commit: 'HEAD' })).toMatchObject({ joined: false })
  expect(runsIn(log)).toBe(2)
})

test('runs of other trees go on beside each other, each in a checkout of its own', async () => {
  at.repo.commit('slow', { 'test.sh': `pwd >> ${log}; while test ! -e ${log}.go; do sleep 0.02; done\n` })
  at.repo.commit('slow too', { x: '' })
  const both = [at.run({ commit: 'HEAD' }), at.run({ commit: 'HEAD^' })]
  await vi.waitFor(() => expect(runsIn(log)).toBe(2), { timeout: 20_000 })
  writeFileSync(`${log}.go`, '')
  expect(await Promise.all(both)).toMatchObject([{ green: true }, { green: true }])
  expect(new Set(readFileSync(log, 'utf8').trim().split('\n')).size).toBe(2)
})

test('kill -9 in the middle of a run: the next one works, in a fresh checkout', async () => {
  at.repo.commit('slow', { 'test.sh': `echo run >> ${log}; while test ! -e ${log}.go; do sleep 0.02; done\n` })
  const child = inOtherProcess(['gate', 'run', '--commit', 'HEAD', ...hashFlags()])
  await vi.waitFor(() => expect(runsIn(log)).toBe(1), { timeout: 60_000 })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  process.kill(-(child.pid ?? 0), 'SIGKILL')
  await ended
  const scratch = join(at.path, '.git/dstack/scratch')
  expect(readdirSync(join(scratch, 'locks'))).toHaveLength(2)
  writeFileSync(join(scratch, '1', '.git', 'index.lock'), '')
  writeFileSync(join(scratch, '1', 'src', 'ok'), 'half written')
  expect(at.verdict().validity).toBe('none')
  writeFileSync(`${log}.go`, '')
  expect(await at.ran({ commit: 'HEAD' })).toMatchObject({ green: true, joined: false })
  expect(readdirSync(join(scratch, 'locks'))).toEqual([])
}, 120_000)

/** This program from its sources, in a process that can be killed. */
function inOtherProcess(args: string[]): ChildProcess {
  const runner = join(import.meta.dirname, '..', 'run.mjs')
  const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
  return spawn(process.execPath, [runner, main, ...args], {
    cwd: at.path,
    env: at.repo.vars(),
    stdio: 'ignore',
    detached: true,
  })
}

test('a checkout that was damaged is made anew', async () => {
  await at.ran({ commit: 'HEAD' })
  const folder = join(at.path, '.git/dstack/scratch/1')
  writeFileSync(join(folder, '.git/index'), 'no index')
  writeFileSync(join(folder, 'src/ok'), 'other')
  expect((await at.ran({ commit: 'HEAD' })).green).toBe(true)
})

test('untrusted: refused with 76, nothing ran, nothing is noted; detected commands, too', async () => {
  at.repo.commit('canary', { 'test.sh': `echo run >> ${log}\n`, 'lint.sh': `echo run >> ${log}\n` })
  for (const target of ['head', 'staged', { commit: 'HEAD' }] as const) {
    const run = await runGate(at.store(), {
      target,
      context: { task: null, leaf: null, slug: null },
      hashes: new Set(),
    })
    expect(run).toMatchObject({ refused: 'UNTRUSTED' })
  }
  const { status, stderr } = await cli(['gate', 'run'])
  expect(status).toBe(76)
  expect(stderr).toContain("git dstack trust allow --command 'sh lint.sh' --command 'sh test.sh'")
  at.repo.git('config', '--unset', 'dstack.gate.test')
  at.repo.git('config', 'dstack.gate.lint', 'none')
  at.repo.commit('npm', { 'package.json': JSON.stringify({ scripts: { test: `echo run >> ${log}` } }) })
  const npm = await cli(['gate', 'run', '--json'])
  expect(npm.status).toBe(76)
  expect(npm.json.error.data.commands).toMatchObject([{ command: 'npm run test' }])
  at.repo.git('config', 'dstack.gate.setup', `echo run >> ${log}`)
  expect((await cli(['gate', 'setup'])).status).toBe(76)
  expect(runsIn(log)).toBe(0)
  expect(at.verdict().validity).toBe('none')
})

test('a script that is not the one that was allowed does not run, although its name is the same', async () => {
  const hashes = at.trusting()
  at.repo.commit('evil', { 'test.sh': `echo run >> ${log}\n` })
  const run = await runGate(at.store(), { target: 'head', context: { task: null, leaf: null, slug: null }, hashes })
  expect(run).toMatchObject({ refused: 'UNTRUSTED' })
  expect(runsIn(log)).toBe(0)
})

test('gate setup: once for each state of the lock files, and a failure says what was printed', async () => {
  const setup = `echo setup >> ${log}; mkdir -p node_modules; touch node_modules/dep`
  at.repo.git('config', 'dstack.gate.setup', setup)
  at.repo.commit('needs it', {
    'package-lock.json': '1',
    'test.sh': 'test -e node_modules/dep\n',
    '.gitignore': 'node_modules\n',
  })
  const { env, repo } = at.store()
  const hashes = new Set([definitionOf(env, repo, setup).hash])
  expect(await setUp(at.store(), hashes)).toMatchObject({ prepared: [`Ran ${setup}.`] })
  expect((await at.ran({ commit: 'HEAD' }, undefined, setup)).notes).toEqual([`Kept from the last run of ${setup}.`])
  expect(runsIn(log)).toBe(1)
  at.repo.commit('update', { 'package-lock.json': '2' })
  expect((await at.ran({ commit: 'HEAD' }, undefined, setup)).green).toBe(true)
  expect(runsIn(log)).toBe(2)
  at.repo.git('config', 'dstack.gate.setup', 'echo no network; exit 5')
  const failed = await at.run({ commit: 'HEAD' }, undefined, 'echo no network; exit 5')
  expect(failed).toMatchObject({ refused: 'REFUSED', hint: 'no network' })
})

test('from setup to sharing: a link never stands where a setup writes', async () => {
  at.repo.commit('ignore', { '.gitignore': 'node_modules\n' })
  mkdirSync(join(at.path, 'node_modules'))
  writeFileSync(join(at.path, 'node_modules/mine'), '')
  await at.ran({ commit: 'HEAD' })
  const setup = 'rm -rf node_modules/*; mkdir -p node_modules'
  at.repo.git('config', 'dstack.gate.setup', setup)
  await at.ran({ commit: 'HEAD' }, undefined, setup)
  expect(existsSync(join(at.path, 'node_modules/mine'))).toBe(true)
})

test('another folder for checkouts, without .git in its path', async () => {
  at.repo.commit('where', { 'test.sh': 'case $PWD in */.git/*) exit 1;; esac\n' })
  expect(results(await at.ran({ commit: 'HEAD' })).test).toBe('fail')
  at.repo.git('config', 'dstack.gate.scratch', join(at.repo.root, 'elsewhere'))
  expect(results(await at.ran({ commit: 'HEAD' })).test).toBe('pass')
})

test('the verbs: run, check, show, evidence, with their exit states and JSON', async () => {
  expect(await cli(['gate', 'check'])).toMatchObject({ status: 1, stdout: expect.stringMatching(/^NONE: /) })
  const run = await cli(['gate', 'run', ...hashFlags()])
  expect(run.status).toBe(0)
  expect(run.stdout).toMatch(/^GREEN: [0-9a-f]{12} \(tree [0-9a-f]{12}\), in the working tree\.\n {2}pass +lint/)
  expect(await cli(['gate', 'check'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^GREEN: .*: it passed\.\n$/),
  })
  expect((await cli(['gate', 'check', '--staged', '--json'])).json).toMatchObject({ validity: 'valid', commit: null })
  expect((await cli(['gate', 'show', '--json'])).json).toMatchObject({ validity: 'valid', green: true })
  expect((await cli(['gate', 'show', 'HEAD^', '--json'])).json).toMatchObject({ validity: 'none', line: null })
  expect(await cli(['evidence', 'check', 'HEAD^..HEAD'])).toMatchObject({
    status: 0,
    stdout: 'CLEARED: 1 commit, all earned.\n',
  })
  expect((await cli(['evidence', 'check', 'no..where'])).status).toBe(64)
  expect((await cli(['evidence', 'check', '--', '--all'])).status).toBe(64)

  at.sh('printf "\\tx" > src/x; git add -A; git commit -qnm "around the hooks"')
  const listed = await cli(['evidence', 'check', 'HEAD~2..HEAD'])
  const oid = at.oid('HEAD').slice(0, 12)
  expect(listed.status).toBe(1)
  expect(listed.stdout).toBe(
    `NOT CLEARED: 1 of 2 commits not earned.\n${oid} around the hooks\n  none: No verdict is known of it.\n  git dstack gate run --commit ${oid}\n`,
  )
  expect((await cli(['gate', 'run', '--commit', 'HEAD', '--json', ...hashFlags()])).status).toBe(1)
  expect((await cli(['evidence', 'check', 'HEAD^..HEAD', '--json'])).json.commits[0]).toMatchObject({
    earned: false,
    validity: 'valid',
    why: ['lint: It ended with 1, not with 0.'],
  })
  expect((await cli(['evidence', 'show', '--json'])).json.lines).toMatchObject([{ name: 'gate', line: { t: 'gate' } }])
  const ran = await cli(['evidence', 'run', '--', 'sh', '-c', 'echo "a  b"; exit 7'])
  expect(ran).toMatchObject({ status: 7, stdout: 'a  b\n' })
  expect((await cli(['evidence', 'reattach'])).status).toBe(0)
  expect((await cli(['gate', 'run', '--staged', '--commit', 'HEAD'])).status).toBe(64)
  expect((await cli(['gate', 'run', '--task', '1.1-C01'])).status).toBe(1)
  expect((await cli(['gate', 'show', '--output=x'])).status).toBe(64)
})

test('the look-up before a commit starts no more than a few processes of git', async () => {
  writeFileSync(join(at.path, 'src/b'), 'b\n')
  at.repo.git('add', '-A')
  await at.ran('staged')
  const store = at.store()
  const started = vi.spyOn(store.env, 'run')
  expect(mayCommit(store, at.repo.git('write-tree').trim())).toMatchObject({ ok: true })
  expect(started.mock.calls.length).toBeLessThanOrEqual(4)
})
