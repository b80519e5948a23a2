// Any command's outcome on the tree that HEAD holds, noted as evidence. Pure.

import { version } from '../../package.json'
import type { Refusal } from '../errors'
import { hashText, type Oid, workTreeDiffers } from '../git/git'
import { runCommand } from '../process/process'
import { settingOf } from '../settings/settings'
import { attest, person, type Store } from '../store/store'
import { gateNames } from '../trust/trust'
import { commitNamed } from './subject'

export interface Recorded {
  command: string
  commit: Oid
  tree: Oid
  /** The command's exit status; 128 and more when a signal ended it, 124 at the time limit. */
  status: number
  /** SHA-256 of what it printed. */
  digest: string
  ms: number
  /** What it printed, harmless. */
  output: string
}

/** Source: signal(7), POSIX numbers. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/**
 * Runs what the person typed, at the top of the working tree, and notes how it ended in refs/notes/dstack/run. Refused: NOT_CLEAN
 * when the working tree is not what HEAD holds, before or after. @throws NOT_FOUND without a commit
 */
export async function runRecorded(store: Store, command: string): Promise<Recorded | Refusal> {
  const { env, repo } = store
  const before = workTreeDiffers(env, repo)
  if (before !== null || repo.workTree === null) {
    return {
      refused: 'NOT_CLEAN',
      message: `The working tree is not what HEAD holds (${before}), so this would be evidence of nothing.`,
      hint: 'Commit first, or let git ignore the file.',
    }
  }
  const { oid, tree } = commitNamed(store, 'HEAD')
  const limitSeconds = Number(settingOf(store, 'gate.limitSeconds').value)
  const ran = await runCommand(env, { command, cwd: repo.workTree, limitSeconds, names: gateNames(repo) })
  const moved = repo.work.head().oid === oid ? workTreeDiffers(env, repo) : 'HEAD has moved'
  const status = ran.timedOut ? 124 : (ran.status ?? 128 + (SIGNALS[ran.signal ?? ''] ?? 0))
  if (moved !== null) {
    return {
      refused: 'NOT_CLEAN',
      message: `It ended with ${status}, but the working tree is no longer what HEAD holds (${moved}). Nothing was noted.`,
      hint: 'Let git ignore what the command leaves behind.',
      data: { status },
    }
  }
  const facts = { command, commit: oid, tree, status, output: hashText(ran.text), ms: ran.ms }
  const line = { t: 'run', ...facts, version, by: person(store).by, at: env.now().toISOString() }
  attest(store, 'run', tree, line)
  attest(store, 'run', oid, line)
  return { command, commit: oid, tree, status, digest: facts.output, ms: ran.ms, output: ran.output }
}
