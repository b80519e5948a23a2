// Two people with a clone each: what they do to one plan at the same time comes together, or is shown as a conflict.

import * as plans from '../../src/plan/plan'
import { openStore, type Store } from '../../src/store/store'
import { envOf } from '../setup/support'
import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { done, refused } from './repo'

const SLUG = 'retry-webhooks'

/** Both know a plan with two tasks. */
async function both(world: World): Promise<[Clone, Clone]> {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await clone.inProcess('init').ok()
  await alice.inProcess('plan', 'new', 'Retry webhooks').ok()
  await alice.inProcess('sync').ok()
  await bob.inProcess('sync').ok()
  return [alice, bob]
}

async function meet(alice: Clone, bob: Clone): Promise<void> {
  for (const clone of [alice, bob, alice]) await clone.inProcess('sync').ok()
}

const open = (clone: Clone): Store => openStore(envOf(clone))
const tip = (clone: Clone) => clone.tip('refs/dstack/plans')

describe('two clones', () => {
  test('different tasks converge without a conflict, and so do commits of one task', async ({ world }) => {
    const [alice, bob] = await both(world)
    done(plans.setTask(open(alice), SLUG, '1.1-T01', { status: 'done', commits: ['aaaaaaa'] }, 'done 1.1-T01'))
    done(plans.setTask(open(bob), SLUG, '1.1-C01', { status: 'running', title: 'Make it pass soon' }, 'start 1.1-C01'))
    done(plans.setTask(open(bob), SLUG, '1.1-T01', { status: 'running', commits: ['bbbbbbb'] }, 'start 1.1-T01'))
    await meet(alice, bob)
    expect(await tip(alice)).toBe(await tip(bob))
    for (const clone of [alice, bob]) {
      const view = done(plans.showPlan(open(clone), SLUG))
      expect(view.conflicts).toEqual([])
      expect(view.todo.map(({ id, status, title }) => [id, status, title])).toEqual([
        ['1.1-T01', 'done', 'Write a test that fails'],
        ['1.1-C01', 'running', 'Make it pass soon'],
      ])
      expect([...(view.todo[0]?.commits ?? [])].sort()).toEqual(['aaaaaaa', 'bbbbbbb'])
    }
    done(plans.setTask(open(alice), SLUG, '1.1-T01', { attempts: 2 }, 'again'))
    expect(plans.tasksOf(open(alice), SLUG)[0]).toMatchObject({ status: 'done', attempts: 2 })
    expect(plans.tasksOf(open(alice), SLUG)[0]?.commits).toHaveLength(2)
  })

  test('one task renamed twice is a conflict until somebody chooses', async ({ world }) => {
    const [alice, bob] = await both(world)
    done(plans.setTask(open(alice), SLUG, '1.1-C01', { title: 'By Alice' }, 'rename'))
    done(plans.setTask(open(bob), SLUG, '1.1-C01', { title: 'By Bob', status: 'done' }, 'rename'))
    await meet(alice, bob)
    const key = `${SLUG}/tasks/1.1-c01`
    expect(done(plans.showPlan(open(alice), SLUG)).conflicts).toEqual([key])
    expect(done(plans.checkPlan(open(alice), SLUG)).issues[0]).toMatchObject({ rule: 'conflict', where: key })
    const no = refused(plans.setTask(open(alice), SLUG, '1.1-C01', { status: 'failed' }, 'x'))
    expect(no).toMatchObject({ refused: 'CONFLICT', data: { key } })
    const { conflicts } = await alice
      .inProcess('conflicts')
      .json<{ conflicts: { key: string; versions: { oid: string; by: string }[] }[] }>()
    const own = conflicts[0]?.versions.find(({ by }) => by.startsWith('alice'))?.oid ?? ''
    await alice.inProcess('plan', 'edit', SLUG, '--task', '1.1-C01', '--take', own.slice(0, 8)).ok()
    expect(plans.tasksOf(open(alice), SLUG)[1]).toMatchObject({ title: 'By Alice', status: 'done' })
    expect(done(plans.showPlan(open(alice), SLUG)).conflicts).toEqual([])
  })

  test('both write into the companion, and nothing is lost', async ({ world }) => {
    const [alice, bob] = await both(world)
    await alice
      .inProcess('companion', 'add', '1.1', '--status', 'in progress', '--details', 'Backoff with jitter.')
      .ok()
    await bob.inProcess('companion', 'add', '1.1', '--tests', '3 passed', '--bug', 'The clock was local time.').ok()
    await meet(alice, bob)
    for (const clone of [alice, bob]) {
      const view = done(plans.showPlan(open(clone), SLUG))
      expect(view.conflicts).toEqual([])
      expect(view.companion?.phases).toMatchObject([
        {
          status: 'IN PROGRESS',
          tests: '3 passed',
          details: 'Backoff with jitter.',
          bugs: ['The clock was local time.'],
        },
      ])
    }
    await bob.inProcess('companion', 'add', '1.1', '--question', 'Who owns the queue?').ok()
    const companion = plans.companionOf(open(bob), SLUG)
    expect(companion?.versions).toHaveLength(1)
    expect(companion?.phases).toMatchObject([
      {
        tests: '3 passed',
        details: 'Backoff with jitter.',
        bugs: ['The clock was local time.'],
        questions: ['Who owns the queue?'],
      },
    ])
  })

  test('a text that both edited is kept twice; a further edit that saw both ends it', async ({ world }) => {
    const [alice, bob] = await both(world)
    for (const [clone, title] of [
      [alice, 'A'],
      [bob, 'B'],
    ] as const) {
      done(plans.writeContract(open(clone), SLUG, `# Decomposition: ${title}\n`))
    }
    await meet(alice, bob)
    const doc = plans.contractOf(open(alice), SLUG)
    expect(doc?.versions).toHaveLength(2)
    expect(refused(plans.writeContract(open(alice), SLUG, '# Decomposition: C\n')).refused).toBe('CONFLICT')
    expect(
      refused(plans.writeContract(open(alice), SLUG, '# Decomposition: C\n', { saw: doc?.oid ?? '' })).refused,
    ).toBe('CONFLICT')
    done(plans.writeContract(open(alice), SLUG, '# Decomposition: C\n', { saw: doc?.versions ?? [] }))
    await meet(alice, bob)
    expect(plans.contractOf(open(bob), SLUG)).toMatchObject({
      text: '# Decomposition: C\n',
      versions: [expect.any(String)],
    })
  })

  test('a fresh clone says the same of a companion that was left alone', async ({ world }) => {
    const [alice] = await both(world)
    await alice.commit('feat: retry\n\nDstack-Slug: retry-webhooks', { 'src/a.ts': 'a\n' })
    world.advance(6 * 86_400)
    await alice.commit('feat: more\n\nDstack-Slug: retry-webhooks', { 'src/b.ts': 'b\n' })
    expect(await alice.inProcess('companion', 'check').text()).toContain('tells what happened')
    world.advance(2 * 86_400)
    await alice.commit('feat: last\n\nDstack-Slug: retry-webhooks', { 'src/c.ts': 'c\n' })
    await alice.commit('chore: of nobody', { 'other.txt': 'x\n' })
    const stale = await alice.inProcess('companion', 'check')
    expect(stale).toMatchObject({ status: 1, stdout: expect.stringContaining('stale') })
    await alice.git('push', '-q', 'origin', 'HEAD').ok()
    await alice.inProcess('sync').ok()
    const [carol] = await world.clones('carol')
    await carol.inProcess('init').ok()
    await carol.inProcess('sync').ok()
    expect((await carol.inProcess('companion', 'check')).stdout).toBe(stale.stdout)
  })
})
