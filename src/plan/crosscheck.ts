// Spec, plan, contract and tasks against each other: what nobody does, what nobody asked for, what can't work.

import { covers } from '../store/glob'
import { contractIssues } from './contract'
import { parsePredicate } from './predicate'
import { principleIssues, type Subject } from './principles'
import type { Contract, Issue, Task } from './schema'
import type { ReadPlan } from './shapes/types'
import { readSpec, requirementsOf, specIssues } from './spec'

export interface Coverage {
  /** Ids of what is asked for, in the order of spec and plan. */
  requirements: string[]
  covered: string[]
  /** 0 to 100, rounded down; 100 where nothing is asked for. */
  percent: number
}

export interface CheckReport {
  slug: string
  issues: Issue[]
  coverage: Coverage
  /** No error and nothing critical. */
  ok: boolean
}

export interface CheckInput {
  slug: string
  /** The plan's text; null: there is none. */
  plan: string | null
  read: ReadPlan | null
  /** Why the plan's text can't be read. */
  problem: string | null
  contract: { text: string; contract: Contract } | null
  spec: string | null
  hasCompanion: boolean
  tasks: readonly Task[]
  /** Keys with several versions. */
  conflicts: readonly string[]
  principles: string | null
}

export function crossCheck(input: CheckInput): CheckReport {
  const coverage = coverageOf(input)
  const issues = [
    ...input.conflicts.map((key) => error('conflict', key, `${key} says different things in several versions.`)),
    ...(input.problem === null ? [] : [error('unreadable', 'plan', input.problem)]),
    ...(input.read?.warnings ?? []).map((text) => warning('plan', 'plan', text)),
    ...(input.spec === null ? [] : specIssues(input.spec)),
    ...(input.contract === null ? [] : contractIssues(input.contract.contract)),
    ...taskIssues(input),
    ...phaseIssues(input),
    ...requirementIssues(input, coverage),
    ...(input.principles === null ? [] : principleIssues(input.principles, subjectOf(input))),
  ]
  return { slug: input.slug, issues: bySeverity(issues), coverage, ok: !issues.some(isBad) }
}

export function isBad({ severity }: Issue): boolean {
  return severity !== 'warning'
}

const WEIGHT: readonly Issue['severity'][] = ['critical', 'error', 'warning']

export function bySeverity(issues: readonly Issue[]): Issue[] {
  return [...issues].sort((a, b) => WEIGHT.indexOf(a.severity) - WEIGHT.indexOf(b.severity))
}

const error = (rule: string, where: string, message: string): Issue => ({ severity: 'error', rule, where, message })
const warning = (rule: string, where: string, message: string): Issue => ({ severity: 'warning', rule, where, message })

function subjectOf({ plan, contract, spec, hasCompanion, tasks }: CheckInput): Subject {
  return {
    texts: [plan, contract?.text, spec].filter((text) => typeof text === 'string'),
    has: { spec: spec !== null, contract: contract !== null, companion: hasCompanion },
    tasks,
    contract: contract?.contract ?? null,
  }
}

// --- tasks and phases ---------------------------------------------------------------------------------------------------

function taskIssues({ tasks, contract, read }: CheckInput): Issue[] {
  const ids = new Set(tasks.map(({ id }) => id))
  const leaves = new Map(contract?.contract.leaves.map((leaf) => [leaf.id, leaf]))
  const phases = new Set(phasesOf(read).map(({ id }) => id))
  const issues: Issue[] = []
  for (const { id, leaf, acceptance, depends_on, files } of tasks) {
    const spec = leaves.get(leaf)
    if (leaves.size > 0 && spec === undefined && !phases.has(leaf)) {
      issues.push(error('unknown-leaf', id, `${id} belongs to ${leaf}, which neither the contract nor the plan has.`))
    }
    if (acceptance.length === 0)
      issues.push(warning('no-predicate', id, `${id} has no predicate that says when it is done.`))
    for (const line of acceptance) {
      const predicate = parsePredicate(line)
      if ('problem' in predicate) issues.push(error('bad-predicate', id, `\`${line}\`: ${predicate.problem}`))
    }
    for (const other of depends_on.filter((one) => !ids.has(one))) {
      issues.push(error('unknown-dependency', id, `${id} waits for ${other}, which is no task of this plan.`))
    }
    const outside = spec === undefined ? [] : files.filter((file) => isOutside(file, spec.in_scope, spec.out_of_scope))
    if (outside.length > 0) {
      issues.push(
        error('out-of-scope', id, `${id} may change ${outside.join(', ')}, which leaf ${leaf} does not allow.`),
      )
    }
  }
  return [...issues, ...cycles(tasks)]
}

/** Only what is a path for sure can be held against globs. */
function isOutside(file: string, inside: readonly string[], outside: readonly string[]): boolean {
  if (/[*?[\]{}]/.test(file)) return false
  return (inside.length > 0 && !inside.some((glob) => covers(glob, file))) || outside.some((glob) => covers(glob, file))
}

function phasesOf(read: ReadPlan | null): ReadPlan['features'][number]['phases'] {
  return read?.features.flatMap(({ phases }) => phases) ?? []
}

function phaseIssues({ read, tasks }: CheckInput): Issue[] {
  const phases = phasesOf(read)
  const ids = new Set(phases.map(({ id }) => id))
  const busy = new Set(tasks.map(({ leaf }) => leaf))
  const empty = phases.filter(({ id }) => !busy.has(id))
  const lost = phases.flatMap(({ id, depends_on }) =>
    depends_on
      .filter((one) => !ids.has(one))
      .map((one) => error('unknown-dependency', id, `Phase ${id} waits for ${one}, which the plan does not have.`)),
  )
  return [
    ...empty.map(({ id, title }) => warning('no-tasks', id, `Phase ${id} (${title}) has no tasks yet.`)),
    ...lost,
    ...cycles(phases),
  ]
}

/** What waits for itself, each circle once. */
function cycles(nodes: readonly { id: string; depends_on: readonly string[] }[]): Issue[] {
  const needs = new Map(nodes.map(({ id, depends_on }) => [id, depends_on]))
  const state = new Map<string, 'open' | 'over'>()
  const issues: Issue[] = []
  const visit = (id: string, path: readonly string[]): void => {
    if (state.get(id) === 'over' || !needs.has(id)) return
    if (state.get(id) === 'open') {
      const circle = [...path.slice(path.indexOf(id)), id]
      issues.push(error('cycle', id, `These wait for each other: ${circle.join(' → ')}.`))
      return
    }
    state.set(id, 'open')
    for (const next of needs.get(id) ?? []) visit(next, [...path, id])
    state.set(id, 'over')
  }
  for (const id of needs.keys()) visit(id, [])
  return issues
}

// --- requirements -------------------------------------------------------------------------------------------------------

function coverageOf({ spec, read, tasks }: CheckInput): Coverage {
  const inSpec = spec === null ? [] : requirementsOf(readSpec(spec)).map(({ id }) => id)
  const requirements = [...new Set([...inSpec, ...(read?.requirements ?? []).map(({ id }) => id)])]
  const named = new Set(tasks.flatMap(({ covers: ids }) => ids))
  const checked = new Set(tasks.flatMap(({ acceptance }) => acceptance.flatMap(canonical)))
  const proved = new Set(
    (spec === null ? [] : readSpec(spec).acceptance).flatMap(({ id, predicate }) => {
      return id !== undefined && predicate !== null && checked.has(predicate.text) ? [id] : []
    }),
  )
  const covered = requirements.filter((id) => named.has(id) || proved.has(id))
  const percent = requirements.length === 0 ? 100 : Math.floor((covered.length * 100) / requirements.length)
  return { requirements, covered, percent }
}

function canonical(line: string): string[] {
  const predicate = parsePredicate(line)
  return 'problem' in predicate ? [] : [predicate.text]
}

/** While parts of the work have no tasks yet, what is not covered may still come. */
function requirementIssues({ tasks, read, contract }: CheckInput, { requirements, covered }: Coverage): Issue[] {
  if (requirements.length === 0) return []
  const busy = new Set(tasks.map(({ leaf }) => leaf))
  const parts = [...phasesOf(read).map(({ id }) => id), ...(contract?.contract.leaves.map(({ id }) => id) ?? [])]
  const open = parts.some((id) => !busy.has(id))
  const missing = requirements.filter((id) => !covered.includes(id))
  const known = new Set(requirements)
  return [
    ...missing.map((id) =>
      open ? warning('uncovered', id, `No task serves ${id} yet.`) : error('uncovered', id, `No task serves ${id}.`),
    ),
    ...tasks
      .filter(({ covers: ids }) => ids.length === 0)
      .map(({ id }) => warning('unasked', id, `${id} serves no requirement.`)),
    ...tasks.flatMap(({ id, covers: ids }) =>
      ids
        .filter((one) => !known.has(one))
        .map((one) => warning('unknown-requirement', id, `${id} serves ${one}, which nobody asked for.`)),
    ),
  ]
}
