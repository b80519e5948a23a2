// Starting programs that may take long: in a process group of their own, which ends with them. Loaded at the first one.

import type { ChildProcess } from 'node:child_process'
import type { Command, Finished, Vars } from './env'
import { childProcess } from './programs'

/** How often it is looked whether a group has ended, and how long output may come from outside of an ended one. */
const POLL_MS = 20
const LAST_OUTPUT_MS = 500
/** What the polite end gets when this process itself has to go. */
const HURRY_MS = 100

export function runLong(command: Command, vars: Vars): Promise<Finished> {
  const { limit, grace, keep, input } = command
  return new Promise((resolve) => {
    const child = spawned(command, vars)
    if (child instanceof Error) {
      const nothing = { status: null, signal: null, stdout: Buffer.alloc(0), stderr: '', timedOut: false }
      return resolve({ ...nothing, failure: child })
    }
    const group = child.pid
    const stdout = new Ends(keep)
    const stderr = new Ends(keep)
    const timers = new Set<NodeJS.Timeout>()
    const after = (ms: number, act: () => void) => void timers.add(setTimeout(act, ms))
    let timedOut = false
    let ending = false
    let killed = false

    const endGently = (ms: number) => {
      if (ending) return
      ending = true
      signal(group, 'SIGTERM')
      after(ms, () => {
        signal(group, 'SIGKILL')
        killed = true
      })
    }
    if (limit !== undefined) {
      after(limit, () => {
        timedOut = true
        if (grace === undefined) signal(group, 'SIGKILL')
        else endGently(grace)
      })
    }
    const ownEnd = () => {
      signal(group, 'SIGTERM')
      if (grace === undefined) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(grace, HURRY_MS))
      signal(group, 'SIGKILL')
    }
    process.once('exit', ownEnd)

    const finish = (status: number | null, killedBy: string | null, failure?: NodeJS.ErrnoException) => {
      for (const timer of timers) clearTimeout(timer)
      process.off('exit', ownEnd)
      child.stdout?.destroy()
      child.stderr?.destroy()
      resolve({
        status,
        signal: killedBy,
        stdout: stdout.bytes(),
        stderr: stderr.bytes().toString('utf8'),
        timedOut,
        ...(keep === undefined ? {} : { dropped: stdout.dropped() }),
        ...(failure === undefined ? {} : { failure }),
      })
    }
    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk))
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk))
    child.once('error', (error) => finish(null, null, error))
    if (grace === undefined) child.once('close', (status, killedBy) => finish(status, killedBy))
    else {
      const closed = new Promise<void>((done) => child.once('close', () => done()))
      child.once('exit', (status, killedBy) => {
        const settle = () => {
          // Once killed, only zombies are left, which nobody may ever come for (a container without an init).
          if (!killed && isRunning(group)) {
            endGently(grace)
            after(POLL_MS, settle)
            return
          }
          // What left the group (`setsid`) may hold the pipe open for as long as it likes.
          after(LAST_OUTPUT_MS, () => finish(status, killedBy))
          void closed.then(() => finish(status, killedBy))
        }
        settle()
      })
    }
    if (input !== undefined && child.stdin) {
      child.stdin.on('error', () => undefined) // the program ended early; its exit status says why
      child.stdin.end(input)
    }
  })
}

/** Some failures come by event, others (arguments that are too long) are thrown at once. */
function spawned(command: Command, vars: Vars): ChildProcess | NodeJS.ErrnoException {
  try {
    return childProcess().spawn(command.program, command.args, {
      env: command.vars ?? vars,
      // An own process group, so that the limit also ends what the program started (ssh, a remote helper, test workers).
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: [command.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    return error as NodeJS.ErrnoException
  }
}

/** The first and the last bytes of a stream. What comes between is counted and let go, so that memory stays bounded. */
class Ends {
  private readonly head: Buffer[] = []
  private readonly tail: Buffer[] = []
  private readonly room: number
  private headSize = 0
  private tailSize = 0
  private total = 0

  constructor(keep: number | undefined) {
    this.room = keep === undefined ? Number.POSITIVE_INFINITY : Math.floor(keep / 2)
  }

  add(chunk: Buffer): void {
    this.total += chunk.length
    const first = chunk.subarray(0, Math.min(chunk.length, this.room - this.headSize))
    if (first.length > 0) this.head.push(first)
    this.headSize += first.length
    const rest = chunk.subarray(first.length)
    if (rest.length === 0) return
    this.tail.push(rest)
    this.tailSize += rest.length
    for (let oldest = this.tail[0]; oldest !== undefined; oldest = this.tail[0]) {
      if (this.tailSize - oldest.length < this.room) break
      this.tail.shift()
      this.tailSize -= oldest.length
    }
  }

  bytes(): Buffer {
    const tail = Buffer.concat(this.tail)
    return Buffer.concat([...this.head, tail.subarray(Math.max(0, tail.length - this.room))])
  }

  dropped(): number {
    return this.total - this.headSize - Math.min(this.tailSize, this.room)
  }
}

/** Sends a signal to a whole group; one that is gone needs none. */
function signal(group: number | undefined, name: NodeJS.Signals): void {
  if (group === undefined) return
  try {
    process.kill(process.platform === 'win32' ? group : -group, name)
  } catch (error) {
    // EPERM: macOS says so of a group in which only zombies are left.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

/** Is anybody left in the group? */
function isRunning(group: number | undefined): boolean {
  if (group === undefined || process.platform === 'win32') return false
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false // ESRCH, or EPERM as above
  }
}
