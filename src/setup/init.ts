// init: opts a clone in. Looks, plans, then does what the plan says, and no more.

import { dirname, join, resolve } from 'node:path'
import type { Env } from '../env/env'
import { DstackError, refusalError } from '../errors'
import { remotes } from '../git/git'
import { matchesUrl, noteTeamGate } from '../settings/settings'
import {
  CONFIG,
  fetchRefspecs,
  kindOf,
  openStore,
  person,
  type Store,
  trackedRef,
  trackingPrefix,
  trackingTip,
  viewRef,
} from '../store/store'
import { DEFAULT_CARRIER } from '../sync/sync'
import { type Election, elect, missingRefspecs } from './elect'
import { writeFormat } from './format'
import { type HookPlace, hookPlaces, isTracked, readText } from './hook'
import { hasBlock, isEmptyHook, withBlock, withoutBlock } from './hook-block'
import { readInstalled, writeInstalled } from './installed'
import { type ConfigAction, changedConfig, readLocalConfig, replaceConfig, strippedConfig } from './local-config'
import { decideInit, type RemoteLook } from './plan'
import type { FolderReport, InitPlan, InitReport, Installed } from './schema'

export interface InitOptions {
  /** Name of the remote to elect. */
  remote?: string
  /** Default: true. */
  hooks?: boolean
  dryRun?: boolean
}

/** Milliseconds for each look at the remote: init works offline, too. */
const LOOK_LIMIT = 5_000
/** How deep `init --all` looks below its folder. */
const MAX_DEPTH = 5

/** What init would do. Changes nothing; asks the remote only where this clone never had its state. */
export async function planInit(env: Env, options: InitOptions = {}): Promise<InitPlan> {
  return plan(openStore(env), options)
}

async function plan(store: Store, options: InitOptions): Promise<InitPlan> {
  const { env, repo } = store
  const config = repo.freshConfig()
  const known = remotes(config)
  const election = electHere(store, options.remote)
  const remote = known.find(({ name }) => name === election.remote) ?? null
  const settled =
    remote === null ||
    (store.remote === remote.name && missingRefspecs(remote, fetchRefspecs(remote.name)).length === 0) ||
    repo.tips(trackingPrefix(remote.name)).length > 0
  const hooks = hookPlaces(env, repo)
  const facts = {
    folder: repo.workTree ?? repo.gitDir,
    config,
    remotes: known,
    election,
    hooks,
    trackedHooks: hooks.flatMap(({ kind, path }) => (kind === 'ours' && isTracked(repo, path) ? [path] : [])),
    wantsHooks: options.hooks ?? !(readInstalled(env, repo)?.noHooks ?? false),
    hasFormat: repo.tip(CONFIG) !== null || trackingTip(store, CONFIG) !== null,
    hasIdentity: hasIdentity(store),
  }
  // Hazards are known without the network: a refusal comes at once.
  const early = decideInit({ ...facts, look: null })
  if (early.refusal !== null || settled) return early
  return decideInit({ ...facts, look: await look(store, remote.name) })
}

function electHere({ repo }: Store, wanted?: string): Election {
  const config = repo.freshConfig()
  const branch = repo.git(['symbolic-ref', '--quiet', '--short', 'HEAD'], { ok: [0, 1] }).stdout.trim()
  return elect(remotes(config), config, wanted, branch === '' ? null : branch)
}

function hasIdentity(store: Store): boolean {
  try {
    return person(store).by !== ''
  } catch (error) {
    if (error instanceof DstackError && error.code === 'BAD_CONFIG') return false
    throw error
  }
}

async function look({ repo, env }: Store, remote: string): Promise<RemoteLook> {
  const done = env.out.progress(`Looking at ${remote}`)
  try {
    const patterns = ['refs/dstack/*', 'refs/notes/dstack/*', `refs/heads/${DEFAULT_CARRIER}`]
    return { refs: (await repo.remoteTips(remote, patterns, LOOK_LIMIT)).map(({ ref }) => ref) }
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return { unreachable: error.message.endsWith('.') ? error.message : `${error.message}.` }
  } finally {
    done()
  }
}

/** Opts this clone in: the plan, then the plan done. A second run finds nothing to do. @throws what the plan refuses */
export async function init(env: Env, options: InitOptions = {}): Promise<InitReport> {
  const store = openStore(env)
  const decided = await plan(store, options)
  if (decided.refusal !== null) throw refusalError(decided.refusal)
  if (options.dryRun) return { ...decided, dryRun: true, adopted: 0 }
  return { ...decided, dryRun: false, adopted: await carryOut(store, decided, options) }
}

/** @returns how many refs of the team are here now */
async function carryOut(store: Store, { steps, warnings }: InitPlan, options: InitOptions): Promise<number> {
  const { env, repo } = store
  const before = readInstalled(env, repo)
  const noHooks = options.hooks === undefined ? (before?.noHooks ?? false) : !options.hooks
  if (steps.length === 0 && before !== null && before.noHooks === noHooks) {
    noteTeamGate(store)
    return 0
  }
  const hooks = { ...before?.hooks }
  const record: Installed = { ...before, v: 1, config: { before: configBefore(store, before) }, hooks, noHooks }
  const wanted = steps.flatMap(({ action }) => (action.kind === 'hook' ? [action.path] : []))
  const places = hookPlaces(env, repo).filter(({ path }) => wanted.includes(path))
  const files = places.flatMap((place) => prepareHook(store, place, record))
  writeInstalled(env, repo, record)

  const changes = steps.map(({ action }) => action).filter((action): action is ConfigAction => action.kind === 'config')
  replaceConfig(env, repo, (text) => changedConfig(env, repo, text, changes))
  for (const { path, text, mode } of files) env.files.write(path, Buffer.from(text, 'latin1'), { mode })
  writeInstalled(env, repo, { ...record, config: { ...record.config, after: readLocalConfig(env, repo) } })

  const opted = openStore(env)
  const fetch = steps.map(({ action }) => action).find((action) => action.kind === 'fetch')
  const adopted = fetch === undefined ? 0 : await adopt(opted, fetch.refspecs, warnings)
  if (steps.some(({ action }) => action.kind === 'format')) writeFormat(opted)
  noteTeamGate(opted)
  return adopted
}

/** The user's own text: from before the first init, unless somebody has changed it since; then what it is without ours. */
function configBefore({ env, repo }: Store, record: Installed | null): string {
  const text = readLocalConfig(env, repo)
  if (record === null && !repo.config.flag('dstack.enabled', false)) return text
  const stripped = strippedConfig(env, repo, text)
  const known = record === null ? [] : [record.config.before, record.config.after ?? record.config.before]
  const same = known.some((former) => strippedConfig(env, repo, former) === stripped)
  return record !== null && same ? record.config.before : stripped
}

interface HookFile {
  path: string
  text: string
  mode: number
}

/** Notes in the record what the hook was, and gives what it is to be. */
function prepareHook({ env }: Store, place: HookPlace, record: Installed): HookFile[] {
  if (place.kind !== 'ours') return []
  const { hook, path, runner } = place
  const old = readText(env, path)
  const mode = old === null ? 0o755 : (env.files.stat(path)?.mode ?? 0o755) & 0o7777
  const text = withBlock(old, hook, runner)
  const madeFolder = env.files.stat(dirname(path)) === null
  const theirs = old === null || !hasBlock(old) ? old : withoutBlock(old)
  const before = theirs === null || (theirs !== old && isEmptyHook(theirs)) ? null : { text: theirs, mode }
  const known = record.hooks[path]
  const untouched = known !== undefined && known.after === old
  record.hooks[path] = {
    before: untouched ? known.before : before,
    after: text,
    madeFolder: known?.madeFolder ?? madeFolder,
  }
  return [{ path, text, mode }]
}

/** Fetches what the team has, and shows it in the local refs where there are none yet. */
async function adopt(store: Store, refspecs: readonly string[], warnings: string[]): Promise<number> {
  const { repo, remote } = store
  if (remote === null) return 0
  try {
    await repo.fetch(remote, refspecs, { limit: LOOK_LIMIT })
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    warnings.push(`The state of ${remote} could not be fetched: ${error.message} It comes with the next \`git fetch\`.`)
    return 0
  }
  const tracked = repo.tips(trackingPrefix(remote)).map(({ ref }) => trackedRef(remote, ref))
  for (const ref of tracked) if (ref !== null && kindOf(ref) === 'convergent') viewRef(store, ref)
  return tracked.length
}

/** init in every repository below a folder, one after the other; a line for each. */
export async function initAll(env: Env, folder: string, options: InitOptions = {}): Promise<FolderReport[]> {
  const reports: FolderReport[] = []
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, ...vars } = env.vars
  for (const found of clonesBelow(env, folder)) {
    reports.push(await initFolder({ ...env, vars, cwd: found }, options))
  }
  return reports
}

/** Every repository below a folder, in a stable order. */
export function clonesBelow(env: Env, folder: string): string[] {
  return [...repositoriesBelow(env, resolve(env.cwd, folder), MAX_DEPTH)]
}

async function initFolder(env: Env, options: InitOptions): Promise<FolderReport> {
  const folder = env.cwd
  try {
    const report = await init(env, options)
    const steps = report.steps.length === 1 ? '1 step' : `${report.steps.length} steps`
    const rest = report.warnings.length === 0 ? '' : ` ${report.warnings.join(' ')}`
    if (report.steps.length === 0) return { folder, outcome: 'nothing', message: `nothing to do.${rest}` }
    return {
      folder,
      outcome: report.dryRun ? 'planned' : 'done',
      message: `${steps}, remote: ${report.remote ?? 'none'}.${rest}`,
    }
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return {
      folder,
      outcome: 'refused',
      message: error.hint === undefined ? error.message : `${error.message} ${error.hint}`,
    }
  }
}

/** Working trees and bare repositories; what is inside of one is its own affair. Links are not followed. */
function* repositoriesBelow(env: Env, folder: string, depth: number): Generator<string> {
  const isThere = (name: string) => env.files.stat(join(folder, name)) !== null
  if (isThere('.git') || (isThere('HEAD') && isThere('objects') && isThere('refs'))) return yield folder
  if (depth === 0) return
  for (const name of env.files.list(folder).sort()) {
    const below = join(folder, name)
    if (name !== 'node_modules' && env.files.stat(below)?.kind === 'folder')
      yield* repositoriesBelow(env, below, depth - 1)
  }
}

/**
 * Opts a clone in at its first command when `dstack.autoInit` of the user's own configuration fits its remote's URL.
 * A clone with any `dstack.enabled` of its own is left as it is.
 * @returns the line to say, or null when nothing was done
 */
export async function autoInit(env: Env): Promise<string | null> {
  const store = openStore(env)
  const { config } = store.repo
  const patterns = config.ownAll('dstack.autoinit')
  if (patterns.length === 0 || config.get('dstack.enabled') !== undefined || env.vars.DSTACK_DISABLED) return null
  const { remote } = electHere(store)
  if (remote === null) return null
  const urls = [remotes(config).find(({ name }) => name === remote)?.url ?? '', store.repo.remoteUrl(remote)]
  if (!patterns.some((pattern) => urls.some((url) => matchesUrl(pattern, url)))) return null
  try {
    await init(env)
    return `git dstack: opted this clone in (dstack.autoInit); its state travels with ${remote}.\n`
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return `git dstack: this clone was not opted in (dstack.autoInit): ${error.message}\n`
  }
}
