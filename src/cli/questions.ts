// The five questions below `git dstack gate`: what is open, answering it, and whether the tests of a change are real.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { DstackError, isRefusal, refusalError } from '../errors'
import type {
  Asked,
  Number5,
  Proof,
  Question,
  Running,
  Subject,
  VerifyLine,
  Context as Work,
} from '../questions/questions'
import type { Store } from '../store/store'
import { trustHashes } from '../trust/trust'
import { answer, type Context, examples, type Reply } from './command'
import { gateContext } from './context'
import { repeated } from './fields'
import { ready } from './ready'
import { paint, plural, safe } from './render'

interface Which {
  staged?: true
  commit?: string
}

interface RunFlags {
  trustHash?: string[]
  limit?: number
}

/** Adds the verbs of the questions to `gate`. */
export function addQuestions(group: Command, { handle }: Pick<Context, 'handle'>): void {
  const asking = which(
    group.command('questions').description('the five questions about a change: what is answered, what is open'),
  )
    .option('--exit-code', 'exit 1 when something is open')
    .action(handle(async (env, flags: Which & { exitCode?: true }) => questions(env, flags)))
  examples(
    asking,
    'git dstack gate questions --staged',
    '# of a commit; with an exit status for scripts',
    'git dstack gate questions --commit HEAD~1 --exit-code',
  )

  const answering = which(group.command('answer').description('answer one of the five questions for a tree'))
    .argument('<question>', 'its number, 1 to 5', numbered)
    .argument('<answer>', 'yes or no', yesOrNo)
    .argument('[text]', 'what it rests on, in a sentence')
    .action(
      handle(async (env, question: Number5, said: 'yes' | 'no', text: string | undefined, flags: Which) => {
        const { door, store, subject } = await at(env, flags)
        const line = door.answer(store, {
          tree: subject.tree,
          question,
          answer: said,
          ...(text === undefined ? {} : { text }),
        })
        if (isRefusal(line)) return line
        return answer({ line }, () => `${line.question}: ${line.answer}, for the tree ${line.tree.slice(0, 12)}.`)
      }),
    )
  examples(
    answering,
    'git dstack gate answer 2 yes "clicked through the checkout" --staged',
    'git dstack gate answer 5 no "the export is still a mock"',
  )

  const proving = running(
    group.command('prove-red').description('do the tests of a change fail without it, and pass with it?'),
  )
    .argument('[rev]', 'the commit; without it HEAD')
    .option('--staged', 'what the index holds, against HEAD')
    .option('--command <text>', 'the test command, instead of the one that counts here')
    .action(
      handle(
        async (
          env,
          rev: string | undefined,
          { staged, command, ...flags }: RunFlags & { staged?: true; command?: string },
        ) => {
          const place = await at(env, { ...(staged ? { staged } : {}), ...(rev === undefined ? {} : { commit: rev }) })
          const proof = await waiting(env, 'Running the tests without the change', () => {
            return place.door.proveRed(place.store, place.subject, {
              ...runFlags(flags),
              ...(command === undefined ? {} : { command }),
            })
          })
          if (isRefusal(proof)) return proof
          const { base, tree } = place.subject
          const ok =
            proof.outcome === 'proved' ||
            (proof.outcome === 'proved-by-absence' && place.door.acceptsAbsence(place.store))
          return answer({ base, tree, ok, ...proof }, () => proofText(env, proof, ok), { exit: ok ? 0 : 1 })
        },
      ),
    )
  examples(
    proving,
    'git dstack gate prove-red --staged',
    '# of a commit that is made already, with a command of its own',
    'git dstack gate prove-red HEAD~1 --command "npx vitest run"',
  )

  const verifying = running(
    which(group.command('verify').description('run the command that shows a change live, and note how it ended')),
  ).action(
    handle(async (env, { staged, commit, ...flags }: Which & RunFlags) => {
      const { door, store, subject } = await at(env, {
        ...(staged ? { staged } : {}),
        ...(commit === undefined ? {} : { commit }),
      })
      const line = await waiting(env, 'Running the probe', () => door.verify(store, subject, runFlags(flags)))
      if (isRefusal(line)) return line
      return answer({ line }, () => verifyText(line), { exit: line.exit === 0 ? 0 : 1 })
    }),
  )
  examples(
    verifying,
    'git dstack config set questions.verify scripts/smoke.sh && git dstack gate verify --staged',
    'git dstack gate verify --commit HEAD',
  )
}

function which(command: Command): Command {
  return command
    .option('--staged', 'the change that the index holds; without it that of HEAD')
    .option('--commit <rev>', 'the change that this commit made')
}

function running(command: Command): Command {
  return command
    .option('--limit <seconds>', 'for each command; without it gate.limitSeconds', seconds)
    .option('--trust-hash <hash>', 'a command that may run although nobody allowed it here; for CI', repeated)
}

function runFlags({ trustHash, limit }: RunFlags): Running {
  return {
    ...(trustHash === undefined ? {} : { hashes: trustHashes(trustHash) }),
    ...(limit === undefined ? {} : { limitSeconds: limit }),
  }
}

function numbered(word: string): Number5 {
  const number = Number(word)
  if (number === 1 || number === 2 || number === 3 || number === 4 || number === 5) return number
  throw new DstackError('USAGE', `There is no question "${word}": they are 1 to 5.`, {
    hint: 'See `git dstack gate questions`.',
  })
}

function yesOrNo(word: string): 'yes' | 'no' {
  if (word === 'yes' || word === 'no') return word
  throw new DstackError('USAGE', `"${word}" is neither yes nor no.`)
}

function seconds(word: string): number {
  if (/^[1-9]\d{0,4}$/.test(word)) return Number(word)
  throw new DstackError('USAGE', `"${word}" is no number of seconds from 1 to 99999.`)
}

// --- where and what ---------------------------------------------------------------------------------------------------

/** The change that is meant, and the door. @throws USAGE, NOT_FOUND, REFUSED */
async function at(env: Env, { staged, commit }: Which) {
  if (staged && commit !== undefined) throw new DstackError('USAGE', 'Name a commit, or say --staged.')
  const store = await ready(env)
  const door = await import('../questions/questions')
  const subject = staged ? door.stagedSubject(store) : door.commitSubject(store, commit ?? 'HEAD')
  if (isRefusal(subject)) throw refusalError(subject)
  return { door, store, subject }
}

/** What the flow knows of the work. While a task runs, the others of its leaf may be open. */
async function workHere(store: Store, subject: Subject): Promise<Work> {
  const door = await import('../questions/questions')
  const { slug, leaf, task } = await gateContext(store)
  if (slug === null) return subject.message === null ? {} : { message: subject.message }
  return door.factsFor(store, slug, task === null ? leaf?.id : undefined)
}

async function waiting<T>(env: Env, label: string, work: () => Promise<T>): Promise<T> {
  const end = env.out.progress(label)
  try {
    return await work()
  } finally {
    end()
  }
}

// --- answering --------------------------------------------------------------------------------------------------------

async function questions(env: Env, flags: Which & { exitCode?: true }): Promise<Reply> {
  const { door, store, subject } = await at(env, flags)
  const asked = door.questionsFor(store, subject, await workHere(store, subject))
  return answer(asked, () => askedText(env, asked), { exit: flags.exitCode && asked.open.length > 0 ? 1 : 0 })
}

function askedText(env: Env, { mode, tree, questions: all, rules, open, stops }: Asked): string {
  const lines = all.flatMap((question) => [
    `${question.number}  ${mark(env, question)}  ${question.text}`,
    `   ${question.said}`,
    ...question.found.slice(0, MOST).map(({ path, line, text }) => `     ${safe(path)}:${line}  ${safe(text)}`),
    ...(question.found.length > MOST ? [`     and ${question.found.length - MOST} more`] : []),
  ])
  const kept = rules.map(({ holds, said }) => `   ${holds === null ? 'later' : holds ? 'holds' : 'broken'}: ${said}`)
  const end =
    open.length === 0
      ? `Nothing is open for the tree ${tree.slice(0, 12)}.`
      : `${plural(open.length, 'thing')} open for the tree ${tree.slice(0, 12)} (${mode}): ${open.join(', ')}.${stops ? ' That stops the commit.' : ''}`
  return [...lines, ...kept, end].join('\n')
}

/** Lines of a change that are shown for one question. */
const MOST = 20

function mark(env: Env, { status }: Question): string {
  const style = { yes: 'green', no: 'red', unanswered: 'yellow' } as const
  return paint(env)(style[status], { yes: 'yes ', no: 'no  ', unanswered: 'open' }[status])
}

function proofText(env: Env, { outcome, reason, failures, decorative, commands }: Proof, ok: boolean): string {
  const head = paint(env)(ok ? 'green' : 'red', outcome)
  return [
    `${head}: ${safe(reason)}`,
    ...failures.slice(0, MOST).map(({ kind, test, said }) => `  ${kind.padEnd(9)}  ${safe(test)}: ${safe(said)}`),
    ...decorative.slice(0, MOST).map((name) => `  passes     ${safe(name)}`),
    ...(commands.length === 0 ? [] : [`Ran: ${commands.map(safe).join(', ')}`]),
  ].join('\n')
}

function verifyText({ command, exit, ms, tree }: VerifyLine): string {
  const how = exit === 0 ? 'passed' : exit === null ? 'was ended' : `failed (${exit})`
  return `${safe(command)} ${how} on the tree ${tree.slice(0, 12)} after ${(ms / 1000).toFixed(1)} s.`
}
