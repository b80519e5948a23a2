// Recovery from markers: what a whole run leaves is read back exactly, and what no run leaves is named.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import { type MarkerLeaf, markerMessage, readMarkers } from '../../src/flow/markers'
import { type Recovered, recoverState } from '../../src/flow/recover'
import { branchOf, oidOf, STATE } from './branch'

const LEAVES: MarkerLeaf[] = [
  { id: '1.0', title: 'Store', needs: [] },
  { id: '1.1', title: 'Server', needs: ['1.0'] },
  { id: '1.2', title: 'Client', needs: ['1.0'] },
]
const approve = (leaves = LEAVES) => markerMessage({ slug: 'pay', event: 'approve', state: STATE, leaves })
const amend = (leaves: MarkerLeaf[]) => markerMessage({ slug: 'pay', event: 'amend', state: STATE, leaves })
const plan = (leaf: string) => markerMessage({ slug: 'pay', event: 'plan', leaf, state: STATE })
const complete = (leaf: string) => markerMessage({ slug: 'pay', event: 'complete', leaf, state: STATE })
const rollback = (leaf: string, ...voids: string[]) =>
  `Revert\n\nDstack-Slug: pay\nDstack-Event: rollback ${leaf}\n${voids.map((id) => `Dstack-Voids: ${id}\n`).join('')}`

function recovered(...messages: string[]): Recovered {
  const found = recoverState(readMarkers(branchOf(...messages)), 'pay')
  if (isRefusal(found)) throw new Error(found.message)
  return found
}

const statuses = ({ leaves }: Recovered) => leaves.map(({ id, status, order }) => `${id} ${status} ${order}`)

test('a run in the middle of its second leaf', () => {
  const found = recovered('first', approve(), plan('1.0'), 'code', complete('1.0'), plan('1.2'), 'code')
  expect(found).toEqual({
    slug: 'pay',
    base: oidOf(1),
    contract: { oid: oidOf(2), state: STATE, amendments: 0 },
    leaves: [
      { ...LEAVES[0], status: 'sealed', base: oidOf(2), order: 1 },
      { ...LEAVES[1], status: 'pending', base: null, order: 0 },
      { ...LEAVES[2], status: 'running', base: oidOf(5), order: 2 },
    ],
    running: '1.2',
    last: { oid: oidOf(6), state: STATE, seconds: 6 },
    since: 2,
    problems: [],
  })
})

test('an amendment says which leaves there are now', () => {
  const more = [...LEAVES, { id: '2.0', title: 'Docs', needs: ['1.2'] }]
  const found = recovered(approve(), plan('1.0'), complete('1.0'), amend(more), amend(more))
  expect(found.contract).toEqual({ oid: oidOf(5), state: STATE, amendments: 2 })
  expect(statuses(found)).toEqual(['1.0 sealed 1', '1.1 pending 0', '1.2 pending 0', '2.0 pending 0'])
  expect(found.problems).toEqual([])
})

test('after a rollback the leaves can be done again, and nobody complains', () => {
  const found = recovered(
    approve(),
    ...[plan('1.0'), complete('1.0'), plan('1.1'), complete('1.1'), plan('1.2')],
    rollback('1.1', '1.2'),
    ...[plan('1.2'), complete('1.2'), plan('1.1')],
  )
  expect(statuses(found)).toEqual(['1.0 sealed 1', '1.1 running 3', '1.2 sealed 2'])
  expect(found.problems).toEqual([])
})

describe('problems', () => {
  test.each<[string, string[], string[]]>([
    ['a second plan', [plan('1.0'), plan('1.0')], ['budget 1.0']],
    ['a third marker', [plan('1.0'), complete('1.0'), complete('1.0')], ['budget 1.0']],
    ['complete without a plan', [complete('1.0')], ['order 1.0']],
    ['plan after complete', [complete('1.0'), plan('1.0')], ['order 1.0']],
    ['two leaves at once', [plan('1.0'), complete('1.0'), plan('1.1'), plan('1.2')], ['order 1.2']],
    ['started before what it needs', [plan('1.1')], ['order 1.1']],
    ['a leaf that the contract does not know', [plan('9.9'), complete('9.9')], ['unknown-leaf 9.9']],
    ['a forged one', ['pay/phase 1.0: plan approved'], ['forged 1.0']],
  ])('%s', (_, messages, problems) => {
    expect(recovered(approve(), ...messages).problems.map(({ rule, leaf }) => `${rule} ${leaf}`)).toEqual(problems)
  })

  test('a marker before the contract', () => {
    expect(recovered(plan('1.0'), approve()).problems).toMatchObject([{ rule: 'order', leaf: '1.0', oid: oidOf(1) }])
  })

  test('a forged contract is none', () => {
    const forged = amend(LEAVES.slice(0, 1)).replace(STATE, 'x')
    const found = recovered(approve(), forged)
    expect(found.leaves).toHaveLength(3)
    expect(found.problems).toMatchObject([{ rule: 'forged', leaf: null }])
  })
})

test.each([
  ['no markers', ['code', 'more code']],
  ['those of another slug', [approve().replaceAll('pay', 'other')]],
  ['no contract among them (a shallow clone)', [plan('1.0'), complete('1.0')]],
  ['a contract without leaves', [approve([])]],
])('refused: %s', (_, messages) => {
  expect(recoverState(readMarkers(branchOf(...messages)), 'pay')).toMatchObject({ refused: 'NOT_FOUND' })
})

test('whatever legal run, with rollbacks in between, is read back without a problem', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 30 }), (choices) => {
      const log = [approve()]
      let done: string[] = []
      let running: string | null = null
      for (const choice of choices) {
        const started = running === null ? done : [...done, running]
        if (choice > 7 && started.length > 0) {
          const from = choice % started.length
          log.push(rollback(started[from] ?? '', ...started.slice(from + 1)))
          done = started.slice(0, from)
          running = null
        } else if (running !== null) {
          log.push('code', complete(running))
          done.push(running)
          running = null
        } else {
          const ready = LEAVES.filter(
            ({ id, needs }) => !done.includes(id) && needs.every((need) => done.includes(need)),
          )
          running = ready[choice % Math.max(1, ready.length)]?.id ?? null
          if (running !== null) log.push(plan(running))
        }
      }
      const found = recovered(...log)
      expect(found.problems).toEqual([])
      expect(found.running).toBe(running)
      const sealed = found.leaves.filter(({ status }) => status === 'sealed').sort((a, b) => a.order - b.order)
      expect(sealed.map(({ id }) => id)).toEqual(done)
    }),
    { numRuns: 300 },
  )
})
