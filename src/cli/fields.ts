// Options and arguments that several verbs of memory share, checked where they come in.

import type { Command, Option } from 'commander'
import type { Env } from '../env/env'
import { DstackError, isRefusal, type Refusal } from '../errors'
import type { Written } from '../memory/memory'
import type { Scope, State } from '../memory/schema'
import { answer, type Reply } from './command'
import { safe } from './render'

// Named once more, because the schema's own lists would load zod with every command.
const STATES = Object.keys({ UNKNOWN: 0, UNCERTAIN: 1, INFERRED: 2, CONFIRMED: 3 } satisfies Record<State, number>)
const SCOPES = Object.keys({ repository: 0, workspace: 1, personal: 2 } satisfies Record<Scope, number>)

/** For options that may be given several times. commander's variadic ones would swallow the text that comes after. */
export function repeated(value: string, former: string[] = []): string[] {
  return [...former, value]
}

export function stateOption(command: Command, says = 'how sure it is'): Option {
  return command.createOption('--state <state>', says).choices(STATES).argParser(stateNamed)
}

/** The same for readers: any of several. */
export function statesOption(command: Command): Option {
  return command
    .createOption('--state <state>', 'only this state; may be repeated')
    .choices(STATES)
    .argParser((name: string, former: State[] = []) => [...former, stateNamed(name)])
}

export function scopeOption(command: Command, says = 'only this scope'): Option {
  return command.createOption('--scope <scope>', says).choices(SCOPES).argParser(scopeNamed)
}

function stateNamed(name: string): State {
  const known = STATES.find((state) => state === name.toUpperCase())
  if (known !== undefined) return known as State
  throw new DstackError('USAGE', `"${name}" is no state of knowledge.`, { hint: `Use one of: ${STATES.join(', ')}.` })
}

function scopeNamed(name: string): Scope {
  const known = SCOPES.find((scope) => scope === name.toLowerCase())
  if (known !== undefined) return known as Scope
  throw new DstackError('USAGE', `"${name}" is no scope.`, { hint: `Use one of: ${SCOPES.join(', ')}.` })
}

export function numberOf(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number)) return number
  throw new DstackError('USAGE', `"${text}" is no number.`, { hint: 'For example 0.8 or 90.' })
}

/** For counts of things: 1 or more. */
export function countOf(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new DstackError('USAGE', `"${text}" is no count.`, { hint: 'Give a whole number, 1 or more.' })
}

/** Options that every verb takes which writes an entry, by the names that the domain has for them. */
export interface FieldFlags {
  state?: State
  confidence?: number
  path?: string[]
  tag?: string[]
  link?: string[]
  scope?: Scope
  pin?: boolean
  expires?: string
  decay?: number
  allowSecret?: string[]
}

export function withFields(command: Command): Command {
  return command
    .addOption(stateOption(command))
    .option('--confidence <number>', 'how likely it is, from 0 to 1', numberOf)
    .option('--path <glob>', 'files for which it matters; may be repeated', repeated)
    .option('--tag <word>', 'a word to find it by; may be repeated', repeated)
    .option('--link <link>', 'sha1:<commit>, plan:<slug>, memory:<key> or url:<address>; may be repeated', repeated)
    .addOption(scopeOption(command, 'who gets it; personal never leaves this machine'))
    .option('--pin', 'always load it, within the budget')
    .option('--no-pin', 'load it like any other')
    .option('--expires <when>', 'when it stops being sure: a date, 90d, 6w, 3m, 1y or never')
    .option('--decay <days>', 'days after which its confidence is half', numberOf)
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
}

/** What the options say, in the words of the domain; absent stays absent. */
export function fieldsFrom({ path, tag, link, allowSecret, ...same }: FieldFlags) {
  return {
    ...same,
    ...(path === undefined ? {} : { paths: path }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(link === undefined ? {} : { links: link }),
    ...(allowSecret === undefined ? {} : { allowSecrets: allowSecret }),
  }
}

/** The argument, or with `-` or without one all of standard input. @throws USAGE, BAD_TEXT */
export function textFrom(env: Env, argument: string | undefined): string {
  if (argument !== undefined && argument !== '-') return argument
  const bytes = env.stdin()
  if (bytes.length === 0) {
    throw new DstackError('USAGE', 'There is no text.', {
      hint: 'Give it in quotes, or pipe it in: `… | git dstack remember -`.',
    })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new DstackError('BAD_TEXT', 'Standard input holds bytes that are no UTF-8 text.', {
      hint: 'Put binary data into a file, and write down what it is and where to find it.',
    })
  }
}

/** What a write answers: the entry's key, and how much of everything is still only here. */
export function told(env: Env, done: Written | Refusal, verb: string, notSynced: () => number): Reply {
  if (isRefusal(done)) return done
  const value = { ...done, unsynced: notSynced() }
  if (!env.out.json) for (const note of done.notes) env.out.say(`${safe(note)}\n`)
  const waits = value.unsynced === 0 ? '' : ` (${value.unsynced} not synced)`
  const same = `Nothing to do: ${safe(done.key)} says that already`
  const what = done.outcome === 'renamed' ? 'Renamed to' : verb
  return answer(value, () => `${done.outcome === 'same' ? same : `${what} ${safe(done.key)}${waits}`}.`)
}
