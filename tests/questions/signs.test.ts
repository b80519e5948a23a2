// What the lines of a change say: which files are tests, what asserts a failure, what is left over, which rule holds. No git.

import { describe, expect, test } from 'vitest'
import { addedLines, type ChangeSet, changedFile } from '../../src/questions/change'
import { roleOf } from '../../src/questions/conventions'
import { recordsRootCause, rulesFor } from '../../src/questions/rules'
import { leftovers, negativeTests } from '../../src/questions/signs'

const OID = '0'.repeat(40)

/** A change that adds these files. */
function adding(files: Record<string, string>): ChangeSet {
  const after = { mode: '100644', oid: OID }
  return {
    base: OID,
    head: OID,
    files: Object.entries(files).map(([path, text]) => changedFile(path, after, '', text)),
  }
}

describe('what is a test', () => {
  test.each([
    ['src/a.test.ts', 'test'],
    ['src/a.spec.jsx', 'test'],
    ['test.js', 'test'],
    ['src/__tests__/helper.ts', 'support'],
    ['tests/support/world.ts', 'support'],
    ['tests/__snapshots__/a.test.ts.snap', 'support'],
    ['test/a.js', 'test'],
    ['tests/test_a.py', 'test'],
    ['shop/a_test.py', 'test'],
    ['conftest.py', 'support'],
    ['vitest.config.ts', 'support'],
    ['pkg/a_test.go', 'test'],
    ['tests/a.rs', 'test'],
    ['crates/x/tests/a/main.rs', 'test'],
    ['tests/common/mod.rs', 'support'],
    ['src/lib.rs', 'source'],
    ['src/contest.ts', 'source'],
    ['src/latest.py', 'source'],
    ['src/test_bench/x.ts', 'source'],
    ['README.md', 'other'],
    ['package.json', 'other'],
  ])('%s is %s', (path, role) => {
    expect(roleOf(path)).toBe(role)
  })
})

test('a line that only moved is not new', () => {
  expect(addedLines('a\nb\n', 'b\na\nc\n\na\n')).toEqual([
    { line: 3, text: 'c' },
    { line: 5, text: 'a' },
  ])
})

describe('lines that assert a failure', () => {
  test.each([
    ['a.test.ts', 'expect(() => f()).toThrow()'],
    ['a.test.ts', 'await expect(f()).rejects.toMatchObject({})'],
    ['a.test.ts', 'assert.throws(() => f())'],
    ['a.test.ts', 'expect(ok(-1)).toBe(false)'],
    ['a.test.ts', 'expect(response.status).toBe(404)'],
    ['test_a.py', '    with pytest.raises(ValueError):'],
    ['test_a.py', '        self.assertRaises(ValueError, f)'],
    ['test_a.py', '    assert response.status_code == 403'],
    ['test_a.py', '    assert not valid(-1)'],
    ['tests/a.rs', '    assert!(f(-1).is_err());'],
    ['tests/a.rs', '    assert_eq!(f(-1), Err(Refused));'],
    ['tests/a.rs', '#[should_panic]'],
    ['a_test.go', '\tassert.Error(t, err)'],
  ])('%s: %s', (path, line) => {
    const found = negativeTests(adding({ [path]: `first\n${line}\n` }))
    expect(found).toMatchObject([{ path, line: 2, text: line.trim() }])
  })

  test.each([
    ['a.test.ts', 'expect(f()).toBe(200)'],
    ['a.test.ts', '// expect(() => f()).toThrow()'],
    ['test_a.py', '    # pytest.raises(ValueError)'],
    ['test_a.py', '    assert status == 200'],
    ['src/b.ts', 'expect(() => f()).toThrow()'],
    ['NOTES.md', 'expect(() => f()).toThrow()'],
  ])('none in %s: %s', (path, line) => {
    expect(negativeTests(adding({ [path]: `${line}\n` }))).toEqual([])
  })

  test('in Rust code, only below its tests', () => {
    const code =
      'pub fn f() -> Result<(), ()> { Err(()) }\n#[cfg(test)]\nmod t {\n  #[test]\n  fn t() { assert!(super::f().is_err()) }\n}\n'
    expect(negativeTests(adding({ 'src/lib.rs': code })).map(({ line }) => line)).toEqual([5])
  })
})

describe('what is left over', () => {
  test.each([
    ['src/a.ts', '// TODO: later', 'marker'],
    ['src/a.ts', '/* FIXME */', 'marker'],
    ['a.test.ts', "it.skip('x', () => {})", 'skipped test'],
    ['a.test.ts', "xit('x', () => {})", 'skipped test'],
    ['a.test.ts', "describe.only('x', () => {})", 'skipped test'],
    ['test_a.py', '@pytest.mark.skip', 'skipped test'],
    ['tests/a.rs', '#[ignore]', 'skipped test'],
    ['a_test.go', '\tt.Skip("later")', 'skipped test'],
    ['src/b.rs', '    todo!()', 'placeholder'],
    ['shop/b.py', '    raise NotImplementedError', 'placeholder'],
    ['src/b.ts', 'export const user = vi.fn()', 'mock'],
    ['src/b.ts', "const mockUser = { name: 'x' }", 'mock'],
    ['shop/b.py', 'from unittest.mock import MagicMock', 'mock'],
  ])('%s: %s', (path, line, kind) => {
    expect(leftovers(adding({ [path]: `first\n${line}\n` }))).toMatchObject([{ path, line: 2, kind }])
  })

  test.each([
    ['src/a.ts', '// TODO(#12): later'],
    ['src/a.ts', '// TODO ABC-7'],
    ['src/a.ts', 'const todoList = []'],
    ['a.test.ts', 'const user = vi.fn()'],
    ['README.md', 'TODO: write this'],
    ['src/a.ts', 'hackathon.skip()'],
  ])('nothing in %s: %s', (path, line) => {
    expect(leftovers(adding({ [path]: `${line}\n` }))).toEqual([])
  })
})

describe('rules', () => {
  test.each<[string, string, Record<string, string>, string[]]>([
    ['code without tests', 'feat: x', { 'src/a.ts': 'x\n' }, ['tests false']],
    ['with tests', 'feat: x', { 'src/a.ts': 'x\n', 'a.test.ts': 'x\n' }, ['tests true']],
    ['with a reason', 'feat: x\n\nTests: none generated code', { 'src/a.ts': 'x\n' }, ['tests true']],
    ['with no reason', 'feat: x\n\nTests: none', { 'src/a.ts': 'x\n' }, ['tests false']],
    ['a reason in the subject', 'Tests: none of them', { 'src/a.ts': 'x\n' }, ['tests false']],
    ['prose', 'docs: x', { 'README.md': 'x\n' }, []],
    ['a fix', 'fix: x', { 'src/a.ts': 'x\n', 'a.test.ts': 'x\n' }, ['tests true', 'root-cause false']],
    ['a fix of something', 'fix(auth)!: x', { 'README.md': 'x\n' }, ['root-cause false']],
    ['a fix with its cause', 'fix: x\n\nRoot-Cause: the clock', { 'README.md': 'x\n' }, ['root-cause true']],
    ['a fix with an empty cause', 'fix: x\n\nRoot-Cause:', { 'README.md': 'x\n' }, ['root-cause false']],
    ['no fix', 'fixtures: x', { 'README.md': 'x\n' }, []],
  ])('%s', (_, message, files, wanted) => {
    const rules = rulesFor({ change: adding(files), message })
    expect(rules.map(({ rule, holds }) => `${rule} ${holds}`)).toEqual(wanted)
  })

  test.each([
    ['Root cause: the clock', true],
    ['- **Root cause:** the clock', true],
    ['## Root cause\n\nThe clock of the server.\n', true],
    ['## Root cause\n\n## Fix\n', false],
    ['Root cause: TBD', false],
    ['Root cause:', false],
    ['We look for a cause.', false],
  ])('%j records a root cause: %s', (text, wanted) => {
    expect(recordsRootCause(text)).toBe(wanted)
  })
})
