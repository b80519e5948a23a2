// What test runners print, read: each failed test with its reason, and the names of those that passed. Pure.

import { readTap, readVitest } from './read-javascript'
import { ENVIRONMENT, type Runner } from './runners'
import type { Failure, FailureKind } from './schema'

export interface TestRun {
  failures: Failure[]
  /** Names as the test file has them, without groups and parameters. */
  passing: string[]
}

export interface Known {
  /** Is a top-level Python module of this name one of the repository's own, before or after the change? */
  ownsModule(name: string): boolean
}

/** Null for what no reader exists for. */
export function readOutput(runner: Runner, text: string, known: Known): TestRun | null {
  switch (runner) {
    case 'vitest':
      return readVitest(text)
    case 'node':
      return readTap(text)
    case 'pytest':
      return readPytest(text, known)
    case 'cargo':
      return readCargo(text)
    case 'unknown':
      return null
  }
}

// --- pytest ---------------------------------------------------------------------------------------------------------------

/** Source: pytest 7 to 9 with `-rfEp --tb=short`, recorded. */
export function readPytest(text: string, known: Known): TestRun {
  const [, ...sections] = text.split(/^_{3,} (.+?) _{3,}$/m)
  const failures: Failure[] = []
  for (let i = 0; i + 1 < sections.length; i += 2) {
    const title = sections[i] ?? ''
    const body = (sections[i + 1] ?? '').split(/^={3,} /m)[0] ?? ''
    const errors = body.split('\n').flatMap((line) => /^E {3}(.*)$/.exec(line)?.[1] ?? [])
    const early = /^ERROR (?:collecting|at (?:setup|teardown) of) (.*)$/.exec(title)?.[1]
    const kind = pythonKind(errors.join('\n'), known)
    failures.push({
      test: early ?? title,
      // Before the test began there was no expectation that could fail.
      kind: early !== undefined && kind === 'assertion' ? 'other' : kind,
      said: (errors.find((line) => /^\w[\w.]*(?:Error|Exception)\b/.test(line)) ?? errors[0] ?? 'it said nothing')
        .trim()
        .slice(0, 200),
    })
  }
  const passing = [...text.matchAll(/^PASSED \S.*?::([^\n]+)$/gm)].map(([, id = '']) => {
    return (id.split('::').at(-1) ?? id).replace(/\[.*\]$/, '')
  })
  return { failures, passing }
}

function pythonKind(said: string, { ownsModule }: Known): FailureKind {
  const type = /^(?:[\w.]+\.)?(\w+)(?=:|$)/m.exec(said)?.[1] ?? ''
  if (/^(?:Syntax|Indentation|Tab)Error\b/m.test(said) || /^fixture '.*' not found/m.test(said)) return 'other'
  const module = /ModuleNotFoundError: No module named '([^']+)'/.exec(said)?.[1]
  if (module !== undefined) return ownsModule(module.split('.')[0] ?? '') ? 'absence' : 'other'
  const from = /ImportError: cannot import name '.*' from (?:partially initialized module )?'([^']+)'/.exec(said)?.[1]
  if (from !== undefined) return ownsModule(from.split('.')[0] ?? '') ? 'absence' : 'other'
  if (/^assert\b|^AssertionError\b|^Failed: DID NOT RAISE/m.test(said)) return 'assertion'
  if (
    /^Failed: Timeout|^(?:ConnectionError|ConnectionRefusedError|PermissionError|FileNotFoundError|TimeoutError|OSError|ImportError)\b/m.test(
      said,
    )
  )
    return 'other'
  if (/^(?:NameError|NotImplementedError)\b/m.test(said)) return 'absence'
  if (/^AttributeError: (?!'NoneType')/m.test(said)) return 'absence'
  if (/^TypeError: .*(?:unexpected keyword argument|positional arguments?)/m.test(said)) return 'absence'
  return type === '' || ENVIRONMENT.test(said) ? 'other' : 'assertion'
}

// --- cargo ----------------------------------------------------------------------------------------------------------------

/** Errors of rustc that say: there is no such name, field, method, variant or parameter. Source: the index of rustc's errors. */
const ABSENT = new Set([
  ...['E0405', 'E0407', 'E0412', 'E0422', 'E0423', 'E0425', 'E0432', 'E0433', 'E0531', 'E0573', 'E0574'],
  ...[
    'E0026',
    'E0027',
    'E0061',
    'E0063',
    'E0107',
    'E0560',
    'E0576',
    'E0599',
    'E0603',
    'E0609',
    'E0614',
    'E0616',
    'E0624',
  ],
])

/** Source: cargo 1.60 to 1.95, recorded. */
export function readCargo(text: string): TestRun {
  const failures: Failure[] = []
  for (const [, code, said = ''] of text.matchAll(/^error(?:\[(E\d+)\])?: (.+)$/gm)) {
    if (/^(?:could not compile|test failed|\d+ targets? failed|aborting due to|process didn't exit)/.test(said)) {
      const signal = /^process didn't exit.*\(signal: .*\)/.exec(said)
      if (signal !== null) failures.push({ test: 'a whole target', kind: 'other', said: signal[0] })
      continue
    }
    const kind = code !== undefined && ABSENT.has(code) ? 'absence' : 'other'
    failures.push({
      test: 'it does not compile',
      kind,
      said: `${code === undefined ? '' : `${code}: `}${said}`.slice(0, 200),
    })
  }
  const [, ...blocks] = text.split(/^---- (.+?) stdout ----$/m)
  for (let i = 0; i + 1 < blocks.length; i += 2) {
    const body = (blocks[i + 1] ?? '').split(/^failures:$/m)[0] ?? ''
    const lines = body.split('\n').filter((line) => line.trim() !== '')
    const at = lines.findIndex((line) => /panicked at /.test(line))
    // Since 1.73 the message stands on the lines below the place; before, in quotes in front of it.
    const said =
      at < 0
        ? (lines.at(-1) ?? 'it said nothing')
        : (/panicked at '(.*)', /.exec(lines[at] ?? '')?.[1] ?? lines[at + 1] ?? '')
    failures.push({ test: blocks[i] ?? '', kind: panicKind(body), said: said.trim().slice(0, 200) })
  }
  const passing = [...text.matchAll(/^test (\S+)(?: - should panic)? \.\.\. ok$/gm)].map(([, name = '']) => name)
  return { failures, passing: passing.map((name) => name.split('::').at(-1) ?? name) }
}

function panicKind(body: string): FailureKind {
  if (/^not (?:yet )?implemented|panicked at 'not (?:yet )?implemented/m.test(body)) return 'absence'
  return /\bkind: (?:NotFound|PermissionDenied|ConnectionRefused|AddrInUse|TimedOut)\b/.test(body)
    ? 'other'
    : 'assertion'
}
