// Whether a companion still tells what happened: against the plan's tasks, and against the commits that were made for it.

import { covers } from '../store/glob'
import type { Companion, CompanionPhase } from './companion'
import type { Contract, Issue, LeafSpec, Task } from './schema'
import { TASK_ID } from './schema'
import type { ReadPhase } from './shapes/types'
import { byLeaf, isDone } from './tasks'

/** A commit that was made for the plan, as git tells it. */
export interface PlanCommit {
  oid: string
  subject: string
  /** By the committer's clock, seconds since 1970. */
  seconds: number
  /** Paths that it changes. */
  files: readonly string[]
  /** Leaf that it names, by its own trailer or by its task's; absent: it names none. */
  leaf?: string
}

export interface CompanionFacts {
  /** In any order. */
  commits: readonly PlanCommit[]
}

export interface CompanionInput {
  companion: Companion
  /** When its newest version was written, ISO. */
  at: string
  contract: Contract | null
  phases: readonly ReadPhase[]
  tasks: readonly Task[]
}

/** Days of commits after which a companion that says nothing of them counts as left alone. Source: the companion rules, 7 d. */
const STALE_DAYS = 7
const DAY = 86_400

/** Everything that is wrong. Time is that of commits, never of files: a fresh clone says the same. */
export function companionIssues(input: CompanionInput, { commits }: CompanionFacts): Issue[] {
  return [
    ...input.companion.phases.flatMap(detailIssues),
    ...stateIssues(input),
    ...scopeIssues(input, commits),
    ...staleIssues(input, commits),
  ]
}

const error = (rule: string, where: string, message: string): Issue => ({ severity: 'error', rule, where, message })

// --- DONE and nothing else ----------------------------------------------------------------------------------------------

const ONLY_DONE = /\b(?:is|was|all|it|done|complete[d]?|finished|implemented|ok|okay|yes|ready)\b/gi

function detailIssues({ id, status, details }: CompanionPhase): Issue[] {
  if (
    status !== 'DONE' ||
    details
      .replace(/\[[ x]\]/gi, '')
      .replace(ONLY_DONE, '')
      .replace(/[^\p{L}\p{N}]/gu, '') !== ''
  )
    return []
  const message = `Phase ${id} is DONE and says nothing of what was done.`
  return [error('no-details', id, message)]
}

// --- plan and companion -------------------------------------------------------------------------------------------------

function stateIssues({ companion, tasks }: CompanionInput): Issue[] {
  const phases = new Map(companion.phases.map((phase) => [phase.id, phase]))
  return [...byLeaf(tasks)].flatMap(([leaf, own]) => {
    const over = own.every(isDone)
    const state = phases.get(leaf)?.status ?? null
    const done = state === 'DONE' || state === 'SKIPPED'
    if (over && !done) {
      const says = state === null ? 'says nothing of it' : `says ${state}`
      return [error('done-in-plan', leaf, `The plan has phase ${leaf} done, the companion ${says}.`)]
    }
    const open = own.filter((task) => !isDone(task)).map(({ id }) => id)
    if (!over && done) {
      return [
        error(
          'done-in-companion',
          leaf,
          `The companion says ${state} of phase ${leaf}, and the plan has open tasks: ${list(open)}.`,
        ),
      ]
    }
    return []
  })
}

function list(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and more` : names.join(', ')
}

// --- files outside of the plan ------------------------------------------------------------------------------------------

interface Scope {
  inside: string[]
  outside: string[]
}

function scopeIssues(input: CompanionInput, commits: readonly PlanCommit[]): Issue[] {
  const scopes = scopesOf(input)
  const explained = input.companion.phases.flatMap(({ deviations }) =>
    deviations.filter(({ reason }) => reason !== '').flatMap(({ paths }) => paths),
  )
  const found = new Map<string, PlanCommit>()
  for (const commit of commits) {
    const named = commit.leaf === undefined ? undefined : scopes.get(commit.leaf)
    const allowed = named === undefined ? [...scopes.values()] : [named]
    // A plan that names no files leaves them free.
    if (allowed.every(({ inside, outside }) => inside.length + outside.length === 0)) continue
    for (const path of commit.files) {
      if (allowed.some((scope) => isInside(scope, path)) || explained.some((glob) => covers(glob, path))) continue
      if (!found.has(path)) found.set(path, commit)
    }
  }
  return [...found].map(([path, { oid, subject }]) => {
    const message = `${path} was changed by ${oid.slice(0, 8)} (${subject}), the plan does not name it, and no deviation says why.`
    return error('no-deviation', path, message)
  })
}

function isInside({ inside, outside }: Scope, path: string): boolean {
  return (
    (inside.length === 0 || inside.some((glob) => covers(glob, path))) && !outside.some((glob) => covers(glob, path))
  )
}

/** By leaf: what the contract allows, else what its tasks and its phase name. */
function scopesOf({ contract, phases, tasks }: CompanionInput): Map<string, Scope> {
  const leaves = new Map<string, LeafSpec>(contract?.leaves.map((leaf) => [leaf.id, leaf]))
  const touches = new Map(phases.map((phase) => [phase.id, phase.touches]))
  const files = byLeaf(tasks)
  const ids = new Set([...leaves.keys(), ...touches.keys(), ...files.keys()])
  return new Map(
    [...ids].map((id) => {
      const leaf = leaves.get(id)
      const named = [...(files.get(id) ?? []).flatMap((task) => task.files), ...(touches.get(id) ?? [])]
      const inside = leaf !== undefined && leaf.in_scope.length > 0 ? [...leaf.in_scope, ...named] : named
      return [id, { inside, outside: leaf?.out_of_scope ?? [] }]
    }),
  )
}

// --- left alone ---------------------------------------------------------------------------------------------------------

function staleIssues({ at }: CompanionInput, commits: readonly PlanCommit[]): Issue[] {
  const newest = Math.max(...commits.map(({ seconds }) => seconds))
  const days = (newest - Date.parse(at) / 1000) / DAY
  if (commits.length === 0 || !(days > STALE_DAYS)) return []
  const message = `The companion was not written for ${Math.floor(days)} days of commits; the newest is ${new Date(newest * 1000).toISOString().slice(0, 10)}.`
  return [error('stale', 'companion', message)]
}

/** The leaf of a task id; undefined for what is none. */
export function leafOfTask(id: string): string | undefined {
  return TASK_ID.exec(id)?.[1]
}
