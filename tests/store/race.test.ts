// Many processes at once: in one clone and across linked worktrees, every acknowledged write is there, none twice.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { MEMORY, viewRef } from '../../src/store/store'
import { gitVars, makeHub } from '../simulate/world'
import { addClone, at, dispose, gitIn, type Hub, litter, type SimClone } from './clones'

const PROCESSES = 16
const WRITES = 20

let tool: string
let hub: Hub
let alice: SimClone

beforeAll(() => {
  tool = mkdtempSync(join(tmpdir(), 'dstack-race-'))
  const entry = join(import.meta.dirname, 'race-writer.ts')
  buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(tool, 'writer.cjs'),
    external: ['@clack/prompts'],
  })
})

afterAll(() => rmSync(tool, { recursive: true }))

beforeEach(() => {
  hub = makeHub(0, 'race')
  alice = addClone(hub, 'alice')
})

afterEach(() => dispose(hub))

/** Runs a writer to its end; the texts that it says were acknowledged. */
function writer(dir: string, name: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(tool, 'writer.cjs'), name, String(WRITES)], {
      cwd: dir,
      env: gitVars(hub.root, 'alice'),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk))
    child.on('close', (status) =>
      status === 0 ? resolve(out.trim().split('\n')) : reject(new Error(`${name}: ${err}`)),
    )
  })
}

function verify(acknowledged: readonly string[]): void {
  expect(acknowledged).toHaveLength(PROCESSES * WRITES)
  const live = [...viewRef(at(hub, alice), MEMORY).all().values()].flat().map((version) => version.doc.body)
  // Every process writes keys of its own, and one that all of them fight for: there the last one that saw the others lives.
  const own = acknowledged.filter((text) => !text.startsWith('shared'))
  expect(live.filter((text) => !text.startsWith('shared')).sort()).toEqual([...own].sort())
  expect(live.filter((text) => text.startsWith('shared'))).toHaveLength(1)
  const subjects = gitIn(hub.root, alice.dir, ['log', '--format=%s', MEMORY]).trim().split('\n')
  expect(subjects.sort()).toEqual(acknowledged.map((text) => `memory: ${text}`).sort())
  expect(gitIn(hub.root, alice.dir, ['fsck', '--strict', '--no-dangling'])).toBe('')
  expect(litter(join(alice.dir, '.git'))).toEqual([])
}

test(`${PROCESSES} processes × ${WRITES} writes in one clone`, { timeout: 120_000 }, async () => {
  const done = await Promise.all(Array.from({ length: PROCESSES }, (_, i) => writer(alice.dir, `p${i}`)))
  verify(done.flat())
})

test(`${PROCESSES} processes × ${WRITES} writes across 4 linked worktrees`, { timeout: 120_000 }, async () => {
  gitIn(hub.root, alice.dir, ['commit', '-q', '--allow-empty', '-m', 'first'])
  const trees = Array.from({ length: 4 }, (_, i) => join(hub.root, `tree${i}`))
  for (const tree of trees) gitIn(hub.root, alice.dir, ['worktree', 'add', '-q', '--detach', tree])
  const config = gitIn(hub.root, alice.dir, ['config', '--list', '--local'])
  const done = await Promise.all(
    Array.from({ length: PROCESSES }, (_, i) => writer(trees[i % 4] ?? alice.dir, `p${i}`)),
  )
  verify(done.flat())
  expect(gitIn(hub.root, alice.dir, ['config', '--list', '--local'])).toBe(config)
})
