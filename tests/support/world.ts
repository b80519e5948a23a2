// The test world: a temporary folder with real remotes and named people, each with a clone, a home and a clock.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectSound } from './auditor'
import { BUILT, Clone } from './clone'
import { applyPolicy, type Policy } from './policies'
import { gitDaemon, type HttpServer, httpServer, type Server } from './servers'
import { type GitoliteRules, gitolite, makeKey, type SshServer, sshServer } from './ssh'

/** How a remote is reached. All but the first two start a real server on loopback. */
export type Kind = 'path' | 'file' | 'ssh' | 'http' | 'git' | 'gitolite'

export interface RemoteOptions {
  /** Default: path. */
  kind?: Kind
  /** What the host refuses, by hooks and configuration of the bare repository. */
  policy?: Policy
  /** For gitolite. Default: heads-and-tags. */
  rules?: GitoliteRules
}

/** A bare repository that people clone, seen from the server's side. */
export interface Remote {
  readonly name: string
  readonly kind: Kind
  /** The bare repository on disk. */
  readonly path: string
  readonly url: string
  /** Runs git in the bare repository, past every server and policy. */
  git(...args: string[]): string
  /** What a ref points to; null when it does not exist. */
  tip(ref: string): string | null
  refs(prefix?: string): string[]
}

const START = Date.UTC(2026, 0, 1) / 1000

export class World {
  readonly path: string
  /** First on everybody's PATH: makes `git dstack` run the built command. */
  readonly bin: string
  /** Changes the ids and the jitter that the product draws. */
  readonly seed: number
  readonly people = new Map<string, Clone>()
  readonly remotes = new Map<string, Remote>()
  /** Set once a remote of that kind exists. */
  http: HttpServer | undefined
  #commands = 0
  #ahead = 0
  #ssh: SshServer | undefined
  #gitolite: SshServer | undefined
  #daemon: Server | undefined
  #closers: (() => Promise<void>)[] = []

  private constructor(path: string, seed: number) {
    this.path = path
    this.bin = join(path, 'bin')
    this.seed = seed
  }

  static async create(options: { seed?: number } = {}): Promise<World> {
    const path = realpathSync(mkdtempSync(join(tmpdir(), 'dstack-world-')))
    const world = new World(path, options.seed ?? 1)
    for (const folder of [world.bin, join(path, 'remotes'), join(path, 'people')]) mkdirSync(folder)
    const script = `#!/bin/sh\nexec "${process.execPath}" "${BUILT}" "$@"\n`
    writeFileSync(join(world.bin, 'git-dstack'), script, { mode: 0o755 })
    return world
  }

  /** Moves the clock for everybody. It also ticks one second per command. */
  advance(seconds: number): void {
    this.#ahead += seconds
  }

  /**
   * The variables of one command: the logical clock and a random seed of its own, so that a run can be repeated and
   * no two commands draw the same id.
   */
  tick(): NodeJS.ProcessEnv {
    const number = ++this.#commands
    const seconds = START + this.#ahead + number
    const date = `@${seconds} +0000`
    return {
      DSTACK_TEST_NOW: new Date(seconds * 1000).toISOString(),
      DSTACK_TEST_SEED: String(this.seed * 1_000_003 + number),
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    }
  }

  /** Makes a bare repository with one commit on `main`. The first one is what `clones` clones. */
  async remote(name = 'hub', options: RemoteOptions = {}): Promise<Remote> {
    const kind = options.kind ?? 'path'
    const { path, url } = await this.#serve(kind, name, options)
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', path, ...args], { env: this.#adminVars(), encoding: 'utf8' }).trim()
    if (!existsSync(path)) execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path], { env: this.#adminVars() })
    const remote: Remote = {
      name,
      kind,
      path,
      url,
      git,
      tip: (ref) => git('for-each-ref', '--format=%(objectname)', ref).split('\n')[0] || null,
      refs: (prefix = 'refs') => git('for-each-ref', '--format=%(refname)', prefix).split('\n').filter(Boolean),
    }
    execFileSync('git', ['-C', path, 'fast-import', '--quiet'], { env: this.#adminVars(), input: FIRST_COMMIT })
    git('config', 'gc.auto', '0')
    if (options.policy !== undefined) applyPolicy(path, options.policy)
    this.remotes.set(name, remote)
    return remote
  }

  async #serve(kind: Kind, name: string, options: RemoteOptions): Promise<{ path: string; url: string }> {
    const root = join(this.path, 'remotes')
    const repository = `${name}.git`
    const path = join(root, repository)
    switch (kind) {
      case 'path':
        return { path, url: path }
      case 'file':
        return { path, url: `file://${path}` }
      case 'ssh':
        this.#ssh ??= this.#closing(await sshServer(join(this.path, 'sshd'), root))
        return { path, url: this.#ssh.url(repository) }
      case 'http':
        this.http ??= this.#closing(await httpServer(root))
        return { path, url: this.http.url(repository) }
      case 'git':
        this.#daemon ??= this.#closing(await gitDaemon(root))
        return { path, url: this.#daemon.url(repository) }
      case 'gitolite': {
        if (this.#gitolite !== undefined || name !== 'hub') throw new Error('gitolite has one repository: hub')
        const server = this.#closing(await gitolite(join(this.path, 'gitolite'), options.rules ?? 'heads-and-tags'))
        this.#gitolite = server
        return { path: server.repository, url: server.url(name) }
      }
    }
  }

  #closing<S extends Server>(server: S): S {
    this.onDispose(() => server.close())
    return server
  }

  /** Registers something to end with the world, also when the test fails. */
  onDispose(close: () => Promise<void>): void {
    this.#closers.push(close)
  }

  /** A person with a home, an identity and keys, and no clone yet: `person.path` is where one would be. */
  person(name: string): Clone {
    const known = this.people.get(name)
    if (known !== undefined) return known
    const folder = join(this.path, 'people', name)
    const clone = new Clone(this, name, join(folder, 'home'), join(folder, 'repo'))
    mkdirSync(join(clone.home, '.ssh'), { recursive: true })
    const config = [
      `[user]\n\tname = ${name}\n\temail = ${name}@example.com`,
      '[init]\n\tdefaultBranch = main',
      '[gc]\n\tauto = 0',
      '[maintenance]\n\tauto = false',
      '[protocol "file"]\n\tallow = always',
      '[advice]\n\tdetachedHead = false',
    ]
    const ssh = this.#gitolite ?? this.#ssh
    if (ssh !== undefined) {
      const key = join(clone.home, '.ssh', 'id_ed25519')
      ssh.authorize(name, makeKey(key, name))
      config.push(`[core]\n\tsshCommand = ssh -F ${ssh.clientConfig(key)}`)
    }
    writeFileSync(join(clone.home, '.gitconfig'), `${config.join('\n')}\n`)
    this.people.set(name, clone)
    return clone
  }

  /** Clones the first remote (a plain path is made when there is none) for each of these people. */
  async clones<const N extends readonly string[]>(...names: N): Promise<{ [I in keyof N]: Clone }> {
    const hub = this.remotes.values().next().value ?? (await this.remote())
    const made: Clone[] = []
    for (const name of names) {
      const clone = this.person(name)
      await clone.with({ cwd: this.path }).git('clone', '-q', hub.url, clone.path).ok()
      made.push(clone)
    }
    return made as { [I in keyof N]: Clone }
  }

  /** Everybody syncs, twice: once to send, once to receive what came after. */
  async syncAll(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      for (const clone of this.people.values()) await clone.dstack('sync').ok()
    }
  }

  /** What must be true of every repository after every test. */
  async expectSound(): Promise<void> {
    for (const clone of this.people.values()) if (existsSync(join(clone.path, '.git'))) await expectSound(clone.path)
    for (const remote of this.remotes.values()) await expectSound(remote.path)
  }

  /** Ends all servers and removes the folder, unless it is to be looked at. */
  async dispose(options: { keep?: boolean } = {}): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    if (options.keep) process.stderr.write(`The world of this test is kept: ${this.path}\n`)
    else rmSync(this.path, { recursive: true, force: true, maxRetries: 3 })
  }

  #adminVars(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: this.path,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      LC_ALL: 'C',
    }
  }
}

const FIRST_COMMIT = `commit refs/heads/main
committer Ada <ada@example.com> ${START} +0000
data 12
first commit
M 100644 inline README.md
data 6
# hub

`
