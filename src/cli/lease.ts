// Who alone may do something for a while: lease list, take, release.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import { duration, type Lease, listLeases, marginOf, releaseLease, takeLease } from '../lease/lease'
import { answer, examples, type Register, type Reply } from './command'
import { asList, type ListFlags, listed } from './lists'
import { withProgress } from './progress'
import { ready } from './ready'
import { relativeTime, safe, shortId } from './render'

const ASKING = 'Asking for the lease'

export const register: Register = (program, { handle }) => {
  const lease = program.command('lease').description('who alone may do something for a while')
  examples(
    lease,
    'git dstack lease list',
    'git dstack lease take release-main --purpose "release 1.4"',
    'git dstack lease release release-main',
  )

  const listing = lease
    .command('list')
    .description('the leases that are known here')
    .action(handle(async (env, flags: ListFlags) => list(env, flags)))
  asList(
    listing,
    'name, held or released, holder, host, session, seconds to live, seconds unchanged, id, time, purpose',
  )
  examples(
    listing,
    'git dstack lease list',
    '# as the remote has them now',
    'git fetch && git dstack lease list --json',
  )

  const taking = lease
    .command('take')
    .description('take a lease, or renew your own')
    .argument('<name>', 'what it is for all: small letters, digits, dots, dashes and underscores')
    .option('--ttl <seconds>', 'for how long; 900 when absent', secondsOf)
    .option('--purpose <text>', 'what for, so that the others know', 'taken by hand')
    .action(handle(async (env, name: string, flags: { ttl?: number; purpose: string }) => take(env, name, flags)))
  examples(
    taking,
    'git dstack lease take release-main --purpose "release 1.4"',
    '# for two hours',
    'git dstack lease take migrate-db --ttl 7200',
  )

  const releasing = lease
    .command('release')
    .description('give a lease back')
    .argument('<name>', 'the lease')
    .action(handle(async (env, name: string) => release(env, name)))
  examples(releasing, 'git dstack lease release release-main', 'git dstack lease release migrate-db --json')
}

function secondsOf(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new DstackError('USAGE', `"${text}" is no number of seconds.`, {
    hint: 'For example --ttl 900 for 15 minutes.',
  })
}

async function list(env: Env, flags: ListFlags): Promise<Reply> {
  const store = await ready(env)
  if (store.carrier !== null) {
    return {
      refused: 'REMOTE_REFUSED',
      message: `There are no leases where the branch ${store.carrier} carries the state.`,
      hint: 'They need a remote that takes refs under refs/dstack/.',
    }
  }
  const leases = listLeases(store)
  const rows = leases.map(({ name, state, holder, host, session, ttl, age, id, at, purpose }) => {
    return [name, state, holder, host, session ?? '', String(ttl), age === null ? '' : String(age), id, at, purpose]
  })
  const text = () => (leases.length === 0 ? 'No leases.' : leases.map((lease) => row(env, lease)))
  return listed(env, flags, { value: { leases }, rows, text })
}

function row(env: Env, { name, state, holder, host, mine, ttl, age, at, purpose }: Lease): string[] {
  const when = relativeTime(new Date(at), env.now())
  const who = mine ? 'held here' : `${state === 'held' ? 'held' : 'released'} by ${safe(holder.replace(/ <.*/, ''))}`
  const left = mine ? Math.max(0, ttl - (age ?? 0) - marginOf(ttl)) : ttl - (age ?? 0)
  const next = mine
    ? `for ${duration(left)} more`
    : age !== null && left <= 0
      ? 'may be taken over'
      : `on ${safe(host)}`
  return [safe(name), who, state === 'held' ? next : '', when, safe(purpose)]
}

async function take(env: Env, name: string, options: { ttl?: number; purpose: string }): Promise<Reply> {
  const lease = await withProgress(env, ASKING, async () => takeLease(await ready(env), name, options))
  if (isRefusal(lease)) return lease
  const { ttl, age, id } = lease
  const left = Math.max(0, ttl - (age ?? 0) - marginOf(ttl))
  return answer(
    { lease },
    () => `${name} is yours for ${duration(left)}; take it again before, to keep it (${shortId(id)}).`,
  )
}

async function release(env: Env, name: string): Promise<Reply> {
  const outcome = await withProgress(env, ASKING, async () => releaseLease(await ready(env), name))
  if (isRefusal(outcome)) return outcome
  const text = outcome === 'released' ? `Released ${name}.` : `${name} is not held by this working tree.`
  return answer({ name, outcome }, () => text, { exit: outcome === 'released' ? 0 : 1 })
}
