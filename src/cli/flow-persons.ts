// What people say to a flow: answers at a wait, pause, resume, abort, feedback, what they allow.

import type { Command } from 'commander'
import { DstackError, isRefusal } from '../errors'
import * as flows from '../flow/flow'
import type { ConditionId } from '../flow/schema'
import { examples, type Register, type Reply } from './command'
import { textFrom } from './fields'
import { type At, acting, here, hereWhenOff, movedText, SLUG, slugOf, slugOption, told } from './flow-flags'
import { textOf } from './plan-flags'
import { safe, safeLines } from './render'

type Handle = Parameters<Register>[1]['handle']

export function persons(group: Command, handle: Handle): void {
  answers(group, handle)
  stops(group, handle)
  settles(group, handle)
}

// --- answers --------------------------------------------------------------------------------------------------------

const WORDS: Readonly<Record<string, string>> = { accept: 'y', final: 'n', rerun: 'r', feedback: 'f' }

/** y, n, r, f or aN. The command is the group's default, so that a letter alone is an answer: what is none is said here. */
function keyOf(word: string): string {
  const key = WORDS[word] ?? word
  if (/^(?:[ynrf]|a[1-9][0-9]?)$/.test(key)) return key
  throw new DstackError('USAGE', `"${safe(word)}" is neither a command of git dstack flow nor an answer.`, {
    hint: 'Answers are accept (y), final (n), rerun (r), feedback (f) and aN, which accepts this and N more; see `git dstack flow -h`.',
  })
}

interface AnswerFlags {
  skip?: number
  file?: string
  slug?: string
}

function answers(group: Command, handle: Handle): void {
  const answering = group
    .command('answer', { isDefault: true })
    .description('answer where the flow waits for a person; the word answer may be left out')
    .argument(
      '<answer>',
      'accept (y), final (n): as it is, rerun (r): review again, feedback (f), aN: y, and N more',
      keyOf,
    )
    .argument('[text]', 'of feedback: what is to be done differently')
    .option('--skip <number>', 'accept so many more waits without being asked', waitsOf)
    .option('--file <file>', 'the feedback in a file; - for standard input; absent: $EDITOR')
  slugOption(answering).action(
    handle(async (env, key: string, text: string | undefined, flags: AnswerFlags) => {
      const at = await here(env)
      return sayAnswer(at, slugOf(at.store, flags.slug), key, text, flags)
    }),
  )
  examples(
    answering,
    'git dstack flow answer accept',
    'git dstack flow answer accept --skip 3',
    'git dstack flow answer feedback "The queue must keep the order."',
    '# the same as accept, and as accept --skip 3',
    'git dstack flow y',
    'git dstack flow a3',
  )
}

function waitsOf(text: string): number {
  if (/^[1-9][0-9]?$/.test(text)) return Number(text)
  throw new DstackError('USAGE', `"${safe(text)}" is no number of waits.`, { hint: 'From 1 to 99.' })
}

async function sayAnswer(
  at: At,
  slug: string,
  given: string,
  text: string | undefined,
  { skip, file }: AnswerFlags,
): Promise<Reply> {
  const { env, store, actor } = at
  if (given !== 'f' && (text !== undefined || file !== undefined)) {
    throw new DstackError('USAGE', 'Only feedback takes a text.', {
      hint: 'Say `git dstack flow answer feedback "TEXT"`.',
    })
  }
  if (skip !== undefined && given !== 'y') {
    throw new DstackError('USAGE', '--skip goes with accept.', { hint: '`git dstack flow answer accept --skip 3`.' })
  }
  const key = skip === undefined ? given : `a${skip}`
  const said = given === 'f' ? await feedbackFrom(at, slug, text, file) : {}
  const done = await acting(at, () => flows.answerWait(store, slug, actor, { key, ...said }))
  const { draft } = said
  if (!isRefusal(done)) {
    if (draft !== undefined) env.files.remove(draft)
    return told(at, done)
  }
  if (draft !== undefined && !env.out.json) env.out.say(`Your text is in ${safe(draft)}.\n`)
  return done
}

interface Said {
  feedback?: string
  /** The file that it was written in, to be removed once it is kept. */
  draft?: string
}

/** The argument, a file, or what is written in the editor. @throws USAGE when there is no text */
async function feedbackFrom({ env, store }: At, slug: string, text?: string, file?: string): Promise<Said> {
  if (file !== undefined) return { feedback: textOf(env, store, file) }
  if (text !== undefined) return { feedback: textFrom(env, text) }
  const { draftPath, edited } = await import('./editor')
  const name = `${slug}-feedback.md`
  const feedback = edited(env, store, name, '')
  if (feedback !== null) return { feedback, draft: draftPath(store, name) }
  throw new DstackError('USAGE', 'There is no feedback.', { hint: 'Nothing has changed.' })
}

// --- pause, resume, abort -------------------------------------------------------------------------------------------

function stops(group: Command, handle: Handle): void {
  const pausing = group
    .command('pause')
    .description('stop a flow where it is; somebody else may resume it')
    .argument('[slug]', SLUG)
    .option('--reason <text>', 'why, in a sentence')
    .option('--feedback <text>', 'what is to be done differently: from a wait, resume then goes back to the work')
    .action(
      handle(async (env, slug: string | undefined, { reason, feedback }: { reason?: string; feedback?: string }) => {
        const at = await hereWhenOff(env)
        const meant = slugOf(at.store, slug)
        return step(at, () => flows.pause(at.store, meant, at.actor, reason, feedback))
      }),
    )
  examples(
    pausing,
    'git dstack flow pause --reason "until the migration is through"',
    'git dstack flow pause payments --feedback "Use the queue that is there."',
  )

  const resuming = group
    .command('resume')
    .description('go on with a flow that is paused')
    .argument('[slug]', SLUG)
    .option('--ack <condition>', 'A1 to A11: you know why it stopped; may be repeated', conditionsOf)
    .action(
      handle(async (env, slug: string | undefined, { ack = [] }: { ack?: ConditionId[] }) => {
        const at = await hereWhenOff(env)
        const meant = slugOf(at.store, slug)
        return resume(at, meant, ack)
      }),
    )
  examples(resuming, 'git dstack flow resume', 'git dstack flow resume payments --ack A5')

  const aborting = group
    .command('abort')
    .description('end a flow for good; every commit stays')
    .argument('[slug]', SLUG)
    .option('--yes', 'you mean it')
    .option('--reason <text>', 'why, in a sentence')
    .action(
      handle(async (env, slug: string | undefined, { yes, reason }: { yes?: true; reason?: string }) => {
        const at = await hereWhenOff(env)
        const meant = slugOf(at.store, slug)
        return step(at, () => flows.abort(at.store, meant, at.actor, yes === true, reason))
      }),
    )
  examples(aborting, 'git dstack flow abort payments --yes', 'git dstack flow abort --yes --reason "we buy it instead"')
}

function conditionsOf(text: string, former: ConditionId[] = []): ConditionId[] {
  const names = text.toUpperCase().split(',')
  const known = names.filter((name): name is ConditionId => Object.hasOwn(flows.CONDITIONS, name))
  if (known.length === names.length) return [...former, ...known]
  throw new DstackError('USAGE', `"${safe(text)}" is no condition.`, {
    hint: 'They are called A1 to A11; see `git dstack help machine`.',
  })
}

/** Whoever goes on is told what people wrote meanwhile. */
async function resume(at: At, slug: string, ack: readonly ConditionId[]): Promise<Reply> {
  const done = await acting(at, () => flows.resume(at.store, slug, at.actor, ack))
  if (isRefusal(done)) return done
  const report = flows.report(at.store, slug, at.actor)
  const feedback = isRefusal(report) ? null : report.position.feedback
  const text = feedback === null ? {} : { text: `${movedText(done.done)}\nFeedback: ${safeLines(feedback.trim())}` }
  return told(at, done, text)
}

async function step(at: At, act: () => ReturnType<typeof flows.pause>): Promise<Reply> {
  const done = await acting(at, act)
  return isRefusal(done) ? done : told(at, done)
}

// --- feedback, what is allowed --------------------------------------------------------------------------------------

function settles(group: Command, handle: Handle): void {
  const feeding = group
    .command('feedback')
    .description('write down what whoever goes on with the leaf is to know')
    .argument('<text>', 'in quotes; - for standard input')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, text: string, named: string | undefined) => {
        const at = await here(env)
        const slug = slugOf(at.store, named)
        const words = textFrom(env, text)
        const done = await acting(at, () => flows.feedback(at.store, slug, at.actor, words))
        return isRefusal(done) ? done : told(at, done, { text: 'Kept for whoever goes on with the leaf.' })
      }),
    )
  examples(
    feeding,
    'git dstack flow feedback "The queue must keep the order."',
    'git dstack flow feedback - payments < notes.md',
  )

  const setting = group.command('set').description('what holds for this flow alone')
  setting
    .addArgument(setting.createArgument('<what>', 'whether work counts without evidence').choices(['unverified']))
    .addArgument(setting.createArgument('<value>', 'the value').choices(['allow', 'refuse']))
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, _what: string, value: 'allow' | 'refuse', named: string | undefined) => {
        const at = await here(env)
        const slug = slugOf(at.store, named)
        const done = await acting(at, () => flows.allowUnverified(at.store, slug, at.actor, value))
        const now = value === 'allow' ? 'Work counts without evidence' : 'Work without evidence does not count'
        return isRefusal(done) ? done : told(at, done, { text: `${now} in ${safe(slug)}; its status says so.` })
      }),
    )
  examples(setting, 'git dstack flow set unverified allow', 'git dstack flow set unverified refuse payments')
}
