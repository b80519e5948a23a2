// Fills a repository with documents: one commit for each, as people would have written them, in one fast-import.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { MEMORY, pathOf } from '../../src/store/store'
import { type Sample, sample } from './corpus'

export interface FillOptions {
  repository: string
  vars: NodeJS.ProcessEnv
  /** The corpus of this size is meant … */
  size: number
  /** … and of it the documents from here (default: 0) … */
  from?: number
  /** … to here, without the last (default: all). It may lie behind the size: documents that are new. */
  to?: number
  /** Random bytes to put into the same pack, as blobs of 1,000. */
  ballast?: number
}

/** Appends documents to the memory ref. The objects of one call are one pack, unless they are few (fastimport.unpackLimit). */
export async function fill({ repository, vars, size, from = 0, to = size, ballast = 0 }: FillOptions): Promise<void> {
  const child = spawn('git', ['-C', repository, 'fast-import', '--quiet', '--done'], {
    env: vars,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = once(child, 'close')
  child.stdin.on('error', () => undefined) // it ended early; its exit status says so
  const send = async (bytes: Buffer) => {
    if (child.stdin.write(bytes)) return
    await Promise.race([once(child.stdin, 'drain'), ended])
  }
  for (let left = ballast; left > 0 && child.exitCode === null; left -= 1_000)
    await send(blobCommand(randomBytes(1_000)))
  for (let i = from; i < to && child.exitCode === null; i++)
    await send(commitCommand(sample(i, size), i === from && i > 0))
  child.stdin.end('done\n')
  const [status] = await ended
  if (status !== 0) throw new Error(`git fast-import ended with ${status}`)
}

function commitCommand({ key, bytes, subject, dot, by, seconds }: Sample, onTip: boolean): Buffer {
  const message = Buffer.from(`${subject}\n\nDstack-Dot: ${dot}\n`)
  const who = `${by} ${seconds} +0000`
  const parent = onTip ? `from ${MEMORY}^0\n` : ''
  return Buffer.concat([
    Buffer.from(`commit ${MEMORY}\nauthor ${who}\ncommitter ${who}\ndata ${message.length}\n`),
    message,
    Buffer.from(`${parent}M 100644 inline ${pathOf(key)}\ndata ${bytes.length}\n`),
    bytes,
    Buffer.from('\n'),
  ])
}

function blobCommand(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`blob\ndata ${bytes.length}\n`), bytes, Buffer.from('\n')])
}
