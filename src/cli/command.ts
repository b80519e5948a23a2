// What command modules are made of: a handler takes the world and the arguments, and answers with a value.

import type { Command } from 'commander'
import type { ZodMiniObject } from 'zod/mini'
import type { Env } from '../env/env'
import type { Refusal } from '../errors'

/** What a command has to say. The shell prints it: as one object with `--json`, else as text. */
export interface Answer {
  /** The fields of the `--json` object beside `v` and `command`; its schema is in the group's outputs. */
  value: object
  /** The same for people. Foreign strings in it must have gone through `safe`. Empty: nothing is printed. */
  text(): string | Promise<string>
  /** 0, or 1 for "no, not satisfied". */
  exit: number
  /** May fill more than a screen: shown through the pager on a terminal. */
  long: boolean
}

export interface AnswerOptions {
  exit?: number
  long?: boolean
}

export function answer<T extends object>(
  value: T,
  text: (value: T) => string | Promise<string>,
  { exit = 0, long = false }: AnswerOptions = {},
): Answer {
  return { value, text: () => text(value), exit, long }
}

/** A refusal is an answer too: it ends the command with the exit status of its code. */
export type Reply = Answer | Refusal

/** `args` are commander's: the arguments in order, then an object with the command's own options. */
export type Handler<A extends unknown[]> = (env: Env, ...args: A) => Reply | Promise<Reply>

export interface Context {
  version: string
  /** Makes a commander action from a handler, which gets the world as the global options want it. */
  handle<A extends unknown[]>(handler: Handler<A>): (this: Command, ...args: A) => Promise<void>
  /** The program with every group registered: what help, completion and schema look at. */
  tree(): Promise<Command>
  /** The schemas of all groups. */
  outputs(): Promise<Outputs>
}

/**
 * Schemas of the fields that `--json` prints beside `v` and `command`, by command name (`memory show`). Several: one
 * of them, as the options want it.
 */
export type Outputs = Readonly<Record<string, ZodMiniObject | readonly ZodMiniObject[]>>

/** What a group's module exports: adds its commands to the program. */
export type Register = (program: Command, context: Context) => void

const EXAMPLES = new WeakMap<Command, readonly string[]>()

/** Adds example lines, shown by `-h` and on the manual page. `# …` lines explain the next one. */
export function examples(command: Command, ...lines: string[]): void {
  EXAMPLES.set(command, lines)
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

export function examplesOf(command: Command): readonly string[] {
  return EXAMPLES.get(command) ?? []
}

/** `memory show`: the words of a command after `git dstack`. */
export function commandName(command: Command): string {
  const words: string[] = []
  for (let at = command; at.parent !== null; at = at.parent) words.unshift(at.name())
  return words.join(' ')
}
