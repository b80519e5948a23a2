// Flows as people read them: the lines of flow list, the five sections of flow show, the plan of a rollback.

import type { Env } from '../env/env'
import type { FlowSummary, Report, RollbackPlan } from '../flow/flow'
import { duration } from '../lease/lease'
import { columns, paint, plural, relativeTime, safe, safeLines, shortId } from './render'

export function flowRow(env: Env, flow: FlowSummary, current: string | null): string[] {
  const { slug, step, leaf, sealed, leaves, since, goal, broken } = flow
  const mark = slug === current ? '*' : ' '
  if (broken !== null) return [mark, safe(slug), 'broken', '', '', safe(broken)]
  const when = relativeTime(new Date(since), env.now())
  return [mark, safe(slug), leaf === null ? step : `${step} ${safe(leaf)}`, `${sealed}/${leaves}`, when, safe(goal)]
}

type Row = [name: string, text: string]

/** Position, progress, gate and findings, running, risk. */
export function reportText(env: Env, report: Report): string {
  const { slug, goal } = report
  const head = `${paint(env)('bold', safe(slug))}  ${safe(goal)}`
  const sections = [
    section(env, 'Position', position(env, report)),
    section(env, 'Progress', progress(report)),
    section(env, 'Gate and findings', findings(report)),
    section(env, 'Running', running(report)),
    ...risks(env, report),
  ]
  return [head, ...sections].join('\n\n')
}

function section(env: Env, title: string, rows: readonly Row[]): string {
  return `${paint(env)('bold', title)}\n${columns(
    rows.map(([name, text]) => [`  ${name}`, text]),
    null,
  )}`
}

function position(env: Env, { position: at }: Report): Row[] {
  const leaf = at.leaf === null ? '' : `, leaf ${safe(at.leaf)}`
  const task = at.task === null ? '' : `, task ${safe(at.task)}`
  const rows: Row[] = [
    ['step', `${at.step}${leaf}${task}, since ${relativeTime(new Date(at.since), env.now())}`],
    ['branch', at.branch === null ? 'none before the contract is approved' : safe(at.branch)],
  ]
  if (at.paused !== null) {
    const { from, condition, reason } = at.paused
    rows.push(['paused', `from ${from}${condition === null ? '' : ` by ${condition}`}: ${safe(reason)}`])
  }
  if (at.feedback !== null) rows.push(['feedback', safe(at.feedback.trim().replace(/\s+/g, ' '))])
  rows.push(['lease', leaseText(at.lease)])
  if (at.remote !== 'none') rows.push(['remote', REMOTE[at.remote] ?? at.remote])
  return rows
}

const REMOTE: Readonly<Record<string, string>> = {
  same: 'has the same steps',
  ahead: 'has not got the last steps yet',
  behind: 'has newer steps; they are what is shown here',
  diverged: 'has other steps than this clone (A11)',
}

function leaseText(lease: Report['position']['lease']): string {
  if (lease === null) return 'nobody works on it'
  if (lease.mine) return 'held by this working tree'
  const session = lease.session === null ? '' : ` (agent session ${safe(lease.session)})`
  const seen = lease.age === null ? '' : `, unchanged here for ${duration(lease.age)}`
  return `held by ${safe(lease.holder)} on ${safe(lease.host)}${session}${seen}`
}

function progress({ progress: { leaves, sealed, tasks } }: Report): Row[] {
  const counted = leaves.filter(({ status }) => status !== 'dropped').length
  const rows: Row[] = [['leaves', leaves.length === 0 ? 'none yet' : `${sealed} of ${counted} sealed`]]
  for (const { id, title, status, needs, amended, markers } of leaves) {
    const notes = [
      ...(needs.length === 0 ? [] : [`needs ${needs.map(safe).join(', ')}`]),
      ...(amended === 0 ? [] : [`amended ${plural(amended, 'time')}`]),
      ...(markers === 0 ? [] : [`${markers} of 2 markers`]),
    ]
    rows.push([
      `  ${safe(id)}`,
      `${status.padEnd(7)}  ${safe(title)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`,
    ])
  }
  if (tasks.total > 0) rows.push(['tasks', `${tasks.done} of ${tasks.total} done in this leaf`])
  return rows
}

const GATE: Readonly<Record<string, string>> = {
  green: 'green on HEAD',
  red: 'failed on HEAD',
  absent: 'nothing is known of HEAD',
}

function findings({ findings: { gate, unverified, open, reviews } }: Report): Row[] {
  const rows: Row[] = [
    ['gate', GATE[gate] ?? gate],
    ['evidence', unverified === 'allow' ? 'not needed: work without evidence counts in this flow' : 'needed'],
  ]
  for (const { track, p1, p2, p3 } of open) {
    if (p1 + p2 + p3 > 0) rows.push([`track ${track}`, `open: ${p1} P1, ${p2} P2, ${p3} P3`])
  }
  if (open.every(({ p1, p2, p3 }) => p1 + p2 + p3 === 0)) rows.push(['findings', 'none open'])
  if (reviews.length > 0) rows.push(['reviews', reviews.map(safe).join(', ')])
  return rows
}

function running({ running: { longprocs, engine, minutes, skip, extensions }, position: { status } }: Report): Row[] {
  const rows: Row[] = [['engine', engine === null ? 'none: no leaf is being worked on' : safe(engine)]]
  if (status === 'running' && engine !== null) rows.push(['time', plural(minutes, 'minute')])
  if (skip > 0) rows.push(['skip', `the next ${plural(skip, 'wait')} accept without being asked`])
  if (extensions > 0) rows.push(['budget', `extended ${plural(extensions, 'time')}`])
  for (const { id, state, leaf } of longprocs)
    rows.push([safe(id), `${state}${leaf === null ? '' : `, leaf ${safe(leaf)}`}`])
  return rows
}

function risks(env: Env, { risk: { conditions } }: Report): string[] {
  if (conditions.length === 0) return []
  const rows = conditions.map(({ id, reason, action }): Row => [id, `${safe(reason)} It will ${action}.`])
  return [section(env, 'Risk', rows)]
}

// --- rollback -------------------------------------------------------------------------------------------------------

const HOW = {
  reset: 'Nobody else has these commits: the branch would be moved back, and they would be gone from it.',
  revert: 'Others have some of these commits: one new commit would take them back.',
  none: 'There is no commit to take back; only the flow goes back.',
} as const

/** The first of the two stages: everything that would be done, and the command that does it. */
export function rollbackText(env: Env, plan: RollbackPlan, command: string): string {
  const { slug, target, branch, mode, commits, kept, files, leaves, backup } = plan
  const list = (all: RollbackPlan['commits']) =>
    columns(
      all.map(({ oid, subject, author, published }) => [
        `  ${shortId(oid)}`,
        safe(author),
        published.length === 0
          ? 'only here'
          : `in ${published.map((ref) => safe(ref.replace('refs/remotes/', ''))).join(', ')}`,
        safe(subject),
      ]),
      null,
    )
  const blocks = [
    `${paint(env)('bold', `Rollback of ${safe(slug)} to before leaf ${safe(target)}`)}\nNothing has changed yet. ${HOW[mode]}`,
    ...(commits.length === 0 ? [] : [`Commits on ${safe(branch)} that go:\n${list(commits)}`]),
    ...(kept.length === 0 ? [] : [`Commits that stay:\n${list(kept)}`]),
    ...(files.length === 0 ? [] : [`Files that change:\n${safeLines(files.map((path) => `  ${path}`).join('\n'))}`]),
    `Leaves that can begin anew: ${leaves.map(safe).join(', ')}`,
    ...(mode === 'none' ? [] : [`The branch as it is now will be kept as ${safe(backup)}`]),
    `To do it:\n  ${paint(env)('bold', safe(command))}`,
  ]
  return blocks.join('\n\n')
}
