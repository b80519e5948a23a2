// `git dstack gate`: whether a tree passes what is asked of it, and what is known about that.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import {
  type CommitFacts,
  commitsAt,
  type GateRun,
  resolveCommit,
  runGate,
  setUp,
  type Verdict,
  verdictFor,
} from '../gate/gate'
import { indexTree } from '../git/git'
import type { Store } from '../store/store'
import { trustHashes } from '../trust/trust'
import { answer, examples, type Register, type Reply } from './command'
import { contextByTrailers, gateContext } from './context'
import { repeated } from './fields'
import { addQuestions } from './questions'
import { ready } from './ready'
import { columns, paint, safe } from './render'

interface RunFlags {
  staged?: true
  commit?: string
  task?: string
  trustHash?: string[]
}

const TRUST_HASH = ['--trust-hash <hash>', 'a command that may run although nobody allowed it here; for CI'] as const

export const register: Register = (program, { handle }) => {
  const group = program.command('gate').description('what a commit has to pass, and whether it did')
  examples(group, 'git dstack gate run --staged', 'git dstack gate check')

  const setting = group
    .command('setup')
    .description('prepare the scratch checkout that gates run in')
    .option(...TRUST_HASH, repeated)
    .action(
      handle(async (env, flags: { trustHash?: string[] }) => {
        const done = await setUp(await ready(env), trustHashes(flags.trustHash ?? []))
        if (isRefusal(done)) return done
        return answer(done, ({ tree, folder, prepared }) =>
          [`${safe(folder)} holds the tree ${tree.slice(0, 12)}.`, ...prepared].join('\n'),
        )
      }),
    )
  examples(
    setting,
    'git dstack gate setup',
    '# what the checkout needs, where links to the working tree are not enough',
    'git dstack config set gate.setup "npm ci" && git dstack gate setup',
  )

  const running = group
    .command('run')
    .description('run all checks on one tree, and note the verdict')
    .option('--staged', 'the tree of the index, in a scratch checkout')
    .option('--commit <rev>', 'the tree of this commit, in a scratch checkout')
    .option('--task <id>', 'the task that it belongs to; without it the one that is running')
    .option(...TRUST_HASH, repeated)
    .action(handle(async (env, flags: RunFlags) => run(env, flags)))
  examples(
    running,
    'git dstack gate run --staged',
    '# what HEAD holds; in the working tree itself where that is exactly the same',
    'git dstack gate run',
    'git dstack gate run --commit HEAD~2',
    'git dstack gate run --task 1.2-C01',
  )

  const checking = group
    .command('check')
    .description('is there a verdict that counts? Runs nothing')
    .option('--staged', 'for the tree of the index; without it for HEAD')
    .option('--task <id>', 'the task that it belongs to; without it the one that is running')
    .action(handle(async (env, flags: { staged?: true; task?: string }) => check(env, flags)))
  examples(checking, 'git dstack gate check', 'git dstack gate check --staged')

  const showing = group
    .command('show')
    .description('the verdict on a commit, check by check')
    .argument('[rev]', 'the commit', 'HEAD')
    .action(handle(async (env, rev: string) => show(env, rev)))
  examples(showing, 'git dstack gate show', 'git dstack gate show HEAD~1 --json')
  addQuestions(group, { handle })
}

async function run(env: Env, flags: RunFlags): Promise<Reply> {
  if (flags.staged && flags.commit !== undefined)
    throw new DstackError('USAGE', '--staged and --commit exclude each other.')
  const store = await ready(env)
  const hashes = trustHashes(flags.trustHash ?? [])
  const context =
    flags.commit !== undefined && flags.task === undefined
      ? (await contextByTrailers(store))(named(store, flags.commit))
      : await gateContext(store, flags.task)
  const target = flags.staged ? 'staged' : flags.commit === undefined ? 'head' : { commit: flags.commit }
  const done = await runGate(store, { target, context, hashes })
  if (isRefusal(done)) return done
  return answer(done, () => runText(env, done), { exit: done.green ? 0 : 1 })
}

function named(store: Store, rev: string): CommitFacts {
  const [commit] = commitsAt(store, [resolveCommit(store, rev)])
  if (commit === undefined) throw new DstackError('NOT_FOUND', `"${rev}" is no commit here.`)
  return commit
}

function runText(env: Env, { tree, commit, where, joined, green, line, output, notes }: GateRun): string {
  const what = commit === null ? `the tree ${tree.slice(0, 12)}` : `${commit.slice(0, 12)} (tree ${tree.slice(0, 12)})`
  const how = joined ? 'as another run found meanwhile' : `in the ${where}`
  const printed = output.map(({ id, text }) => `${id} printed:\n${text.trimEnd().replace(/^/gm, '  ')}`)
  return [`${colour(env, green)}: ${what}, ${how}.`, checksText(line), ...line.warnings, ...notes, ...printed].join(
    '\n',
  )
}

const colour = (env: Env, green: boolean) => paint(env)(green ? 'green' : 'red', green ? 'GREEN' : 'RED')

function checksText({ checks }: GateRun['line']): string {
  return columns(
    checks.map(({ result, id, ms, reason }) => [
      `  ${result}`,
      id,
      ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : '',
      safe(reason),
    ]),
    null,
  ).trimEnd()
}

async function check(env: Env, flags: { staged?: true; task?: string }): Promise<Reply> {
  const store = await ready(env)
  const context = await gateContext(store, flags.task)
  const commit = flags.staged ? null : named(store, 'HEAD')
  const tree = commit?.tree ?? indexTree(env, store.repo)
  if (tree === null) return { refused: 'CONFLICT', message: 'The index has no tree: paths are unmerged.' }
  const verdict = verdictFor(store, { tree, commit, context })
  return verdictAnswer(env, tree, commit, verdict)
}

async function show(env: Env, rev: string): Promise<Reply> {
  const store = await ready(env)
  const commit = named(store, rev)
  const context = (await contextByTrailers(store))(commit)
  const verdict = verdictFor(store, { tree: commit.tree, commit, context })
  return verdictAnswer(env, commit.tree, commit, verdict, true)
}

function verdictAnswer(env: Env, tree: string, commit: CommitFacts | null, verdict: Verdict, whole = false): Reply {
  const { validity, green, line, why } = verdict
  const value = { tree, commit: commit?.oid ?? null, validity, green, why, line }
  const exit = green || whole ? 0 : 1
  const what = commit === null ? `The tree ${tree.slice(0, 12)}` : `${commit.oid.slice(0, 12)}`
  const said = {
    none: 'nobody checked it',
    stale: 'it was checked, but something is no longer the same',
    carried: 'the same patch was checked on another tree',
    valid: green ? 'it passed' : 'it did not pass',
  }[validity]
  const mend =
    commit === null ? 'git dstack gate run --staged' : `git dstack gate run --commit ${commit.oid.slice(0, 12)}`
  return answer(
    value,
    () =>
      [
        `${validity === 'valid' ? colour(env, green) : validity.toUpperCase()}: ${what}: ${said}.`,
        ...why.map((sentence) => `  ${safe(sentence)}`),
        ...(line === null || !whole ? [] : [checksText(line), `By ${safe(line.by)} at ${safe(line.at)}.`]),
        ...(green ? [] : [`Run \`${mend}\`.`]),
      ].join('\n'),
    { exit },
  )
}
