// Verbs that look back, and take back: log, undo, at.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import type { CommitInfo } from '../git/git'
import { isRemoved, kindOf, person, type Store, settleRemovals, undo } from '../store/store'
import { tipsByRef } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import { countOf } from './fields'
import { asList, type ListFlags, listed } from './lists'
import { ready } from './ready'
import { plural, relativeTime, safe, safeLines, shortId } from './render'

export const register: Register = (program, { handle }) => {
  const logging = program
    .command('log')
    .description('what was done, by whom, newest first')
    .argument('[what]', 'memory, plans, fleet, config, or the id of one write; everything when absent')
    .option('-n, --max-count <number>', 'at most so many', countOf, 20)
    .action(
      handle(async (env, what: string | undefined, flags: ListFlags & { maxCount: number }) => {
        return log(env, await ready(env), what, flags)
      }),
    )
  asList(logging, 'id, time, name, address, subject')
  examples(
    logging,
    'git dstack log',
    'git dstack log memory -n 5',
    'git dstack log 3f2a91c',
    '# the same with diffs, by git alone',
    'git log -p refs/dstack/memory',
  )

  const undoing = program
    .command('undo')
    .description('take a write back by a new write')
    .argument('[id]', 'the write, as `git dstack log` shows it; your last one when absent')
    .action(handle(async (env, id: string | undefined) => undoOne(await ready(env), id)))
  examples(undoing, 'git dstack undo', 'git dstack undo 3f2a91c')

  const past = program
    .command('at')
    .description('read what stood at a date or after a write')
    .argument('<when>', 'a date such as 2026-11-01, or an id that `git dstack log` shows')
    .argument('<verb...>', 'the verb and its arguments')
    // Taken apart before the command line is parsed (run.ts): the words behind the date are a command line of their own.
    .action(
      handle(() => ({ refused: 'USAGE', message: 'at needs a date and a verb.', hint: 'See `git dstack help at`.' })),
    )
  examples(past, 'git dstack at 2026-11-01 recall "package manager"', 'git dstack at 3f2a91c memory list')
}

// --- log ------------------------------------------------------------------------------------------------------------

const KINDS = ['memory', 'plans', 'fleet', 'config']

async function log(
  env: Env,
  store: Store,
  what: string | undefined,
  flags: ListFlags & { maxCount: number },
): Promise<Reply> {
  settleRemovals(store, 'all')
  const refs = namedTips(store, what)
  if (refs === null) return showOne(env, store, findWrite(store, what ?? '', `, or ${KINDS.join(', ')}`))
  const commits = refs.length === 0 ? [] : store.repo.log([...refs, '--no-merges'], { limit: flags.maxCount })
  const ids = commits.map(({ oid }) => oid)
  return listed(env, flags, {
    value: { commits: commits.map(described) },
    rows: commits.map((commit) => [commit.oid, timeOf(commit), commit.author, commit.email, commit.subject]),
    text: () =>
      commits.length === 0
        ? 'Nothing was written yet.'
        : commits.map(({ oid, author, seconds, subject }) => {
            const time = relativeTime(new Date(seconds * 1000), env.now())
            return [shortId(oid, ids), time, safe(author), safe(subject)]
          }),
  })
}

/** The tips of the refs of that name, here and as fetched; null when it names no ref. */
function namedTips(store: Store, what: string | undefined): string[] | null {
  const { local, tracked } = tipsByRef(store)
  const tips = [...local, ...tracked]
  if (what === undefined) return tips.map(([, oid]) => oid)
  const named = tips.filter(([ref]) =>
    [ref, ref.slice('refs/dstack/'.length), ref.slice('refs/notes/dstack/'.length)].includes(what),
  )
  return named.length > 0 || KINDS.includes(what) ? named.map(([, oid]) => oid) : null
}

function timeOf({ seconds }: CommitInfo): string {
  return new Date(seconds * 1000).toISOString()
}

function described(commit: CommitInfo) {
  const { oid, author, email, subject } = commit
  return { commit: oid, by: author, email, at: timeOf(commit), subject }
}

/** One write with what it changed, as git shows it. */
function showOne(env: Env, store: Store, commit: CommitInfo): Reply {
  const { repo } = store
  const args = [
    'show',
    '--format=',
    '--patch',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    '--end-of-options',
    commit.oid,
  ]
  const hidden = isRemoved(store, touched(store, commit))
  const patch = hidden ? '' : repo.git(args).stdout
  const { oid, author, email, subject, body } = commit
  const text = () => {
    const when = relativeTime(new Date(commit.seconds * 1000), env.now())
    const head = `${oid}\n${safe(author)} <${safe(email)}>, ${when}\n\n    ${safe(subject)}`
    const shown = hidden ? 'What it changed is not shown: it holds a text that was redacted.' : safeLines(patch)
    return [head, safeLines(body.trim()).replace(/^/gm, '    '), shown]
      .filter((part) => part.trim() !== '')
      .join('\n\n')
  }
  return answer({ commits: [{ ...described(commit), body, patch }] }, text, { long: true })
}

/** Both sides of every document that a write changed. */
function touched({ repo }: Store, { oid, parents: [parent] }: CommitInfo): string[] {
  if (parent === undefined) return repo.files(oid).map((file) => file.oid)
  return repo.diff(parent, oid).flatMap(({ before, after }) => [before, after].flatMap((side) => side?.oid ?? []))
}

/** A write by its shortest unique prefix. @throws NOT_FOUND, AMBIGUOUS */
function findWrite(store: Store, prefix: string, others = ''): CommitInfo {
  const hint = `Give the first four or more characters of an id that \`git dstack log\` shows${others}.`
  if (!/^[0-9a-f]{4,64}$/i.test(prefix)) throw new DstackError('NOT_FOUND', `There is no write "${prefix}".`, { hint })
  const tips = namedTips(store, undefined) ?? []
  const found = tips.length === 0 ? [] : store.repo.log(tips).filter(({ oid }) => oid.startsWith(prefix.toLowerCase()))
  const [commit, other] = found
  if (commit === undefined) throw new DstackError('NOT_FOUND', `No write begins with ${prefix}.`, { hint })
  if (other === undefined) return commit
  const ids = found.map(({ oid }) => oid)
  throw new DstackError(
    'AMBIGUOUS',
    `${plural(found.length, 'write')} begin with ${prefix}: ${ids.map((id) => shortId(id, ids)).join(', ')}.`,
    {
      hint: 'Give more of the id.',
      data: { ids },
    },
  )
}

// --- undo -----------------------------------------------------------------------------------------------------------

function undoOne(store: Store, id: string | undefined): Reply {
  settleRemovals(store, 'all')
  const commit = id === undefined ? myLast(store) : findWrite(store, id)
  const ref = refOf(store, commit)
  if (kindOf(ref) !== 'convergent') {
    return {
      refused: 'REFUSED',
      message: `What stands in ${ref} is not taken back by undo.`,
      hint: 'See `git dstack help undo`.',
    }
  }
  const done = undo(store, ref, commit)
  if (isRefusal(done)) return done
  const value = { undone: commit.oid, subject: commit.subject, keys: done.result.keys, commit: done.commit }
  return answer(value, () => `Took back ${shortId(commit.oid)} (${safe(commit.subject)}).`)
}

/** The newest write by the person who asks; what init itself wrote is none. */
function myLast(store: Store): CommitInfo {
  const { email } = person(store).author
  const { local, tracked } = tipsByRef(store)
  const tips = [...local, ...tracked].flatMap(([ref, oid]) => (kindOf(ref) === 'convergent' ? [oid] : []))
  const commits =
    tips.length === 0
      ? []
      : store.repo.log([...tips, '--no-merges', '--fixed-strings', `--author=<${email}>`], { limit: 20 })
  const mine = commits.find((commit) => commit.email === email && !/^(dstack: |config: format )/.test(commit.subject))
  if (mine !== undefined) return mine
  throw new DstackError('NOT_FOUND', 'There is no write of yours to take back.', { hint: 'See `git dstack log`.' })
}

function refOf(store: Store, commit: CommitInfo): string {
  const { local, tracked } = tipsByRef(store)
  const found = [...local, ...tracked].find(
    ([, oid]) => oid === commit.oid || store.repo.divergence(commit.oid, oid).left.length === 0,
  )
  if (found === undefined)
    throw new DstackError('NOT_FOUND', `${shortId(commit.oid)} is in none of our refs.`, {
      hint: 'See `git dstack log`.',
    })
  return found[0]
}
