// A real repository with git dstack switched on, and the world as one person has it there.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Env } from '../../src/env/env'
import { nodeEnv } from '../../src/env/node'

export class Repo {
  private seconds = 0
  private seeds = 0

  private constructor(
    readonly root: string,
    readonly path: string,
  ) {}

  static make(options: { enabled?: boolean; bare?: boolean } = {}): Repo {
    const root = mkdtempSync(join(tmpdir(), 'dstack-memory-'))
    const repo = new Repo(root, join(root, 'work'))
    execFileSync('git', ['init', '-q', ...(options.bare ? ['--bare'] : []), '-b', 'main', repo.path], {
      env: repo.vars(),
    })
    if (options.enabled !== false) repo.git('config', 'dstack.enabled', 'true')
    return repo
  }

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  vars(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: join(this.root, 'home'),
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'alice',
      GIT_AUTHOR_EMAIL: 'alice@example.com',
      GIT_COMMITTER_NAME: 'alice',
      GIT_COMMITTER_EMAIL: 'alice@example.com',
      GIT_AUTHOR_DATE: '2026-11-20T12:00:00Z',
      GIT_COMMITTER_DATE: '2026-11-20T12:00:00Z',
      TZ: 'UTC',
      LC_ALL: 'C',
      ...more,
    }
  }

  git(...args: string[]): string {
    return execFileSync('git', ['-c', 'gc.auto=0', ...args], { cwd: this.path, env: this.vars(), encoding: 'utf8' })
  }

  /** The world of one command: the clock goes on a second each time. */
  env(more: Record<string, string> = {}): Env {
    const now = new Date(Date.UTC(2026, 10, 20, 12, 0, this.seconds++)).toISOString()
    return nodeEnv({
      cwd: this.path,
      vars: this.vars({ DSTACK_TEST_NOW: now, DSTACK_TEST_SEED: String(++this.seeds), ...more }),
    })
  }

  commit(message: string, files: Record<string, string>): string {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true })
      writeFileSync(join(this.path, name), text)
    }
    this.git('add', '-A')
    this.git('commit', '-q', '-m', message)
    return this.git('rev-parse', 'HEAD').trim()
  }
}
