// The one place that starts git: fixed overrides against hostile configuration, time limits, failures by code.

import type { Command, Env, Finished, Vars } from '../env/env'
import { type Code, DstackError } from '../errors'

/**
 * Configuration keys that make git run a program, switched off for every call.
 * Source: measured with a canary repository; `protocol.ext` also shields remote helpers.
 */
const OVERRIDES = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.pager=cat',
  'core.alternateRefsCommand=',
  'diff.external=',
  'protocol.ext.allow=never',
  'gc.auto=0',
  'maintenance.auto=false',
  'log.showSignature=false',
]

/** Variables that bind git to a repository, an index or other refs: we say ourselves where git works. */
const DROPPED = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INDEX_VERSION',
  'GIT_PREFIX',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_REPLACE_REF_BASE',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NOTES_REF',
  'GIT_EXTERNAL_DIFF',
  'GIT_PAGER',
  'GIT_EDITOR',
  'NODE_EXTRA_CA_CERTS',
]

const FIXED: Vars = { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C', LANGUAGE: 'C' }

/** Where git works: a folder in which it finds the repository by itself, or a repository that the user named (GIT_DIR). */
export interface Place {
  cwd: string
  gitDir?: string
}

export interface GitCall {
  input?: string | Uint8Array
  /** Milliseconds; network calls always have one. */
  limit?: number
  /** Bytes of output; more is the error TOO_LARGE. */
  maxOutput?: number
  /** Extra `-c name=value`. */
  config?: readonly string[]
  vars?: Vars
  /** Exit statuses that are answers. Default: 0. With KILLED also the end by a signal, as status null. */
  ok?: readonly number[]
  /** It talks to a remote: what git says in words that we don't know is then the remote's or the way's fault. */
  remote?: boolean
}

/** Stands in `GitCall.ok` for the end by a signal. */
export const KILLED = -1

/** Runs git to its end and throws a DstackError unless the exit status is one of `ok`. */
export function git(env: Env, place: Place, args: readonly string[], call: GitCall = {}): Finished {
  return checked(env.run(command(env, place, args, call)), args, call)
}

/** The same for calls that may take long. */
export async function gitLong(env: Env, place: Place, args: readonly string[], call: GitCall): Promise<Finished> {
  return checked(await env.start(command(env, place, args, call)), args, call)
}

function command(env: Env, place: Place, args: readonly string[], call: GitCall): Command {
  const vars: Record<string, string | undefined> = { ...env.vars, ...FIXED }
  for (const name of DROPPED) delete vars[name]
  Object.assign(vars, call.vars)
  const config = [...OVERRIDES, ...(call.config ?? [])].flatMap((entry) => ['-c', entry])
  const named = place.gitDir === undefined ? [] : [`--git-dir=${place.gitDir}`]
  return {
    program: 'git',
    args: ['--no-replace-objects', '--no-pager', '--literal-pathspecs', ...named, ...config, ...args],
    cwd: place.cwd,
    vars,
    ...(call.input === undefined ? {} : { input: call.input }),
    ...(call.limit === undefined ? {} : { limit: call.limit }),
    ...(call.maxOutput === undefined ? {} : { maxOutput: call.maxOutput }),
  }
}

function checked(done: Finished, args: readonly string[], call: GitCall): Finished {
  if (done.failure !== undefined) throw notStarted(done.failure)
  if ((call.ok ?? [0]).includes(done.status ?? KILLED)) return done
  throw gitFailure(done, args[0] ?? 'git', call.remote)
}

function notStarted(failure: NodeJS.ErrnoException): DstackError {
  if (failure.code === 'ENOENT') {
    return new DstackError('PROGRAM_MISSING', 'git could not be started: it is not on PATH, or the folder is gone.', {
      hint: 'Install git 2.36 or newer.',
      cause: failure,
    })
  }
  if (failure.code === 'ENOBUFS') {
    return new DstackError('TOO_LARGE', 'git answered with more data than can be read at once.', { cause: failure })
  }
  return new DstackError('IO', `git could not be started: ${failure.message}.`, { cause: failure })
}

const KEPT = 'Your work is kept here; try again when the remote answers.'

/** What git's stderr says, as a code. First match wins. Matched under LC_ALL=C. */
const MEANINGS: readonly [RegExp, Code, string | undefined][] = [
  [/No space left on device|Disk quota exceeded|out of disk/i, 'IO', 'Free some space, then run the command again.'],
  [
    /dubious ownership|safe\.directory/,
    'NO_PERMISSION',
    'The repository belongs to somebody else; see safe.directory in git help config.',
  ],
  [
    /not a git repository|cannot use bare repository/i,
    'NOT_A_REPOSITORY',
    'Go to a git repository, or make one with `git init`.',
  ],
  [
    /Permission denied \(|Authentication failed|could not read (Username|Password)|Host key verification failed|terminal prompts disabled/i,
    'REMOTE_UNAVAILABLE',
    'Sign in to the remote with plain `git fetch` once, then try again.',
  ],
  [
    /Permission denied|Read-only file system|insufficient permission/i,
    'NO_PERMISSION',
    'Check who owns the .git folder, or work in a clone of your own.',
  ],
  [
    /(error|returned error|HTTP)[: ]+403|403 Forbidden/,
    'REMOTE_REFUSED',
    'The remote does not let you do this; ask who runs it.',
  ],
  [
    /Could not resolve host|unable to access|Connection (refused|reset|timed out|closed)|early EOF|hung up unexpectedly|Could not read from remote|does not appear to be a git repository|unable to connect|timed out/i,
    'REMOTE_UNAVAILABLE',
    KEPT,
  ],
  [
    /couldn't (write|set|close|open) '|unable to (write|create|append)/i,
    'IO',
    'Check the disk and its free space, then run the command again.',
  ],
  [
    /(loose object|object file) .* (is corrupt|is empty)|bad object|unable to read|missing (blob|tree|commit)|inflate: data stream error|invalid sha1 pointer/i,
    'CORRUPT',
    'Run `git dstack doctor`; it names the damaged ref and a way back.',
  ],
  [
    /unknown switch|unknown option|is not a git command|unrecognized (option|argument)/,
    'PROGRAM_MISSING',
    'git 2.36 or newer is needed.',
  ],
]

/** Turns a failed git call into the error that the user sees. */
export function gitFailure(done: Finished, verb: string, remote = false): DstackError {
  if (done.timedOut) {
    return new DstackError('REMOTE_UNAVAILABLE', `The remote did not answer in time (git ${verb}).`, { hint: KEPT })
  }
  const said = firstLine(done.stderr)
  const protocol = /transport '([a-z0-9+.-]+)' not allowed/.exec(done.stderr)?.[1]
  if (protocol !== undefined) {
    return new DstackError('REMOTE_REFUSED', `git ${verb}: ${said}.`, {
      hint: `If you trust it, allow the protocol for yourself: \`git config --global dstack.allowProtocol ${protocol}\`.`,
    })
  }
  for (const [pattern, code, hint] of MEANINGS) {
    if (pattern.test(done.stderr)) {
      return new DstackError(code, `git ${verb}: ${said}.`, hint === undefined ? {} : { hint })
    }
  }
  const told = `git ${verb} failed (${done.signal ?? `exit ${done.status}`}): ${said}.`
  return remote ? new DstackError('REMOTE_UNAVAILABLE', told, { hint: KEPT }) : new DstackError('INTERNAL', told)
}

/** The line of git's stderr that says why, with credentials in URLs removed. */
function firstLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('hint:'))
  const at = lines.findIndex((line) => /^(fatal|error):/.test(line))
  const line = lines[at] ?? lines.find((other) => other.startsWith('remote:')) ?? lines[0] ?? 'no message'
  // "unable to connect to host:" says why on its next line.
  const whole = line.endsWith(':') && at >= 0 ? `${line} ${lines[at + 1] ?? ''}` : line
  return withoutCredentials(
    whole
      .replace(/^(fatal|error): /, '')
      .trim()
      .replace(/\.$/, ''),
  )
}

/** `https://user:token@host` → `https://host`: nothing that we print or store may hold a token. */
export function withoutCredentials(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1')
}
