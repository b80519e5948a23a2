import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compound, learned, type WorkCommit } from '../../src/memory/compound'
import { decideImport } from '../../src/memory/import'
import { decideAccept, decideReject } from '../../src/memory/proposals'
import { Portable } from '../../src/memory/schema'
import { keyProblem } from '../../src/store/keys'
import { AGENT, ALICE, accepted, refusal, Shelf } from './shelf'

const OID = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d'

function commit(subject: string, body = '', files: string[] = ['src/auth/token.ts']): WorkCommit {
  return { oid: OID, subject, body, files }
}

const told = (commits: WorkCommit[]) =>
  compound(commits, ALICE).map(({ entry, reason }) => [entry.key, entry.text, reason])

describe('from commits', () => {
  test('a fix that says what it was', () => {
    const body =
      'Some background.\n\nIt failed because the refresh ran\ntwice: nobody held the lock.\n\nReviewed-By: Bob'
    const [proposal] = compound([commit('fix(auth): refresh token once', body)], ALICE)
    expect(proposal).toEqual({
      reason: '1a2b3c4d fixes it and says what it was',
      entry: {
        key: 'gotchas/auth/refresh-token-once',
        text: 'refresh token once\n\nIt failed because the refresh ran\ntwice: nobody held the lock.',
        state: 'INFERRED',
        confidence: 0.6,
        source: { kind: 'person', from: `sha1:${OID}` },
        scope: 'repository',
        paths: ['src/auth/token.ts'],
        tags: [],
        pin: false,
        links: [`sha1:${OID}`],
        proposed: true,
        reason: '1a2b3c4d fixes it and says what it was',
      },
    })
  })

  test('Root-Cause:, over several lines, up to the trailers', () => {
    const body = 'Root-Cause: the clock of the runner\nwas two minutes late.\nSigned-off-by: Alice <a@example.com>'
    expect(told([commit('Fix flaky login test', body)])).toEqual([
      [
        'gotchas/auth/fix-flaky-login-test',
        'Fix flaky login test\n\nRoot cause: the clock of the runner\nwas two minutes late.',
        '1a2b3c4d says “Root-Cause:”',
      ],
    ])
  })

  test('a decision with its reason; a reason alone belongs to the subject', () => {
    const body =
      'Decision: amounts are integers in minor units.\nBecause: floats lost a cent in March.\n\n**Convention:** one migration per pull request.'
    expect(told([commit('feat(ledger): integers', body, ['libs/ledger/money.ts'])])).toEqual([
      [
        'decisions/ledger/amounts-are-integers-in-minor-units',
        'amounts are integers in minor units.\n\nBecause: floats lost a cent in March.',
        '1a2b3c4d says “Decision:”',
      ],
      [
        'conventions/ledger/one-migration-per-pull-request',
        'one migration per pull request.',
        '1a2b3c4d says “Convention:”',
      ],
    ])
    expect(told([commit('Use pnpm', 'Because:\n\nnpm installs twice as long.', ['package.json'])])).toEqual([
      ['decisions/build/use-pnpm', 'Use pnpm\n\nBecause: npm installs twice as long.', '1a2b3c4d says “Because:”'],
    ])
  })

  test('a revert that says why', () => {
    const body = `This reverts commit ${OID}.\n\nHTTP/2 to the upstream drops bodies above 1 MB.`
    expect(told([commit('Revert "feat(proxy): http2 upstream"', body, ['infra/caddy/Caddyfile'])])).toEqual([
      [
        'gotchas/proxy/http2-upstream-reverted',
        'http2 upstream (reverted)\n\nHTTP/2 to the upstream drops bodies above 1 MB.',
        '1a2b3c4d reverts it and says why',
      ],
    ])
    expect(told([commit('Revert "x"', `This reverts commit ${OID}.`)])).toEqual([])
  })

  test('what teaches nothing proposes nothing', () => {
    expect(
      told([
        commit('feat: new button', 'It is blue because blue is nice.'),
        commit('fix: typo'),
        commit('Merge branch x', 'Decision: none'),
        commit('chore: deps', 'Signed-off-by: A <a@b.c>'),
        commit('docs: example', '```\nDecision: in a fence\n```\n\nTODO: later'),
      ]),
    ).toEqual([])
  })

  test('many files become the folder that holds them; locks do not count', () => {
    const files = [
      'services/pay/src/a.ts',
      'services/pay/src/b/c.ts',
      'services/pay/test/d.ts',
      'services/pay/x.ts',
      'package-lock.json',
    ]
    const [proposal] = compound([commit('x', 'Gotcha: y', files)], ALICE)
    expect(proposal?.entry).toMatchObject({ paths: ['services/pay/**'], key: 'gotchas/pay/y' })
  })

  test('the same lesson once; two lessons that want one key both stand', () => {
    const proposals = told([
      commit('a', 'Gotcha: the cache is stale'),
      commit('b', 'Gotcha: The cache is stale!'),
      commit('c', 'Gotcha: the cache is stale\nafter a deploy'),
    ])
    expect(proposals.map(([key]) => key)).toEqual([
      'gotchas/auth/the-cache-is-stale',
      expect.stringMatching(/^gotchas\/auth\/the-cache-is-stale-/),
    ])
  })
})

describe('from an assistant', () => {
  test('[LEARN] with mistake and correction is one proposal', () => {
    const message =
      'Done.\n\n[LEARN] Testing: run vitest with --run in CI\nMistake: started it in watch mode\nCorrection: `vitest run`\n\nAnything else?'
    const [proposal, ...rest] = learned(message, AGENT, 'session')
    expect(rest).toEqual([])
    expect(proposal?.entry).toMatchObject({
      key: 'learnings/testing/run-vitest-with-run-in-ci',
      text: 'run vitest with --run in CI\n\nMistake: started it in watch mode\nCorrection: `vitest run`',
      source: { kind: 'agent', tool: 'claude-code', from: 'session' },
      proposed: true,
      links: [],
    })
  })

  test('[LEARN] mistake -> correction', () => {
    const [proposal] = learned('- **[LEARN]** npm install → npm ci in pipelines', AGENT)
    expect(proposal?.entry).toMatchObject({
      text: 'npm ci in pipelines\n\nMistake: npm install\nCorrection: npm ci in pipelines',
    })
  })

  test('an example in a fence is none', () => {
    expect(learned('Write it so:\n```\n[LEARN] x: y\n```\n', AGENT)).toEqual([])
  })
})

test('any message gives proposals that can be written, the same each time', () => {
  const word = fc.constantFrom(
    'Decision:',
    'Because:',
    'Root-Cause:',
    '[LEARN]',
    '->',
    'Mistake:',
    '```',
    '\n',
    '\n\n',
    ' ',
    'fix',
    '**',
    'Signed-off-by: x',
    '…',
    '\ud83d\ude00',
    'a'.repeat(3000),
    'caused by',
    ':',
  )
  const body = fc
    .array(fc.oneof(word, fc.string({ unit: 'grapheme', maxLength: 10 })), { maxLength: 20 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.constantFrom('fix: x', 'feat(a/b): y', 'Revert "fix(z): q"', ''), body, (subject, text) => {
      const proposals = compound([commit(subject, text)], ALICE)
      expect(compound([commit(subject, text)], ALICE)).toEqual(proposals)
      for (const { entry } of proposals) {
        expect(keyProblem(entry.key)).toBeNull()
        expect(entry.text).not.toBe('')
        expect(Portable.safeParse(entry).success).toBe(true)
      }
    }),
  )
})

describe('what becomes of a proposal', () => {
  const proposed = () => {
    const shelf = new Shelf()
    const proposals = compound([commit('x', 'Decision: use pnpm')], ALICE)
    shelf.apply(
      decideImport(shelf, {
        entries: proposals.map(({ entry }) => entry),
        actor: ALICE,
        format: 'compound',
        exact: true,
      }),
    )
    return { shelf, key: proposals[0]?.entry.key ?? '' }
  }

  test('a yes makes it an entry like any other', () => {
    const { shelf, key } = proposed()
    expect(shelf.at(key)[0]?.doc.head.proposed).toBe(true)
    const done = shelf.apply(decideAccept(shelf, { key, actor: ALICE, state: 'CONFIRMED' }))
    expect(done.subject).toBe(`memory: accept ${key} (alice)`)
    expect(shelf.at(key)[0]?.doc.head).toMatchObject({ state: 'CONFIRMED', confidence: 0.9 })
    expect(shelf.at(key)[0]?.doc.head).not.toHaveProperty('proposed')
    expect(refusal(decideAccept(shelf, { key, actor: ALICE })).refused).toBe('REFUSED')
    expect(refusal(decideReject(shelf, { key, actor: ALICE })).refused).toBe('REFUSED')
  })

  test('a no is a tombstone with the reason', () => {
    const { shelf, key } = proposed()
    shelf.apply(decideReject(shelf, { key, actor: ALICE, reason: 'not true' }))
    expect(shelf.at(key)[0]).toMatchObject({ gone: true, doc: { head: { reason: 'not true' } } })
  })

  test('what cites something missing stays a proposal, unless a person insists', () => {
    const { shelf, key } = proposed()
    const no = refusal(decideAccept(shelf, { key, actor: ALICE, dangling: ['src/gone.ts'] }))
    expect(no).toMatchObject({ refused: 'REFUSED', message: expect.stringContaining('src/gone.ts') })
    accepted(decideAccept(shelf, { key, actor: ALICE, dangling: ['src/gone.ts'], anyway: true }))
  })

  test('agents neither accept nor reject', () => {
    const { shelf, key } = proposed()
    expect(refusal(decideAccept(shelf, { key, actor: AGENT })).refused).toBe('REFUSED')
    expect(refusal(decideReject(shelf, { key, actor: AGENT })).refused).toBe('REFUSED')
  })
})
