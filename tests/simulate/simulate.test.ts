// Random histories on real git: nothing acknowledged is lost, all clones end in one commit, and then they are quiet.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BUGS } from './bugs'
import { simulate } from './run'

const SEEDS = Number(process.env.DSTACK_SIM_SEEDS ?? 5)
const LIMIT = 120_000

describe('invariants N1 to N11', () => {
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'seed %i: 5 clones, 120 steps',
    { timeout: LIMIT },
    async (seed) => {
      const outcome = await simulate({ seed, clones: 5, steps: 120 })
      expect(outcome.broken, `npm run simulate -- --seed ${seed}`).toEqual([])
      expect(outcome.writes).toBeGreaterThan(30)
    },
  )
})

describe('through the built command', () => {
  const built = join(import.meta.dirname, '../../dist/main.cjs')
  test.each([101, 102])('seed %i: 4 clones, 60 steps', { timeout: 3 * LIMIT }, async (seed) => {
    const outcome = await simulate({ seed, clones: 4, steps: 60, built })
    expect(outcome.broken).toEqual([])
    expect(outcome.writes).toBeGreaterThan(15)
  })
})

describe('the checker notices each seeded bug', () => {
  test.each(BUGS)('$name', { timeout: 5 * LIMIT }, async (tampering) => {
    const caught: string[] = []
    for (let seed = 1; seed <= 10 && caught.length === 0; seed++) {
      try {
        caught.push(...(await simulate({ seed, clones: 4, steps: 60, tampering })).broken)
      } catch (error) {
        caught.push(String(error)) // a command that fails where none may fail
      }
    }
    expect(caught).not.toEqual([])
  })
})
