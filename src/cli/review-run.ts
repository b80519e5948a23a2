// `git dstack review plan` and `review phase`: reviews by programs, each track on a checkout of its own.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import * as flows from '../flow/flow'
import type { Track } from '../flow/schema'
import { trustHashes } from '../trust/trust'
import { type Context, examples, type Reply } from './command'
import { repeated } from './fields'
import { type At, acting, here, plain, SLUG, slugOf, told } from './flow-flags'
import { safe, safeLines } from './render'
import { countText, findingText } from './review-text'

interface RunFlags {
  track?: Track
  trustHash?: string[]
}

export function registerRuns(group: Command, handle: Context['handle']): void {
  const planning = group
    .command('plan')
    .description("have the leaf's plan reviewed by the program of review.reviewer")
    .argument('[slug]', SLUG)
  hashOption(planning).action(
    handle(async (env, slug: string | undefined, flags: RunFlags) => {
      const at = await here(env)
      return run(at, slugOf(at.store, slug), 'plan', flags)
    }),
  )
  examples(planning, 'git dstack review plan', 'git dstack review plan payments')

  const phasing = group
    .command('phase')
    .description("have the leaf's implementation reviewed, track A (the code) and B (the contract) at the same time")
    .argument('[slug]', SLUG)
  hashOption(phasing)
    .addOption(phasing.createOption('--track <track>', 'only this one').choices(['A', 'B']))
    .action(
      handle(async (env, slug: string | undefined, flags: RunFlags) => {
        const at = await here(env)
        return run(at, slugOf(at.store, slug), 'phase', flags)
      }),
    )
  examples(phasing, 'git dstack review phase', 'git dstack review phase --track B payments')
}

function hashOption(command: Command): Command {
  return command.option('--trust-hash <hash>', 'let a program with this hash run (for CI); may be repeated', repeated)
}

/** Ends with 1 when a track could not be reviewed. */
async function run(at: At, slug: string, kind: 'plan' | 'phase', { track, trustHash }: RunFlags): Promise<Reply> {
  const { env, store, actor } = at
  const input = {
    kind,
    ...(track === undefined ? {} : { track }),
    ...(trustHash === undefined ? {} : { hashes: trustHashes(trustHash) }),
  }
  const end = env.out.progress(kind === 'plan' ? 'Reviewing the plan' : 'Reviewing the implementation')
  const done = await acting(at, () => flows.review(store, slug, actor, input)).finally(() => end())
  if (isRefusal(done)) return done
  const { head, taken, failures, moved } = done.done
  const text = [
    ...taken.map((one) => takenText(env, one)),
    ...failures.map((failure) => `Track ${failure.track} has no review (A8, ${failure.cause}): ${failure.reason}`),
  ].join('\n')
  const more = { head, reviews: taken, failures }
  const reply = await told(at, { done: plain(moved), onBranch: done.onBranch }, { text, more })
  return isRefusal(reply) || failures.length === 0 ? reply : { ...reply, exit: 1 }
}

function takenText(
  env: Env,
  { run: id, reviewer, findings, warnings, outside, preexisting, silent }: flows.Taken,
): string {
  const beside: [string, flows.Taken['outside']][] = [
    ['Not what this track is about', outside],
    ['About lines that this leaf did not touch', preexisting],
    ['Decided on before', silent],
  ]
  return [
    `${safe(id)} by ${safe(reviewer)}: ${countText(findings)}.`,
    ...warnings.map((warning) => `  Note: ${warning}`),
    ...findings.map((finding) => findingText(env, finding)),
    ...beside.flatMap(([title, list]) => (list.length === 0 ? [] : [`  ${title}:`, ...list.map(besideText)])),
  ].join('\n')
}

function besideText({ severity, class: kind, path, lines, claim }: flows.Taken['outside'][number]): string {
  const where = path === undefined ? '' : ` ${safe(path)}${lines === undefined ? '' : `:${safe(lines)}`}`
  const [first = ''] = safeLines(claim).split('\n')
  return `    ${severity} ${safe(kind)}${where}: ${first}`
}
