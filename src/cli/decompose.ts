// From a goal to an approved contract: decompose, approve, amend.

import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import * as flows from '../flow/flow'
import { contractOf, showPlan, slugFor } from '../plan/plan'
import { LEAF_ID, type LeafSpec } from '../plan/schema'
import type { Store } from '../store/store'
import { examples, type Register, type Reply } from './command'
import { type At, acting, here, movedText, SLUG, slugOf, told, withIssues } from './flow-flags'
import { textOf } from './plan-flags'
import { columns, paint, plural, safe, safeLines } from './render'

export const register: Register = (program, { handle }) => {
  const decomposing = program
    .command('decompose')
    .description('cut a goal into leaves: open a flow and its contract')
    .argument('<goal...>', 'what is to be reached, in a sentence; or the slug of a plan that is there')
    .option('--slug <slug>', 'its short name; made from the goal when absent')
    .option('--title <title>', 'a few words; the goal when absent')
    .option('--file <file>', 'the contract, where it is written already; - for standard input')
    .action(handle(async (env, goal: string[], flags: DecomposeFlags) => decompose(await here(env), goal, flags)))
  examples(
    decomposing,
    'git dstack decompose --slug payments "Payments survive an outage of the provider"',
    'git dstack decompose --slug payments --file contract.md Payments survive an outage',
    '# a plan that was begun: its flow',
    'git dstack decompose payments',
  )

  const approving = program
    .command('approve')
    .description('say yes to the contract: work can begin')
    .argument('[slug]', SLUG)
    .option('--yes', 'without being asked')
    .action(
      handle(async (env, slug: string | undefined, { yes }: { yes?: true }) => {
        const at = await here(env)
        return approve(at, slugOf(at.store, slug), yes === true)
      }),
    )
  examples(approving, 'git dstack approve', 'git dstack approve payments --yes')

  const amending = program
    .command('amend')
    .description('change the contract in the middle of the work')
    .argument('[slug]', SLUG)
    .argument('[leaf]', 'the leaf that it is for')
    .action(handle(async (env, slug?: string, leaf?: string) => amend(await here(env), slug, leaf)))
  examples(amending, 'git dstack amend', 'git dstack amend payments 1.2')
}

interface DecomposeFlags {
  slug?: string
  title?: string
  file?: string
}

async function decompose(at: At, words: string[], { slug, title, file }: DecomposeFlags): Promise<Reply> {
  const { env, store } = at
  const goal = words.join(' ').trim()
  const begun = slug === undefined && words.length === 1 ? planNamed(store, goal) : null
  const input: flows.Decompose = {
    slug: slug ?? (begun === null ? slugFor(goal) : goal),
    goal: begun ?? goal,
    ...(title === undefined ? {} : { title }),
    ...(file === undefined ? {} : { contract: textOf(env, store, file) }),
  }
  const done = await acting(at, () => flows.decompose(store, at.actor, input))
  if (isRefusal(done)) return done
  return told(at, done, { text: `Opened ${safe(input.slug)}. This worktree works on it.` })
}

/** What a plan is for that has been begun; null: that word is no slug. */
function planNamed(store: Store, word: string): string | null {
  const plan = showPlan(store, word)
  return isRefusal(plan) ? null : plan.contract?.contract.goal || plan.title
}

/** Asks at a terminal, after everything else that could be in the way. */
async function approve(at: At, slug: string, yes: boolean): Promise<Reply> {
  const { env, store, actor } = at
  const first = await acting(at, () => flows.approve(store, slug, actor, yes))
  if (!isRefusal(first)) return told(at, first)
  if (first.data?.guard !== 'saidYes') return withIssues(env, first)
  const contract = contractOf(store, slug)?.contract
  if (contract === undefined) return first
  if (!env.out.json) env.out.say(contractText(env, contract))
  const said = await env.confirm('Approve this contract?')
  if (said === null) return first
  if (!said)
    return {
      refused: 'REFUSED',
      message: 'It was not approved; nothing has changed.',
      hint: 'See `git dstack plan edit`.',
    }
  const done = await acting(at, () => flows.approve(store, slug, actor, true))
  return isRefusal(done) ? done : told(at, done)
}

function contractText(env: Env, { title, goal, leaves }: { title: string; goal: string; leaves: LeafSpec[] }): string {
  const rows = leaves.map(({ id, title: what, depends_on, acceptance, in_scope }) => [
    `  ${safe(id)}`,
    safe(what),
    depends_on.length === 0 ? '' : `needs ${safe(depends_on.join(', '))}`,
    plural(acceptance.length, 'check'),
    safe(in_scope.join(', ')),
  ])
  return `${paint(env)('bold', safe(title))}\n${safeLines(goal)}\n${columns(rows, null)}\n`
}

/** One argument that looks like a leaf is one. */
async function amend(at: At, first: string | undefined, second: string | undefined): Promise<Reply> {
  const alone = second === undefined && first !== undefined && LEAF_ID.test(first)
  const slug = slugOf(at.store, alone ? undefined : first)
  const leaf = alone ? first : second
  const done = await acting(at, () => flows.amend(at.store, slug, at.actor, leaf))
  if (isRefusal(done)) return done
  return told(at, done, { text: movedText(done.done) })
}
