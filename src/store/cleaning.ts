// Writing a chain once more without the texts that were removed: the same commits with stubs in their trees. Deterministic.

import { DstackError } from '../errors'
import type { Oid, Repo, TreeEntry } from '../git/git'
import { addEdits } from './combine'
import { MAX_DOCUMENT } from './document'
import { MERGE_MESSAGE } from './fold'
import { basePath, type Item, mergeItems, type Placed } from './merge'
import { basesOf, type Meant, meant, type Redaction, stubOf } from './redaction'
import type { Store } from './session'
import { editTree, type FileAt, foldersOf } from './tree'

/** Commits whose folders are read with one process. */
const CHUNK = 400

/** Removed versions that were found, by the id of their bytes. */
export type Held = ReadonlyMap<Oid, Meant>

/** The removed texts that these tips hold and `clean` ones don't, wherever they stand in history. */
export function heldBy(
  store: Store,
  tips: readonly Oid[],
  records: readonly Redaction[],
  clean: readonly Oid[] = [],
): Map<Oid, Meant> {
  if (records.length === 0 || tips.length === 0) return new Map()
  const { repo } = store
  return heldAmong(store, repo.reachable(tips, clean), records)
}

export function heldAmong(store: Store, oids: readonly Oid[], records: readonly Redaction[]): Map<Oid, Meant> {
  const held = new Map<Oid, Meant>()
  if (records.length === 0) return held
  for (const object of store.repo.read(oids, MAX_DOCUMENT)) {
    if (object?.type !== 'blob') continue
    const { oid, bytes } = object
    const found = meant(records, bytes).find(({ removed: { seal } }) => fits(store, oid, bytes, seal))
    if (found !== undefined) held.set(oid, found)
  }
  return held
}

/** Objects never change, so that each is tried once; the hash is slow on purpose. */
const TRIED = new WeakMap<Repo, Map<string, boolean>>()

function fits({ repo }: Store, oid: Oid, bytes: Uint8Array, seal: string): boolean {
  const tried = TRIED.get(repo) ?? new Map<string, boolean>()
  TRIED.set(repo, tried)
  const name = `${oid} ${seal}`
  const verdict = tried.get(name) ?? repo.seal(bytes, seal) === seal
  tried.set(name, verdict)
  return verdict
}

interface Commit {
  oid: Oid
  parents: Oid[]
  tree: Oid
  author: string
  committer: string
  message: string
}

/** The tip of the same chain without these texts; every other version, every author and every date stays. Saves objects. */
export function cleanChain(store: Store, tip: Oid, held: Held): Oid {
  if (held.size === 0) return tip
  const { repo } = store
  const batch = repo.batch()
  const stubs = new Map([...held].map(([oid, { doc, record, removed }]) => [oid, stubOf(doc, record, removed)]))
  const bases = basesOf(held.values())
  const commits = chainOf(store, tip)
  const mapped = new Map<Oid, Oid>()
  const bytes = new Map<Oid, Buffer | null>()
  for (let from = 0; from < commits.length; from += CHUNK) {
    const chunk = commits.slice(from, from + CHUNK)
    const folders = foldersIn(store, chunk, bases)
    for (const commit of chunk) {
      const own = folders.get(commit.oid) ?? new Map<string, TreeEntry[]>()
      const tree = cleanTree(own) ?? commit.tree
      const to = again(commit, tree)
      if (to !== commit.oid) mapped.set(commit.oid, to)
    }
  }
  repo.save(batch)
  return mapped.get(tip) ?? tip

  function cleanTree(folders: ReadonlyMap<string, TreeEntry[]>): Oid | null {
    const edits = new Map<string, FileAt | null>()
    for (const base of bases) {
      const files = competing(folders, base)
      if (!files.some(({ oid }) => held.has(oid))) continue
      load(files.map(({ oid }) => oid))
      const items = files.map((file): Item => {
        const stub = stubs.get(file.oid)
        return stub === undefined
          ? { ...file, bytes: bytes.get(file.oid) ?? null }
          : { ...file, oid: batch.blob(stub), bytes: stub }
      })
      addEdits(edits, files, mergeItems(base, items))
    }
    return edits.size === 0 ? null : editTree(batch, folders, edits)
  }

  function load(oids: readonly Oid[]): void {
    const missing = oids.filter((oid) => !bytes.has(oid))
    repo.read(missing, MAX_DOCUMENT).forEach((object, i) => {
      bytes.set(missing[i] ?? '', object?.type === 'blob' ? object.bytes : null)
    })
  }

  function again(commit: Commit, tree: Oid): Oid {
    const parents = [...new Set(commit.parents.map((parent) => mapped.get(parent) ?? parent))]
    const same = tree === commit.tree && parents.join() === commit.parents.join()
    if (same) return commit.oid
    const [only] = parents
    // What merged the text's chain with the one without it has nothing left to merge.
    if (commit.parents.length > 1 && parents.length === 1 && only !== undefined && treeOf(only) === tree) return only
    if (commit.message === MERGE_MESSAGE) parents.sort()
    const { author, committer, message } = commit
    return batch.commit({ tree, parents, author, committer, message })
  }

  function treeOf(oid: Oid): Oid | null {
    const object = batch.get(oid) ?? repo.read([oid])[0]
    return object?.type === 'commit' ? parseCommit(oid, object.bytes, []).tree : null
  }
}

/** Oldest first. In a shallow clone a commit whose parents are missing is a beginning. */
function chainOf({ repo }: Store, tip: Oid): Commit[] {
  const args = ['rev-list', '--topo-order', '--reverse', '--parents', '--end-of-options', tip]
  const lines = repo
    .git(args)
    .stdout.split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
  const objects = repo.read(lines.map(([oid = '']) => oid))
  return lines.map(([oid = '', ...parents], i) => parseCommit(oid, objects[i]?.bytes ?? null, parents))
}

function parseCommit(oid: Oid, bytes: Buffer | null, parents: Oid[]): Commit {
  const text = bytes?.toString('utf8') ?? ''
  const cut = text.indexOf('\n\n')
  const head = text.slice(0, cut)
  const value = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(head)?.[1] ?? ''
  if (cut < 0 || value('tree') === '') {
    throw new DstackError('CORRUPT', `The commit ${oid} can't be read.`, { hint: 'Run `git dstack doctor`.' })
  }
  const message = text.slice(cut + 2)
  return { oid, parents, tree: value('tree'), author: value('author'), committer: value('committer'), message }
}

/** All folders on the way to these paths, of each commit, with one process. */
function foldersIn(
  { repo }: Store,
  commits: readonly Commit[],
  bases: readonly string[],
): Map<Oid, Map<string, TreeEntry[]>> {
  const folders = foldersOf(bases)
  const names = commits.flatMap(({ tree }) => folders.map((folder) => (folder === '' ? tree : `${tree}:${folder}`)))
  const trees = repo.trees(names)
  return new Map(
    commits.map(({ oid }, c) => [
      oid,
      new Map(folders.map((folder, f) => [folder, trees[c * folders.length + f] ?? []])),
    ]),
  )
}

function competing(folders: ReadonlyMap<string, TreeEntry[]>, base: string): Placed[] {
  const folder = base.slice(0, base.lastIndexOf('/'))
  return (folders.get(folder) ?? [])
    .filter(({ mode }) => mode !== '040000')
    .map(({ name, mode, oid }) => ({ path: `${folder}/${name}`, mode, oid }))
    .filter((file) => basePath(file) === base)
}
