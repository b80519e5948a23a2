// `git dstack gate questions|answer|prove-red|verify` as a person types them: text, exit statuses, and JSON by its schema.

import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod/mini'
import { questionOutputs } from '../../src/cli/questions-outputs'
import { inProcess } from '../support/in-process'
import { RedRepo } from './red-repo'

const FILES = {
  'package.json': '{"name":"shop","type":"module","scripts":{"test":"node --test"}}\n',
  'src/price.js': 'export const total = (items) => items.length\n',
}
const CHANGE = {
  'src/price.js':
    "export const total = (items) => {\n  if (items === null) throw new TypeError('no items')\n  return items.length\n}\n",
  'test/price.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { total } from '../src/price.js'
test('refuses nothing', () => assert.throws(() => total(null), /no items/))
`,
}

let red: RedRepo
beforeEach(() => {
  red = RedRepo.make(FILES)
  red.stage(CHANGE)
})
afterEach(() => red.dispose())

let now = 0
function gate(...words: string[]) {
  const at = new Date(Date.UTC(2026, 10, 21, 0, 0, now++)).toISOString()
  const { vars } = red.env({ DSTACK_TEST_NOW: at, DSTACK_TEST_SEED: String(1000 + now) })
  return inProcess(['gate', ...words], { cwd: red.repo.path, vars })
}

/** The object of `--json`, held to its schema. */
async function json(...words: string[]) {
  const done = await gate(...words, '--json')
  const value = JSON.parse(done.stdout) as Record<string, unknown>
  const schema = questionOutputs[`gate ${words[0]}` as keyof typeof questionOutputs]
  expect(z.safeParse(schema, value).error?.issues, words.join(' ')).toBeUndefined()
  return { status: done.status, value }
}

test('from open questions to a change that may be committed', async () => {
  red.repo.git('config', 'dstack.questions.mode', 'strict')
  const first = await gate('questions', '--staged')
  expect(first.status).toBe(0)
  expect(first.stdout).toMatch(/^1 {2}yes {3}Are there negative tests/)
  expect(first.stdout).toContain('     test/price.test.js:4  test(')
  expect(first.stdout).toMatch(/3 things open for the tree [0-9a-f]{12} \(strict\): 2, 3, 4\. That stops the commit\./)
  expect((await gate('questions', '--staged', '--exit-code')).status).toBe(1)

  const refused = await gate('prove-red', '--staged')
  expect(refused.status).toBe(76)
  expect(refused.stderr).toContain('Not run: untrusted: npm run test.')
  await red.trust('npm run test')
  const proved = await json('prove-red', '--staged')
  expect(proved).toMatchObject({
    status: 0,
    value: { ok: true, outcome: 'proved', failures: [{ test: 'refuses nothing' }] },
  })

  expect((await gate('answer', '2', 'yes', 'tried it in the shop', '--staged')).stdout).toMatch(/^2: yes, for the tree/)
  expect(await json('answer', '3', 'yes', '--staged')).toMatchObject({ value: { line: { question: 3, text: '' } } })
  const { value } = await json('questions', '--staged')
  expect(value).toMatchObject({ mode: 'strict', open: [], stops: false, rules: [{ rule: 'tests', holds: true }] })

  red.repo.git('commit', '-q', '-m', 'feat: refuse nothing')
  expect(await json('questions', '--exit-code')).toMatchObject({ status: 0, value: { open: [] } })
  const again = await gate('prove-red', 'HEAD')
  expect(again).toMatchObject({ status: 0 })
  expect(again.stdout).toMatch(
    /^proved: Without the change, refuses nothing fails by what it asserts\.\n {2}assertion {2}refuses nothing: /,
  )
})

test('a decorative test ends with 1 and its name', async () => {
  await red.trust('npm run test')
  const lazy = CHANGE['test/price.test.js'].replace('assert.throws(() => total(null), /no items/)', 'assert.ok(total)')
  red.stage({ 'test/price.test.js': lazy })
  const done = await gate('prove-red', '--staged')
  expect(done.status).toBe(1)
  expect(done.stdout).toMatch(/^decorative: refuses nothing passes without the change\./)
  expect((await gate('questions', '--staged')).stdout).toContain('4  no    Would these tests fail without the change?')
})

test('the probe', async () => {
  expect((await gate('verify', '--staged')).status).toBe(1)
  red.repo.git('config', 'dstack.questions.verify', 'test -f src/price.js')
  expect((await gate('verify', '--staged')).status).toBe(76)
  await red.trust('test -f src/price.js')
  expect(await json('verify', '--staged')).toMatchObject({ status: 0, value: { line: { exit: 0 } } })
  // It names a file that HEAD holds otherwise: there it is another command.
  expect((await gate('verify')).status).toBe(76)
  expect((await gate('verify', '--staged')).stdout).toMatch(/^test -f src\/price\.js passed on the tree/)
  red.repo.git('config', 'dstack.questions.verify', 'test -f src/tax.js')
  await red.trust('test -f src/tax.js')
  expect(await json('verify', '--staged')).toMatchObject({ status: 1, value: { line: { exit: 1 } } })
})

test.each([
  [['answer', '6', 'yes'], 64],
  [['answer', '1', 'maybe'], 64],
  [['answer', '1'], 64],
  [['prove-red', 'HEAD', '--staged'], 64],
  [['prove-red', '--limit', '0'], 64],
  [['prove-red', '--trust-hash', 'abc'], 64],
  [['questions', '--commit', 'nothing'], 1],
  [['prove-red', '--', '--upload-pack=x'], 1],
])('%j ends with %i', async (words, status) => {
  expect((await gate(...words)).status).toBe(status)
})
