// Two processes on two machines race for one lease through a real remote, and are killed in the middle of it.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addClone, dispose, gitVars, type Hub, litter, makeHub, type SimClone } from '../simulate/world'
import type { Said } from './racer'
import { remoteTip } from './world'

/** `npm run test:slow` races 200 times, which takes a minute. */
const ROUNDS = process.env.DSTACK_SLOW ? 200 : 60
const TTL = 10

let tool: string
let hub: Hub
let racers: Racer[]

beforeAll(async () => {
  tool = mkdtempSync(join(tmpdir(), 'dstack-racer-'))
  await build({
    entryPoints: [join(import.meta.dirname, 'racer.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(tool, 'racer.mjs'),
    banner: { js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);" },
    external: ['@clack/prompts'],
  })
})
afterAll(() => rmSync(tool, { recursive: true, force: true }))
beforeEach(() => {
  hub = makeHub(0, 'lease-race')
  racers = []
})
afterEach(async () => {
  await Promise.all(racers.map((racer) => racer.end()))
  dispose(hub)
})

/** A process that stays, so that both begin each round at the same moment. */
class Racer {
  readonly clone: SimClone
  private child: ChildProcess
  private answers: ((said: string | null) => void)[] = []
  private ended: Promise<void> = Promise.resolve()

  constructor(
    readonly name: string,
    private readonly now: string,
    private readonly clock: number,
  ) {
    this.clone = addClone(hub, name)
    this.child = this.spawn()
    racers.push(this)
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** The next process in the same clone. */
  restart(): void {
    this.child = this.spawn()
  }

  private spawn(): ChildProcess {
    const child = spawn(process.execPath, [join(tool, 'racer.mjs'), String(this.clock), String(TTL)], {
      cwd: this.clone.dir,
      env: { ...gitVars(hub.root, this.name), DSTACK_TEST_NOW: this.now },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: child.stdout }).on('line', (line) => this.answers.shift()?.(line))
    child.stdin.on('error', () => undefined) // it was killed; the answer says so
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        for (const answer of this.answers.splice(0)) answer(null)
        resolve()
      })
    })
    return child
  }

  /** Null: it was killed before it answered. */
  async ask(line: string): Promise<Said | null> {
    const said = await new Promise<string | null>((resolve) => {
      this.answers.push(resolve)
      this.child.stdin?.write(`${line}\n`)
    })
    if (said === null) return null
    const answer = JSON.parse(said) as Said | string
    if (typeof answer === 'string') {
      if (line.startsWith('take')) throw new Error(`${this.name}: ${answer}`)
      return { told: null, holds: null, verified: null, refused: answer }
    }
    return answer
  }

  async end(): Promise<void> {
    this.child.stdin?.end()
    this.child.kill('SIGKILL')
    await this.ended
  }
}

const clean = (answers: (Said | null)[]): Said[] => answers.filter((said) => said !== null)

/** Never two, and nobody who is not on the remote. */
function expectOneHolder(answers: Said[], what: string): void {
  const tip = remoteTip(hub)
  for (const { told, holds, verified } of answers) {
    expect([null, tip], what).toContain(told)
    expect([null, tip], what).toContain(holds)
    expect(holds, what).toBe(verified)
  }
  expect(answers.filter(({ told }) => told !== null).length, what).toBe(1)
  expect(answers.filter(({ holds }) => holds !== null).length, what).toBe(1)
}

test(`${ROUNDS} races, clocks two days apart: never two holders, always one`, async () => {
  const alice = new Racer('alice', '2026-01-01T00:00:00Z', 1_000)
  const bob = new Racer('bob', '2026-01-03T00:00:00Z', 9_000_000)
  const both = [alice, bob]
  const tally = { alice: 0, bob: 0, takeovers: 0, renewals: 0 }
  const started = performance.now()
  let holder: Racer | null = null
  for (let round = 1; round <= ROUNDS; round++) {
    // In turn: a lease that was given back, and one whose holder wants it again when the other may take it over.
    if (round % 2 === 1) await holder?.ask('release')
    else await Promise.all(both.map((racer) => racer.ask(`run ${TTL}`)))
    // By turns one begins a little sooner.
    const order = round % 4 < 2 ? both : [bob, alice]
    const answers = clean(await Promise.all(order.map((racer) => racer.ask('take'))))
    expectOneHolder(answers, `round ${round}`)
    const winner: Racer | undefined = order[answers.findIndex(({ told }) => told !== null)]
    if (winner === undefined) throw new Error('no holder')
    if (round % 2 === 0) tally[winner === holder ? 'renewals' : 'takeovers']++
    tally[winner === alice ? 'alice' : 'bob']++
    holder = winner
  }
  process.stderr.write(`leases: ${JSON.stringify({ ...tally, ms: Math.round(performance.now() - started) })}\n`)
  expect(Math.min(tally.alice, tally.bob), 'it was a race').toBeGreaterThan(0)
  expect(litter(hub.bare)).toEqual([])
}, 180_000)

describe('kill -9 of the taker', () => {
  /** A hook on the remote ends the racer's process while its push is under way. */
  async function isKilled(racer: Racer, verb: string, hook: string, then: string, arrives: boolean): Promise<void> {
    const before = remoteTip(hub)
    const script = `#!/bin/sh\ncat >/dev/null\nrm -f "$0"\nkill -9 ${racer.pid}\n${then}\n`
    writeFileSync(join(hub.bare, 'hooks', hook), script, { mode: 0o755 })
    expect(await racer.ask(verb)).toBeNull()
    await comesTrue(() => (remoteTip(hub) !== before) === arrives)
  }

  const points = [
    ['before it arrives, and it never does', 'pre-receive', 'exit 1', false],
    ['before it arrives, and it does later', 'pre-receive', 'exit 0', true],
    ['after it has arrived', 'post-receive', 'exit 0', true],
  ] as const

  test.each(points)('%s', async (_, hook, then, arrives) => {
    const alice = new Racer('alice', '2026-01-01T00:00:00Z', 1_000)
    const bob = new Racer('bob', '2026-01-03T00:00:00Z', 9_000_000)
    await isKilled(alice, 'take', hook, then, arrives)
    alice.restart()
    if (arrives) {
      // It is Alice's, whatever became of her process; and once she asks, she knows.
      expect((await bob.ask('take'))?.refused).toContain('is held by alice')
      expect(await alice.ask('look')).toMatchObject({ holds: remoteTip(hub), verified: remoteTip(hub) })
      const said = await alice.ask('take')
      expect(said).toMatchObject({ told: remoteTip(hub), holds: remoteTip(hub) })
    } else {
      expect(remoteTip(hub)).toBe('')
      expectOneHolder(clean(await Promise.all([alice.ask('take'), bob.ask('take')])), 'after it')
    }
    // A renewal is killed the same way; the lease is hers before and after.
    const holder = (await alice.ask('look'))?.holds === null ? bob : alice
    const other = holder === alice ? bob : alice
    await holder.ask('run 4')
    await isKilled(holder, 'take', hook, then, arrives)
    expect((await other.ask('take'))?.told).toBeNull()
    holder.restart()
    await holder.ask('run 4')
    expect(await holder.ask('take')).toMatchObject({ told: remoteTip(hub) })
    // A release too: whether it arrived or not, one of both can go on, and only one.
    await isKilled(holder, 'release', hook, then, arrives)
    holder.restart()
    expect((await holder.ask('look'))?.holds).toBeNull()
    expectOneHolder(clean(await Promise.all([holder.ask('take'), other.ask('take')])), 'after the release')
    await comesTrue(() => litter(hub.bare).length === 0)
  })

  /** What the dead process had started goes on for a moment. */
  async function comesTrue(what: () => boolean): Promise<void> {
    const until = performance.now() + 20_000
    while (!what() && performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
    expect(what()).toBe(true)
  }
})
