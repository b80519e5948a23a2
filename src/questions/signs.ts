// Lines that say something about a change: failure paths that are asserted, work that is left. Pure.

import { type ChangeSet, codeLines, testLines } from './change'
import { languageOf } from './conventions'

export interface Sign {
  path: string
  /** From 1. */
  line: number
  /** The line, trimmed and cut. Foreign. */
  text: string
  kind: string
}

type Rule = readonly [kind: string, pattern: RegExp]

/** How the languages' test libraries assert that something fails. */
const NEGATIVE: readonly Rule[] = [
  ['throws', /\.(?:toThrow\w*|throws?|throwsAsync|doesNotResolve)\s*\(|\.rejects\b|\bassert\.(?:throws|rejects)\s*\(/],
  ['raises', /\b(?:pytest\.raises|assertRaises\w*|assertWarns\w*)\s*\(|\bshould_panic\b/],
  ['error', /\bis_err\(\)|\bunwrap_err\(\)|\bexpect_err\(|\bErr\(|\bis_none\(\)|\berrors?\.(?:Is|As)\(/],
  ['error', /\b(?:assert|require)\.(?:Error|ErrorIs|ErrorContains|Panics\w*)\s*\(|\berr == nil\b/],
  ['false', /\bexpect\(.*\)\.(?:toBe\(false\)|toBeFalsy\(|toBeNull\(|toBeUndefined\(|not\.)/],
  [
    'false',
    /\bassert(?:\.equal|\.strictEqual|Equals?)?\(.*,\s*(?:false|False|null|None)\s*[,)]|\bassert(?:\.isFalse|False|IsNone)\s*\(/,
  ],
  ['false', /^\s*assert\s+not\b|^\s*assert\s+.*\bis (?:False|None)\b|\bassert!\(\s*!/],
  [
    'status',
    /\b(?:status\w*|code|exit\w*|returncode)\b[^\n]{0,40}?\b(?:[45]\d\d)\b|\b(?:toHaveStatus|expectStatus|assertStatus)\(\s*[45]\d\d/i,
  ],
]

const SKIPPED: readonly Rule[] = [
  [
    'skipped test',
    /\b(?:it|test|describe|suite|context)\.(?:skip|todo|only|fixme)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)\s*\(/,
  ],
  [
    'skipped test',
    /@(?:pytest\.mark\.(?:skip|skipif|xfail)|unittest\.(?:skip\w*|expectedFailure))|\bpytest\.skip\s*\(|\bself\.skipTest\s*\(/,
  ],
  ['skipped test', /#\[ignore\b|\bt\.Skip(?:f|Now)?\(|@(?:Ignore|Disabled)\b|\{\s*(?:skip|todo)\s*:\s*(?:true|['"`])/],
]

/** With an id behind it (`TODO(#12)`, `TODO ABC-7`) somebody keeps track of it. Source: the task gate's rule. */
const MARKER: Rule = [
  'marker',
  /\b(?:TODO|FIXME|XXX|HACK)\b(?!\s*[([:]?\s*(?:#\d+|[A-Z][A-Z0-9]+-\d+|\d+\.\d+-[A-Z]\d+))/,
]

const PLACEHOLDERS: readonly Rule[] = [
  [
    'placeholder',
    /\b(?:todo|unimplemented)!\(|\braise NotImplementedError\b|\bthrow new Error\(\s*['"`]not (?:yet )?implemented/i,
  ],
  ['placeholder', /\bpanic\("(?:not implemented|todo)/i],
]

const MOCKS: readonly Rule[] = [
  [
    'mock',
    /\b(?:jest|vi)\.(?:fn|mock|spyOn)\s*\(|\bsinon\.\w+\(|\bfrom ['"](?:nock|msw|sinon|testdouble)['"]|\brequire\(['"](?:nock|msw|sinon)['"]\)/,
  ],
  ['mock', /\b(?:from|import) (?:unittest(?:\.mock| import mock)|mock\b)|\b(?:Magic|Async)Mock\s*\(|\bmonkeypatch\b/],
  ['mock', /\bmockall::|#\[automock\]|\bgomock\.|\bgithub\.com\/stretchr\/testify\/mock\b|\bMockito\./],
  ['mock', /\b(?:const|let|var|function|static|fn|def|func)\s+(?:mock|fake|dummy|stub)(?:ed)?[A-Z_]\w*/],
  ['mock', /^\s*(?:mock|fake|dummy|stub)(?:ed)?_\w+\s*=/],
]

/** Assertions of failure paths in the tests that the change adds. */
export function negativeTests(change: ChangeSet): Sign[] {
  return change.files.flatMap((file) => signs(file.path, testLines(file), NEGATIVE))
}

/** What is left in the lines that the change adds: markers, placeholders, skipped tests, mocks in code. */
export function leftovers(change: ChangeSet): Sign[] {
  return change.files.flatMap((file) => {
    if (file.role === 'other') return []
    const inTests = testLines(file)
    const tests = signs(file.path, inTests, [MARKER, ...SKIPPED])
    const code = signs(file.path, codeLines(file), [MARKER, ...PLACEHOLDERS, ...MOCKS])
    return [...code, ...tests].sort((a, b) => a.line - b.line)
  })
}

const MOST = 200

function signs(path: string, lines: readonly { line: number; text: string }[], rules: readonly Rule[]): Sign[] {
  return lines.flatMap(({ line, text }) => {
    // A comment asserts nothing; markers and attributes stand in comments or begin like one.
    const isComment = commented(path, text)
    const rule = rules.find(([kind, pattern]) => (!isComment || kind === 'marker') && pattern.test(text))
    return rule === undefined ? [] : [{ path, line, text: text.trim().slice(0, MOST), kind: rule[0] }]
  })
}

function commented(path: string, text: string): boolean {
  return languageOf(path) === 'python' ? /^\s*#/.test(text) : /^\s*(?:\/\/|\/\*|\*)/.test(text)
}
