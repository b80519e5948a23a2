// One simulated history: random writes, pushes, fetches, folds, partitions, copies and restores, then healing and judgement.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '../../src/errors'
import { MEMORY, type Store, viewRef, write } from '../../src/store/store'
import { foldCarrier, sync } from '../../src/sync/sync'
import { judge, type Replica, type Write } from './checker'
import * as sim from './world'

/** What a seeded bug may replace: the checker must notice each (tests/simulate/bugs.ts). */
export interface Tampering {
  name: string
  store?(store: Store): Store
  clone?(hub: sim.Hub, clone: sim.SimClone): void
}

export interface Outcome {
  seed: number
  broken: string[]
  writes: number
  steps: number
  /** Rounds of sync until all tips were one. */
  rounds: number
  /** Where the repositories are, when something is broken and `keep` was asked for. */
  kept: string | null
}

export interface Plan {
  seed: number
  clones: number
  steps: number
  tampering?: Tampering
  keep?: boolean
  /** Path of the built command: people then write and sync through it instead of in this process. */
  built?: string
}

/** mulberry32, as in src/env: a seed is a whole history. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export async function simulate(plan: Plan): Promise<Outcome> {
  const random = dice(plan.seed)
  const hub = sim.makeHub(plan.clones, String(plan.seed))
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const open = (clone: sim.SimClone, step: number) => {
    const store = sim.storeAt(hub, clone, step, plan.seed * 100_003 + step)
    return plan.tampering?.store?.(store) ?? store
  }
  for (const clone of hub.clones) plan.tampering?.clone?.(hub, clone)
  const writes: Write[] = []
  const backups = new Map<string, string>()
  const broken: string[] = []
  let rounds = 0
  try {
    for (let step = 0; step < plan.steps; step++) await act(step)
    rounds = await heal()
    broken.push(...judge(writes, replicas()), ...sound())
    broken.push(...(await quiet()))
  } finally {
    if (!(plan.keep && broken.length > 0)) sim.dispose(hub)
  }
  return {
    seed: plan.seed,
    broken,
    writes: writes.length,
    steps: plan.steps,
    rounds,
    kept: plan.keep && broken.length > 0 ? hub.root : null,
  }

  async function act(step: number): Promise<void> {
    const clone = pick(hub.clones)
    const chance = random()
    if (chance < 0.5) writeOne(clone, step)
    else if (chance < 0.62) await attempt(clone, () => syncOne(clone, step))
    else if (chance < 0.72) fetch(clone)
    else if (chance < 0.78) push(clone)
    else if (chance < 0.88) await peer(clone, pick(hub.clones), step)
    else if (chance < 0.93) clone.online = !clone.online
    else if (chance < 0.95) clone.skew = Math.floor((random() - 0.5) * 200_000_000)
    else if (chance < 0.97) copy(clone)
    else if (chance < 0.985) backups.set(clone.name, sim.backUp(hub, clone, String(step)))
    else await putBack(clone, step)
  }

  function writeOne(clone: sim.SimClone, step: number): void {
    const key = `k/${Math.floor(random() * 6)}`
    const text = `${step} by ${clone.name}`
    const gone = random() < 0.1
    if (plan.built !== undefined) {
      remember(plan.built, clone, step, key, text)
      return
    }
    let saw: string[] = []
    const done = write(open(clone, step), MEMORY, [key], (seen) => {
      saw = seen.at(key).map((live) => live.doc.body)
      return {
        puts: [{ key, head: { type: 'memory', ...(gone ? { gone: true } : {}) }, body: text }],
        subject: `memory: ${key}`,
        result: null,
      }
    })
    writes.push({
      id: step,
      outcome: isRefusal(done) ? 'fail' : 'ok',
      key,
      text,
      saw,
      commit: isRefusal(done) ? null : done.commit,
    })
  }

  /** The same by the built command, which shows what it saw only as the union that any reader sees. */
  function remember(main: string, clone: sim.SimClone, step: number, key: string, text: string): void {
    const saw = viewRef(open(clone, step), MEMORY)
      .at(key)
      .map((live) => live.doc.body)
    const args = ['remember', '--key', key, '--force-new', '--settle', text]
    const status = sim.command(hub, clone, step, main, args)
    const commit = status === 0 ? sim.gitIn(hub.root, clone.dir, ['rev-parse', MEMORY]).trim() : null
    writes.push({ id: step, outcome: status === 0 ? 'ok' : 'fail', key, text, saw, commit })
  }

  async function syncOne(clone: sim.SimClone, step: number): Promise<void> {
    if (plan.built === undefined) await sync(open(clone, step))
    else if (sim.command(hub, clone, step, plan.built, ['sync']) !== 0) throw new Error(`sync failed in ${clone.name}`)
  }

  /** A clone without network fails cleanly; anything else is a finding. */
  async function attempt(clone: sim.SimClone, work: () => Promise<unknown>): Promise<void> {
    if (clone.online) await work()
  }

  function fetch(clone: sim.SimClone): void {
    if (clone.online) sim.gitIn(hub.root, clone.dir, ['fetch', '-q', 'origin'])
  }

  /** Plain git: it may be refused, it must never destroy. */
  function push(clone: sim.SimClone): void {
    if (!clone.online) return
    try {
      sim.gitIn(hub.root, clone.dir, ['push', '-q', 'origin', 'refs/dstack/*'])
    } catch {
      // "fetch first": an answer
    }
  }

  async function peer(clone: sim.SimClone, other: sim.SimClone, step: number): Promise<void> {
    if (other === clone || open(other, step).repo.tip(MEMORY) === null) return
    await foldCarrier(open(clone, step), other.dir)
  }

  function copy(clone: sim.SimClone): void {
    if (hub.clones.length < plan.clones + 2) sim.copyClone(hub, clone, `copy${hub.clones.length}`)
  }

  /** What a restore destroys for good must be elsewhere before: a backup is no licence to lose what was acknowledged. */
  async function putBack(clone: sim.SimClone, step: number): Promise<void> {
    const backup = backups.get(clone.name)
    if (backup === undefined || !clone.online) return
    await sync(open(clone, step))
    sim.restore(clone, backup)
    backups.delete(clone.name)
  }

  async function heal(): Promise<number> {
    for (const clone of hub.clones) clone.online = true
    for (let round = 1; round <= 4; round++) {
      for (const clone of [...hub.clones].sort(() => random() - 0.5)) await sync(open(clone, plan.steps + round))
      if (new Set(replicas().map((replica) => replica.tip)).size === 1) return round
    }
    return 5
  }

  function replicas(): Replica[] {
    return hub.clones.map((clone) => {
      const store = open(clone, plan.steps + 10)
      const tip = store.repo.tip(MEMORY)
      const ancestors = new Set(tip === null ? [] : sim.gitIn(hub.root, clone.dir, ['rev-list', tip]).split('\n'))
      const live = new Map(
        [...viewRef(store, MEMORY).all()].map(([key, list]) => [key, list.map((version) => version.doc.body)]),
      )
      return { name: clone.name, tip, live, holds: (commit) => ancestors.has(commit) }
    })
  }

  /** N7 on the hub, N8 and N11 everywhere. */
  function sound(): string[] {
    const found: string[] = []
    if (rounds > 2) found.push(`N6 it took ${rounds} rounds of sync`)
    for (const clone of hub.clones) {
      try {
        sim.gitIn(hub.root, clone.dir, ['fsck', '--strict', '--connectivity-only'])
        sim.gitIn(hub.root, clone.dir, ['status', '--porcelain'])
        sim.gitIn(hub.root, clone.dir, ['fetch', '-q'])
      } catch (error) {
        found.push(`N11 ${clone.name}: ${String(error).slice(0, 300)}`)
      }
      for (const path of sim.litter(join(clone.dir, '.git'))) found.push(`N8 ${clone.name}: ${path} is left over`)
    }
    const log = readFileSync(join(hub.bare, 'logs', MEMORY), 'utf8').split('\n')
    for (const line of log) {
      const [from, to] = line.split(' ')
      if (from === undefined || to === undefined || /^0+$/.test(from)) continue
      try {
        sim.gitIn(hub.root, hub.bare, ['merge-base', '--is-ancestor', from, to])
      } catch {
        found.push(`N7 hub: ${from.slice(0, 7)}..${to.slice(0, 7)} is no fast-forward`)
      }
    }
    return found
  }

  /** N9: another sync of everybody changes no ref and adds no object. */
  async function quiet(): Promise<string[]> {
    const state = () =>
      [hub.bare, ...hub.clones.map((clone) => clone.dir)].map((dir) => {
        return (
          sim.gitIn(hub.root, dir, ['for-each-ref', 'refs/dstack']) + sim.gitIn(hub.root, dir, ['count-objects', '-v'])
        )
      })
    const before = state()
    for (const clone of hub.clones) await sync(open(clone, plan.steps + 20))
    return state().some((text, i) => text !== before[i]) ? ['N9 a sync with nothing to do changed something'] : []
  }
}
