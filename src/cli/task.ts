// `git dstack task …`: the tasks of a leaf, one at a time.

import type { Env } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import * as flows from '../flow/flow'
import { tasksOf } from '../plan/plan'
import type { Task } from '../plan/schema'
import { answer, examples, type Register, type Reply } from './command'
import { type At, acting, here, hereWhenOff, SLUG, slugOf, slugOption, turnOf, turnText } from './flow-flags'
import { asList, type ListFlags, listed } from './lists'
import { columns, paint, plural, safe, safeLines, shortId } from './render'

export const register: Register = (program, { handle }) => {
  const group = program.command('task').description('the tasks of a leaf, one at a time')
  examples(group, 'git dstack task list', 'git dstack task start 1.1-C01')

  const listing = group
    .command('list')
    .description('every task, and how far it is')
    .argument('[slug]', SLUG)
    .option('--leaf <leaf>', 'only of this leaf')
    .action(
      handle(async (env, named: string | undefined, { leaf, ...flags }: ListFlags & { leaf?: string }) => {
        const { store } = await hereWhenOff(env)
        const slug = slugOf(store, named)
        return list(env, flags, slug, tasksOf(store, slug, leaf))
      }),
    )
  asList(listing, 'id, status, leaf, failures, commits, title')
  examples(listing, 'git dstack task list', 'git dstack task list payments --leaf 1.1')

  const showing = group.command('show').description('one task: what it may change, and what shows that it is done')
  slugOption(showing.argument('<id>', ID)).action(
    handle(async (env, id: string, flags: { slug?: string }) => {
      const { store } = await hereWhenOff(env)
      return show(env, slugOf(store, flags.slug), id, tasksOf(store, slugOf(store, flags.slug)))
    }),
  )
  examples(showing, 'git dstack task show 1.1-C01', 'git dstack task show 1.1-C01 --slug payments --json')

  const starting = group.command('start').description('begin a task, or go on with it')
  slugOption(starting.argument('<id>', ID)).action(
    handle(async (env, id: string, { slug }: { slug?: string }) => {
      const at = await here(env)
      const meant = slugOf(at.store, slug)
      return moved(at, await acting(at, () => flows.startTask(at.store, meant, at.actor, id)), startedText)
    }),
  )
  examples(starting, 'git dstack task start 1.1-C01', 'git dstack task start 1.1-C01 --json')

  const ending = group.command('done').description('say that a task is done: it has a commit, and nothing is left over')
  slugOption(ending.argument('<id>', ID)).action(
    handle(async (env, id: string, { slug }: { slug?: string }) => {
      const at = await here(env)
      const meant = slugOf(at.store, slug)
      return moved(at, await acting(at, () => flows.doneTask(at.store, meant, at.actor, id)), doneText)
    }),
  )
  examples(ending, 'git dstack task done 1.1-C01', 'git dstack task done 1.1-C01 --slug payments')

  const failing = group.command('fail').description('say that a task did not work out; it may be started again')
  slugOption(failing.argument('<id>', ID))
    .requiredOption('--reason <text>', 'why, in a sentence')
    .action(
      handle(async (env, id: string, { slug, reason }: { slug?: string; reason: string }) => {
        const at = await here(env)
        const meant = slugOf(at.store, slug)
        const done = await acting(at, () => flows.failTask(at.store, meant, at.actor, id, reason))
        return moved(at, done, ({ task }) => `${safe(task.id)} failed; ${plural(task.failures ?? 0, 'time')} by now.`)
      }),
    )
  examples(
    failing,
    'git dstack task fail 1.1-C01 --reason "the provider has no such call"',
    'git dstack task fail 1.1-C01 --slug payments --reason "out of memory"',
  )
}

const ID = 'the task, such as 1.1-C01'

// --- looking --------------------------------------------------------------------------------------------------------

function list(env: Env, flags: ListFlags, slug: string, tasks: readonly Task[]): Reply {
  const rows = tasks.map(({ id, status, leaf, failures = 0, commits, title }) => {
    return [id, status, leaf, String(failures), commits.join(' '), title]
  })
  const row = ({ id, status, title, depends_on, evidence }: Task) => [
    safe(id),
    evidence.includes('unverified') ? `${status}, unverified` : status,
    safe(title),
    depends_on.length === 0 ? '' : `needs ${depends_on.map(safe).join(', ')}`,
  ]
  const text = () => (tasks.length === 0 ? 'No tasks yet.' : tasks.map(row))
  return listed(env, flags, { value: { slug, tasks }, rows, text })
}

function show(env: Env, slug: string, id: string, tasks: readonly Task[]): Reply {
  const wanted = id.toUpperCase()
  const near = tasks.filter((one) => one.id.startsWith(wanted))
  const task = tasks.find((one) => one.id === wanted) ?? (near.length === 1 ? near[0] : undefined)
  if (task === undefined) {
    const could = (near.length > 0 ? near : tasks).map((one) => one.id).join(', ')
    return {
      refused: near.length > 1 ? 'AMBIGUOUS' : 'NOT_FOUND',
      message: near.length > 1 ? `"${id}" can be several tasks.` : `${slug} has no task ${id}.`,
      hint: could === '' ? 'It has no tasks yet.' : `There are: ${could}.`,
    }
  }
  return answer({ slug, task, ...flows.commitsAs(slug, task) }, () => taskText(env, slug, task), { long: true })
}

function taskText(env: Env, slug: string, task: Task): string {
  const { prefix, trailers } = flows.commitsAs(slug, task)
  const { failures = 0, commits, evidence } = task
  const facts: [string, string][] = [
    ['status', `${task.status}${evidence.includes('unverified') ? ', unverified' : ''}`],
    ['why', task.why ?? ''],
    ['files', task.files.join(', ')],
    ['read first', task.read_first.join(', ')],
    ['needs', task.depends_on.join(', ')],
    ['engine', task.engine ?? ''],
    ['covers', task.covers.join(', ')],
    ['commits', commits.map((oid) => shortId(oid)).join(', ')],
    ['attempts', task.attempts === 0 ? '' : `${task.attempts}${failures === 0 ? '' : `, ${failures} failed`}`],
    ['commit as', `"${prefix}…", or with the trailers ${trailers.join(' and ')}`],
  ]
  const rows = facts.flatMap(([name, text]) => (text === '' ? [] : [[name, safe(text)]]))
  const checks = task.acceptance.map((line) => `  ${safe(line)}`)
  return [
    `${paint(env)('bold', safe(task.id))}  ${safe(task.title)}\n${columns(rows, null)}`,
    ...(task.action.trim() === '' ? [] : [safeLines(task.action.trim())]),
    ...(checks.length === 0 ? [] : [`Done when:\n${checks.join('\n')}`]),
  ].join('\n\n')
}

// --- moving ---------------------------------------------------------------------------------------------------------

function moved(
  at: At,
  acted: Awaited<ReturnType<typeof acting<flows.TaskMoved>>>,
  text: (done: flows.TaskMoved) => string,
): Reply {
  if (isRefusal(acted)) return acted
  const { done } = acted
  const { env, store, actor } = at
  const due: flows.Due | Refusal = flows.dueNow(store, done.slug, actor)
  if (isRefusal(due)) return due
  const next = turnOf(store, done.slug, due)
  if (!env.out.json) for (const warning of done.warnings) env.out.say(`Note: ${safe(warning)}\n`)
  return answer({ ...done, next }, () => `${text(done)}\n\n${turnText(env, next)}`)
}

function startedText({ task, prefix, trailers }: flows.TaskMoved): string {
  const as = `Begin the subjects of its commits with "${safe(prefix)}", or give them the trailers ${trailers.map(safe).join(' and ')}.`
  return `${safe(task.id)} ${safe(task.title)}: begun.\n${as}`
}

function doneText({ task, commits }: flows.TaskMoved): string {
  const by = commits.length === 0 ? '' : ` with ${plural(commits.length, 'commit')}`
  return `${safe(task.id)} is done${by}${task.evidence.includes('unverified') ? ', unverified' : ''}.`
}
