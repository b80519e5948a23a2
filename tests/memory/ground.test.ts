import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cited, dangling, groundOf } from '../../src/memory/ground'

const entry = (text: string, paths: string[] = [], links: string[] = []) => ({ text, paths, links })
const FILES = ['README.md', 'package.json', 'src/auth/token.ts', 'src/auth/login/page.tsx', 'infra/main.tf']
const COMMIT = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d'
const ground = groundOf(FILES, (id) => COMMIT.startsWith(id))

describe('what is cited', () => {
  test.each([
    ['see `src/auth/token.ts`', ['src/auth/token.ts']],
    ['`src/auth/token.ts:12` and `./infra/main.tf:3:9`', ['src/auth/token.ts', 'infra/main.tf']],
    ['in `src/auth/`', ['src/auth/']],
    ['`package.json`, `main.tf`', ['package.json', 'main.tf']],
    ['`application/json`, `origin/main`, `and/or`, `@scope/pkg`, `a.b`, `.env`, `1.2`', []],
    ['`https://example.com/a.ts`, `$HOME/x.ts`, `<dir>/x.ts`, `src/**/x.ts`, `a b.ts`, `/etc/a.conf`, `../x.ts`', []],
    ['```ts\nimport "`src/gone.ts`"\n```\nand `src/x.go`', ['src/x.go']],
    ['src/auth/token.ts without backticks', []],
  ])('%j → %j', (text, paths) => {
    expect(cited(entry(text)).paths).toEqual(paths)
  })

  test.each([
    [`since commit ${COMMIT}`, [COMMIT]],
    ['`1a2b3c4` broke it', ['1a2b3c4']],
    ['`deadbeef`, `1234567`, `abcdefg`, `12ab`', []],
  ])('%j → commits %j', (text, commits) => {
    expect(cited(entry(text)).commits).toEqual(commits)
  })

  test('links and globs count, too; each once', () => {
    expect(cited(entry('`1a2b3c4`', ['src/**', 'src/**'], ['sha1:1a2b3c4', 'plan:x']))).toEqual({
      paths: [],
      globs: ['src/**'],
      commits: ['1a2b3c4'],
    })
  })
})

describe('what is not there', () => {
  test('is named as it was cited', () => {
    const text = '`src/auth/token.ts`, `src/auth/gone.ts`, `src/nowhere/`, `9f8e7d6c`'
    expect(dangling(cited(entry(text, ['src/**', 'lib/**'])), ground)).toEqual([
      'src/auth/gone.ts',
      'src/nowhere/',
      'lib/**',
      '9f8e7d6c',
    ])
  })

  test('the end of a path is enough', () => {
    const text = '`auth/token.ts`, `token.ts`, `login/`, `auth/login/page.tsx`, `src/auth/`'
    expect(dangling(cited(entry(text)), ground)).toEqual([])
    expect(dangling(cited(entry('`oken.ts`')), ground)).toEqual(['oken.ts'])
  })

  test('a commit is asked for once', () => {
    const asked: string[] = []
    const counting = groundOf([], (id) => asked.push(id) > 99)
    for (let i = 0; i < 3; i++) dangling(cited(entry('`1a2b3c4`')), counting)
    expect(asked).toEqual(['1a2b3c4'])
  })
})

test('any text is read in time, and what is tracked never dangles', () => {
  const piece = fc.oneof(
    fc.constantFrom('`', '```', '~~~', '\n', '/', '.ts', 'commit ', '1a2b3c4', ...FILES.map((file) => `\`${file}\``)),
    fc.string({ maxLength: 5 }),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
      (text) => {
        for (const one of dangling(cited(entry(text)), ground)) expect(FILES).not.toContain(one)
      },
    ),
  )
  const long = '`'.repeat(30_000) + '```\n'.repeat(5_000)
  const before = performance.now()
  cited(entry(long))
  expect(performance.now() - before).toBeLessThan(2_000)
})
