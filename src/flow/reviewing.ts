// Reviews of a leaf: taken in, decided on, looked at.

import { isRefusal, type Refusal } from '../errors'
import {
  type Decided,
  type Decision,
  decideReports,
  type Foreign,
  type ReviewRequest,
  readForeign,
} from '../review/review'
import { person, type Store } from '../store/store'
import { CONTRACT_LEAF } from './gather'
import { type Actor, type Held, type Moved, operate } from './moving'
import { addReview, decideFinding, failReview } from './operations'
import { standingOf } from './reading'
import type { Finding, FindingState, Flow, Review, Track } from './schema'

export interface ReviewInput {
  text: string
  track?: Track
  reviewer?: string
  /** Of the whole contract instead of the present leaf. */
  contract?: boolean
}

export interface Reviewed extends Moved {
  run: string
  track: Track
  findings: Finding[]
  /** Which other tool's form it had, and what of it was not taken in. */
  format?: Foreign['format']
  aside?: Aside
}

/** What is not in the flow: about lines that were not touched, decided on before, or asking for nothing. */
export interface Aside {
  preexisting: number
  silent: number
  skipped: number
}

/** Stores a reviewer's result: in our form, or that of another tool (SARIF, GitHub, GitLab), which is looked up in the code first. */
export async function importReview(
  store: Store,
  slug: string,
  actor: Actor,
  input: ReviewInput,
): Promise<Reviewed | Refusal> {
  let review: Review | null = null
  let more: Pick<Reviewed, 'format' | 'aside'> = {}
  const done = await operate(store, slug, actor, 'review', (held) => {
    const read = foreign(store, held, input)
    if (isRefusal(read)) return read
    more = read?.more ?? {}
    const { text, track, reviewer } = read?.input ?? input
    const target = targetOf(held, read?.input ?? input)
    if (isRefusal(target)) return target
    const added = addReview(held.standing.flow, {
      text,
      ...target,
      at: store.env.now().toISOString(),
      ...(track === undefined ? {} : { track }),
      ...(reviewer === undefined ? {} : { reviewer }),
    })
    if (isRefusal(added)) return added
    review = added.review
    return added.flow
  })
  if (isRefusal(done)) return done
  const { run, track, findings } = review ?? { run: '', track: 'plan' as const, findings: [] }
  const { flow: _flow, ...moved } = done
  return { ...moved, run, track, findings, ...more }
}

/** Other tools look at code: what they found is for track A. Null: the text is not theirs. */
function foreign(
  store: Store,
  { standing, gathered }: Held,
  input: ReviewInput,
): { input: ReviewInput; more: Pick<Reviewed, 'format' | 'aside'> } | null | Refusal {
  const read = readForeign(input.text)
  if (read === null) return null
  const { track = 'A' } = input
  const { oid: head } = gathered.facts.head
  if (input.contract === true || track !== 'A' || head === null) {
    return { refused: 'USAGE', message: `What ${read.format} holds is about code.`, hint: 'Take it in with --track A.' }
  }
  const { flow } = standing
  const base = flow.state.leaves[flow.state.leaf ?? '']?.base ?? null
  const { reports, format, skipped } = read
  const decided = decideReports(store, { track, reports, base, head, earlier: earlierOf(flow) })
  const reviewer = input.reviewer ?? ([...new Set(reports.map((report) => report.reviewer))].join(', ') || format)
  const aside = { preexisting: decided.preexisting.length, silent: decided.silent.length, skipped }
  return { input: { ...input, text: takenText(decided), track, reviewer }, more: { format, aside } }
}

/** What the flow takes in. */
export function takenText({ findings, unverified }: Pick<Decided, 'findings' | 'unverified'>): string {
  const plain = ({ why: _why, reviewers: _reviewers, ...finding }: Decision) => finding
  return JSON.stringify({ findings: [...findings, ...unverified].map(plain) })
}

/** What people decided on in this flow, and at which commit. */
export function earlierOf({ reviews }: Flow): ReviewRequest['earlier'] {
  return [...reviews.values()].flatMap(({ of, findings }) =>
    findings
      .filter(({ status }) => status === 'accepted' || status === 'deferred' || status === 'invalid')
      .map(({ class: kind, claim, path, fingerprint }) => ({
        class: kind,
        claim,
        path,
        fingerprint,
        head: /\.\.([0-9a-f]{40,64})$/.exec(of)?.[1] ?? null,
      })),
  )
}

/** What is being reviewed, by an id that changes with it. */
function targetOf(
  { standing, gathered }: Held,
  { contract, track }: ReviewInput,
): { leaf: string; of: string; track?: Track } | Refusal {
  const { state } = standing.flow
  if (contract === true) return { leaf: CONTRACT_LEAF, of: gathered.facts.contract?.hash ?? '', track: 'plan' }
  if (state.leaf === null) {
    return {
      refused: 'ILLEGAL',
      message: `In ${state.step} no leaf is there to be reviewed.`,
      hint: 'See `git dstack flow show`.',
    }
  }
  const planning = track === 'plan' || state.step.startsWith('PlanReview')
  const { base, plan } = state.leaves[state.leaf] ?? {}
  return { leaf: state.leaf, of: planning ? (plan ?? '') : `${base}..${gathered.facts.head.oid}` }
}

/** Says what becomes of a finding: fixed, accepted, deferred, invalid. */
export function decideReview(
  store: Store,
  slug: string,
  actor: Actor,
  id: string,
  status: Exclude<FindingState, 'open'>,
  reason?: string,
): Promise<Moved | Refusal> {
  return operate(store, slug, actor, `finding ${status}`, ({ standing }) => {
    if (actor.kind === 'engine' && status === 'accepted') {
      return {
        refused: 'REFUSED',
        message: 'A person accepts a finding as it is, not an agent.',
        hint: 'Fix it, or ask.',
      }
    }
    const by = person(store).by
    return decideFinding(standing.flow, id, status, reason === undefined ? by : `${by}: ${reason}`)
  })
}

/** No review could be had: the flow pauses at the next step (A8). It is never taken for "no findings". */
export function failReviews(store: Store, slug: string, actor: Actor, why: string): Promise<Moved | Refusal> {
  return operate(store, slug, actor, 'review failed', ({ standing }) => failReview(standing.flow, why), why)
}

/** Reviews of a slug, newest run last; superseded ones too. */
export function reviewsOf(store: Store, slug: string): Review[] | Refusal {
  const standing = standingOf(store, slug)
  if (isRefusal(standing)) return standing
  const time = ({ at }: Review) => Date.parse(at)
  return [...standing.flow.reviews.values()].sort((a, b) => time(a) - time(b) || (a.run < b.run ? -1 : 1))
}
