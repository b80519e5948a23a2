// `git dstack plan import, export`: plans as files.

import { basename } from 'node:path'
import type { Command } from 'commander'
import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import * as plans from '../plan/plan'
import type { Kind, Shape } from '../plan/schema'
import type { Store } from '../store/store'
import { unsynced } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import { repeated } from './fields'
import { absolute, formatOption, kindOption, type SecretFlag, SLUG, secretsOf, slugOf, textOf } from './plan-flags'
import { ready } from './ready'
import { plural, safe } from './render'

export function carriers(group: Command, handle: Parameters<Register>[1]['handle']): void {
  const taking = group
    .command('import')
    .description('take a plan in from a file, or take in what changed in it')
    .argument('<file>', 'a plan in Markdown or XML, - for standard input')
    .option('--slug <slug>', 'its short name; made from the title when absent')
    .option('--band <band>', 'a priority band of a TODOS.md; may be repeated', repeated)
    .option('--repo <name>', 'only what is for this repository')
  taking
    .addOption(formatOption(taking, 'what it is; seen from the text when absent'))
    .addOption(kindOption(taking))
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(handle(async (env, file: string, flags: ImportFlags) => bringIn(env, await ready(env), file, flags)))
  examples(
    taking,
    'git dstack plan import PLAN.md',
    '# only what is urgent',
    'git dstack plan import TODOS.md --band P0 --band P1',
    'git dstack plan import tasks.md --format speckit --slug photo-albums',
  )

  const giving = group
    .command('export')
    .description('write a plan out as the file that it came from')
    .argument('[slug]', SLUG)
  giving
    .option('--to <file>', 'into this file, in which only boxes change; absent: to standard output')
    .addOption(formatOption(giving, 'refuse anything but this format'))
    .action(
      handle(async (env, slug: string | undefined, flags: ExportFlags) => handOut(env, await ready(env), slug, flags)),
    )
  examples(giving, 'git dstack plan export retry-failed-webhooks > PLAN.md', 'git dstack plan export --to PLAN.md')
}

interface ImportFlags extends SecretFlag {
  slug?: string
  band?: string[]
  repo?: string
  format?: Shape
  kind?: Kind
}

function bringIn(env: Env, store: Store, file: string, flags: ImportFlags): Reply {
  const { slug, band, repo, format, kind } = flags
  const path = file === '-' ? null : absolute(env, file)
  const base = path === null ? undefined : plans.lastHeld(store, path)
  const text = textOf(env, store, file)
  const done = plans.importPlan(store, {
    text,
    name: file === '-' ? 'PLAN.md' : basename(file),
    now: env.now(),
    ...(slug === undefined ? {} : { slug }),
    ...(band === undefined ? {} : { bands: band }),
    ...(repo === undefined ? {} : { repo }),
    ...(format === undefined ? {} : { shape: format }),
    ...(kind === undefined ? {} : { kind }),
    ...(base === undefined ? {} : { base }),
    ...secretsOf(flags),
  })
  if (isRefusal(done)) return done
  if (path !== null) plans.rememberHeld(store, path, text)
  return answer({ plans: done, unsynced: unsynced(store) }, () => done.map(importedText).join('\n'))
}

function importedText({ slug, repo, outcome, tasks, followed, merged, warnings }: plans.Imported): string {
  const counts = [
    tasks.added.length === 0 ? '' : plural(tasks.added.length, 'new task'),
    tasks.changed.length === 0 ? '' : plural(tasks.changed.length, 'changed task'),
    tasks.removed.length === 0 ? '' : plural(tasks.removed.length, 'removed task'),
  ].filter((count) => count !== '')
  const word = { added: 'Added', updated: 'Updated', same: 'Nothing new in' }[outcome]
  const of = repo === undefined ? '' : ` for ${safe(repo)}`
  return [
    `${word} ${safe(slug)}${of}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}.`,
    ...(followed.length === 0 ? [] : [`  boxes changed in the file: ${followed.map(safe).join(', ')}`]),
    ...(merged ? ['  put together with what was changed here; write it out to have it in the file'] : []),
    ...warnings.map((warning) => `  ${safe(warning)}`),
  ].join('\n')
}

interface ExportFlags {
  to?: string
  format?: Shape
}

function handOut(env: Env, store: Store, named: string | undefined, { to, format }: ExportFlags): Reply {
  const slug = slugOf(store, named)
  const whole = plans.exportPlan(store, slug, format === undefined ? {} : { shape: format })
  if (isRefusal(whole)) return whole
  if (to === undefined) return answer({ slug, text: whole.text }, () => whole.text)
  const done = plans.exportFile(store, slug, absolute(env, to))
  if (isRefusal(done)) return done
  const lost = done.conflicts.map(({ label }) => `  edited elsewhere, not touched: ${safe(label)}`)
  const open =
    done.taken.length === 0
      ? []
      : [`  ${plural(done.taken.length, 'box', 'boxes')} changed in the file: git dstack plan import takes them in`]
  const head = done.changed ? `Wrote ${safe(slug)} into ${safe(to)}.` : `${safe(to)} is as it should be.`
  return answer({ slug, ...done }, () => [head, ...lost, ...open].join('\n'), { exit: lost.length === 0 ? 0 : 2 })
}
