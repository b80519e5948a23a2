// P14: the first read of a document in a repository that also holds a large pack.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MEMORY, pathOf } from '../../src/store/store'
import { sample } from './corpus'
import { fill } from './fill'
import type { Ground } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, ratio, type Timed } from './measure'

/** Random bytes, in objects of 1,000, beside the documents. */
const BALLAST = 370_000_000

async function repository(ground: Ground, name: string, size: number, ballast: number): Promise<string> {
  const folder = join(ground.folder, name)
  ground.run({ program: 'git', args: ['init', '-q', folder] })
  ground.git(folder, 'config', 'core.compression', '0')
  await fill({ repository: folder, vars: ground.vars, size, ballast })
  ground.git(folder, 'pack-refs', '--all')
  return folder
}

function packBytes(folder: string): number {
  const packs = join(folder, '.git', 'objects', 'pack')
  return readdirSync(packs).reduce(
    (sum, name) => (name.endsWith('.pack') ? sum + statSync(join(packs, name)).size : sum),
    0,
  )
}

function reading(ground: Ground, folder: string, size: number): { program: Timed; git: Timed } {
  // Another document each time, so that no page of the pack is warm from the round before.
  const document = (round: number) => sample((round * 7919) % size, size)
  const body = (round: number) => document(round).bytes.toString('utf8').split('\n---\n')[1] ?? ''
  const args = (round: number) => [ground.program('read'), folder, document(round).key]
  const git = (round: number) => ['-C', folder, 'cat-file', 'blob', `${MEMORY}:${pathOf(document(round).key)}`]
  return {
    program: ground.timed(
      (round) => [{ program: process.execPath, args: args(round) }],
      ([text = ''], round) => {
        expect(text, body(round), 'the document')
      },
    ),
    git: ground.timed(
      (round) => [{ program: 'git', args: git(round) }],
      ([text = ''], round) => {
        expect(text.endsWith(body(round)) ? 'its text' : text, 'its text', 'the document')
      },
    ),
  }
}

export const packs: Group = {
  targets: ['P14'],
  async run(ground) {
    const size = ground.size(1_000)
    const small = await repository(ground, 'small-pack', size, 0)
    const large = await repository(ground, 'large-pack', size, ground.smoke ? 1_000_000 : BALLAST)
    const [beside, alone] = [reading(ground, large, size), reading(ground, small, size)]
    const cases = { alone: alone.program, beside: beside.program, gitAlone: alone.git, gitBeside: beside.git }
    const times = await interleave(cases, ground.rounds(20))
    const bytes = Math.round(packBytes(large) / 1e6)
    const detail =
      `${ms(times.beside)} beside a pack of ${bytes} MB, ${ms(times.alone)} beside a small one; ` +
      `git cat-file alone ${ratio(times.gitBeside, times.gitAlone).toFixed(2)}`
    return { outcomes: [{ id: 'P14', measured: ratio(times.beside, times.alone), detail }] }
  },
}
