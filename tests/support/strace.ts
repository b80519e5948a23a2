// kill -9 (or an errno) at every system call that changes something: counted once by strace, then struck one by one.

import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { Clone } from './clone'
import { gitExecPath, onPath } from './programs'
import { restore, snapshot } from './snapshot'
import { endGroup, keep, type Result, result } from './spawning'

/** Calls that change files, or let somebody outside know (`write` also answers on a pipe). */
const CHANGING = [
  'write',
  'pwrite64',
  'writev',
  'ftruncate',
  'fsync',
  'fdatasync',
  'fchmod',
  'chmod',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'unlink',
  'unlinkat',
  'symlink',
  'symlinkat',
  'mkdir',
  'mkdirat',
  'rmdir',
]

/** One system call of one process of the command. */
export interface Point {
  /** 0 is the command itself, 1 the first git that it started, and so on. */
  process: number
  /** What that process was. */
  title: string
  call: string
  /** strace counts per call name. */
  nth: number
  /** As strace saw it. */
  line: string
}

/**
 * What happens at the point. `all`: the process and the whole command die at once, as when the machine stops. `child`:
 * only the git process dies; the command goes on and may answer. An errno: the call fails with it and does nothing.
 */
export type Blow = 'all' | 'child' | 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EACCES' | 'EROFS'

export interface Struck {
  point: Point
  blow: Blow
  /** False when the call was not reached in this run. */
  hit: boolean
  /** What the command itself answered: 137 when it died too. */
  result: Result
}

export interface StrikeOptions {
  /** Sees each state that a blow left; the clone is put back afterwards. */
  check(struck: Struck): Promise<void>
  /** Default: all. */
  blows?: readonly Blow[]
  /** Which points to aim at. Default: all. */
  pick?: (point: Point, index: number) => boolean
}

/**
 * Runs `program args` in the clone once to find its points, then once per point and blow, each time from the same
 * state: the clone and the home folder as they are now. Returns the points. Every git process, also those that git
 * starts, gets its number through a wrapper that stands before git on PATH and in GIT_EXEC_PATH.
 */
export async function strikeEverySyscall(
  clone: Clone,
  command: readonly string[],
  options: StrikeOptions,
): Promise<Point[]> {
  const folder = mkdtempSync(join(clone.world.path, 'strace-'))
  const harness = new Harness(clone, command, folder)
  const before = [clone.path, clone.home].map((path) => ({ path, state: snapshot(path) }))
  const reset = () => {
    for (const { path, state } of before) restore(path, state)
  }
  const points = (await harness.count()).filter((point, index) => options.pick?.(point, index) ?? true)
  for (const point of points) {
    for (const blow of options.blows ?? ['all']) {
      if (!isWorthwhile(point, blow)) continue
      // A process may do its calls in another order now and then (node wakes its threads): such a point is tried again.
      let struck: Struck
      let tries = 0
      do {
        reset()
        struck = await harness.strike(point, blow)
      } while (!struck.hit && ++tries < 5)
      await options.check(struck)
    }
  }
  reset()
  return points
}

/** The calls of one undisturbed run, by process and in each process in their order. */
export function changingSyscalls(clone: Clone, command: readonly string[]): Promise<Point[]> {
  return new Harness(clone, command, mkdtempSync(join(clone.world.path, 'strace-'))).count()
}

class Harness {
  readonly #traces: string
  readonly #numbers: string
  readonly #target: string
  readonly #bin: string
  readonly #pid: string
  readonly #hit: string
  /** The same in every run, also the clock: so every run makes the same objects. */
  readonly #vars: NodeJS.ProcessEnv

  constructor(
    readonly clone: Clone,
    readonly command: readonly string[],
    folder: string,
  ) {
    this.#traces = join(folder, 'traces')
    this.#numbers = join(folder, 'numbers')
    this.#target = join(folder, 'target')
    this.#bin = join(folder, 'bin')
    this.#pid = join(folder, 'pid')
    this.#hit = join(folder, 'hit')
    const vars = clone.vars()
    this.#vars = { ...vars, PATH: `${this.#bin}:${vars.PATH}`, GIT_EXEC_PATH: this.#bin }
    mkdirSync(this.#bin, { recursive: true })
    mkdirSync(this.#traces, { recursive: true })
    this.#wrapGit()
  }

  async count(): Promise<Point[]> {
    this.#aim('count')
    const done = await this.#run(['strace', ...TRACING, '-o', join(this.#traces, '0'), ...this.command])
    if (done.status !== 0) throw new Error(`${this.command.join(' ')} fails by itself: ${done.stdout}${done.stderr}`)
    const processes = readdirSync(this.#traces)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
    return processes.sort((a, b) => a - b).flatMap((process) => this.#pointsOf(process))
  }

  async strike(point: Point, blow: Blow): Promise<Struck> {
    const fault = `${blow === 'all' || blow === 'child' ? 'signal=SIGKILL' : `error=${blow}`}:when=${point.nth}`
    this.#aim(`${point.process} ${point.call} ${fault} ${blow}`)
    const own = point.process === 0 ? ['strace', ...aiming(point.call, fault), '-o', this.#hit] : []
    const done = await this.#run([...own, ...this.command])
    const hit = existsSync(this.#hit) && /killed by SIGKILL|\(INJECTED\)/.test(readFileSync(this.#hit, 'utf8'))
    return { point, blow, hit, result: done }
  }

  #pointsOf(process: number): Point[] {
    const titles = join(this.#traces, `${process}.title`)
    const title = titleOf(process === 0 ? this.command : readFileSync(titles, 'utf8').trim().split(' '))
    const counts = new Map<string, number>()
    const points: Point[] = []
    for (const line of readFileSync(join(this.#traces, String(process)), 'utf8').split('\n')) {
      const call = /^(\w+)\(/.exec(line)?.[1]
      if (call === undefined) continue
      const nth = (counts.get(call) ?? 0) + 1
      counts.set(call, nth)
      if (changes(process, call, line)) points.push({ process, title, call, nth, line })
    }
    return points
  }

  #aim(target: string): void {
    rmSync(this.#numbers, { recursive: true, force: true })
    rmSync(this.#hit, { force: true })
    mkdirSync(this.#numbers)
    writeFileSync(this.#target, `${target}\n`)
  }

  #run(command: string[]): Promise<Result> {
    const script = 'echo $$ > "$0"; exec "$@"'
    const child = spawn('sh', ['-c', script, this.#pid, ...command], {
      cwd: this.clone.cwd,
      env: this.#vars,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return ended(child)
  }

  /** A folder that looks like git's own programs, each of them the wrapper. */
  #wrapGit(): void {
    const programs = gitExecPath()
    const strace = onPath('strace')
    const wrapper = join(this.#bin, 'git')
    writeFileSync(
      wrapper,
      `#!/bin/sh
real="${programs}/\${0##*/}"
n=1
set -C
while ! { true > "${this.#numbers}/$n"; } 2>/dev/null; do n=$((n+1)); done
set +C
read -r target call fault blow < "${this.#target}"
case "$target" in
  count)
    echo "\${0##*/} $*" > "${this.#traces}/$n.title"
    exec "${strace}" ${TRACING.join(' ')} -o "${this.#traces}/$n" "$real" "$@" ;;
  "$n")
    "${strace}" ${aiming('$call', '$fault').join(' ')} -o "${this.#hit}" "$real" "$@"
    status=$?
    if [ "$status" = 137 ]; then
      [ "$blow" = all ] && kill -9 "$(cat "${this.#pid}")"
      kill -9 $$
    fi
    exit "$status" ;;
  *) exec "$real" "$@" ;;
esac
`,
    )
    chmodSync(wrapper, 0o755)
    for (const name of readdirSync(programs)) if (name !== 'git') symlinkSync(wrapper, join(this.#bin, name))
  }
}

/** `git update-ref`: the program and its verb, without options. */
function titleOf([program = '', ...words]: readonly string[]): string {
  const verb = words.find((word, index) => !word.startsWith('-') && words[index - 1] !== '-c')
  return [program, verb ?? ''].map((word) => basename(word)).join(' ')
}

const TRACING = ['-qq', '-y', '-e', `trace=openat,${CHANGING.join(',')}`, '-e', 'signal=none']

function aiming(call: string, fault: string): string[] {
  return ['-qq', '-e', `trace=${call}`, '-e', `inject=${call}:${fault}`]
}

/**
 * True for a call that changes a file, and for the answer of the command itself. Passed over: what failed, opening to
 * read, and what processes and threads tell each other.
 */
function changes(process: number, call: string, line: string): boolean {
  if (/ = -1 E[A-Z]+ /.test(line)) return false
  if (call === 'openat') return line.includes('O_CREAT')
  const answer = process === 0 && /^write\(1</.test(line)
  return answer || !/^\w+\(\d+<(?:pipe|socket|anon_inode):/.test(line)
}

/** A kill just before a sync leaves what the call before it left; where the command answers there is no disk to fail. */
function isWorthwhile(point: Point, blow: Blow): boolean {
  const syncs = /^f(?:data)?sync$/.test(point.call)
  if (blow === 'all') return !syncs
  if (blow === 'child') return !syncs && point.process > 0
  return !/^write\(1</.test(point.line)
}

function ended(child: ChildProcess): Promise<Result> {
  keep(child)
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    const timer = setTimeout(() => endGroup(child), 20_000)
    child.stdout?.on('data', (chunk) => (stdout += chunk))
    child.stderr?.on('data', (chunk) => (stderr += chunk))
    child.once('error', reject)
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      endGroup(child)
      resolve(result(status ?? (signal === 'SIGKILL' ? 137 : 1), stdout, stderr))
    })
  })
}
