// Every verb of flows once, for the test that holds what they print against their schemas.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { formatContract } from '../../src/plan/contract'
import type { Clone } from '../support/clone'
import { leafSpec } from './fixtures'
import { planFile, review } from './people'

type Holds = (clone: Clone, name: string, ...args: string[]) => Promise<Record<string, unknown>>

const LEAVES = ['1.1', '1.2'].map((id) => leafSpec(id, { depends_on: [] }))
const CONTRACT = formatContract({ title: 'Queue', goal: 'It is on disk.', acceptance: [], leaves: LEAVES })
const FINDINGS = [
  { severity: 'P1', class: 'bug', claim: 'It breaks.', path: 'src/a.ts', lines: 3, check: 'exit 0 : npm test' },
  { severity: 'P2', class: 'perf', claim: 'It is slow.', fix_hint: 'Cache it.' },
]

/** Sets a program that always finds the same, and gives the options with which it may run. */
async function reviewer(clone: Clone): Promise<string[]> {
  const answer = join(clone.home, 'answer.json')
  writeFileSync(answer, review([{ severity: 'P2', class: 'bug', claim: 'It breaks.' }]))
  await clone.git('config', '--global', 'dstack.review.reviewer', `cat ${answer}`).ok()
  const rows = (await clone.inProcess('trust', 'list', '--porcelain').text()).split('\n')
  const [hash = ''] = rows.find((row) => row.includes('setting review.reviewer'))?.split('\t') ?? []
  return ['--trust-hash', hash]
}

/** In a working tree of its own: a flow wants a clean one. */
export async function everyFlowVerb(clone: Clone, holdsIn: Holds): Promise<void> {
  const folder = `${clone.path}-queue`
  await clone.git('worktree', 'add', '-q', '-b', 'queue', folder).ok()
  const alice = clone.at(folder)
  const holds = (name: string, ...args: string[]) => holdsIn(alice, name, ...args)
  const typed = (text: string, name: string, ...args: string[]) => holdsIn(alice.with({ input: text }), name, ...args)

  await typed(CONTRACT, 'decompose', 'The queue is on disk', '--slug', 'queue', '--file', '-')
  expect(await holds('approve', '--yes')).toMatchObject({
    to: 'Ready',
    onBranch: { subject: 'queue: decomposition approved' },
    next: { who: 'anybody', commands: ['git dstack flow next'] },
  })
  await holds('amend', '1.2')
  await holds('approve', 'queue', '--yes')
  await holds('flow set', 'unverified', 'allow')
  expect(await holds('flow list')).toMatchObject({ current: 'queue', flows: [{ slug: 'queue', unverified: 'allow' }] })
  await holds('flow use', 'queue')
  await holds('flow show', '--graph')
  expect(await holds('flow next')).toMatchObject({
    moved: [{ trigger: 'start_leaf', to: 'Plan' }],
    next: { who: 'agent' },
  })
  expect(await holds('flow next')).toMatchObject({ moved: [] })
  expect(await typed(planFile('1.1').text, 'flow submit-plan', '-')).toMatchObject({ tasks: ['1.1-C01'] })
  await typed(review(), 'review import', '-')
  await holds('flow fire', 'hold_plan')
  await holds('flow answer', 'feedback', 'Keep the order.')
  await holds('flow feedback', 'Keep the order, always.')
  await holds('flow resume')
  expect(await holds('flow show')).toMatchObject({ position: { step: 'Plan', feedback: 'Keep the order, always.' } })
  await typed(planFile('1.1').text, 'flow submit-plan', '-', 'queue')
  const trusted = await reviewer(alice)
  expect(await holds('review plan', ...trusted)).toMatchObject({ reviews: [{ outside: [{ class: 'bug' }] }] })
  await typed(review(), 'review import', '-')
  await holds('flow next')
  await holds('flow answer', 'y')
  await holds('task list')
  await holds('task show', '1.1-C')
  await holds('task start', '1.1-C01')
  await holds('task fail', '1.1-C01', '--reason', 'no time')
  const { prefix } = (await holds('task start', '1.1-C01')) as { prefix: string }
  await alice.commit(`${prefix}it is on disk`, { 'src/a.ts': 'on disk\n' })
  await holds('task done', '1.1-C01')
  await alice.inProcess('companion', 'add', '1.1', '--details', 'It is a file.').ok()
  await holds('flow next')
  expect(await typed(review(FINDINGS), 'review import', '-', '--track', 'A')).toMatchObject({ run: '1.1-A-1' })
  await typed(review(), 'review import', '-', '--track', 'B', '--reviewer', 'bob')
  await holds('review show')
  await holds('review decide', '1.1-A-1-1', 'fixed')
  expect(await holds('review phase', ...trusted)).toMatchObject({ reviews: [{ run: '1.1-A-2' }, { run: '1.1-B-2' }] })
  await holds('review failed', 'codex is gone')
  expect(await holds('flow next')).toMatchObject({ moved: [{ to: 'Paused', condition: { id: 'A8' } }] })
  await holds('flow show')
  await holds('flow resume', '--ack', 'A8')
  await holds('flow pause', '--reason', 'lunch')
  const { plan } = (await holds('flow rollback', '1.1')) as { plan: { token: string } }
  expect(await holds('flow rollback', '1.1', '--confirm', plan.token)).toMatchObject({ plan: { mode: 'reset' } })
  await holds('flow mark-done', '1.1')
  await holds('flow recover')
  await holds('status')
  await holds('flow abort', '--yes')
}
