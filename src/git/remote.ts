// Talking to a remote: fetch into tracking refs, push each ref for itself, read tips back. Never without a time limit.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Config } from './config'
import { type GitCall, git, gitFailure, gitLong, withoutCredentials } from './exec'
import type { Layout } from './layout'
import type { Oid } from './objects'
import { checkRef, type RefTip } from './refs'

export interface RefUpdate {
  dst: string
  /** null removes the ref. */
  src: Oid | null
  /** The remote's value that this update replaces; the push is refused when it holds another. null: nothing there. */
  expect?: Oid | null
}

export interface PushResult {
  dst: string
  /** `raced`: somebody was faster, fetch and try again. `refused`: the remote's policy; trying again is no use. */
  outcome: 'done' | 'raced' | 'refused'
  /** What the remote said. */
  reason: string
}

/** Milliseconds for one network call: somebody waits for it. Background work may wait longer. */
export const FOREGROUND_LIMIT = 30_000

/** Configured remotes and their fetch refspecs. */
export function remotes(config: Config): { name: string; url: string; fetch: string[] }[] {
  const names = config.values.flatMap(({ name }) => /^remote\.(.+)\.url$/.exec(name)?.[1] ?? [])
  return [...new Set(names)].map((name) => ({
    name,
    url: config.get(`remote.${name}.url`) ?? '',
    fetch: config.all(`remote.${name}.fetch`),
  }))
}

/** A remote is only ever named by its configured name. */
export function checkRemote(config: Config, name: string): string {
  const known = remotes(config).map((remote) => remote.name)
  if (!known.includes(name) || !/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(name)) {
    const list = known.length === 0 ? 'there is none' : `there are: ${known.join(', ')}`
    throw new DstackError('NO_REMOTE', `There is no remote "${name}" (${list}).`, {
      hint: 'Add one with `git remote add origin <url>`, then run `git dstack init`.',
    })
  }
  return name
}

/** The URL that git would use, after `insteadOf`, without credentials. */
export function remoteUrl(env: Env, layout: Layout, name: string): string {
  const done = git(env, layout.place, ['remote', 'get-url', '--', name])
  return withoutCredentials(done.stdout.toString('utf8').trim())
}

/** Fetches with exactly these refspecs, and prunes only what they cover. */
export async function fetchRefs(
  env: Env,
  layout: Layout,
  config: Config,
  remote: string,
  refspecs: readonly string[],
  options: { limit?: number; prune?: boolean } = {},
): Promise<void> {
  const args = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--no-filter', // a partial clone must hold our documents whole
    '--refmap=',
    `--upload-pack=${config.own(`remote.${remote}.uploadpack`) ?? 'git-upload-pack'}`,
    options.prune ? '--prune' : '--no-prune',
    '--',
    checkRemote(config, remote),
    ...refspecs,
  ]
  await gitLong(env, layout.place, args, network(env, config, remote, options.limit))
}

/** Fetches from a folder or a bundle on this machine; the path must be absolute, so that it can't be an option or a URL. */
export async function fetchPath(
  env: Env,
  layout: Layout,
  config: Config,
  path: string,
  refspecs: readonly string[],
): Promise<void> {
  const args = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--refmap=',
    '--',
    path,
  ]
  await gitLong(env, layout.place, [...args, ...refspecs], network(env, config, '.', undefined))
}

/** The remote's tips, read fresh. Patterns as in `git ls-remote`. */
export async function remoteTips(
  env: Env,
  layout: Layout,
  config: Config,
  remote: string,
  patterns: readonly string[],
  limit?: number,
): Promise<RefTip[]> {
  const program = config.own(`remote.${remote}.uploadpack`) ?? 'git-upload-pack'
  const args = ['ls-remote', '--refs', `--upload-pack=${program}`, '--', checkRemote(config, remote), ...patterns]
  const done = await gitLong(env, layout.place, args, network(env, config, remote, limit))
  const lines = done.stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line.includes('\t'))
  return lines.map((line) => ({ oid: line.slice(0, line.indexOf('\t')), ref: line.slice(line.indexOf('\t') + 1) }))
}

/** Pushes each update for itself: a refused one doesn't hold the others back. */
export async function pushRefs(
  env: Env,
  layout: Layout,
  config: Config,
  remote: string,
  updates: readonly RefUpdate[],
  limit?: number,
): Promise<PushResult[]> {
  const leases = updates.filter((update) => update.expect !== undefined)
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--recurse-submodules=no',
    '--no-signed',
    `--receive-pack=${config.own(`remote.${remote}.receivepack`) ?? 'git-receive-pack'}`,
    ...leases.map(({ dst, expect }) => `--force-with-lease=${checkRef(dst)}:${expect ?? ''}`),
    '--',
    checkRemote(config, remote),
    ...updates.map(({ src, dst }) => `${src ?? ''}:${checkRef(dst)}`),
  ]
  const call = network(env, config, remote, limit)
  const done = await gitLong(env, layout.place, args, { ...call, ok: [0, 1, 128] })
  const results = parsePush(done.stdout.toString('utf8'), done.stderr)
  const answered = new Set(results.map((result) => result.dst))
  if (updates.some((update) => !answered.has(update.dst))) throw gitFailure(done, 'push', true)
  return results
}

const RACED =
  /fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|incorrect old value|reference already exists|remote ref updated since|failed to lock/

/** `<flag>\t<from>:<to>\t<summary> (<reason>)`, one line a ref. */
export function parsePush(stdout: string, stderr: string): PushResult[] {
  return stdout.split('\n').flatMap((line): PushResult[] => {
    const match = /^(.)\t[^\t]*:([^\t:]+)\t(.*)$/.exec(line)
    if (match === null) return []
    const [, flag = '', dst = '', summary = ''] = match
    if (flag !== '!') return [{ dst, outcome: 'done', reason: '' }]
    if (RACED.test(summary)) return [{ dst, outcome: 'raced', reason: summary }]
    const said = stderr.split('\n').flatMap((text) => /^remote: (.*\S)/.exec(text)?.[1] ?? [])
    return [{ dst, outcome: 'refused', reason: withoutCredentials([summary, ...said].join('; ')) }]
  })
}

/** What every network call gets: programs only from the user's own configuration, no questions, a time limit. */
function network(env: Env, config: Config, remote: string, limit = FOREGROUND_LIMIT): GitCall {
  refuseForeignPrograms(config, remote)
  const allowed = [
    'https',
    'ssh',
    'file',
    ...config.ownAll('dstack.allowprotocol').flatMap((words) => words.split(/[\s:,]+/)),
  ]
  return {
    limit,
    remote: true,
    config: [
      'http.lowSpeedLimit=1',
      'http.lowSpeedTime=15',
      `remote.${remote}.mirror=false`,
      ...credentialOverrides(config),
      ...(config.own('core.askpass') === undefined && config.get('core.askpass') !== undefined
        ? ['core.askPass=']
        : []),
    ],
    vars: {
      GIT_ALLOW_PROTOCOL: allowed.filter((word) => /^[a-z][a-z0-9+.-]*$/.test(word) && word !== 'ext').join(':'),
      GIT_SSH_COMMAND: sshCommand(env, config),
      GIT_SSH_VARIANT: env.vars.GIT_SSH_VARIANT ?? config.own('ssh.variant'),
      ...(env.vars.GIT_ASKPASS === undefined && config.own('core.askpass') === undefined
        ? { GIT_ASKPASS: 'true' }
        : {}),
      SSH_ASKPASS_REQUIRE: env.vars.SSH_ASKPASS_REQUIRE ?? 'never',
      DSTACK_NESTED: '1', // our own pre-push hook must not start another sync
    },
  }
}

function sshCommand(env: Env, config: Config): string | undefined {
  if (env.vars.GIT_SSH_COMMAND !== undefined || env.vars.GIT_SSH !== undefined) return env.vars.GIT_SSH_COMMAND
  return config.own('core.sshcommand') ?? 'ssh -oBatchMode=yes -oConnectTimeout=10'
}

/** A repository must not name a helper program. Where it does, the list is emptied and the user's own are put back. */
function credentialOverrides(config: Config): string[] {
  const helpers = config.values.filter(({ name }) => /^credential\.(.*\.)?helper$/.test(name))
  const isOwn = (scope: string) => scope === 'system' || scope === 'global' || scope === 'command'
  if (helpers.every(({ scope }) => isOwn(scope))) return []
  const foreign = helpers.filter(({ scope }) => !isOwn(scope))
  const emptied = [...new Set(['credential.helper', ...foreign.map(({ name }) => name)])].map((name) => `${name}=`)
  return [...emptied, ...helpers.filter(({ scope }) => isOwn(scope)).map(({ name, value }) => `${name}=${value}`)]
}

/** Settings by which a repository could run a program on fetch or push and that git lets nobody override. */
function refuseForeignPrograms(config: Config, remote: string): void {
  const names = [`remote.${remote}.vcs`, 'core.gitproxy']
  const foreign = config.values.find(
    ({ name, scope }) => names.includes(name) && (scope === 'local' || scope === 'worktree'),
  )
  if (foreign === undefined) return
  throw new DstackError('UNTRUSTED', `The repository's own configuration sets ${foreign.name}, which runs a program.`, {
    hint: 'If you set it yourself, move it to your global configuration; otherwise remove it.',
  })
}
