// git's pre-push hook: takes the state along to the elected remote, within a time limit, in one line at most.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Repo } from '../git/git'
import { isDryRun } from './push-command'

/** Seconds for everything. Setting: dstack.pushLimit. */
const LIMIT = 10
const MAX_LIMIT = 600

/** `args`: what git gives to the hook, the remote's name (or URL) and URL. */
export async function prePush(env: Env, args: readonly string[]): Promise<void> {
  const { vars } = env
  if (vars.DSTACK_NESTED || vars.DSTACK_DISABLED) return
  const { openRepo } = await import('../git/git')
  const repo = openRepo(env)
  const { config } = repo
  if (!config.flag('dstack.enabled', false) || config.flag('dstack.disabled', false)) return
  const [remote] = args
  if (remote === undefined || remote !== config.get('dstack.remote')) return
  if (isDryRun(env, process.ppid) !== false) return
  const line = await Promise.race([send(env, repo, remote), late(remote, limitOf(repo))])
  if (line !== null) env.out.say(`dstack: ${harmless(line)}\n`)
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
    const [{ OUR_PREFIXES, ownRefs, storeOf }, { sync }] = await Promise.all([
      import('../store/store'),
      import('../sync/sync'),
    ])
    const store = storeOf(env, repo)
    const refs = ownRefs(
      store,
      repo.tips(...OUR_PREFIXES).map(({ ref }) => ref),
    )
    if (refs.every(({ local, tracked }) => local === tracked)) return null
    const report = await sync(store, { background: true, limit: limitOf(repo) * 1000 })
    const stuck = report.refs.find(({ outcome }) => ['refused', 'secret', 'stale', 'newer'].includes(outcome))
    if (stuck !== undefined) return `${stuck.ref} was not sent to ${remote}: ${stuck.detail ?? stuck.outcome}`
    return report.sent === 0 ? null : `${report.sent} sent to ${remote}`
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return `not sent to ${remote}: ${error.message}`
  }
}

/** On one line and without anything that moves a terminal: a part of it may come from the remote. */
function harmless(line: string): string {
  return line.replace(/\p{C}+/gu, ' ')
}
