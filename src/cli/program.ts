// The commander tree. Only the group that the command line names is loaded: not importing beats every cache.

import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { version } from '../../package.json'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { type Context, commandName, type Handler, type Outputs, type Register, type Reply } from './command'
import { useColour } from './render'

/** One row per module of commands. The order is that of `git dstack -h`. */
export interface Group {
  title: string
  verbs: readonly string[]
  load(): Promise<{ register: Register }>
  /** Schemas of the `--json` objects, by command name. */
  outputs(): Promise<{ outputs: Outputs }>
}

const shellOutputs = () => import('./shell-outputs')

export const GROUPS: readonly Group[] = [
  {
    title: 'Start:',
    verbs: ['init', 'uninstall', 'doctor', 'status', 'fsck'],
    load: () => import('./setup'),
    outputs: () => import('./setup-outputs'),
  },
  { title: 'Start:', verbs: ['config'], load: () => import('./config'), outputs: () => import('./setup-outputs') },
  {
    title: 'Memory:',
    verbs: ['remember', 'recall'],
    load: () => import('./memory'),
    outputs: () => import('./memory-outputs'),
  },
  {
    title: 'Memory:',
    verbs: ['conflicts', 'resolve'],
    load: () => import('./conflicts'),
    outputs: () => import('./memory-outputs'),
  },
  { title: 'Memory:', verbs: ['memory'], load: () => import('./entries'), outputs: () => import('./memory-outputs') },
  { title: 'Plans:', verbs: ['begin'], load: () => import('./begin'), outputs: () => import('./plan-outputs') },
  { title: 'Plans:', verbs: ['spec'], load: () => import('./spec'), outputs: () => import('./plan-outputs') },
  { title: 'Plans:', verbs: ['plan'], load: () => import('./plan'), outputs: () => import('./plan-outputs') },
  { title: 'Plans:', verbs: ['companion'], load: () => import('./companion'), outputs: () => import('./plan-outputs') },
  {
    title: 'Flow:',
    verbs: ['decompose', 'approve', 'amend'],
    load: () => import('./decompose'),
    outputs: () => import('./flow-outputs'),
  },
  { title: 'Flow:', verbs: ['flow'], load: () => import('./flow'), outputs: () => import('./flow-outputs') },
  { title: 'Flow:', verbs: ['task'], load: () => import('./task'), outputs: () => import('./flow-outputs') },
  { title: 'Flow:', verbs: ['review'], load: () => import('./review'), outputs: () => import('./flow-outputs') },
  {
    title: 'Travel:',
    verbs: ['sync', 'fold', 'export'],
    load: () => import('./travel'),
    outputs: () => import('./travel-outputs'),
  },
  {
    title: 'Running:',
    verbs: ['lease'],
    load: () => import('./lease'),
    outputs: () => import('./lease-outputs'),
  },
  {
    title: 'History:',
    verbs: ['log', 'undo', 'at'],
    load: () => import('./past'),
    outputs: () => import('./travel-outputs'),
  },
  {
    title: 'History:',
    verbs: ['redact'],
    load: () => import('./redact'),
    outputs: () => import('./redact-outputs'),
  },
  { title: 'Evidence:', verbs: ['gate'], load: () => import('./gate'), outputs: () => import('./gate-outputs') },
  {
    title: 'Evidence:',
    verbs: ['evidence'],
    load: () => import('./evidence'),
    outputs: () => import('./gate-outputs'),
  },
  { title: 'Evidence:', verbs: ['guard'], load: () => import('./guard'), outputs: () => import('./guard-outputs') },
  {
    title: 'Evidence:',
    verbs: ['trust'],
    load: () => import('./trust'),
    outputs: () => import('./trust-outputs'),
  },
  { title: 'Help:', verbs: ['help'], load: () => import('./help'), outputs: shellOutputs },
  { title: 'Help:', verbs: ['completion'], load: () => import('./completion'), outputs: shellOutputs },
  { title: 'Help:', verbs: ['schema'], load: () => import('./schema'), outputs: shellOutputs },
  { title: 'Help:', verbs: ['version'], load: () => import('./version'), outputs: shellOutputs },
]

/** Options that every command takes, before or after the verb. */
export interface GlobalOptions {
  C?: string[]
  json?: true
  pager: boolean
  color?: 'auto' | 'always' | 'never'
}

/** What the shell does with a reply: print it, and remember the exit status. */
export type Finish = (env: Env, command: string, reply: Reply, options: GlobalOptions) => Promise<void>

/** The first word that is no option: it decides which group is loaded. Null when there is none. */
export function verbOf(argv: readonly string[]): string | null {
  return argv[verbIndex(argv)] ?? null
}

/** Where it stands; behind the end when there is none. */
export function verbIndex(argv: readonly string[]): number {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '-C' || word === '--color') i++
    else if (!word.startsWith('-')) return i
  }
  return argv.length
}

/** A fresh program. With a verb that no group knows (a typo, or none) every group is registered. */
export async function makeProgram(env: Env, verb: string | null, finish: Finish): Promise<Command> {
  const program = emptyProgram(env)
  const context: Context = {
    version,
    handle: <A extends unknown[]>(handler: Handler<A>) =>
      async function (this: Command, ...args: A) {
        const options = this.optsWithGlobals<GlobalOptions>()
        const world = worldFor(env, options)
        await finish(world, commandName(this), await handler(world, ...args), options)
      },
    tree: () => makeProgram(env, null, finish),
    outputs: async () =>
      Object.assign({}, ...(await Promise.all(GROUPS.map(async (group) => (await group.outputs()).outputs)))),
  }
  const wanted = GROUPS.filter((group) => verb !== null && group.verbs.includes(verb))
  for (const group of wanted.length > 0 ? wanted : GROUPS) {
    const { register } = await group.load()
    program.commandsGroup(group.title)
    register(program, context)
  }
  return program
}

function emptyProgram(env: Env): Command {
  return new Command('git dstack')
    .usage('[options] <command> [arguments]')
    .description('Shared memory, plans and evidence for people and agents, kept in git.')
    .option('-C <folder>', 'work as if started in <folder>', (folder, before: string[] = []) => [...before, folder])
    .option('--json', 'print one JSON object (see git dstack schema)')
    .option('--no-pager', 'never start a pager')
    .addOption(new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']))
    .version(`git-dstack ${version}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => env.out.data(text),
      writeErr: () => undefined, // run.ts reports errors
      getOutHelpWidth: () => env.out.columns ?? 80,
    })
    .exitOverride()
    .addHelpText('after', '\nMore: git dstack help <command>, git dstack help concepts.')
}

function worldFor(env: Env, options: GlobalOptions): Env {
  let cwd = env.cwd
  for (const folder of options.C ?? []) cwd = resolve(cwd, folder)
  if (cwd !== env.cwd && env.files.stat(cwd, 'follow')?.kind !== 'folder') {
    throw new DstackError('NOT_A_REPOSITORY', `Cannot work in ${cwd}: it is not a folder.`, {
      hint: 'Look at what stands behind -C.',
    })
  }
  const json = options.json === true
  const out = derived(env.out, {
    json,
    get colour() {
      return !json && useColour(env, options.color ?? 'auto')
    },
  })
  return derived(env, { cwd, out })
}

/** `base` with other values for some properties. What is computed on demand in it stays so, unlike with `{ ...base }`. */
function derived<T extends object>(base: T, changes: Partial<T>): T {
  const properties = { ...Object.getOwnPropertyDescriptors(base), ...Object.getOwnPropertyDescriptors(changes) }
  return Object.defineProperties({}, properties) as T
}
