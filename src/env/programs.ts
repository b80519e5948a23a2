// Starting short programs, and waiting for their end.

import type { Command, Finished, Vars } from './env'

/** Loaded at the first start of a program: it brings the network stack with it, a tenth of a bare start. */
export const childProcess = () => process.getBuiltinModule('node:child_process')

/** git answers with megabytes (a tree of 100,000 documents); node's default of 1 MB would cut them. */
const MAX_BUFFER = 4 * 1024 ** 3

export function runNow(command: Command, vars: Vars): Finished {
  const done = childProcess().spawnSync(command.program, command.args, {
    env: command.vars ?? vars,
    maxBuffer: command.maxOutput ?? MAX_BUFFER,
    windowsHide: true,
    killSignal: 'SIGKILL',
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.limit === undefined ? {} : { timeout: command.limit }),
    ...(command.input === undefined
      ? { stdio: ['ignore', 'pipe', 'pipe'] }
      : { input: command.input, stdio: ['pipe', 'pipe', 'pipe'] }),
  })
  const failure = done.error as NodeJS.ErrnoException | undefined
  const timedOut = failure?.code === 'ETIMEDOUT'
  // EPIPE: the program ended before it had read all input; its exit status and stderr say why.
  const real = failure !== undefined && !timedOut && failure.code !== 'EPIPE'
  return {
    status: done.status,
    signal: done.signal,
    stdout: done.stdout ?? Buffer.alloc(0),
    stderr: done.stderr?.toString('utf8') ?? '',
    timedOut,
    ...(real ? { failure } : {}),
  }
}
