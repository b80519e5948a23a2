// Would the tests of a change fail without it? On a TypeScript, a Python and a Rust project, with their own runners.

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { isRefusal, type Refusal } from '../../src/errors'
import {
  commitSubject,
  type Proof,
  proveRed,
  questionsFor,
  type Running,
  stagedSubject,
} from '../../src/questions/questions'
import { RedRepo, TOOLCHAINS } from './red-repo'

let made: RedRepo | undefined
afterEach(() => {
  made?.dispose()
  made = undefined
})

const project = (tree: Parameters<typeof RedRepo.make>[0]) => {
  made = RedRepo.make(tree)
  return made
}

async function prove(red: RedRepo, files: Record<string, string>, running: Running & { command?: string } = {}) {
  red.repo.commit('feat: change', files)
  const store = red.store()
  return proveRed(store, commitSubject(store, 'HEAD'), running)
}

function proofOf(proof: Proof | Refusal): Proof {
  if (isRefusal(proof)) throw new Error(proof.message)
  return proof
}

/** Status of question 4 on HEAD. */
function fourth(red: RedRepo, absence?: string) {
  if (absence !== undefined) red.repo.git('config', 'dstack.questions.absence', absence)
  const store = red.store()
  const { status, how } = questionsFor(store, commitSubject(store, 'HEAD')).questions[3] ?? {}
  return `${status} ${how}`
}

const nothingLeft = (red: RedRepo) => {
  const folder = join(red.repo.path, '.git/dstack/scratch')
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
  expect(red.repo.git('status', '--porcelain')).toBe('')
}

interface Case {
  tree: 'red-typescript' | 'red-python' | 'red-rust'
  toolchain: string | null
  command: string
  /** Code that refuses negative amounts. */
  code: Record<string, string>
  real: Record<string, string>
  decorative: Record<string, string>
  /** Name of the decorative test. */
  name: string
  /** Tests and code of something that was not there at all. */
  absent: Record<string, string>
}

const CASES: Record<string, Case> = {
  'TypeScript with vitest and an installed dependency': {
    tree: 'red-typescript',
    toolchain: TOOLCHAINS.typescript,
    command: 'npm run test',
    code: {
      'src/price.ts': `import { slug } from 'tiny-slug'

export interface Item { title: string; cents: number }

export function total(items: readonly Item[]): number {
  if (items.some(({ cents }) => cents < 0)) throw new RangeError('negative')
  return items.reduce((sum, { cents }) => sum + cents, 0)
}

export function path({ title }: Item): string {
  return \`/items/\${slug(title)}\`
}
`,
    },
    real: {
      'tests/negative.test.ts': `import { expect, test } from 'vitest'
import { total } from '../src/price'
test('refuses a negative amount', () => {
  expect(() => total([{ title: 'Tea', cents: -1 }])).toThrow(RangeError)
})
`,
    },
    decorative: {
      'tests/negative.test.ts': `import { expect, test } from 'vitest'
import { path, total } from '../src/price'
test('refuses a negative amount, they say', () => {
  expect(path({ title: 'Tea', cents: -1 })).toBe('/items/tea')
  expect(total).toBeDefined()
})
`,
    },
    name: 'refuses a negative amount, they say',
    absent: {
      'src/tax.ts': 'export const tax = (cents: number): number => Math.round(cents * 0.2)\n',
      'tests/tax.test.ts': `import { expect, test } from 'vitest'
import { tax } from '../src/tax'
test('takes a fifth', () => { expect(tax(100)).toBe(20) })
`,
    },
  },
  'Python with pytest': {
    tree: 'red-python',
    toolchain: TOOLCHAINS.python,
    command: 'pytest',
    code: {
      'shop/price.py': `def total(items):
    if any(cents < 0 for _, cents in items):
        raise ValueError("negative")
    return sum(cents for _, cents in items)
`,
    },
    real: {
      'tests/test_negative.py': `import pytest
from shop.price import total

def test_refuses_a_negative_amount():
    with pytest.raises(ValueError):
        total([("Tea", -1)])
`,
    },
    decorative: {
      'tests/test_negative.py': `from shop.price import total

def test_refuses_they_say():
    assert total([]) == 0
`,
    },
    name: 'test_refuses_they_say',
    absent: {
      'shop/tax.py': 'def tax(cents):\n    return round(cents * 0.2)\n',
      'tests/test_tax.py': 'from shop.tax import tax\n\ndef test_takes_a_fifth():\n    assert tax(100) == 20\n',
    },
  },
  'Rust with cargo': {
    tree: 'red-rust',
    toolchain: TOOLCHAINS.rust,
    command: 'cargo test',
    code: {
      'src/lib.rs': `pub fn total(cents: &[i64]) -> Result<i64, String> {
    if cents.iter().any(|c| *c < 0) { return Err("negative".into()); }
    Ok(cents.iter().sum())
}
`,
    },
    real: {
      'tests/negative.rs': `use shop::total;
#[test]
fn refuses_a_negative_amount() { assert!(total(&[-1]).is_err()); }
`,
    },
    decorative: {
      'tests/negative.rs': `use shop::total;
#[test]
fn refuses_they_say() { assert!(total(&[]).is_ok()); }
`,
    },
    name: 'refuses_they_say',
    absent: {
      'src/lib.rs': `pub fn total(cents: &[i64]) -> Result<i64, String> { Ok(cents.iter().sum()) }
pub fn tax(cents: i64) -> i64 { cents / 5 }
`,
      'tests/tax.rs': 'use shop::tax;\n#[test]\nfn takes_a_fifth() { assert_eq!(tax(100), 20); }\n',
    },
  },
}

for (const [name, { tree, toolchain, command, code, real, decorative, name: named, absent }] of Object.entries(CASES)) {
  describe.skipIf(toolchain === null)(name, () => {
    test('a real test fails without the change and passes with it', async () => {
      const red = project(tree)
      await red.trust(command)
      const proof = proofOf(await prove(red, { ...code, ...real }))
      expect(proof).toMatchObject({ outcome: 'proved', tests: Object.keys(real), commands: [command], decorative: [] })
      expect(proof.failures.map(({ kind }) => kind)).toEqual(['assertion'])
      expect(fourth(red)).toBe('yes computed')
      nothingLeft(red)
    })

    test('a decorative one is caught by its name', async () => {
      const red = project(tree)
      await red.trust(command)
      expect(proofOf(await prove(red, { ...code, ...decorative }))).toMatchObject({
        outcome: 'decorative',
        decorative: [named],
        reason: `${named} passes without the change.`,
      })
      expect(fourth(red)).toBe('no computed')
    })

    test('red by absence is said so, and accepted or refused by policy', async () => {
      const red = project(tree)
      await red.trust(command)
      const proof = proofOf(await prove(red, absent))
      expect(proof).toMatchObject({ outcome: 'proved-by-absence' })
      expect(proof.failures.map(({ kind }) => kind)).toEqual(['absence'])
      expect(fourth(red)).toBe('yes computed')
      expect(fourth(red, 'refuse')).toBe('no computed')
    })
  })
}

test.skipIf(TOOLCHAINS.rust === null)('Rust: tests inside the code cannot be separated', async () => {
  const red = project('red-rust')
  const inline = `pub fn total(cents: &[i64]) -> Result<i64, String> { Ok(cents.iter().sum::<i64>().max(0)) }
#[cfg(test)]
mod tests {
    #[test]
    fn never_negative() { assert_eq!(super::total(&[-1]), Ok(0)); }
}
`
  expect(proofOf(await prove(red, { 'src/lib.rs': inline }))).toMatchObject({
    outcome: 'cannot-separate',
    inseparable: ['src/lib.rs'],
    commands: [],
  })
  expect(fourth(red)).toBe('unanswered open')
})

// --- what every language has in common, on plain JavaScript -----------------------------------------------------------

const JAVASCRIPT = {
  'package.json': '{"name":"shop","type":"module","scripts":{"test":"node --test"}}\n',
  'src/price.js': 'export const total = (items) => items.reduce((sum, n) => sum + n, 0)\n',
  'test/price.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { total } from '../src/price.js'
test('adds up', () => assert.equal(total([1, 2]), 3))
`,
}
const COMMAND = 'npm run test'
const CODE = {
  'src/price.js': `export const total = (items) => {
  if (items.some((n) => n < 0)) throw new RangeError('negative')
  return items.reduce((sum, n) => sum + n, 0)
}
`,
}
const test1 = (body: string) => ({
  'test/more.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as price from '../src/price.js'
${body}
`,
})
const REAL = `test('refuses', () => assert.throws(() => price.total([-1]), RangeError))`

describe('any project', () => {
  test('one decorative test beside a real one', async () => {
    const red = project(JAVASCRIPT)
    await red.trust(COMMAND)
    const files = { ...CODE, ...test1(`${REAL}\ntest('is a function', () => assert.ok(price.total))`) }
    expect(proofOf(await prove(red, files))).toMatchObject({ outcome: 'decorative', decorative: ['is a function'] })
  })

  test('a case more in a file that has tests: those that were there may pass', async () => {
    const red = project(JAVASCRIPT)
    await red.trust(COMMAND)
    const more = `${JAVASCRIPT['test/price.test.js']}test('refuses', () => assert.throws(() => total([-1]), RangeError))\n`
    expect(proofOf(await prove(red, { ...CODE, 'test/price.test.js': more }))).toMatchObject({ outcome: 'proved' })
  })

  test('what is staged, and only on that tree', async () => {
    const red = project(JAVASCRIPT)
    await red.trust(COMMAND)
    red.stage({ ...CODE, ...test1(REAL) })
    const store = red.store()
    const staged = stagedSubject(store)
    if (isRefusal(staged)) throw new Error(staged.message)
    expect(questionsFor(store, staged).questions[3]).toMatchObject({ status: 'unanswered' })
    expect(proofOf(await proveRed(store, staged))).toMatchObject({ outcome: 'proved' })
    red.repo.git('commit', '-q', '-m', 'feat: refuse')
    expect(fourth(red)).toBe('yes computed')
    red.repo.commit('feat: more', { ...test1(`${REAL}\n//`) })
    expect(fourth(red)).toBe('unanswered open')
  })

  test.each<[string, string, RegExp]>([
    ['a syntax error', 'test(', /another reason: SyntaxError/],
    [
      'a test that fails with the change, too',
      `test('refuses', () => assert.equal(price.total([-1]), 7))`,
      /with the change as well/,
    ],
    [
      'a machine that lacks something',
      `test('x', () => { throw new Error('connect ECONNREFUSED 127.0.0.1:1') })`,
      /another reason/,
    ],
    ['no test at all that runs', `test.skip('x', () => {})`, /ran no test/],
  ])('%s proves nothing', async (_, body, reason) => {
    const red = project(JAVASCRIPT)
    await red.trust(COMMAND)
    const proof = proofOf(await prove(red, { ...CODE, ...test1(body) }))
    expect(proof.outcome).toBe('broken')
    expect(proof.reason).toMatch(reason)
    expect(fourth(red)).toBe('unanswered open')
    nothingLeft(red)
  })

  test('a test that hangs is ended', async () => {
    const red = project(JAVASCRIPT)
    await red.trust(COMMAND)
    const proof = proofOf(await prove(red, { ...CODE, ...test1(`while (true) price.total([])`) }, { limitSeconds: 1 }))
    expect(proof).toMatchObject({ outcome: 'broken', reason: expect.stringMatching(/did not end within 1 seconds/) })
    nothingLeft(red)
  })

  test('nothing runs that is not trusted; a hash is enough', async () => {
    const red = project({ ...JAVASCRIPT, 'package.json': '{"scripts":{"test":"touch ../ran"}}' })
    const refused = await prove(red, { ...CODE, ...test1(REAL) })
    expect(refused).toMatchObject({ refused: 'UNTRUSTED', data: { command: COMMAND } })
    expect(existsSync(join(red.repo.path, '.git/dstack/scratch/ran'))).toBe(false)
    expect(fourth(red)).toBe('unanswered open')
    nothingLeft(red)
    const hash = isRefusal(refused) ? String(refused.data?.hash) : ''
    const store = red.store()
    await proveRed(store, commitSubject(store, 'HEAD'), { hashes: new Set([hash]) })
    expect(existsSync(join(red.repo.path, '.git/dstack/scratch/ran'))).toBe(true)
  })

  test('another command than the one that counts proves nothing', async () => {
    const red = project(JAVASCRIPT)
    await red.trust('node --test --no-warnings')
    const proof = proofOf(await prove(red, { ...CODE, ...test1(REAL) }, { command: 'node --test --no-warnings' }))
    expect(proof.outcome).toBe('proved')
    expect(fourth(red)).toBe('unanswered open')
    red.repo.git('config', 'dstack.gate.test', 'node --test --no-warnings')
    expect(fourth(red)).toBe('yes computed')
  })

  test('the checkout is prepared by the setup of the gate, which has to be trusted, too', async () => {
    const red = project({
      ...JAVASCRIPT,
      'package.json': '{"type":"module","scripts":{"test":"node --import ./made.js --test"}}',
    })
    await red.trust(COMMAND)
    red.repo.git('config', 'dstack.gate.setup', 'echo 1 >made.js')
    const refused = await prove(red, { ...CODE, ...test1(REAL) })
    expect(refused).toMatchObject({ refused: 'UNTRUSTED', data: { command: 'echo 1 >made.js' } })
    await red.trust('echo 1 >made.js')
    const store = red.store()
    expect(await proveRed(store, commitSubject(store, 'HEAD'))).toMatchObject({ outcome: 'proved' })
    red.repo.git('config', 'dstack.gate.setup', 'echo no network; exit 3')
    await red.trust('echo no network; exit 3')
    expect(await proveRed(red.store(), commitSubject(store, 'HEAD'))).toMatchObject({
      refused: 'REFUSED',
      hint: 'no network',
    })
    nothingLeft(red)
  })

  test('without code, without tests, without a runner', async () => {
    const red = project(JAVASCRIPT)
    expect(proofOf(await prove(red, test1(REAL))).outcome).toBe('only-tests')
    expect(fourth(red)).toBe('unanswered open')
    expect(proofOf(await prove(red, CODE)).outcome).toBe('no-tests')
    expect(fourth(red)).toBe('unanswered open')
    expect(proofOf(await prove(red, { 'README.md': 'Prices.\n' })).outcome).toBe('no-tests')
    expect(proofOf(await prove(red, { 'app.rb': 'x = 1\n', 'app_spec.rb': 'it\n' }))).toMatchObject({
      outcome: 'broken',
      reason: 'Nothing is known here that runs app_spec.rb.',
    })
  })

  test('a link in the old tree leads no test out of the checkout', async () => {
    const red = project(JAVASCRIPT)
    const outside = join(red.repo.root, 'outside')
    mkdirSync(outside)
    symlinkSync(outside, join(red.repo.path, 'checks'))
    red.repo.commit('a link', {})
    rmSync(join(red.repo.path, 'checks'))
    await red.trust(COMMAND)
    const { 'test/more.test.js': text } = test1(REAL)
    expect(proofOf(await prove(red, { ...CODE, 'checks/more.test.js': text })).outcome).toBe('proved')
    expect(readdirSync(outside)).toEqual([])
  })
})
