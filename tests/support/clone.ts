// One person with one clone: runs git, the built command, or the command in process, with this person's environment.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inProcess } from './in-process'
import { type Json, type Result, type Running, running, start } from './spawning'
import type { World } from './world'

/** The built command, as it is installed. `DSTACK_BUILT` names another build: an older release, a packed tarball. */
export const BUILT = process.env.DSTACK_BUILT ?? join(import.meta.dirname, '..', '..', 'dist', 'main.cjs')

export interface CloneOptions {
  /** Where commands run. Default: the clone. */
  cwd?: string
  /** Added to the environment; undefined takes a variable away. */
  vars?: Record<string, string | undefined>
  /** Standard input. */
  input?: string | Uint8Array
  /** Milliseconds after which a command counts as hanging. */
  limit?: number
  /** A program that runs the command: strace, nsenter … */
  prefix?: readonly string[]
}

export class Clone {
  constructor(
    readonly world: World,
    readonly name: string,
    readonly home: string,
    /** The working tree. */
    readonly path: string,
    private readonly options: CloneOptions = {},
  ) {}

  /** The same person with other circumstances: `alice.with({ input: 'text' }).dstack('remember', '-')`. */
  with(options: CloneOptions): Clone {
    const vars = { ...this.options.vars, ...options.vars }
    return new Clone(this.world, this.name, this.home, this.path, { ...this.options, ...options, vars })
  }

  /** The same person in another working tree (a second clone, a linked worktree). */
  at(path: string): Clone {
    return new Clone(this.world, this.name, this.home, path, this.options)
  }

  get cwd(): string {
    return this.options.cwd ?? this.path
  }

  /** The whole environment of the next command. Nothing is inherited but PATH, so no GIT_DIR of a hook leaks in. */
  vars(): NodeJS.ProcessEnv {
    const state = (name: string) => join(this.home, name)
    return {
      PATH: [this.world.bin, dirname(process.execPath), process.env.PATH ?? ''].join(':'),
      HOME: this.home,
      XDG_STATE_HOME: state('.local/state'),
      XDG_DATA_HOME: state('.local/share'),
      XDG_CONFIG_HOME: state('.config'),
      XDG_CACHE_HOME: state('.cache'),
      TMPDIR: process.env.TMPDIR ?? '/tmp',
      TZ: 'UTC',
      LC_ALL: 'C',
      GIT_CONFIG_GLOBAL: state('.gitconfig'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_PAGER: 'cat',
      ...this.world.tick(),
      ...this.options.vars,
    }
  }

  git(...args: string[]): Running {
    return this.run('git', ...args)
  }

  /** A command line for `sh -c`. */
  sh(line: string): Running {
    return this.run('sh', '-c', line)
  }

  /** Spawns any program as this person. */
  run(program: string, ...args: string[]): Running {
    const [first = program, ...rest] = [...(this.options.prefix ?? []), program, ...args]
    const { input, limit } = this.options
    return start(first, rest, {
      cwd: this.cwd,
      vars: this.vars(),
      ...(input === undefined ? {} : { input }),
      ...(limit === undefined ? {} : { limit }),
    })
  }

  /** Spawns the built command. `.json()`, called on the result at once, adds `--json`. */
  dstack(...args: string[]): Running {
    return withJson(args, async (all) => {
      if (!existsSync(BUILT)) throw new Error(`${BUILT} does not exist. Run \`npm run build\` first.`)
      return this.run(process.execPath, BUILT, ...all)
    })
  }

  /** Runs the command in this process: fast, and a debugger can follow. */
  inProcess(...args: string[]): Running {
    return withJson(args, (all) => inProcess(all, { cwd: this.cwd, vars: this.vars(), input: this.options.input }))
  }

  /** Writes a file of the working tree, with its folders. */
  write(path: string, text: string | Uint8Array): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true })
    writeFileSync(join(this.path, path), text)
  }

  /** Commits these files on the current branch. */
  async commit(message: string, files: Record<string, string> = { 'file.txt': `${message}\n` }): Promise<string> {
    for (const [path, text] of Object.entries(files)) this.write(path, text)
    await this.git('add', '--', ...Object.keys(files)).ok()
    await this.git('commit', '-q', '-m', message).ok()
    return this.tip('HEAD') as Promise<string>
  }

  /** What a revision is; null when there is none. */
  async tip(revision: string): Promise<string | null> {
    const found = await this.git('rev-parse', '--verify', '--quiet', revision)
    return found.status === 0 ? found.text() : null
  }

  /** The names of the refs under a prefix. */
  async refs(prefix: string): Promise<string[]> {
    const list = await this.git('for-each-ref', '--format=%(refname)', prefix).text()
    return list.split('\n').filter(Boolean)
  }
}

/** Starts one tick later, so that `.json()` can still ask for JSON. */
function withJson(args: string[], begin: (args: string[]) => Promise<Result>): Running {
  let json = false
  const all = () => (json && !args.includes('--json') ? beforeDashes(args, '--json') : args)
  const result = running(
    Promise.resolve().then(() => begin(all())),
    `git dstack ${args.join(' ')}`,
  )
  const { json: parse } = result
  result.json = <T = Json>(): Promise<T> => {
    json = true
    return parse<T>()
  }
  return result
}

function beforeDashes(args: string[], option: string): string[] {
  const end = args.indexOf('--')
  return end < 0 ? [...args, option] : [...args.slice(0, end), option, ...args.slice(end)]
}
