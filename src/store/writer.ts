// Which writer incarnation a write belongs to: kept only while it is proven that nobody else continues it.

import type { SideCommit } from '../git/git'
import { formatDot } from './clock'
import type { Clock } from './schema'

/** What the id file says of one ref: our id there, our highest tick, and the tip that this tick was written on. */
export interface Incarnation {
  id: string
  tick: number
  tip: string
  /** The remote's tip that is known to be contained in `tip`: saves looking again. */
  inside: string | null
}

export interface WriterFile {
  v: 1
  host: string
  path: string
  /** The id file names itself: a copy or a restored backup is another file. */
  inode: number
  birthMs: number
  refs: Record<string, Incarnation>
}

export interface Here {
  host: string
  path: string
  inode: number
  birthMs: number
}

/** The incarnations in the id file, if it still is the file that it says it is; none otherwise. */
export function parseWriterFile(text: string | null, here: Here | null): Record<string, Incarnation> {
  if (text === null || here === null) return {}
  try {
    const file = JSON.parse(text) as WriterFile
    const same =
      file.v === 1 &&
      file.host === here.host &&
      file.path === here.path &&
      file.inode === here.inode &&
      file.birthMs === here.birthMs
    return same ? file.refs : {}
  } catch {
    return {} // torn: mint anew
  }
}

export function writerFile(here: Here, refs: Record<string, Incarnation>): string {
  return `${JSON.stringify({ v: 1, ...here, refs } satisfies WriterFile)}\n`
}

/**
 * Continuity when the tip has moved since our last write: everything between is known, and nothing of it is ours.
 * `between` = commits that the present tip has and the recorded one has not; `lost` = the other way round.
 */
export function continues(own: Incarnation, between: readonly SideCommit[], lost: readonly SideCommit[]): boolean {
  return lost.every((commit) => commit.parents.length > 1) && !between.some((commit) => isBy(commit, own.id))
}

export function isBy(commit: SideCommit, writer: string): boolean {
  return commit.dots.some((dot) => dot.startsWith(`${writer}:`))
}

/** The lowest tick among our commits of one side; Infinity when none is ours. */
export function lowestOwnTick(commits: readonly SideCommit[], writer: string): number {
  const ticks = commits.flatMap((commit) => commit.dots.filter((dot) => dot.startsWith(`${writer}:`)))
  return Math.min(...ticks.map((dot) => Number(dot.slice(writer.length + 1))))
}

/**
 * The vector of a write that is stamped again: what was not published under the old id is said under the new one.
 * Ticks are gap-free, so everything below the lowest unpublished one is published.
 */
export function restampClock(
  clock: Clock,
  old: string,
  lowestUnpublished: number,
  dot: { writer: string; tick: number },
): Clock {
  const { [old]: tick, ...others } = clock
  const published = Math.min(tick ?? 0, lowestUnpublished - 1)
  return { ...others, ...(published > 0 ? { [old]: published } : {}), [dot.writer]: dot.tick }
}

export const DOT_TRAILER = 'Dstack-Dot'

export function dotTrailer(writer: string, tick: number): string {
  return `${DOT_TRAILER}: ${formatDot({ writer, tick })}`
}
