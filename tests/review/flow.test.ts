// Reviews by programs in a flow: what counts, what is listed apart, what stays silent, and what is noted on the commit.

import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as flow from '../../src/flow/flow'
import { openP1 } from '../../src/flow/guards'
import { standingOf } from '../../src/flow/reading'
import { evidenceOf } from '../../src/store/store'
import { answer, approved, done, ENGINE, HUMAN, implement, next, planFile, stepOf, storeOf, team } from '../flow/people'
import type { Clone } from '../support/clone'
import { expect, test } from '../support/test'

const FILE = 'src/payments-1.1-C01.ts'

/** Answers with what lies in the person's home for the track, or ends with 1. */
async function reviewer(clone: Clone): Promise<void> {
  const path = join(clone.home, 'reviewer')
  writeFileSync(path, `#!/bin/sh\ncat "$2/$(sed -n 's/^# Review of .*, track //p' "$1").json"\n`)
  chmodSync(path, 0o755)
  await clone.git('config', '--global', 'dstack.review.reviewer', `${path} {prompt} ${clone.home}`).ok()
}
const says = (clone: Clone, track: string, ...findings: object[]) =>
  writeFileSync(join(clone.home, `${track}.json`), JSON.stringify({ reviewer: `r${track}`, findings }))

async function hashOf(clone: Clone): Promise<string> {
  const rows = (await clone.inProcess('trust', 'list', '--porcelain').text()).split('\n').map((row) => row.split('\t'))
  return rows.find(([, , where]) => where === 'setting review.reviewer')?.[0] ?? 'not listed'
}

/** To PhaseReview of the first leaf, the plan reviewed by the program. */
async function implemented(clone: Clone): Promise<string> {
  await reviewer(clone)
  await approved(clone)
  await next(clone)
  done(await flow.submitPlan(storeOf(clone), 'payments', ENGINE, planFile('1.1')))
  const hash = await hashOf(clone)
  says(clone, 'plan', { severity: 'P3', class: 'order', claim: 'Tests come last.', path: 'src/not-yet.ts' })
  const plan = await clone.inProcess('review', 'plan', '--trust-hash', hash).json()
  expect(plan).toMatchObject({ reviews: [{ run: '1.1-plan-1', findings: [{ id: '1.1-plan-1-1' }] }], failures: [] })
  await next(clone)
  await answer(clone, 'y')
  await implement(clone, '1.1')
  done(await flow.allowUnverified(storeOf(clone), 'payments', HUMAN, 'allow'))
  await next(clone)
  expect(await stepOf(clone)).toBe('PhaseReview')
  return hash
}

test('two tracks, other tools, and none at all', async ({ world }) => {
  await world.remote()
  const [alice] = await team(world)
  const hash = await implemented(alice)
  const real = { severity: 'P2', class: 'bug', claim: 'Nothing checks 0.', path: FILE, lines: '1' }
  says(
    alice,
    'A',
    { severity: 'P1', class: 'bug', claim: 'Made up.', path: 'src/nowhere.ts' },
    real,
    { ...real, claim: 'nothing checks 1' },
    { severity: 'P1', class: 'bug', claim: 'Old.', path: 'README.md', lines: '1' },
    { severity: 'P2', class: 'silent_drop', claim: 'Not mine.' },
  )
  says(alice, 'B', { severity: 'P1', class: 'silent_drop', claim: 'No retries.', contract_ref: '1.1 Deliverables' })

  expect((await alice.inProcess('review', 'phase')).status).toBe(76)
  const first = await alice.inProcess('review', 'phase', '--trust-hash', hash).json()
  expect(first).toMatchObject({
    failures: [],
    reviews: [
      {
        ...{ track: 'A', run: '1.1-A-1', reviewer: 'rA' },
        findings: [
          { id: '1.1-A-1-1', severity: 'P2', verified: true, confidence: 50 },
          { id: '1.1-A-1-2', severity: 'P1', verified: false, confidence: 25 },
        ],
        outside: [{ claim: 'Not mine.' }],
        preexisting: [{ claim: 'Old.' }],
      },
      { track: 'B', run: '1.1-B-1', findings: [{ id: '1.1-B-1-1' }] },
    ],
  })
  expect(await alice.inProcess('review', 'show').text()).toMatch(/1\.1-A-1-2 .*not found at its place/)

  // Only what was found at its place stands in the way.
  const store = storeOf(alice)
  expect(openP1(done(standingOf(store, 'payments')).flow)).toEqual(['1.1-B-1-1'])
  const head = store.repo.work.head().oid ?? ''
  const lines = evidenceOf(store, 'review', head)
  expect(lines.map(({ t, run, aside }) => [t, run, aside ?? null].join(' ')).sort()).toEqual([
    'finding 1.1-A-1 ',
    'finding 1.1-A-1 outside',
    'finding 1.1-A-1 pre-existing',
    'finding 1.1-A-1 unverified',
    'finding 1.1-B-1 ',
    'review 1.1-A-1 ',
    'review 1.1-B-1 ',
  ])

  // Deferred, it is silent until its file changes; the other one keeps its fingerprint.
  done(await flow.decideReview(storeOf(alice), 'payments', HUMAN, '1.1-A-1-1', 'deferred', 'later'))
  const second = await alice.inProcess('review', 'phase', '--track', 'A', '--trust-hash', hash).json()
  expect(second).toMatchObject({
    reviews: [{ run: '1.1-A-2', findings: [{ verified: false }], silent: [{ claim: expect.any(String) }] }],
  })
  await alice.commit('more', { [FILE]: '1.1-C01\nmore\n' })
  const third = await alice.inProcess('review', 'phase', '--track', 'A', '--trust-hash', hash).json()
  expect(third).toMatchObject({
    reviews: [{ run: '1.1-A-3', findings: [{ verified: true }, { verified: false }], silent: [] }],
  })

  // What other tools found is looked up like the rest.
  const result = (text: string, uri: string, level = 'error') => ({
    ...{ ruleId: 'x', level, message: { text } },
    locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } } }],
  })
  const tool = (name: string, ...results: object[]) => ({ tool: { driver: { name } }, results })
  const runs = [
    tool('semgrep', result('Bad.', FILE), result('Old.', 'README.md'), {
      message: { text: 'Off.' },
      suppressions: [{}],
    }),
    tool('codeql', result('bad', FILE, 'warning')),
  ]
  const sarif = alice.with({ input: JSON.stringify({ version: '2.1.0', runs }) })
  expect(await sarif.inProcess('review', 'import', '-').json()).toMatchObject({
    ...{ run: '1.1-A-4', track: 'A', format: 'SARIF', aside: { preexisting: 1, silent: 0, skipped: 1 } },
    findings: [{ severity: 'P1', claim: 'x: Bad.', verified: true, confidence: 75, path: FILE }],
  })
  expect((await sarif.inProcess('review', 'import', '-', '--track', 'B')).status).toBe(64)
  expect(await alice.inProcess('review', 'show').text()).toContain('semgrep, codeql')

  // A track without a review is A8: the other one is kept, and the flow pauses.
  says(alice, 'A')
  rmSync(join(alice.home, 'B.json'))
  const ended = await alice.inProcess('review', 'phase', '--trust-hash', hash)
  expect(ended.status, ended.stderr).toBe(1)
  expect(ended.stdout).toContain('1.1-A-5 by rA: no findings.')
  expect(ended.stdout).toContain('Track B has no review (A8, failed): The reviewer ended with 1')
  await next(alice)
  expect(await stepOf(alice)).toBe('Paused')
  expect(done(flow.report(storeOf(alice), 'payments', HUMAN)).position.paused).toMatchObject({ condition: 'A8' })
})
