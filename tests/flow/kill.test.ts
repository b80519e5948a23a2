// kill -9 in every state of a flow, then on: at the same task, with nothing made twice.

import * as flow from '../../src/flow/flow'
import { settle } from '../../src/flow/writing'
import { releaseLease } from '../../src/lease/lease'
import { addCompanion, formatContract, tasksOf } from '../../src/plan/plan'
import { BUILT, type Clone } from '../support/clone'
import { needs } from '../support/programs'
import { type Point, strikeEverySyscall } from '../support/strace'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { CONTRACT, leafSpec } from './fixtures'
import { done, HUMAN, planFile, review, storeOf } from './people'

const { skip, why } = needs('strace')
const LIMIT = 900_000
const SLUG = 'payments'
/** How many points of each command are struck; all of them under DSTACK_SLOW. */
const SAMPLE = process.env.DSTACK_SLOW ? Number.POSITIVE_INFINITY : 1

interface Step {
  words: string[]
  /** Where the flow is afterwards. */
  to: string
  /** What has to be there before: commits, companion. */
  before?: (clone: Clone) => Promise<void>
}

const companion = async (clone: Clone) => {
  done(
    addCompanion(storeOf(clone), SLUG, { phase: '1.1', status: 'IN PROGRESS', details: 'Wrote it; all as planned.' }),
  )
}
const importing = (track: string) => ['review', 'import', '../review.json', '--track', track]

/** From an approved contract to a sealed leaf: every state once. */
const STEPS: Step[] = [
  { words: ['flow', 'next'], to: 'Plan' },
  { words: ['flow', 'submit-plan', '../plan.json'], to: 'PlanReview' },
  { words: importing('plan'), to: 'PlanReview' },
  { words: ['flow', 'next'], to: 'PlanReviewWait' },
  { words: ['flow', 'answer', 'accept'], to: 'Implement' },
  { words: ['task', 'start', '1.1-C01'], to: 'Implement' },
  {
    words: ['task', 'done', '1.1-C01'],
    to: 'Implement',
    before: async (clone) => {
      await clone.commit(`${SLUG} 1.1-C01: done`, { 'src/a.ts': 'a\n' })
    },
  },
  { words: ['flow', 'next'], to: 'PhaseReview', before: companion },
  { words: importing('A'), to: 'PhaseReview' },
  { words: importing('B'), to: 'PhaseReview' },
  { words: ['flow', 'next'], to: 'ReviewWait' },
  { words: ['flow', 'answer', 'accept'], to: 'CheckpointWait' },
  { words: ['flow', 'answer', 'accept'], to: 'Ready' },
  { words: ['flow', 'next'], to: 'Done' },
]

/** Alone, without a remote: what is struck can be put back. */
async function lonely(world: World): Promise<Clone> {
  const [alice] = await world.clones('alice')
  if (alice === undefined) throw new Error('alice')
  await alice.commit('start', { 'README.md': 'x\n' })
  await alice.git('remote', 'remove', 'origin').ok()
  await alice.inProcess('init').ok()
  alice.write('../plan.json', planFile('1.1').text)
  alice.write('../review.json', review())
  const contract = { ...CONTRACT, leaves: [leafSpec('1.1')] }
  done(
    await flow.decompose(storeOf(alice), HUMAN, {
      slug: SLUG,
      goal: contract.goal,
      contract: formatContract(contract),
    }),
  )
  done(await flow.approve(storeOf(alice), SLUG, HUMAN, true))
  done(await flow.allowUnverified(storeOf(alice), SLUG, HUMAN, 'allow'))
  return alice
}

interface Seen {
  step: string
  markers: string[]
  ledger: string[]
  revs: string[]
  task: string
  attempts: number
}

async function look(clone: Clone): Promise<Seen> {
  const lines = async (...args: string[]) =>
    (await clone.git('log', '--reverse', ...args).text()).split('\n').filter(Boolean)
  const [task] = tasksOf(storeOf(clone), SLUG)
  return {
    step: done(flow.report(storeOf(clone), SLUG, HUMAN)).position.step,
    markers: await lines('--format=%s', '--grep=^Dstack-State:'),
    ledger: await lines('--format=%s', 'refs/dstack/flow/payments'),
    revs: await lines('--format=%(trailers:key=Dstack-Rev,valueonly,separator=%x2C)', 'refs/dstack/flow/payments'),
    task: task?.status ?? 'none',
    attempts: task?.attempts ?? 0,
  }
}

/** How many points there are; the clone is put back. */
async function countPoints(clone: Clone, command: readonly string[]): Promise<number> {
  let count = 0
  const pick = (_point: Point, index: number) => {
    count = index + 1
    return false
  }
  await strikeEverySyscall(clone, command, { pick, check: async () => undefined })
  return count
}

/** Points of the command's own writes, spread over it: the first ones of each kind matter as much as the last. */
function spread(points: number): (point: Point, index: number) => boolean {
  if (SAMPLE >= points) return () => true
  const wanted = new Set(Array.from({ length: SAMPLE }, (_, i) => Math.floor(((i + 0.5) * points) / SAMPLE)))
  return (_point, index) => wanted.has(index)
}

describe.skipIf(skip)(`kill -9 in every state${why}`, () => {
  test(
    'the same command again, and the flow is where it would have been',
    async ({ world }) => {
      const clone = await lonely(world)
      const human = clone.with({ vars: { DSTACK_AGENT: 'none' } })
      for (const { words, to, before } of STEPS) {
        await before?.(clone)
        // Files that were put back are a copy, and a copy holds no lease: each command takes it anew.
        done(await releaseLease(storeOf(human), `flow-${SLUG}`))
        const from = (await look(clone)).step
        const wanted: Seen[] = []
        const command = [process.execPath, BUILT, ...words]
        const points = await countPoints(human, command)
        await strikeEverySyscall(human, command, {
          pick: spread(points),
          async check(struck) {
            const label = `${words.join(' ')}: ${struck.point.title} ${struck.point.line}`
            const after = await look(clone)
            expect([from, to], label).toContain(after.step)
            // Whoever comes next types it again, or goes on where it stands already.
            if (!(await isDone(clone, words, to, from))) {
              const again = await human.inProcess(...words)
              expect([again.status, again.stderr], label).toEqual([0, ''])
            }
            // What a crash left undone is made good by whatever is written next.
            settle(storeOf(clone))
            wanted.push(await look(clone))
          },
        })
        const again = await human.dstack(...words)
        expect([again.status, words.join(' '), again.stderr]).toEqual([0, words.join(' '), ''])
        const plain = await look(clone)
        expect(plain.step, words.join(' ')).toBe(to)
        for (const seen of wanted) {
          expect(seen.step, words.join(' ')).toBe(plain.step)
          expect(new Set(seen.revs).size, 'no step twice').toBe(seen.revs.length)
          expect([seen.task, seen.attempts]).toEqual([plain.task, plain.attempts])
          expect(seen.markers, words.join(' ')).toEqual(plain.markers)
        }
      }
      const end = await look(clone)
      expect(end.markers).toEqual([
        'payments: decomposition approved',
        'payments/phase 1.1: plan approved',
        'payments/phase 1.1: implementation complete',
      ])
      expect(end.attempts).toBe(1)
    },
    LIMIT,
  )
})

/** The command had got through before the blow: its step stands, its review is there, its task is begun. */
async function isDone(clone: Clone, words: readonly string[], to: string, from: string): Promise<boolean> {
  const { position } = done(flow.report(storeOf(clone), SLUG, HUMAN))
  if (from !== to) return position.step === to
  const [task] = tasksOf(storeOf(clone), SLUG)
  if (words[0] === 'task') return task?.status === (words[1] === 'start' ? 'running' : 'done')
  const track = words.at(-1)
  return done(flow.reviewsOf(storeOf(clone), SLUG)).some((one) => one.track === track)
}
