// Predicates: each form as a table, what is refused and with which words, and text and JSON both ways.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commandOf,
  formatPredicate,
  MAX_PREDICATE,
  type Predicate,
  parsePredicate,
  predicateJson,
  type Question,
  regexOf,
} from '../../src/plan/predicate'

function parsed(line: string | Record<string, unknown>): Predicate {
  const predicate = parsePredicate(line)
  if ('problem' in predicate) throw new Error(`${JSON.stringify(line)}: ${predicate.problem}`)
  return predicate
}

function problem(line: string | Record<string, unknown>): string {
  const predicate = parsePredicate(line)
  return 'problem' in predicate ? predicate.problem : `read as ${predicate.text}`
}

const HEX = 'a'.repeat(64)

describe('forms', () => {
  test.each<[string, Question, string?]>([
    ['exit 0 : npm test', { form: 'exit', code: 0, command: 'npm test' }],
    ['exit 2:grep -q x y', { form: 'exit', code: 2, command: 'grep -q x y' }, 'exit 2 : grep -q x y'],
    ['exit 0 : a : b', { form: 'exit', code: 0, command: 'a : b' }],
    ['out /ok/ : make', { form: 'output', pattern: 'ok', flags: '', negated: false, command: 'make' }],
    [
      'out !/error|fail/im : make',
      { form: 'output', pattern: 'error|fail', flags: 'im', negated: true, command: 'make' },
    ],
    ['out /a\\/[/]b/ : x', { form: 'output', pattern: 'a\\/[/]b', flags: '', negated: false, command: 'x' }],
    ['path exists src/*.ts', { form: 'path', check: 'exists', glob: 'src/*.ts' }],
    ['path absent dist/**', { form: 'path', check: 'absent', glob: 'dist/**' }],
    ['path nonempty docs/a file.md', { form: 'path', check: 'nonempty', glob: 'docs/a file.md' }],
    [
      `path sha256=${HEX.toUpperCase()} LICENSE`,
      { form: 'path', check: 'sha256', hex: HEX, file: 'LICENSE' },
      `path sha256=${HEX} LICENSE`,
    ],
    [
      'text /TODO/ in src/**',
      { form: 'text', pattern: 'TODO', flags: '', glob: 'src/**', count: { op: '>=', n: 1 } },
      'text /TODO/ in src/** >=1',
    ],
    ['text /x/s in a b.md ==0', { form: 'text', pattern: 'x', flags: 's', glob: 'a b.md', count: { op: '==', n: 0 } }],
    [
      'text / in / in src/in >=2',
      { form: 'text', pattern: ' in ', flags: '', glob: 'src/in', count: { op: '>=', n: 2 } },
    ],
    ['text /x/ in src/** absent', { form: 'text', pattern: 'x', flags: '', glob: 'src/**', count: 'absent' }],
    [
      'value package.json /version == "1.0.0"',
      { form: 'value', source: { file: 'package.json' }, pointer: '/version', op: '==', literal: '1.0.0' },
    ],
    [
      'value $(npm run -s stats) /a/b >= 3',
      { form: 'value', source: { command: 'npm run -s stats' }, pointer: '/a/b', op: '>=', literal: 3 },
    ],
    [
      'value $(echo $(cat x) /a == 3) "" in [1, "b"]',
      { form: 'value', source: { command: 'echo $(cat x) /a == 3' }, pointer: '', op: 'in', literal: [1, 'b'] },
      'value $(echo $(cat x) /a == 3) "" in [1,"b"]',
    ],
    [
      'value my file.yaml /a~1b != {"x": [null, true]}',
      { form: 'value', source: { file: 'my file.yaml' }, pointer: '/a~1b', op: '!=', literal: { x: [null, true] } },
      'value my file.yaml /a~1b != {"x":[null,true]}',
    ],
    ['diff within a/**, b/*', { form: 'diff', check: 'within', globs: ['a/**', 'b/*'] }],
    [
      'diff within src/{a,b}/**,c',
      { form: 'diff', check: 'within', globs: ['src/{a,b}/**', 'c'] },
      'diff within src/{a,b}/**, c',
    ],
    ['diff touches tests/**', { form: 'diff', check: 'touches', globs: ['tests/**'] }],
    ['diff max 400 lines', { form: 'diff', check: 'max', lines: 400 }],
  ])('%s', (line, question, canonical = line) => {
    expect(parsed(line)).toEqual({ ...question, red: false, text: canonical })
    expect(parsed(`${line} @red`)).toEqual({ ...question, red: true, text: `${canonical} @red` })
    expect(parsed(`  \`${line}\` `)).toEqual(parsed(line))
  })

  test('the command is exactly what runs', () => {
    expect(commandOf(parsed('exit 0 : a  "b"   c @red'))).toBe('a  "b"   c')
    expect(commandOf(parsed('out /x/ : y'))).toBe('y')
    expect(commandOf(parsed('value $( jq . f ) /a == 1'))).toBe('jq . f')
    expect(commandOf(parsed('value f.json /a == 1'))).toBeNull()
    expect(commandOf(parsed('path exists a'))).toBeNull()
  })

  test('the regex works with its flags', () => {
    const predicate = parsed('out /^two$/m : x')
    expect(predicate.form === 'output' && regexOf(predicate).test('one\ntwo')).toBe(true)
  })
})

describe('refused', () => {
  test.each([
    ['It should work', /^This is prose.*`exit 0 : <command>`.*`diff within <globs>`/],
    ['', /prose/],
    ['manual: look at the page', /^`manual:` is not a predicate/],
    ['constructor 0 : x', /prose/],
    ['exit zero : npm test', /exit <code> : <command>/],
    ['exit 0 npm test', /exit <code> : <command>/],
    ['exit 256 : x', /0 to 255/],
    ['exit 0 :  ', /exit <code> : <command>/],
    ['out /(/ : x', /Invalid regular expression/],
    ['out /a/g : x', /flags i, m and s/],
    ['out // : x', /empty regex/],
    ['out /a : x', /no closing slash/],
    ['out a : x', /between slashes/],
    ['path exists', /path exists <glob>/],
    ['path there src', /no check of paths/],
    ['path sha256=abc f', /no check of paths/],
    ['path exists /etc/passwd', /does not name files of this repository/],
    ['path exists src/../../x', /does not name files/],
    ['path exists src\\x', /does not name files/],
    ['text /a/ of src', /text \/re\/ in <glob>/],
    ['text /a/ in src >=0', /true of every text/],
    ['value f.json version == 1', /json-pointer/],
    ['value f.json /version == 1.0.0', /JSON literal/],
    ['value f.json /version in 3', /stands a list/],
    ['value f.json /version < true', /number or a text/],
    ['value f.json /version == 1e999', /finite/],
    ['value $() /a == 1', /json-pointer/],
    ['value f.json /a~2b == 1', /json-pointer/],
    ['diff within a b', /separated by commas/],
    ['diff within a,,b', /path is missing/],
    ['diff max many lines', /diff max <n> lines/],
    ['diff over a', /diff within/],
    ['exit 0 : a\u0007', /control characters/],
    ['exit 0 : a\nb', /control characters/],
    ['exit 0 : a \u202e b', /change its direction/],
    [`exit 0 : ${'x'.repeat(MAX_PREDICATE)}`, /at most 4096/],
  ])('%s', (line, words) => {
    expect(problem(line)).toMatch(words)
    expect(problem(line)).toMatch(/[.!]$/)
  })

  test('objects that say less, more, or what no line can say', () => {
    const twin = { form: 'exit', code: 0, command: 'x', red: false }
    expect(parsed(twin).text).toBe('exit 0 : x')
    expect(parsed({ form: 'exit', code: 0, command: 'x' }).red).toBe(false)
    for (const bad of [
      {},
      { ...twin, form: 'manual' },
      { ...twin, code: '0' },
      { ...twin, code: 0.5 },
      { ...twin, command: '' },
      { ...twin, command: ' x' },
      { ...twin, command: 'x @red' },
      { ...twin, command: 'x\ny' },
      { ...twin, also: 1 },
      { ...twin, red: 'no' },
      { form: 'output', pattern: '(', flags: '', negated: false, command: 'x' },
      { form: 'text', pattern: 'x', flags: '', glob: 'a absent', count: null },
      { form: 'value', source: null, pointer: '/a', op: '==', literal: 1 },
      { form: 'value', source: { file: 'f' }, pointer: '/a', op: '=', literal: 1 },
      { form: 'diff', check: 'within', globs: [1] },
    ]) {
      expect(problem(bad), JSON.stringify(bad)).not.toMatch(/^read as/)
    }
  })

  test('a deeply nested literal does not exhaust the stack', () => {
    let literal: unknown = 1
    for (let i = 0; i < 100_000; i++) literal = [literal]
    expect(problem({ form: 'value', source: { file: 'f' }, pointer: '/a', op: '==', literal })).toMatch(/levels deep/)
  })
})

const word = fc.stringMatching(/^[a-z0-9_.*@{}?-]{1,8}$/).filter((text) => text !== '..')
const glob = fc.array(word, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
const line = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }).map((text) => text.trim())
const source = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' })
const flags = fc.constantFrom('', 'i', 'm', 's', 'im', 'ims')
const red = fc.boolean()
const count = fc.oneof(
  fc.constant('absent' as const),
  fc.record({ op: fc.constantFrom('>=' as const, '==' as const), n: fc.integer({ min: 1, max: 99 }) }),
)
const twin = fc.oneof(
  fc.record({ form: fc.constant('exit'), code: fc.integer({ min: 0, max: 255 }), command: line, red }),
  fc.record({ form: fc.constant('output'), pattern: source, flags, negated: fc.boolean(), command: line, red }),
  fc.record({ form: fc.constant('path'), check: fc.constantFrom('exists', 'absent', 'nonempty'), glob, red }),
  fc.record({ form: fc.constant('text'), pattern: source, flags, glob: fc.oneof(glob, line), count, red }),
  fc.record({
    form: fc.constant('value'),
    source: fc.oneof(fc.record({ file: glob }), fc.record({ command: line })),
    pointer: fc.constantFrom('', '/a', '/a/0/b~1c'),
    op: fc.constantFrom('==', '!=', 'in', '<'),
    literal: fc.jsonValue({ maxDepth: 3 }),
    red,
  }),
  fc.record({
    form: fc.constant('diff'),
    check: fc.constantFrom('within', 'touches'),
    globs: fc.array(glob, { minLength: 1 }),
    red,
  }),
)

test('whatever is read is written and read as the same, as text and as JSON', () => {
  let read = 0
  fc.assert(
    fc.property(twin, (object) => {
      const predicate = parsePredicate(object)
      if ('problem' in predicate) return
      read++
      expect(parsePredicate(formatPredicate(predicate))).toEqual(predicate)
      expect(parsePredicate(predicateJson(predicate))).toEqual(predicate)
      expect(parsePredicate(JSON.parse(JSON.stringify(predicate)))).toEqual(predicate)
      expect(predicate.text).toBe(formatPredicate(predicate))
      if ('command' in object) expect(commandOf(predicate)).toBe(object.command)
    }),
    { numRuns: 3000 },
  )
  expect(read, 'most objects were predicates').toBeGreaterThan(1500)
})

test('no line throws, and every line that is read round-trips', () => {
  const start = fc.constantFrom(
    'exit 0 : ',
    'out /',
    'path exists ',
    'text /a/ in ',
    'value ',
    'value $(',
    'diff within ',
    '',
  )
  const rest = fc.string({ maxLength: 40, unit: fc.constantFrom(...'ab/ :)($"@red[]{},=<>!~*\\`1-in'.split('')) })
  fc.assert(
    fc.property(start, rest, (head, tail) => {
      const predicate = parsePredicate(head + tail)
      if (!('problem' in predicate)) expect(parsePredicate(predicate.text)).toEqual(predicate)
    }),
    { numRuns: 5000 },
  )
})

test('a long hostile line is refused in linear time', () => {
  const hostile = [' ', '/a == ', ') /a == ', '`', '{', 'a /b', '[', '\\'].map((piece) =>
    piece.repeat(MAX_PREDICATE / piece.length - 30),
  )
  const started = performance.now()
  for (const head of ['value ', 'value $(', 'text /a/ in ', 'out /', 'diff within ', 'exit 0 : ', '']) {
    for (const tail of hostile) parsePredicate(`${head}${tail}x`)
  }
  expect(performance.now() - started).toBeLessThan(2000)
})
