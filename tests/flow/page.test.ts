// The manual page of the machine says what the machine's tables say.

import { expect, test } from 'vitest'
import { KEYS, TRANSITIONS } from '../../src/flow/machine'
import { CONDITIONS, STATUS_OF, STEPS } from '../../src/flow/schema'
import { MANUAL } from '../../src/manual/manual'

/** The items of a section, each on one line. */
function items(title: string): string[] {
  const section = MANUAL.machine?.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''
  return section
    .split(/^- /m)
    .slice(1)
    .map((item) => item.replace(/\s+/g, ' ').trim())
}

/** The part of an item that the tables know, without what is said about it. */
const head = (item: string) => item.split(': ')[0] ?? ''

test('states', () => {
  expect(items('States').map(head)).toEqual(STEPS.map((step) => `**${step}** (${STATUS_OF[step]})`))
})

test('transitions and their guards', () => {
  const page = items('Transitions').map((item) => `${head(item)}; ${/ Guards: (.*)\.$/.exec(item)?.[1]}`)
  const table = TRANSITIONS.map(({ id, trigger, actor, from, to, guards }) => {
    return `**${id} ${trigger}** (${actor}) ${from.join(', ')} → ${to.join(', ')}; ${guards.join(', ')}`
  })
  expect(page).toEqual(table)
})

test('conditions', () => {
  expect(items('Conditions').map(head)).toEqual(Object.entries(CONDITIONS).map(([id, name]) => `**${id} ${name}**`))
})

test('answers', () => {
  const table = Object.entries(KEYS).map(([step, { y, n, a, r, f }]) => {
    expect([n, a]).toEqual([y, y])
    return `**${step}**: y, n, aN ${y}; r ${r}; f ${f}.`
  })
  expect(items('Answers')).toEqual(table)
})
