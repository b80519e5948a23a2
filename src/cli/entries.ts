// `git dstack memory …`: looking at entries, and changing one of them.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import * as memory from '../memory/memory'
import type { Scope, State } from '../memory/schema'
import { unsynced } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import { countOf, type FieldFlags, fieldsFrom, scopeOption, statesOption, textFrom, told, withFields } from './fields'
import { asList, entryRow, type ListFlags, listed } from './lists'
import { ready } from './ready'
import { columns, plural, relativeTime, safe, safeLines, shortId } from './render'
import { carriers, proposers } from './trade'

type Handle = Parameters<Register>[1]['handle']

export const register: Register = (program, { handle }) => {
  const group = program.command('memory').description('entries one by one, proposals, other tools')
  examples(group, 'git dstack memory list', 'git dstack memory show gotchas/auth/token-refresh')
  lookers(group, handle)
  changers(group, handle)
  proposers(group, handle)
  carriers(group, handle)
}

const KEY = 'the key, or its beginning where that fits only one'

interface ScopeFlag {
  scope?: Scope
}

// --- looking --------------------------------------------------------------------------------------------------------

function lookers(group: Command, handle: Handle): void {
  const listing = group
    .command('list')
    .description('every entry, by key')
    .argument('[under]', 'only this key, or what stands below it')
  listing
    .addOption(scopeOption(listing))
    .addOption(statesOption(listing))
    .option('--tag <word>', 'only with this tag')
    .option('--path <file>', 'only what matters for this file')
    .action(handle(async (env, under: string | undefined, flags: EntryFilter) => list(env, under, flags)))
  asList(listing, 'key, state, scope, author, time, text')
  examples(
    listing,
    'git dstack memory list gotchas --state CONFIRMED',
    'git dstack memory list --path src/auth/login.ts',
    '# the key of every entry',
    'git dstack memory list --porcelain | cut -f1',
  )

  const showing = group
    .command('show')
    .description('one entry with everything that is known about it')
    .argument('<key>', KEY)
  showing
    .addOption(scopeOption(showing))
    .action(handle(async (env, key: string, flags: ScopeFlag) => show(env, key, flags)))
  examples(showing, 'git dstack memory show gotchas/auth/token-refresh', 'git dstack memory show gotchas/auth')

  const telling = group
    .command('history')
    .description('what was said at a key, newest first, forgotten entries too')
    .argument('<key>', KEY)
    .option('-n, --max-count <number>', 'at most so many', countOf)
    .option('--diff', 'what each version changed, line by line')
  telling
    .addOption(scopeOption(telling))
    .action(handle(async (env, key: string, flags: HistoryFlags) => history(env, key, flags)))
  examples(
    telling,
    'git dstack memory history gotchas/auth/token-refresh',
    'git dstack memory history build/tools -n 3 --diff',
  )

  const missing = group
    .command('gaps')
    .description('what was asked for and not found')
    .action(
      handle(async (env, flags: ListFlags) => {
        await ready(env)
        const gaps = memory.gaps(env)
        const text = () =>
          gaps.length === 0
            ? 'No question was asked in vain.'
            : gaps.map(({ question, count }) => [`${count}×`, safe(question)])
        return listed(env, flags, { value: { gaps }, rows: gaps.map((gap) => [String(gap.count), gap.question]), text })
      }),
    )
  asList(missing, 'count, question')
  examples(missing, 'git dstack memory gaps', 'git dstack memory gaps --json')
}

interface EntryFilter extends ScopeFlag, ListFlags {
  state?: State[]
  tag?: string
  path?: string
}

async function list(
  env: Env,
  under: string | undefined,
  { state, porcelain, z, ...same }: EntryFilter,
): Promise<Reply> {
  await ready(env)
  const entries = memory.list(env, {
    ...same,
    ...(state === undefined ? {} : { states: state }),
    ...(under === undefined ? {} : { under }),
    proposed: false,
  })
  return listed(
    env,
    { ...(porcelain ? { porcelain } : {}), ...(z ? { z } : {}) },
    {
      value: { entries },
      rows: entries.map((entry) => [entry.key, entry.state, entry.scope, entry.by, entry.at, entry.text]),
      text: () => (entries.length === 0 ? 'No entries.' : entries.map(entryRow)),
    },
  )
}

async function show(env: Env, key: string, flags: ScopeFlag): Promise<Reply> {
  await ready(env)
  const done = memory.show(env, { key, ...flags })
  return isRefusal(done) ? done : answer(done, () => detailText(env, done))
}

function detailText(env: Env, { entry, versions }: memory.Detail): string {
  const { kind, tool, model, from } = entry.source
  const facts: [string, string | undefined][] = [
    ['state', `${entry.state}${entry.expired ? ' (expired)' : ''}, confidence ${entry.confidence.toFixed(2)}`],
    ['by', `${entry.by}, ${relativeTime(new Date(entry.at), env.now())}`],
    ['confirmed', entry.confirmed?.join(', ')],
    ['source', [kind, tool, model, from].filter(Boolean).join(' ')],
    ['scope', entry.scope],
    ['paths', entry.paths.join(' ')],
    ['tags', entry.tags.join(' ')],
    ['links', entry.links.join(' ')],
    ['pinned', entry.pin ? 'yes' : ''],
    ['proposed', entry.proposed ? 'yes; a person has to accept it' : ''],
    ['expires', entry.expires],
    ['half-life', entry.decay === undefined ? '' : plural(entry.decay, 'day')],
    ['origin', entry.origin],
    ['reason', entry.reason],
    ['helped', entry.helped > 0 ? plural(entry.helped, 'time') : ''],
    ['missing', entry.dangling?.join(' ')],
    ['conflict', versions.length > 1 ? `${plural(versions.length, 'version')}, see git dstack conflicts` : ''],
  ]
  const rows = facts.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, safe(value)]]))
  return `${safe(entry.key)}\n${columns(rows, null)}\n\n${safeLines(entry.text)}`
}

interface HistoryFlags extends ScopeFlag {
  maxCount?: number
  diff?: true
}

/** Each version against the one before it: `-` and `+` before the lines that went and came. */
async function changes(past: readonly memory.Past[]): Promise<string[]> {
  const { diffLines } = await import('diff')
  const text = (at: number) => String(past[at]?.versions.find(({ gone }) => gone !== true)?.text ?? '')
  const lines = (at: number) => (text(at) === '' ? '' : `${text(at)}\n`)
  return past.map((_, i) =>
    diffLines(lines(i + 1), lines(i))
      .flatMap(({ added, removed, value }) => {
        return value
          .split('\n')
          .slice(0, -1)
          .map((line) => `${added ? '+' : removed ? '-' : ' '} ${line}`)
      })
      .join('\n'),
  )
}

async function history(env: Env, key: string, { maxCount, diff, ...scope }: HistoryFlags): Promise<Reply> {
  await ready(env)
  // One more than is shown: what the oldest one changed needs the one before it.
  const limit = maxCount === undefined ? {} : { limit: maxCount + 1 }
  const found = memory.history(env, { key, ...scope, ...limit })
  if (isRefusal(found)) return found
  const changed = diff ? await changes(found) : null
  const past = found.slice(0, maxCount)
  const text = () =>
    past
      .map(({ commit, at, by, subject, versions }, i) => {
        const head = `${shortId(commit)}  ${safe(by)}, ${relativeTime(new Date(at), env.now())}  ${safe(subject)}`
        const said = versions.map(({ gone, text }) => (gone ? '(forgotten)' : safeLines(String(text))))
        return [
          head,
          ...(changed?.[i] === undefined ? said : [safeLines(changed[i])]).map(
            (one) => `  ${one.split('\n').join('\n  ')}`,
          ),
        ].join('\n')
      })
      .join('\n\n')
  return answer({ history: past }, text, { long: true })
}

// --- changing -------------------------------------------------------------------------------------------------------

interface CorrectFlags extends FieldFlags {
  reason?: string
  rename?: string
  settle?: true
}

function changers(group: Command, handle: Handle): void {
  const correcting = group.command('correct')
  withFields(correcting)
    .description('say it better; what was said before stays in the history')
    .argument('<key>', KEY)
    .argument('[text]', 'the new text, in quotes; - for standard input; absent: only the options change')
    .option('--reason <text>', 'why')
    .option('--rename <key>', 'the new key')
    .option('--settle', 'end a conflict with this text')
    .action(
      handle(
        async (env, key: string, text: string | undefined, { settle, reason, rename, ...fields }: CorrectFlags) => {
          const store = await ready(env)
          const input = {
            key,
            ...(text === undefined ? {} : { text: textFrom(env, text) }),
            ...fieldsFrom(fields),
            ...(reason === undefined ? {} : { reason }),
            ...(rename === undefined ? {} : { rename }),
            ...(settle ? { settle } : {}),
          }
          return told(env, memory.correct(env, input), 'Corrected', () => unsynced(store))
        },
      ),
    )
  examples(
    correcting,
    'git dstack memory correct build/tools/package-manager "pnpm 10" --reason "we upgraded"',
    '# only where it matters, and under another key',
    'git dstack memory correct build/tools/package-manager --path package.json --rename build/tools/pnpm',
  )

  const confirming = changer(group, handle, 'confirm', 'Confirmed', memory.confirm)
  confirming.description('say that an entry is true, by your name')
  examples(confirming, 'git dstack memory confirm build/tools/package-manager')

  const forgetting = changer(group, handle, 'forget', 'Forgot', memory.forget)
  forgetting.description('take an entry out; its history stays')
  examples(forgetting, 'git dstack memory forget build/tools/package-manager --reason "we use bun now"')

  const helping = group
    .command('helped')
    .description('say that an entry was of use, so that it ranks higher')
    .argument('<key>', KEY)
  helping.addOption(scopeOption(helping)).action(
    handle(async (env, key: string, flags: ScopeFlag) => {
      await ready(env)
      const done = memory.helped(env, { key, ...flags })
      return isRefusal(done)
        ? done
        : answer(done, () => `Noted: ${safe(done.key)} helped ${plural(done.helped, 'time')}.`)
    }),
  )
  examples(helping, 'git dstack memory helped build/tools/package-manager')
}

type Act = (env: Env, input: { key: string; scope?: Scope; reason?: string }) => memory.Written | Refusal

/** A verb that needs nothing but a key. */
function changer(group: Command, handle: Handle, name: string, verb: string, act: Act): Command {
  const command = group.command(name).argument('<key>', KEY).option('--reason <text>', 'why')
  return command.addOption(scopeOption(command)).action(
    handle(async (env, key: string, flags: ScopeFlag & { reason?: string }) => {
      const store = await ready(env)
      return told(env, act(env, { key, ...flags }), verb, () => unsynced(store))
    }),
  )
}
