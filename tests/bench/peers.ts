// P15: the same work by us and by others.

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { backlog } from './backlog'
import { sample } from './corpus'
import type { Ground, Site } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, ratio } from './measure'
import { serverMemory } from './server-memory'
import type { Figure, Outcome } from './targets'
import { holders, WORD, type Work } from './work'

const BACKLOG = 'backlog.md@1.52.0'
const SERVER = '@modelcontextprotocol/server-memory@2026.8.31'

function ours(ground: Ground, site: Site): Work {
  const { size, clone } = site
  const command = (...args: string[]) => [ground.dstack([...args, '--json'], clone)]
  const fresh = (round: number) => sample(size + round, size)
  const there = holders(size)
  let count = size
  // The first question makes the index.
  for (const one of command('recall', WORD)) ground.run(one)
  return {
    create: ground.timed(
      (round) => command('remember', '--key', fresh(round).key, fresh(round).text),
      ([printed = ''], round) => {
        expect(JSON.parse(printed).key, fresh(round).key, 'remembered')
        count++
      },
    ),
    list: ground.timed(
      () => command('memory', 'list'),
      ([printed = '']) => expect(JSON.parse(printed).entries.length, count, 'entries listed'),
    ),
    search: ground.timed(
      () => command('recall', WORD),
      ([printed = '']) => expect(JSON.parse(printed).answers.length, Math.min(10, there), 'answers'),
    ),
  }
}

interface Programs {
  backlog: string
  server: string
}

/** From npm, with the configuration of whoever runs this; a string says why it could not be. */
function install(ground: Ground): Programs | string {
  const folder = join(ground.folder, 'peers')
  mkdirSync(folder)
  const quick = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries', '1']
  const done = spawnSync('npm', ['install', ...quick, '--prefix', folder, BACKLOG, SERVER], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 180_000,
  })
  if (done.status !== 0) {
    const why =
      done.error?.message ?? done.stderr.split('\n').find((line) => /^npm (?:error|ERR!) code/.test(line)) ?? ''
    return `the peers could not be installed from npm (${why.trim()})`
  }
  const bin = join(folder, 'node_modules', '.bin')
  return { backlog: join(bin, 'backlog'), server: join(bin, 'mcp-server-memory') }
}

const VERBS = ['create', 'list', 'search'] as const

async function alone(ground: Ground, why: string) {
  const { create, list, search } = ours(ground, await ground.site(1_000))
  await interleave({ create, list, search }, ground.rounds(5))
  return { outcomes: ['P15', 'P15-append'].map((id) => ({ id, measured: null, detail: why })) }
}

export const peers: Group = {
  targets: ['P15'],
  async run(ground) {
    const programs = ground.smoke ? 'no peers in a smoke run' : install(ground)
    if (typeof programs === 'string') return alone(ground, programs)
    const site = await ground.site(1_000)
    const dstack = ours(ground, site)
    const tasks = backlog(ground, programs.backlog, site.size)
    const { server, work } = await serverMemory(ground, programs.server, site.size)
    const figures: Figure[] = []
    const outcomes: Outcome[] = []
    try {
      for (const verb of VERBS) {
        const cases = { dstack: dstack[verb], backlog: tasks[verb], server: work[verb] }
        const times = await interleave(cases, ground.rounds(5))
        const [vsBacklog, vsServer] = [ratio(times.backlog, times.dstack), ratio(times.server, times.dstack)]
        const detail = `${ms(times.dstack)}, backlog.md ${ms(times.backlog)}, server-memory (warm) ${ms(times.server)}`
        const figure = (id: string, peer: string, measured: number): Figure => {
          return { id, what: `${verb} at 1,000, times faster than ${peer}`, measured, unit: 'x', detail }
        }
        if (verb === 'create') outcomes.push({ id: 'P15', measured: vsBacklog, detail })
        else figures.push(figure(`P15-${verb}`, 'backlog.md', vsBacklog))
        figures.push(figure(`P15-${verb}-server`, 'server-memory', vsServer))
      }
    } finally {
      server.close()
    }
    const large = await ground.site(100_000)
    const many = await serverMemory(ground, programs.server, large.size)
    try {
      const cases = { dstack: ours(ground, large).create, server: many.work.create }
      const times = await interleave(cases, ground.rounds(5))
      const detail = `git dstack remember ${ms(times.dstack)}, server-memory (warm) ${ms(times.server)}`
      outcomes.push({ id: 'P15-append', measured: ratio(times.server, times.dstack), detail })
    } finally {
      many.server.close()
    }
    return { outcomes, figures }
  },
}
