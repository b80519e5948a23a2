// One reviewer from its task to its findings: started on a checkout of its own, read, and not believed when it changed anything. Pure.

import { join } from 'node:path'
import { type Env, safe } from '../env/env'
import { DstackError } from '../errors'
import type { Oid, Repo } from '../git/git'
import { type Ran, runCommand } from '../process/process'
import { argvOf } from '../settings/settings'
import { definitionOf, isTrusted, untrusted, type Verdict } from '../trust/trust'
import { readAnswer } from './answer'
import type { Answer, Track } from './schema'
import { differsFrom, makeScratch, repositoryState, type Scratch } from './scratch'

/** Why there is no review (A8): not there, ended badly, out of time, not understood, or void because it changed something. */
export type Cause = 'missing' | 'failed' | 'timeout' | 'unparsable' | 'voided'

export interface Failure {
  track: Track
  cause: Cause
  /** One sentence, harmless to print. */
  reason: string
  /** How often it was started. */
  attempts: number
}

export interface Answered extends Answer {
  /** Who it says it is, else its program. */
  reviewer: string
  ms: number
  attempts: number
}

export interface Run {
  track: Track
  /** The command line as the setting has it. */
  command: string
  prompt: string
  head: Oid
  /** Everything of this run, for us alone. */
  folder: string
  limitSeconds: number
  /** Commands that are trusted by their hash. */
  hashes?: ReadonlySet<string>
}

/** Bytes of an answer; more is none that anybody reads. */
const MOST_BYTES = 4 * 1024 * 1024
const ATTEMPTS = 2

/** May this reviewer run on a checkout of `head` in `root`? */
export function reviewerTrust(env: Env, repo: Repo, command: string, at: Where): Verdict {
  return isTrusted(env, repo, command, whereOf(at))
}

interface Where {
  root?: string
  head: Oid
  hashes?: ReadonlySet<string>
}

const whereOf = ({ root, head, hashes }: Where) => ({
  ...(root === undefined ? {} : { root }),
  tree: head,
  where: 'setting review.reviewer',
  ...(hashes === undefined ? {} : { hashes }),
})

/** Runs it, and once more when it ended badly or was not understood. */
export async function runReviewer(env: Env, repo: Repo, run: Run): Promise<Answered | Failure> {
  const { track, command, folder, head } = run
  const words = argvOf(command)
  const failure = (cause: Cause, reason: string, attempts: number): Failure => ({ track, cause, reason, attempts })
  if ('problem' in words) return failure('missing', `The reviewer can't be started: ${words.problem}.`, 0)
  const before = repositoryState(env, repo)
  const scratch = makeScratch(env, repo, head, join(folder, 'tree'))
  try {
    const verdict = reviewerTrust(env, repo, command, { ...run, root: scratch.root })
    // The caller asked for the files as they lie in the working tree.
    if (!verdict.trusted) return failure('missing', untrusted(verdict).message, 0)
    const prompt = join(folder, 'prompt.md')
    const output = join(folder, 'answer')
    env.files.write(prompt, run.prompt, { mode: 0o600 })
    const line = commandLine(words, prompt, output)
    for (let attempt = 1; ; attempt++) {
      env.files.remove(output)
      const ended = await started(env, run, line, scratch.root, verdict.after.names)
      const changed = [...scratch.changed(), ...differsFrom(before, env, repo)]
      if (definitionOf(env, repo, command, { ...whereOf(run), root: scratch.root }).hash !== verdict.hash) {
        changed.push('a file that its command names')
      }
      if (changed.length > 0) return failure('voided', voided(changed), attempt)
      const answer =
        'cause' in ended
          ? ended
          : readEnded(
              env,
              ended,
              words.some((word) => word.includes('{output}')),
              output,
            )
      if (!('cause' in answer)) {
        const reviewer = answer.reviewer ?? nameOf(words[0] ?? '')
        return { ...answer, reviewer, ms: 'ms' in ended ? ended.ms : 0, attempts: attempt }
      }
      const again = answer.cause === 'failed' || answer.cause === 'unparsable'
      if (!again || attempt === ATTEMPTS) return failure(answer.cause, answer.reason, attempt)
    }
  } finally {
    removeScratch(env, scratch, folder)
  }
}

function removeScratch(env: Env, scratch: Scratch, folder: string): void {
  scratch.remove()
  env.files.remove(folder)
}

/** Every word in quotes of its own: the shell starts a program here, and does nothing else. */
function commandLine(words: readonly string[], prompt: string, output: string): string {
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`
  const filled = words.map((word) => word.replaceAll('{prompt}', prompt).replaceAll('{output}', output))
  const input = words.some((word) => word.includes('{prompt}')) ? '' : ` <${quote(prompt)}`
  return `exec ${filled.map(quote).join(' ')}${input}`
}

type Bad = Pick<Failure, 'cause' | 'reason'>

async function started(
  env: Env,
  { limitSeconds }: Run,
  command: string,
  cwd: string,
  names: readonly string[],
): Promise<Ran | Bad> {
  let ran: Ran
  try {
    ran = await runCommand(env, {
      command,
      cwd,
      limitSeconds,
      outputCap: MOST_BYTES,
      names,
      // A `git status` of the reviewer need not write into its checkout.
      vars: { GIT_OPTIONAL_LOCKS: '0' },
      apart: true,
    })
  } catch (error) {
    if (!(error instanceof DstackError && error.code === 'PROGRAM_MISSING')) throw error
    return { cause: 'missing', reason: error.message }
  }
  const last = safe(lastLine(ran))
  if (ran.timedOut) return { cause: 'timeout', reason: `The reviewer was ended after ${limitSeconds} seconds.` }
  // Source: POSIX, Shell Command Language 2.8.2.
  if (ran.status === 127 || ran.status === 126) {
    return { cause: 'missing', reason: `The reviewer could not be started: ${last}.` }
  }
  if (ran.status !== 0) {
    const how = ran.status === null ? `was ended by ${ran.signal ?? 'a signal'}` : `ended with ${ran.status}`
    return { cause: 'failed', reason: `The reviewer ${how}: ${last}.` }
  }
  return ran
}

/** The answer is in the file, where one was asked for and written; else it is what was printed. */
function readEnded(env: Env, ran: Ran, toFile: boolean, output: string): Answer | Bad {
  const unparsable = (what: string): Bad => ({
    cause: 'unparsable',
    reason: `The reviewer was not understood: ${what}.`,
  })
  const stat = toFile ? env.files.stat(output) : null
  const inFile = stat !== null && stat.kind === 'file' && stat.size > 0
  if (inFile && stat.size > MOST_BYTES) return unparsable('its answer is too long')
  if (!inFile && ran.truncated) return unparsable(`${ran.dropped} bytes of its answer are missing`)
  const answer = readAnswer(inFile ? (env.files.read(output)?.toString('utf8') ?? '') : ran.text)
  return 'problem' in answer ? unparsable(answer.problem) : answer
}

function voided(changed: readonly string[]): string {
  const shown = [...new Set(changed)].slice(0, 3).map(safe).join(', ')
  const more = changed.length > 3 ? ` and ${changed.length - 3} more` : ''
  return `The run is void: ${shown}${more} changed while the reviewer ran.`
}

function lastLine({ text, errors }: Ran): string {
  const lines = `${text}\n${errors}`.split('\n').filter((line) => line.trim() !== '')
  return (lines.at(-1) ?? 'it said nothing').trim().slice(0, 200).replace(/\.$/, '')
}

function nameOf(program: string): string {
  return program.replace(/^.*[\\/]/, '')
}
