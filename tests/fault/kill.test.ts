// kill -9, and errors of the disk, at every system call of a write: old or new, never between, and no help needed after.

import { commonDir, expectSound, strayFiles } from '../support/auditor'
import { BUILT, type Clone } from '../support/clone'
import { needs } from '../support/programs'
import { type Blow, type Struck, strikeEverySyscall } from '../support/strace'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

const MEMORY = 'refs/dstack/memory'
const { skip, why } = needs('strace')
const LIMIT = 900_000
/** Every so manieth point; `npm run test:slow` strikes each of them. */
const STEP = process.env.DSTACK_SLOW ? 1 : 3

/** Runs a command under every blow and checks each state that it leaves. */
async function strikeWrite(clone: Clone, words: readonly string[], blows: readonly Blow[], expected: { text: string }) {
  const old = await clone.tip(MEMORY)
  const tally = { points: 0, old: 0, new: 0, locks: 0, missed: [] as string[] }
  const problems = new Map<string, string[]>()
  const points = await strikeEverySyscall(clone, [process.execPath, BUILT, ...words], {
    blows,
    pick: (_point, index) => index % STEP === 0,
    async check(struck) {
      tally.points++
      if (!struck.hit) tally.missed.push(describePoint(struck))
      if (strayFiles(commonDir(clone.path)).length > 0) tally.locks++
      const state = await stateOf(clone, old, expected.text)
      if (state === 'old') tally.old++
      if (state === 'new') tally.new++
      for (const problem of await judge(clone, struck, state)) {
        problems.set(problem, [...(problems.get(problem) ?? []), describePoint(struck)])
      }
    },
  })
  expect(
    [...problems].map(([problem, where]) => `${problem}\n  ${where.length} times, first ${where[0]}`).join('\n'),
  ).toBe('')
  expect(points.length).toBeGreaterThan(10)
  expect(tally.missed).toEqual([])
  expect(tally.old).toBeGreaterThan(0)
  if (blows.includes('all')) expect(tally.new).toBeGreaterThan(0)
  return tally
}

type State = 'old' | 'new' | 'between'

/** Read with plain git: `new` is a tip that holds the text and has the former tip behind it. */
async function stateOf(clone: Clone, old: string | null, text: string): Promise<State> {
  const tip = await clone.tip(MEMORY)
  if (tip === old) return 'old'
  if (tip === null) return 'between'
  const found = await clone.git('grep', '-q', '-F', '-e', text, tip)
  const kept = old === null ? { status: 0 } : await clone.git('merge-base', '--is-ancestor', old, tip)
  return found.status === 0 && kept.status === 0 ? 'new' : 'between'
}

async function judge(clone: Clone, struck: Struck, state: State): Promise<string[]> {
  const problems: string[] = []
  const { status, stdout, stderr } = struck.result
  if (state === 'between') problems.push('neither the old state nor the new one')
  if (status === 0 && state !== 'new') problems.push(`acknowledged but lost: ${stdout}`)
  if (struck.blow !== 'child' && status === 70) problems.push(`blames itself: ${stderr.trim()}`)
  const started = performance.now()
  const next = await clone.inProcess('remember', '--key', 'notes/after/blow', 'Written after the blow')
  const took = performance.now() - started
  if (next.status !== 0) problems.push(`the next command fails (${next.status}): ${next.stderr}`)
  if (took > 5000) problems.push('the next command took more than 5 s')
  if (state === 'new' && (await clone.git('grep', '-q', 'Written after', MEMORY)).status !== 0)
    problems.push('lost later')
  await expectSound(clone.path).catch((error: Error) => problems.push(error.message))
  return problems
}

function describePoint({ point, blow }: Struck): string {
  return `${blow} at ${point.title} (process ${point.process}): ${point.line}`
}

/** Alice with one entry that was sent, so that a write has something before it. */
async function aliceWithOne(world: World): Promise<Clone> {
  const [clone] = await world.clones('alice')
  await clone.dstack('init').ok()
  await clone.dstack('remember', '--key', 'notes/build/tool', 'The build uses pnpm').ok()
  await clone.dstack('sync').ok()
  return clone
}

describe.skipIf(skip)(`kill -9 at every system call${why}`, () => {
  test(
    'of remember',
    async ({ world }) => {
      const clone = await aliceWithOne(world)
      const words = ['remember', '--key', 'notes/test/runner', 'Tests run with vitest']
      const tally = await strikeWrite(clone, words, ['all', 'child'], { text: 'Tests run with vitest' })
      process.stderr.write(`remember: ${JSON.stringify(tally)}\n`)
    },
    LIMIT,
  )

  test(
    'of a fold',
    async ({ world }) => {
      const clone = await aliceWithOne(world)
      const [bob] = await world.clones('bob')
      await bob.dstack('init').ok()
      await bob.dstack('remember', '--key', 'notes/bob/own', 'Bob was here').ok()
      await bob.dstack('sync').ok()
      await clone.dstack('remember', '--key', 'notes/alice/own', 'Alice was here').ok()
      await clone.git('fetch', '-q').ok()
      const words = ['fold', 'refs/dstack-remotes/origin/state/memory']
      const tally = await strikeWrite(clone, words, ['all', 'child'], { text: 'Bob was here' })
      process.stderr.write(`fold: ${JSON.stringify(tally)}\n`)
    },
    LIMIT,
  )
})

const BLOWS: Blow[] = ['ENOSPC', ...(process.env.DSTACK_SLOW ? (['EIO', 'EDQUOT', 'EACCES', 'EROFS'] as const) : [])]

describe.skipIf(skip)(`the disk fails at every system call${why}`, () => {
  for (const blow of BLOWS) {
    test(
      `${blow} during remember`,
      async ({ world }) => {
        const clone = await aliceWithOne(world)
        const words = ['remember', '--key', 'notes/test/runner', 'Tests run with vitest']
        const tally = await strikeWrite(clone, words, [blow], { text: 'Tests run with vitest' })
        process.stderr.write(`${blow}: ${JSON.stringify(tally)}\n`)
      },
      LIMIT,
    )
  }
})
