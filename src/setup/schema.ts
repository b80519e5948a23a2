// What setup plans, finds and shows. Types only.

import type { Refusal } from '../errors'
import type { Layer } from '../settings/schema'

/** One thing that init changes. */
export type Action =
  | { kind: 'config'; how: 'set' | 'add' | 'remove'; name: string; value: string }
  | { kind: 'hook'; path: string }
  | { kind: 'fetch'; refspecs: string[] }
  | { kind: 'format' }

export interface Step {
  what: string
  why: string
  action: Action
}

/** What init would do here. Nothing is changed while there is a refusal, nor when there are no steps. */
export interface InitPlan {
  /** Top of the working tree, or the bare repository. */
  folder: string
  /** The elected remote; null where there is none. */
  remote: string | null
  transport: string
  steps: Step[]
  refusal: Refusal | null
  warnings: string[]
  /** What to add by hand where hooks belong to another tool. */
  snippet: string | null
}

export interface InitReport extends InitPlan {
  dryRun: boolean
  /** Refs of the team that were there already and are here now. */
  adopted: number
}

/** One line of `init --all`. */
export interface FolderReport {
  folder: string
  outcome: 'done' | 'nothing' | 'planned' | 'refused'
  message: string
}

export interface UninstallReport {
  folder: string
  /** What was taken out, in words. */
  removed: string[]
  /** True when configuration and hooks are the bytes that they were before init. */
  restored: boolean
  /** Our refs that stay, or that went with `--refs`. */
  refs: { kept: string[]; removed: string[] }
}

/** `dstack/installed.json`: what was there before init, so that uninstall can put it back. */
export interface Installed {
  v: 1
  /** The configuration's bytes (latin1) before init; after it, once init has ended. */
  config: { before: string; after?: string }
  /** By the file's path. */
  hooks: Record<string, InstalledHook>
  /** The user does not want hooks. */
  noHooks: boolean
}

export interface InstalledHook {
  /** Null: there was no file. */
  before: { text: string; mode: number } | null
  after: string
  /** The folder was made for it. */
  madeFolder: boolean
}

export type Severity = 'error' | 'warning' | 'info'

/** What doctor found: an error breaks something, a warning may, an info is good to know. */
export interface Finding {
  code: string
  severity: Severity
  /** What it is about: a ref, a file, a setting. Two findings with the same code and subject are the same. */
  subject: string
  what: string
  risk: string
  /** The command that mends it; empty where there is none. */
  command: string
  /** doctor can mend it by itself. */
  fixable: boolean
  /** With `--fix`: true when it is gone, false when it was tried and it is still there. */
  fixed?: boolean
}

export interface DoctorReport {
  findings: Finding[]
  /** Nothing is wrong any more: infos do not count. */
  clean: boolean
}

/** What stands between a commit and the branch here. */
export interface GateReport {
  /** The mode that counts. */
  mode: 'off' | 'remind' | 'strict'
  /** Where the mode is set. */
  layer: Layer
  /** Who switched gates off for the whole team, and when (ISO 8601); null: nobody. */
  disabledBy: { by: string; at: string } | null
  /** Settings of gate, questions and guards that somebody has switched off; looked up only where the gate is on. */
  off: string[]
  /** Hooks of git's without our call, apart from pre-push. Empty where nobody wants hooks. */
  missing: string[]
}

/** Where the flow that is meant stands. `slug` is null when several go on and none was chosen. */
export interface FlowReport {
  slug: string | null
  step: string | null
  leaf: string | null
  sealed: number
  leaves: number
  /** Work without evidence counts in it. */
  unverified: boolean
  /** Flows that are going on, this one included. */
  live: number
}

export interface StatusReport {
  folder: string
  branch: string | null
  /** Null in a bare repository. */
  changedFiles: number | null
  upstream: { name: string; ahead: number; behind: number } | null
  enabled: boolean
  /** What disables everything here, in words; null when nothing does. */
  disabled: string | null
  remote: string | null
  url: string | null
  transport: string
  /** By the search index and what came since; null before the first search. */
  entries: number | null
  conflicts: number | null
  /** Writes that no remote is known to have. */
  unsynced: number
  /** Writes of others that are fetched and not yet folded into the local refs. Reading sees them already. */
  received: number
  lastSync: string | null
  /** The flow that this worktree works on, or the only one that is going on; null: there is none. */
  flow: FlowReport | null
  /** No background sync before this time, because the remote refused by policy. */
  waitUntil: string | null
  /** The one that sends. */
  hook: 'installed' | 'missing' | 'unwanted'
  gate: GateReport
  /** Exact commands, the most useful first. */
  next: string[]
}

export interface FsckProblem {
  code: 'BROKEN_REF' | 'MISSING_OBJECT' | 'CORRUPT_OBJECT' | 'NOTES' | 'AUDIT'
  subject: string
  what: string
}

export interface FsckReport {
  refs: number
  objects: number
  problems: FsckProblem[]
  /** Documents that can't be read. They are carried byte for byte and never shown; they break nothing. */
  quarantined: { ref: string; path: string; why: string }[]
  audit: AuditReport
}

/** The answer of the independent auditor. */
export type AuditReport = { ran: true; commits: number; trees: number; blobs: number } | { ran: false; why: string }
