// uninstall: takes out of a clone what init put in, to the byte; our refs stay unless they are asked to go.

import { dirname, join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError, type Refusal } from '../errors'
import type { RefTip } from '../git/git'
import { fetchRefspecs, OUR_PREFIXES, openStore, type Store } from '../store/store'
import { carrierRefspec, electedRemote, unsynced } from '../sync/sync'
import { hooksWithBlock, readText } from './hook'
import { isEmptyHook, withoutBlock } from './hook-block'
import { readInstalled } from './installed'
import { readLocalConfig, replaceConfig, strippedConfig } from './local-config'
import type { Installed, UninstallReport } from './schema'

export interface UninstallOptions {
  /** Remove our refs, too. Refused while the remote does not hold all of it. */
  refs?: boolean
}

const ALL_PREFIXES = [...OUR_PREFIXES, 'refs/dstack-remotes/', 'refs/dstack-local/']

/** Takes everything of ours out of the clone. */
export async function uninstall(env: Env, options: UninstallOptions = {}): Promise<UninstallReport | Refusal> {
  const store = openStore(env)
  const { repo } = store
  if (options.refs) {
    const refusal = await refuseLoss(store)
    if (refusal !== null) return refusal
  }
  const refs = repo.tips(...ALL_PREFIXES)
  const record = readInstalled(env, repo)
  const removed: string[] = []
  const hooks = takeOutHooks(store, record)
  removed.push(...hooks.removed)
  const config = takeOutConfig(store, record)
  if (config.changed) removed.push('the settings of git dstack in the configuration of this repository')
  if (options.refs) for (const tip of refs) removeRef(store, tip)
  for (const folder of ourFolders(store)) {
    if (env.files.stat(folder) === null) continue
    env.files.remove(folder)
    removed.push(folder)
  }
  const names = refs.map(({ ref }) => ref)
  return {
    folder: repo.workTree ?? repo.gitDir,
    removed,
    restored: hooks.restored && config.restored,
    refs: options.refs ? { kept: [], removed: names } : { kept: names, removed: [] },
  }
}

/** The bytes from before, if all that has changed since is ours; else what is there now without ours. */
function takeOutConfig({ env, repo }: Store, record: Installed | null): { changed: boolean; restored: boolean } {
  let restored = true
  const now = readLocalConfig(env, repo)
  if (record === null && !/^\s*\[dstack\]|:refs\/dstack-remotes\//im.test(now)) return { changed: false, restored }
  const stripped = strippedConfig(env, repo, now)
  if (now === stripped && (record === null || now === record.config.before)) return { changed: false, restored }
  const changed = replaceConfig(env, repo, (text) => {
    const rest = text === now ? stripped : strippedConfig(env, repo, text)
    if (record === null) return rest
    const { before, after } = record.config
    const same = [before, after].some((known) => known !== undefined && strippedConfig(env, repo, known) === rest)
    restored = same
    return same ? before : rest
  })
  return { changed, restored }
}

function takeOutHooks({ env, repo }: Store, record: Installed | null): { removed: string[]; restored: boolean } {
  const removed: string[] = []
  const folders = new Set<string>()
  let restored = true
  for (const path of hooksWithBlock(env, repo, Object.keys(record?.hooks ?? {}))) {
    const text = readText(env, path) ?? ''
    const known = record?.hooks[path]
    const untouched = known !== undefined && known.after === text
    const rest = untouched ? (known.before?.text ?? null) : withoutBlock(text)
    if (rest === null || (isEmptyHook(rest) && (known?.before ?? null) === null)) {
      env.files.remove(path)
      if (known?.madeFolder) folders.add(dirname(path))
    } else {
      const mode = (env.files.stat(path)?.mode ?? 0o755) & 0o7777
      env.files.write(path, Buffer.from(rest, 'latin1'), { mode: untouched ? (known.before?.mode ?? mode) : mode })
    }
    restored &&= untouched
    removed.push(`the block in ${path}`)
  }
  for (const folder of folders) if (env.files.list(folder).length === 0) env.files.remove(folder)
  return { removed, restored }
}

/** The shared folder, and that of every worktree. */
function ourFolders({ env, repo }: Store): string[] {
  const worktrees = join(repo.commonDir, 'worktrees')
  const gitDirs = [repo.commonDir, repo.gitDir, ...env.files.list(worktrees).map((name) => join(worktrees, name))]
  return [...new Set(gitDirs)].map((folder) => join(folder, 'dstack'))
}

function removeRef({ repo }: Store, { ref, oid }: RefTip): void {
  if (repo.move(ref, null, oid, 'dstack: uninstall')) return
  throw new DstackError('CONTENDED', `${ref} has changed while it was to be removed.`, {
    hint: 'Run the command again: what is new is looked at first.',
  })
}

// --- nothing that only this clone has may go ------------------------------------------------------------------------

/** Asks the remote itself, now: what it held at the last fetch may be gone. */
async function refuseLoss(store: Store): Promise<Refusal | null> {
  const { repo, carrier } = store
  const local = repo.tips(...OUR_PREFIXES)
  if (local.length === 0) return null
  let remote: string
  try {
    remote = electedRemote(store)
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return loss(`No other place has what is in ${local.map(({ ref }) => ref).join(', ')}: ${error.message}`)
  }
  try {
    await repo.fetch(remote, carrier === null ? fetchRefspecs(remote) : [carrierRefspec(remote, carrier)], {
      prune: true,
    })
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return loss(`${remote} can't be asked whether it holds everything: ${error.message}`, 'Try again when it answers.')
  }
  const count = unsynced(store)
  if (count === 0) return null
  return loss(
    `${count === 1 ? '1 write is' : `${count} writes are`} in this clone and not on ${remote}.`,
    'Run `git dstack sync` first.',
  )
}

function loss(
  message: string,
  hint = 'Keep a copy with `git dstack export`; without --refs, uninstall keeps these refs.',
): Refusal {
  return { refused: 'REFUSED', message: `The refs stay. ${message}`, hint }
}
