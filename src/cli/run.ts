// The one try/catch around everything: replies become output, errors become a sentence, a hint and an exit status.

import { type Command, CommanderError } from 'commander'
import type { Env } from '../env/env'
import { type Code, DstackError, isRefusal, refusalError } from '../errors'
import { commandName, type Reply } from './command'
import { type Finish, type GlobalOptions, GROUPS, makeProgram, verbIndex, verbOf } from './program'
import { safeLines, toJson } from './render'

/**
 * Runs one command line to its end.
 * @param argv the words after `git dstack`
 * @returns the exit status (table in src/errors.ts)
 */
export async function run(argv: readonly string[], env: Env): Promise<number> {
  let status = 0
  const finish: Finish = async (world, command, reply, options) => {
    status = await print(world, command, reply, options)
  }
  try {
    const verb = verbOf(argv)
    const past = verb === 'at' ? atMoment(argv) : null
    if (past !== null) return run(past.argv, { ...env, vars: { ...env.vars, DSTACK_AT: past.when } })
    const program = await makeProgram(env, verb, finish)
    if (argv.length === 0) {
      program.outputHelp()
      return 0
    }
    try {
      await program.parseAsync(argv, { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      if (error.exitCode === 0) return 0 // -h, --version
      throw usageError(error, deepest(program, argv))
    }
    return status
  } catch (error) {
    return report(env, argv, toDstackError(error))
  }
}

/** What reads the state of one moment, and so can read that of a former one. */
const READERS = [
  'recall',
  'conflicts',
  'memory list',
  'memory show',
  'memory history',
  'memory proposals',
  'memory export',
  'plan list',
  'plan show',
  'plan check',
  'companion show',
]

/** `at <when> <verb …>`: the command line of the verb, and the moment. Null when a part is missing. @throws USAGE */
function atMoment(argv: readonly string[]): { when: string; argv: string[] } | null {
  const at = verbIndex(argv)
  const [when, ...words] = argv.slice(at + 1)
  const verb = verbOf(words)
  if (when === undefined || when.startsWith('-') || verb === null) return null
  const group = READERS.some((reader) => reader.startsWith(`${verb} `))
  const name = group ? `${verb} ${verbOf(words.slice(verbIndex(words) + 1)) ?? ''}` : verb
  if (!READERS.includes(name) && GROUPS.some(({ verbs }) => verbs.includes(verb))) {
    const hint = `at works with: ${READERS.join(', ')}.`
    throw new DstackError('USAGE', `git dstack ${name.trim()} does not read the past.`, { hint })
  }
  const id = /^[0-9a-f]{4,64}$/i.test(when)
  const date = /^\d{4}-\d\d(-\d\d([T ]\S+)?)?$/.test(when) && !Number.isNaN(Date.parse(when))
  if (!id && !date) {
    const hint = 'Use a date such as 2026-11-01 or 2026-11-01T12:00Z, or an id that `git dstack log` shows.'
    throw new DstackError('USAGE', `"${when}" is neither a date nor the id of a write.`, { hint })
  }
  return { when: id ? when.toLowerCase() : when, argv: [...argv.slice(0, at), ...words] }
}

async function print(env: Env, command: string, reply: Reply, options: GlobalOptions): Promise<number> {
  if (isRefusal(reply)) throw refusalError(reply)
  if (env.out.json) {
    env.out.data(toJson({ v: 1, command, ...reply.value }))
    return reply.exit
  }
  const text = await reply.text()
  const whole = text === '' || text.endsWith('\n') || text.endsWith('\0') ? text : `${text}\n`
  const paged = reply.long && options.pager && env.out.columns !== null
  if (!paged || !(await import('./pager')).page(env, whole)) env.out.data(whole)
  return reply.exit
}

/** The command that the words name, as far as they name one. */
function deepest(program: Command, argv: readonly string[]): Command {
  let at = program
  for (const word of argv) at = at.commands.find((command) => command.name() === word) ?? at
  return at
}

function usageError(error: CommanderError, command: Command): DstackError {
  const name = commandName(command)
  const manual = `See \`git dstack help${name === '' ? '' : ` ${name.split(' ')[0]}`}\`.`
  // A group with a default command says the same as one without.
  const isGroup = error.code === 'commander.missingArgument' && command.commands.length > 0
  if (error.code === 'commander.help' || isGroup) {
    const names = command.commands.map((child) => child.name()).join(', ')
    return new DstackError('USAGE', `git dstack ${name} needs one of: ${names}.`.replace('  ', ' '), { hint: manual })
  }
  const [sentence = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const dot = /[.?!]$/.test(sentence) ? '' : '.'
  const said = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}${dot}`
  const quoted = error.code === 'commander.excessArguments' && command.registeredArguments.length > 0
  const advice = quoted ? 'Put what has spaces in quotes.' : suggestion?.replace(/^\(|\)$/g, '')
  return new DstackError('USAGE', said, { hint: advice === undefined ? manual : `${advice} ${manual}` })
}

/** What node says about files, as codes of ours. Source: errno(3). */
const ERRNO: Readonly<Record<string, readonly [Code, string, string]>> = {
  ENOSPC: ['IO', 'The disk is full', 'Free some space, then run the command again.'],
  EDQUOT: ['IO', 'The disk quota is used up', 'Free some space, then run the command again.'],
  EIO: [
    'IO',
    'The disk reported an error',
    'Check the disk; `git dstack fsck` says whether anything of ours is damaged.',
  ],
  EROFS: ['NO_PERMISSION', 'The file system is read-only', 'Work in a clone that you can write to.'],
  EACCES: ['NO_PERMISSION', 'You may not do this here', 'Check who owns the file and its folder.'],
  EPERM: ['NO_PERMISSION', 'You may not do this here', 'Check who owns the file and its folder.'],
}

function toDstackError(error: unknown): DstackError {
  if (error instanceof DstackError) return error
  const { code, path, message } = error as NodeJS.ErrnoException
  const known = code === undefined ? undefined : ERRNO[code]
  if (known !== undefined) {
    const where = path === undefined ? '' : ` (${path})`
    return new DstackError(known[0], `${known[1]}${where}.`, { hint: known[2], cause: error })
  }
  return new DstackError('INTERNAL', `A mistake in git dstack itself: ${message ?? String(error)}.`, {
    hint: 'Please report it with the output of the same command under DSTACK_DEBUG=1. Nothing was half written.',
    cause: error,
  })
}

function report(env: Env, argv: readonly string[], error: DstackError): number {
  const { code, message, data, exit } = error
  const verb = verbOf(argv)
  const known = GROUPS.some(({ verbs }) => verb !== null && verbs.includes(verb))
  const hint = error.hint ?? (known ? `See \`git dstack help ${verb}\`.` : 'See `git dstack help`.')
  if (argv.includes('--json')) {
    env.out.data(toJson({ v: 1, error: { code, message, hint, data, exit } }))
  } else {
    env.out.say(`git dstack: ${safeLines(message)}\n`)
    env.out.say(`Hint: ${safeLines(hint)}\n`)
  }
  if (env.vars.DSTACK_DEBUG) env.out.say(`${safeLines(trace(error))}\n`)
  return exit
}

function trace(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${trace(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
