// What other tools found: files as they write them, and the table of severities.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromComment } from '../../src/review/comments'
import { readForeign } from '../../src/review/foreign'

const read = (name: string) => readForeign(readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8'))

test('SARIF, with rules, suppressions and two tools', () => {
  expect(read('codeql.sarif')).toEqual({
    format: 'SARIF',
    skipped: 3,
    reports: [
      {
        reviewer: 'CodeQL',
        findings: [
          {
            ...{ severity: 'P1', class: 'security', path: 'src/db layer.ts', lines: '2-2' },
            ...{
              claim: 'js/sql-injection: This query depends on a user-provided value.',
              evidence: "query('select ' + name)",
            },
          },
          {
            severity: 'P3',
            class: 'maintainability',
            path: 'src/db layer.ts',
            lines: '3-3',
            claim: 'js/unused-local-variable: Unused variable x.',
          },
          { severity: 'P2', class: 'security', path: 'src/old.ts', lines: '1-1', claim: 'js/weak-hash: MD5 is weak.' },
          {
            severity: 'P2',
            class: 'security',
            path: 'src/nowhere.ts',
            lines: '1-1',
            claim: 'js/weak-hash: Not there.',
          },
          { severity: 'P2', class: 'security', claim: 'js/weak-hash: Suppression was rejected.' },
        ],
      },
      {
        reviewer: 'eslint',
        findings: [
          { severity: 'P1', class: 'perf', path: 'src/db layer.ts', lines: '2-2', claim: 'no-perf-trap: Slow.' },
          { severity: 'P2', class: 'bug', claim: 'no-undef: No level means warning.' },
        ],
      },
    ],
  })
})

test('review comments of GitHub: threads, old lines, bots', () => {
  expect(read('github-comments.json')).toEqual({
    format: 'GitHub',
    skipped: 2,
    reports: [
      {
        reviewer: 'bob',
        findings: [
          {
            ...{
              severity: 'P1',
              class: 'security',
              claim: 'This can be injected.',
              path: 'src/db layer.ts',
              lines: '2-2',
            },
            fix_hint: "query('select ?', name)",
          },
          { severity: 'P3', class: 'maintainability', claim: 'name it `row`', path: 'src/db layer.ts', lines: '2-3' },
          { severity: 'P2', class: 'bug', claim: 'Why is this here at all?', path: 'src/db layer.ts' },
        ],
      },
      {
        reviewer: 'coderabbitai[bot]',
        findings: [{ severity: 'P1', class: 'bug', claim: 'The old line mattered.', path: 'src/old.ts' }],
      },
    ],
  })
})

test('discussions of GitLab: what is open counts', () => {
  expect(read('gitlab-discussions.json')).toEqual({
    format: 'GitLab',
    skipped: 2,
    reports: [
      {
        reviewer: 'bob',
        findings: [
          { severity: 'P3', class: 'maintainability', claim: 'cache it', path: 'src/db layer.ts', lines: '2-3' },
        ],
      },
      { reviewer: 'carol', findings: [{ severity: 'P2', class: 'bug', claim: 'The migration is missing.' }] },
    ],
  })
})

test.each([
  '',
  '[]',
  '{"findings":[]}',
  '[{"severity":"P1","class":"bug","claim":"x"}]',
  '{"version":"2.0.0","runs":[]}',
  'prose',
])('%j is none of them', (text) => expect(readForeign(text)).toBeNull())

describe('a comment', () => {
  test.each([
    ['Breaks on an empty list.', 'P2 bug Breaks on an empty list.'],
    ['issue: wrong', 'P2 bug wrong'],
    ['Note that this breaks.', 'P2 bug Note that this breaks.'],
    ['High-level code: wrong', 'P2 bug High-level code: wrong'],
    ['issue (non-blocking): wrong', 'P3 maintainability wrong'],
    ['todo (blocking): a test', 'P1 bug a test'],
    ['**[P0]** data is lost', 'P1 bug data is lost'],
    ['P3: spelling', 'P3 maintainability spelling'],
    ['_nitpick_: spelling', 'P3 maintainability spelling'],
    ['security: no check', 'P2 security no check'],
    ['Critical - overflow', 'P1 bug overflow'],
    ['performance (high): quadratic', 'P1 perf quadratic'],
    ['question: why?', 'P3 maintainability why?'],
    ['```suggestion\nlet a\n```', 'P2 bug Take the suggested change.'],
    ['praise: well done', 'none'],
    ['<!-- only a marker -->', 'none'],
  ])('%j', (body, expected) => {
    const finding = fromComment({ body })
    expect(finding === null ? 'none' : `${finding.severity} ${finding.class} ${finding.claim}`).toBe(expected)
  })
})
