// `git dstack evidence`: what is known of commits, which of a range were earned, and any command's outcome as evidence.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import { checkRange, commitsAt, reattach, resolveCommit, runRecorded } from '../gate/gate'
import { type EvidenceLine, evidenceOf, openStore, type Store } from '../store/store'
import { answer, examples, type Register, type Reply } from './command'
import { contextByTrailers } from './context'
import { repeated } from './fields'
import { asList, type ListFlags, listed } from './lists'
import { ready } from './ready'
import { plural, safe } from './render'

export const register: Register = (program, { handle }) => {
  const group = program.command('evidence').description('what was checked of which commit, and by whom')
  examples(group, 'git dstack evidence show', 'git dstack evidence check origin/main..HEAD')

  const showing = group
    .command('show')
    .description('every line that is known of a commit and its tree')
    .argument('[rev]', 'the commit', 'HEAD')
    .action(handle(async (env, rev: string) => show(openStore(env), rev)))
  examples(showing, 'git dstack evidence show', 'git dstack evidence show HEAD~3 --json')

  const checking = group
    .command('check')
    .description('exit 1 when a commit of the range was not earned, and say which')
    .argument('<range...>', 'what git rev-list takes: origin/main..HEAD, or commits and ^commits')
    .option('--notes <commit>', 'also read the verdicts of this commit of refs/notes/dstack/gate; for hooks', repeated)
    .action(handle(async (env, range: string[], flags: ListFlags & { notes?: string[] }) => check(env, range, flags)))
  asList(checking, 'commit, earned or not, validity, subject, why, command that mends it')
  examples(
    checking,
    'git dstack evidence check origin/main..HEAD',
    '# the last ten, for a program',
    'git dstack evidence check HEAD~10..HEAD --porcelain',
  )

  const running = group
    .command('run')
    .description('run a command, and note how it ended on the tree that HEAD holds')
    .argument('<command...>', 'behind `--`; a single word may be a whole shell command')
    .action(handle(async (env, words: string[]) => run(env, words)))
  examples(running, 'git dstack evidence run -- npm run bench', `git dstack evidence run -- 'make -s check | tail -1'`)

  const finding = group
    .command('reattach')
    .description('find the verdicts of squashed and picked commits')
    .argument('[range...]', 'what git rev-list takes; the last 100 of HEAD when absent')
    .action(handle(async (env, range: string[]) => attach(await ready(env), range)))
  examples(finding, 'git dstack evidence reattach', 'git dstack evidence reattach origin/main~5..origin/main')
}

function show(store: Store, rev: string): Reply {
  const [commit] = commitsAt(store, [resolveCommit(store, rev)])
  if (commit === undefined) throw new DstackError('NOT_FOUND', `"${rev}" is no commit here.`)
  const names = store.repo.tips('refs/notes/dstack').map(({ ref }) => ref.slice('refs/notes/dstack/'.length))
  const lines = names.flatMap((name) =>
    (['commit', 'tree'] as const).flatMap((on) =>
      evidenceOf(store, name, on === 'commit' ? commit.oid : commit.tree).map((line) => ({ name, on, line })),
    ),
  )
  const unique = [...new Map(lines.reverse().map((one) => [`${one.name} ${one.line.id}`, one])).values()].reverse()
  const value = { commit: commit.oid, tree: commit.tree, lines: unique }
  return answer(value, () =>
    unique.length === 0
      ? `Nothing is known of ${commit.oid.slice(0, 12)}.`
      : unique.map(({ name, on, line }) => `${name} (${on})  ${lineText(line)}`).join('\n'),
  )
}

function lineText(line: EvidenceLine): string {
  const { t, id: _id, checks, ...facts } = line
  const results = Array.isArray(checks)
    ? checks.flatMap((check) => {
        if (typeof check !== 'object' || check === null || Array.isArray(check)) return []
        return [`${String(check.id)} ${String(check.result)}`]
      })
    : []
  const plain = Object.entries(facts).filter(([, value]) => typeof value !== 'object' && value !== '')
  return safe([t, ...results, ...plain.map(([name, value]) => `${name}=${String(value)}`)].join('  '))
}

async function check(env: Env, range: string[], flags: ListFlags & { notes?: string[] }): Promise<Reply> {
  const store = openStore(env)
  const tips = (flags.notes ?? []).map((rev) => resolveCommit(store, rev))
  const commits = checkRange(store, range, await contextByTrailers(store), tips)
  const missing = commits.filter(({ earned }) => !earned)
  const said = (commit: (typeof commits)[number]) => safe(commit.why.join(' '))
  return listed(env, flags, {
    value: { commits },
    rows: commits.map(({ commit, earned, validity, subject, why, mend }) => [
      commit,
      earned ? 'earned' : 'not earned',
      validity,
      subject,
      why.join(' '),
      mend ?? '',
    ]),
    text: () => {
      if (missing.length === 0) return `CLEARED: ${plural(commits.length, 'commit')}, all earned.`
      const lines = missing.flatMap((one) => [
        `${one.commit.slice(0, 12)} ${safe(one.subject)}`,
        `  ${one.validity}: ${said(one)}`,
        ...(one.mend === null ? [] : [`  ${one.mend}`]),
      ])
      return [`NOT CLEARED: ${missing.length} of ${plural(commits.length, 'commit')} not earned.`, ...lines].join('\n')
    },
    exit: missing.length === 0 ? 0 : 1,
  })
}

async function run(env: Env, words: string[]): Promise<Reply> {
  const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
  const [only = ''] = words
  const done = await runRecorded(await ready(env), words.length === 1 ? only : words.map(quoted).join(' '))
  if (isRefusal(done)) return done
  // `command` is the name of the verb in what --json prints.
  const { command: ran, ...rest } = done
  return answer({ ran, ...rest }, ({ output }) => output, { exit: done.status })
}

function attach(store: Store, range: string[]): Reply {
  const found = reattach(store, range.length === 0 ? lastOnes(store) : range)
  return answer({ reattached: found }, () =>
    found.length === 0
      ? 'Nothing was found that is not in its place.'
      : found
          .map(({ commit, by, from }) => {
            const origin = from === null ? 'a tree that was staged' : from.slice(0, 12)
            return `${commit.slice(0, 12)}  by ${by === 'patch' ? 'the same patch' : `its ${by}`}, from ${origin}`
          })
          .join('\n'),
  )
}

function lastOnes(store: Store): string[] {
  const commits = store.repo.log(['HEAD'], { limit: 101 })
  const last = commits.at(100)
  return last === undefined ? ['HEAD'] : ['HEAD', `^${last.oid}`]
}
