// What the hooks around a commit have in common: whether they have a say here, and how they say it.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Repo } from '../git/git'
import type { Store } from '../store/store'

/** One thing that is not as it should be. */
export interface Objection {
  /** Sentences: what, and what to do about it. */
  said: string
  /** It stops the commit also where the gate is off or only reminds. */
  always?: boolean
  /** It never stops a commit by itself. */
  never?: boolean
}

export interface Here {
  repo: Repo
  store: Store
  mode: 'off' | 'remind' | 'strict'
}

/** The repository, where it has opted in and nothing switches git dstack off. */
export async function optedIn(env: Env): Promise<Repo | null> {
  const { vars } = env
  if (vars.DSTACK_NESTED || vars.DSTACK_DISABLED) return null
  const { openRepo } = await import('../git/git')
  const repo = openRepo(env)
  const { config } = repo
  return config.flag('dstack.enabled', false) && !config.flag('dstack.disabled', false) ? repo : null
}

/** Where the gate stands, without a process; null where the team, the clone or nobody wants hooks to have a say. */
export async function here(env: Env): Promise<Here | null> {
  const repo = await optedIn(env)
  if (repo === null) return null
  const [{ gateMode }, { storeOf }] = await Promise.all([import('../settings/settings'), import('../store/store')])
  const { mode, disabled } = gateMode(repo.config)
  return disabled ? null : { repo, store: storeOf(env, repo), mode }
}

/**
 * Asks, and says what is wrong: on as many lines as it takes where the commit is refused, on one where it goes on. Should asking
 * itself fail, nobody knows whether the commit may be made, and strict mode refuses it.
 * @returns the exit status of the hook
 */
export async function decide(env: Env, at: Here, ask: () => Promise<readonly Objection[]>): Promise<number> {
  let objections: readonly Objection[]
  try {
    objections = await ask()
  } catch (error) {
    if (env.vars.DSTACK_DEBUG) env.out.say(`${error instanceof Error ? error.stack : String(error)}\n`)
    const why = error instanceof DstackError ? error.message : `A defect in git dstack: ${String(error)}.`
    objections = [{ said: `The commit could not be looked at. ${why}` }]
  }
  const stops = ({ always, never }: Objection) => never !== true && (always === true || at.mode === 'strict')
  if (objections.length > 0 && objections.some(stops) && !(await stillOn(env))) return 0
  const refused = objections.filter(stops)
  if (refused.length > 0) {
    for (const { said } of refused) env.out.say(`dstack: ${oneLine(said)}\n`)
    return 1
  }
  if (objections.length > 0) env.out.say(`dstack: ${objections.map(({ said }) => oneLine(said)).join(' ')}\n`)
  return 0
}

/** What the team has switched off since may have come with a plain `git fetch`: looked up before anything is refused. */
async function stillOn(env: Env): Promise<boolean> {
  try {
    const at = await here(env)
    if (at === null) return false
    const { noteTeamGate, teamDisabled } = await import('../settings/settings')
    noteTeamGate(at.store)
    return teamDisabled(at.store) === null
  } catch {
    return true // a clone that can't be written to is no reason to let something through
  }
}

/** On one line and without anything that moves a terminal: a part of it may come from elsewhere. */
export function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').trim()
}
