// What reading a plan file gives, whatever its shape.

import type { Shape } from '../schema'

/** One checkbox of the text; boxes in fenced blocks, comments and front matter are none. */
export interface Box {
  /** Its ordinal in the text, from 0. */
  n: number
  /** 1-based. */
  line: number
  checked: boolean
  /** What stands behind it on its line, trimmed. */
  label: string
}

export interface ReadTask {
  /** `X.Y-Knn`: the source's own, or numbered in the order of the text. */
  id: string
  /** How the source calls it, where that differs: `T001`, `01-02`. */
  source_id?: string
  title: string
  /** Id of its phase. */
  leaf: string
  files: string[]
  read_first: string[]
  /** Ids of tasks. */
  depends_on: string[]
  /** Predicates, one line each. Prose of foreign shapes stands in `action` instead. */
  acceptance: string[]
  covers: string[]
  why?: string
  action: string
  commit_prefix?: string
  status: 'pending' | 'done'
  /** Ordinal of its box. */
  box?: number
  /** Heading of the section that it came from. */
  origin?: string
}

export interface ReadPhase {
  /** `X.Y` */
  id: string
  title: string
  /** Number of its feature. */
  feature: number
  touches: string[]
  /** Ids of phases. */
  depends_on: string[]
  test_cmd?: string
  /** Ordinals of the three boxes of a gstack phase. */
  boxes: { spec?: number; implementation?: number; review?: number }
  /** A gstack phase without a box for its test specification. */
  legacy: boolean
  state: 'pending' | 'impl_done' | 'committed'
}

export interface ReadFeature {
  n: number
  title: string
  origin?: string
  acceptance: string[]
  phases: ReadPhase[]
}

export interface ReadPlan {
  shape: Shape
  title: string
  features: ReadFeature[]
  tasks: ReadTask[]
  /** Every box of the text, those that are no task's included. */
  boxes: Box[]
  requirements: { id: string; text: string }[]
  /** Priority bands of a TODOS.md in their order; `none` for what has no band. */
  bands?: string[]
  /** Repositories that it names, in the order of the text. */
  repos: string[]
  /** What was left out or understood in spite of itself, one sentence each. */
  warnings: string[]
}

/** Why a text can't be read as a plan: a sentence. */
export interface Problem {
  problem: string
}

export interface ReadOptions {
  shape?: Shape
  /** Bands of a TODOS.md whose tasks are wanted; absent: all. */
  bands?: string[]
}

/** What `mergeBoxes` did. `n` is always the ordinal in the base. */
export interface Merged {
  /** The file's text with the boxes that the tasks changed. */
  text: string
  /** Boxes that the tasks changed and that the file no longer has: nothing was written for them. */
  conflicts: Box[]
  /** Boxes that were changed in the file only: the tasks should follow. */
  taken: { n: number; checked: boolean }[]
}

/** The file's text differs from the base in more than boxes, and not every box was found again. */
export interface Edited extends Merged {
  problem: 'edited'
  /** Boxes of the base that the file doesn't have, or has more than once. */
  unmatched: Box[]
  /** Boxes of the file that the base doesn't have; `n` is the ordinal in the file. */
  added: Box[]
}

/** The part of a source that one repository gets. */
export interface RepoPart {
  repo: string
  text: string
  /** Headings of the sections that it was made from. */
  sections: string[]
}
