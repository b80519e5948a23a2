// Reviews by programs: hands them the leaf, takes their findings into the flow, and leaves a note of each.

import { isRefusal, type Refusal } from '../errors'
import type { Oid } from '../git/git'
import { tasksOf } from '../plan/plan'
import { type Decided, type Failure, runReviews, type TrackReview } from '../review/review'
import { attest, findSecrets, hashText, type Store } from '../store/store'
import type { Actor, Moved } from './moving'
import { policyOf } from './policy'
import { standingOf } from './reading'
import { earlierOf, failReviews, importReview, type Reviewed, takenText } from './reviewing'
import type { Finding, Track } from './schema'

export interface RunInput {
  kind: 'plan' | 'phase'
  /** Only this track. */
  track?: Track
  /** Commands that are trusted by their hash. */
  hashes?: ReadonlySet<string>
}

/** One track's result: what counts is in the flow, the rest is listed beside it. */
export interface Taken extends Omit<Decided, 'findings' | 'unverified'> {
  track: Track
  run: string
  reviewer: string
  /** With their numbers; `verified: false` are the ones that were not found at their place. */
  findings: Finding[]
  warnings: string[]
}

export interface RunDone {
  head: Oid
  taken: Taken[]
  /** Tracks without a review: the flow pauses with its next step (A8). */
  failures: Failure[]
  /** The last write of the flow. */
  moved: Moved
}

/** Runs the reviewers of the present step, side by side, and takes in what they found. */
export async function review(
  store: Store,
  slug: string,
  actor: Actor,
  { kind, track, hashes }: RunInput,
): Promise<RunDone | Refusal> {
  const standing = standingOf(store, slug)
  if (isRefusal(standing)) return standing
  const { flow } = standing
  const { leaf, step } = flow.state
  const steps = kind === 'plan' ? ['PlanReview', 'PlanReviewWait'] : ['PhaseReview', 'ReviewWait']
  const { oid: head } = store.repo.work.head()
  if (leaf === null || !steps.includes(step) || head === null) {
    const message = `In ${step} there is no ${kind === 'plan' ? 'plan' : 'implementation'} to be reviewed.`
    return { refused: 'ILLEGAL', message, hint: 'See `git dstack flow show`.' }
  }
  const both: Track[] = policyOf(store).dualReview ? ['A', 'B'] : ['A']
  const reviewed = await runReviews(store, {
    tracks: kind === 'plan' ? ['plan'] : track === undefined ? both : [track],
    head,
    base: kind === 'plan' ? null : (flow.state.leaves[leaf]?.base ?? null),
    material: {
      slug,
      leaf,
      spec: flow.specs.get(leaf) ?? '',
      contract: flow.contract,
      plan: JSON.stringify(tasksOf(store, slug, leaf), null, 1),
    },
    earlier: earlierOf(flow),
    ...(hashes === undefined ? {} : { hashes }),
  })
  if (isRefusal(reviewed)) return reviewed
  const taken: Taken[] = []
  let moved: Moved | null = null
  for (const one of reviewed.reviews) {
    const done = await take(store, slug, actor, one)
    if (isRefusal(done)) return done
    taken.push(done.taken)
    moved = done.moved
    leaveNotes(store, head, { slug, leaf, taken: done.taken })
  }
  const { failures } = reviewed
  if (failures.length > 0) {
    const why = failures.map((failure) => `track ${failure.track}: ${failure.reason}`).join(' ')
    const done = await failReviews(store, slug, actor, why)
    if (isRefusal(done)) return done
    moved = done
  }
  if (moved === null) return { refused: 'USAGE', message: 'There is no track to be reviewed.' }
  return { head, taken, failures, moved }
}

async function take(
  store: Store,
  slug: string,
  actor: Actor,
  { track, reviewer, decided, warnings }: TrackReview,
): Promise<{ taken: Taken; moved: Reviewed } | Refusal> {
  const moved = await importReview(store, slug, actor, { text: takenText(decided), track, reviewer })
  if (isRefusal(moved)) return moved
  const { outside, preexisting, silent } = decided
  const { run, findings } = moved
  return { taken: { track, run, reviewer, findings, warnings, outside, preexisting, silent }, moved }
}

// --- notes ------------------------------------------------------------------------------------------------------------

/** One line for the review, so that none found is on record, too, and one for each finding. */
function leaveNotes(
  store: Store,
  head: Oid,
  { slug, leaf, taken }: { slug: string; leaf: string; taken: Taken },
): void {
  const { run, track, reviewer, findings, outside, preexisting, silent } = taken
  const at = store.env.now().toISOString()
  const about = { slug, leaf, run, track, reviewer }
  const counts = { outside: outside.length, preexisting: preexisting.length, silent: silent.length }
  attest(store, 'review', head, { t: 'review', ...about, at, findings: findings.length, ...counts })
  const kept = findings.map((finding) => ({ ...finding, aside: finding.verified === false ? 'unverified' : null }))
  const beside = [
    ...outside.map((finding) => ({ ...finding, id: null, aside: 'outside' })),
    ...preexisting.map((finding) => ({ ...finding, id: null, aside: 'pre-existing' })),
  ]
  for (const { id, severity, class: kind, path, lines, claim, fingerprint, confidence, aside } of [
    ...kept,
    ...beside,
  ]) {
    attest(store, 'review', head, {
      t: 'finding',
      ...about,
      id,
      severity,
      class: kind,
      path: path ?? null,
      lines: lines ?? null,
      claim: shareable(claim),
      fingerprint: fingerprint ?? null,
      confidence: confidence ?? null,
      aside,
    })
  }
}

/** Notes are pushed, and a reviewer may quote what it found. */
function shareable(claim: string): string {
  const isSecret = findSecrets(claim, { hash: hashText }).length > 0
  return isSecret ? 'left out: it holds what looks like a credential' : claim.slice(0, 500)
}
