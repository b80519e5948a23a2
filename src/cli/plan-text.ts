// Plans as people read them: the lines of plan show, plan check and companion show. Everything foreign goes through safe().

import type { Env } from '../env/env'
import type { CheckReport, CompanionPhase, PlanSummary, PlanView, Which } from '../plan/plan'
import type { Issue, Task } from '../plan/schema'
import { columns, paint, plural, relativeTime, safe, safeLines } from './render'

const MARK: Record<Task['status'], string> = { pending: ' ', running: '~', done: 'x', failed: '!', skipped: '-' }

export function summaryRow({ slug, kind, tasks, title, has, conflicts }: PlanSummary): string[] {
  const parts = [has.spec ? 'spec' : '', has.contract ? 'contract' : '', conflicts.length > 0 ? 'conflict' : '']
  const state = tasks.total === 0 ? '' : `${tasks.done}/${tasks.total}`
  return [safe(slug), kind, state, parts.filter((part) => part !== '').join(' '), safe(title)]
}

export function planText(env: Env, view: PlanView): string {
  const colour = paint(env)
  const { slug, title, kind, state, tasks, plan, contract, spec, companion, conflicts } = view
  const facts: [string, string][] = [
    ['kind', `${kind}${state === 'archived' ? ', archived' : ''}`],
    ['repository', view.repo ?? ''],
    ['source', view.source === undefined ? '' : `${view.source} (${view.shape})`],
    ['tasks', tasks.total === 0 ? 'none yet' : `${tasks.done} of ${tasks.total} done`],
    [
      'texts',
      [plan && 'plan', contract && 'contract', spec && 'spec', companion && 'companion'].filter(Boolean).join(', '),
    ],
    ['written', view.at === '' ? '' : `${view.by.replace(/ <.*/, '')}, ${relativeTime(new Date(view.at), env.now())}`],
    ['conflict', conflicts.join(', ')],
  ]
  const rows = facts.filter(([, value]) => value !== '').map(([name, value]) => [name, safe(value)])
  const phases = phasesOf(view).map((phase) => phaseText(env, phase))
  return [`${colour('bold', safe(slug))}  ${safe(title)}\n${columns(rows, null)}`, ...phases].join('\n\n')
}

interface Phase {
  id: string
  title: string
  told: CompanionPhase | null
  tasks: Task[]
}

/** Of the plan, of the contract, and of tasks that belong to neither. */
function phasesOf({ read, contract, companion, todo }: PlanView): Phase[] {
  const titles = new Map<string, string>()
  for (const { id, title } of contract?.contract.leaves ?? []) titles.set(id, title)
  for (const { id, title } of read?.features.flatMap(({ phases }) => phases) ?? []) titles.set(id, title)
  for (const { leaf } of todo) if (!titles.has(leaf)) titles.set(leaf, '')
  return [...titles].map(([id, title]) => ({
    id,
    title,
    told: companion?.phases.find((phase) => phase.id === id) ?? null,
    tasks: todo.filter(({ leaf }) => leaf === id),
  }))
}

function phaseText(env: Env, { id, title, told, tasks }: Phase): string {
  const colour = paint(env)
  const last = told?.commits.at(-1)
  const marks = [
    told?.status ?? '',
    told?.tests ?? '',
    last === undefined ? '' : `${plural(told?.commits.length ?? 0, 'commit')}, last ${last.slice(0, 8)}`,
  ]
  const said = marks.filter((mark) => mark !== '').map(safe)
  const head = `${colour('bold', `${safe(id)}  ${safe(title)}`.trim())}${said.length === 0 ? '' : `  ${colour('dim', said.join(' · '))}`}`
  const lines = tasks.map((task) => `  [${MARK[task.status]}] ${safe(task.id)}  ${safe(task.title)}`)
  return [head, ...(lines.length === 0 ? ['  no tasks yet'] : lines)].join('\n')
}

export function companionText(env: Env, phases: readonly CompanionPhase[]): string {
  const colour = paint(env)
  const blocks = phases.map(({ id, title, status, commits, tests, details, deviations, bugs, questions }) => {
    const rows = [
      ['commits', commits.map((commit) => commit.slice(0, 8)).join(', ')],
      ['tests', tests],
      ['details', details],
      ['deviations', deviations.map(({ paths, reason }) => `${paths.join(', ')}: ${reason}`).join('\n')],
      ['bugs', bugs.join('\n')],
      ['questions', questions.join('\n')],
    ].filter(([, value]) => value !== '')
    const head = `${colour('bold', `${safe(id)}  ${safe(title)}`.trim())}  ${colour('dim', status ?? 'no status')}`
    const body = rows.map(([name = '', value = '']) => `  ${name.padEnd(10)}  ${indented(value, 14)}`)
    return [head, ...body].join('\n')
  })
  return blocks.length === 0 ? 'No phases yet.' : blocks.join('\n\n')
}

function indented(text: string, by: number): string {
  return safeLines(text)
    .split('\n')
    .join(`\n${' '.repeat(by)}`)
}

export function issuesText(env: Env, issues: readonly Issue[]): string {
  const colour = paint(env)
  const style = { critical: 'red', error: 'red', warning: 'yellow' } as const
  const rows = issues.map(({ severity, rule, where, message }) => [
    colour(style[severity], severity),
    safe(where),
    safe(rule),
    safe(message),
  ])
  return columns(rows, null)
}

export function reportText(env: Env, { issues, coverage }: CheckReport): string {
  const { requirements, covered, percent } = coverage
  const cover =
    requirements.length === 0
      ? 'No requirement has an id, so there is no coverage to tell.'
      : `${covered.length} of ${plural(requirements.length, 'requirement')} covered (${percent} %).`
  return issues.length === 0 ? `Nothing to complain about. ${cover}` : `${issuesText(env, issues)}\n\n${cover}`
}

/** 0, 1 when something is wrong, 2 when a principle that must hold is broken. */
export function exitOfIssues(issues: readonly Issue[]): number {
  if (issues.some(({ severity }) => severity === 'critical')) return 2
  return issues.some(({ severity }) => severity === 'error') ? 1 : 0
}

export function whichText({ result, reason, candidates, commands }: Which): string {
  const rows = candidates.map(({ slug, kind, status, done, total, holder, title }) => {
    return [safe(slug), kind, status, `${done}/${total}`, safe(holder ?? ''), safe(title)]
  })
  const table = rows.length === 0 ? [] : [columns(rows, null)]
  const next = commands.map((line) => `command: ${safe(line)}`)
  return [`${result}: ${safe(reason)}`, ...table, ...next].join('\n')
}
