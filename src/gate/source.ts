// The files that are checked: those of a tree, or of a folder that has none. No link is ever followed. Pure.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Oid, Repo, TreeFile } from '../git/git'
import { covers } from '../store/glob'

export interface SourceFile {
  path: string
  kind: 'file' | 'link' | 'other'
}

export interface Source {
  /** Sorted by path, with slashes. */
  list(): readonly SourceFile[]
  /** The bytes of plain files that were listed, in the order asked; null for what is larger than `cap` bytes. */
  read(paths: readonly string[], cap: number): (Buffer | null)[]
}

export function sourceOf(env: Env, repo: Repo, root: string, head: Oid | null): Source {
  return head === null ? folderSource(env, root) : treeSource(repo, head)
}

/** Files that a glob covers. */
export function filesAt(source: Source, glob: string): SourceFile[] {
  return source.list().filter(({ path }) => covers(glob, path))
}

/** A file by its exact path; null when nothing is there. */
export function fileAt(source: Source, path: string): SourceFile | null {
  const plain = path.replace(/^(\.\/)+/, '')
  return source.list().find((file) => file.path === plain) ?? null
}

// --- a tree -----------------------------------------------------------------------------------------------------------

/** Trees never change, so the last one of a repository is listed once for all its predicates. */
const LISTED = new WeakMap<Repo, { tree: Oid; files: Map<string, TreeFile> }>()

function treeSource(repo: Repo, tree: Oid): Source {
  const files = () => {
    const listed = LISTED.get(repo)
    if (listed?.tree === tree) return listed.files
    const found = new Map(repo.files(tree).map((file) => [file.path, file]))
    LISTED.set(repo, { tree, files: found })
    return found
  }
  const kind = (mode: string) => (mode.startsWith('100') ? 'file' : mode === '120000' ? 'link' : 'other')
  return {
    list: () => [...files().values()].map(({ path, mode }) => ({ path, kind: kind(mode) })),
    read(paths, cap) {
      const oids = paths.map((path) => files().get(path)?.oid ?? '')
      return repo.read(oids, cap).map((object) => object?.bytes ?? null)
    },
  }
}

// --- a folder ---------------------------------------------------------------------------------------------------------

/** More is no checkout, but a home folder. */
const MOST_FILES = 200_000

function folderSource(env: Env, root: string): Source {
  let files: SourceFile[] | null = null
  return {
    list() {
      files ??= walk(env, root)
      return files
    },
    // Listed through real folders only, so that no part of the path is a link.
    read: (paths, cap) =>
      paths.map((path) => {
        const stat = env.files.stat(join(root, path))
        return stat?.kind === 'file' && stat.size <= cap ? env.files.read(join(root, path)) : null
      }),
  }
}

function walk(env: Env, root: string): SourceFile[] {
  const found: SourceFile[] = []
  const look = (folder: string) => {
    for (const name of env.files.list(join(root, folder))) {
      if (name === '.git') continue
      const path = folder === '' ? name : `${folder}/${name}`
      const kind = env.files.stat(join(root, path))?.kind ?? 'other'
      if (kind === 'folder') look(path)
      else found.push({ path, kind })
    }
    if (found.length > MOST_FILES) {
      throw new DstackError('TOO_LARGE', `There are more than ${MOST_FILES} files below ${root}.`)
    }
  }
  look('')
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}
