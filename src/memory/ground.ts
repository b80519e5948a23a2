// Whether an entry stands on ground: the files, globs and commits that it cites, and which of them are not there.

import { covers } from '../store/glob'
import type { Portable } from './schema'

export interface Cited {
  /** Paths named in the text, between backticks. */
  paths: string[]
  /** Globs of the files for which it matters. */
  globs: string[]
  /** Commit ids, possibly shortened. */
  commits: string[]
}

/** What an entry can stand on: the files of one commit, and the commits that are here. */
export interface Ground {
  hasPath(path: string): boolean
  hasGlob(glob: string): boolean
  hasCommit(id: string): boolean
}

/** `files` are all tracked paths. `hasCommit` is asked once for each id. */
export function groundOf(files: readonly string[], hasCommit: (id: string) => boolean): Ground {
  const folders = new Set(files.flatMap(foldersOf))
  const byName = new Map<string, string[]>()
  for (const path of [...files, ...folders]) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [path])
    else known.push(path)
  }
  const globs = new Map<string, boolean>()
  const commits = new Map<string, boolean>()
  return {
    // People leave out where a file lies; what ends so is what they mean.
    hasPath(cited) {
      const path = cited.replace(/\/$/, '')
      const name = path.slice(path.lastIndexOf('/') + 1)
      return byName.get(name)?.some((one) => one === path || one.endsWith(`/${path}`)) ?? false
    },
    hasGlob: (glob) => once(globs, glob, () => files.some((file) => covers(glob, file))),
    hasCommit: (id) => once(commits, id, () => hasCommit(id)),
  }
}

function once(known: Map<string, boolean>, name: string, find: () => boolean): boolean {
  const found = known.get(name) ?? find()
  known.set(name, found)
  return found
}

/** The folders above a file. */
function foldersOf(path: string): string[] {
  const names = path.split('/').slice(0, -1)
  return names.map((_name, i) => names.slice(0, i + 1).join('/'))
}

/** Endings that make a single word in backticks a file name: `x.y` may be anything else. */
const ENDINGS =
  /\.(c|cc|cpp|cs|css|go|h|html|java|js|json|jsx|kt|lock|lua|md|mjs|cjs|php|proto|py|rb|rs|scss|sh|sql|svelte|swift|tf|toml|ts|tsx|vue|xml|ya?ml|zig)$/i

const HASH = /^[0-9a-f]{7,64}$/

/** What an entry cites. Examples in code fences, addresses and placeholders are no citations. */
export function cited(entry: Pick<Portable, 'text' | 'paths' | 'links'>): Cited {
  const paths = new Set<string>()
  const commits = new Set<string>()
  const prose = entry.text.replace(/^([ \t]*)(```+|~~~+)[^\n]*\n[\s\S]*?(^[ \t]*\2|(?![\s\S]))/gm, '')
  for (const [, code = ''] of prose.matchAll(/`([^`\n]{1,256})`/g)) {
    const path = pathIn(code)
    if (path !== null) paths.add(path)
    else if (isCommit(code)) commits.add(code)
  }
  for (const [, id = ''] of prose.matchAll(/\bcommits?\s+([0-9a-f]{7,64})\b/gi)) commits.add(id)
  for (const link of entry.links) {
    const [, id] = /^sha(?:1|256):([0-9a-f]+)$/.exec(link) ?? []
    if (id !== undefined) commits.add(id)
  }
  return { paths: [...paths], globs: [...new Set(entry.paths)], commits: [...commits] }
}

/** `src/a.ts:12` → `src/a.ts`; null for what is no path of a repository. */
function pathIn(code: string): string | null {
  const path = code.replace(/(:\d+){1,2}(-\d+)?$/, '').replace(/^\.\//, '')
  if (!/^[\w.@+-][\w.@+/-]*$/.test(path) || path.startsWith('-') || path.includes('//')) return null
  if (path.split('/').includes('..')) return null
  const names = path.split('/').filter((name) => name !== '')
  const last = names.at(-1) ?? ''
  if (names.length < 2 && !path.endsWith('/')) return ENDINGS.test(last) && !/^\./.test(last) ? path : null
  // `and/or`, `application/json`, `origin/main`: only what ends like a file or a folder.
  return path.endsWith('/') || ENDINGS.test(last) ? path : null
}

/** A number and a word look like hashes, too: a shortened id has digits and letters. */
function isCommit(code: string): boolean {
  return HASH.test(code) && (code.length >= 40 || (/\d/.test(code) && /[a-f]/.test(code)))
}

/** What is cited and not there, as it was cited. Empty: the entry stands. */
export function dangling(what: Cited, ground: Ground): string[] {
  return [
    ...what.paths.filter((path) => !ground.hasPath(path)),
    ...what.globs.filter((glob) => !ground.hasGlob(glob)),
    ...what.commits.filter((id) => !ground.hasCommit(id)),
  ]
}
