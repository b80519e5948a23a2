// Which program runs the tests, and how it is told to run only some of them. Pure.

import { type Language, languageOf } from './conventions'
import type { FailureKind } from './schema'

export const RUNNERS = ['vitest', 'node', 'pytest', 'cargo'] as const
/** `unknown`: it can be run, but what it prints can't be read. */
export type Runner = (typeof RUNNERS)[number] | 'unknown'

/** Tests that one command runs. */
export interface Suite {
  runner: Runner
  /** What trust is asked for. */
  command: string
  /** Test files of the change. */
  files: string[]
}

/** The files of a tree that tell how its tests are run. */
export interface Manifests {
  /** Text of the file at the top; null when there is none. */
  read(path: string): string | null
  has(path: string): boolean
}

/** Commands are those that a gate would detect, so that trust is given once. The suites of these test files; a file that no known runner takes is in none. @param command instead of what is detected */
export function suitesOf(files: readonly string[], manifests: Manifests, command?: string): Suite[] {
  if (command !== undefined) {
    const runner = runnerOf(command, manifests)
    const own = runner === 'unknown' ? files : files.filter((path) => takes(runner, languageOf(path)))
    return [{ runner, command, files: [...own] }]
  }
  const suites: Suite[] = []
  for (const path of files) {
    const found = detect(languageOf(path), manifests)
    if (found === null) continue
    const suite = suites.find((one) => one.command === found.command)
    if (suite === undefined) suites.push({ ...found, files: [path] })
    else suite.files.push(path)
  }
  return suites
}

function takes(runner: Runner, language: Language | null): boolean {
  const own = { vitest: 'javascript', node: 'javascript', pytest: 'python', cargo: 'rust', unknown: language }
  return language === own[runner]
}

function detect(language: Language | null, manifests: Manifests): { runner: Runner; command: string } | null {
  switch (language) {
    case 'javascript': {
      const script = testScript(manifests)
      if (script === null) return null
      return { runner: runnerIn(script), command: `${packageManager(manifests)} run test` }
    }
    case 'python':
      return { runner: 'pytest', command: 'pytest' }
    case 'rust':
      return manifests.has('Cargo.toml') ? { runner: 'cargo', command: 'cargo test' } : null
    case 'go':
      return manifests.has('go.mod') ? { runner: 'unknown', command: 'go test ./...' } : null
    default:
      return null
  }
}

function testScript(manifests: Manifests): string | null {
  const text = manifests.read('package.json')
  if (text === null) return null
  try {
    const parsed = JSON.parse(text) as { scripts?: { test?: unknown } } | null
    const script = parsed?.scripts?.test
    return typeof script === 'string' ? script : null
  } catch {
    return null // no JSON: npm can't run it either
  }
}

function packageManager(manifests: Manifests): string {
  if (manifests.has('pnpm-lock.yaml')) return 'pnpm'
  if (manifests.has('yarn.lock')) return 'yarn'
  return manifests.has('bun.lock') || manifests.has('bun.lockb') ? 'bun' : 'npm'
}

const SCRIPT = /^(?:npm|pnpm|yarn|bun)(?: run)? test\b/

function runnerOf(command: string, manifests: Manifests): Runner {
  return SCRIPT.test(command) ? runnerIn(testScript(manifests) ?? '') : runnerIn(command)
}

function runnerIn(script: string): Runner {
  // Behind a shell operator our arguments would go to something else.
  if (/[;&|<>\n]/.test(script)) return 'unknown'
  if (/\bvitest\b/.test(script)) return 'vitest'
  if (/\bnode\b.*\s--test\b/.test(script)) return 'node'
  if (/\bpytest\b/.test(script)) return 'pytest'
  return /\bcargo\b.*\stest\b/.test(script) ? 'cargo' : 'unknown'
}

/** The command with what limits it to the files, and makes it print what `readOutput` reads. */
export function commandLine({ runner, command, files }: Suite): string {
  const paths = files.map((path) => quoted(path.startsWith('-') ? `./${path}` : path))
  const dashes = /^npm\b/.test(command) ? ['--'] : []
  switch (runner) {
    case 'vitest':
      return [command, ...dashes, '--reporter=verbose', ...paths].join(' ')
    case 'node':
      return [command, ...dashes, '--test-reporter=tap', ...paths].join(' ')
    case 'pytest':
      return [command, '-rfEp', '--tb=short', '--continue-on-collection-errors', ...paths].join(' ')
    case 'cargo':
      return [command, '--no-fail-fast', ...files.flatMap((path) => ['--test', quoted(cargoTarget(path))])].join(' ')
    case 'unknown':
      return command
  }
}

/** Source: the Cargo book, "Target auto-discovery": `tests/<name>.rs` and `tests/<name>/main.rs`. */
function cargoTarget(path: string): string {
  return path.replace(/(\/main)?\.rs$/, '').replace(/^.*\//, '')
}

function quoted(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

// --- reasons that languages share ---------------------------------------------------------------------------------------

/** The machine, not the code: it says nothing about the change. */
export const ENVIRONMENT =
  /\b(?:ECONN\w+|EADDR\w+|ENOENT|EACCES|EPERM|ENOSPC|EMFILE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)\b|out of memory|command not found/

/** Failures of a kind first; in each as they came. */
export function worst(kinds: readonly FailureKind[]): FailureKind | null {
  return (['other', 'absence', 'assertion'] as const).find((kind) => kinds.includes(kind)) ?? null
}
