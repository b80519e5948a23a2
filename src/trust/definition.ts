// What exactly is trusted: a command's text, its folder, its variables and the files that it names. Pure.

import { join, posix, relative } from 'node:path'
import type { Env } from '../env/env'
import { hashObject, type Repo } from '../git/git'
import { wordsOf } from './words'

/** A tracked file that a command names. */
export interface NamedFile {
  /** From the top of the repository, with slashes. */
  path: string
  /** Of its bytes as they lie there; `absent`, or where a link leads, for what has none. */
  sha256: string
  /** Its bytes as an object of this repository, to compare with later. Not a part of the hash. */
  oid?: string
}

export interface Definition {
  /** SHA-256 of all that follows, as JSON. */
  hash: string
  command: string
  /** From the top of the repository, with slashes; empty for the top itself. */
  folder: string
  /** Variables that it gets besides the usual ones, sorted. */
  names: string[]
  files: NamedFile[]
}

/** Where a command would run. */
export interface Site {
  /** Absolute path of the checkout. */
  root: string
  folder: string
  names: readonly string[]
  /** Paths of the files that git knows there. */
  tracked: ReadonlySet<string>
}

/** Looks at the bytes that would run now: the same definition later means the same bytes. */
export function define(env: Env, repo: Repo, command: string, site: Site): Definition {
  const names = [...new Set(site.names)].sort()
  const files = namedPaths(env, command, site).map((path) => describeFile(env, repo, site.root, path))
  const facts = {
    v: 1,
    command,
    folder: site.folder,
    names,
    files: files.map(({ path, sha256 }) => ({ path, sha256 })),
  }
  return { hash: repo.digest(JSON.stringify(facts)), command, folder: site.folder, names, files }
}

/** Tracked files that the command names literally, sorted: from its folder, from a folder that it names, or through links. */
function namedPaths(env: Env, command: string, { root, folder, tracked }: Site): string[] {
  const words = wordsOf(command).filter((word) => !/[\n\0]/.test(word) && word.length < 4096)
  const inRoot = (path: string) => inside(root, path)
  const folders = words.flatMap((word) => {
    const path = within(root, folder, word)
    return path !== null && env.files.stat(join(root, path), 'follow')?.kind === 'folder' ? [path] : []
  })
  const found = new Set<string>()
  for (const base of new Set([folder, ...folders])) {
    for (const word of words) {
      const path = within(root, base, word)
      if (path === null || path === '') continue
      if (tracked.has(path)) found.add(path)
      const full = join(root, path)
      if (env.files.stat(full, 'follow')?.kind !== 'file') continue
      const real = inRoot(env.files.realPath(full))
      if (real !== null && tracked.has(real)) found.add(real)
    }
  }
  return [...found].sort()

  function inside(top: string, path: string): string | null {
    const real = env.files.stat(top, 'follow') === null ? top : env.files.realPath(top)
    const below = relative(real, path).replaceAll('\\', '/')
    return below === '..' || below.startsWith('../') || posix.isAbsolute(below) ? null : below
  }
}

/** A word as a path from the top of the repository; null when it leads out of it. */
function within(root: string, base: string, word: string): string | null {
  const top = root.replaceAll('\\', '/')
  const plain = word === top ? '.' : word.startsWith(`${top}/`) ? word.slice(top.length + 1) : word
  if (posix.isAbsolute(plain)) return null
  const from = plain === word ? posix.join(base, plain) : posix.normalize(plain)
  const path = from.replace(/\/+$/, '').replace(/^\.$/, '')
  return path === '..' || path.startsWith('../') ? null : path
}

function describeFile(env: Env, repo: Repo, root: string, path: string): NamedFile {
  const full = join(root, path)
  const stat = env.files.stat(full)
  if (stat === null) return { path, sha256: 'absent' }
  const real = env.files.stat(full, 'follow') === null ? null : env.files.realPath(full)
  const straight = real === join(env.files.realPath(root), path)
  const bytes = straight && stat.kind === 'file' ? env.files.read(full) : null
  // A link, or a file behind one: what it leads to is a file of its own, if it is tracked.
  if (bytes === null) return { path, sha256: repo.digest(`leads to ${real ?? 'nothing'}`) }
  return { path, sha256: hashObject('sha256', 'blob', bytes), oid: hashObject(repo.format, 'blob', bytes) }
}

// --- comparing --------------------------------------------------------------------------------------------------------

/** Two texts with what they share at both ends taken off. */
export interface TextChange {
  start: string
  removed: string
  added: string
  end: string
}

export function compareTexts(before: string, after: string): TextChange {
  const most = Math.min(before.length, after.length)
  let head = 0
  while (head < most && before[head] === after[head]) head++
  let tail = 0
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  return {
    start: before.slice(0, head),
    removed: before.slice(head, before.length - tail),
    added: after.slice(head, after.length - tail),
    end: before.slice(before.length - tail),
  }
}

export interface Difference {
  /** Null when the text is the same. */
  text: TextChange | null
  /** Null when it runs in the same folder; else the former one. */
  folder: string | null
  names: { added: string[]; removed: string[] }
  files: { added: string[]; removed: string[]; changed: { path: string; before?: string }[] }
}

export function compare(before: Definition, after: Definition): Difference {
  const without = (these: readonly string[], those: readonly string[]) => these.filter((one) => !those.includes(one))
  const paths = (definition: Definition) => definition.files.map(({ path }) => path)
  const former = new Map(before.files.map((file) => [file.path, file]))
  return {
    text: before.command === after.command ? null : compareTexts(before.command, after.command),
    folder: before.folder === after.folder ? null : before.folder,
    names: { added: without(after.names, before.names), removed: without(before.names, after.names) },
    files: {
      added: without(paths(after), paths(before)),
      removed: without(paths(before), paths(after)),
      changed: after.files.flatMap(({ path, sha256 }) => {
        const then = former.get(path)
        if (then === undefined || then.sha256 === sha256) return []
        return [{ path, ...(then.oid === undefined ? {} : { before: then.oid }) }]
      }),
    },
  }
}

/** The definition that this one most likely came from: the same text, the same place, or at least half of it alike. */
export function formerOf<D extends Definition & { where?: string | undefined }>(
  known: readonly D[],
  now: Definition,
  where?: string,
): D | null {
  const newest = [...known].reverse()
  const alike = (one: D) => {
    const { start, end } = compareTexts(one.command, now.command)
    return (start.length + end.length) / Math.max(one.command.length, now.command.length, 1)
  }
  const same = newest.find(({ command }) => command === now.command)
  const there = where === undefined ? undefined : newest.find((one) => one.where === where)
  const [near] = newest.map((one) => ({ one, near: alike(one) })).sort((a, b) => b.near - a.near)
  return same ?? there ?? (near !== undefined && near.near >= 0.5 ? near.one : null)
}
