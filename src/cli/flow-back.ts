// Going back and starting over: flow rollback, recover, mark-done.

import type { Command } from 'commander'
import { isRefusal } from '../errors'
import * as flows from '../flow/flow'
import { readCurrent } from '../plan/plan'
import { answer, examples, type Register, type Reply } from './command'
import { type At, acting, here, plain, SLUG, slugOf, type Turn, told, toldAll } from './flow-flags'
import { rollbackText } from './flow-text'
import { safe } from './render'

type Handle = Parameters<Register>[1]['handle']

export function wayBack(group: Command, handle: Handle): void {
  const rolling = group
    .command('rollback')
    .description('take back a leaf and what came after it: first the plan, then with its token')
    .argument('<leaf>', 'the leaf that is to be as if it had never begun, X.Y')
    .argument('[slug]', SLUG)
    .option('--confirm <token>', 'do it: the token that the plan ended with')
    .option('--keep-code', 'only the flow goes back; the code stays, or was taken back by hand')
    .action(
      handle(async (env, leaf: string, slug: string | undefined, flags: RollbackFlags) => {
        const at = await here(env)
        return rollback(at, slugOf(at.store, slug), leaf, flags)
      }),
    )
  examples(rolling, 'git dstack flow rollback 1.2', 'git dstack flow rollback 1.2 payments --confirm 1a2b3c4d')

  const recovering = group
    .command('recover')
    .description('rebuild a flow whose state is lost or broken from the markers of the branch')
    .argument('[slug]', SLUG)
    .option('--remote', "take the remote's line instead of what is here")
    .action(
      handle(async (env, slug: string | undefined, { remote }: { remote?: true }) => {
        const at = await here(env)
        // What is lost may be the flow that this worktree works on.
        return recover(at, slug ?? readCurrent(at.store) ?? slugOf(at.store, slug), remote === true)
      }),
    )
  examples(recovering, 'git dstack flow recover payments', 'git dstack flow recover payments --remote')

  const marking = group
    .command('mark-done')
    .description('seal a leaf that was done by hand, on your word')
    .argument('<leaf>', 'the leaf, X.Y')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, leaf: string, named: string | undefined) => {
        const at = await here(env)
        const slug = slugOf(at.store, named)
        const done = await acting(at, () => flows.markDone(at.store, slug, at.actor, leaf))
        return isRefusal(done) ? done : told(at, done, { text: `Sealed ${safe(leaf)} of ${safe(slug)} by hand.` })
      }),
    )
  examples(marking, 'git dstack flow mark-done 1.1', 'git dstack flow mark-done 1.1 payments')
}

interface RollbackFlags {
  confirm?: string
  keepCode?: true
}

async function rollback(at: At, slug: string, leaf: string, { confirm, keepCode }: RollbackFlags): Promise<Reply> {
  const { env, store, actor } = at
  const input: flows.RollbackInput = {
    leaf,
    ...(confirm === undefined ? {} : { token: confirm }),
    ...(keepCode === undefined ? {} : { keepCode }),
  }
  const done = await acting(at, () => flows.rollback(store, slug, actor, input))
  if (isRefusal(done)) return done
  const { plan, done: moved } = done.done
  if (moved === null) {
    const words = [leaf, ...(flows.meantFlow(store) === slug ? [] : [slug])]
    const command = `git dstack flow rollback ${words.join(' ')}${keepCode ? ' --keep-code' : ''} --confirm ${plan.token}`
    const next: Turn = { who: 'human', why: 'Nothing has changed yet.', commands: [command] }
    return answer({ slug, plan, done: null, onBranch: null, next }, () => rollbackText(env, plan, command), {
      long: true,
    })
  }
  const took = {
    reset: `${plan.branch} is where it was before`,
    revert: `${plan.branch} has a commit that takes it back`,
  }
  const how = plan.mode === 'none' ? 'no code had to go' : took[plan.mode]
  const kept = plan.mode === 'none' ? '' : `\nWhat was there is kept as ${safe(plan.backup)}.`
  const text = `Rolled back ${plan.leaves.map(safe).join(', ')} of ${safe(slug)}; ${safe(how)}.${kept}`
  return toldAll(
    at,
    { moved: [moved], onBranch: plan.mode === 'revert' ? done.onBranch : null },
    { slug, plan, done: plain(moved) },
    text,
  )
}

async function recover(at: At, slug: string, remote: boolean): Promise<Reply> {
  const done = await acting(at, () => flows.recoverFlow(at.store, slug, at.actor, remote ? { remote } : {}))
  if (isRefusal(done)) return done
  const { leaves, problems } = done.done
  const from = remote ? 'it is what the remote has' : 'rebuilt from the markers of the branch'
  const lines = [
    `Recovered ${safe(slug)}: ${from}, and in ${done.done.to}.`,
    ...leaves.map(({ id, title, status }) => `  ${safe(id)}  ${status.padEnd(7)}  ${safe(title)}`),
    ...problems.map((problem) => `Problem: ${safe(problem)}`),
  ]
  return told(at, done, { text: lines.join('\n'), more: { leaves, problems } })
}
