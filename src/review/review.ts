// The door to reviews: runs reviewers side by side, each on a checkout of its own, and decides what their findings are worth;
// reads what other tools found.

import { join } from 'node:path'
import { agentOf, type Env } from '../env/env'
import type { Refusal } from '../errors'
import { hashText, type Oid, type Repo, readPatch } from '../git/git'
import { argvOf, settingOf } from '../settings/settings'
import type { Store } from '../store/store'
import { untrusted } from '../trust/trust'
import { type Decided, decide, type Earlier, type Report } from './decide'
import { authorMakes, sameMake } from './models'
import type { Site } from './place'
import { type Material, promptText } from './prompt'
import { type Answered, type Failure, reviewerTrust, runReviewer } from './running'
import type { Track } from './schema'

export type { Decided, Decision, Earlier, Report } from './decide'

export { type Foreign, readForeign } from './foreign'
export type { Material } from './prompt'
export type { Failure } from './running'

/** A difference longer than this is looked at in the checkout. */
const PATCH_BYTES = 96 * 1024

export interface ReviewRequest {
  tracks: readonly Track[]
  head: Oid
  /** Where the range begins; null: there is none, as for a plan. */
  base: Oid | null
  material: Material
  /** What was decided on before. */
  earlier: readonly (Omit<Earlier, 'id'> & { head: Oid | null })[]
  /** Commands that are trusted by their hash. */
  hashes?: ReadonlySet<string>
}

export interface TrackReview {
  track: Track
  reviewer: string
  decided: Decided
  warnings: string[]
  ms: number
}

export interface Reviewed {
  reviews: TrackReview[]
  /** Tracks without a review (A8). */
  failures: Failure[]
}

/** The reviewer of a track, as the settings name it; null: none is set. */
export function reviewerOf(store: Store, track: Track): string | null {
  const names = track === 'B' ? ['review.reviewerB', 'review.reviewer'] : ['review.reviewer']
  return names.map((name) => settingOf(store, name).value).find((value) => value !== '') ?? null
}

/**
 * Runs the reviewer of each track, all at the same time. A track is either reviewed or a failure; refused, with nothing started,
 * when no reviewer is set or one is not trusted.
 */
export async function runReviews(store: Store, request: ReviewRequest): Promise<Reviewed | Refusal> {
  const { env, repo } = store
  const { tracks, head, base, hashes } = request
  const commands: [Track, string][] = []
  for (const track of tracks) {
    const command = reviewerOf(store, track)
    if (command === null) return noReviewer()
    const verdict = reviewerTrust(env, repo, command, { head, ...(hashes === undefined ? {} : { hashes }) })
    if (!verdict.trusted) return untrusted(verdict)
    commands.push([track, command])
  }
  const range = base === null ? null : rangeOf(repo, base, head)
  const site = siteOf(repo, head, range?.patch ?? '')
  const earlier = withIds(repo, request.earlier)
  const authors = authorMakes(base === null ? [] : repo.work.commits({ from: base, to: head }), agentOf(env.vars))
  const done = await Promise.all(commands.map(([track, command]) => one(track, command)))
  const failures = done.filter((result): result is Failure => 'cause' in result)
  return { reviews: done.filter((result): result is TrackReview => !('cause' in result)), failures }

  async function one(track: Track, command: string): Promise<TrackReview | Failure> {
    const answered = await runReviewer(env, repo, {
      track,
      command,
      prompt: promptFor(env, request, track, range),
      head,
      folder: repo.ours(join('scratch', `review-${env.newId()}`)),
      limitSeconds: Number(settingOf(store, 'review.limitSeconds').value),
      ...(hashes === undefined ? {} : { hashes }),
    })
    if ('cause' in answered) return answered
    const { reviewer, findings, ms } = answered
    const decided = decide({ track, reports: [{ reviewer, findings }], site, earlier, hash: hashText })
    const warning = sameMake(namesOf(answered, command), authors)
    return { track, reviewer, decided, warnings: warning === null ? [] : [warning], ms }
  }
}

/** The same for findings that are there already: those of other tools. */
export function decideReports(
  store: Store,
  request: Pick<ReviewRequest, 'base' | 'head' | 'earlier'> & { track: Track; reports: readonly Report[] },
): Decided {
  const { repo } = store
  const { base, head, track, reports } = request
  const site = siteOf(repo, head, base === null ? '' : rangeOf(repo, base, head).patch)
  return decide({ track, reports, site, earlier: withIds(repo, request.earlier), hash: hashText })
}

function noReviewer(): Refusal {
  return {
    refused: 'BAD_CONFIG',
    message: 'No reviewer is set.',
    hint: 'Name one: `git dstack config set --global review.reviewer "codex exec -s read-only -o {output} -"`; or take a result in with `git dstack review import`.',
  }
}

// --- what is reviewed -------------------------------------------------------------------------------------------------

interface Range {
  files: string[]
  /** With three lines around each change, for reading. */
  readable: string
  /** Without, for looking up lines. */
  patch: string
}

function rangeOf(repo: Repo, base: Oid, head: Oid): Range {
  const patch = (context: number) =>
    repo.git([
      'diff-tree',
      ...['-r', '-p', `-U${context}`, '--no-renames', '--no-ext-diff', '--no-textconv', '--diff-algorithm=myers'],
      ...['--src-prefix=a/', '--dst-prefix=b/', '--no-color', '--end-of-options', base, head],
    ]).stdout
  return { files: repo.diff(base, head).map(({ path }) => path), readable: patch(3), patch: patch(0) }
}

function promptFor(env: Env, { head, base, material }: ReviewRequest, track: Track, range: Range | null): string {
  const readable = range?.readable ?? ''
  return promptText({
    ...material,
    track,
    range: base === null ? null : { base, head },
    files: range?.files ?? [],
    patch: Buffer.byteLength(readable) <= PATCH_BYTES ? readable : null,
    mark: `data-${env.newId()}`,
  })
}

/** Larger ones are nothing that somebody wrote. */
const MOST_BYTES = 8 * 1024 * 1024

function siteOf(repo: Repo, head: Oid, patch: string): Site {
  const changed = new Map(readPatch(patch).map((file) => [file.path, file]))
  const ids = new Map(repo.files(head).map(({ path, mode, oid }) => [path, { mode, oid }]))
  const texts = new Map<string, string[] | null>()
  return {
    lines(path) {
      const known = texts.get(path)
      if (known !== undefined) return known
      const file = ids.get(path)
      const object = file?.mode.startsWith('100') ? repo.read([file.oid], MOST_BYTES)[0] : null
      const isText = object?.type === 'blob' && !object.bytes.subarray(0, 8000).includes(0)
      const lines = isText ? object.bytes.toString('utf8').replace(/\n$/, '').split('\n') : null
      texts.set(path, lines)
      return lines
    },
    id: (path) => ids.get(path)?.oid ?? null,
    gone: (path) => changed.get(path)?.gone ?? false,
    touched: (path) => changed.get(path)?.touched ?? [],
  }
}

/** With the file that each was about, as it was when it was reviewed. */
function withIds(repo: Repo, earlier: ReviewRequest['earlier']): Earlier[] {
  const isNamed = ({ head, path }: ReviewRequest['earlier'][number]) => head !== null && path !== undefined
  const named = earlier.filter((one) => isNamed(one) && !/\n/.test(one.path ?? ''))
  const heads = [...new Set(named.map(({ head }) => head ?? ''))].filter((head) => repo.has(head))
  const trees = new Map(heads.map((head) => [head, new Map(repo.files(head).map(({ path, oid }) => [path, oid]))]))
  return earlier.map(({ head, ...one }) => ({ ...one, id: trees.get(head ?? '')?.get(one.path ?? '') ?? null }))
}

function namesOf({ reviewer, model }: Answered, command: string): string[] {
  const words = argvOf(command)
  // Also what its arguments say: `--model gpt-5`.
  return [...(model === undefined ? [] : [model]), reviewer, ...('problem' in words ? [] : words)]
}
