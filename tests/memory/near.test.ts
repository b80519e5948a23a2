// When two texts say nearly the same: restatements are found, other facts about the same thing are left alone.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/memory/entry'
import { NEAR, nearDuplicates, similarity, termsOf } from '../../src/memory/near'
import { entry, indexOf } from './entries'

const NONE: ReadonlySet<string> = new Set()
const SET: Entry[] = readFileSync('tests/recall-set/entries.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .map((row: { key: string; text: string }) => entry(row.key, row.text))

/** Somebody says again, in other words or with another number, what an entry of the recall set says. */
const RESTATED: [key: string, text: string][] = [
  ['gotchas/runtime/lease-ttl-ninety', 'The worker lease TTL in the runtime is 90 seconds, not 30.'],
  [
    'gotchas/runtime/lease-ttl-ninety',
    'Worker lease TTL in the runtime is 120 seconds since v0.40. Heartbeats go out every 20 s.',
  ],
  ['decisions/auth/jwt-fifteen-minutes', 'JWT access tokens live 15 minutes, refresh tokens live 14 days and rotate.'],
  [
    'conventions/ts/pnpm-only',
    'Use pnpm 10 to install (corepack enable), never npm install: it writes a second lockfile that CI refuses.',
  ],
  [
    'ops/backup/schedule',
    'Base backups run every day at 01:30 UTC with wal-g-base.timer; the WAL is archived each minute.',
  ],
  [
    'gotchas/infra/caddy-sse-buffering',
    'Caddy buffers event streams when `encode` matches text/event-stream. Set `flush_interval -1` in reverse_proxy.',
  ],
  [
    'learnings/cli/progress-stderr',
    'Progress bars go to stderr, because people pipe our output into jq and a spinner frame breaks JSON.',
  ],
  ['gotchas/cli/esm-dirname', '`__dirname is not defined in ES module scope`: use `import.meta.dirname` instead.'],
  ['conventions/git/commit-subject', 'Commit subject lines: `area: what changes`, imperative, at most 72 characters.'],
  ['ops/deploy/friday-freeze', 'No deploys to production from Friday 14:00 to Monday 08:00 Berlin time.'],
  [
    'gotchas/engine/indexer-oom',
    'The indexer goes OOM on repositories with files over 40 MB, because read_to_string loads them whole; limit with index.max_file_bytes.',
  ],
  [
    'decisions/cli/config-toml',
    'Config files are TOML and not YAML: comments survive and there are no surprises with no and on.',
  ],
  ['models/limits/rate-429', 'When a vendor answers HTTP 429 obey retry-after, otherwise wait 2, 4, 8 s with jitter.'],
  [
    'incidents/2026/07-dns-ttl',
    'DNS record TTL was 86400, so moving the API address took a day longer. Lower it to 300 two days before a move.',
  ],
  [
    'gotchas/admin/csv-excel-formula',
    'CSV exports must prefix cells that start with = + - @ with an apostrophe or Excel runs them as formulas.',
  ],
  [
    'learnings/runtime/mimalloc-measured',
    'mimalloc reduces RSS of the runtime from 2.9 GB to 2.1 GB at equal latency, so we ship it.',
  ],
  [
    'gotchas/infra/inode-exhaustion',
    'No space left on device although df -h shows 40 % free: inodes are used up, look at df -i.',
  ],
  [
    'conventions/api/pagination-cursor',
    'List endpoints use opaque cursors with ?after=, at most 100 per page; no offset pagination.',
  ],
]

/** Somebody says something else about the same thing. */
const OTHER: [key: string, text: string][] = [
  [
    'gotchas/runtime/lease-ttl-ninety',
    'A worker whose lease expires while a tool runs finishes the tool, but its result is thrown away.',
  ],
  ['gotchas/runtime/lease-ttl-ninety', '`runtimectl leases --watch` needs the admin token since v0.41.'],
  [
    'decisions/auth/jwt-fifteen-minutes',
    'JWT access tokens are signed with EdDSA; the public keys are at /.well-known/jwks.json.',
  ],
  [
    'conventions/ts/pnpm-only',
    'pnpm workspaces: a package that is used by the server goes into packages/, never into apps/.',
  ],
  [
    'ops/backup/schedule',
    'Base backups are encrypted with age before the upload; the key is in the safe of the office.',
  ],
  [
    'gotchas/infra/caddy-sse-buffering',
    'Caddy logs every event stream as one request of several hours; exclude them from the latency panel.',
  ],
  [
    'learnings/cli/progress-stderr',
    'The CLI prints colours only when stdout is a terminal; NO_COLOR switches them off everywhere.',
  ],
  [
    'gotchas/cli/esm-dirname',
    'The CLI is bundled as ESM with a require shim, because two dependencies still call require at run time.',
  ],
  ['conventions/git/commit-subject', 'Commits are signed with SSH keys; unsigned ones are refused by the merge queue.'],
  ['ops/deploy/friday-freeze', 'Production deploys need one approval from somebody who did not write the change.'],
  ['gotchas/engine/indexer-oom', 'The indexer skips binary files: a NUL byte within the first 8 kB decides.'],
  ['models/limits/rate-429', 'HTTP 503 from a vendor means that a region is down: switch the region, do not retry.'],
  ['gotchas/infra/inode-exhaustion', 'The sandbox hosts mount /var/lib/runtime/scratch with noatime and nodiratime.'],
  [
    'conventions/api/pagination-cursor',
    'List endpoints sort by creation time, newest first, unless `sort` says otherwise.',
  ],
]

describe('near duplicates', () => {
  const index = indexOf(SET)

  test.each(RESTATED)('%s is found when it is said again: %s', (key, text) => {
    expect(nearDuplicates(index, [], NONE, text)[0]?.key).toBe(key)
  })

  test.each(OTHER)('another fact beside %s is none: %s', (_, text) => {
    expect(nearDuplicates(index, [], NONE, text)).toEqual([])
  })

  test('the threshold has room on both sides', () => {
    const text = new Map(SET.map((one) => [one.key, termsOf(one.text)]))
    const alike = (rows: [string, string][]) =>
      rows.map(([key, said]) => similarity(text.get(key) ?? new Set(), termsOf(said)))
    expect(Math.min(...alike(RESTATED))).toBeGreaterThan(NEAR + 0.05)
    expect(Math.max(...alike(OTHER))).toBeLessThan(NEAR - 0.1)
  })

  test('of all 28,680 pairs of the set only those that say one thing twice are near', () => {
    const sets = SET.map((one) => [one.key, termsOf(one.text)] as const)
    const near = sets.flatMap(([key, terms], i) =>
      sets.slice(i + 1).flatMap(([other, others]) => (similarity(terms, others) >= NEAR ? [[key, other].sort()] : [])),
    )
    expect(near.sort()).toEqual([
      ['decisions/admin/read-only-default', 'glossary/terms/elevation'],
      ['models/cost/per-turn-average', 'models/cost/per-turn-corrected'],
    ])
  })

  test('the same text is as near as can be, in index and tail; the entry itself and what is hidden are left out', () => {
    const [one, other] = [entry('a/b/c', 'use pnpm here'), entry('a/b/d', 'use pnpm here')]
    const found = nearDuplicates(indexOf([one]), [other], NONE, one.text)
    expect(found.map(({ key }) => key).sort()).toEqual(['a/b/c', 'a/b/d'])
    expect(nearDuplicates(indexOf([one]), [other], NONE, one.text, 'a/b/c').map(({ key }) => key)).toEqual(['a/b/d'])
    expect(nearDuplicates(indexOf([one]), [other], new Set(['a/b/c']), one.text, 'a/b/d')).toEqual([])
  })

  test('a few words are no duplicate of a long text that holds them', () => {
    expect(nearDuplicates(index, [], NONE, 'restart the runtime')).toEqual([])
    expect(nearDuplicates(index, [], NONE, '')).toEqual([])
    expect(nearDuplicates(null, [], NONE, 'anything at all')).toEqual([])
  })
})
