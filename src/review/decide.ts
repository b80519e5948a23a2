// What becomes of what reviewers found: looked up at its place, joined with the same from others, and sorted. Pure.

import { isTouched, type Looked, look, plainPath, type Site } from './place'
import { CLASSES, type Given, SEVERITIES, type Track } from './schema'

/** What one reviewer found. */
export interface Report {
  reviewer: string
  findings: readonly Given[]
}

/** A finding that somebody accepted, deferred or called invalid before. */
export interface Earlier {
  class: string
  claim: string
  path?: string | undefined
  fingerprint?: string | undefined
  /** Object id that its file had when it was reviewed; null when it had none. */
  id: string | null
}

export interface Request {
  track: Track
  reports: readonly Report[]
  site: Site
  earlier: readonly Earlier[]
  /** SHA-256 in hexadecimal. */
  hash: (text: string) => string
}

export interface Decision extends Given {
  lines?: string
  confidence: number
  fingerprint: string
  /** Absent: it names no place. */
  verified?: boolean
  /** Why it could not be verified. */
  why?: string
  /** Who found it, sorted. */
  reviewers: string[]
}

/** Every finding that came in is in one of these lists, in an order that depends on nothing but the findings. */
export interface Decided {
  /** What counts. */
  findings: Decision[]
  /** Not found at the place that they name: shown, and in nobody's way. */
  unverified: Decision[]
  /** Of a class that is not this track's. */
  outside: Decision[]
  /** About lines that the range did not touch. */
  preexisting: Decision[]
  /** Decided on before, and their file is still the same. */
  silent: Decision[]
}

/** Anchors of confidence. Source: Compound Engineering's review merge (0, 25, 50, 75, 100). */
const ANCHOR = 25
const QUOTED = 75
const UNQUOTED = 50

/** The words of a claim: no capitals, no punctuation, no numbers, which change with every line above. */
export function normalClaim(claim: string): string {
  const words = claim
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{M}]+/gu)
  return words === null ? claim.trim() : words.join(' ')
}

/** Names a finding whoever found it and however often: of its path, class and claim. */
export function fingerprintOf(
  { path, class: kind, claim }: { path?: string | undefined; class: string; claim: string },
  hash: (text: string) => string,
): string {
  return hash(`${plainPath(path ?? '')}:${kind}:${normalClaim(claim)}`).slice(0, 16)
}

interface Seen {
  given: Given
  reviewer: string
  looked: Looked
}

/** Each is verified at its own place first; then the same ones are one. */
export function decide({ track, reports, site, earlier, hash }: Request): Decided {
  const same = new Map<string, Seen[]>()
  for (const { reviewer, findings } of reports) {
    for (const given of findings) {
      // A plan speaks of files that are still to be written.
      const looked: Looked = track === 'plan' ? { verified: undefined } : look(given, site)
      const fingerprint = fingerprintOf(given, hash)
      same.set(fingerprint, [...(same.get(fingerprint) ?? []), { given, reviewer, looked }])
    }
  }
  const skipped = new Map(earlier.map((one) => [one.fingerprint ?? fingerprintOf(one, hash), one] as const))
  const decided: Decided = { findings: [], unverified: [], outside: [], preexisting: [], silent: [] }
  for (const [fingerprint, seen] of same) {
    const { decision, looked } = joined(fingerprint, seen)
    decided[listFor(decision, looked)].push(decision)
  }
  for (const list of Object.values(decided) as Decision[][]) list.sort(byPlace)
  return decided

  function listFor(decision: Decision, looked: Looked): keyof Decided {
    if (!CLASSES[track].includes(decision.class)) return 'outside'
    if (looked.verified === false) return 'unverified'
    const before = skipped.get(decision.fingerprint)
    const id = decision.path === undefined ? null : site.id(decision.path)
    if (before !== undefined && before.id === id) return 'silent'
    // What the contract asks for may be missing in lines that nobody touched: that is what track B is about.
    if (track !== 'A' || looked.verified !== true || decision.path === undefined) return 'findings'
    return isTouched(decision.path, looked.range, site) ? 'findings' : 'preexisting'
  }
}

const RANK: Readonly<Record<string, number>> = { true: 0, undefined: 1, false: 2 }

/** One finding out of the same from several: the words of the one that is best founded, the worst severity of those as well founded. */
function joined(fingerprint: string, seen: readonly Seen[]): { decision: Decision; looked: Looked } {
  const [best = seen[0]] = [...seen].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      sureness(b) - sureness(a) ||
      SEVERITIES.indexOf(a.given.severity) - SEVERITIES.indexOf(b.given.severity) ||
      compare(JSON.stringify(a.given), JSON.stringify(b.given)),
  )
  if (best === undefined) throw new RangeError('nothing to join')
  const { given, looked } = best
  const founded = seen.filter((one) => rank(one) === rank(best))
  const severity = SEVERITIES.find((name) => founded.some((one) => one.given.severity === name)) ?? given.severity
  const reviewers = [...new Set(seen.map(({ reviewer }) => reviewer))].sort(compare)
  const agreeing = new Set(founded.map(({ reviewer }) => reviewer)).size
  const sure = Math.max(...founded.map(sureness)) + (agreeing > 1 ? ANCHOR : 0)
  const { lines: _lines, path, ...rest } = given
  const lines = linesText(given, looked)
  const decision: Decision = {
    ...rest,
    severity,
    ...(path === undefined || path.trim() === '' ? {} : { path: plainPath(path) }),
    ...(lines === null ? {} : { lines }),
    confidence: Math.min(100, sure),
    fingerprint,
    ...(looked.verified === undefined ? {} : { verified: looked.verified }),
    ...(looked.verified === false ? { why: looked.why } : {}),
    reviewers,
  }
  return { decision, looked }
}

const rank = ({ looked }: Seen) => RANK[String(looked.verified)] ?? 2

function sureness({ given, looked }: Seen): number {
  const quoted = looked.verified === true && looked.quoted
  const said = given.confidence ?? (quoted ? QUOTED : UNQUOTED)
  const anchored = Math.round(said / ANCHOR) * ANCHOR
  return looked.verified === false ? Math.min(ANCHOR, anchored) : anchored
}

function linesText(given: Given, looked: Looked): string | null {
  if (looked.verified === true && looked.range !== null) {
    const [from, to] = looked.range
    return from === to ? String(from) : `${from}-${to}`
  }
  return given.lines === undefined ? null : String(given.lines)
}

/** The order that numbers follow: what is worst first, then from top to bottom. */
function byPlace(a: Decision, b: Decision): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    compare(a.path ?? '', b.path ?? '') ||
    (Number.parseInt(a.lines ?? '', 10) || 0) - (Number.parseInt(b.lines ?? '', 10) || 0) ||
    compare(a.class, b.class) ||
    compare(a.fingerprint, b.fingerprint)
  )
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
