// status: one screen. Mostly two git processes: the working tree, and what differs between here and the remote.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { foreignFilters, type Oid, openRepo, type Repo, withoutCredentials } from '../git/git'
import type { SettingValue } from '../settings/schema'
import { keyOf } from '../store/keys'
import {
  CONFIG,
  isFlow,
  isInbox,
  isLease,
  isOurs,
  kindOf,
  MEMORY,
  OUR_PREFIXES,
  trackedRef,
  trackingPrefix,
} from '../store/names'
import type { SyncRecord } from '../sync/schema'
import { hookPlace, hookPlaces } from './hook'
import { readInstalled } from './installed'
import { optIn } from './opt-in'
import type { FlowReport, GateReport, StatusReport } from './schema'

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
    flow: enabled ? await currentFlow(env, repo, sides) : null,
    lastSync: synced?.at ?? null,
    waitUntil: synced?.waitUntil ?? null,
    hook: hookState(env, repo),
    gate: await gateState(env, repo, enabled, sides),
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
  // `git status` runs clean filters on what looks changed. Only the person's own may name one.
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

/** Only where there are flows anything of them is loaded. */
async function currentFlow(env: Env, repo: Repo, { local, tracked }: Sides): Promise<FlowReport | null> {
  if (![...local.keys(), ...tracked.keys()].some(isFlow)) return null
  const [{ storeOf }, { listFlows, meantFlow }] = await Promise.all([import('../store/store'), import('../flow/flow')])
  const store = storeOf(env, repo)
  const flows = listFlows(store)
  const live = flows.filter(({ step }) => step !== 'Done' && step !== 'Aborted').length
  const meant = meantFlow(store)
  const flow = flows.find(({ slug }) => slug === meant)
  if (flow === undefined) {
    return live === 0 ? null : { slug: null, step: null, leaf: null, sealed: 0, leaves: 0, unverified: false, live }
  }
  const { slug, step, leaf, sealed, leaves, unverified } = flow
  return { slug, step, leaf, sealed, leaves, unverified: unverified === 'allow', live }
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
    if (isInbox(theirs ?? ref) || isLease(theirs ?? ref)) continue
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
  const place = hookPlace(env, repo, 'pre-push')
  if (place.kind === 'ours' ? place.current : place.called) return 'installed'
  return readInstalled(env, repo)?.noHooks ? 'unwanted' : 'missing'
}

/** What hooks go by, after what a plain `git fetch` may have brought; the switches only where there is a gate. */
async function gateState(env: Env, repo: Repo, enabled: boolean, { local, tracked }: Sides): Promise<GateReport> {
  const [{ gateMode, noteTeamGate, settingsOf, teamDisabled }, { storeOf }] = await Promise.all([
    import('../settings/settings'),
    import('../store/store'),
  ])
  let at = gateMode(repo.config)
  const store = storeOf(env, repo)
  if (at.disabled || (enabled && tracked.has(CONFIG) && tracked.get(CONFIG) !== local.get(CONFIG))) {
    noteTeamGate(store)
    at = gateMode(openRepo(env).config)
  }
  const wanted = enabled && readInstalled(env, repo)?.noHooks !== true
  const missing = hookPlaces(env, repo).filter((place) => !(place.kind === 'ours' ? place.current : place.called))
  const isOff = ({ name, value, layer }: SettingValue) =>
    layer !== 'default' && (value === 'off' || value === 'none') && /^(gate|questions|guard)\./.test(name)
  const on = enabled && at.mode !== 'off'
  return {
    mode: on ? at.mode : 'off',
    layer: at.layer,
    disabledBy: at.disabled ? teamDisabled(store) : null,
    off: on
      ? settingsOf(store)
          .filter(isOff)
          .map(({ name }) => name)
      : [],
    missing: wanted ? missing.map(({ hook }) => hook).filter((hook) => hook !== 'pre-push') : [],
  }
}

/** The most useful first. */
export function nextSteps(report: Omit<StatusReport, 'next'>): string[] {
  const { disabled, enabled, remote, hook, unsynced, received, conflicts, entries, flow, gate } = report
  if (disabled !== null)
    return [disabled.startsWith('DSTACK') ? 'unset DSTACK_DISABLED' : 'git config --unset dstack.disabled']
  if (!enabled) return ['git dstack init']
  const next: string[] = []
  if (conflicts !== null && conflicts > 0) next.push('git dstack conflicts')
  if (remote === null) next.push('git remote add origin <url> && git dstack init')
  else if (received > 0) next.push('git dstack sync')
  else if (unsynced > 0) next.push(hook === 'installed' ? 'git push' : 'git dstack sync')
  if ((remote !== null && hook === 'missing') || gate.missing.length > 0) next.push('git dstack init')
  if (flow !== null && flow.live > 0) next.push(flow.slug === null ? 'git dstack flow list' : 'git dstack flow show')
  if (entries === 0) next.push('git dstack remember "<what the next one should know>"')
  return next
}
