// Contracts: what a person may write, both ways without loss, what the lint finds, and what pins a leaf.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contractIssues, formatContract, leafText, parseContract } from '../../src/plan/contract'
import type { Contract, LeafSpec } from '../../src/plan/schema'

const TEMPLATE = readFileSync(new URL('../../templates/CONTRACT.md', import.meta.url), 'utf8')

const LEAF: LeafSpec = {
  id: '1.1',
  title: 'Window',
  goal: 'Counts are right.',
  deliverables: ['a window'],
  in_scope: ['src/**'],
  out_of_scope: [],
  provides: [],
  must_keep: [],
  depends_on: [],
  acceptance: ['exit 0 : npm test'],
  risk: 'mid',
}
const CONTRACT: Contract = { title: 'Limits', goal: 'No key takes it down.', leaves: [LEAF], acceptance: [] }
const withLeaf = (change: Partial<LeafSpec>): Contract => ({ ...CONTRACT, leaves: [{ ...LEAF, ...change }] })
const rules = (contract: Contract) => contractIssues(contract).map(({ rule, where }) => `${rule} ${where}`)

test('the template is a whole contract, but for its example leaf', () => {
  const contract = parseContract(TEMPLATE)
  expect(contract).toMatchObject({ title: '{{title}}', goal: '{{goal}}', acceptance: ['exit 0 : npm test'] })
  expect(contract.leaves).toHaveLength(1)
  expect(contract.leaves[0]).toMatchObject({ id: '1.1', risk: 'mid', in_scope: ['src/**', 'tests/**'], depends_on: [] })
  expect(contractIssues(contract)).toEqual([expect.objectContaining({ rule: 'example', where: '1.1' })])
})

test('people write it their way', () => {
  const contract = parseContract(
    `\ufeff# Rate limits #

**Goal:** No single key
takes the service down.

\`\`\`
# Decomposition: in a fence
## Leaf 9.9: neither
\`\`\`
<!-- ## Leaf 8.8: nor in a comment
Goal: no -->

### Leaf 1.1 — Window

GOAL : Counts are right.
**Repository**: \`api\`
risk: HIGH
Depends on: none
Human: maybe
#### Deliverables
1. one
2) two
   goes on
* three
In scope: \`src/{a,b}/**\`, tests/**
Out of scope: none
Acceptance:
- \`\`exit 0 : echo \`date\` ; true\`\`

leaf text that belongs nowhere

## Leaf 1.2: Answers
Goal: 429
Depends on:
- 1.1
- Leaf 1.3
Hitl: yes
Engine: codex
Tasks (estimate): 4 or 5
Notes: first line

### A heading of the notes
\`\`\`
Goal: in a fence of the notes
\`\`\`

## Background

Deliverables:
- not of a leaf

## Acceptance

- \`path exists a\`
`.replaceAll('\n', '\r\n'),
  )
  expect(contract).toEqual({
    title: 'Rate limits',
    goal: 'No single key takes the service down.',
    acceptance: ['path exists a'],
    leaves: [
      {
        ...LEAF,
        repo: 'api',
        risk: 'high',
        deliverables: ['one', 'two goes on', 'three'],
        in_scope: ['src/{a,b}/**', 'tests/**'],
        acceptance: ['exit 0 : echo `date` ; true'],
      },
      {
        ...LEAF,
        id: '1.2',
        title: 'Answers',
        goal: '429',
        deliverables: [],
        in_scope: [],
        acceptance: [],
        depends_on: ['1.1', '1.3'],
        hitl: true,
        engine: 'codex',
        est_tasks: 4,
        notes: 'first line\n\n### A heading of the notes\n```\nGoal: in a fence of the notes\n```',
      },
    ],
  })
})

describe('the lint', () => {
  test('finds nothing in a whole contract', () => {
    expect(contractIssues(CONTRACT)).toEqual([])
  })

  test.each<[string, Contract, string[]]>([
    ['no title', { ...CONTRACT, title: '' }, ['no-title contract']],
    ['no goal', { ...CONTRACT, goal: '' }, ['no-goal contract']],
    ['no leaf', { ...CONTRACT, leaves: [] }, ['no-leaf contract']],
    ['prose for the whole', { ...CONTRACT, acceptance: ['all is well'] }, ['bad-predicate contract']],
    ['leaf without title', withLeaf({ title: '' }), ['no-title 1.1']],
    ['leaf without goal', withLeaf({ goal: '' }), ['no-goal 1.1']],
    ['leaf without deliverable', withLeaf({ deliverables: [] }), ['no-deliverable 1.1']],
    ['leaf without scope', withLeaf({ in_scope: [] }), ['no-scope 1.1']],
    ['leaf without predicate', withLeaf({ acceptance: [] }), ['no-predicate 1.1']],
    ['manual predicate', withLeaf({ acceptance: ['manual: look'] }), ['bad-predicate 1.1']],
    ['id of one number', withLeaf({ id: '1' }), ['bad-id 1']],
    ['twice the id', { ...CONTRACT, leaves: [LEAF, LEAF] }, ['duplicate-id 1.1']],
    ['unknown dependency', withLeaf({ depends_on: ['2.1'] }), ['unknown-dependency 1.1']],
    ['control character', withLeaf({ goal: 'a\u001bb' }), ['control-character contract']],
    ['on itself', withLeaf({ depends_on: ['1.1'] }), ['cycle 1.1']],
  ])('%s', (_, contract, found) => {
    expect(rules(contract)).toEqual(found)
    for (const { severity, message } of contractIssues(contract)) {
      expect(severity).toBe('error')
      expect(message).toMatch(/[.!]$/)
    }
  })

  test('names the path of a cycle, and only of the cycle', () => {
    const leaf = (id: string, ...depends_on: string[]) => ({ ...LEAF, id, depends_on })
    const contract = {
      ...CONTRACT,
      leaves: [leaf('1.1', '1.2'), leaf('1.2', '1.3', '1.4'), leaf('1.3'), leaf('1.4', '1.2')],
    }
    const [issue] = contractIssues(contract)
    expect(issue).toMatchObject({ rule: 'cycle', message: 'Leaves wait for each other: 1.2 → 1.4 → 1.2.' })
    const diamond = {
      ...CONTRACT,
      leaves: [leaf('1.1', '1.2', '1.3'), leaf('1.2', '1.4'), leaf('1.3', '1.4'), leaf('1.4')],
    }
    expect(contractIssues(diamond)).toEqual([])
  })

  test('a chain of many leaves does not exhaust the stack', () => {
    const leaves = Array.from({ length: 900 }, (_, i) => ({
      ...LEAF,
      id: `1.${i}`,
      depends_on: i === 0 ? ['1.899'] : [`1.${i - 1}`],
    }))
    expect(rules({ ...CONTRACT, leaves })).toEqual(['cycle 1.0'])
  })
})

test('a leaf is pinned by what it asks, in whatever order it was made', () => {
  const reversed = Object.fromEntries(Object.entries(LEAF).reverse()) as unknown as LeafSpec
  expect(leafText(reversed)).toBe(leafText(LEAF))
  expect(leafText({ ...LEAF, risk: 'high' })).not.toBe(leafText(LEAF))
  expect(leafText({ ...LEAF, notes: 'x' })).not.toBe(leafText(LEAF))
  const names = Object.keys(JSON.parse(leafText({ ...LEAF, repo: 'api', hitl: false })) as object)
  expect(names).toEqual([...names].sort())
})

/** One line, as a value of a field: no space at its ends. */
const tricky = [
  '`',
  '``',
  '#',
  '##',
  '- ',
  '* ',
  '1. ',
  '<!--',
  '-->',
  '```',
  '**',
  ':',
  ',',
  'Goal:',
  'none',
  '\\',
  'Leaf 1.1:',
  ' ',
  'a',
  'src/**',
]
const line = fc
  .array(fc.oneof(fc.constantFrom(...tricky), fc.string({ maxLength: 4, unit: 'grapheme' })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) =>
    parts
      .join('')
      .replace(/[\p{Cc}\u2028\u2029\ufeff]/gu, '')
      .trim(),
  )
  .filter((text) => text !== '')
const starts = [
  '',
  'Goal: ',
  '## Leaf 2.1: ',
  '## Acceptance',
  '# x',
  '### ',
  '<!-- ',
  '-->',
  '```',
  '~~~',
  '\\',
  '\\\\## Leaf ',
  '  Notes:',
  '**Risk:**',
  '- ',
  '---',
]
const notes = fc
  .array(
    fc.tuple(fc.constantFrom(...starts), fc.oneof(fc.constant(''), line)).map(([start, rest]) => start + rest),
    { minLength: 1, maxLength: 8 },
  )
  .map((lines) =>
    lines
      .join('\n')
      .replace(/^(?:[^\S\n]*\n)+/, '')
      .trimEnd(),
  )
  .filter((text) => text !== '')
const list = fc.array(line, { maxLength: 3 })
const number = fc.integer({ min: 0, max: 999 })
const id = fc.tuple(number, number).map(([x, y]) => `${x}.${y}`)
const leaf: fc.Arbitrary<LeafSpec> = fc.record(
  {
    id,
    title: fc.oneof(line, fc.constant('')),
    goal: fc.oneof(line, fc.constant('')),
    repo: line,
    deliverables: list,
    in_scope: list,
    out_of_scope: list,
    provides: list,
    must_keep: list,
    depends_on: fc.array(id, { maxLength: 3 }),
    acceptance: list,
    engine: line,
    hitl: fc.boolean(),
    risk: fc.constantFrom('low' as const, 'mid' as const, 'high' as const),
    est_tasks: number,
    notes,
  },
  {
    requiredKeys: [
      'id',
      'title',
      'goal',
      'deliverables',
      'in_scope',
      'out_of_scope',
      'provides',
      'must_keep',
      'depends_on',
      'acceptance',
      'risk',
    ],
  },
)
const contract: fc.Arbitrary<Contract> = fc.record({
  title: fc.oneof(line, fc.constant('')),
  goal: fc.oneof(line, fc.constant('')),
  leaves: fc.array(leaf, { maxLength: 3 }),
  acceptance: list,
})

test('what is written is read as the same', () => {
  fc.assert(
    fc.property(contract, (given) => {
      expect(parseContract(formatContract(given))).toEqual(given)
    }),
    { numRuns: 1500 },
  )
})

test('any text is read, and what was read is written once and for all', () => {
  const pieces = [
    '# ',
    '## Leaf 1.1: a',
    '## Leaf x',
    'Goal: b',
    'Acceptance:',
    '- c',
    '  d',
    '',
    'Notes:',
    '```',
    '<!--',
    '-->',
    '### Risk',
    '\u0000',
    '\\Goal:',
    'In scope: a, b',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 25 }), (lines) => {
      const read = parseContract(lines.join('\n'))
      expect(parseContract(formatContract(read))).toEqual(read)
    }),
    { numRuns: 1000 },
  )
})

test('256 KiB of anything are read in linear time', () => {
  const started = performance.now()
  for (const piece of [
    '#',
    '# ',
    '- ',
    '```\n',
    '<!--',
    '`',
    'Notes:\n```a\n',
    'Goal:',
    ' ',
    '\n',
    '## Leaf 1.1\n',
    '\\',
    '*',
    'Notes:\n\\',
  ]) {
    const read = parseContract(piece.repeat((256 * 1024) / piece.length))
    contractIssues({ ...read, leaves: read.leaves.slice(0, 2000) })
    formatContract(read)
  }
  expect(performance.now() - started).toBeLessThan(10_000)
})
