// What test runners really printed, and what is read out of it.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { javascriptKind } from '../../src/questions/read-javascript'
import { readOutput } from '../../src/questions/read-output'
import { commandLine, type Runner, suitesOf } from '../../src/questions/runners'

const recorded = (name: string) => readFileSync(new URL(`../fixtures/runners/${name}.txt`, import.meta.url), 'utf8')
const known = { ownsModule: (name: string) => name === 'shop' }

/** `kind test: what it said` of each failure. */
function read(runner: Runner, name: string) {
  const run = readOutput(runner, recorded(name), known)
  if (run === null) throw new Error(`no reader for ${runner}`)
  return {
    failures: run.failures.map(({ kind, test: which, said }) => `${kind} | ${which} | ${said}`),
    passing: run.passing,
  }
}

describe('recorded outputs', () => {
  test('vitest', () => {
    expect(read('vitest', 'vitest')).toEqual({
      failures: [
        "absence | tests/b.test.ts | Error: Cannot find module '../src/missing' imported from /repo/tests/b.test.ts",
        'other | tests/c.test.ts | Error: Transform failed with 1 error:',
        "assertion | tests/a.test.ts > price > refuses a negative amount | AssertionError: expected function to throw an error, but it didn't",
        'assertion | tests/a.test.ts > price > equals | AssertionError: expected 1 to be 2 // Object.is equality',
        'absence | tests/a.test.ts > price > absent function | TypeError: discount is not a function',
        "assertion | tests/a.test.ts > price > crashes | TypeError: Cannot read properties of undefined (reading 'b')",
        'other | tests/a.test.ts > price > hangs | Error: Test timed out in 200ms.',
      ],
      passing: ['keeps'],
    })
  })

  test('node:test', () => {
    expect(read('node', 'node')).toEqual({
      failures: [
        'assertion | refuses a negative amount | AssertionError: Missing expected exception (RangeError).',
        'assertion | equals | AssertionError: Expected values to be strictly equal:',
        'absence | absent | TypeError: all.discount is not a function',
        "assertion | crashes | TypeError: Cannot read properties of undefined (reading 'b')",
        'other | hangs | Error: test timed out after 100ms',
        'assertion | top | AssertionError: no',
        "absence | /repo/test/b.test.js | SyntaxError: The requested module '../src/price.js' does not provide an export named 'discount'",
        "absence | /repo/test/c.test.js | Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/repo/src/missing.js' imported from /repo/test/c.test.js",
        'other | /repo/test/d.test.js | SyntaxError: Unexpected end of input',
      ],
      passing: ['keeps'],
    })
  })

  test('pytest', () => {
    expect(read('pytest', 'pytest')).toEqual({
      failures: [
        "other | test_fixture | fixture 'nothing' not found",
        "assertion | test_negative | Failed: DID NOT RAISE <class 'ValueError'>",
        'assertion | test_equals | assert 1 == 2',
        "absence | test_absent | AttributeError: module 'shop.price' has no attribute 'discount'",
        "absence | test_keyword | TypeError: price() got an unexpected keyword argument 'rate'",
        "assertion | test_crash | KeyError: 'a'",
        'assertion | test_many[1] | assert 1 == 2',
        'assertion | TestGroup.test_in | assert 3 == 4',
      ],
      passing: ['test_keeps', 'test_many'],
    })
    expect(read('pytest', 'pytest-collect').failures).toEqual([
      "absence | tests/test_b.py | ImportError: cannot import name 'discount' from 'shop.price' (/repo/shop/price.py)",
      "absence | tests/test_c.py | ModuleNotFoundError: No module named 'shop.nothing'",
      'other | tests/test_d.py | SyntaxError: invalid syntax',
    ])
  })

  test('a package that is not installed is the fault of the machine', () => {
    const foreign = { ownsModule: () => false }
    const kinds = readOutput('pytest', recorded('pytest-collect'), foreign)?.failures.map(({ kind }) => kind)
    expect(kinds).toEqual(['other', 'other', 'other'])
  })

  test('cargo', () => {
    expect(read('cargo', 'cargo')).toEqual({
      failures: [
        'assertion | crashes | index out of bounds: the len is 0 but the index is 0',
        'assertion | equals | assertion `left == right` failed',
        'assertion | negative | assertion failed: price(-1).is_err()',
        'assertion | panics | note: test did not panic as expected at tests/price.rs:10:4',
      ],
      passing: ['keeps'],
    })
    expect(read('cargo', 'cargo-absent').failures).toEqual([
      'absence | it does not compile | E0432: unresolved import `shop::discount`',
    ])
    expect(read('cargo', 'cargo-typed').failures).toEqual(['other | it does not compile | E0308: mismatched types'])
    expect(read('cargo', 'cargo-syntax').failures).toEqual([
      'other | it does not compile | this file contains an unclosed delimiter',
    ])
  })

  test('nothing is read out of what is no output of a runner', () => {
    for (const runner of ['vitest', 'node', 'pytest', 'cargo'] as const) {
      expect(readOutput(runner, 'hello\n\u0000 FAIL\n', known)).toEqual({ failures: [], passing: [] })
    }
    expect(readOutput('unknown', recorded('cargo'), known)).toBeNull()
  })
})

test.each([
  ['AssertionError: expected 1 to be 2', 'assertion'],
  ['Error: Snapshot `price 1` mismatched', 'assertion'],
  ['RangeError: negative', 'assertion'],
  ["Error: Cannot find module '../src/tax'", 'absence'],
  ["Error: Cannot find package 'left-pad' imported from /repo/a.ts", 'other'],
  ['Error: Failed to resolve import "./tax" from "tests/a.test.ts". Does the file exist?', 'absence'],
  ['Error: Failed to resolve import "left-pad" from "tests/a.test.ts". Does the file exist?', 'other'],
  ["SyntaxError: The requested module './a' does not provide an export named 'x'", 'absence'],
  ['TypeError: Tax is not a constructor', 'absence'],
  ['ReferenceError: tax is not defined', 'absence'],
  ['SyntaxError: Unexpected token', 'other'],
  ['Error: Test timed out in 5000ms.', 'other'],
  ['Error: connect ECONNREFUSED 127.0.0.1:5432', 'other'],
])('%s is %s', (said, kind) => {
  expect(javascriptKind(said)).toBe(kind)
})

describe('which command runs which files', () => {
  const tree = (files: Record<string, string>) => ({
    read: (path: string) => files[path] ?? null,
    has: (path: string) => files[path] !== undefined,
  })
  const script = (text: string) => ({ 'package.json': JSON.stringify({ scripts: { test: text } }) })
  const lines = (paths: string[], files: Record<string, string>, command?: string) =>
    suitesOf(paths, tree(files), command).map((suite) => commandLine(suite))

  test.each([
    [['tests/a.test.ts'], script('vitest run'), ['npm run test -- --reporter=verbose tests/a.test.ts']],
    [
      ['a.test.js', "it's.test.js"],
      script('node --test'),
      ["npm run test -- --test-reporter=tap a.test.js 'it'\\''s.test.js'"],
    ],
    [['a.test.ts'], { ...script('vitest'), 'pnpm-lock.yaml': '' }, ['pnpm run test --reporter=verbose a.test.ts']],
    [['a.test.ts'], script('tsc && vitest run'), ['npm run test']],
    [['a.test.ts'], { 'package.json': '{' }, []],
    [['a.test.ts'], {}, []],
    [['tests/test_a.py'], {}, ['pytest -rfEp --tb=short --continue-on-collection-errors tests/test_a.py']],
    [
      ['tests/a.rs', 'tests/b/main.rs', 'x_test.go'],
      { 'Cargo.toml': '', 'go.mod': '' },
      ['cargo test --no-fail-fast --test a --test b', 'go test ./...'],
    ],
    [['-rf.test.js'], script('node --test'), ['npm run test -- --test-reporter=tap ./-rf.test.js']],
  ])('%j', (paths, files, wanted) => {
    expect(lines(paths, files as Record<string, string>)).toEqual(wanted)
  })

  test('a command that somebody gives', () => {
    const paths = ['a.test.ts', 'test_a.py']
    expect(lines(paths, script('vitest run'), 'npx vitest run')).toEqual([
      'npx vitest run --reporter=verbose a.test.ts',
    ])
    expect(lines(paths, script('vitest run'), 'npm run test')).toEqual(['npm run test -- --reporter=verbose a.test.ts'])
    expect(lines(paths, {}, 'make check')).toEqual(['make check'])
    expect(lines(paths, {}, 'vitest run; true')).toEqual(['vitest run; true'])
  })
})
