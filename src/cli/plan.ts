// `git dstack plan …`: looking at plans, making and changing them.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import * as plans from '../plan/plan'
import type { Kind, Shape } from '../plan/schema'
import type { Store } from '../store/store'
import { unsynced } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import { repeated } from './fields'
import { asList, type ListFlags, listed } from './lists'
import {
  formatOption,
  kindOption,
  partOption,
  type SecretFlag,
  SLUG,
  secretsOf,
  slugOf,
  textOf,
  wrote,
} from './plan-flags'
import { principles } from './plan-principles'
import { exitOfIssues, planText, reportText, summaryRow, whichText } from './plan-text'
import { carriers } from './plan-trade'
import { ready } from './ready'
import { safe, safeLines } from './render'

type Handle = Parameters<Register>[1]['handle']

export const register: Register = (program, { handle }) => {
  const group = program.command('plan').description('plans, their tasks, what they are held to')
  examples(group, 'git dstack plan list', 'git dstack plan import PLAN.md')
  makers(group, handle)
  lookers(group, handle)
  changers(group, handle)
  carriers(group, handle)
  principles(group, handle)
}

function makers(group: Command, handle: Handle): void {
  const making = group
    .command('new')
    .description('a plan from the template, with its companion')
    .argument('<title>', 'what is to be done, in a few words')
    .option('--slug <slug>', 'its short name; made from the title when absent')
  making.addOption(kindOption(making, 'feature')).action(
    handle(async (env, title: string, { slug, kind }: { slug?: string; kind: Kind }) => {
      const store = await ready(env)
      const done = plans.newPlan(store, { title, kind, now: env.now(), ...(slug === undefined ? {} : { slug }) })
      return isRefusal(done) ? done : wrote(store, done, `Made ${done.slug}: git dstack plan edit ${done.slug}`)
    }),
  )
  examples(
    making,
    'git dstack plan new "Retry failed webhooks"',
    'git dstack plan new --slug retry "Retry failed webhooks"',
  )
}

// --- looking ------------------------------------------------------------------------------------------------------------

function lookers(group: Command, handle: Handle): void {
  const listing = group
    .command('list')
    .description('every open plan')
    .option('--archived', 'the archived ones instead')
    .action(
      handle(async (env, { archived, ...flags }: ListFlags & { archived?: true }) => {
        const found = plans.listPlans(await ready(env), { archived: archived === true })
        const rows = found.map(({ slug, kind, state, tasks, by, at, title }) => {
          return [slug, kind, state, String(tasks.done), String(tasks.total), by, at, title]
        })
        const none = archived ? 'Nothing is archived.' : 'No plan is open.'
        return listed(env, flags, {
          value: { plans: found },
          rows,
          text: () => (found.length === 0 ? none : found.map(summaryRow)),
        })
      }),
    )
  asList(listing, 'slug, kind, state, tasks done, tasks, author, time, title')
  examples(
    listing,
    'git dstack plan list',
    'git dstack plan list --archived',
    'git dstack plan list --porcelain | cut -f1',
  )

  const showing = group.command('show').description('one plan with its phases and tasks').argument('[slug]', SLUG)
  showing
    .addOption(partOption(showing, 'only this text of it, as it is stored'))
    .addOption(formatOption(showing, 'the plan as a file of this format'))
    .action(handle(async (env, slug: string | undefined, flags: ShowFlags) => show(env, await ready(env), slug, flags)))
  examples(showing, 'git dstack plan show retry-failed-webhooks', 'git dstack plan show --part contract')

  const checking = group
    .command('check')
    .description('spec, plan, contract and tasks against each other')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, slug: string | undefined) => {
        const store = await ready(env)
        const report = plans.checkPlan(store, slugOf(store, slug))
        if (isRefusal(report)) return report
        return answer(report, () => reportText(env, report), { exit: exitOfIssues(report.issues), long: true })
      }),
    )
  examples(checking, 'git dstack plan check', 'git dstack plan check retry-failed-webhooks --json')

  const comparing = group.command('diff').description('what changed in a text').argument('[slug]', SLUG)
  comparing
    .addOption(partOption(comparing).default('plan'))
    .option('--since <when>', 'a version: the beginning of its id, or a day; absent: the one before')
    .action(handle(async (env, slug: string | undefined, flags: DiffFlags) => diff(await ready(env), slug, flags)))
  examples(
    comparing,
    'git dstack plan diff',
    'git dstack plan diff retry-failed-webhooks --part contract --since 2026-11-01',
  )

  const resolving = group
    .command('which')
    .description('which plan is meant when none is named')
    .argument('[slug]', 'one that is named')
    .action(
      handle(async (env, slug: string | undefined) => {
        const found = plans.whichPlan(await ready(env), slug === undefined ? {} : { slug })
        return answer(found, whichText, { exit: found.result === 'selected' ? 0 : 1 })
      }),
    )
  examples(resolving, 'git dstack plan which', 'git dstack plan which --json')
}

interface ShowFlags {
  part?: plans.Part
  format?: Shape
}

function show(env: Env, store: Store, named: string | undefined, { part, format }: ShowFlags): Reply {
  const slug = slugOf(store, named)
  if (format !== undefined) {
    const file = plans.exportPlan(store, slug, { shape: format })
    return isRefusal(file) ? file : answer({ slug, format, text: file.text }, () => file.text)
  }
  if (part !== undefined) {
    const doc = plans.partOf(store, slug, part)
    return isRefusal(doc) ? doc : answer({ slug, part, ...doc }, () => safeLines(doc.text), { long: true })
  }
  const view = plans.showPlan(store, slug)
  if (isRefusal(view)) return view
  const { read, todo, tasks: progress, ...rest } = view
  const { features = [], requirements = [], warnings = [] } = read ?? {}
  return answer({ ...rest, progress, features, requirements, warnings, tasks: todo }, () => planText(env, view), {
    long: true,
  })
}

interface DiffFlags {
  part: plans.Part
  since?: string
}

function diff(store: Store, named: string | undefined, { part, since }: DiffFlags): Reply {
  const slug = slugOf(store, named)
  const done = plans.diffPlan(store, slug, part, since)
  if (isRefusal(done)) return done
  const none = `The ${part} of ${slug} did not change.`
  return answer({ slug, part, ...done }, () => safeLines(done.diff === '' ? none : done.diff), { long: true })
}

// --- changing -----------------------------------------------------------------------------------------------------------

function changers(group: Command, handle: Handle): void {
  const editing = group
    .command('edit')
    .description('change a text in your editor, or end a conflict')
    .argument('[slug]', SLUG)
  editing
    .addOption(partOption(editing).default('plan'))
    .option('--task <id>', 'a task; with --take')
    .option('--file <file>', 'the new text, - for standard input; absent: $EDITOR')
    .option('--saw <id>', 'the version that the text was made from; may be repeated', repeated)
    .option('--take <id>', 'end a conflict with this version')
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(handle(async (env, slug: string | undefined, flags: EditFlags) => edit(env, await ready(env), slug, flags)))
  examples(
    editing,
    'git dstack plan edit retry-failed-webhooks',
    'git dstack plan edit --part contract --file contract.md --saw 3f2a91c',
    'git dstack plan edit --task 1.1-C02 --take 3f2a91c',
  )

  const converging = group
    .command('converge')
    .description('add a phase for what no task serves yet; nothing where nothing is missing')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, named: string | undefined) => {
        const store = await ready(env)
        const slug = slugOf(store, named)
        const done = plans.convergePlan(store, slug)
        if (isRefusal(done)) return done
        const { added } = done
        const value = { ...done, unsynced: unsynced(store) }
        const text =
          added.length === 0
            ? 'Nothing is missing; the plan stays as it is.'
            : `Added a phase for ${added.map(safe).join(', ')}.`
        return answer(value, () => text)
      }),
    )
  examples(converging, 'git dstack plan converge', 'git dstack plan converge retry-failed-webhooks --json')

  const archiving = group
    .command('archive')
    .description('take a plan out of the list; everything of it stays')
    .argument('[slug]', SLUG)
    .option('--undo', 'put it back')
    .option('--dry-run', 'only say what would be done')
    .action(
      handle(async (env, named: string | undefined, { undo, dryRun }: { undo?: true; dryRun?: true }) => {
        const store = await ready(env)
        const slug = slugOf(store, named)
        if (dryRun) {
          const view = plans.showPlan(store, slug)
          const would = `Would ${undo ? 'reopen' : 'archive'} ${safe(slug)}.`
          const value = { slug, keys: [], commit: '', unsynced: 0 }
          return isRefusal(view) ? view : answer(value, () => would)
        }
        return wrote(
          store,
          plans.archivePlan(store, slug, { undo: undo === true }),
          `${undo ? 'Reopened' : 'Archived'} ${slug}`,
        )
      }),
    )
  examples(
    archiving,
    'git dstack plan archive retry-failed-webhooks',
    'git dstack plan archive --undo retry-failed-webhooks',
  )
}

interface EditFlags extends SecretFlag {
  part: plans.Part
  task?: string
  file?: string
  saw?: string[]
  take?: string
}

async function edit(env: Env, store: Store, named: string | undefined, flags: EditFlags): Promise<Reply> {
  const { part, task, file, saw, take } = flags
  const slug = slugOf(store, named)
  if (take !== undefined) {
    const done =
      task === undefined ? plans.takeVersion(store, slug, part, take) : plans.takeTask(store, slug, task, take)
    return wrote(store, done, `Settled ${slug} ${task ?? part}`)
  }
  if (task !== undefined) {
    const hint = `Tasks follow the plan's text: \`git dstack plan edit ${slug}\`.`
    throw new DstackError('USAGE', '--task goes with --take.', { hint })
  }
  const text = `Wrote the ${part} of ${slug}`
  if (file !== undefined) {
    const more = saw === undefined ? {} : { saw }
    return wrote(
      store,
      plans.editPlan(store, slug, part, textOf(env, store, file), { ...more, ...secretsOf(flags) }),
      text,
    )
  }
  return editHere(env, store, { slug, part, text }, flags)
}

/** What could not be saved stays in a file: nobody has to write it twice. */
async function editHere(
  env: Env,
  store: Store,
  { slug, part, text }: { slug: string; part: plans.Part; text: string },
  flags: EditFlags,
): Promise<Reply> {
  const { draftPath, edited } = await import('./editor')
  const shown = part === 'plan' ? plans.showPlan(store, slug) : null
  if (isRefusal(shown)) return shown
  const doc = shown?.plan ?? plans.partOf(store, slug, part)
  if (isRefusal(doc)) return doc
  const name = `${slug}-${part}.md`
  const next = edited(env, store, name, doc.text)
  if (next === null) return answer({ slug, keys: [], commit: '', unsynced: 0 }, () => 'Nothing was changed.')
  const done = plans.editPlan(store, slug, part, next, { saw: flags.saw ?? [doc.oid], ...secretsOf(flags) })
  if (!isRefusal(done)) env.files.remove(draftPath(store, name))
  else if (!env.out.json) env.out.say(`Your text is in ${safe(draftPath(store, name))}.\n`)
  return wrote(store, done, text)
}
