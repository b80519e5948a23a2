// The door to what comes from others and runs here: shell commands and patterns, each with a limit that really ends it.

import { type Env, type Finished, safeLines, type Vars } from '../env/env'
import { DstackError } from '../errors'
import { commandVars } from './variables'

export { countMatches } from './pattern'
export { isVariableName } from './variables'

export interface CommandRequest {
  /** The whole text is one argument of `sh -c`; nothing is put into it. */
  command: string
  /** Absolute path of the folder it runs in. */
  cwd: string
  /** Default: 120. */
  limitSeconds?: number
  /** Bytes of output that are kept: the first half and the last half. Default: 64 KiB. */
  outputCap?: number
  /** Names of further variables of ours that it gets. */
  names?: readonly string[]
  /** Variables that it gets with these values. */
  vars?: Vars
  /** Keep stderr out of the output: for a command whose stdout is data. */
  apart?: true
}

/** How a command ended. */
export interface Ran {
  /** Exit status; null when a signal ended it. */
  status: number | null
  signal: string | null
  /** stdout and stderr in the order they were written (only stdout with `apart`), without terminal sequences. Foreign. */
  text: string
  /** The same, harmless on a terminal. */
  output: string
  /** stderr with `apart`; harmless, too. */
  errors: string
  /** Bytes that are missing in the middle of the text; a line there says so. */
  dropped: number
  truncated: boolean
  /** True when the limit ended it. */
  timedOut: boolean
  ms: number
}

const LIMIT_SECONDS = 120
const OUTPUT_CAP = 64 * 1024
/** From SIGTERM to SIGKILL. */
const GRACE_MS = 2000

/**
 * Runs `sh -c <command>` with empty standard input, a clean environment and a process group of its own, which is ended
 * at the time limit and when the shell ends: TERM, two seconds later KILL. Not ended is what makes a session of its own
 * (`setsid`, daemons), what `at` or a service manager starts, and, on Windows, what the shell started; nor anything at
 * all when this process itself is killed with SIGKILL.
 * @throws PROGRAM_MISSING, IO when `sh` can't be started, USAGE for a command that no program can be given
 */
export async function runCommand(env: Env, request: CommandRequest): Promise<Ran> {
  const { command, cwd } = request
  if (command.includes('\0')) throw new DstackError('USAGE', 'A command with a NUL byte can not be run.')
  const keep = request.outputCap ?? OUTPUT_CAP
  const started = env.monotonic()
  const done = await env.start({
    program: 'sh',
    // One pipe for both streams, so that the kernel keeps their order; `exec` leaves a single shell.
    args: request.apart ? ['-c', command] : ['-c', 'exec sh -c "$1" 2>&1', 'sh', command],
    cwd,
    vars: { ...commandVars(env.vars, request.names), ...request.vars },
    limit: (request.limitSeconds ?? LIMIT_SECONDS) * 1000,
    grace: GRACE_MS,
    keep,
  })
  if (done.failure !== undefined) throw notStarted(done.failure, cwd)
  const text = withoutSequences(textOf(done, keep))
  return {
    status: done.status,
    signal: done.signal,
    text,
    output: safeLines(text),
    errors: safeLines(withoutSequences(done.stderr)),
    dropped: done.dropped ?? 0,
    truncated: (done.dropped ?? 0) > 0,
    timedOut: done.timedOut,
    ms: Math.round(env.monotonic() - started),
  }
}

function textOf({ stdout, dropped = 0 }: Finished, keep: number): string {
  if (dropped === 0) return stdout.toString('utf8')
  const half = Math.floor(keep / 2)
  const gap = `\n[${dropped} bytes left out]\n`
  return `${stdout.toString('utf8', 0, half)}${gap}${stdout.toString('utf8', half)}`
}

/** Without colours and cursor movements: people and patterns look for the words. */
function withoutSequences(text: string): string {
  return text.includes('\x1b') ? process.getBuiltinModule('node:util').stripVTControlCharacters(text) : text
}

function notStarted(failure: NodeJS.ErrnoException, cwd: string): DstackError {
  if (failure.code === 'ENOENT') {
    return new DstackError('PROGRAM_MISSING', `sh could not be started in ${cwd}: one of the two is not there.`, {
      hint: 'Commands of plans and gates need a POSIX shell on PATH.',
      cause: failure,
    })
  }
  const hint = failure.code === 'E2BIG' ? 'Put what it does into a script of the repository.' : 'Try again.'
  return new DstackError('IO', `The command could not be started: ${failure.message}.`, { hint, cause: failure })
}
