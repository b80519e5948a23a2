// git's pre-push hook: takes the state along to the elected remote, within a time limit, in one line at most.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Repo } from '../git/git'
import { here, oneLine, optedIn } from './gated'
import { isDryRun } from './push-command'

/** Seconds for everything. Setting: dstack.pushLimit. */
const LIMIT = 10
const MAX_LIMIT = 600

/** `args`: what git gives to the hook, the remote's name (or URL) and URL. */
export async function prePush(env: Env, args: readonly string[]): Promise<number> {
  const repo = await optedIn(env)
  const [remote] = args
  if (repo === null || remote === undefined || remote !== repo.config.get('dstack.remote')) return 0
  if (isDryRun(env, process.ppid) !== false) return 0
  const line = await Promise.race([send(env, repo, remote), late(remote, limitOf(repo))])
  if (line !== null) env.out.say(`dstack: ${oneLine(line)}\n`)
  const around = await goneAround(env, repo, remote)
  if (around !== null) env.out.say(`dstack: ${oneLine(around)}\n`)
  return 0
}

/** More commits at once are looked at by `git dstack evidence check`, which nobody waits for. */
const MOST_COMMITS = 200
const MOST_NAMED = 5

/** What of the checked-out branch the remote gets now and no verdict counts for: hooks never saw it. It only says so. */
async function goneAround(env: Env, repo: Repo, remote: string): Promise<string | null> {
  const at = await here(env)
  if (at === null || at.mode === 'off' || repo.work.head().oid === null) return null
  const known = repo.tips(`refs/remotes/${remote}/`).map(({ oid }) => `^${oid}`)
  const args = ['rev-list', '--count', '--end-of-options', 'HEAD', ...known]
  const count = Number(repo.git(args).stdout)
  if (count === 0 || count > MOST_COMMITS) return null
  const [{ checkRange }, { contextByTrailers }] = await Promise.all([import('../gate/gate'), import('./task')])
  const checked = checkRange(at.store, ['HEAD', ...known], await contextByTrailers(at.store))
  const around = checked.filter(({ earned }) => !earned).map(({ commit }) => commit.slice(0, 8))
  if (around.length === 0) return null
  const named = around.slice(0, MOST_NAMED).join(', ')
  const more = around.length > MOST_NAMED ? ` and ${around.length - MOST_NAMED} more` : ''
  return `no verdict counts for ${named}${more} of what goes out; \`git dstack evidence check <range>\` says why.`
}

function limitOf(repo: Repo): number {
  const seconds = Number(repo.config.get('dstack.pushlimit') ?? LIMIT)
  return seconds > 0 && seconds <= MAX_LIMIT ? seconds : LIMIT
}

function late(remote: string, seconds: number): Promise<string> {
  const line = `not sent to ${remote}: no answer within ${seconds} s. Your work is kept; see \`git dstack sync\`.`
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000, line))
}

/** @returns what to say; null when there was nothing to send */
async function send(env: Env, repo: Repo, remote: string): Promise<string | null> {
  try {
    const [{ OUR_PREFIXES, ownRefs, storeOf }, { sync }, { noteTeamGate }] = await Promise.all([
      import('../store/store'),
      import('../sync/sync'),
      import('../settings/settings'),
    ])
    const store = storeOf(env, repo)
    const refs = ownRefs(
      store,
      repo.tips(...OUR_PREFIXES).map(({ ref }) => ref),
    )
    if (refs.every(({ local, tracked }) => local === tracked)) return null
    const report = await sync(store, { background: true, limit: limitOf(repo) * 1000 })
    noteTeamGate(store)
    const stuck = report.refs.find(({ outcome }) => ['refused', 'secret', 'stale', 'newer'].includes(outcome))
    if (stuck !== undefined) return `${stuck.ref} was not sent to ${remote}: ${stuck.detail ?? stuck.outcome}`
    return report.sent === 0 ? null : `${report.sent} sent to ${remote}`
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return `not sent to ${remote}: ${error.message}`
  }
}
