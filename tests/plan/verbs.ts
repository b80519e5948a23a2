// Every verb of plans once, for the test that holds what they print against their schemas.

import { expect } from 'vitest'
import type { Clone } from '../support/clone'

type Holds = (name: string, ...args: string[]) => Promise<Record<string, unknown>>

const SPEC = `# Spec: Retry

## Problem
Deliveries fail.
## Users
Shops.
## Behaviour
- FR-1: A failed delivery is tried again.
## Non-goals
- A screen.
## Acceptance
- SC-1: \`exit 0 : npm test\`
`

const GSTACK = `# Living plan

## Feature 1: Sign in
Origin trace: Week 1
Acceptance: it locks

### Phase 1: Check
Touches: src/auth/**
Depends on: none
<!-- testCmd: npm test -- auth -->

- [ ] **Test Specification (test-writer role)**: tests
- [ ] **Implementation (primary-impl role)**: code
- [ ] **Review & QA (review roles)**: review
`

export async function everyPlanVerb(alice: Clone, holds: Holds): Promise<void> {
  expect(await holds('begin', 'Retry', '--kind', 'feature')).toMatchObject({ slug: 'retry', kind: 'feature' })
  alice.write('spec.md', SPEC)
  await holds('spec new', 'Retry', '--file', 'spec.md')
  expect(await holds('spec check')).toMatchObject({ ok: true, requirements: [{ id: 'FR-1' }, { id: 'SC-1' }] })
  await holds('plan check')
  expect(await holds('plan converge')).toMatchObject({ added: [] })
  await holds('plan new', 'Another one', '--kind', 'architecture')
  alice.write('contract.md', '# Decomposition: Retry\n\n## Leaf 1.1: Queue\n\nNotes:\n\nx\n')
  await alice.inProcess('begin', '--kind', 'architecture', 'Queue').ok()
  await holds('plan edit', 'queue', '--part', 'contract', '--file', 'contract.md')
  await holds('plan show', 'queue')
  await holds('plan show', 'queue', '--part', 'contract')
  expect(await holds('plan diff', 'queue', '--part', 'contract')).toHaveProperty('diff', expect.stringContaining('+x'))
  alice.write('living.md', GSTACK)
  expect(await holds('plan import', 'living.md')).toMatchObject({ plans: [{ slug: 'living-plan', outcome: 'added' }] })
  expect(await holds('plan show', 'living-plan')).toMatchObject({
    features: [{ n: 1, origin: 'Week 1', phases: [{ touches: ['src/auth/**'], test_cmd: 'npm test -- auth' }] }],
  })
  expect(await holds('plan show', 'living-plan', '--format', 'gstack')).toMatchObject({ text: GSTACK })
  await holds('plan export', 'living-plan')
  alice.write('living.md', GSTACK.replace('[ ] **Impl', '[x] **Impl'))
  expect(await holds('plan export', 'living-plan', '--to', 'living.md')).toMatchObject({
    changed: false,
    taken: [{ n: 1 }],
  })
  await holds(
    'companion add',
    '1.1',
    '--slug',
    'retry',
    '--commit',
    'HEAD',
    '--details',
    'x',
    '--deviation',
    'a.ts',
    '--reason',
    'y',
  )
  expect(await holds('companion show', 'retry')).toMatchObject({ phases: [{ deviations: [{ paths: ['a.ts'] }] }] })
  expect(await holds('companion check', 'retry')).toMatchObject({ ok: true })
  alice.write('principles.md', '- MUST be small: `at most 9 tasks`\n')
  await holds('plan principles edit', '--file', 'principles.md')
  await holds('plan principles show')
  await holds('plan archive', 'another-one')
  expect(await holds('plan list')).toMatchObject({
    plans: [{ slug: 'living-plan' }, { slug: 'queue' }, { slug: 'retry' }],
  })
  expect(await holds('plan which')).toMatchObject({ result: 'selected', selected: { slug: 'queue' } })
}
