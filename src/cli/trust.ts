// `git dstack trust`: which commands of others may run here.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import type { Store } from '../store/store'
import * as trust from '../trust/trust'
import { answer, examples, type Register, type Reply } from './command'
import { repeated } from './fields'
import { asList, type ListFlags, listed } from './lists'
import { ready } from './ready'
import { paint, plural, safe } from './render'

export const register: Register = (program, { handle }) => {
  const group = program.command('trust').description('which commands of plans and recipes may run here')
  examples(group, 'git dstack trust list', 'git dstack trust allow')

  const listing = group
    .command('list')
    .description('commands that the plans name, and what is allowed')
    .option('--exit-code', 'exit 1 when a plan names one that is not allowed')
    .action(handle(async (env, flags: ListFlags & { exitCode?: true }) => list(env, await ready(env), flags)))
  asList(listing, 'hash, state, place, command')
  examples(listing, 'git dstack trust list', 'git dstack trust list --porcelain', 'git dstack trust list --exit-code')

  const allowing = group
    .command('allow')
    .description('look at commands one by one, and let them run')
    .argument('[which...]', 'beginnings of hashes, or plans; without any, every command that is not allowed yet')
    .option('--command <text>', 'this very text, wherever it stands; may be repeated', repeated)
    .option('--folder <folder>', 'with --command: the folder that it runs in, from the top of the repository')
    .action(
      handle(async (env, which: string[], flags: AllowFlags) => {
        const store = await ready(env)
        const decided = await trust.allow(env, store.repo, await chosen(store, which, flags), (description) => {
          env.out.say(`${descriptionText(env, description)}\n`)
        })
        if (isRefusal(decided)) return decided
        const value = { allowed: decided.allowed.map(described), declined: decided.declined.map(described) }
        return answer(value, () => decidedText(decided), { exit: decided.declined.length > 0 ? 1 : 0 })
      }),
    )
  examples(
    allowing,
    'git dstack trust allow',
    '# only those of one plan, or a single one',
    'git dstack trust allow auth-tokens',
    'git dstack trust allow 3f2a91c0',
    'git dstack trust allow --command "npm test"',
  )

  const revoking = group
    .command('revoke')
    .description('let a command run no more')
    .argument('[which]', 'the beginning of its hash, or its whole text')
    .option('--all', 'everything that is allowed here')
    .action(
      handle(async (env, which: string | undefined, flags: { all?: true }) => {
        const { repo } = await ready(env)
        if ((which === undefined) === (flags.all === undefined)) {
          throw new DstackError('USAGE', 'Name what is to be revoked, or say --all.')
        }
        const revoked = trust.revoke(env, repo, which ?? null)
        if (isRefusal(revoked)) return revoked
        return answer({ revoked }, () => revoked.map(({ command }) => `Revoked: ${safe(command)}`).join('\n'))
      }),
    )
  examples(revoking, 'git dstack trust revoke 3f2a91c0', 'git dstack trust revoke --all')
}

async function list(env: Env, store: Store, flags: ListFlags & { exitCode?: true }): Promise<Reply> {
  const commands = trust.inventory(store, await trust.commandsOf(store))
  const open = commands.some(({ state }) => state !== 'allowed' && state !== 'unused')
  return listed(env, flags, {
    value: { commands },
    rows: commands.map(({ hash, state, where, command }) => [hash, state, where, command]),
    text: () => {
      if (commands.length === 0) return 'No plan names a command, and nothing is allowed.'
      return commands.map(({ hash, state, where, command }) => [hash.slice(0, 8), state, safe(where), safe(command)])
    },
    exit: flags.exitCode && open ? 1 : 0,
  })
}

interface AllowFlags {
  command?: string[]
  folder?: string
}

/** @throws USAGE, NOT_FOUND */
async function chosen(store: Store, which: readonly string[], { command: texts = [], folder }: AllowFlags) {
  if (folder !== undefined && texts.length === 0) throw new DstackError('USAGE', '--folder goes with --command.')
  const given = texts.map((command) => ({ command, where: 'given', ...(folder === undefined ? {} : { folder }) }))
  if (texts.length > 0 && which.length === 0) return given
  const items = trust.inventory(store, await trust.commandsOf(store)).filter(({ state }) => state !== 'unused')
  const named = which.flatMap((word) => {
    const found = items.filter(
      ({ hash, where }) => where.split(' ')[0] === word || (/^[0-9a-f]{4,64}$/.test(word) && hash.startsWith(word)),
    )
    if (found.length > 0) return found
    throw new DstackError('NOT_FOUND', `No plan names a command "${word}".`, { hint: 'See `git dstack trust list`.' })
  })
  return [...(which.length > 0 ? named : items), ...given]
}

// --- for people -----------------------------------------------------------------------------------------------------

/** Everything that counts, the exact text first; nothing in it can hide or move. */
function descriptionText(env: Env, description: trust.Description): string {
  const { after, before, difference, hash, where = '', unreviewed } = description
  const bold = (text: string) => paint(env)('bold', text)
  const rows: [string, string][] = [
    ['from', safe(where)],
    ['folder', after.folder === '' ? 'the top of the repository' : safe(after.folder)],
    ['variables', after.names.length === 0 ? 'only the usual ones' : `also ${after.names.join(', ')}`],
    ['files', after.files.length === 0 ? 'none that it names' : safe(after.files.map(({ path }) => path).join(', '))],
    ['hash', hash],
  ]
  if (before !== undefined && difference !== null) {
    rows.push(['allowed before', `${safe(before.command)} (by ${safe(before.by)})`])
    for (const change of changesText(difference)) rows.push(['changed', change])
  }
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
  if (unreviewed !== null) {
    const { commits, authors } = unreviewed
    const who = authors.slice(0, 3).map(safe).join(', ')
    lines.push(`  HEAD holds ${plural(commits, 'commit')} of others (${who}) that no default branch of a remote holds.`)
    lines.push('  What the command starts may be theirs, and nobody may have reviewed it.')
  }
  return [bold(safe(after.command)), ...lines].join('\n')
}

function changesText({ text, folder, names, files }: trust.Difference): string[] {
  return [
    ...(text === null ? [] : [`the text: ${quoted(text.removed)} became ${quoted(text.added)}`]),
    ...(folder === null ? [] : [`the folder: it was ${quoted(folder)}`]),
    ...names.added.map((name) => `it now gets ${name}`),
    ...names.removed.map((name) => `it no longer gets ${name}`),
    ...files.added.map((path) => `it now names ${safe(path)}`),
    ...files.removed.map((path) => `it no longer names ${safe(path)}`),
    ...files.changed.map(({ path, before }) => {
      return `${safe(path)}${before === undefined ? '' : ` (see git diff ${before.slice(0, 12)} ${safe(path)})`}`
    }),
  ]
}

const quoted = (text: string) => `"${safe(text)}"`

/** The description as an object, without what `after` and the verdict say twice. */
function described({ after, where = '', reason = 'new', before, unreviewed }: trust.Description) {
  return { ...after, where, reason, before: before ?? null, unreviewed }
}

function decidedText({ allowed, declined }: trust.Decided): string {
  if (allowed.length + declined.length === 0) return 'Nothing to allow: every command that was asked for may run.'
  const said = allowed.length === 0 ? [] : [`${plural(allowed.length, 'command')} may run here now.`]
  return [...said, ...(declined.length === 0 ? [] : [`${plural(declined.length, 'command')} may not.`])].join(' ')
}
