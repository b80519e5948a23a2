// `git dstack trust`: what a person sees before saying yes, and who is not asked at all.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod/mini'
import { outputs } from '../../src/cli/trust-outputs'
import { isRefusal } from '../../src/errors'
import { writeContract } from '../../src/plan/plan'
import { openStore } from '../../src/store/store'
import { commandsOf } from '../../src/trust/trust'
import { dstack, type Ran } from '../cli/shell'
import { Repo } from '../memory/repo'

const CONTRACT = `# Decomposition: Tokens

Goal: Tokens that refresh.

Acceptance:
- \`exit 0 : npm test\`
- \`path exists src\`

## Leaf 1.1: Refresh

Goal: They do.

Acceptance:
- \`out /ok/ : scripts/check.sh --strict\`
- \`value $(cat package.json) /version == "1"\`
- \`exit 0 : npm test\`
`

let repo: Repo
beforeEach(() => {
  repo = Repo.make()
  mkdirSync(join(repo.root, 'home'))
  repo.commit('first', { 'scripts/check.sh': 'echo ok\n', 'package.json': '{}' })
  const written = writeContract(openStore(repo.env()), 'tokens', CONTRACT)
  if (isRefusal(written)) throw new Error(written.message)
})
afterEach(() => repo.dispose())

/** Runs it as a person who gives these answers, one for each question. */
function run(args: string[], answers: boolean[] = [], vars: Record<string, string> = {}): Promise<Ran> {
  const left = [...answers]
  const confirm = async () => left.shift() ?? null
  return dstack(['trust', ...args], {
    cwd: repo.path,
    vars: repo.vars({ DSTACK_TEST_NOW: '2026-11-20T12:00:00Z', ...vars }),
    change: (env) =>
      Object.defineProperties(
        {},
        { ...Object.getOwnPropertyDescriptors(env), confirm: { value: confirm } },
      ) as typeof env,
  })
}

test('the commands of open plans, each once, with the place where it stands', async () => {
  expect(await commandsOf(openStore(repo.env()))).toEqual([
    { command: 'npm test', where: 'tokens contract acceptance 1' },
    { command: 'scripts/check.sh --strict', where: 'tokens 1.1 acceptance 1' },
    { command: 'cat package.json', where: 'tokens 1.1 acceptance 2' },
  ])
})

test('look, allow some, change a file, look again, revoke', async () => {
  expect((await run(['list'])).stdout).toMatch(/^[0-9a-f]{8} {2}new {2}tokens contract acceptance 1 {2}npm test\n/)
  expect((await run(['list', '--exit-code'])).status).toBe(1)

  const first = await run(['allow'], [true, true, false])
  expect(first.stdout).toBe('2 commands may run here now. 1 command may not.\n')
  expect(first.status).toBe(1)
  expect(first.stderr.replace(/[0-9a-f]{64}/g, '<hash>')).toBe(`npm test
  from       tokens contract acceptance 1
  folder     the top of the repository
  variables  only the usual ones
  files      none that it names
  hash       <hash>
scripts/check.sh --strict
  from       tokens 1.1 acceptance 1
  folder     the top of the repository
  variables  only the usual ones
  files      scripts/check.sh
  hash       <hash>
cat package.json
  from       tokens 1.1 acceptance 2
  folder     the top of the repository
  variables  only the usual ones
  files      package.json
  hash       <hash>
`)
  expect((await run(['list'])).stdout.match(/ (allowed|new) /g)).toEqual([' allowed ', ' allowed ', ' new '])

  writeFileSync(join(repo.path, 'scripts/check.sh'), 'echo no\n')
  expect((await run(['list'])).stdout).toContain('file-changed')
  const again = await run(['allow', 'tokens'], [true, true])
  expect(again.stderr).toMatch(/allowed before {2}scripts\/check\.sh --strict \(by alice <alice@example\.com>\)\n/)
  expect(again.stderr).toMatch(/changed {9}scripts\/check\.sh \(see git diff [0-9a-f]{12} scripts\/check\.sh\)\n/)
  expect(again).toMatchObject({ status: 0, stdout: '2 commands may run here now.\n' })
  expect((await run(['allow'])).stdout).toBe('Nothing to allow: every command that was asked for may run.\n')
  expect((await run(['list', '--exit-code'])).status).toBe(0)

  expect((await run(['revoke', 'npm test'])).stdout).toBe('Revoked: npm test\n')
  expect((await run(['list', '--exit-code'])).status).toBe(1)
  expect((await run(['revoke', '--all'])).stdout.split('\n')).toHaveLength(4)
  expect((await run(['revoke', '--all'])).status).toBe(1)
})

test('one by its hash, a text of one’s own, with its folder; what nobody names is said', async () => {
  const [row = ''] = (await run(['list', '--porcelain'])).stdout.split('\n')
  const [hash = '', ...fields] = row.split('\t')
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  expect(fields).toEqual(['new', 'tokens contract acceptance 1', 'npm test'])
  expect((await run(['allow', hash.slice(0, 8)], [true])).stdout).toBe('1 command may run here now.\n')
  const own = await run(['allow', '--command', './check.sh', '--folder', 'scripts'], [true])
  expect(own.stderr).toMatch(/folder {5}scripts\n.*\n {2}files {6}scripts\/check\.sh\n/)
  expect((await run(['list'])).stdout).toMatch(/unused +given +\.\/check\.sh\n$/)
  expect((await run(['allow', 'nobody'])).status).toBe(1)
  expect((await run(['allow', '--folder', 'x'])).status).toBe(64)
  expect((await run(['revoke'])).status).toBe(64)
})

test('nothing hides: control characters, direction marks, look-alikes of our own lines', async () => {
  const hostile = 'echo \u202etset mpn\u001b[2K\r\u0007\nhash  0000'
  const { stderr } = await run(['allow', '--command', hostile], [false])
  expect(stderr.split('\n')[0]).toBe('echo <U+202E>tset mpn^[[2K^M^G^Jhash  0000')
  const json = await run(['allow', '--json', '--command', hostile], [true])
  expect(json.stdout.trimEnd()).toMatch(/^[ -~]+$/)
  expect((await run(['list'])).stdout).toContain('<U+202E>')
})

test('agents and scripts are refused with exit 77', async () => {
  const agent = await run(['allow'], [true], { CLAUDECODE: '1', DSTACK_AGENT: 'none' })
  expect(agent).toMatchObject({ status: 77, stdout: '' })
  expect(agent.stderr).toMatch(/^git dstack: Only a person can allow commands, .*claude-code\.\nHint: /)
  expect((await run(['allow'], [])).status).toBe(77)
  expect((await run(['list', '--exit-code'])).status).toBe(1)
})

test('objects are what their schemas say', async () => {
  repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD')
  repo.git('commit', '-q', '--allow-empty', '--author', 'bob <bob@example.com>', '-m', 'his')
  const holds = (name: keyof typeof outputs, { stdout }: Ran) => {
    const whole = z.strictObject({ v: z.literal(1), command: z.literal(name), ...outputs[name].shape })
    expect(z.safeParse(whole, JSON.parse(stdout)).error).toBeUndefined()
    return JSON.parse(stdout)
  }
  holds('trust list', await run(['list', '--json']))
  holds('trust allow', await run(['allow', '--json'], [true, true, false]))
  writeFileSync(join(repo.path, 'scripts/check.sh'), 'echo no\n')
  const { allowed } = holds('trust allow', await run(['allow', '--json'], [true, true]))
  expect(allowed[0]).toMatchObject({ reason: 'file-changed', before: { by: 'alice <alice@example.com>' } })
  expect(allowed[0]).toMatchObject({ unreviewed: { commits: 1, authors: ['bob <bob@example.com>'] } })
  expect(holds('trust revoke', await run(['revoke', '--all', '--json'])).revoked).toHaveLength(4)
})
