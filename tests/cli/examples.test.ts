// Every command line that we show, in the manual, the README, the examples and the hints, is one that the program takes.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { commandName, examplesOf } from '../../src/cli/command'
import { MANUAL } from '../../src/manual/manual'
import { findSetting } from '../../src/setup/setup'
import { leaves, tree } from './shell'

/** A line as it is shown, and whether it has to be whole: a verb that is only named lacks its arguments. */
interface Shown {
  line: string
  whole: boolean
}

// --- where command lines are shown ----------------------------------------------------------------------------------

function inMarkdown(text: string): Shown[] {
  const parts = text.split(/^```.*$/m)
  const inFences = parts.filter((_, i) => i % 2 === 1).flatMap((code) => code.split('\n'))
  const inProse = parts
    .filter((_, i) => i % 2 === 0)
    .flatMap((prose) => [...prose.replace(/\s+/g, ' ').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code))
  return [
    ...inFences.map((line) => ({ line: line.replace(/^\$ /, ''), whole: true })),
    ...inProse.map((line) => ({ line, whole: false })),
  ].filter(({ line }) => line.startsWith('git dstack') || line.startsWith('git config'))
}

/** Quoted with backticks inside of a message. What is computed stands for one word. */
function inSource(text: string): Shown[] {
  const strings = [...text.matchAll(/'((?:[^'\\\n]|\\.)*)'/g)].flatMap(([, string = '']) => {
    return [...string.matchAll(/`(git dstack [^`]*)`/g)]
  })
  const templates = [...text.matchAll(/\\`(git dstack (?:[^`\\]|\\[^`])*)\\`/g)]
  return [...strings, ...templates].map(([, line = '']) => ({ line: line.replace(/\$\{[^}]*\}/g, 'x'), whole: false }))
}

// --- trying one -----------------------------------------------------------------------------------------------------

/** The words of the first command of a shell line, without redirections and comments. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [token, double, single] of line.matchAll(
    /"((?:[^"\\]|\\.)*)"|'([^']*)'|[|;&<>#](?![^\s]*>)|[^\s"'|;&]+/g,
  )) {
    if (/^[|;&#>]$/.test(token) || token === '<') break
    words.push(double ?? single ?? token)
  }
  return words
}

/** What is wrong with the command line behind `git dstack`; null when nothing is. Nothing is run. */
async function problemOf(words: readonly string[], whole: boolean): Promise<string | null> {
  const program = await tree()
  let named: string | null = null
  let given: readonly string[] = []
  const silence = (command: Command): void => {
    for (const child of command.commands) silence(child)
    if (Reflect.get(command, '_actionHandler') === null) return
    command.action(function (this: Command) {
      named = commandName(this)
      given = this.args
    })
  }
  silence(program)
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    const code = error instanceof CommanderError ? error.code : ''
    const unfinished = ['commander.missingArgument', 'commander.help', 'commander.optionMissingArgument'].includes(code)
    if (error instanceof CommanderError && error.exitCode === 0) return null // -h, --version
    return unfinished && !whole ? null : (error as Error).message
  }
  if (named === 'at' && given.length > 1) return problemOf(given.slice(1), whole)
  if (
    /^config (get|set|unset)$/.test(named ?? '') &&
    !/^[<x]/.test(given[0] ?? '<') &&
    findSetting(given[0] ?? '') === null
  ) {
    return `there is no setting ${given[0]}`
  }
  return null
}

async function problemWith({ line, whole }: Shown): Promise<string | null> {
  const [git, verb, ...words] = wordsOf(line)
  if (git !== 'git') return null
  if (verb === 'dstack') return problemOf(words, whole)
  const setting = /\bdstack\.(\w+)/.exec(line)?.[1]
  return verb === 'config' && setting !== undefined && findSetting(setting) === null
    ? `there is no setting ${setting}`
    : null
}

async function expectAllWork(where: string, shown: readonly Shown[]): Promise<void> {
  for (const one of shown) expect(await problemWith(one), `${where}: ${one.line}`).toBeNull()
}

// --- the tests ------------------------------------------------------------------------------------------------------

test('a wrong line would be found', async () => {
  const wrong = [
    'git dstack remmeber "x"',
    'git dstack recall --wyh x',
    'git dstack fold',
    'git dstack remember two words',
  ]
  for (const line of wrong) expect(await problemWith({ line, whole: true }), line).not.toBeNull()
  expect(await problemWith({ line: 'git dstack at 2026-11-01 memory lsit', whole: true })).not.toBeNull()
  expect(await problemWith({ line: 'git dstack config set bugdet 1', whole: true })).not.toBeNull()
  expect(await problemWith({ line: 'git config dstack.bugdet 1', whole: true })).not.toBeNull()
  const fine = ['git dstack fold', 'git dstack memory', 'git dstack resolve <key> --take <id>']
  for (const line of fine) expect(await problemWith({ line, whole: false }), line).toBeNull()
  expect(wordsOf('git dstack remember "a | b" - < file.md # why')).toEqual(['git', 'dstack', 'remember', 'a | b', '-'])
})

describe('the manual', () => {
  test.each(Object.keys(MANUAL))('%s', async (page) => {
    const shown = inMarkdown(MANUAL[page] ?? '')
    await expectAllWork(page, shown)
    if (!['completion', 'schema', 'scale', 'security'].includes(page))
      expect(shown.length, 'it shows how to use it').toBeGreaterThan(0)
  })
})

test('README.md', async () => {
  const shown = inMarkdown(readFileSync('README.md', 'utf8'))
  expect(shown.length).toBeGreaterThan(10)
  await expectAllWork('README.md', shown)
})

test('the examples of every command use that command, and work', async () => {
  const program = await tree()
  const groups = program.commands.filter((command) => command.commands.length > 0)
  for (const command of [...leaves(program), ...groups]) {
    const lines = examplesOf(command).map((line) => line.replace(/^source <\((.*)\).*$/, '$1'))
    await expectAllWork(
      commandName(command),
      lines.map((line) => ({ line, whole: true })),
    )
    if (lines.length > 0) expect(lines.join('\n')).toContain(`git dstack ${commandName(command)}`)
  }
})

test('the hints of the program name commands that exist', async () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.d)\.ts$/.test(file))
  let count = 0
  for (const file of files) {
    const shown = inSource(readFileSync(join('src', file), 'utf8'))
    await expectAllWork(file, shown)
    count += shown.length
  }
  expect(count).toBeGreaterThan(40)
})
