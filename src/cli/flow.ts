// `git dstack flow …`: where flows stand, and what the engine does by itself.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import * as flows from '../flow/flow'
import type { Trigger } from '../flow/schema'
import { noSuchPlan, readCurrent, showPlan, useSlug } from '../plan/plan'
import { answer, examples, type Register, type Reply } from './command'
import { wayBack } from './flow-back'
import {
  type At,
  acting,
  here,
  hereWhenOff,
  plain,
  SLUG,
  slugOf,
  told,
  toldAll,
  turnOf,
  turnText,
  withIssues,
} from './flow-flags'
import { persons } from './flow-persons'
import { flowRow, reportText } from './flow-text'
import { asList, type ListFlags, listed } from './lists'
import { textOf } from './plan-flags'
import { safe } from './render'

type Handle = Parameters<Register>[1]['handle']

export const register: Register = (program, { handle }) => {
  const group = program.command('flow').description('work on an approved contract, leaf by leaf')
  examples(
    group,
    'git dstack flow show',
    'git dstack flow next',
    '# an answer alone, by its letter',
    'git dstack flow y',
  )
  lookers(group, handle)
  engine(group, handle)
  persons(group, handle)
  wayBack(group, handle)
}

// --- looking --------------------------------------------------------------------------------------------------------

function lookers(group: Command, handle: Handle): void {
  const listing = group
    .command('list')
    .description('every flow, and where it stands')
    .action(handle(async (env, flags: ListFlags) => list(env, await hereWhenOff(env), flags)))
  asList(listing, 'slug, step, leaf, leaves sealed, leaves, time of the last step, current or not, goal')
  examples(listing, 'git dstack flow list', 'git dstack flow list --json')

  const using = group
    .command('use')
    .description('choose what this worktree works on')
    .argument('<slug>', 'a flow, or a plan without one')
    .action(handle(async (env, slug: string) => use(await hereWhenOff(env), slug)))
  examples(using, 'git dstack flow use payments', 'git dstack flow use payments --json')

  const showing = group
    .command('show')
    .alias('status')
    .description('where a flow stands: position, progress, findings, what runs, what is next')
    .argument('[slug]', SLUG)
  showing
    .addOption(
      showing
        .createOption('--graph [form]', 'the machine as a picture, with the place where the flow stands')
        .choices(['mermaid', 'svg'])
        .preset('mermaid'),
    )
    .action(
      handle(async (env, slug: string | undefined, { graph }: { graph?: 'mermaid' | 'svg' }) => {
        const at = await hereWhenOff(env)
        return graph === undefined ? show(at, slugOf(at.store, slug)) : draw(at, slug, graph)
      }),
    )
  examples(
    showing,
    'git dstack flow show',
    'git dstack flow show payments --json',
    'git dstack flow show --graph svg > flow.svg',
  )
}

function list(env: Env, { store }: At, flags: ListFlags): Reply {
  const found = flows.listFlows(store)
  const current = readCurrent(store)
  const rows = found.map(({ slug, step, leaf, sealed, leaves, since, goal }) => {
    return [slug, step, leaf ?? '', String(sealed), String(leaves), since, slug === current ? 'current' : '', goal]
  })
  return listed(env, flags, {
    value: { flows: found, current },
    rows,
    text: () => (found.length === 0 ? 'There is no flow here.' : found.map((one) => flowRow(env, one, current))),
  })
}

function use({ store }: At, slug: string): Reply {
  const known = flows.slugsOf(store)
  const plan = known.includes(slug) ? null : showPlan(store, slug)
  if (isRefusal(plan)) return known.length === 0 ? plan : noSuchPlan(slug, known)
  useSlug(store, slug)
  const without = plan === null ? '' : ` It has no flow yet: \`git dstack decompose ${safe(slug)}\`.`
  return answer({ slug }, () => `This worktree works on ${safe(slug)}.${without}`)
}

function show({ env, store, actor }: At, slug: string): Reply {
  const report = flows.report(store, slug, actor)
  if (isRefusal(report)) return report
  const due = flows.dueNow(store, slug, actor)
  if (isRefusal(due)) return due
  const next = turnOf(store, slug, due)
  const { risk, ...sections } = report
  const value = { ...sections, risk: { conditions: risk.conditions }, next }
  return answer(value, () => `${reportText(env, report)}\n\n${turnText(env, next)}`, { long: true })
}

/** Without any flow the machine alone. */
function draw({ store }: At, named: string | undefined, form: 'mermaid' | 'svg'): Reply {
  const meant = flows.meantFlow(store, named)
  const slug = isRefusal(meant) ? null : meant
  const picture = flows.picture(store, slug, form)
  return isRefusal(picture) ? picture : answer({ slug, form, picture }, () => picture)
}

// --- the engine -----------------------------------------------------------------------------------------------------

function engine(group: Command, handle: Handle): void {
  const going = group
    .command('next')
    .description('do the step that is due; where somebody else has to act first, say who')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, slug: string | undefined) => {
        const at = await hereWhenOff(env)
        return next(at, slugOf(at.store, slug))
      }),
    )
  examples(going, 'git dstack flow next', 'git dstack flow next payments --json')

  const firing = group.command('fire').description('fire one trigger of the machine; see git-dstack-machine(7)')
  firing
    .addArgument(firing.createArgument('<trigger>', 'which').choices(flows.TRIGGERS))
    .argument('[slug]', SLUG)
    .option('--leaf <leaf>', 'of start_leaf and amend: which')
    .option('--key <key>', 'of what a person accepts: y, n or aN')
    .action(
      handle(async (env, trigger: Trigger, slug: string | undefined, flags: FireFlags) => {
        const at = await hereWhenOff(env)
        return fire(at, trigger, slugOf(at.store, slug), flags)
      }),
    )
  examples(firing, 'git dstack flow fire submit_impl', 'git dstack flow fire start_leaf payments --leaf 1.3')

  const submitting = group
    .command('submit-plan')
    .description('hand in the tasks of the present leaf')
    .argument('<file>', 'JSON, or a plan of any format; - for standard input')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, file: string, slug: string | undefined) => {
        const at = await here(env)
        return submit(at, slugOf(at.store, slug), file)
      }),
    )
  examples(submitting, 'git dstack flow submit-plan plan.json', 'git dstack flow submit-plan - payments < PLAN.md')
}

async function next(at: At, slug: string): Promise<Reply> {
  const done = await acting(at, () => flows.next(at.store, slug, at.actor))
  if (isRefusal(done)) return done
  const { moved } = done.done
  if (moved.length > 0) return toldAll(at, { moved, onBranch: done.onBranch }, { slug, moved: moved.map(plain) })
  const turn = turnOf(at.store, slug, done.done.due)
  return answer({ slug, moved, onBranch: null, next: turn }, () => turnText(at.env, turn))
}

interface FireFlags {
  leaf?: string
  key?: string
}

async function fire(at: At, trigger: Trigger, slug: string, { leaf, key }: FireFlags): Promise<Reply> {
  const { store, actor } = at
  if (!flows.slugsOf(store).includes(slug)) {
    const message = `${slug} has no flow yet.`
    if (trigger === 'open') return { refused: 'USAGE', message, hint: 'Open it: `git dstack decompose <goal>`.' }
    return { ...flows.illegal('NotStarted', trigger), hint: `${message} Open it: \`git dstack decompose <goal>\`.` }
  }
  const event = {
    trigger,
    // What only the engine does is the engine's, whoever types it.
    actor: flows.isEngines(trigger, key) ? ('engine' as const) : actor.kind,
    ...(leaf === undefined ? {} : { leaf }),
    ...(key === undefined ? {} : { key }),
  }
  const done = await acting(at, () => flows.fire(store, slug, actor, event))
  if (isRefusal(done)) return done
  return told(at, done)
}

async function submit(at: At, slug: string, file: string): Promise<Reply> {
  const text = textOf(at.env, at.store, file)
  const done = await acting(at, () => flows.submitPlan(at.store, slug, at.actor, { text, name: file }))
  if (isRefusal(done)) return withIssues(at.env, done)
  return told(at, done, { more: { tasks: done.done.tasks } })
}
