// What every benchmark stands on: a temporary folder, a clean environment, repositories of each size, small bundled programs.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fill } from './fill'
import { DROPPED, type Rounds, type Timed } from './measure'

export interface Command {
  program: string
  args: readonly string[]
  cwd?: string
  input?: string
  vars?: NodeJS.ProcessEnv
}

/** One clone with its remote, both full of documents, everything packed. */
export interface Site {
  /** A bare repository, reached by file://. */
  hub: string
  clone: string
  /** Number of documents. */
  size: number
}

export interface Ground {
  readonly folder: string
  /** Tiny sizes and one round: only to see that everything runs. */
  readonly smoke: boolean
  readonly vars: NodeJS.ProcessEnv
  /** Runs the built command, as users start it. It is a copy: a build meanwhile changes nothing. */
  dstack(args: readonly string[], cwd: string): Command
  /** node running an empty CommonJS file. */
  readonly floor: Timed
  /** `full`, or a small stand-in for a smoke run. */
  size(full: number): number
  rounds(full: number): Rounds
  /** A fresh copy of the site of this size, which is made when it is first asked for. */
  site(full: number): Promise<Site>
  /** A script of tests/bench/programs, bundled as the product is; run it with node. */
  program(name: string): string
  /** Runs a command to its end and gives its standard output. Throws unless it exits 0. */
  run(command: Command): string
  /** The same, as bytes. */
  runRaw(command: Command): Buffer
  /** Runs git in a folder, and gives what it printed without the final newline. */
  git(folder: string, ...args: string[]): string
  /** Times commands from the first start to the last exit. `check` sees what they printed, and is not timed. */
  timed(make: (round: number) => readonly Command[], check: (printed: string[], round: number) => void): Timed
  dispose(): void
}

export function makeGround({ smoke }: { smoke: boolean }): Ground {
  if (!existsSync('dist/main.cjs')) throw new Error('There is no dist/main.cjs here: run `npm run build` first.')
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dstack-bench-')))
  const vars: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'xdg', 'config'),
    XDG_DATA_HOME: join(folder, 'xdg', 'data'),
    GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    TZ: 'UTC',
    LC_ALL: 'C',
  }
  const dispose = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', dispose)
  writeFileSync(join(folder, 'gitconfig'), GLOBAL_CONFIG)
  const empty = join(folder, 'empty.cjs')
  writeFileSync(empty, '')
  const built = join(folder, 'dist')
  cpSync('dist', built, { recursive: true })
  const bundles = new Map<string, string>()
  const sites = new Map<number, Promise<Site>>()
  let copies = 0

  const ground: Ground = {
    folder,
    smoke,
    vars,
    dstack: (args, cwd) => ({ program: process.execPath, args: [join(built, 'main.cjs'), ...args], cwd }),
    floor: (round) => ground.timed(() => [{ program: process.execPath, args: [empty] }], nothingPrinted)(round),
    size: (full) => (smoke ? Math.min(full, Math.round(20 * Math.log10(full))) : full),
    rounds: (full) => (smoke ? { kept: 1, dropped: 1 } : { kept: full, dropped: DROPPED }),
    async site(full) {
      const size = ground.size(full)
      let base = sites.get(size)
      if (base === undefined) {
        base = makeSite(ground, size)
        sites.set(size, base)
      }
      return copySite(ground, await base, join(folder, `copy-${++copies}`))
    },
    program(name) {
      let bundle = bundles.get(name)
      if (bundle === undefined) {
        bundle = bundleProgram(name, join(folder, 'programs'))
        bundles.set(name, bundle)
      }
      return bundle
    },
    run: (command) => ground.runRaw(command).toString('utf8'),
    runRaw: (command) => spawnTimed(command, ground).printed,
    git: (place, ...args) => ground.run({ program: 'git', args: ['-C', place, ...args] }).trim(),
    timed: (make, check) => (round) => {
      let ms = 0
      const printed = make(round).map((command) => {
        const done = spawnTimed(command, ground)
        ms += done.ms
        return done.printed.toString('utf8')
      })
      check(printed, round)
      return ms
    },
    dispose,
  }
  return ground
}

const GLOBAL_CONFIG = `[user]
	name = Ada
	email = ada@example.com
[init]
	defaultBranch = main
[gc]
	auto = 0
[maintenance]
	auto = false
[protocol "file"]
	allow = always
[dstack]
	ephemeral = false
`

function nothingPrinted(printed: string[]): void {
  if (printed.some((text) => text !== '')) throw new Error(`The empty program printed something: ${printed.join()}`)
}

/** node cuts the output of a child at 1 MB by default, and the child then looks fast. */
const MAX_OUTPUT = 1 << 30

function spawnTimed(command: Command, { folder, vars }: Ground): { ms: number; printed: Buffer } {
  const started = performance.now()
  const done = spawnSync(command.program, command.args, {
    cwd: command.cwd ?? folder,
    env: { ...vars, ...command.vars },
    maxBuffer: MAX_OUTPUT,
    ...(command.input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] } : { input: command.input }),
  })
  const ms = performance.now() - started
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) {
    const what = [command.program, ...command.args].join(' ')
    throw new Error(`${what}: exit ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`)
  }
  return { ms, printed: done.stdout }
}

/** As .config/tsup.ts builds the product: what is imported lazily stays in chunks that are not loaded. */
function bundleProgram(name: string, folder: string): string {
  // esbuild finds its binary beside itself, so it can't be part of a bundle.
  const { buildSync, transformSync } = createRequire(resolve('package.json'))('esbuild') as typeof import('esbuild')
  const { outputFiles } = buildSync({
    entryPoints: [resolve('tests/bench/programs', `${name}.ts`)],
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    loader: { '.md': 'text' },
    logLevel: 'error',
  })
  mkdirSync(folder, { recursive: true })
  for (const { path, text } of outputFiles) {
    const { code } = transformSync(text, {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      minify: true,
      supported: { 'dynamic-import': false },
      logLevel: 'error',
    })
    writeFileSync(path, code)
  }
  return join(folder, `${name}.cjs`)
}

/** Puts one more entry into a site's clone, through the store and untimed. */
export function appendTo(
  ground: Ground,
  { clone }: Site,
  { key, text, vars }: { key: string; text: string; vars?: NodeJS.ProcessEnv },
): void {
  const args = [ground.program('append'), clone, key, text]
  ground.run({ program: process.execPath, args, ...(vars === undefined ? {} : { vars }) })
}

// --- repositories ---------------------------------------------------------------------------------------------------

async function makeSite(ground: Ground, size: number): Promise<Site> {
  const folder = join(ground.folder, `site-${size}`)
  const site: Site = { hub: join(folder, 'hub.git'), clone: join(folder, 'clone'), size }
  mkdirSync(folder)
  const { hub, clone } = site
  ground.run({ program: 'git', args: ['init', '-q', '--bare', hub] })
  ground.run({ program: 'git', args: ['-C', hub, 'fast-import', '--quiet'], input: FIRST_COMMIT })
  await fill({ repository: hub, vars: ground.vars, size })
  ground.run({ program: 'git', args: ['clone', '-q', hub, clone] })
  ground.run(ground.dstack(['init', '--no-hooks'], clone))
  ground.run(ground.dstack(['sync'], clone))
  // What fast-import wrote is one pack already, as large as `git gc` would make it; only the rest is packed.
  for (const folder of [hub, clone]) {
    ground.git(folder, 'pack-refs', '--all')
    ground.git(folder, 'repack', '-d', '-q')
  }
  return site
}

function copySite(ground: Ground, base: Site, folder: string): Site {
  const site: Site = { hub: join(folder, 'hub.git'), clone: join(folder, 'clone'), size: base.size }
  cpSync(base.hub, site.hub, { recursive: true })
  cpSync(base.clone, site.clone, { recursive: true })
  ground.git(site.clone, 'config', 'remote.origin.url', `file://${site.hub}`)
  return site
}

const FIRST_COMMIT = `commit refs/heads/main
committer Ada <ada@example.com> 1700000000 +0000
data 12
first commit
M 100644 inline README.md
data 8
# bench

`
