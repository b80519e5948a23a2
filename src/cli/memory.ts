// The two verbs of shared memory that are typed every day: remember, recall.

import type { Env } from '../env/env'
import { type Answer, type Recalled, recall, remember } from '../memory/memory'
import type { Scope, State } from '../memory/schema'
import type { Store } from '../store/store'
import { unsynced } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import {
  countOf,
  type FieldFlags,
  fieldsFrom,
  repeated,
  scopeOption,
  statesOption,
  textFrom,
  told,
  withFields,
} from './fields'
import { ready } from './ready'
import { paint, plural, relativeTime, safe, safeLines } from './render'

export const register: Register = (program, { handle }) => {
  const remembering = program.command('remember')
  withFields(remembering)
    .description('remember something for the whole team')
    .argument('[text]', 'Markdown, in quotes; standard input when it is - or absent')
    .option('--key <key>', 'category/topic/slug; made from the text when absent')
    .option('--reason <text>', 'why it is said again')
    .option('--force-new', 'it is another fact than the one that is nearly the same')
    .option('--settle', 'end a conflict at the key with this text')
    .option('--propose', 'let a person accept it first')
    .action(
      handle(async (env, text: string | undefined, flags: RememberFlags) => {
        const store = await ready(env)
        const { key, reason, forceNew, settle, propose, ...fields } = flags
        const input = {
          ...fieldsFrom(fields),
          text: textFrom(env, text),
          ...(key === undefined ? {} : { key }),
          ...(reason === undefined ? {} : { reason }),
          ...(forceNew ? { forceNew } : {}),
          ...(settle ? { settle } : {}),
          ...(propose ? { proposed: true } : {}),
        }
        return told(env, remember(env, input), propose ? 'Proposed' : 'Remembered', () => unsynced(store))
      }),
    )
  examples(
    remembering,
    'git dstack remember "use pnpm, not npm"',
    'git dstack remember --key gotchas/auth/token-refresh --state CONFIRMED --path "src/auth/**" "Refresh before expiry."',
    '# a longer one from a file',
    'git dstack remember --key decisions/db/sharding - < decision.md',
  )

  const recalling = program
    .command('recall')
    .description('ask what the team knows')
    .argument('[question...]', 'words to look for; without any, what matters for the files of the change at hand')
    .option('-n, --limit <number>', 'at most so many answers', countOf)
    .option('--budget <tokens>', 'at most so many tokens in all', countOf)
    .option('--path <file>', 'a file of the change at hand; may be repeated; absent: what differs from HEAD', repeated)
  recalling
    .addOption(scopeOption(recalling))
    .addOption(statesOption(recalling))
    .option('--proposed', 'also what nobody has accepted yet')
    .option('--why', 'say why each is an answer')
    .option('--exit-code', 'exit 1 when nothing answers the question')
    .action(handle(async (env, words: string[], flags: RecallFlags) => recalled(env, await ready(env), words, flags)))
  examples(
    recalling,
    'git dstack recall how long is a worker lease valid',
    '# what matters for what is being changed, within a budget',
    'git dstack recall --budget 800',
    'git dstack recall --why --path src/auth/login.ts token',
  )
}

interface RememberFlags extends FieldFlags {
  key?: string
  reason?: string
  forceNew?: true
  settle?: true
  propose?: true
}

interface RecallFlags {
  limit?: number
  budget?: number
  path?: string[]
  scope?: Scope
  state?: State[]
  proposed?: true
  why?: true
  exitCode?: true
}

async function recalled(env: Env, store: Store, words: string[], flags: RecallFlags): Promise<Reply> {
  const query = words.join(' ').trim()
  const { limit, scope, state } = flags
  const budget = flags.budget ?? (query === '' ? countOf(store.repo.config.get('dstack.budget') ?? '2000') : undefined)
  const found = recall(env, {
    ...(query === '' ? {} : { query }),
    ...(limit === undefined ? {} : { limit }),
    ...(budget === undefined ? {} : { budget }),
    ...(scope === undefined ? {} : { scope }),
    ...(state === undefined ? {} : { states: state }),
    ...(flags.proposed ? { includeProposed: true } : {}),
    paths: flags.path ?? changedFiles(store),
    ground: true,
  })
  const exit = flags.exitCode && (found.gap || found.answers.length === 0) ? 1 : 0
  return answer({ query, ...found }, () => recallText(env, query, found, flags.why === true), { exit, long: true })
}

/** The files of the change at hand, as git sees them. */
function changedFiles({ repo }: Store): string[] {
  if (repo.workTree === null) return []
  const { stdout } = repo.git(['status', '--porcelain', '-z', '--untracked-files=no', '--no-renames'], { ok: [0, 128] })
  return stdout.split('\0').flatMap((line) => (line.length > 3 ? [line.slice(3)] : []))
}

function recallText(env: Env, query: string, { answers, gap }: Recalled, why: boolean): string {
  if (answers.length === 0) {
    if (query === '') return 'Nothing to load: nothing was remembered yet, or nothing fits.'
    return gap
      ? 'Nothing is known about that. `git dstack remember` it when you find out.'
      : 'There are answers, and none of them fits: give more `--budget`.'
  }
  const blocks = answers.map((one) => answerText(env, one, why))
  return `${gap ? 'Nothing answers that for sure; nearest are:\n\n' : ''}${blocks.join('\n\n')}`
}

function answerText(env: Env, { entry, text, reasons }: Answer, why: boolean): string {
  const colour = paint(env)
  const marks = [
    entry.state,
    `${safe(entry.by.replace(/ <.*/, ''))}, ${relativeTime(new Date(entry.at), env.now())}`,
    ...(entry.versions > 1 ? [`conflict: ${plural(entry.versions, 'version')}, see git dstack conflicts`] : []),
    ...(entry.expired ? ['expired'] : []),
    ...(entry.proposed ? ['proposed'] : []),
    ...(entry.dangling === undefined ? [] : [`cites what is not there: ${safe(entry.dangling.join(', '))}`]),
    ...(entry.scope === 'repository' ? [] : [entry.scope]),
  ]
  const said = safeLines(text)
    .split('\n')
    .map((line) => `  ${line}`)
  const because = why ? [colour('dim', `  why: ${reasons.map(safe).join('; ')}`)] : []
  return [`${colour('bold', safe(entry.key))}  ${colour('dim', marks.join(' · '))}`, ...said, ...because].join('\n')
}
