// An entry as search sees it.

import type { Json } from '../store/schema'
import type { Scope, State } from './schema'

/** What ranks an entry, and what a hit shows. One per key: the winner of its live versions. */
export interface Entry {
  key: string
  /** Object id of the version. */
  oid: string
  /** Markdown. */
  text: string
  state: State
  /** 0 to 1. */
  confidence: number
  /** Author. */
  by: string
  /** ISO time of writing. */
  at: string
  /** Globs of the files for which it matters; empty = everywhere. */
  paths: string[]
  tags: string[]
  pin: boolean
  scope: Scope
  proposed: boolean
  /** ISO date from which it counts as UNCERTAIN. */
  expires?: string
  /** Half-life of the confidence, days. */
  decay?: number
  /** Live versions at the key; above 1 = a conflict. */
  versions: number
  /** Times that somebody said it helped. */
  helped: number
  /** Whatever else a reader shows (source, links …). Not searched. */
  meta: Record<string, Json>
}
