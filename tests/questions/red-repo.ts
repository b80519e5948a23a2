// Makes repositories of the small trees in test-repos/, with what they need to run their tests without a network.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Env } from '../../src/env/env'
import { isRefusal } from '../../src/errors'
import { openStore, type Store } from '../../src/store/store'
import { allow } from '../../src/trust/trust'
import { Repo } from '../memory/repo'

const HERE = fileURLToPath(new URL('../..', import.meta.url))

/** Folder of the real program behind shims that want the home of whoever installed them; null: it is not here. */
function realFolder(program: string, ...args: string[]): string | null {
  const done = spawnSync(program, args, { encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : null
}

const python = realFolder('python3', '-c', 'import sys, pytest; print(sys.executable)')
const rust = realFolder('rustc', '--print', 'sysroot')

/** Folders of toolchains; null for what this machine lacks. */
export const TOOLCHAINS = {
  typescript: dirname(process.execPath),
  python: python === null ? null : dirname(python),
  rust: rust === null ? null : join(rust, 'bin'),
}

export class RedRepo {
  private constructor(
    readonly repo: Repo,
    private readonly path: string,
  ) {}

  /** @param tree a folder of test-repos/, or files */
  static make(tree: 'red-typescript' | 'red-python' | 'red-rust' | Record<string, string>): RedRepo {
    const repo = Repo.make()
    const folders = Object.values(TOOLCHAINS).filter((folder) => folder !== null)
    const made = new RedRepo(repo, `${folders.join(':')}:${process.env.PATH}`)
    if (typeof tree === 'string') cpSync(join(HERE, 'test-repos', tree), repo.path, { recursive: true })
    if (tree === 'red-typescript') made.install()
    repo.commit('first', typeof tree === 'string' ? {} : tree)
    return made
  }

  /** As `npm install` would: the dependency from the tree itself, the runner from this project. */
  private install(): void {
    const modules = join(this.repo.path, 'node_modules')
    mkdirSync(join(modules, '.bin'), { recursive: true })
    cpSync(join(this.repo.path, 'vendor', 'tiny-slug'), join(modules, 'tiny-slug'), { recursive: true })
    symlinkSync(join(HERE, 'node_modules', 'vitest'), join(modules, 'vitest'))
    symlinkSync('../vitest/vitest.mjs', join(modules, '.bin', 'vitest'))
  }

  env(vars: Record<string, string> = {}): Env {
    return this.repo.env({ PATH: this.path, ...vars })
  }

  store(vars: Record<string, string> = {}): Store {
    return openStore(this.env(vars))
  }

  async trust(...commands: string[]): Promise<void> {
    const env = { ...this.env(), confirm: async () => true }
    const done = await allow(
      env,
      this.store().repo,
      commands.map((command) => ({ command, where: 'test' })),
      () => undefined,
    )
    if (isRefusal(done)) throw new Error(done.message)
  }

  stage(files: Record<string, string>): void {
    this.repo.commit('to be staged', files)
    execFileSync('git', ['reset', '-q', '--soft', 'HEAD~1'], { cwd: this.repo.path, env: this.repo.vars() })
  }

  dispose(): void {
    this.repo.dispose()
  }
}
