// Markers: the empty commits on the user's branch that say how far a flow is. Written as a message, read from a log.

import type { Oid, WorkCommit } from '../git/git'
import { LEAF_ID, SLUG } from '../plan/schema'

/** What a marker says: the contract was approved or amended, a leaf's plan was approved, a leaf is complete. */
export type MarkerEvent = 'approve' | 'amend' | 'plan' | 'complete'

/** A leaf as the decomposition markers list it, so that the branch alone tells the contract's shape. */
export interface MarkerLeaf {
  /** `X.Y` */
  id: string
  title: string
  needs: string[]
}

/** What a subject claims to be. */
export interface Reserved {
  slug: string
  /** null: about the decomposition as a whole. */
  leaf: string | null
  kind: MarkerEvent
}

export interface Marker {
  oid: Oid
  /** The commit that it stands on; null at the root. */
  parent: Oid | null
  slug: string
  event: MarkerEvent
  leaf: string | null
  /** The commit of the flow's ref that it belongs to; null only in a forged one. */
  state: Oid | null
  /** Of a decomposition marker. */
  leaves: MarkerLeaf[] | null
  seconds: number
  /** A later rollback took it back: it counts for nothing. */
  voided: boolean
  /** Its subject is reserved and its trailers don't fit: it counts for nothing. */
  forged: boolean
  /** Why it is forged. */
  why: string | null
}

/** What a new marker says: the decomposition markers list the leaves, those of a phase name it. */
export type MarkerText = { slug: string; state: Oid } & (
  | { event: 'approve' | 'amend'; leaves: readonly MarkerLeaf[] }
  | { event: 'plan' | 'complete'; leaf: string }
)

export interface Rollback {
  slug: string
  /** The leaf that was asked for, and those that were started after it. */
  leaves: string[]
}

const SUBJECTS: readonly (readonly [MarkerEvent, string])[] = [
  ['approve', 'decomposition approved'],
  ['amend', 'decomposition amended'],
  ['plan', 'plan approved'],
  ['complete', 'implementation complete'],
]
const SLUG_TEXT = SLUG.source.slice(1, -1)
const ID = LEAF_ID.source.slice(1, -1)
const RESERVED = [
  new RegExp(`^(?<slug>${SLUG_TEXT}): (?<words>decomposition approved|decomposition amended)$`),
  new RegExp(`^(?<slug>${SLUG_TEXT})/phase (?<leaf>${ID}): (?<words>plan approved|implementation complete)$`),
]

/** Is this one of the four subjects that only markers may have? null: it is not. */
export function isReserved(subject: string): Reserved | null {
  for (const pattern of RESERVED) {
    const { slug, leaf, words } = pattern.exec(subject)?.groups ?? {}
    const kind = SUBJECTS.find(([, text]) => text === words)?.[0]
    if (slug !== undefined && kind !== undefined) return { slug, leaf: leaf ?? null, kind }
  }
  return null
}

/** The whole message of a marker: subject, leaves where it lists them, trailers. */
export function markerMessage(text: MarkerText): string {
  const { slug, state, event } = text
  const words = SUBJECTS.find(([kind]) => kind === event)?.[1] ?? ''
  if ('leaves' in text) {
    const leaves = text.leaves.map((leaf) => `${leafLine(leaf)}\n`).join('')
    return `${slug}: ${words}\n\nLeaves:\n${leaves}\n${trailers({ slug, event, state })}`
  }
  const { leaf } = text
  return `${slug}/phase ${leaf}: ${words}\n\n${trailers({ slug, leaf, event: `${event} ${leaf}`, state })}`
}

function trailers({ slug, leaf, event, state }: { slug: string; leaf?: string; event: string; state: Oid }): string {
  const lines = [`Dstack-Slug: ${slug}`, `Dstack-Event: ${event}`, `Dstack-State: ${state}`]
  return [...lines.slice(0, 1), ...(leaf === undefined ? [] : [`Dstack-Leaf: ${leaf}`]), ...lines.slice(1), ''].join(
    '\n',
  )
}

const NEEDS = new RegExp(` \\(needs (-|${ID}(?:, ${ID})*)\\)$`)
const LEAF_LINE = new RegExp(`^- (${ID})(?: (.*))?$`)

function leafLine({ id, title, needs }: MarkerLeaf): string {
  const words = title.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  // A title that ends like a list of needs is followed by an explicit empty one.
  const after = needs.length > 0 ? needs.join(', ') : NEEDS.test(` ${words}`) ? '-' : null
  return `- ${id} ${words}${after === null ? '' : ` (needs ${after})`}`
}

function readLeaves(body: string): MarkerLeaf[] {
  const lines = body.split('\n')
  const start = lines.indexOf('Leaves:') + 1
  if (start === 0) return []
  const leaves: MarkerLeaf[] = []
  for (const line of lines.slice(start)) {
    const [, id, rest = ''] = LEAF_LINE.exec(line) ?? []
    if (id === undefined) break
    const needs = NEEDS.exec(` ${rest}`)?.[1]
    const title = ` ${rest}`.replace(NEEDS, '').trim()
    leaves.push({ id, title, needs: needs === undefined || needs === '-' ? [] : needs.split(', ') })
  }
  return leaves
}

/** What a commit takes back; null when it is no rollback. */
export function rollbackOf({ trailers }: Pick<WorkCommit, 'trailers'>): Rollback | null {
  const slug = only(trailers['Dstack-Slug'])
  const target = /^rollback (.+)$/.exec(only(trailers['Dstack-Event']) ?? '')?.[1]
  if (slug === null || target === undefined || !LEAF_ID.test(target)) return null
  const others = (trailers['Dstack-Voids'] ?? []).filter((leaf) => LEAF_ID.test(leaf))
  return { slug, leaves: [...new Set([target, ...others])] }
}

/**
 * The markers among these commits (oldest first, as `Work.commits` gives them), in their order. A marker that was amended is
 * there once: what it replaced is not reachable.
 */
export function readMarkers(commits: readonly WorkCommit[]): Marker[] {
  const markers: Marker[] = []
  for (const commit of commits) {
    const rollback = rollbackOf(commit)
    if (rollback !== null) {
      for (const marker of markers) {
        const { slug, leaf, forged } = marker
        if (!forged && leaf !== null && slug === rollback.slug && rollback.leaves.includes(leaf)) marker.voided = true
      }
    }
    const reserved = isReserved(commit.subject)
    if (reserved !== null) markers.push(readMarker(commit, reserved))
  }
  return markers
}

function readMarker(commit: WorkCommit, { slug, leaf, kind }: Reserved): Marker {
  const why = misfit(commit.trailers, { slug, leaf, kind })
  return {
    oid: commit.oid,
    parent: commit.parents[0] ?? null,
    slug,
    event: kind,
    leaf,
    state: why === null ? only(commit.trailers['Dstack-State']) : null,
    leaves: leaf === null ? readLeaves(commit.body) : null,
    seconds: commit.seconds,
    voided: false,
    forged: why !== null,
    why,
  }
}

/** Why these trailers don't belong to that subject; null: they do. */
function misfit(trailers: WorkCommit['trailers'], { slug, leaf, kind }: Reserved): string | null {
  const wanted: Record<string, string> = {
    'Dstack-Slug': slug,
    'Dstack-Event': leaf === null ? kind : `${kind} ${leaf}`,
    ...(leaf === null ? {} : { 'Dstack-Leaf': leaf }),
  }
  for (const [name, value] of Object.entries(wanted)) {
    const found = trailers[name] ?? []
    if (found.length !== 1)
      return found.length === 0 ? `it has no trailer ${name}` : `it has ${name} ${found.length} times`
    if (found[0] !== value) return `its trailer ${name} says "${found[0]}", not "${value}"`
  }
  const state = only(trailers['Dstack-State'])
  if (state === null || !/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(state))
    return 'its trailer Dstack-State names no commit'
  return null
}

/** The value of a trailer that may be there once. */
function only(values: readonly string[] | undefined): string | null {
  return values?.length === 1 ? (values[0] ?? null) : null
}

/** Markers of a leaf that count, by kind. Source of the rule: at most one of each. */
export function budget(markers: readonly Marker[], slug: string, leaf: string): { plan: number; complete: number } {
  const counted = markers.filter((marker) => counts(marker) && marker.slug === slug && marker.leaf === leaf)
  const of = (event: MarkerEvent) => counted.filter((marker) => marker.event === event).length
  return { plan: of('plan'), complete: of('complete') }
}

/** Neither taken back nor forged. */
export function counts({ voided, forged }: Marker): boolean {
  return !voided && !forged
}
