// State that comes another way than the elected remote: a ref, a branch, a bundle, another clone on this machine.

import { resolve } from 'node:path'
import { DstackError } from '../errors'
import type { Oid } from '../git/git'
import {
  carriedTips,
  foldInto,
  isInbox,
  isLease,
  isOurs,
  kindOf,
  OUR_PREFIXES,
  type Store,
  settleRemovals,
} from '../store/store'

export interface CarrierReport {
  /** What was taken in, and how. */
  refs: { ref: string; how: string }[]
}

/** Takes in any carrier: a bundle file, a folder with another clone, or a commit that carries tips. Adds, never drops. */
export async function foldCarrier(store: Store, carrier: string): Promise<CarrierReport> {
  const path = resolve(store.env.cwd, carrier)
  const tips = store.env.files.stat(path, 'follow') === null ? named(store, carrier) : await fetched(store, path)
  if (tips.size === 0) {
    throw new DstackError('NOT_FOUND', `"${carrier}" carries no state of git dstack.`, {
      hint: 'A carrier is a bundle of `git dstack export`, a folder with another clone, or a branch such as origin/dstack-state.',
    })
  }
  const lock = store.repo.lock()
  try {
    const refs = [...tips].map(([ref, oid]) => {
      const local = store.repo.tip(ref)
      if (isLease(ref) || (local === null && kindOf(ref) === 'linear')) return { ref, how: 'left to its owner' }
      return { ref, how: foldInto(store, ref, oid, false, lock).how }
    })
    return { refs }
  } finally {
    lock?.release()
  }
}

/** git takes any file for a pointer to a repository, and says something that helps nobody. */
function refuseOtherFiles(store: Store, path: string): void {
  if (store.env.files.stat(path, 'follow')?.kind !== 'file') return
  const head = store.env.files.open(path)
  const isBundle = head !== null && head.size > 16 && head.read(0, 16).toString('latin1').startsWith('# v')
  head?.close()
  if (isBundle) return
  throw new DstackError('NOT_FOUND', `${path} is no bundle.`, { hint: 'Make one with `git dstack export <file>`.' })
}

async function fetched(store: Store, path: string): Promise<Map<string, Oid>> {
  const incoming = `refs/dstack-local/incoming/${store.env.newId()}/`
  const refspecs = OUR_PREFIXES.map((prefix) => `+${prefix}*:${incoming}${prefix}*`)
  refuseOtherFiles(store, path)
  try {
    await store.repo.fetchPath(path, refspecs)
    const found = store.repo.tips(incoming).map(({ ref, oid }) => [ref.slice(incoming.length), oid] as const)
    const tips = new Map(found.filter(([ref]) => isOurs(ref) && !isInbox(ref)))
    for (const [ref, oid] of found)
      if (isInbox(ref)) for (const [name, tip] of carriedTips(store.repo, oid)) tips.set(name, tip)
    return tips
  } finally {
    for (const { ref, oid } of store.repo.tips(incoming)) store.repo.move(ref, null, oid, 'dstack: folded')
  }
}

/** A ref by any name that git knows; the commit either is a carrier, or the ref is one of ours under another name. */
function named(store: Store, name: string): Map<string, Oid> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_./@{}~^-]*$/.test(name)) {
    throw new DstackError('USAGE', `"${name}" is neither a file here nor the name of a commit.`)
  }
  const [commit] = store.repo.read([`${name}^{commit}`])
  if (commit?.type !== 'commit') return new Map()
  const carried = carriedTips(store.repo, commit.oid)
  if (carried.size > 0) return carried
  const tracking = /refs\/dstack-(?:remotes|local)\/.*\/(state|notes)\/(.+)$/.exec(name)
  if (tracking === null) return new Map()
  return new Map([[`${tracking[1] === 'notes' ? 'refs/notes/dstack/' : 'refs/dstack/'}${tracking[2]}`, commit.oid]])
}

/** Writes all state into one file that plain git understands (`git bundle`). */
export function exportBundle(store: Store, file: string): { file: string; refs: string[] } {
  settleRemovals(store, 'all')
  const refs = store.repo
    .tips(...OUR_PREFIXES)
    .map(({ ref }) => ref)
    .filter((ref) => !isInbox(ref) && !isLease(ref))
  if (refs.length === 0) throw new DstackError('NOT_FOUND', 'There is no state to export yet.')
  const path = resolve(store.env.cwd, file)
  store.repo.git(['bundle', 'create', '--quiet', path, ...refs])
  return { file: path, refs }
}
