// Runs a command line in this process, outside of any repository unless told otherwise.

import { tmpdir } from 'node:os'
import type { Command } from 'commander'
import { makeProgram } from '../../src/cli/program'
import { run } from '../../src/cli/run'
import type { Env, Output } from '../../src/env/env'
import { nodeEnv } from '../../src/env/node'

export interface Ran {
  status: number
  stdout: string
  stderr: string
}

export interface ShellOptions {
  vars?: Record<string, string>
  cwd?: string
  /** Columns of the terminal; null, the default, for a pipe. */
  columns?: number | null
  change?: (env: Env) => Env
}

export async function dstack(args: string[], options: ShellOptions = {}): Promise<Ran> {
  const ran: Ran = { status: -1, stdout: '', stderr: '' }
  const columns = options.columns ?? null
  const out: Output = {
    json: false,
    data: (text) => {
      ran.stdout += text
    },
    say: (text) => {
      ran.stderr += text
    },
    progress: () => () => undefined,
    columns,
    colour: columns !== null,
  }
  const vars = { PATH: process.env.PATH, HOME: tmpdir(), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const env = nodeEnv({ cwd: options.cwd ?? tmpdir(), vars: { ...vars, ...options.vars }, out })
  ran.status = await run(args, options.change?.(env) ?? env)
  return ran
}

/** The program with all its commands, to look at. */
export async function tree(): Promise<Command> {
  const nowhere = () => undefined
  const out: Output = {
    json: false,
    data: nowhere,
    say: nowhere,
    progress: () => nowhere,
    columns: null,
    colour: false,
  }
  return makeProgram(nodeEnv({ vars: {}, out }), null, async () => undefined)
}

/** Every command that can be run: not `memory`, but `memory show`; `memory proposals` and what is below it. */
export function leaves(command: Command): Command[] {
  const own = command.commands.length === 0 || Reflect.get(command, '_actionHandler') !== null
  return [...(own && command.parent !== null ? [command] : []), ...command.commands.flatMap(leaves)]
}
