// Power loss: everything is forced to the disk before it gets its name, and all of it before success is printed.

import { basename, dirname } from 'node:path'
import { BUILT } from '../support/clone'
import { needs } from '../support/programs'
import { changingSyscalls, type Point } from '../support/strace'
import { expect, test } from '../support/test'

const { skip, why } = needs('strace')

/** `rename("a", "b")`, also the forms with folder descriptors: from and to. */
function moved(point: Point): { from: string; to: string } | null {
  const [from, to] = [...point.line.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '')
  return /^(rename|link)/.test(point.call) && from !== undefined && to !== undefined ? { from, to } : null
}

/** The path behind the descriptor of `fsync(4</path>)`. */
function synced(point: Point): string | null {
  return /^f(?:data)?sync\(\d+<([^>]+)>/.exec(point.line)?.[1] ?? null
}

test.skipIf(skip)(`remember survives power loss${why}`, async ({ world }) => {
  await world.remote()
  const [alice] = await world.clones('alice')
  await alice.dstack('init').ok()
  const words = ['remember', '--key', 'notes/build/tool', 'The build uses pnpm']
  const points = await changingSyscalls(alice, [process.execPath, BUILT, ...words])

  const named = points.filter((point) => /\/tmp_(obj|pack)|refs\/dstack\/.*\.lock/.test(moved(point)?.from ?? ''))
  expect(named.filter((point) => moved(point)?.to.includes('refs/dstack/'))).not.toEqual([])
  expect(named.filter((point) => moved(point)?.to.includes('objects/'))).not.toEqual([])
  for (const point of named) {
    const { from } = moved(point) ?? { from: '' }
    const before = points.slice(0, points.indexOf(point)).filter((earlier) => earlier.process === point.process)
    expect(
      before.map((earlier) => basename(synced(earlier) ?? '')),
      point.line,
    ).toContain(basename(from))
  }

  const own = points.filter((point) => point.process === 0)
  const answer = own.findIndex((point) => /^write\(1</.test(point.line))
  const folders = own.slice(0, answer).map((point) => synced(point) ?? '')
  for (const point of named) {
    const folder = basename(dirname(moved(point)?.to ?? ''))
    expect(
      folders.map((path) => basename(path)),
      point.line,
    ).toContain(folder)
  }
})
