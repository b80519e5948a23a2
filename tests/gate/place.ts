// A repository with a gate: two commands of its own that anybody can make fail, and the world of one person.

import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '../../src/errors'
import {
  commitsAt,
  type GateContext,
  type GateRequest,
  type GateRun,
  NO_CONTEXT,
  runGate,
  type Verdict,
  verdictFor,
} from '../../src/gate/gate'
import { openStore, type Store } from '../../src/store/store'
import { definitionOf } from '../../src/trust/trust'
import { Repo } from '../memory/repo'

export const LINT = 'sh lint.sh'
export const TEST = 'sh test.sh'

/** lint.sh refuses tabs in src, test.sh wants src/ok. Both log that they ran. */
export const FILES = {
  'lint.sh': '! grep -rq "\t" src\n',
  'test.sh': 'test -e src/ok\n',
  'src/ok': 'yes\n',
  'src/a.txt': 'one\ntwo\nthree\n',
}

export class Gated {
  private constructor(readonly repo: Repo) {}

  static make(files: Record<string, string> = FILES): Gated {
    const repo = Repo.make()
    repo.git('config', 'dstack.gate.lint', LINT)
    repo.git('config', 'dstack.gate.test', TEST)
    repo.commit('nothing yet', { readme: '' })
    repo.commit('first', files)
    return new Gated(repo)
  }

  get path(): string {
    return this.repo.path
  }

  store(more: Record<string, string> = {}): Store {
    return openStore(this.repo.env(more))
  }

  /** Hashes under which these commands run as they are in the working tree now. */
  trusting(...commands: string[]): Set<string> {
    const { env, repo } = this.store()
    return new Set([LINT, TEST, ...commands].map((command) => definitionOf(env, repo, command).hash))
  }

  run(target: GateRequest['target'], context: GateContext = NO_CONTEXT, ...commands: string[]) {
    return runGate(this.store(), { target, context, hashes: this.trusting(...commands) })
  }

  /** The run, which must not be refused. */
  async ran(target: GateRequest['target'], context: GateContext = NO_CONTEXT, ...commands: string[]): Promise<GateRun> {
    const run = await this.run(target, context, ...commands)
    if (isRefusal(run)) throw new Error(`${run.message} ${run.hint}`)
    return run
  }

  verdict(rev = 'HEAD', context: GateContext = NO_CONTEXT): Verdict {
    const store = this.store()
    const [commit] = commitsAt(store, [this.oid(rev)])
    if (commit === undefined) throw new Error(`no commit ${rev}`)
    return verdictFor(store, { tree: commit.tree, commit, context })
  }

  oid(rev: string): string {
    return this.repo.git('rev-parse', rev).trim()
  }

  /** A commit with its own time, so that its id differs from the one before. */
  sh(script: string): string {
    return execFileSync('sh', ['-ec', script], {
      cwd: this.path,
      env: this.repo.vars(),
      encoding: 'utf8',
      stdio: 'pipe',
    })
  }

  executable(name: string): void {
    chmodSync(join(this.path, name), 0o755)
  }

  dispose(): void {
    this.repo.dispose()
  }
}

/** Which check gave which result. */
export function results({ line }: GateRun): Record<string, string> {
  return Object.fromEntries(line.checks.map(({ id, result }) => [id, result]))
}

export function reasonOf({ line }: GateRun, id: string): string {
  return line.checks.find((check) => check.id === id)?.reason ?? 'not checked'
}

/** The context of one task. */
export function taskContext(
  task: Partial<NonNullable<GateContext['task']>>,
  more: Partial<GateContext> = {},
): GateContext {
  const whole = { id: '1.1-C01', files: [], acceptance: [], commit_prefix: null, ...task }
  return { slug: 'tokens', leaf: null, task: whole, ...more }
}
