// Markers: what is written is read again by git and by us; what is forged, amended or rolled back does not count.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeEnv } from '../../src/env/node'
import {
  budget,
  counts,
  isReserved,
  type Marker,
  type MarkerEvent,
  type MarkerLeaf,
  markerMessage,
  readMarkers,
  rollbackOf,
} from '../../src/flow/markers'
import { openRepo } from '../../src/git/git'
import { test as inWorld } from '../support/test'
import { branchOf, commitOf, oidOf, STATE } from './branch'

const leaves: MarkerLeaf[] = [
  { id: '1.0', title: 'Store', needs: [] },
  { id: '1.1', title: 'Server (needs care)', needs: ['1.0'] },
]
const approve = (slug = 'pay') => markerMessage({ slug, event: 'approve', state: STATE, leaves })
const phase = (event: 'plan' | 'complete', leaf: string, slug = 'pay') =>
  markerMessage({ slug, event, leaf, state: STATE })
const rollback = (leaf: string, voids: string[] = [], slug = 'pay') =>
  [
    `Revert ${slug}/phase ${leaf}`,
    '',
    `Dstack-Slug: ${slug}`,
    `Dstack-Event: rollback ${leaf}`,
    ...voids.map((id) => `Dstack-Voids: ${id}`),
    '',
  ].join('\n')

const leafId = fc.tuple(fc.nat(20), fc.nat(20)).map(([a, b]) => `${a}.${b}`)
const title = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a (needs 1.0)', '(needs -)', 'x (needs 1.0, 1.1)', '- 1.0 x', 'Leaves:', '', 'Dstack-Slug: x'),
)

test('the four subjects', () => {
  expect(approve().split('\n')[0]).toBe('pay: decomposition approved')
  expect(markerMessage({ slug: 'pay', event: 'amend', state: STATE, leaves }).split('\n')[0]).toBe(
    'pay: decomposition amended',
  )
  expect(phase('plan', '1.2')).toBe(
    `pay/phase 1.2: plan approved\n\nDstack-Slug: pay\nDstack-Leaf: 1.2\nDstack-Event: plan 1.2\nDstack-State: ${STATE}\n`,
  )
  expect(phase('complete', '1.2').split('\n')[0]).toBe('pay/phase 1.2: implementation complete')
  expect(approve()).toBe(
    `pay: decomposition approved\n\nLeaves:\n- 1.0 Store\n- 1.1 Server (needs care) (needs 1.0)\n\nDstack-Slug: pay\nDstack-Event: approve\nDstack-State: ${STATE}\n`,
  )
})

test.each<[string, ReturnType<typeof isReserved>]>([
  ['pay: decomposition approved', { slug: 'pay', leaf: null, kind: 'approve' }],
  ['a-1: decomposition amended', { slug: 'a-1', leaf: null, kind: 'amend' }],
  ['pay/phase 1.2: plan approved', { slug: 'pay', leaf: '1.2', kind: 'plan' }],
  ['pay/phase 12.34: implementation complete', { slug: 'pay', leaf: '12.34', kind: 'complete' }],
  ['pay: decomposition approved by all', null],
  ['Pay: decomposition approved', null],
  ['pay/phase 1: plan approved', null],
  ['pay/phase 1.2: decomposition approved', null],
  ['pay: plan approved', null],
  ['fix: pay/phase 1.2: plan approved', null],
  ['fix: the parser', null],
  ['Revert pay/phase 1.2', null],
  ['', null],
])('reserved: %s', (subject, found) => {
  expect(isReserved(subject)).toEqual(found)
})

test('any list of leaves comes back as it was, but for white space', () => {
  const leaf = fc.record({ id: leafId, title, needs: fc.uniqueArray(leafId, { maxLength: 3 }) })
  fc.assert(
    fc.property(fc.array(leaf, { maxLength: 6 }), (all) => {
      const [marker] = readMarkers(branchOf(markerMessage({ slug: 'pay', event: 'amend', state: STATE, leaves: all })))
      const flat = all.map((each) => ({ ...each, title: each.title.replace(/[\s\p{Cc}]+/gu, ' ').trim() }))
      expect(marker).toMatchObject({ event: 'amend', forged: false, leaf: null, leaves: flat })
    }),
  )
})

inWorld('git reads the same out of a commit that git wrote, and that a person amended', async ({ world }) => {
  const [alice] = await world.clones('alice')
  const silent = { json: false, data: () => undefined, say: () => undefined, columns: null, colour: false }
  const repo = () =>
    openRepo(nodeEnv({ cwd: alice.path, vars: alice.vars(), out: { ...silent, progress: () => () => undefined } }))
  const base = (await alice.tip('HEAD')) ?? ''
  const first = repo().work.mark(approve(), { branch: 'main', expect: base }) ?? ''
  const second = repo().work.mark(phase('plan', '1.0'), { branch: 'main', expect: first }) ?? ''
  const read = async () => readMarkers(repo().work.commits({ from: null, to: (await alice.tip('HEAD')) ?? '' }))
  const expected = [
    { oid: first, parent: base, slug: 'pay', event: 'approve', leaf: null, state: STATE, leaves, forged: false },
    { oid: second, parent: first, slug: 'pay', event: 'plan', leaf: '1.0', state: STATE, leaves: null, forged: false },
  ]
  expect(await read()).toMatchObject(expected)
  // An editor's clean-up, and a change that comes with it: still one marker, not a new one.
  alice.write('late', 'x')
  await alice.git('add', 'late').ok()
  await alice
    .with({ vars: { GIT_EDITOR: 'true' } })
    .git('commit', '-q', '--amend')
    .ok()
  const [, amended] = await read()
  expect(amended).toMatchObject({ ...expected[1], oid: await alice.tip('HEAD') })
  expect(budget(await read(), 'pay', '1.0')).toEqual({ plan: 1, complete: 0 })
})

describe('forged', () => {
  const good = phase('plan', '1.0')
  test.each([
    ['no trailers', 'pay/phase 1.0: plan approved\n', 'it has no trailer Dstack-Slug'],
    ['another slug', good.replace('Slug: pay', 'Slug: other'), 'its trailer Dstack-Slug says "other", not "pay"'],
    [
      'another event',
      good.replace('Event: plan', 'Event: complete'),
      /Dstack-Event says "complete 1.0", not "plan 1.0"/,
    ],
    ['another leaf', good.replace('Leaf: 1.0', 'Leaf: 1.1'), /Dstack-Leaf says/],
    ['two slugs', good.replace('Dstack-Slug: pay', 'Dstack-Slug: pay\nDstack-Slug: x'), 'it has Dstack-Slug 2 times'],
    ['no state', good.replace(STATE, 'HEAD'), /names no commit/],
    ['not in the last paragraph', `${good}\nmore text\n`, /no trailer/],
  ])('%s: reported, not counted', (_, message, why) => {
    const [marker] = readMarkers(branchOf(message))
    expect(marker).toMatchObject({ forged: true, state: null, leaf: '1.0' })
    expect(marker?.why).toMatch(why)
    expect(marker !== undefined && counts(marker)).toBe(false)
    expect(budget([marker as Marker], 'pay', '1.0')).toEqual({ plan: 0, complete: 0 })
  })
})

describe('rollback', () => {
  test('voids the earlier markers of its leaf and of those it names, in its slug only', () => {
    const markers = readMarkers(
      branchOf(
        approve(),
        phase('plan', '1.0'),
        phase('complete', '1.0'),
        phase('plan', '1.1'),
        phase('complete', '1.1'),
        phase('plan', '1.2'),
        phase('plan', '1.1', 'other'),
        rollback('1.1', ['1.2']),
        phase('plan', '1.1'),
      ),
    )
    expect(markers.map(({ event, leaf, slug, voided }) => `${slug} ${event} ${leaf} ${voided}`)).toEqual([
      'pay approve null false',
      'pay plan 1.0 false',
      'pay complete 1.0 false',
      'pay plan 1.1 true',
      'pay complete 1.1 true',
      'pay plan 1.2 true',
      'other plan 1.1 false',
      'pay plan 1.1 false',
    ])
    expect(budget(markers, 'pay', '1.1')).toEqual({ plan: 1, complete: 0 })
    expect(budget(markers, 'pay', '1.2')).toEqual({ plan: 0, complete: 0 })
  })

  test.each([
    ['no slug', 'Revert\n\nDstack-Event: rollback 1.0\n'],
    ['two slugs', 'Revert\n\nDstack-Slug: pay\nDstack-Slug: x\nDstack-Event: rollback 1.0\n'],
    ['no leaf', 'Revert\n\nDstack-Slug: pay\nDstack-Event: rollback everything\n'],
    ['another event', 'Revert\n\nDstack-Slug: pay\nDstack-Event: plan 1.0\n'],
  ])('%s: voids nothing', (_, message) => {
    expect(rollbackOf(commitOf(1, message))).toBe(null)
  })

  type Act = { what: MarkerEvent | 'rollback' | 'forge' | 'code'; slug: string; leaf: string; voids: string[] }
  const small = fc.constantFrom('1.0', '1.1', '2.0')
  const act: fc.Arbitrary<Act> = fc.record({
    what: fc.constantFrom('approve', 'amend', 'plan', 'complete', 'rollback', 'forge', 'code'),
    slug: fc.constantFrom('pay', 'other'),
    leaf: small,
    voids: fc.uniqueArray(small, { maxLength: 2 }),
  })
  const messageOf = ({ what, slug, leaf, voids }: Act): string => {
    if (what === 'rollback') return rollback(leaf, voids, slug)
    if (what === 'forge') return phase('plan', leaf, slug).replace('Dstack-Event', 'Dstack-Else')
    if (what === 'code') return `feat: ${leaf}\n\nDstack-Task: ${leaf}-C01\n`
    if (what === 'plan' || what === 'complete') return phase(what, leaf, slug)
    return markerMessage({ slug, event: what, state: STATE, leaves })
  }

  test('in any interleaving a marker counts exactly when no later rollback of its slug names its leaf', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const markers = readMarkers(branchOf(...acts.map(messageOf)))
        const at = new Map(markers.map((marker) => [marker.oid, marker]))
        expect(markers).toHaveLength(acts.filter(({ what }) => what !== 'rollback' && what !== 'code').length)
        for (const [i, { what, slug, leaf }] of acts.entries()) {
          const marker = at.get(oidOf(i + 1))
          const isPhase = what === 'plan' || what === 'complete'
          const isBack = acts
            .slice(i + 1)
            .some(
              (later) =>
                later.what === 'rollback' && later.slug === slug && [later.leaf, ...later.voids].includes(leaf),
            )
          expect(marker?.voided ?? false).toBe(isPhase && isBack)
          expect(marker?.forged ?? false).toBe(what === 'forge')
        }
        for (const slug of ['pay', 'other']) {
          for (const leaf of ['1.0', '1.1', '2.0']) {
            const since = acts.findLastIndex(
              (each) => each.what === 'rollback' && each.slug === slug && [each.leaf, ...each.voids].includes(leaf),
            )
            const count = (event: string) =>
              acts.slice(since + 1).filter((each) => each.what === event && each.slug === slug && each.leaf === leaf)
                .length
            expect(budget(markers, slug, leaf)).toEqual({ plan: count('plan'), complete: count('complete') })
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
