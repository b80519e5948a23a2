// Refs: read without starting git where that is exact, moved only by compare-and-swap.

import { dirname, join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { type GitCall, git, gitFailure, KILLED } from './exec'
import type { Layout } from './layout'
import type { Oid } from './objects'
import { PACKED_LIMIT, tipsFromFiles } from './ref-files'

export type Ref = string

export interface RefTip {
  ref: Ref
  oid: Oid
}

const OID_LINE = /^([0-9a-f]{40}|[0-9a-f]{64})\s*$/

/**
 * The commit that a ref names, or null. Reads git's files backend directly (loose file, then packed-refs, as git does);
 * asks git for everything else: reftable, symbolic refs, a large packed-refs.
 */
export function readTip(env: Env, layout: Layout, filesBackend: boolean, ref: Ref): Oid | null {
  if (filesBackend) {
    const loose = env.files.stat(join(layout.commonDir, ref))
    if (loose?.kind === 'file') {
      const oid = OID_LINE.exec(env.files.read(join(layout.commonDir, ref))?.toString('latin1') ?? '')?.[1]
      if (oid !== undefined) return oid
    } else if (loose === null || loose.kind === 'folder') {
      const packed = readPacked(env, layout, ref)
      if (packed !== undefined) return packed
    }
  }
  const done = git(env, layout.place, ['rev-parse', '--verify', '--quiet', '--end-of-options', ref], { ok: [0, 1] })
  return OID_LINE.exec(done.stdout.toString('latin1'))?.[1] ?? null
}

/** undefined: only git can tell. */
function readPacked(env: Env, layout: Layout, ref: Ref): Oid | null | undefined {
  const path = join(layout.commonDir, 'packed-refs')
  const size = env.files.stat(path)?.size ?? 0
  if (size > PACKED_LIMIT) return undefined
  const text = size === 0 ? '' : (env.files.read(path)?.toString('latin1') ?? '')
  const end = text.indexOf(` ${ref}\n`)
  if (end < 0) return null
  return text.slice(text.lastIndexOf('\n', end) + 1, end)
}

/** All refs below these prefixes (`refs/dstack/`) or with these names. */
export function listTips(env: Env, layout: Layout, filesBackend: boolean, patterns: readonly string[]): RefTip[] {
  const read = filesBackend ? tipsFromFiles(env, layout, patterns) : null
  if (read !== null) return read
  const format = '--format=%(objectname) %(refname)'
  const done = git(env, layout.place, ['for-each-ref', format, '--', ...patterns])
  const lines = done.stdout.toString('utf8').split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const cut = line.indexOf(' ')
      return { oid: line.slice(0, cut), ref: line.slice(cut + 1) }
    })
}

export type Moved = 'moved' | 'raced' | 'locked'

/**
 * Moves one ref from the commit that was read (null: from nothing) to another (null: removes it).
 * This is the commit point of every write. `raced`: somebody was faster (a `git gc --prune=now` that took the objects, too); `locked`: a lock file stands in the way.
 */
export function moveRef(
  env: Env,
  layout: Layout,
  move: { ref: Ref; to: Oid | null; from: Oid | null; reason: string },
  call: GitCall,
): Moved {
  const length = (move.to ?? move.from ?? '').length
  const from = move.from ?? '0'.repeat(length)
  const args =
    move.to === null
      ? ['update-ref', '-m', move.reason, '-d', '--end-of-options', move.ref, from]
      : ['update-ref', '--create-reflog', '-m', move.reason, '--end-of-options', move.ref, move.to, from]
  const started = Date.now()
  const done = git(env, layout.place, args, { ...call, ok: [0, 1, 128, 255, KILLED] })
  if (done.status === 0) return 'moved'
  if (done.status === null) {
    // It was killed, at any point: what the ref holds now decides, and a lock of its own is nobody's any more.
    removeOwnLock(env, layout, move.ref, started)
    return readTip(env, layout, true, move.ref) === move.to ? 'moved' : 'raced'
  }
  if (/Unable to create '.*\.lock': File exists/.test(done.stderr)) return 'locked'
  if (
    /is at [0-9a-f]+ but expected|reference already exists|unable to resolve reference|reference is missing|nonexistent object/.test(
      done.stderr,
    )
  ) {
    return 'raced'
  }
  throw gitFailure(done, 'update-ref')
}

/** The lock that a git process of ours, which is dead now, has left: it is not older than the call, and nobody has it open. */
function removeOwnLock(env: Env, layout: Layout, ref: Ref, started: number): void {
  const path = join(layout.commonDir, `${ref}.lock`)
  const stat = env.files.stat(path)
  if (stat !== null && stat.mtimeMs >= started - FILE_CLOCK_MS && !isOpenSomewhere(env, path)) env.files.remove(path)
}

/** File systems take their time from a clock that ticks coarsely. */
const FILE_CLOCK_MS = 20

/** git says nothing of who holds a lock; one that nobody touches while we watch for so long, is watched. */
const WATCH_MS = 1_000
/** Without evidence that its owner died, a lock is left alone until it is this old. */
const ORPHAN_AGE_MS = 10_000

/**
 * Removes `<ref>.lock` when its owner is dead: it stays unchanged while we watch, no process has it open, and
 * either the writer before us died holding our own lock (`inherited`), or it is older than 10 s.
 */
export function clearOrphanedLock(env: Env, layout: Layout, ref: Ref, inherited: boolean): boolean {
  const path = join(layout.commonDir, `${ref}.lock`)
  const before = env.files.stat(path)
  if (before === null) return true
  const old = Date.now() - before.mtimeMs > ORPHAN_AGE_MS
  if (!inherited && !old) return false
  env.pause(WATCH_MS)
  const after = env.files.stat(path)
  if (after === null) return true
  if (after.inode !== before.inode || after.mtimeMs !== before.mtimeMs || isOpenSomewhere(env, path)) return false
  env.files.remove(path)
  return true
}

/** Linux shows the open files of our own processes; elsewhere the watch alone decides. */
function isOpenSomewhere(env: Env, path: string): boolean {
  const real = join(env.files.realPath(dirname(path)), path.slice(dirname(path).length + 1))
  return env.files.list('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return env.files.list(`/proc/${pid}/fd`).some((fd) => env.files.claimed(`/proc/${pid}/fd/${fd}`) === real)
    } catch {
      return false // a process of another user, or one that just ended
    }
  })
}

/** A ref name by our own rule: an allow-list, because git accepts `-x`, `$(id)` and right-to-left marks. */
export function checkRef(ref: string): Ref {
  const word = /^[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,127}$/
  const parts = ref.split('/')
  if (parts.length < 2 || parts.some((part) => !word.test(part) || part.includes('..') || /\.lock$|\.$/.test(part))) {
    throw new DstackError('USAGE', `"${ref}" is not a ref name that can be used here.`, {
      hint: 'Use letters, digits, dots, dashes and underscores between slashes.',
    })
  }
  return ref
}
