// Changing some files of a large tree: only the folders on their paths are read and written again.

import { DstackError } from '../errors'
import type { Oid, TreeEntry } from '../git/git'

export interface FileAt {
  mode: string
  oid: Oid
}

/** null removes the file. */
export type TreeEdits = ReadonlyMap<string, FileAt | null>

export interface TreeSource {
  /** Trees by name (`<oid>:<folder>`), null where none is. */
  trees(names: readonly string[]): (TreeEntry[] | null)[]
}

export interface TreeSink {
  tree(entries: readonly TreeEntry[]): Oid
}

const FOLDER = '040000'

/** All folders on the way to these paths, the root ('') among them. */
export function foldersOf(paths: Iterable<string>): string[] {
  const folders = new Set<string>([''])
  for (const path of paths) {
    for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1)) folders.add(path.slice(0, cut))
  }
  return [...folders]
}

/** The entries of these folders of a commit (or a tree), by folder; a folder that is not there has none. @throws CORRUPT */
export function loadFolders(
  source: TreeSource,
  root: Oid | null,
  folders: readonly string[],
): Map<string, TreeEntry[]> {
  if (root === null) return new Map(folders.map((folder) => [folder, []]))
  const all = foldersOf(folders.map((folder) => `${folder}/`))
  const trees = source.trees(all.map((folder) => (folder === '' ? `${root}^{tree}` : `${root}:${folder}`)))
  return wholeFolders(root, new Map(all.map((folder, i) => [folder, trees[i] ?? null])))
}

/**
 * A folder that its parent names and that can't be read is damage, not absence: a write that took it for empty would drop
 * everything in it. Every folder's parents must be among the loaded ones. @throws CORRUPT
 */
export function wholeFolders(root: Oid, loaded: ReadonlyMap<string, TreeEntry[] | null>): Map<string, TreeEntry[]> {
  const whole = new Map<string, TreeEntry[]>()
  for (const [folder, entries] of loaded) {
    const cut = folder.lastIndexOf('/')
    const name = folder.slice(cut + 1)
    const parent = loaded.get(folder.slice(0, Math.max(cut, 0)))
    const named = folder === '' || parent?.some((entry) => entry.name === name && entry.mode === FOLDER)
    if (entries === null && named) {
      throw new DstackError(
        'CORRUPT',
        `The folder "${folder}" of ${root.slice(0, 12)} can't be read: an object is missing.`,
        {
          hint: 'Run `git dstack doctor`; nothing was changed.',
        },
      )
    }
    whole.set(folder, entries ?? [])
  }
  return whole
}

/** Writes the tree that results from the edits; null when nothing is left. `loaded` must hold every folder on the way. */
export function editTree(sink: TreeSink, loaded: ReadonlyMap<string, TreeEntry[]>, edits: TreeEdits): Oid | null {
  return writeFolder('', [...edits])

  function writeFolder(folder: string, changes: [string, FileAt | null][]): Oid | null {
    const entries = new Map((loaded.get(folder) ?? []).map((entry) => [entry.name, entry]))
    const prefix = folder === '' ? '' : `${folder}/`
    const below = new Map<string, [string, FileAt | null][]>()
    for (const change of changes) {
      const rest = change[0].slice(prefix.length)
      const cut = rest.indexOf('/')
      if (cut < 0) setEntry(entries, rest, change[1])
      else below.set(rest.slice(0, cut), [...(below.get(rest.slice(0, cut)) ?? []), change])
    }
    for (const [name, inside] of below) {
      const oid = writeFolder(prefix + name, inside)
      setEntry(entries, name, oid === null ? null : { mode: FOLDER, oid })
    }
    return entries.size === 0 ? null : sink.tree([...entries.values()])
  }
}

function setEntry(entries: Map<string, TreeEntry>, name: string, file: FileAt | null): void {
  if (file === null) entries.delete(name)
  else entries.set(name, { name, ...file })
}
