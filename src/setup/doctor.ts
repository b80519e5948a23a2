// doctor: looks at everything that can go wrong, says what, why it matters and the exact command; mends one by one if asked.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { openStore, type Store } from '../store/store'
import { hazards, identity, opted, passing, pruning, refspecs } from './check-config'
import { emptyObjects, ownLock, staleLocks, temporaryFiles } from './check-files'
import { hooks } from './check-hooks'
import { formats, gitVersion, startUp } from './check-machine'
import { brokenRefs, clockSkew, gaps, newerFormat, shallowHistory, waiting } from './check-refs'
import { optIn } from './opt-in'
import { probeRemote } from './probe'
import type { Check, Problem } from './problem'
import type { DoctorReport, Finding, Severity } from './schema'

export interface DoctorOptions {
  /** Mend what can be mended: all of it, or only findings with these codes. */
  fix?: boolean | readonly string[]
  /** Say what would be mended, and change nothing. */
  dryRun?: boolean
  /** Also try the elected remote, with a ref that is removed again. */
  remote?: boolean
}

/** In every repository. */
const ALWAYS: readonly [subject: string, check: Check][] = [
  ['git', gitVersion],
  ['formats', formats],
  ['identity', identity],
  ['opt-in', opted],
  ['refspecs', hazards],
  ['node', startUp],
]
/** Where the clone has opted in. Files first: what they block, the others can't mend. */
const OPTED: typeof ALWAYS = [
  ['locks', staleLocks],
  ['our lock', ownLock],
  ['temporary files', temporaryFiles],
  ['empty objects', emptyObjects],
  ['refs', brokenRefs],
  ['objects', gaps],
  ['history', shallowHistory],
  ['format', newerFormat],
  ['tracking', refspecs],
  ['pruning', pruning],
  ['hooks', hooks],
  ['waiting', waiting],
  ['clocks', clockSkew],
  ['writer', passing],
]

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** Reads only, unless `fix` is given. The worst comes first. */
export async function doctor(env: Env, options: DoctorOptions = {}): Promise<DoctorReport> {
  const store = openStore(env)
  const findings: Finding[] = []
  const checks = optIn(env.vars, store.repo.config).enabled ? [...ALWAYS, ...OPTED] : ALWAYS
  for (const [subject, check] of checks) {
    const look = () => problemsOf(subject, check, openStore(env))
    for (const problem of look()) findings.push(await handled(look, problem, options))
  }
  if (options.remote) for (const problem of await probeRemote(openStore(env))) findings.push(finding(problem))
  findings.sort((a, b) => RANK[a.severity] - RANK[b.severity])
  return { findings, clean: findings.every(({ severity, fixed }) => severity === 'info' || fixed === true) }
}

/** A check that can't be made, because something else is broken, is a finding of its own. */
function problemsOf(subject: string, check: Check, store: Store): Problem[] {
  try {
    return check(store)
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    const command = error.hint ?? ''
    return [
      {
        code: error.code,
        severity: 'error',
        subject,
        what: error.message,
        risk: 'This could not be looked at.',
        command,
      },
    ]
  }
}

async function handled(look: () => Problem[], problem: Problem, { fix, dryRun }: DoctorOptions): Promise<Finding> {
  const wanted = fix === true || (Array.isArray(fix) && fix.includes(problem.code))
  if (!wanted || dryRun || problem.mend === undefined) return finding(problem)
  try {
    await problem.mend()
  } catch (error) {
    return { ...finding(problem), fixed: false, what: `${problem.what} Mending failed: ${(error as Error).message}` }
  }
  const still = look().some(({ code, subject }) => code === problem.code && subject === problem.subject)
  return { ...finding(problem), fixed: !still }
}

function finding({ mend, ...rest }: Problem): Finding {
  return { ...rest, fixable: mend !== undefined }
}
