// Random histories with redactions in them: the redacted texts are gone from every chain, and no other version is ever lost.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import { plan, redact } from '../../src/redact/redact'
import { MEMORY, openStore, type Store, viewRef } from '../../src/store/store'
import { sync } from '../../src/sync/sync'
import { envOf, type Hub, makeHub, type SimClone } from '../simulate/world'
import { dispose, gitIn, put } from '../store/clones'

const SEEDS = Number(process.env.DSTACK_SIM_SEEDS ?? 1)
const STEPS = 30

/** mulberry32: a seed is a whole history. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A process in the clone whose person takes c0 for a redactor, and nobody else. */
function at(hub: Hub, clone: SimClone, step: number): Store {
  const env = envOf(hub, clone, step, step)
  return openStore({ ...env, vars: { ...env.vars, GIT_CONFIG_GLOBAL: join(hub.root, 'pins') } })
}

async function exchange(store: Store): Promise<void> {
  const report = await sync(store)
  const odd = report.refs.filter(({ outcome }) => ['stale', 'refused', 'secret', 'redacted'].includes(outcome))
  if (odd.length > 0) throw new Error(JSON.stringify(odd))
}

describe('a redaction takes what it names, and nothing else', () => {
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('seed %i: 3 clones', { timeout: 300_000 }, async (seed) => {
    const random = dice(seed)
    const hub = makeHub(3, `redact-${seed}`)
    try {
      gitIn(hub.root, hub.bare, ['config', 'receive.denyNonFastForwards', 'false'])
      writeFileSync(join(hub.root, 'pins'), '[dstack]\n\tredactors = c0@example.com\n')
      const gone = new Set<string>()
      const said = new Map<string, string>()
      const [redactor] = hub.clones
      if (redactor === undefined) throw new Error('no clone')
      for (let step = 1; step <= STEPS; step++) {
        const clone = hub.clones[Math.floor(random() * hub.clones.length)] ?? redactor
        const store = at(hub, clone, seed * 1000 + step)
        const die = random()
        if (die < 0.55) {
          const key = `notes/k${Math.floor(random() * 4)}`
          const text = `said at step ${step}`
          put(store, key, text)
          said.set(text, key)
        } else if (die < 0.85) await exchange(store)
        else {
          const here = at(hub, redactor, seed * 1000 + step)
          const live = [...viewRef(here, MEMORY).all().values()]
            .flat()
            .filter((one) => said.has(one.doc.body) && !one.gone)
          const one = live[Math.floor(random() * live.length)]
          if (one === undefined) continue
          const planned = plan(here, one.oid)
          if (isRefusal(planned)) throw new Error(planned.message)
          const done = await redact(here, planned, 'by chance')
          if (isRefusal(done)) throw new Error(done.message)
          gone.add(one.doc.body)
        }
      }
      for (let round = 0; round < 3; round++) {
        for (const clone of hub.clones) await exchange(at(hub, clone, seed * 1000 + 500 + round))
      }

      const tips = hub.clones.map(({ dir }) => gitIn(hub.root, dir, ['rev-parse', MEMORY]).trim())
      tips.push(gitIn(hub.root, hub.bare, ['rev-parse', MEMORY]).trim())
      expect(new Set(tips).size).toBe(1)
      for (const clone of hub.clones) {
        const store = at(hub, clone, seed * 1000 + 900)
        const blobs = store.repo.read(store.repo.reachable([tips[0] ?? ''], [])).flatMap((object) => {
          return object?.type === 'blob' ? [object.bytes.toString('utf8')] : []
        })
        const held = (text: string) => blobs.some((blob) => blob.endsWith(`\n${text}\n`))
        expect([...gone].filter(held), 'redacted, and still there').toEqual([])
        expect(
          [...said.keys()].filter((text) => !gone.has(text) && !held(text)),
          'lost',
        ).toEqual([])
      }
    } finally {
      dispose(hub)
    }
  })
})
