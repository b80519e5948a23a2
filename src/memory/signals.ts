// What speaks for an entry besides its words: state, confidence, age, expiry, use, pin. Kept as numbers by document.

import type { Entry } from './entry'
import { POINT } from './rank'
import type { Scope, State } from './schema'

/** What each state counts for, as a factor. CONFIRMED beats an equally good guess; it does not beat a better answer. */
const STATE_WORTH: Record<State, number> = { UNKNOWN: 0.6, UNCERTAIN: 0.7, INFERRED: 0.75, CONFIRMED: 1 }
const STATES = Object.keys(STATE_WORTH) as State[]
const SCOPES: readonly Scope[] = ['repository', 'workspace', 'personal']
/** What full age takes away, and the days after which half of that is gone. */
const AGE_COST = 0.15
const AGE_HALF = 365
/** What no confidence at all takes away. */
const DOUBT_COST = 0.3
/** What each doubling of the times that an entry helped adds, and the most that it adds. */
const USE_GAIN = 0.05
const USE_MAX = 0.3
/** What pinning makes of an entry: a little more among hits, ahead of everything when there is no question. */
const PIN_WORTH = 1.1
const PIN_FIRST = 100
/** What is left for an entry that holds next to nothing of the question; it grows to 1 with all of it. */
const COVERAGE_FLOOR = 0.6
const COVERAGE_GAIN = (1 - COVERAGE_FLOOR) / POINT

/**
 * What is kept of each entry, in four columns of 32 bits: length, confidence and flags (8 bits each); minute of
 * writing since 1970; minute of expiry, 0 for never; half-life in tenths of a day, 0 for none, and use (16 bits each).
 */
export type Columns = readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]

const MINUTE = 60_000
const DAY = 24 * 60
/** A confidence of 1; one byte, and both 0.5 and 0.85 without loss. */
const SURE = 200
/** Lengths are kept in one byte, in steps of 4 %: sixteen to each doubling. */
const LENGTH_STEPS = 16

/** The length of a document in words as BM25 sees it, by its byte: whole 256ths, so that sums do not depend on order. */
export const LENGTHS = Float64Array.from(
  { length: 256 },
  (_, byte) => Math.round(2 ** (byte / LENGTH_STEPS) * 256) / 256,
)

export function lengthByte(words: number): number {
  return Math.min(255, Math.round(Math.log2(Math.max(1, words)) * LENGTH_STEPS))
}

/** Writes the signals of one entry. `length`: the byte of `lengthByte`. */
export function packSignals(entry: Entry, length: number, columns: Columns, doc: number): void {
  const flags =
    STATES.indexOf(entry.state) | (SCOPES.indexOf(entry.scope) << 2) | (+entry.pin << 4) | (+entry.proposed << 5)
  const confidence = Math.round(Math.min(Math.max(entry.confidence, 0), 1) * SURE)
  const halfLife = entry.decay === undefined ? 0 : clamp(Math.round(entry.decay * 10), 1)
  const [heads, times, expiries, tails] = columns
  heads[doc] = length | (confidence << 8) | (flags << 16)
  times[doc] = minutes(entry.at)
  expiries[doc] = minutes(entry.expires)
  tails[doc] = halfLife | (clamp(entry.helped, 0) << 16)
}

/** What is known of an entry besides its words, at one moment. */
export interface Standing {
  /** As it was written. */
  written: State
  /** With expiry applied: an expired entry ranks as UNCERTAIN at most. */
  state: State
  expired: boolean
  scope: Scope
  pin: boolean
  proposed: boolean
  /** 0 to 1, with decay applied. */
  confidence: number
  ageDays: number
  helped: number
}

export function writtenAt(columns: Columns, doc: number): number {
  return columns[1][doc] ?? 0
}

export function standing(columns: Columns, doc: number, now: Date): Standing {
  const [head = 0, at = 0, expires = 0, tail = 0] = columns.map((column) => column[doc])
  const today = now.getTime() / MINUTE
  const ageDays = wholeDays(today, at)
  const state = STATES[(head >>> 16) & 3] as State
  const expired = expires !== 0 && expires <= today
  const halfLife = (tail & 0xffff) / 10
  const confidence = ((head >>> 8) & 0xff) / SURE
  return {
    written: state,
    state: expired && (state === 'CONFIRMED' || state === 'INFERRED') ? 'UNCERTAIN' : state,
    expired,
    scope: SCOPES[(head >>> 18) & 3] as Scope,
    pin: ((head >>> 20) & 1) === 1,
    proposed: ((head >>> 21) & 1) === 1,
    confidence: halfLife === 0 ? confidence : confidence * 2 ** (-ageDays / halfLife),
    ageDays,
    helped: tail >>> 16,
  }
}

/** Hits as columns, as of match.ts. */
interface Hits {
  docs: Uint32Array
  scores: Int32Array
  coverage: Int32Array
}

/**
 * Puts standing and completeness on the scores of hits, in place; what is not wanted gets 0. A question may hit tens of
 * thousands, and the loop runs before anything is compiled, so it makes no calls: what belongs to state, confidence and
 * flags is worked out once for each of their combinations, what belongs to age once a day, to use once a count.
 * `wanted` may look at what is written, not at age and use; `asked`: there were words to look for.
 */
export function weigh(
  { docs, scores, coverage }: Hits,
  columns: Columns,
  now: Date,
  asked: boolean,
  wanted: (one: Standing) => boolean,
): void {
  const [heads, times, expiries, tails] = columns
  const today = Math.floor(now.getTime() / MINUTE)
  const steady = (one: Standing): number => {
    if (!wanted(one)) return -1
    const pin = !one.pin ? 1 : asked ? PIN_WORTH : PIN_FIRST
    return STATE_WORTH[one.state] * (1 - DOUBT_COST * (1 - one.confidence)) * pin
  }
  // 0 = not worked out yet; -1 = not wanted.
  const steadies = new Float64Array(1 << 16)
  const ages = new Float64Array(1 << 16)
  const uses = new Float64Array(1 << 16)
  for (let i = 0; i < docs.length; i++) {
    const doc = docs[i] as number
    const tail = tails[doc] as number
    const head = (heads[doc] as number) >>> 8
    const changing = expiries[doc] !== 0 || (tail & 0xffff) !== 0
    let part = changing ? steady(standing(columns, doc, now)) : (steadies[head] as number)
    if (part === 0) part = steadies[head] = steady(standing(columns, doc, now))
    const minutes = today - (times[doc] as number)
    const day = minutes <= 0 ? 0 : ((minutes / DAY) | 0) & 0xffff
    if (ages[day] === 0) ages[day] = aged(day)
    const use = tail >>> 16
    if (uses[use] === 0) uses[use] = used(use)
    const whole = COVERAGE_FLOOR + COVERAGE_GAIN * (coverage[i] as number)
    scores[i] = part < 0 ? 0 : (scores[i] as number) * part * (ages[day] as number) * (uses[use] as number) * whole
  }
}

function aged(days: number): number {
  return 1 - AGE_COST * (1 - 2 ** (-days / AGE_HALF))
}

function used(helped: number): number {
  return 1 + Math.min(USE_MAX, USE_GAIN * Math.log2(1 + helped))
}

function wholeDays(today: number, at: number): number {
  return Math.max(0, Math.floor((today - at) / DAY))
}

function minutes(time: string | undefined): number {
  const ms = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.floor(ms / MINUTE))
}

function clamp(value: number, least: number): number {
  return Math.min(Math.max(value, least), 0xffff)
}
