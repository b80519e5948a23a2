// A flow as people and scripts drive it: whole leaves, what is refused and how it ends, several slugs, going back.

import { formatContract } from '../../src/plan/contract'
import { leafSpec } from '../flow/fixtures'
import { planFile, review, team } from '../flow/people'
import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { dstack as shell } from './shell'

const GOAL = 'No payment is lost.'
const contract = (...ids: string[]) =>
  formatContract({ title: 'Payments', goal: GOAL, acceptance: [], leaves: ids.map((id) => leafSpec(id)) })

/** The words after `git dstack`, as one line. */
const run = (clone: Clone, line: string, input?: string) =>
  (input === undefined ? clone : clone.with({ input })).inProcess(...line.split(' '))

/** Runs the lines, all of which must end well. A pair brings standard input along. */
async function lines(clone: Clone, ...all: (string | [string, string])[]): Promise<string> {
  let said = ''
  for (const line of all) said = (await (typeof line === 'string' ? run(clone, line) : run(clone, ...line)).ok()).stdout
  return said
}

async function ends(clone: Clone, line: string, exit: number, says: string | RegExp, input?: string): Promise<void> {
  const { status, stdout, stderr } = await run(clone, line, input)
  expect([status, stdout + stderr], line).toEqual([exit, expect.stringMatching(says)])
}

/** Alice and Bob, and a flow of Alice's whose contract is approved and pushed. */
async function begun(world: World, ...leaves: string[]): Promise<[Clone, Clone]> {
  const [alice, bob] = await team(world)
  await lines(alice, [`decompose --slug payments --file - ${GOAL}`, contract(...leaves)], 'approve --yes')
  await lines(alice, 'flow set unverified allow')
  await alice.git('push', '-q').ok()
  return [alice, bob]
}

const PLAN: [string, string] = ['flow submit-plan -', planFile('1.1').text]
const REVIEW: [string, string] = ['review import -', review()]

async function implemented(clone: Clone): Promise<void> {
  await lines(clone, 'task start 1.1-C01')
  await clone.commit('payments 1.1-C01: done', { 'src/a.ts': 'a\n' })
  await lines(clone, 'task done 1.1-C01', 'companion add 1.1 --details Written.')
}

const READY = 'Next: Leaf 1.1 can begin (start_leaf).\n  git dstack flow next\n'

describe('a whole leaf', () => {
  test('with a person at each wait', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    expect(await lines(alice, 'flow next')).toBe(
      'payments 1.1: Ready → Plan (start_leaf).\n\n' +
        'Next, for whoever works on it: Leaf 1.1 needs its tasks.\n  git dstack flow submit-plan FILE\n',
    )
    expect(await lines(alice, 'flow next')).toMatch(/^Next, for whoever works on it: Leaf 1\.1 needs its tasks/)
    await lines(alice, PLAN, REVIEW)
    expect(await lines(alice, 'flow next')).toMatch(
      /Is this the plan for leaf 1\.1\?\n {2}git dstack task list --leaf 1\.1\n/,
    )
    expect(await lines(alice, 'flow answer accept --skip 1')).toMatch(
      /New on work: "payments\/phase 1\.1: plan approved"\. `git push` shares it\./,
    )
    await implemented(alice)
    await lines(alice, 'flow next', ['review import - --track A', review()], ['review import - --track B', review()])
    // One wait was promised to be skipped.
    expect(await lines(alice, 'flow next')).toMatch(/PhaseReview → CheckpointWait \(accept_impl\)/)
    expect(await lines(alice, 'flow y')).toMatch(/CheckpointWait → Ready \(seal_leaf\)/)
    expect(await lines(alice, 'flow next')).toMatch(/Ready → Done[\s\S]*Nothing is next: All leaves are sealed\./)
  })

  test('with nobody to be asked', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    await lines(alice, 'config set flow.hitl false')
    await lines(alice, 'flow next', PLAN, REVIEW, 'flow next')
    await implemented(alice)
    await lines(alice, 'flow next', ['review import - --track A', review()], ['review import - --track B', review()])
    const done = await run(alice, 'flow next').json()
    expect(done).toMatchObject({
      moved: [{ trigger: 'accept_impl' }, { trigger: 'seal_leaf', to: 'Ready' }],
      onBranch: { subject: 'payments/phase 1.1: implementation complete' },
      next: { who: 'anybody', why: expect.stringContaining('(finish)') },
    })
    expect(await lines(alice, 'flow next', 'flow show')).toContain('1.1   sealed   Leaf 1.1 (2 of 2 markers)')
  })
})

describe('what is refused', () => {
  test('1: there is no such thing, or a condition stopped the flow', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    await ends(alice, 'flow show nothing', 1, /There is no flow "nothing"[\s\S]*There are: payments/)
    await ends(alice, 'task show 9.9-C01', 1, 'has no task')
    await ends(alice, 'review show 9', 1, 'has no review')
    await lines(alice, 'flow next', PLAN, REVIEW, 'flow next', 'flow y')
    for (let i = 0; i < 3; i++) await lines(alice, 'task start 1.1-C01', 'task fail 1.1-C01 --reason no')
    await ends(
      alice,
      'flow next',
      1,
      /^payments 1\.1: Implement → Paused\. A5: task 1\.1-C01 failed its gate 3 times\.\n/,
    )
    await ends(alice, 'flow resume', 2, /paused by A5[\s\S]*--ack A5/)
    expect(await lines(alice, 'flow resume --ack a5')).toContain('Paused → Implement (resume)')
    expect(await lines(alice, 'flow next')).toContain('Task 1.1-C01 is next')
  })

  test('2: a guard', async ({ world }) => {
    const [alice] = await team(world)
    await ends(
      alice,
      'decompose --slug payments --file - x',
      0,
      /The contract is not whole yet/,
      '# Decomposition: x\n',
    )
    await ends(alice, 'approve', 2, /contract +The contract has no goal[\s\S]*has no leaf[\s\S]*is not whole\.\nHint/)
    await run(alice, 'plan edit --part contract --file - --saw 0', contract('1.1'))
    const { versions } = await run(alice, 'plan show --part contract').json<{ versions: string[] }>()
    await run(alice, `plan edit --part contract --file - --saw ${versions[0]}`, contract('1.1')).ok()
    await ends(alice, 'approve', 2, /explicit yes/)
    await lines(alice, 'approve --yes')
    alice.write('README.md', 'changed\n')
    await ends(alice, 'flow next', 2, 'changes that are not committed')
    await alice.git('checkout', '-q', 'README.md').ok()
    await lines(alice, 'flow next')
    await ends(
      alice,
      'flow submit-plan -',
      2,
      /1\.1-C01 +other\/\*\* is not in[\s\S]*1\.1-C02 +x is not in[\s\S]*The plan can't be taken\.\n/,
      planFile('1.1', [{ files: ['other/**'] }, { files: ['x'] }]).text,
    )
    await ends(alice, 'flow abort', 2, 'every commit stays')
    await lines(alice, 'flow pause --reason lunch')
    await ends(alice, 'flow rollback 1.1 --confirm 00000000', 2, 'not that of this plan')
  })

  test('2: an agent where a person is asked', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    const agent = alice.with({ vars: { CLAUDECODE: '1' } })
    await lines(agent, 'flow next', PLAN, REVIEW, 'flow next')
    const asked = ['flow answer accept', 'flow y', 'flow r', 'flow fire rerun_plan', 'flow fire accept_plan --key y']
    for (const line of [...asked, 'flow abort --yes', 'flow set unverified refuse']) {
      await ends(agent, line, 2, 'A person decides this, not an agent.')
    }
    // Without an answer it would be the engine's word, and that is not what is asked for.
    for (const clone of [agent, alice]) await ends(clone, 'flow fire accept_plan', 2, 'A person is asked here.')
    await lines(agent.with({ vars: { DSTACK_AGENT: 'none' } }), 'flow y')
  })

  test('3: not possible here; what is possible is said', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    const before = await alice.tip('refs/dstack/flow/payments')
    await ends(
      alice,
      'flow fire seal_leaf',
      3,
      /seal_leaf is not possible in Ready; possible: amend, start_leaf, finish, pause, abort/,
    )
    await ends(alice, 'flow y', 3, /Nobody is asked in Ready/)
    await ends(alice, 'flow submit-plan -', 3, /not possible in Ready/, planFile('1.1').text)
    await ends(alice, 'task start 1.1-C01', 3, /payments is in Ready/)
    await ends(alice, 'flow fire approve ghost', 3, /approve is not possible in NotStarted; possible: open/)
    await ends(alice, 'flow fire open ghost', 64, 'git dstack decompose')
    expect((await run(alice, 'flow fire open payments --json')).json()).toMatchObject({
      error: { code: 'ILLEGAL', data: { step: 'Ready', trigger: 'open', allowed: expect.arrayContaining(['pause']) } },
    })
    expect(await alice.tip('refs/dstack/flow/payments')).toBe(before)
  })

  test('64: the command line', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    await ends(alice, 'flow', 64, /git dstack flow needs one of: list, use, show/)
    await ends(alice, 'flow lst', 64, /"lst" is neither a command of git dstack flow nor an answer/)
    await ends(alice, 'flow answer a100', 64, 'Answers are accept')
    await ends(alice, 'flow answer rerun --skip 2', 64, '--skip goes with accept')
    await ends(alice, 'flow answer accept text', 64, 'Only feedback takes a text')
    await ends(alice, 'flow resume --ack A12', 64, 'A1 to A11')
    await ends(alice, 'flow fire nothing', 64, 'Allowed choices are open')
    await ends(alice, 'flow submit-plan missing.json', 1, 'There is no file missing.json')
  })

  test('75: somebody else works on it; a refused step leaves no lease behind', async ({ world }) => {
    const [alice, bob] = await begun(world, '1.1')
    await bob.git('pull', '-q', '--ff-only').ok()
    bob.write('README.md', 'changed\n')
    await ends(bob, 'flow next', 2, 'not committed')
    await ends(bob, 'flow submit-plan -', 3, 'not possible', planFile('1.1').text)
    const agent = alice.with({ vars: { DSTACK_SESSION: 'session-7' } })
    await lines(agent, 'flow next')
    await ends(bob, 'flow pause', 75, /is held by alice <alice@example\.com> on .+ \(agent session session-7\)/)
    await ends(bob, 'flow show', 0, /lease +held by alice/)
  })
})

describe('switched off', () => {
  test('what looks goes on and says so; what the engine would do pauses (A2)', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    await lines(alice, 'flow next')
    const off = alice.with({ vars: { DSTACK_DISABLED: '1' } })
    for (const line of ['flow list', 'flow show', 'flow show --graph', 'task list', 'review show']) {
      await ends(off, line, 0, 'Note: git dstack is switched off here')
    }
    await ends(off, 'approve', 78, 'switched off')
    await ends(off, 'flow next', 1, /Plan → Paused\. A2: everything is switched off/)
    await ends(off, 'flow resume --ack A2', 2, 'switched off')
    await ends(alice, 'flow resume --ack A2', 0, /Paused → Plan/)
  })
})

describe('which flow is meant', () => {
  test('several: named, chosen, or refused with what there is', async ({ world }) => {
    const [alice, bob] = await begun(world, '1.1')
    await lines(alice, [`decompose --slug refunds --file - ${GOAL}`, contract('1.1')])
    await alice.git('push', '-q').ok()
    await bob.git('pull', '-q', '--ff-only').ok()
    await ends(bob, 'flow next', 64, /Several flows are going on: payments, refunds[\s\S]*git dstack flow use payments/)
    await ends(bob, 'status', 0, /flow +2 flows going on, none chosen here[\s\S]*git dstack flow list/)
    // The command that is shown means the flow that is shown.
    expect(await lines(bob, 'flow show payments')).toContain('git dstack flow next payments\n')
    await ends(bob, 'flow use paymets', 1, 'Did you mean payments?')
    expect(await lines(bob, 'flow use payments')).toBe('This worktree works on payments.\n')
    expect(await lines(bob, 'flow show')).toContain(READY)
    expect(await lines(bob, 'flow list --porcelain')).toMatch(
      /^payments\tReady\t\t0\t1\t.*\tcurrent\t.*\nrefunds\tDecomposing/,
    )
    await ends(bob, 'status', 0, /flow +payments: Ready, 0 of 1 leaves sealed; work without evidence counts/)
  })

  test('a plan that was begun becomes a flow; without one that is said', async ({ world }) => {
    const [alice] = await team(world)
    await ends(alice, 'flow show', 1, /There is no flow here[\s\S]*git dstack decompose/)
    await lines(alice, 'begin --kind architecture --slug queue Queue')
    await ends(alice, 'flow next', 1, /works on queue, which has no flow[\s\S]*git dstack decompose queue/)
    await lines(alice, 'decompose queue')
    expect(await lines(alice, 'flow show')).toMatch(/^queue {2}Queue\n/)
  })
})

describe('persons', () => {
  test('approve shows the leaves and asks at a terminal', async ({ world }) => {
    const [alice] = await team(world)
    await lines(alice, [`decompose --slug payments --file - ${GOAL}`, contract('1.1', '1.2')])
    const asked: string[] = []
    const at = (said: boolean | null) =>
      shell(['approve'], {
        cwd: alice.path,
        vars: alice.vars() as Record<string, string>,
        change: (env) => ({
          ...env,
          confirm: async (question) => {
            asked.push(question)
            return said
          },
        }),
      })
    expect(await at(null)).toMatchObject({ status: 2, stdout: '' })
    const no = await at(false)
    expect(no).toMatchObject({ status: 2, stderr: expect.stringContaining('nothing has changed') })
    expect(no.stderr).toMatch(/Payments\nNo payment is lost\.\n {2}1\.1 {2}Leaf 1\.1 +1 check +src\/\*\*\n {2}1\.2/)
    expect(await at(true)).toMatchObject({ status: 0, stdout: expect.stringContaining('Decomposing → Ready') })
    expect(asked).toEqual(Array(3).fill('Approve this contract?'))
  })

  test('feedback from the editor, and before a resume, is told to whoever goes on', async ({ world }) => {
    const [alice, bob] = await begun(world, '1.1')
    await lines(alice, 'flow next', PLAN, REVIEW, 'flow next')
    await ends(alice, 'flow f', 64, 'There is no terminal to edit on')
    const editing = alice.with({ vars: { GIT_EDITOR: 'echo "Keep the order." >' } })
    expect(await lines(editing, 'flow f')).toContain('PlanReviewWait → Paused')
    await bob.git('pull', '-q', '--ff-only').ok()
    expect(await lines(bob, 'task list')).toMatch(/^1\.1-C01 {2}pending {2}Task 1\n$/)
    expect(await lines(bob, 'flow resume')).toContain('Paused → Plan (resume).\nFeedback: Keep the order.\n')
    await lines(bob, ['flow feedback -', 'Also after a crash.'])
    expect(await lines(bob, 'flow show')).toMatch(/feedback +Also after a crash\./)
  })

  test('amend in the middle, back to the pause', async ({ world }) => {
    const [alice] = await begun(world, '1.1')
    await lines(alice, 'flow next', 'flow pause')
    await ends(alice, 'amend 9.9', 1, 'There is no leaf 9.9')
    expect(await lines(alice, 'amend 1.1')).toContain('Paused → Decomposing (amend)')
    const { oid } = await run(alice, 'plan show --part contract').json<{ oid: string }>()
    await run(alice, `plan edit --part contract --file - --saw ${oid}`, contract('1.1', '1.2')).ok()
    expect(await lines(alice, 'approve --yes')).toMatch(/Decomposing → Paused[\s\S]*payments: decomposition amended/)
    await lines(alice, 'flow resume')
    await lines(alice, 'flow abort --yes --reason enough')
    expect(await lines(alice, 'flow show')).toMatch(/Aborted[\s\S]*Nothing is next/)
  })
})

/** The command that a plan of a rollback ends with. */
const confirming = ({ next }: { next: { commands: string[] } }) => next.commands[0]?.replace('git dstack ', '') ?? ''

test('going back: recover, mark-done, rollback with and without the code', async ({ world }) => {
  const [alice, bob] = await begun(world, '1.1', '1.2')
  await lines(alice, 'flow next', PLAN, REVIEW, 'flow next', 'flow y')
  await implemented(alice)
  await alice.git('push', '-q').ok()
  await ends(alice, 'flow rollback 1.1', 3, 'Pause it first')
  await lines(alice, 'flow pause')
  const plan = await run(alice, 'flow rollback 1.1').json<{ next: { commands: string[] } }>()
  expect(plan).toMatchObject({
    plan: { mode: 'revert' },
    next: { commands: [expect.stringMatching(/^git dstack flow rollback 1\.1 --confirm [0-9a-f]{8}$/)] },
  })
  expect(await lines(alice, 'flow rollback 1.1')).toMatch(
    /Nothing has changed yet\. Others have[\s\S]*in origin\/work[\s\S]*src\/a\.ts/,
  )
  expect(await lines(alice, confirming(plan))).toMatch(
    /Rolled back 1\.1 of payments; work has a commit that takes it back\.\nWhat was there is kept as refs\/dstack-local\/backup\/payments\/\S+\.\nNew on work: "Revert payments\/phase 1\.1"/,
  )
  await alice.git('push', '-q').ok()
  await bob.git('pull', '-q', '--ff-only').ok()
  expect(await lines(bob, 'flow mark-done 1.1')).toMatch(/Sealed 1\.1 of payments by hand\.\nNew on work/)
  const kept = await run(bob, 'flow rollback 1.1 --keep-code').json<{ next: { commands: string[] } }>()
  expect(confirming(kept)).toContain(' --keep-code --confirm ')
  await lines(bob, confirming(kept))
  await bob.git('update-ref', '-d', 'refs/dstack/flow/payments').ok()
  expect(await lines(bob, 'flow recover payments')).toMatch(/Recovered payments: rebuilt from[\s\S]*1\.1 {2}pending/)
  expect(await lines(bob, 'flow recover --remote')).toContain('Recovered payments: it is what the remote has')
})
