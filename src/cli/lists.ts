// Lists in three forms: columns for people, one object with --json, rows for pipes with --porcelain or -z.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import type { Detail } from '../memory/memory'
import { type Answer, answer } from './command'
import { columns, porcelain, safe } from './render'

export interface ListFlags {
  porcelain?: true
  z?: true
}

/** Adds the options of a list. `fields` are what a row holds, in order. */
export function asList(command: Command, fields: string): Command {
  return command
    .option('--porcelain', `for programs: ${fields} between tabs`)
    .option('-z', 'for programs: the same, and each row ends with NUL')
}

interface List<T extends object> {
  /** The `--json` object. */
  value: T
  /** Fields as they are stored; a list for people makes them safe itself. */
  rows: readonly (readonly string[])[]
  /** Without `--porcelain`: rows for columns, or the whole text. Strings must have gone through `safe`. */
  text: () => string | readonly (readonly string[])[]
  exit?: number
}

export function listed<T extends object>(env: Env, flags: ListFlags, { value, rows, text, exit = 0 }: List<T>): Answer {
  if (flags.porcelain || flags.z) return answer(value, () => porcelain(rows, flags.z === true), { exit })
  const whole = () => {
    const shown = text()
    return typeof shown === 'string' ? shown : columns(shown, env.out.columns)
  }
  return answer(value, whole, { exit, long: true })
}

/** One line of a list of entries. */
export function entryRow({ key, state, scope, by, text, versions, expired }: Detail['entry']): string[] {
  const marks = [
    state,
    ...(scope === 'repository' ? [] : [scope]),
    ...(versions > 1 ? ['conflict'] : []),
    ...(expired ? ['expired'] : []),
  ]
  const first = text.split('\n').find((line) => line.trim() !== '') ?? ''
  return [safe(key), marks.join(' '), safe(by.replace(/ <.*/, '')), safe(first)]
}
