// A flow as the files of a commit, and back; and the line that a commit of the flow's ref is to people and programs. Pure.

import * as z from 'zod/mini'
import { parsed } from './legal'
import { type Flow, Review, Spec, State } from './schema'

const FEEDBACK = /^leaves\/(\d{1,3}\.\d{1,3})\/feedback\.md$/
const SPEC = /^leaves\/(\d{1,3}\.\d{1,3})\/spec\.json$/
const REVIEW = /^reviews\/([A-Za-z0-9._-]{1,80})\.json$/

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

export function encodeFlow(flow: Flow): Map<string, string> {
  const files = new Map([
    ['state.json', json(flow.state)],
    ['contract.md', flow.contract],
  ])
  for (const [leaf, text] of flow.specs) files.set(`leaves/${leaf}/spec.json`, text)
  for (const [leaf, text] of flow.feedback) files.set(`leaves/${leaf}/feedback.md`, text)
  for (const [run, review] of flow.reviews) files.set(`reviews/${run}.json`, json(review))
  return files
}

/** What the files say, or why they can't be a flow. Files that we don't know are passed over. */
export function decodeFlow(files: ReadonlyMap<string, string>): Flow | { broken: string } {
  const state = parsed(State, files.get('state.json'), 'state.json')
  if ('broken' in state) return state
  const specs = new Map<string, string>()
  const feedback = new Map<string, string>()
  const reviews = new Map<string, z.infer<typeof Review>>()
  for (const [path, text] of files) {
    const [, leaf] = SPEC.exec(path) ?? []
    const [, told] = FEEDBACK.exec(path) ?? []
    const [, run] = REVIEW.exec(path) ?? []
    if (leaf !== undefined) {
      const spec = parsed(Spec, text, path)
      if ('broken' in spec) return spec
      specs.set(leaf, text)
    }
    if (told !== undefined) feedback.set(told, text)
    if (run !== undefined) {
      const review = parsed(Review, text, path)
      if ('broken' in review) return review
      reviews.set(run, review.value)
    }
  }
  return { state: state.value, contract: files.get('contract.md') ?? '', specs, feedback, reviews }
}

/** One line of the ledger: what a commit of the ref says. */
export const Entry = z.object({
  rev: z.int(),
  /** E1 … E18, or the name of an operation that is no transition. */
  event: z.string(),
  from: z.string(),
  to: z.string(),
  leaf: z.nullable(z.string()),
  actor: z.enum(['human', 'engine']),
  key: z.nullable(z.string()),
  cause: z.nullable(z.string()),
})
export type Entry = z.infer<typeof Entry>

/** `flow: payments 1.1 Plan → PlanReview (submit_plan)`. */
export function subjectOf(slug: string, entry: Entry, what: string): string {
  const leaf = entry.leaf === null ? '' : ` ${entry.leaf}`
  const way = entry.from === entry.to ? entry.to : `${entry.from} → ${entry.to}`
  return `flow: ${slug}${leaf} ${way} (${what})`
}

/** Trailers of a ledger commit, for programs. */
export function entryTrailers(slug: string, entry: Entry, fence: string | null): Record<string, string> {
  const { rev, event, from, to, leaf, actor, key, cause } = entry
  return {
    'Dstack-Slug': slug,
    ...(leaf === null ? {} : { 'Dstack-Leaf': leaf }),
    'Dstack-Rev': String(rev),
    'Dstack-Event': event,
    'Dstack-From': from,
    'Dstack-To': to,
    'Dstack-Actor': actor,
    ...(key === null ? {} : { 'Dstack-Key': key }),
    ...(cause === null ? {} : { 'Dstack-Cause': cause.replace(/\s+/g, ' ') }),
    ...(fence === null ? {} : { 'Dstack-Lease': fence }),
  }
}
