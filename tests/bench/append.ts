// P6 and P7: one append through the store, in time, in bytes on the disk and in bytes on the wire.

import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { MEMORY, pathOf } from '../../src/store/store'
import { sample } from './corpus'
import type { Ground, Site } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, median, ratio, type Timed } from './measure'

/** Bytes of the document that P7 speaks of. */
const DOCUMENT = 500
const TEXT = 'an appended entry of the benchmark. '.repeat(20)
/** Median milliseconds of one fsync above which a disk counts as slow, and the limit holds without. */
const SLOW_FSYNC = 1

/** The commits that were appended to a site, oldest first. */
interface Appending {
  site: Site
  commits: string[]
  time: Timed
}

async function appending(ground: Ground, full: number, options: { fsync: boolean }): Promise<Appending> {
  const site = await ground.site(full)
  if (!options.fsync) ground.git(site.clone, 'config', 'dstack.fsync', 'false')
  const commits: string[] = []
  let length = 200
  const append = (round: number) => {
    const { key } = sample(site.size + round, site.size)
    return [{ program: process.execPath, args: [ground.program('append'), site.clone, key, TEXT.slice(0, length)] }]
  }
  const time = ground.timed(append, ([commit = ''], round) => {
    const path = pathOf(sample(site.size + round, site.size).key)
    expect(ground.git(site.clone, 'rev-parse', MEMORY), commit, 'the tip after an append')
    expect(ground.git(site.clone, 'rev-list', '--count', MEMORY), String(site.size + round + 1), 'commits')
    // The first append shows how long the text must be.
    length += DOCUMENT - Number(ground.git(site.clone, 'cat-file', '-s', `${MEMORY}:${path}`))
    commits.push(commit)
  })
  return { site, commits, time }
}

/** Sizes of the loose objects that a commit brought. */
function looseBytes(ground: Ground, { clone }: Site, commit: string): number {
  const oids = ground.git(clone, 'rev-list', '--objects', '--no-object-names', commit, `^${commit}^`).split('\n')
  const sizes = oids.map((oid) => statSync(join(clone, '.git', 'objects', oid.slice(0, 2), oid.slice(2))).size)
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The pack that a push of this commit sends. */
function wireBytes(ground: Ground, { clone }: Site, commit: string): number {
  const args = ['-C', clone, 'pack-objects', '--revs', '--stdout', '--thin', '--delta-base-offset', '-q']
  return ground.runRaw({ program: 'git', args, input: `${commit}\n^${commit}^\n` }).length
}

function medianFsync(folder: string): number {
  const path = join(folder, 'fsync')
  const times = Array.from({ length: 40 }, (_, i) => {
    const file = openSync(path, 'w')
    writeSync(file, Buffer.alloc(4096, i))
    const started = performance.now()
    fsyncSync(file)
    const took = performance.now() - started
    closeSync(file)
    return took
  })
  rmSync(path)
  return median(times)
}

export const append: Group = {
  targets: ['P6', 'P7'],
  async run(ground) {
    const sizes = [100, 10_000, 100_000] as const
    const cases: Record<string, Timed> = { floor: ground.floor }
    const made = new Map<string, Appending>()
    for (const fsync of [true, false]) {
      for (const size of sizes) {
        const name = `${size} ${fsync ? 'synced' : 'unsynced'}`
        const one = await appending(ground, size, { fsync })
        made.set(name, one)
        cases[name] = one.time
      }
    }
    const times = await interleave(cases, ground.rounds(20))
    const of = (name: string) => times[name] ?? []
    const fsync = medianFsync(ground.folder)
    const binding = fsync > SLOW_FSYNC ? 'unsynced' : 'synced'
    const disk = `one fsync takes ${fsync.toFixed(2)} ms, so the limit holds ${binding === 'synced' ? 'with' : 'without'} core.fsync`
    const said = (how: string) =>
      sizes
        .map((size) => `${ratio(of(`${size} ${how}`), of('floor')).toFixed(2)} (${ms(of(`${size} ${how}`))})`)
        .join(', ')
    const flat = (how: string) => ratio(of(`100000 ${how}`), of(`100 ${how}`))
    const bytes = (size: number, measure: typeof looseBytes) => {
      const one = made.get(`${size} synced`)
      return one === undefined ? 0 : median(one.commits.slice(1).map((commit) => measure(ground, one.site, commit)))
    }
    const [wire10k, wire100k] = [bytes(10_000, wireBytes), bytes(100_000, wireBytes)]
    return {
      outcomes: [
        {
          id: 'P6',
          measured: ratio(of(`100000 ${binding}`), of('floor')),
          detail: `at 100, 10k, 100k: core.fsync=committed ${said('synced')}; off ${said('unsynced')}; ${disk}`,
        },
        {
          id: 'P6-flat',
          measured: flat(binding),
          detail: `core.fsync=committed ${flat('synced').toFixed(2)}; off ${flat('unsynced').toFixed(2)}`,
        },
        { id: 'P7', measured: bytes(10_000, looseBytes), detail: `median of documents of ${DOCUMENT} bytes` },
        { id: 'P7-100k', measured: bytes(100_000, looseBytes), detail: `median of documents of ${DOCUMENT} bytes` },
        {
          id: 'P7-wire',
          measured: Math.max(wire10k, wire100k),
          detail: `thin pack: ${wire10k} at 10k, ${wire100k} at 100k`,
        },
      ],
    }
  },
}
