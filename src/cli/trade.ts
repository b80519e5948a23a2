// `git dstack memory …`: what waits for a yes, and what comes from or goes to other tools.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import * as memory from '../memory/memory'
import type { Scope, State } from '../memory/schema'
import { unsynced } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import { repeated, scopeOption, stateOption, told } from './fields'
import { asList, entryRow, type ListFlags, listed } from './lists'
import { ready } from './ready'
import { plural, safe, safeLines } from './render'

type Handle = Parameters<Register>[1]['handle']

// --- proposals ------------------------------------------------------------------------------------------------------

export function proposers(group: Command, handle: Handle): void {
  const proposals = group
    .command('proposals')
    .description("what waits for a person's yes")
    .action(
      handle(async (env, flags: ListFlags) => {
        await ready(env)
        const waiting = memory.proposals(env)
        return listed(env, flags, {
          value: { proposals: waiting },
          rows: waiting.map(({ key, state, scope, by, at, text }) => [key, state, scope, by, at, text]),
          text: () => (waiting.length === 0 ? 'Nothing waits.' : waiting.map(entryRow)),
        })
      }),
    )
  asList(proposals, 'key, state, scope, author, time, text')
  examples(proposals, 'git dstack memory proposals')

  const accepting = proposals
    .command('accept')
    .description('make a proposal an entry')
    .argument('<key>', 'as `git dstack memory proposals` shows it')
  accepting
    .addOption(stateOption(accepting))
    .option('--reason <text>', 'why')
    .option('--anyway', 'although it cites what is not there')
    .action(
      handle(async (env, key: string, flags: { state?: State; reason?: string; anyway?: true }) => {
        const store = await ready(env)
        return told(env, memory.accept(env, { key, ...flags }), 'Accepted', () => unsynced(store))
      }),
    )
  examples(accepting, 'git dstack memory proposals accept learnings/ci/flaky-dns --state CONFIRMED')

  const rejecting = proposals
    .command('reject')
    .description('take a proposal out, so that it is not made again')
    .argument('<key>', 'as `git dstack memory proposals` shows it')
    .option('--reason <text>', 'why')
    .action(
      handle(async (env, key: string, flags: { reason?: string }) => {
        const store = await ready(env)
        return told(env, memory.reject(env, { key, ...flags }), 'Rejected', () => unsynced(store))
      }),
    )
  examples(rejecting, 'git dstack memory proposals reject learnings/ci/flaky-dns --reason "the resolver is fixed"')

  const compounding = group
    .command('compound')
    .description('what a finished piece of work teaches, as proposals; nothing is kept without a yes')
    .option('--since <commit>', 'where the work began; where it left the upstream branch when absent')
    .option('--propose', 'write them as proposals')
    .option('--yes', 'write them as entries: a person has read them')
    .action(handle(async (env, flags: { since?: string; propose?: true; yes?: true }) => compound(env, flags)))
  examples(compounding, 'git dstack memory compound', 'git dstack memory compound --since origin/main --propose')
}

async function compound(env: Env, flags: { since?: string; propose?: true; yes?: true }): Promise<Reply> {
  if (flags.propose && flags.yes) throw new DstackError('USAGE', 'Give either --propose or --yes.')
  await ready(env)
  const found = memory.lessons(env, flags.since)
  if (isRefusal(found)) return found
  const kept = flags.propose || flags.yes ? memory.keepLessons(env, found.proposals, flags.yes === true) : null
  if (isRefusal(kept)) return kept
  return answer({ ...found, kept }, () => compoundText(found, kept, flags.yes === true))
}

function compoundText({ commits, proposals }: memory.Lessons, kept: memory.Imported | null, yes: boolean): string {
  if (proposals.length === 0) {
    return `${plural(commits, 'commit')} looked at, nothing to learn: mark it in a commit message with a line [LEARN] …`
  }
  const lines = proposals.map(({ entry, reason }) => {
    const text = safeLines(entry.text).split('\n').join('\n  ')
    return `${safe(entry.key)}\n  ${text}\n  proposed because ${safe(reason)}`
  })
  const count = plural(kept?.added.length ?? 0, 'entry', 'entries')
  const end =
    kept === null
      ? 'Nothing was kept. Keep them with --propose, or with --yes when you have read them.'
      : yes
        ? `${count} written. What cites something that is not there, or came from an agent, waits in \`git dstack memory proposals\`.`
        : `${count} proposed. A person accepts them: \`git dstack memory proposals\`.`
  const not = (kept?.refusals ?? []).map(({ key, why }) => `${safe(key)} was not taken: ${safe(why)}`)
  return [...lines, ...not, end].join('\n\n')
}

// --- other tools ----------------------------------------------------------------------------------------------------

interface ImportFlags {
  format?: string
  scope?: Scope
  propose?: true
  dryRun?: true
  allowSecret?: string[]
}

export function carriers(group: Command, handle: Handle): void {
  // The choices are for completion and help; the domain says what each of them is.
  const format = (command: Command, says: string) =>
    command.createOption('--format <name>', says).choices(memory.FORMAT_NAMES).argParser(String)

  const importing = group
    .command('import')
    .description('take entries in from another tool or from files')
    .argument('<path>', 'a file or a folder; - for standard input')
  importing
    .addOption(format(importing, 'seen from the content when absent'))
    .addOption(scopeOption(importing, 'put all of it into this scope'))
    .option('--propose', 'let a person accept them first')
    .option('--dry-run', 'only say what would be taken in')
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(handle(async (env, path: string, flags: ImportFlags) => bringIn(env, path, flags)))
  examples(
    importing,
    'git dstack memory import CLAUDE.md --dry-run',
    'git dstack memory import memory.jsonl --format mcp',
    'git dstack memory import docs/memory --propose',
  )

  const exporting = group
    .command('export')
    .description('give entries out for another tool, or as files')
    .argument('[to]', 'a file or a folder; standard output when absent')
  exporting
    .addOption(format(exporting, 'json when absent'))
    .addOption(scopeOption(exporting))
    .option('--tag <word>', 'only with this tag')
    .action(
      handle(async (env, to: string | undefined, flags: { format?: string; scope?: Scope; tag?: string }) => {
        await ready(env)
        const done = memory.handOut(env, { ...flags, ...(to === undefined ? {} : { to }) })
        if (isRefusal(done)) return done
        const files = `${plural(done.entries, 'entry', 'entries')} as ${done.format}: ${plural(done.written.length, 'file')}.`
        return answer(done, () => done.text ?? files)
      }),
    )
  examples(
    exporting,
    'git dstack memory export memory.json',
    'git dstack memory export docs/memory --format markdown',
    'git dstack memory export AGENTS.md --format agents',
  )
}

async function bringIn(env: Env, path: string, flags: ImportFlags): Promise<Reply> {
  await ready(env)
  const { propose, allowSecret, ...same } = flags
  const done = memory.bringIn(env, {
    path,
    ...same,
    ...(propose ? { proposed: true } : {}),
    ...(allowSecret === undefined ? {} : { allowSecrets: allowSecret }),
  })
  if (isRefusal(done)) return done
  const { format, added, updated, same: known, refusals, skipped } = done
  const head = flags.dryRun ? `Would import as ${format}` : `Imported as ${format}`
  const text = () =>
    [
      `${head}: ${added.length} new, ${updated.length} changed, ${known.length} known.`,
      ...refusals.map(({ key, why }) => `${safe(key)} was not taken: ${safe(why)}`),
      ...skipped.map(({ where, why }) => `${safe(where)} was passed over: ${safe(why)}`),
    ].join('\n')
  return answer(done, text)
}
