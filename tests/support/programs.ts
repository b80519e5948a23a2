// Which outside programs this machine has, and how a test that needs one is skipped by name.

import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** How each program is found, and the Debian package that brings it. */
const PROGRAMS = {
  sshd: { test: () => onPath('sshd') !== null && onPath('ssh') !== null, from: 'apt-get install openssh-server' },
  gitolite: { test: () => onPath('gitolite') !== null && onPath('sshd') !== null, from: 'apt-get install gitolite3' },
  'git http-backend': { test: () => ofGit('git-http-backend'), from: 'it comes with git' },
  'git daemon': { test: () => ofGit('git-daemon'), from: 'it comes with git' },
  strace: {
    test: () => succeeds('strace', '-o', '/dev/null', 'true'),
    from: 'apt-get install strace, and ptrace allowed',
  },
  tmpfs: {
    test: () => succeeds('unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt') && onPath('nsenter') !== null,
    from: 'root in a mount namespace',
  },
} satisfies Record<string, { test: () => boolean; from: string }>

export type Program = keyof typeof PROGRAMS

const known = new Map<Program, boolean>()

export function available(program: Program): boolean {
  let answer = known.get(program)
  if (answer === undefined) {
    answer = PROGRAMS[program].test()
    known.set(program, answer)
  }
  return answer
}

/**
 * What to put behind a suite's title, and whether to skip it, so that a missing program is seen in the report:
 * `describe.skipIf(needs('sshd').skip)('ssh' + needs('sshd').why, …)`.
 */
export function needs(...programs: Program[]): { skip: boolean; why: string } {
  const missing = programs.filter((program) => !available(program))
  const why = missing.map((program) => `${program} is missing (${PROGRAMS[program].from})`).join(', ')
  return { skip: missing.length > 0, why: missing.length === 0 ? '' : ` [skipped: ${why}]` }
}

/** The program's full path, also from the folders of the system's own tools, which users don't have on PATH. */
export function onPath(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']
  for (const folder of folders) {
    const path = join(folder, program)
    if (folder !== '' && isExecutable(path)) return path
  }
  return null
}

/** Where git keeps its own programs. */
export function gitExecPath(): string {
  return execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim()
}

function ofGit(program: string): boolean {
  return isExecutable(join(gitExecPath(), program))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}
