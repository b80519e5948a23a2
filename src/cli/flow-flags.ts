// What the verbs of flows share: which flow, who acts, what comes next, how a step is told.

import type { Command } from 'commander'
import { agentOf, type Env } from '../env/env'
import { isRefusal, type Refusal, refusalError } from '../errors'
import * as flows from '../flow/flow'
import type { Issue } from '../plan/schema'
import type { Store } from '../store/store'
import { answer, type Reply } from './command'
import { withProgress } from './progress'
import { ready, readyWhenOff } from './ready'
import { columns, paint, safe } from './render'

export const SLUG = 'its slug; absent: the one of this worktree, or the only one that is going on'

/** For verbs whose arguments are taken. */
export function slugOption(command: Command): Command {
  return command.option('--slug <slug>', SLUG)
}

/** The state of this clone, and who acts on it. */
export interface At {
  env: Env
  store: Store
  actor: flows.Actor
}

/** @throws NOT_A_REPOSITORY, NOT_INITIALISED */
export async function here(env: Env): Promise<At> {
  return { env, store: await ready(env), actor: { kind: kindOf(env), disabled: null } }
}

/** The same also where git dstack is switched off: for looking, and for what stops a flow. */
export async function hereWhenOff(env: Env): Promise<At> {
  const { store, disabled } = await readyWhenOff(env)
  return { env, store, actor: { kind: kindOf(env), disabled } }
}

function kindOf({ vars }: Env): flows.Actor['kind'] {
  return agentOf(vars) === null ? 'human' : 'engine'
}

/** The named slug, or the one that is meant. @throws NOT_FOUND, AMBIGUOUS */
export function slugOf(store: Store, slug: string | undefined): string {
  const meant = flows.meantFlow(store, slug)
  if (isRefusal(meant)) throw refusalError(meant)
  return meant
}

// --- what comes next ------------------------------------------------------------------------------------------------

export interface Turn {
  who: 'anybody' | 'human' | 'agent' | 'nobody'
  why: string
  /** Exact command lines; words in capitals are to be filled in. */
  commands: string[]
}

export function turnOf(store: Store, slug: string, due: flows.Due): Turn {
  if (due.kind === 'end') return { who: 'nobody', why: due.why, commands: [] }
  const meant = flows.meantFlow(store) === slug
  if (due.kind === 'fire') {
    return {
      who: 'anybody',
      why: dueText(due.trigger, due.leaf),
      commands: [`git dstack flow next${meant ? '' : ` ${slug}`}`],
    }
  }
  const commands = due.commands.map((line) => (meant || line.split(' ').includes(slug) ? line : withSlug(line, slug)))
  return { who: due.who, why: due.why, commands }
}

/** What the engine would do, in words. */
function dueText(trigger: string, leaf: string | undefined): string {
  const words: Readonly<Record<string, string>> = {
    start_leaf: `Leaf ${leaf} can begin`,
    hold_plan: 'A person is to be asked about the plan',
    accept_plan: 'The plan can be taken',
    submit_impl: 'The work is done, and can be reviewed',
    hold_impl: 'A person is to be asked about the findings',
    accept_impl: 'The implementation can be taken',
    seal_leaf: 'The leaf can be sealed',
    finish: 'Every leaf is sealed, and the flow can end',
  }
  return `${words[trigger] ?? 'A step is due'} (${trigger}).`
}

/** Names the slug where the line alone would mean another one. */
function withSlug(line: string, slug: string): string {
  const byOption =
    /^git dstack (?:flow answer|task (?:show|start|done|fail)|review (?:show|decide)|companion add)\b/.test(line)
  return `${line} ${byOption ? '--slug ' : ''}${slug}`
}

const WHO: Readonly<Record<Turn['who'], string>> = {
  anybody: 'Next',
  human: 'Next, for a person',
  agent: 'Next, for whoever works on it',
  nobody: 'Nothing is next',
}

/** Empty lines come before it. */
export function turnText(env: Env, { who, why, commands }: Turn): string {
  const lines = commands.map((line) => `  ${paint(env)('bold', safe(line))}`)
  return [`${WHO[who]}: ${safe(why)}`, ...lines].join('\n')
}

// --- acting ---------------------------------------------------------------------------------------------------------

/** What a step leaves on the user's branch: a marker, or the commit that takes work back. */
export interface OnBranch {
  branch: string
  oid: string
  subject: string
}

export interface Done<T> {
  done: T
  /** Null: the branch is as before. */
  onBranch: OnBranch | null
}

/** Runs a step, with a line on the terminal while the network is slow; looks what it did to the branch. */
export async function acting<T>(at: At, step: () => Promise<T | Refusal>): Promise<Done<T> | Refusal> {
  const { env, store } = at
  const before = store.repo.work.head()
  const done = await withProgress(env, 'Asking the remote', step)
  if (isRefusal(done)) return done
  const { oid, branch } = store.repo.work.head()
  const moved = oid !== null && branch !== null && oid !== before.oid
  const [commit] = moved ? store.repo.log([oid], { limit: 1 }) : []
  return { done, onBranch: moved && commit !== undefined ? { branch, oid, subject: commit.subject } : null }
}

/** What a step answers: where it led, what it did to the branch, what comes next. */
export function told(
  at: At,
  { done: moved, onBranch }: Done<flows.Moved>,
  said: { text?: string; more?: object } = {},
): Promise<Reply> {
  return toldAll(at, { moved: [moved], onBranch }, { ...plain(moved), ...said.more }, said.text)
}

/** A step alone: operations bring the whole flow along, which nobody asked for. */
export function plain({
  tip,
  sent,
  warnings,
  slug,
  event,
  trigger,
  from,
  to,
  leaf,
  condition,
}: flows.Moved): flows.Moved {
  return { tip, sent, warnings, slug, event, trigger, from, to, leaf, condition }
}

interface Steps {
  moved: readonly flows.Moved[]
  onBranch: OnBranch | null
}

/** Ends with 1 when one of the conditions stopped the flow. */
export async function toldAll(at: At, { moved, onBranch }: Steps, value: object, text?: string): Promise<Reply> {
  const { env, store, actor } = at
  const slug = moved.at(-1)?.slug ?? ''
  const due = flows.dueNow(store, slug, actor)
  if (isRefusal(due)) return due
  const turn = turnOf(store, slug, due)
  const notSent = actor.disabled === null ? await flows.sendDocuments(store) : null
  const notes = env.out.json ? [] : moved.flatMap(({ warnings }) => warnings)
  for (const note of [...notes, ...(notSent === null ? [] : [notSent])]) env.out.say(`Note: ${safe(note)}\n`)
  const lines = () => [
    ...(text === undefined ? moved.map(movedText) : [text]),
    ...(onBranch === null ? [] : [branchText(store, onBranch)]),
    '',
    turnText(env, turn),
  ]
  const stopped = moved.some(({ condition }) => condition !== null && condition.id !== 'A1')
  return answer({ onBranch, ...value, next: turn }, () => lines().join('\n'), { exit: stopped ? 1 : 0 })
}

/** `payments 1.1: Plan → PlanReview (submit_plan).` */
export function movedText({ slug, leaf, from, to, trigger, condition }: flows.Moved): string {
  const what = `${safe(slug)}${leaf === null ? '' : ` ${leaf}`}`
  const way = from === to ? `${safe(trigger)}; it stays in ${to}` : `${from} → ${to} (${safe(trigger)})`
  if (condition === null || condition.id === 'A1') return `${what}: ${way}.`
  return `${what}: ${from} → ${to}. ${condition.id}: ${safe(condition.reason)}`
}

function branchText(store: Store, { branch, subject }: OnBranch): string {
  const share = store.remote === null ? '' : ' `git push` shares it.'
  return `New on ${safe(branch)}: "${safe(subject)}".${share}`
}

/** Shows everything that is wrong with a contract or a plan, where the refusal alone would only name the first. */
export function withIssues(env: Env, refusal: Refusal): Refusal {
  const issues = (refusal.data?.issues ?? []) as readonly Issue[]
  if (issues.length < 2 || env.out.json) return refusal
  const rows = issues.map(({ where, message }) => [safe(where), safe(message)])
  env.out.say(`${columns(rows, env.out.columns)}\n`)
  return { ...refusal, message: refusal.message.replace(/: .*$/s, '.') }
}
