// P15: the same work by others. backlog.md from fresh processes; server-memory as a warm server over stdio.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { QUESTIONS, sample } from './corpus'
import type { Ground, Site } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, ratio, type Timed } from './measure'
import type { Figure } from './targets'

const BACKLOG = 'backlog.md@1.52.0'
const SERVER = '@modelcontextprotocol/server-memory@2026.8.31'

/** Three things that every memory does. */
interface Work {
  create: Timed
  list: Timed
  search: Timed
}

const WORD = QUESTIONS.common[0]

function holders(size: number): number {
  return Array.from({ length: size }, (_, i) => sample(i, size)).filter(({ text }) => text.includes(WORD)).length
}

// --- ours -----------------------------------------------------------------------------------------------------------

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

// --- backlog.md -----------------------------------------------------------------------------------------------------

/** A project whose tasks were written as files: a thousand real creates take minutes. */
function backlog(ground: Ground, program: string, size: number): Work {
  const folder = join(ground.folder, 'backlog')
  mkdirSync(folder)
  ground.git(folder, 'init', '-q')
  const run = (...args: string[]) => [{ program, args, cwd: folder }]
  for (const one of run('init', 'bench', '--defaults')) ground.run(one)
  for (let i = 1; i <= size; i++) {
    const { text } = sample(i - 1, size)
    writeFileSync(join(folder, 'backlog', 'tasks', `task-${i} - entry-${i}.md`), taskFile(i, text))
  }
  ground.git(folder, 'add', '-A')
  ground.git(folder, 'commit', '-q', '-m', 'tasks')
  let count = size
  const tasks = (printed: string) => new Set(printed.match(/TASK-\d+/g)).size
  return {
    create: ground.timed(
      (round) => {
        const { text } = sample(size + round, size)
        return run('task', 'create', `entry ${size + round + 1}`, '-d', text, '--plain')
      },
      ([printed = '']) => {
        expect(tasks(printed), 1, 'tasks created')
        count++
      },
    ),
    list: ground.timed(
      () => run('task', 'list', '--plain'),
      ([printed = '']) => expect(tasks(printed), count, 'tasks listed'),
    ),
    search: ground.timed(
      () => run('search', WORD, '--limit', '10', '--plain'),
      ([printed = '']) => expect(tasks(printed), 10, 'tasks found'),
    ),
  }
}

function taskFile(number: number, text: string): string {
  return `---
id: TASK-${number}
title: entry ${number}
status: To Do
assignee: []
created_date: '2026-01-01 12:00'
labels: []
dependencies: []
ordinal: ${number}000
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
${text}
<!-- SECTION:DESCRIPTION:END -->
`
}

// --- server-memory --------------------------------------------------------------------------------------------------

interface Reply {
  id?: number
  error?: { message: string }
  result?: { isError?: boolean; structuredContent?: { entities?: unknown[] } }
}

/** A server that has answered once; `time` gives the milliseconds until the answer to a call. */
class Server implements Disposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #calls = 0

  constructor(ground: Ground, program: string, file: string) {
    const vars = { ...ground.vars, MEMORY_FILE_PATH: file }
    this.#child = spawn(program, { env: vars, stdio: ['pipe', 'pipe', 'ignore'] })
    const lines = createInterface({ input: this.#child.stdout ?? process.stdin })
    lines.on('line', (line) => {
      const reply = JSON.parse(line) as Reply
      this.#waiting.get(reply.id ?? 0)?.(reply)
    })
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  async #call(method: string, params: object): Promise<Reply> {
    const id = ++this.#calls
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, resolve)
      this.#child.once('exit', (status) => reject(new Error(`server-memory ended with ${status}`)))
    })
    this.#send({ id, method, params })
    return reply
  }

  async start(): Promise<void> {
    const clientInfo = { name: 'bench', version: '1' }
    await this.#call('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
    this.#send({ method: 'notifications/initialized' })
  }

  /** A call, and how many entities its answer must hold. */
  timed(make: (round: number) => { name: string; arguments: object }, check: (entities: number) => void): Timed {
    return async (round) => {
      const call = make(round)
      const started = performance.now()
      const { error, result } = await this.#call('tools/call', call)
      const took = performance.now() - started
      if (error !== undefined || result?.isError === true)
        throw new Error(`server-memory: ${error?.message ?? call.name}`)
      check(result?.structuredContent?.entities?.length ?? 0)
      return took
    }
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

/** A server over a file of so many entities. */
async function serverMemory(ground: Ground, program: string, size: number): Promise<{ server: Server; work: Work }> {
  const file = join(ground.folder, `server-memory-${size}.jsonl`)
  const entity = (i: number) => {
    const { key, text } = sample(i, size)
    return { name: key, entityType: 'memory', observations: [text] }
  }
  writeFileSync(
    file,
    Array.from({ length: size }, (_, i) => JSON.stringify({ type: 'entity', ...entity(i) })).join('\n'),
  )
  const server = new Server(ground, program, file)
  await server.start()
  let count = size
  let found = holders(size)
  const work = {
    create: server.timed(
      (round) => ({ name: 'create_entities', arguments: { entities: [entity(size + round)] } }),
      (created) => {
        expect(created, 1, 'entities created')
        if (sample(count++, size).text.includes(WORD)) found++
      },
    ),
    list: server.timed(
      () => ({ name: 'read_graph', arguments: {} }),
      (listed) => expect(listed, count, 'entities listed'),
    ),
    search: server.timed(
      () => ({ name: 'search_nodes', arguments: { query: WORD } }),
      (hits) => expect(hits, found, 'entities found'),
    ),
  }
  return { server, work }
}

// --- all of them ----------------------------------------------------------------------------------------------------

interface Programs {
  backlog: string
  server: string
}

/** From npm, with the configuration of whoever runs this; a string says why it could not be. */
function install(ground: Ground): Programs | string {
  const folder = join(ground.folder, 'peers')
  mkdirSync(folder)
  const args = [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--fetch-retries',
    '1',
    '--prefix',
    folder,
    BACKLOG,
    SERVER,
  ]
  const done = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', timeout: 180_000 })
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
    const outcomes = []
    try {
      for (const verb of VERBS) {
        const cases = { dstack: dstack[verb], backlog: tasks[verb], server: work[verb] }
        const times = await interleave(cases, ground.rounds(5))
        const [vsBacklog, vsServer] = [ratio(times.backlog, times.dstack), ratio(times.server, times.dstack)]
        const detail = `${ms(times.dstack)}, backlog.md ${ms(times.backlog)}, server-memory (warm) ${ms(times.server)}`
        if (verb === 'create') outcomes.push({ id: 'P15', measured: vsBacklog, detail })
        else
          figures.push({
            id: `P15-${verb}`,
            what: `${verb} at 1,000, times faster than backlog.md`,
            measured: vsBacklog,
            unit: 'x',
            detail,
          })
        figures.push({
          id: `P15-${verb}-server`,
          what: `${verb} at 1,000, times faster than server-memory`,
          measured: vsServer,
          unit: 'x',
          detail,
        })
      }
    } finally {
      server[Symbol.dispose]()
    }
    const large = await ground.site(100_000)
    const many = await serverMemory(ground, programs.server, large.size)
    try {
      const cases = { dstack: ours(ground, large).create, server: many.work.create }
      const times = await interleave(cases, ground.rounds(5))
      const detail = `git dstack remember ${ms(times.dstack)}, server-memory (warm) ${ms(times.server)}`
      outcomes.push({ id: 'P15-append', measured: ratio(times.server, times.dstack), detail })
    } finally {
      many.server[Symbol.dispose]()
    }
    return { outcomes, figures }
  },
}
