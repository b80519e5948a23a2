// Reading many things with one git process each: objects, trees, differences, history.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { git } from './exec'
import type { Layout } from './layout'
import type { ObjectType, Oid } from './objects'

export interface GitObject {
  oid: Oid
  type: ObjectType
  bytes: Buffer
}

export interface TreeFile {
  path: string
  mode: string
  oid: Oid
}

/** One path that differs between two trees; a side is null where nothing is there. */
export interface TreeChange {
  path: string
  before: { mode: string; oid: Oid } | null
  after: { mode: string; oid: Oid } | null
}

export interface CommitInfo {
  oid: Oid
  parents: Oid[]
  author: string
  email: string
  /** Seconds since 1970, by the committer's clock: for display. */
  seconds: number
  subject: string
  body: string
}

/**
 * Objects by name (`<oid>`, `<ref>`, `<ref>:<path>`), in the order asked; null where nothing is there.
 * With `cap` nothing larger than so many bytes is read (null, too): fetched data may hold anything.
 */
export function readObjects(env: Env, layout: Layout, names: readonly string[], cap?: number): (GitObject | null)[] {
  if (names.length === 0) return []
  if (cap === undefined) return contents(env, layout, names)
  try {
    // Most of the time everything is small: one process, which ends when the answer grows past what that allows.
    return contents(env, layout, names, names.length * Math.min(cap, 8192) + 65_536).map((object) =>
      object !== null && object.bytes.length > cap ? null : object,
    )
  } catch (error) {
    if (!(error instanceof DstackError && error.code === 'TOO_LARGE')) throw error
  }
  const sizes = batch(env, layout, names, 'info').toString('utf8').split('\n')
  const small = names.filter((_, i) => {
    const size = /^[0-9a-f]+ \w+ (\d+)$/.exec(sizes[i] ?? '')?.[1]
    return size !== undefined && Number(size) <= cap
  })
  const found = new Map(contents(env, layout, small).map((object, i) => [small[i], object]))
  return names.map((name) => found.get(name) ?? null)
}

function batch(
  env: Env,
  layout: Layout,
  names: readonly string[],
  verb: 'info' | 'contents',
  maxOutput?: number,
): Buffer {
  const input = `${names.map((name) => `${verb} ${name}\n`).join('')}flush\n`
  const call = maxOutput === undefined ? { input } : { input, maxOutput }
  return git(env, layout.place, ['cat-file', '--batch-command', '--buffer'], call).stdout
}

function contents(env: Env, layout: Layout, names: readonly string[], maxOutput?: number): (GitObject | null)[] {
  if (names.length === 0) return []
  const answer = batch(env, layout, names, 'contents', maxOutput)
  const objects: (GitObject | null)[] = []
  let at = 0
  for (const name of names) {
    const end = answer.indexOf(10, at)
    if (end < 0)
      throw new DstackError('CORRUPT', `git stopped answering at ${name}.`, { hint: 'Run `git dstack doctor`.' })
    const match = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(answer.toString('utf8', at, end))
    at = end + 1
    if (match === null) {
      objects.push(null) // `<name> missing`, or a name that means several objects
      continue
    }
    const size = Number(match[3])
    objects.push({ oid: match[1] ?? '', type: match[2] as ObjectType, bytes: answer.subarray(at, at + size) })
    at += size + 1
  }
  return objects
}

/** All files below a tree, by path. */
export function listFiles(env: Env, layout: Layout, tree: string): TreeFile[] {
  const done = git(env, layout.place, ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', tree])
  return done.stdout
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const cut = line.indexOf('\t')
      const [mode, , oid] = line.slice(0, cut).split(' ')
      return { path: line.slice(cut + 1), mode: mode ?? '', oid: oid ?? '' }
    })
}

/** The paths that differ between two trees (or commits). */
export function diffTrees(env: Env, layout: Layout, before: Oid, after: Oid): TreeChange[] {
  const args = ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', '--end-of-options', before, after]
  const fields = git(env, layout.place, args).stdout.toString('utf8').split('\0')
  const changes: TreeChange[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [oldMode, newMode, oldOid, newOid] = (fields[i] ?? '').slice(1).split(' ')
    const side = (mode = '', oid = '') => (/^0+$/.test(mode) ? null : { mode, oid })
    changes.push({ path: fields[i + 1] ?? '', before: side(oldMode, oldOid), after: side(newMode, newOid) })
  }
  return changes
}

/** Commits of a range (`<oid>`, `<oid>..<oid>`, `^<oid>`), newest first. */
export function readLog(
  env: Env,
  layout: Layout,
  range: readonly string[],
  options: { limit?: number; paths?: readonly string[] } = {},
): CommitInfo[] {
  const format = '--format=%H%x00%P%x00%an%x00%ae%x00%ct%x00%s%x00%b%x00'
  const limit = options.limit === undefined ? [] : [`--max-count=${options.limit}`]
  const paths = options.paths === undefined ? [] : ['--full-history', '--', ...options.paths]
  const args = [
    'log',
    '--no-show-signature',
    '--encoding=UTF-8',
    format,
    ...limit,
    ...range,
    ...(paths.length > 0 ? paths : ['--']),
  ]
  const fields = git(env, layout.place, args).stdout.toString('utf8').split('\0')
  const commits: CommitInfo[] = []
  for (let i = 0; i + 7 < fields.length + 1; i += 7) {
    const oid = (fields[i] ?? '').trim()
    if (oid === '') break
    commits.push({
      oid,
      parents: (fields[i + 1] ?? '').split(' ').filter((parent) => parent !== ''),
      author: fields[i + 2] ?? '',
      email: fields[i + 3] ?? '',
      seconds: Number(fields[i + 4]),
      subject: fields[i + 5] ?? '',
      body: fields[i + 6] ?? '',
    })
  }
  return commits
}

/** A commit that one tip has and another has not. */
export interface SideCommit {
  oid: Oid
  parents: Oid[]
  /** Values of its `Dstack-Dot:` trailers: which writer made it, and that writer's how manieth it is. */
  dots: string[]
}

export interface Divergence {
  left: SideCommit[]
  right: SideCommit[]
}

/** What two tips have that the other has not. Both empty: the same commit. */
export function divergence(env: Env, layout: Layout, left: Oid, right: Oid): Divergence {
  if (left === right) return { left: [], right: [] }
  const format = '--format=%m %H %P%x00%(trailers:key=Dstack-Dot,valueonly,separator=%x20)%x00'
  const args = ['log', '--left-right', '--no-show-signature', format, '--end-of-options', `${left}...${right}`, '--']
  const fields = git(env, layout.place, args).stdout.toString('utf8').split('\0')
  const result: Divergence = { left: [], right: [] }
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [side, oid, ...parents] = (fields[i] ?? '').trim().split(' ')
    const dots = (fields[i + 1] ?? '').split(' ').filter((dot) => dot !== '')
    if (oid !== undefined) (side === '<' ? result.left : result.right).push({ oid, parents, dots })
  }
  return result
}
