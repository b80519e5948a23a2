// A team that kept its knowledge in files of its own moves it into shared memory; what we ship as files is true.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { HOOKS } from '../../src/setup/hook-names'
import { snippet } from '../../src/setup/hook-snippets'
import { test } from '../support/test'

const top = join(import.meta.dirname, '../..')
const file = (name: string) => readFileSync(join(top, name), 'utf8')

test('the sections of CLAUDE.md become entries that another clone recalls', async ({ world }) => {
  const [alice, bob] = await world.clones('alice', 'bob')
  if (alice === undefined || bob === undefined) throw new Error('two clones were asked for')
  for (const one of [alice, bob]) await one.dstack('init').ok()
  const done = await alice
    .dstack('memory', 'import', join(top, 'test-repos/payments/CLAUDE.md'))
    .json<{ format: string; added: string[] }>()
  expect(done.format).toBe('agents')
  expect(done.added.length).toBeGreaterThanOrEqual(3)
  await alice.dstack('sync').ok()
  await bob.git('fetch', '--quiet').ok()
  expect(await bob.dstack('recall', 'amounts in cents or float').text()).toContain('integers in cents')
})

test('the template of an entry can be imported as it is', async ({ world }) => {
  const [alice] = await world.clones('alice')
  if (alice === undefined) throw new Error('a clone was asked for')
  await alice.dstack('init').ok()
  await alice.dstack('memory', 'import', join(top, 'templates/entry.md')).ok()
  const { entry } = await alice
    .dstack('memory', 'show', 'gotchas/auth/token-refresh')
    .json<{ entry: Record<string, unknown> }>()
  expect(entry).toMatchObject({ state: 'INFERRED', confidence: 0.8, paths: ['src/auth/**'], tags: ['auth', 'clock'] })
})

describe('the lines for other hook managers', () => {
  test.for([
    ['hooks/lefthook.yml', 'lefthook'],
    ['hooks/pre-commit-config.yaml', 'pre-commit'],
  ] as const)('%s is what init shows', ([name, tool]) => {
    expect(file(name)).toBe(snippet(tool))
  })

  test.for(HOOKS)('hooks/%s.sh is what init shows', (hook) => {
    expect(file(`hooks/${hook}.sh`)).toBe(snippet('other', [hook]))
  })
})
