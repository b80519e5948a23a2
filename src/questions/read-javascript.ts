// What vitest and node:test print, read: which tests failed, and why. Pure.

import type { TestRun } from './read-output'
import { ENVIRONMENT } from './runners'
import type { Failure, FailureKind } from './schema'

/**
 * Why a JavaScript test failed, from the error's name and message. What is neither absent nor the machine's fault is an
 * exception that the test didn't expect: an assertion, too.
 */
export function javascriptKind(said: string): FailureKind {
  if (/^AssertionError\b|\bERR_ASSERTION\b|^Error: Snapshot /.test(said)) return 'assertion'
  const module = /Cannot find (?:module|package) '([^']+)'|Failed to (?:resolve import|load url) "?([^\s"]+)/.exec(said)
  // A bare name is an installed package: its lack is the machine's.
  if (module !== null) return /^(?:[./#~]|@\/|file:)/.test(module[1] ?? module[2] ?? '') ? 'absence' : 'other'
  if (ABSENT.test(said)) return 'absence'
  if (/SyntaxError|Transform failed|PARSE_ERROR|timed out|imeoutFailure|cancelledByParent|hookFailed/.test(said))
    return 'other'
  return ENVIRONMENT.test(said) ? 'other' : 'assertion'
}

const ABSENT =
  /does not provide an export named|No "[^"]+" export is defined|is not a (?:function|constructor)|is not defined\b|not (?:yet )?implemented/i

// --- vitest ---------------------------------------------------------------------------------------------------------------

/** Source: the default and the verbose reporter of vitest 1 to 4, recorded. */
export function readVitest(text: string): TestRun {
  const lines = text.split('\n')
  const failures: Failure[] = []
  let names: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const name = /^ ?FAIL {1,2}(\S.*)$/.exec(lines[i] ?? '')?.[1]
    if (name === undefined) {
      names = []
      continue
    }
    names.push(name)
    // The same error of several tests is printed once, below all their names.
    if (/^ ?FAIL /.test(lines[i + 1] ?? '')) continue
    const said = block(lines, i + 1)
    const kind = javascriptKind(said)
    for (const test of names) failures.push({ test: test.replace(/ \[ .* \]$/, ''), kind, said: firstLine(said) })
  }
  const passing = lines.flatMap((line) => /^\s*[✓√] (.+? > .+?)(?: \(.*\))?(?: {1,2}\d+ ?ms)?$/u.exec(line)?.[1] ?? [])
  return { failures, passing: passing.map((name) => name.split(' > ').at(-1) ?? name) }
}

/** Up to where the code is shown. */
function block(lines: readonly string[], from: number): string {
  const end = lines.findIndex((line, i) => i >= from && /^\s*(?:❯|⎯)|^ ?FAIL /u.test(line))
  return lines.slice(from, end < 0 ? from + 20 : end).join('\n')
}

export function firstLine(text: string): string {
  const line = text.split('\n').find((each) => each.trim() !== '') ?? 'it said nothing'
  return line.trim().slice(0, 200)
}

// --- node:test ------------------------------------------------------------------------------------------------------------

/** Source: the TAP reporter of node 18 to 24, recorded. */
export function readTap(text: string): TestRun {
  const lines = text.split('\n')
  const failures: Failure[] = []
  const passing: string[] = []
  let talk: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? ''
    if (line.startsWith('# ') && !line.startsWith('# Subtest: ')) talk.push(line.slice(2))
    const [, not, name = ''] = /^\s*(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (name === '') continue
    const facts = yaml(lines, i + 1)
    if (not === undefined) {
      if (!/ # (?:SKIP|TODO)/i.test(name) && !/^\s*type: 'suite'/m.test(facts)) passing.push(unescaped(name))
    } else if (!/failureType: 'subtestsFailed'| # TODO/.test(`${facts}${name}`)) {
      // A file that did not even load tells why in front, in its own words.
      const isFile = /^\s*exitCode: /m.test(facts)
      const said = isFile ? reasonIn(talk) : saidIn(facts)
      failures.push({
        test: unescaped(name),
        kind: isFile ? fileKind(said) : tapKind(facts, said),
        said: firstLine(said),
      })
    }
    talk = []
  }
  return { failures, passing }
}

/** A file that ends with an exception at its top never came to its expectations. */
function fileKind(said: string): FailureKind {
  return javascriptKind(said) === 'absence' ? 'absence' : 'other'
}

function tapKind(facts: string, said: string): FailureKind {
  if (/failureType: '(?:testTimeoutFailure|cancelledByParent|hookFailed)'/.test(facts)) return 'other'
  return /code: 'ERR_ASSERTION'/.test(facts) ? 'assertion' : javascriptKind(said)
}

/** The error's line among those of a crash. */
function reasonIn(talk: readonly string[]): string {
  return talk.find((line) => /^(?:Uncaught )?\w*Error\b/.test(line)) ?? talk.join('\n')
}

function yaml(lines: readonly string[], from: number): string {
  if (!/^\s*---$/.test(lines[from] ?? '')) return ''
  const end = lines.findIndex((line, i) => i > from && /^\s*\.\.\.$/.test(line))
  return lines.slice(from + 1, end < 0 ? undefined : end).join('\n')
}

function saidIn(facts: string): string {
  const name = /^\s*name: '(\w+)'/m.exec(facts)?.[1] ?? 'Error'
  const [, indent = '', value = ''] = /^(\s*)error: (.*)$/m.exec(facts) ?? []
  if (!value.startsWith('|')) return `${name}: ${value.replace(/^(['"])(.*)\1$/, '$2')}`
  const below = facts
    .slice(facts.indexOf(`${indent}error: |`))
    .split('\n')
    .slice(1)
  const end = below.findIndex((line) => line.trim() !== '' && !line.startsWith(`${indent}  `))
  return `${name}: ${below
    .slice(0, end < 0 ? undefined : end)
    .join('\n')
    .trim()}`
}

function unescaped(name: string): string {
  return name.replace(/\\([#\\])/g, '$1').trim()
}
