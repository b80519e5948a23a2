// server-memory as a peer: a graph in one JSON file, behind a server that stays warm and is asked over stdio.

import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { sample } from './corpus'
import type { Ground } from './ground'
import { expect } from './group'
import type { Timed } from './measure'
import { holders, WORD, type Work } from './work'

interface Reply {
  id?: number
  error?: { message: string }
  result?: { isError?: boolean; structuredContent?: { entities?: unknown[] } }
}

interface Waiting {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** One process that answers call after call. */
export class Server {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0

  constructor(ground: Ground, program: string, file: string) {
    const vars = { ...ground.vars, MEMORY_FILE_PATH: file }
    this.#child = spawn(program, { env: vars, stdio: ['pipe', 'pipe', 'ignore'] })
    const lines = createInterface({ input: this.#child.stdout ?? process.stdin })
    lines.on('line', (line) => {
      const reply = JSON.parse(line) as Reply
      this.#waiting.get(reply.id ?? 0)?.resolve(reply)
    })
    const fail = (why: string) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`server-memory: ${why}`))
    }
    this.#child.once('error', (error) => fail(error.message))
    this.#child.once('exit', (status) => fail(`ended with ${status}`))
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  async #call(method: string, params: object): Promise<Reply> {
    const id = ++this.#calls
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#send({ id, method, params })
    return reply.finally(() => this.#waiting.delete(id))
  }

  async start(): Promise<void> {
    const clientInfo = { name: 'bench', version: '1' }
    await this.#call('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
    this.#send({ method: 'notifications/initialized' })
  }

  /** Times a call until its answer; `check` sees how many entities that holds. */
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

  close(): void {
    this.#child.kill()
  }
}

/** A server over a file of so many entities. */
export async function serverMemory(
  ground: Ground,
  program: string,
  size: number,
): Promise<{ server: Server; work: Work }> {
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
