// What the machine may know of the world: typed facts. What nobody has proved yet is absent, never guessed.

import type { Contract, Issue } from '../plan/schema'
import type { ConditionId, Step, Trigger } from './schema'

/** What a gate said of the thing that is asked for; `absent`: it has said nothing. */
export type Verdict = 'green' | 'red' | 'absent'

export interface Condition {
  id: ConditionId
  reason: string
  action: 'pause' | 'abort'
}

export interface Policy {
  hitl: boolean
  planReview: boolean
  planWait: boolean
  phaseReview: boolean
  dualReview: boolean
  reviewWait: boolean
  contractReview: boolean
  fixIterations: number
  failureThreshold: number
  maxDurationMinutes: number
  maxIdleMinutes: number
  extensions: number
  budgetAction: 'pause' | 'abort'
  escalate: 'pause' | 'abort'
  markers: 'commits' | 'notes'
  engine: string
}

export interface TaskFact {
  id: string
  status: 'pending' | 'running' | 'done' | 'failed' | 'skipped'
  verdict: Verdict
  /** Failed gates. */
  failures: number
  engine: string | null
}

/** A submitted plan of a leaf, with what is wrong with it. */
export interface PlanFact {
  hash: string
  tasks: number
  issues: Issue[]
}

export interface Facts {
  /** ISO 8601. */
  now: string
  /** Who acts: `Alice <alice@example.com>`. */
  who: string
  optedIn: boolean
  /** What switches everything off; null: nothing. */
  disabled: string | null
  slugFree: boolean
  policy: Policy
  contract: {
    text: string
    hash: string
    parsed: Contract
    issues: Issue[]
    reviewed: boolean
    specs: Map<string, { text: string; hash: string }>
  } | null
  head: { oid: string | null; branch: string | null; clean: boolean; unmerged: readonly string[] }
  /** This worktree holds the lease of the flow. */
  lease: boolean
  conditions: readonly Condition[]
  plan: PlanFact | null
  /** Tasks of the present leaf. */
  tasks: readonly TaskFact[]
  leafPredicates: Verdict
  contractPredicates: Verdict
  gate: Verdict
  /** The leaf's phase in the companion was written after the last commit of the leaf. */
  companion: { exists: boolean; fresh: boolean }
  /** The branch holds the marker of the approval that is in force. */
  approvalHere: boolean
  /** Markers of the present leaf that count. */
  budget: { plan: number; complete: number }
  /** How this clone's flow stands to the remote's. */
  remote: 'none' | 'same' | 'ahead' | 'diverged'
}

/** What happens: a trigger with what belongs to it. */
export interface Event {
  trigger: Trigger
  actor: 'human' | 'engine'
  slug?: string
  goal?: string
  /** The human's explicit yes (approve, abort). */
  yes?: boolean
  /** For amend and start_leaf: which leaf. */
  leaf?: string
  /** y, n, a3 …: what a human answered. Absent: the engine goes on by itself. */
  key?: string
  /** Of a pause or an abort by the engine. */
  condition?: Condition
  reason?: string
  /** Feedback that a pause stores. */
  feedback?: string
  /** Conditions that a resume acknowledges. */
  ack?: readonly ConditionId[]
}

/** Steps in which an engine works, and so somebody must hold the lease. */
export const LEASED: readonly Step[] = ['Plan', 'PlanReview', 'Implement', 'PhaseReview']
