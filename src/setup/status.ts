// status: one screen. Mostly two git processes: the working tree, and what differs between here and the remote.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { type Config, type Oid, openRepo, type Repo, withoutCredentials } from '../git/git'
import { keyOf } from '../store/keys'
import { isInbox, isOurs, kindOf, MEMORY, OUR_PREFIXES, trackedRef, trackingPrefix } from '../store/names'
import type { SyncRecord } from '../sync/schema'
import { hookPlace } from './hook'
import { readInstalled } from './installed'
import { optIn } from './opt-in'
import type { StatusReport } from './schema'

export async function status(env: Env): Promise<StatusReport> {
  const repo = openRepo(env)
  const { config } = repo
  const { enabled, disabled } = optIn(env.vars, config)
  const remote = config.get('dstack.remote') ?? null
  const transport = config.get('dstack.transport') ?? 'refs'
  const url = config.get(`remote.${remote}.url`)
  const record = enabled ? readOurs<SyncRecord>(env, repo, 'sync.json') : null
  const sides = enabled ? await bothSides(env, repo, remote, transport) : { local: new Map(), tracked: new Map() }
  const synced = record?.remote === remote ? record : null
  const report: Omit<StatusReport, 'next'> = {
    folder: repo.workTree ?? repo.gitDir,
    ...workTree(env, repo),
    enabled,
    disabled,
    remote,
    url: url === undefined ? null : withoutCredentials(url),
    transport,
    ...difference(repo, sides),
    ...counted(env, repo, sides.local.get(MEMORY) ?? sides.tracked.get(MEMORY)),
    lastSync: synced?.at ?? null,
    waitUntil: synced?.waitUntil ?? null,
    hook: hookState(env, repo),
  }
  return { ...report, next: nextSteps(report) }
}

/** What the search index counted when it was made last. */
interface Counts {
  v: 1
  /** The commit that it was made of. */
  tip: Oid
  entries: number
  conflicts: number
}

/** The index's counts, and the documents that came or went since. What was only forgotten since still counts. */
function counted(env: Env, repo: Repo, tip: Oid | undefined): Pick<StatusReport, 'entries' | 'conflicts'> {
  const counts = tip === undefined ? null : readOurs<Counts>(env, repo, 'cache/memory.counts.json')
  if (tip === undefined || counts === null) return { entries: null, conflicts: null }
  const { entries, conflicts } = counts
  if (counts.tip === tip) return { entries, conflicts }
  try {
    const keys = repo.diff(counts.tip, tip).filter(({ path }) => !path.startsWith('usage/') && keyOf(path) !== null)
    const more = keys.filter(({ before }) => before === null).length - keys.filter(({ after }) => after === null).length
    return { entries: entries + more, conflicts }
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return { entries: null, conflicts: null } // that commit is not here any more
  }
}

/** A file that another part of us has left; null when it is not there, torn, or of another version. */
function readOurs<T extends { v: 1 }>(env: Env, repo: Repo, name: string): T | null {
  try {
    const value = JSON.parse(env.files.read(repo.ours(name))?.toString('utf8') ?? 'null') as T | null
    return value?.v === 1 ? value : null
  } catch {
    return null // torn: whoever wrote it makes it anew
  }
}

type WorkTree = Pick<StatusReport, 'branch' | 'changedFiles' | 'upstream'>

function workTree(env: Env, repo: Repo): WorkTree {
  const filters = foreignFilters(repo.config)
  // A name with `=` can't be given to `git -c`: then nothing that could start it is run.
  if (repo.workTree === null || filters.some((name) => name.includes('='))) {
    const head = env.files.read(join(repo.gitDir, 'HEAD'))?.toString('utf8') ?? ''
    return { branch: /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1] ?? null, changedFiles: null, upstream: null }
  }
  const off = filters.flatMap((name) => ['-c', `${name}=`])
  const args = ['status', '--porcelain=v2', '--branch', '--untracked-files=no', '--ignore-submodules=dirty']
  return parseStatus(repo.git([...off, ...args]).stdout)
}

/** `git status` runs clean filters on what looks changed. Only the user's own may name one (git-lfs is one of those). */
function foreignFilters({ values }: Config): string[] {
  const isOwn = (scope: string) => scope === 'system' || scope === 'global'
  const foreign = values.filter(
    ({ name, scope }) => /^filter\..*\.(clean|process|required)$/.test(name) && !isOwn(scope),
  )
  return foreign.map(({ name }) => name)
}

/** Source: git-status(1), "Porcelain Format Version 2". */
export function parseStatus(text: string): WorkTree {
  const field = (name: string) => new RegExp(`^# branch\\.${name} (.*)$`, 'm').exec(text)?.[1]
  const [, ahead, behind] = /^\+(\d+) -(\d+)$/.exec(field('ab') ?? '') ?? []
  const head = field('head') ?? null
  const upstream = field('upstream')
  return {
    branch: head === '(detached)' ? null : head,
    changedFiles: text.match(/^[12u] /gm)?.length ?? 0,
    upstream:
      upstream === undefined ? null : { name: upstream, ahead: Number(ahead ?? 0), behind: Number(behind ?? 0) },
  }
}

interface Sides {
  local: ReadonlyMap<string, Oid>
  tracked: ReadonlyMap<string, Oid>
}

/** Our refs here and as fetched. Only a branch as transport has to be looked into, and loads what can. */
async function bothSides(env: Env, repo: Repo, remote: string | null, transport: string): Promise<Sides> {
  if (transport !== 'refs') {
    const [{ storeOf }, { tipsByRef }] = await Promise.all([import('../store/store'), import('../sync/sync')])
    return tipsByRef(storeOf(env, repo))
  }
  const local = new Map<string, Oid>()
  const tracked = new Map<string, Oid>()
  for (const { ref, oid } of repo.tips(...OUR_PREFIXES, ...(remote === null ? [] : [trackingPrefix(remote)]))) {
    const theirs = remote === null ? null : trackedRef(remote, ref)
    if (isInbox(theirs ?? ref)) continue
    if (isOurs(ref)) local.set(ref, oid)
    else if (theirs !== null) tracked.set(theirs, oid)
  }
  return { local, tracked }
}

/** Writes on one side only, counted by one process over all refs of which the two sides differ. */
function difference(repo: Repo, { local, tracked }: Sides): { unsynced: number; received: number } {
  const both: string[] = []
  const counts = { unsynced: 0, received: 0 }
  for (const ref of new Set([...local.keys(), ...tracked.keys()])) {
    const [here, there] = [local.get(ref), tracked.get(ref)]
    if (here === there) continue
    if (here !== undefined && there !== undefined) both.push(`${there}...${here}`)
    else if (here !== undefined) counts.unsynced += countCommits(repo, here)
    else if (there !== undefined && kindOf(ref) === 'convergent') counts.received += countCommits(repo, there)
  }
  if (both.length === 0) return counts
  const args = ['rev-list', '--left-right', '--no-merges', '--count', '--end-of-options', ...both]
  const [, left, right] = /^(\d+)\t(\d+)/.exec(repo.git(args).stdout) ?? []
  return { unsynced: counts.unsynced + Number(right), received: counts.received + Number(left) }
}

function countCommits(repo: Repo, tip: Oid): number {
  return Number(repo.git(['rev-list', '--no-merges', '--count', '--end-of-options', tip]).stdout)
}

function hookState(env: Env, repo: Repo): StatusReport['hook'] {
  const place = hookPlace(env, repo)
  if (place.kind === 'ours' ? place.current : place.called) return 'installed'
  return readInstalled(env, repo)?.noHooks ? 'unwanted' : 'missing'
}

/** The most useful first. */
export function nextSteps(report: Omit<StatusReport, 'next'>): string[] {
  const { disabled, enabled, remote, hook, unsynced, received, conflicts, entries } = report
  if (disabled !== null)
    return [disabled.startsWith('DSTACK') ? 'unset DSTACK_DISABLED' : 'git config --unset dstack.disabled']
  if (!enabled) return ['git dstack init']
  const next: string[] = []
  if (conflicts !== null && conflicts > 0) next.push('git dstack conflicts')
  if (remote === null) next.push('git remote add origin <url> && git dstack init')
  else if (received > 0) next.push('git dstack sync')
  else if (unsynced > 0) next.push(hook === 'installed' ? 'git push' : 'git dstack sync')
  if (remote !== null && hook === 'missing') next.push('git dstack init')
  if (entries === 0) next.push('git dstack remember "<what the next one should know>"')
  return next
}
