// What the gate reads out of texts: patches, marks of undone work, and which commands a repository has.

import { describe, expect, test } from 'vitest'
import { readPatch, undone } from '../../src/gate/added'
import { detectTools } from '../../src/gate/tools'

describe('what is left undone', () => {
  test.each([
    '// TODO later',
    '# FIXME',
    'return 1 // XXX',
    '/* placeholder */',
    '// a placeholder for now',
    'todo!()',
    'raise NotImplementedError',
    "it.skip('works', () => {})",
    "test.only('works', () => {})",
    'xit("works")',
    '@pytest.mark.skip(reason="later")',
    '#[ignore]',
    't.Skip("later")',
  ])('%s', (text) => expect(undone([{ path: 'a', line: 1, text }])).toHaveLength(1))

  test.each([
    '// TODO(#12) later',
    '# FIXME ABC-12',
    "it.skip('works', () => {}) // 1.2-C03",
    '<input placeholder="Name">',
    'const todos = list()',
    'skip(3)',
    'exit(1)',
    'profit(1)',
  ])('not %s', (text) => expect(undone([{ path: 'a', line: 1, text }])).toEqual([]))

  test('a line of a file that looks like a header of a patch is a line', () => {
    const patch =
      '--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+++ b/TODO\n+@@ -1 +1 @@\n--- a/y\n+++ b/y\n@@ -3 +3 @@\n--- x\n+two\n'
    expect(readPatch(patch)).toEqual({
      changed: 4,
      added: [
        { path: 'x', line: 1, text: '++ b/TODO' },
        { path: 'x', line: 2, text: '@@ -1 +1 @@' },
        { path: 'y', line: 3, text: 'two' },
      ],
    })
  })
})

test.each([
  ['npm', { 'package.json': '{"scripts":{"test":"vitest","lint":"biome"}}' }, 'npm run lint', 'npm run test'],
  ['pnpm', { 'package.json': '{"scripts":{"test":"x"}}', 'pnpm-lock.yaml': '' }, null, 'pnpm run test'],
  ['yarn', { 'package.json': '{"scripts":{"test":"x"}}', 'yarn.lock': '' }, null, 'yarn run test'],
  ['npm init', { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' }, null, null],
  ['broken package.json', { 'package.json': '{' }, null, null],
  ['pytest', { 'pyproject.toml': '[tool.pytest.ini_options]\n[tool.ruff]\n' }, 'ruff check .', 'pytest'],
  ['pytest.ini', { 'pytest.ini': '' }, null, 'pytest'],
  ['go', { 'go.mod': 'module x' }, 'go vet ./...', 'go test ./...'],
  ['cargo', { 'Cargo.toml': '' }, null, 'cargo test'],
  ['make', { Makefile: 'test: all\n\ttrue\nlint := no\n' }, null, 'make test'],
  ['nothing', {}, null, null],
] as const)('detected: %s', (_name, files, lint, testing) => {
  const tools = detectTools(new Map(Object.entries(files)) as Parameters<typeof detectTools>[0])
  expect([tools.lint.command, tools.test.command]).toEqual([lint, testing])
})
