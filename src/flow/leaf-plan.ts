// What is wrong with the tasks that were submitted for a leaf. Pure; the guards of E5 look at the rules named here.

import { parsePredicate } from '../plan/predicate'
import { type Issue, type LeafSpec, TASK_ID, type Task } from '../plan/schema'

/** The canonical spelling of a predicate; null for what is none. */
function canonical(line: string): string | null {
  const read = parsePredicate(line)
  return 'problem' in read ? null : read.text
}

/** Everything that stands in the way of the plan. `leaf` is the approved text, not what the contract may say by now. */
export function planIssues(leaf: LeafSpec, tasks: readonly Task[]): Issue[] {
  const ids = new Set(tasks.map(({ id }) => id))
  const issues = tasks.flatMap((task) => [...shapeIssues(leaf, task, tasks), ...orderIssues(task, ids)])
  return [...issues, ...coverIssues(leaf, tasks), ...cycleIssues(tasks)]
}

const issue = (rule: string, where: string, message: string): Issue => ({ severity: 'error', rule, where, message })

function shapeIssues(leaf: LeafSpec, task: Task, all: readonly Task[]): Issue[] {
  const issues: Issue[] = []
  const [, of] = TASK_ID.exec(task.id) ?? []
  if (of === undefined) issues.push(issue('id', task.id, 'it is no task id such as 1.1-C01.'))
  else if (of !== leaf.id) issues.push(issue('id', task.id, `it belongs to leaf ${of}, not ${leaf.id}.`))
  if (all.find(({ id }) => id === task.id) !== task) issues.push(issue('duplicate', task.id, 'the id stands twice.'))
  if (task.title.trim() === '') issues.push(issue('schema', task.id, 'it has no title.'))
  if (task.acceptance.length === 0) issues.push(issue('no-predicate', task.id, 'it has no acceptance predicate.'))
  for (const line of task.acceptance) {
    const read = parsePredicate(line)
    if ('problem' in read) issues.push(issue('bad-predicate', task.id, read.problem))
  }
  for (const glob of task.files) {
    if (leaf.out_of_scope.some((outside) => covers(outside, glob))) {
      issues.push(issue('out-of-scope', task.id, `${glob} is out of the leaf's scope.`))
    } else if (!leaf.in_scope.some((inside) => covers(inside, glob))) {
      issues.push(issue('out-of-scope', task.id, `${glob} is not in the leaf's scope (${leaf.in_scope.join(', ')}).`))
    }
  }
  return issues
}

function orderIssues(task: Task, ids: ReadonlySet<string>): Issue[] {
  const unknown = task.depends_on.filter((id) => !ids.has(id))
  return unknown.map((id) => issue('unknown-dependency', task.id, `it depends on ${id}, which is not in this plan.`))
}

/** Each predicate of the leaf is some task's, too: otherwise nobody is answerable for it. */
function coverIssues(leaf: LeafSpec, tasks: readonly Task[]): Issue[] {
  const served = new Set(tasks.flatMap(({ acceptance }) => acceptance.map(canonical)))
  return leaf.acceptance
    .filter((line) => !served.has(canonical(line)))
    .map((line) => issue('uncovered', leaf.id, `no task has the leaf's predicate \`${line}\`.`))
}

function cycleIssues(tasks: readonly Task[]): Issue[] {
  const needs = new Map(tasks.map(({ id, depends_on }) => [id, depends_on]))
  const done = new Set<string>()
  const visit = (id: string, path: readonly string[]): string[] | null => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id]
    if (done.has(id)) return null
    for (const need of needs.get(id) ?? []) {
      const cycle = visit(need, [...path, id])
      if (cycle !== null) return cycle
    }
    done.add(id)
    return null
  }
  for (const id of needs.keys()) {
    const cycle = visit(id, [])
    if (cycle !== null) return [issue('cycle', cycle[0] ?? id, `tasks wait for each other: ${cycle.join(' → ')}.`)]
  }
  return []
}

/**
 * Does everything that `inner` can match lie in `outer`? Sure answers only: `**` in the outer one covers whatever comes,
 * `*` covers one name, a letter covers itself.
 */
export function covers(outer: string, inner: string): boolean {
  const [a, b] = [segments(outer), segments(inner)]
  const at = (i: number, j: number): boolean => {
    if (i === a.length) return j === b.length
    if (a[i] === '**') return Array.from({ length: b.length - j + 1 }, (_, k) => j + k).some((next) => at(i + 1, next))
    const [one, other] = [a[i] ?? '', b[j]]
    if (other === undefined || other === '**') return false
    return segmentCovers(one, other) && at(i + 1, j + 1)
  }
  return at(0, 0)
}

/** `src/` means everything below it; `./src` is `src`. */
function segments(glob: string): string[] {
  const plain = glob.replace(/^\.\//, '')
  return (plain.endsWith('/') ? `${plain}**` : plain).split('/').filter((part) => part !== '')
}

function segmentCovers(outer: string, inner: string): boolean {
  if (outer === inner || outer === '*') return true
  if (/[*?[\]{}]/.test(inner)) return false
  const source = outer
    .replace(/[.+^$()|\\[\]{}]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]')
  return new RegExp(`^${source}$`, 'u').test(inner)
}
