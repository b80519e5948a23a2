// git's commit-msg hook: the reserved subjects stay with the markers of a flow, and the work on a task says that it is.

import { resolve } from 'node:path'
import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import { decide, type Here, here, type Objection } from './gated'
import { type Message, readMessage } from './message'
import { isAmend } from './push-command'
import type { WorkHere } from './task'

/** `args`: what git gives to the hook, the file with the message. */
export async function commitMsg(env: Env, args: readonly string[]): Promise<number> {
  const [file] = args
  const at = file === undefined ? null : await here(env)
  if (file === undefined || at === null) return 0
  return decide(env, at, async () => {
    const comment = at.repo.config.get('core.commentstring') ?? at.repo.config.get('core.commentchar')
    const message = readMessage(env.files.read(resolve(env.cwd, file))?.toString('utf8') ?? '', comment)
    const reserved = await overBudget(env, at, message)
    if (reserved !== null) return [reserved]
    if (at.mode === 'off') return []
    const { workHere } = await import('./task')
    const work = await workHere(at.store)
    return [...prefix(at, message, work), ...(await rules(at, message, work))]
  })
}

/**
 * The engine makes markers by plumbing, with trailers that name the flow's state, and no hook runs there. What is made by hand is
 * none; where the leaf has both of its own it would be a third. An amended marker is not a new one.
 */
async function overBudget(env: Env, { repo, store }: Here, { subject }: Message): Promise<Objection | null> {
  // What knows of flows is loaded only where it may be asked for.
  if (!/: [a-z]+ (?:approved|amended|complete)$/.test(subject)) return null
  const { isReserved, report, slugsOf } = await import('../flow/flow')
  const reserved = isReserved(subject)
  if (reserved === null) return null
  const { oid } = repo.work.head()
  const [head] = oid === null ? [] : repo.log([oid], { limit: 1 })
  // Where nobody can tell how git was called, the same subject on top of itself is taken for an amend.
  if (head?.subject === subject && isAmend(env, process.ppid) !== false) return null
  const { slug, leaf } = reserved
  const flow = slugsOf(store).includes(slug) ? report(store, slug, { kind: 'human', disabled: null }) : null
  const leaves = flow === null || isRefusal(flow) ? [] : flow.progress.leaves
  const made = leaves.find(({ id }) => id === leaf)?.markers ?? 0
  const why =
    made >= 2
      ? `Leaf ${leaf} of ${slug} has its two markers; a third is refused.`
      : `The subject "${subject}" is reserved for the markers that git dstack makes.`
  const next =
    leaf === null
      ? `\`git dstack flow show ${slug}\` says how one comes about`
      : `\`git dstack flow next ${slug}\` goes on with the leaf`
  return { said: `${why} Give the commit another subject; ${next}.`, always: true }
}

/** Work in progress that a rebase folds into other commits, and what git says of merges by itself. */
const PASSING = /^(?:fixup|squash|amend)! |^Merge /

/** While a task is running, what is committed belongs to it, by how the subject begins or by trailer. */
function prefix(
  { repo }: Here,
  { subject, text }: Message,
  { task: running, prefix, trailers }: WorkHere,
): Objection[] {
  if (running === null || PASSING.test(subject) || repo.work.inProgress() !== null) return []
  const lines = text.split('\n').map((line) => line.trim().toLowerCase())
  if (subject.startsWith(prefix) || trailers.every((trailer) => lines.includes(trailer.toLowerCase()))) return []
  const how = `Begin its subject with "${prefix}", or give it the trailers ${trailers.join(' and ')}`
  return [{ said: `${running.id} is running, and the message does not name it. ${how}.` }]
}

/** What only the message can say: why there are no tests, what the root cause was. */
async function rules({ repo, store }: Here, { text }: Message, { context }: WorkHere): Promise<Objection[]> {
  const { factsFor, modeFor, questionsFor, stagedSubject } = await import('../questions/questions')
  const { slug, leaf } = context
  if ((slug === null && modeFor(store) === 'off') || repo.work.inProgress() !== null) return []
  const subject = stagedSubject(store)
  if (isRefusal(subject)) return []
  const facts = slug === null ? {} : factsFor(store, slug, leaf?.id)
  const asked = questionsFor(store, subject, { ...facts, message: text })
  if (asked.mode === 'off') return []
  const broken = asked.rules.filter(({ holds }) => holds === false)
  return broken.map(({ said }) => ({ said, never: asked.mode === 'remind' }))
}
