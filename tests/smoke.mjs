// A first look at the built command with whatever node runs this: node tests/smoke.mjs

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BIN = process.env.DSTACK_BUILT ?? fileURLToPath(new URL('../dist/main.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'dstack-smoke-'))
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  TZ: 'UTC',
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
}

function run(program, ...args) {
  const done = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8' })
  return { status: done.status, stdout: done.stdout, stderr: done.stderr }
}

const dstack = (...args) => run(process.execPath, BIN, ...args)

/** The object that a verb prints; it has to end well. */
function json(...args) {
  const done = dstack(...args, '--json')
  assert.equal(done.status, 0, `git dstack ${args.join(' ')}: ${done.stdout}${done.stderr}`)
  return JSON.parse(done.stdout)
}

try {
  assert.deepEqual(JSON.parse(dstack('version', '--json').stdout).node, process.versions.node)
  assert.match(dstack('-h').stdout, /^Usage: git dstack/)
  assert.match(dstack('help', 'concepts').stdout, /^NAME\n/)
  assert.match(dstack('completion', 'bash').stdout, /_git_dstack\(\)/)
  assert.equal(JSON.parse(dstack('schema', 'version').stdout).properties.command.const, 'version')
  assert.equal(dstack('no-such-command').status, 64)
  assert.equal(dstack('status').status, 128)

  // A fresh repository: opt in, write, ask, look.
  assert.equal(run('git', 'init', '-q').status, 0)
  assert.equal(dstack('recall', 'pnpm').status, 78)
  assert.ok(json('init').steps.length > 0)
  assert.equal(json('init').steps.length, 0)
  assert.equal(json('remember', '--key', 'build/tools/pm', 'Use pnpm, not npm.').outcome, 'added')
  assert.equal(json('recall', 'pnpm or npm').answers[0].entry.key, 'build/tools/pm')
  assert.match(dstack('recall', 'npm').stdout, /Use pnpm, not npm\./)
  assert.equal(json('status').enabled, true)
  assert.ok(json('status').unsynced > 0)
  assert.equal(json('conflicts').conflicts.length, 0)
  assert.equal(json('fsck').problems.length, 0)
  assert.equal(json('undo').keys[0], 'build/tools/pm')
  assert.equal(dstack('memory', 'show', 'build/tools/pm').status, 1)
  assert.equal(run('git', 'fsck', '--strict').status, 0)
  console.log(`smoke: ok (node ${process.versions.node})`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
