// A disk that is really full: what was acknowledged is there, exit status 74, and work goes on when there is room again.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clone } from '../support/clone'
import { needs } from '../support/programs'
import { describe, expect, test } from '../support/test'
import { smallDisk } from '../support/tmpfs'

const MEMORY = 'refs/dstack/memory'
const { skip, why } = needs('tmpfs')

const LATER = 'Fact of the time when there was room again'

/** Words that no other number has: facts that are nearly the same would be refused. */
function words(number: number): string {
  return Array.from({ length: 6 }, (_, index) => `w${((number + 1) * 7919 + index * 104729).toString(36)}`).join(' ')
}

async function rememberUntilRefused(
  clone: Clone,
  from: number,
): Promise<{ acknowledged: string[]; refusal: string; status: number }> {
  const acknowledged: string[] = []
  for (let number = from; number < from + 400; number++) {
    const text = `Fact ${number}: ${words(number)}`
    const done = await clone.dstack('remember', '--key', `notes/facts/number-${number}`, text)
    if (done.status !== 0) return { acknowledged, refusal: done.stderr, status: done.status }
    acknowledged.push(text)
  }
  throw new Error('the disk never got full')
}

async function expectPresent(clone: Clone, texts: string[]): Promise<void> {
  const all = texts.length === 0 ? '' : await clone.git('grep', '-h', '-F', 'Fact ', MEMORY).text()
  expect(texts.filter((text) => !all.split('\n').includes(text))).toEqual([])
}

describe.skipIf(skip)(`a full disk${why}`, () => {
  for (const limits of [{ size: '600k' }, { size: '4m', inodes: 260 }]) {
    test(JSON.stringify(limits), async ({ world }) => {
      const hub = await world.remote()
      const disk = await smallDisk(world.person('alice'), limits)
      const { clone } = disk
      await clone.git('clone', '-q', '--template=', hub.url, '.').ok()
      await clone.dstack('init').ok()
      writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(64 * 1024))
      for (let file = 0; file < 40; file++) writeFileSync(join(disk.path, `ballast-${file}`), '')
      const first = await rememberUntilRefused(clone, 0)
      expect(first.acknowledged.length).toBeGreaterThan(0)
      expect(first.status, first.refusal).toBe(74)
      expect(first.refusal).toMatch(/^git dstack: .+\nHint: .+\.\n$/)
      await expectPresent(clone, first.acknowledged)
      const again = await clone.dstack('remember', '--key', 'notes/still/full', 'The disk is still full')
      expect(again.status).toBe(74)
      rmSync(join(disk.path, 'ballast'))
      for (let file = 0; file < 40; file++) rmSync(join(disk.path, `ballast-${file}`))
      await clone.dstack('remember', '--key', 'notes/facts/room', LATER).ok()
      await expectPresent(clone, [...first.acknowledged, LATER])
      await disk.close()
    })
  }
})
