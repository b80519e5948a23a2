// Merging two trees by reading only what differs. Works on any reader of objects; writes nothing.

import type { GitObject, Oid, TreeChange, TreeEntry } from '../git/git'
import { MAX_DOCUMENT } from './document'
import { notePath, noteTarget, unionLines } from './evidence'
import { basePath, type Item, type Placed, placeItems, type Sorted, sortItems } from './merge'
import { type FileAt, loadFolders } from './tree'

export interface Reader {
  read(names: readonly string[], cap?: number): (GitObject | null)[]
  trees(names: readonly string[]): (TreeEntry[] | null)[]
  diff(before: Oid, after: Oid): TreeChange[]
}

export interface Merged {
  /** What turns the left tree into the merge. */
  edits: Map<string, FileAt | null>
  /** The competing files of every document that differs on both sides, as they were sorted out. */
  contested: Sorted[]
}

const FOLDER = '040000'
const SUBMODULE = '160000'

/** Merges the documents of two convergent tips. */
export function mergeDocuments(reader: Reader, left: Oid, right: Oid): Merged {
  const { bases, folders } = changedBases(reader, left, right)
  const ours = filesIn(reader, left, folders)
  const before = new Map(ours.map((file) => [file.path, file]))
  const groups = groupByBase([...ours, ...filesIn(reader, right, folders)], bases)
  const bytes = readGroups(reader, groups)
  const merged: Merged = { edits: new Map(), contested: [] }
  for (const [base, files] of groups) {
    let placed: Placed[]
    if (isAlone(base, files)) placed = files.slice(0, 1)
    else {
      const sorted = sortItems(
        base,
        files.map((file) => ({ ...file, bytes: bytes.get(file.oid) ?? null })),
      )
      merged.contested.push(sorted)
      placed = placeItems(base, sorted)
    }
    addEdits(
      merged.edits,
      files.filter((file) => before.get(file.path)?.oid === file.oid),
      placed,
    )
  }
  return merged
}

/** The left tip's files of every base path that differs between two tips, read. */
export function changedItems(reader: Reader, left: Oid, right: Oid): Map<string, Item[]> {
  const { bases, folders } = changedBases(reader, left, right)
  const groups = groupByBase(filesIn(reader, left, folders), bases)
  const oids = [...groups.values()].flat().map((file) => file.oid)
  const objects = reader.read(oids, MAX_DOCUMENT)
  const bytes = new Map(oids.map((oid, i) => [oid, objects[i]?.bytes ?? null]))
  return new Map(
    [...groups].map(([base, files]) => [base, files.map((file) => ({ ...file, bytes: bytes.get(file.oid) ?? null }))]),
  )
}

/** Base paths that differ, and the folders in which any file that competes for one of them stands. */
function changedBases(reader: Reader, left: Oid, right: Oid): { bases: Set<string>; folders: Set<string> } {
  const bases = new Set<string>()
  const folders = new Set<string>()
  for (const { path, before, after } of reader.diff(left, right)) {
    for (const side of [before, after]) {
      if (side === null) continue
      const base = basePath({ path, ...side })
      bases.add(base)
      for (const file of [path, base]) folders.add(file.slice(0, Math.max(file.lastIndexOf('/'), 0)))
    }
  }
  return { bases, folders }
}

function groupByBase(files: readonly Placed[], bases: ReadonlySet<string>): Map<string, Placed[]> {
  const groups = new Map<string, Placed[]>()
  for (const file of files) {
    const base = basePath(file)
    if (bases.has(base)) groups.set(base, [...(groups.get(base) ?? []), file])
  }
  return groups
}

/** One file that stands where it belongs needs no reading. */
function isAlone(base: string, files: readonly Placed[]): boolean {
  return files.every((file) => file.path === base && file.oid === files[0]?.oid && file.mode === files[0]?.mode)
}

function filesIn(reader: Reader, tip: Oid, folders: ReadonlySet<string>): Placed[] {
  const loaded = loadFolders(reader, tip, [...folders])
  return [...folders].flatMap((folder) =>
    (loaded.get(folder) ?? [])
      .filter((entry) => entry.mode !== FOLDER)
      .map((entry) => ({
        path: folder === '' ? entry.name : `${folder}/${entry.name}`,
        mode: entry.mode,
        oid: entry.oid,
      })),
  )
}

function readGroups(reader: Reader, groups: ReadonlyMap<string, Placed[]>): Map<string, Buffer> {
  const wanted = new Set<string>()
  for (const [base, files] of groups) {
    if (!isAlone(base, files)) for (const file of files) if (file.mode !== SUBMODULE) wanted.add(file.oid)
  }
  const oids = [...wanted]
  const objects = reader.read(oids, MAX_DOCUMENT)
  return new Map(oids.flatMap((oid, i) => (objects[i]?.type === 'blob' ? [[oid, objects[i].bytes] as const] : [])))
}

/** Replaces the files of one base path in the left tree by the placed ones. */
export function addEdits(edits: Map<string, FileAt | null>, before: readonly Placed[], after: readonly Placed[]): void {
  for (const { path } of before) if (!after.some((file) => file.path === path)) edits.set(path, null)
  for (const { path, mode, oid } of after) {
    if (!before.some((file) => file.path === path && file.oid === oid && file.mode === mode))
      edits.set(path, { mode, oid })
  }
}

/** A note larger than this is carried beside the others, and not read. */
const MAX_NOTE = 4 * 1024 * 1024

/** Merges two notes trees: for each object the union of all lines, at one depth of folders. */
export function mergeNotes(reader: Reader, blob: (bytes: Buffer) => Oid, left: Oid, right: Oid): Merged {
  const merged: Merged = { edits: new Map(), contested: [] }
  const targets = new Set<string>()
  for (const { path, after } of reader.diff(left, right)) {
    const target = noteTarget(path)
    if (target !== null) targets.add(target)
    else if (after !== null) merged.edits.set(path, after) // no note; git carries such files along, so do we
  }
  const places = [...targets].flatMap((target) => notePlaces(target).map((path) => ({ target, path })))
  const names = [left, right].flatMap((tip) => places.map(({ path }) => `${tip}:${path}`))
  const objects = reader.read(names, MAX_NOTE)
  for (const target of targets) {
    const texts: string[] = []
    places.forEach((place, i) => {
      if (place.target !== target) return
      for (const object of [objects[i], objects[i + places.length]]) {
        if (object?.type === 'blob') texts.push(object.bytes.toString('utf8'))
      }
      if (objects[i]) merged.edits.set(place.path, null)
    })
    if (texts.length > 0) {
      merged.edits.set(notePath(target), { mode: '100644', oid: blob(Buffer.from(unionLines(texts))) })
    }
  }
  return merged
}

/** Where git may have put the note of an object: no folder, one, two, three. */
export function notePlaces(target: string): string[] {
  const [a, b, c] = [target.slice(0, 2), target.slice(2, 4), target.slice(4, 6)]
  return [target, `${a}/${target.slice(2)}`, `${a}/${b}/${target.slice(4)}`, `${a}/${b}/${c}/${target.slice(6)}`]
}
