// Is the `git push` that started us only a dry run, the `git commit` an amend? git does not tell its hooks; its command line does.

import type { Command, Files, Finished } from '../env/env'

/** Processes between git and us: the hook's shell, a hook manager, its shell … */
const MAX_ANCESTORS = 16

/** Options of `git` itself, and of `git push`, that take the next word as their value. */
const GIT_VALUES = new Set([
  '-C',
  '-c',
  '--git-dir',
  '--work-tree',
  '--namespace',
  '--super-prefix',
  '--config-env',
  '--attr-source',
])
const PUSH_VALUES = new Set(['-o', '--push-option', '--repo', '--receive-pack', '--exec', '--recurse-submodules'])

/** What it takes to look at processes. */
export interface Processes {
  files: Pick<Files, 'read'>
  run(command: Command): Pick<Finished, 'stdout'>
}

/** null: no `git push` was found above this process, so nobody knows. */
export function isDryRun(env: Processes, pid: number): boolean | null {
  const args = argumentsAbove(env, pid, 'push')
  return args === null ? null : saysDryRun(args)
}

/** The same for `git commit --amend`. */
export function isAmend(env: Processes, pid: number): boolean | null {
  const args = argumentsAbove(env, pid, 'commit')
  return args === null ? null : saysAmend(args)
}

/** The arguments of the nearest `git <verb>` among our ancestors. */
function argumentsAbove(env: Processes, pid: number, verb: string): string[] | null {
  let at: number | null = pid
  for (let i = 0; i < MAX_ANCESTORS && at !== null && at > 1; i++) {
    const found = readProcess(env, at)
    if (found === null) return null
    const args = gitArguments(found.args, verb)
    if (args !== null) return args
    at = found.parent
  }
  return null
}

/** What stands behind `push` on a command line of git's; null for any other command line. */
export function pushArguments(args: readonly string[]): string[] | null {
  return gitArguments(args, 'push')
}

function gitArguments(args: readonly string[], verb: string): string[] | null {
  const program = args[0]?.replace(/^.*[\\/]/, '').replace(/\.exe$/, '')
  if (program === `git-${verb}`) return args.slice(1)
  if (program !== 'git') return null
  let i = 1
  while (args[i]?.startsWith('-')) i += GIT_VALUES.has(args[i] ?? '') ? 2 : 1
  return args[i] === verb ? args.slice(i + 1) : null
}

/** Options of `git commit` that take the next word as their value. */
const COMMIT_VALUES = new Set(
  [
    '-m',
    '-F',
    '-c',
    '-C',
    '-t',
    '--message',
    '--file',
    '--author',
    '--date',
    '--fixup',
    '--squash',
    '--template',
  ].concat(['--reuse-message', '--reedit-message', '--cleanup', '--trailer', '--pathspec-from-file']),
)

/** `--amend` or a beginning of it; the last one counts. */
export function saysAmend(args: readonly string[]): boolean {
  let amend = false
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? ''
    if (word === '--') break
    if (COMMIT_VALUES.has(word) || /^-[a-zA-Z]*[mFcCt]$/.test(word)) i++
    else if (/^--am(e(nd?)?)?$/.test(word)) amend = true
    else if (/^--no-am(e(nd?)?)?$/.test(word)) amend = false
  }
  return amend
}

/** `-n` alone or among other letters, `--dry-run` or a beginning of it that means nothing else; the last one counts. */
export function saysDryRun(args: readonly string[]): boolean {
  let dry = false
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? ''
    if (word === '--') break
    if (PUSH_VALUES.has(word)) i++
    else if (/^--dry?(-(r(un?)?)?)?$/.test(word)) dry = true
    else if (/^--no-dry?(-(r(un?)?)?)?$/.test(word)) dry = false
    else if (/^-[^-o]*n/.test(word)) dry = true
  }
  return dry
}

interface Ancestor {
  args: string[]
  parent: number | null
}

function readProcess(env: Processes, pid: number): Ancestor | null {
  const line = env.files.read(`/proc/${pid}/cmdline`)
  if (line !== null) {
    // Field 4 behind the name in brackets.
    const stat = env.files.read(`/proc/${pid}/stat`)?.toString('latin1').split(') ').at(-1)?.split(' ')
    return { args: line.toString('utf8').split('\0').slice(0, -1), parent: Number(stat?.[1]) || null }
  }
  const done = env.run({ program: 'ps', args: ['-o', 'ppid=,args=', '-p', String(pid)], limit: 1_000 })
  const [, parent, args] = /^\s*(\d+)\s+(.*)$/m.exec(done.stdout.toString('utf8')) ?? []
  return args === undefined ? null : { args: args.split(/\s+/), parent: Number(parent) }
}
