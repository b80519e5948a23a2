// git's pre-commit hook: looks up whether what is staged was checked. It runs no test, no command of anybody's, and no network.

import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import type { GateContext } from '../gate/gate'
import type { Store } from '../store/store'
import { decide, type Here, here, type Objection } from './gated'

export async function preCommit(env: Env): Promise<number> {
  const at = await here(env)
  if (at === null || at.mode === 'off') return 0
  return decide(env, at, () => look(env, at))
}

async function look(env: Env, { repo, store }: Here): Promise<Objection[]> {
  const [{ indexTree }, { mayCommit }] = await Promise.all([import('../git/git'), import('../gate/gate')])
  const tree = indexTree(env, repo)
  // Unmerged paths: git itself refuses such a commit.
  if (tree === null) return []
  const { workHere } = await import('./task')
  const { context } = await workHere(store)
  const verdict = mayCommit(store, tree, context)
  const objections: Objection[] = isRefusal(verdict) ? [{ said: `${verdict.message} ${verdict.hint ?? ''}` }] : []
  const open = await openQuestions(store, context)
  return open === null ? objections : [...objections, open]
}

/** What of the five questions is open; null: nothing, or nobody asks. */
async function openQuestions(store: Store, { slug, leaf }: GateContext): Promise<Objection | null> {
  const { factsFor, modeFor, questionsFor, stagedSubject } = await import('../questions/questions')
  // Without a flow nobody has said how much ceremony the work gets.
  if (slug === null && modeFor(store) === 'off') return null
  const subject = stagedSubject(store)
  if (isRefusal(subject)) return null
  const facts = slug === null ? {} : factsFor(store, slug, leaf?.id)
  const { mode, questions } = questionsFor(store, subject, facts)
  const open = questions.filter(({ status }) => status !== 'yes').map(({ number }) => number)
  if (mode === 'off' || open.length === 0) return null
  const which = open.length === 1 ? `question ${open[0]} is` : `questions ${open.join(', ')} are`
  return { said: `Of the five questions, ${which} open: \`git dstack gate questions\`.`, never: mode === 'remind' }
}
