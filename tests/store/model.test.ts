// The fold rules in memory: with a hub, and with peers that exchange at the same moment, every history ends in one commit.
// The chances, steps and rounds are those of the model with which the rules were proved: 400 histories with a hub, 300
// without (DSTACK_MODEL_RUNS=400); a quarter of that here.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { encodeDocument, parseVersion } from '../../src/store/document'
import { containment, decideFold, isWrite } from '../../src/store/fold'
import { pathOf } from '../../src/store/keys'
import { type Item, mergeItems } from '../../src/store/merge'
import { oidOf } from './arbitraries'

type Tree = ReadonlyMap<string, readonly Item[]>

interface Commit {
  parents: string[]
  tree: Tree
}

const HUB_RUNS = Number(process.env.DSTACK_MODEL_RUNS ?? 100)
const PEER_RUNS = Math.floor((HUB_RUNS * 3) / 4)

function dice(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

class History {
  readonly commits = new Map<string, Commit>()
  private readonly known = new Map<string, Set<string>>()
  /** A seeded bug: plain merges, made by whoever meets another tip, as `git merge` does. */
  plain = false

  add(parents: string[], tree: Tree, note: string): string {
    const id = createHash('sha1')
      .update(JSON.stringify([parents, treeId(tree), note]))
      .digest('hex')
    this.commits.set(id, { parents, tree })
    return id
  }

  ancestors(id: string): Set<string> {
    const known = this.known.get(id)
    if (known !== undefined) return known
    const found = new Set([id])
    for (const parent of this.get(id).parents) for (const above of this.ancestors(parent)) found.add(above)
    this.known.set(id, found)
    return found
  }

  get(id: string): Commit {
    const commit = this.commits.get(id)
    if (commit === undefined) throw new Error(`no commit ${id}`)
    return commit
  }

  fold(local: string, other: string, hub: boolean): string {
    const [mine, theirs] = [this.ancestors(local), this.ancestors(other)]
    const side = (from: Set<string>, without: Set<string>) =>
      [...from].filter((id) => !without.has(id)).map((oid) => ({ oid, parents: this.get(oid).parents, dots: [] }))
    const divergence = { left: side(mine, theirs), right: side(theirs, mine) }
    const contained = containment(local, other, divergence)
    if (contained !== null) return contained.kind === 'fast-forward' ? other : local
    const tree = mergeTrees(this.get(local).tree, this.get(other).tree)
    const differs = (id: string) => treeId(tree) !== treeId(this.get(id).tree)
    if (this.plain) return this.add([local, other], tree, `merge by the owner of ${local}`)
    const fold = decideFold({ local, other, divergence, hub, weChange: differs(other), theyChange: differs(local) })
    if (fold.kind === 'merge') return this.add(fold.parents, tree, 'merge')
    return fold.kind === 'adopt' ? fold.to : local
  }
}

function treeId(tree: Tree): string {
  return JSON.stringify([...tree].map(([path, list]) => [path, list.map((item) => `${item.path} ${item.oid}`)]).sort())
}

function mergeTrees(a: Tree, b: Tree): Tree {
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((path) => {
      const items = [...(a.get(path) ?? []), ...(b.get(path) ?? [])]
      const bytes = new Map(items.map((item) => [item.oid, item.bytes]))
      return [path, mergeItems(path, items).map((placed) => ({ ...placed, bytes: bytes.get(placed.oid) ?? null }))]
    }),
  )
}

function clockOf(path: string, item: Item): Record<string, number> {
  const version = parseVersion(path, item.bytes ?? Buffer.alloc(0))
  if ('malformed' in version) throw new Error(version.malformed)
  return { ...version.clock }
}

interface Written {
  tip: string
  path: string
  clock: Record<string, number>
}

function writeTo(history: History, tip: string, writer: string, tick: number, key: string, text: string): Written {
  const { tree } = history.get(tip)
  const path = pathOf(key)
  const clock: Record<string, number> = {}
  for (const item of tree.get(path) ?? []) {
    for (const [name, value] of Object.entries(clockOf(path, item))) clock[name] = Math.max(clock[name] ?? 0, value)
  }
  clock[writer] = tick
  const bytes = encodeDocument({ head: { type: 'memory', key, dot: `${writer}:${tick}`, clock }, body: text })
  const item: Item = { path, mode: '100644', oid: oidOf(bytes), bytes }
  const next = new Map(tree).set(path, [item])
  return { tip: history.add([tip], next, `${writer}:${tick}`), path, clock }
}

/** What is wrong at the end: lost versions, lost commits, tips that differ. */
function verdict(history: History, tips: readonly string[], acknowledged: readonly Written[]): string[] {
  const wrong: string[] = []
  const [tip] = tips
  if (tip === undefined || new Set(tips).size > 1) wrong.push('tips differ')
  const { tree } = history.get(tip ?? '')
  for (const write of acknowledged) {
    const covered = (tree.get(write.path) ?? []).some((item) => {
      const clock = clockOf(write.path, item)
      return Object.entries(write.clock).every(([writer, tick]) => (clock[writer] ?? 0) >= tick)
    })
    if (!covered) wrong.push(`lost ${write.path}`)
    if (!history.ancestors(tip ?? '').has(write.tip)) wrong.push('a write is no ancestor')
  }
  return wrong
}

test(`${HUB_RUNS} histories with a hub and peers: one commit after at most 2 rounds, nothing lost`, () => {
  for (let seed = 0; seed < HUB_RUNS; seed++) {
    const random = dice(seed + 1)
    const history = new History()
    const n = [2, 3, 5, 8][Math.floor(random() * 4)] ?? 2
    const tips = Array.from({ length: n }, (_, i) => history.add([], new Map(), `root ${random() < 0.5 ? i : 0}`))
    const ticks = tips.map(() => 0)
    const acknowledged: Written[] = []
    let hub: string | null = null
    const at = (i: number) => tips[i] ?? ''
    const push = (i: number) => {
      if (hub === null || history.ancestors(at(i)).has(hub)) hub = at(i)
    }
    for (let step = 0; step < 120; step++) {
      const i = Math.floor(random() * n)
      const chance = random()
      if (chance < 0.6) {
        ticks[i] = (ticks[i] ?? 0) + 1
        const written = writeTo(
          history,
          at(i),
          `aaaa${i}`,
          ticks[i] ?? 1,
          `p/${Math.floor(random() * 6)}`,
          `${seed}-${step}`,
        )
        tips[i] = written.tip
        acknowledged.push(written)
      } else if (chance < 0.72) tips[i] = history.fold(at(i), at(Math.floor(random() * n)), false)
      else if (chance < 0.85 && hub !== null) tips[i] = history.fold(at(i), hub, true)
      else {
        if (hub !== null) tips[i] = history.fold(at(i), hub, true)
        push(i)
      }
    }
    let rounds = 0
    for (; rounds < 9 && (rounds === 0 || new Set([...tips, hub]).size > 1); rounds++) {
      for (let i = 0; i < n; i++) {
        if (hub !== null) tips[i] = history.fold(at(i), hub, true)
        push(i)
      }
    }
    expect(verdict(history, [...tips, hub ?? ''], acknowledged), `seed ${seed}`).toEqual([])
    expect(rounds, `seed ${seed}`).toBeLessThanOrEqual(2)
  }
})

/** Everybody reads what everybody had, at the same moment. Gives the rounds until all tips are one. */
function exchange(seed: number, plain: boolean): { rounds: number; wrong: string[] } {
  const random = dice(seed + 1)
  const history = new History()
  history.plain = plain
  const n = [2, 3, 5][Math.floor(random() * 3)] ?? 2
  let tips = Array.from({ length: n }, () => history.add([], new Map(), 'root'))
  const ticks = tips.map(() => 0)
  const acknowledged: Written[] = []
  for (let step = 0; step < 40; step++) {
    const i = Math.floor(random() * n)
    if (random() < 0.7) {
      ticks[i] = (ticks[i] ?? 0) + 1
      const written = writeTo(
        history,
        tips[i] ?? '',
        `aaaa${i}`,
        ticks[i] ?? 1,
        `p/${Math.floor(random() * 4)}`,
        `${step}`,
      )
      tips[i] = written.tip
      acknowledged.push(written)
    } else tips[i] = history.fold(tips[i] ?? '', tips[Math.floor(random() * n)] ?? '', false)
  }
  let rounds = 0
  for (; rounds < (plain ? 6 : 12) && new Set(tips).size > 1; rounds++) {
    const seen = [...tips]
    tips = tips.map((tip) =>
      [...seen].sort(() => random() - 0.5).reduce((mine, other) => history.fold(mine, other, false), tip),
    )
  }
  return { rounds, wrong: verdict(history, tips, acknowledged) }
}

test(`${PEER_RUNS} histories of peers without a hub: one commit after at most 2 rounds, nothing lost`, () => {
  for (let seed = 0; seed < PEER_RUNS; seed++) {
    const { rounds, wrong } = exchange(seed, false)
    expect(wrong, `seed ${seed}`).toEqual([])
    expect(rounds, `seed ${seed}`).toBeLessThanOrEqual(2)
  }
})

test('the judge can fail: plain merges never go quiet', () => {
  const restless = Array.from({ length: 10 }, (_, seed) => exchange(seed, true)).filter(({ rounds }) => rounds === 6)
  expect(restless.length).toBeGreaterThan(0)
})

test('a merge is no write', () => {
  expect([isWrite({ parents: [] }), isWrite({ parents: ['a'] }), isWrite({ parents: ['a', 'b'] })]).toEqual([
    true,
    true,
    false,
  ])
})
