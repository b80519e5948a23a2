// What a text said before, and what changed since.

import { createTwoFilesPatch } from 'diff'
import type { Refusal } from '../errors'
import type { Live } from '../store/schema'
import { textDoc } from './documents'

export interface Side {
  /** Null: nothing was there. */
  oid: string | null
  by: string
  at: string
}

export interface Compared {
  before: Side
  after: Side
  /** A unified diff; empty when both say the same. */
  diff: string
}

/**
 * Two versions of a text. @param past newest first
 * @param since beginning of a version's or a commit's id, or a day: the version that stood then
 */
export function compare(
  past: readonly { commit: { oid: string; seconds: number }; live: Live[] }[],
  name: string,
  since?: string,
): Compared | Refusal {
  const versions = past.map(({ commit, live }) => ({ ...commit, doc: textDoc(live) }))
  const [newest] = versions
  const changed = versions.findIndex(({ doc }) => doc?.oid !== newest?.doc?.oid)
  const at = since === undefined ? changed : versions.findIndex((one) => isSince(one, since))
  if (since !== undefined && at < 0 && !isDay(since)) {
    return {
      refused: 'NOT_FOUND',
      message: `${name} has no version ${since}.`,
      hint: 'Give the beginning of an id, or a day such as 2026-11-01; see `git dstack log plans`.',
    }
  }
  const before = at < 0 ? null : (versions[at]?.doc ?? null)
  const after = newest?.doc ?? null
  const [old, now] = [before?.text ?? '', after?.text ?? '']
  if (old === now) return { before: sideOf(before), after: sideOf(after), diff: '' }
  const patch = createTwoFilesPatch(`a/${name}`, `b/${name}`, whole(old), whole(now), undefined, undefined, {
    context: 3,
  })
  return { before: sideOf(before), after: sideOf(after), diff: patch.replace(/^=+\n/, '') }
}

/** Bodies are stored without their last line feed. */
function whole(text: string): string {
  return text === '' ? '' : `${text}\n`
}

function isDay(since: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(since)
}

function isSince(
  { oid, seconds, doc }: { oid: string; seconds: number; doc: { oid: string } | null },
  since: string,
): boolean {
  if (isDay(since)) return seconds * 1000 <= Date.parse(since)
  return since.length >= 4 && (oid.startsWith(since) || (doc?.oid.startsWith(since) ?? false))
}

function sideOf(doc: ReturnType<typeof textDoc>): Side {
  return { oid: doc?.oid ?? null, by: doc?.by ?? '', at: doc?.at ?? '' }
}
