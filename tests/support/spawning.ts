// Starts programs for tests: output captured, time limited, every process group ended by its id.

import { type ChildProcess, spawn } from 'node:child_process'
import { onPath } from './programs'

export interface Result {
  /** Exit status; 128 + the signal's number when a signal ended it, as a shell counts. */
  status: number
  stdout: string
  stderr: string
  /** Standard output without the final newline. */
  text(): string
  /** Standard output as JSON. Throws when it is none. */
  json<T = Json>(): T
}

/** An object printed with `--json`; a test that looks inside names what it expects there. */
export type Json = Record<string, unknown>

/**
 * A program under way. Awaiting it gives the result whatever its exit status; `ok`, `text` and `json` throw, with all
 * that the program said, unless it is 0.
 */
export interface Running extends Promise<Result> {
  ok(): Promise<Result>
  text(): Promise<string>
  json<T = Json>(): Promise<T>
}

export interface Spawn {
  cwd: string
  vars: NodeJS.ProcessEnv
  input?: string | Uint8Array
  /** Milliseconds. Default 60,000: a hang fails the test instead of the whole run. */
  limit?: number
}

const SIGNALS: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

export function start(program: string, args: readonly string[], options: Spawn): Running {
  const what = [program, ...args].join(' ')
  const promise = new Promise<Result>((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.vars,
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    keep(child)
    const out: Buffer[] = []
    const err: Buffer[] = []
    const limit = options.limit ?? 60_000
    let late = false
    const timer = setTimeout(() => {
      late = true
      endGroup(child)
    }, limit)
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      const stdout = Buffer.concat(out).toString('utf8')
      const stderr = Buffer.concat(err).toString('utf8')
      if (late) reject(new Error(`${what}: still running after ${limit} ms\n${stdout}${stderr}`))
      else resolve(result(status ?? 128 + (SIGNALS[signal ?? ''] ?? 0), stdout, stderr))
    })
    if (child.stdin) {
      child.stdin.on('error', () => undefined) // it ended without reading; its exit status says why
      child.stdin.end(options.input)
    }
  })
  return running(promise, what)
}

export function result(status: number, stdout: string, stderr: string): Result {
  return { status, stdout, stderr, text: () => stdout.replace(/\n$/, ''), json: () => JSON.parse(stdout) }
}

/** Adds the shortcuts to a promise of a result. */
export function running(promise: Promise<Result>, what: string): Running {
  const ok = async () => {
    const done = await promise
    if (done.status !== 0) throw new Error(`${what}: exit ${done.status}\n${done.stdout}${done.stderr}`)
    return done
  }
  return Object.assign(promise, {
    ok,
    text: async () => (await ok()).text(),
    json: async <T>() => (await ok()).json<T>(),
  })
}

const children = new Set<ChildProcess>()

/** Remembers a child (a leader of its own process group) until it ends, so that nothing survives the test run. */
export function keep(child: ChildProcess): void {
  children.add(child)
  child.once('close', () => children.delete(child))
}

process.on('exit', () => {
  for (const child of children) endGroup(child)
})

/**
 * Starts a server: a leader of its own process group with stderr as a pipe. The kernel ends it when the test process
 * is killed and can't do so itself (`setpriv` is part of every Linux).
 */
export function startServer(program: string, args: readonly string[], vars: NodeJS.ProcessEnv): ChildProcess {
  const setpriv = onPath('setpriv')
  const [first = program, ...rest] =
    setpriv === null ? [program, ...args] : [setpriv, '--pdeathsig', 'KILL', program, ...args]
  const child = spawn(first, rest, { detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: vars })
  keep(child)
  return child
}

/** Ends a child and everything that it started. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Ends a child with its group and waits until it is gone. */
export async function endAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return endGroup(child)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  endGroup(child)
  await gone
}
