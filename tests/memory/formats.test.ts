import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import {
  type FileText,
  FORMAT_NAMES,
  FORMATS,
  type FormatName,
  formatNamed,
  formatOf,
  type Parsed,
} from '../../src/memory/formats'
import { inOrder } from '../../src/memory/formats/common'
import { decideImport } from '../../src/memory/import'
import { isBinary } from '../../src/memory/rules'
import type { Portable } from '../../src/memory/schema'
import { portables } from './portables'
import { ALICE, Shelf } from './shelf'

const FIXTURES = join(import.meta.dirname, '../fixtures/formats')

function file(name: string): FileText[] {
  return [{ path: name, text: readFileSync(join(FIXTURES, name), 'utf8') }]
}

function folder(name: string): FileText[] {
  const root = join(FIXTURES, name)
  const found = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return found
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
}

function parse(format: FormatName, files: readonly FileText[]): Parsed {
  const parsed = FORMATS[format].parse(files)
  if (isRefusal(parsed)) throw new Error(parsed.message)
  return parsed
}

const render = (format: FormatName, entries: readonly Portable[], former?: string) =>
  FORMATS[format].render(entries, former)
const text = (files: readonly FileText[]) => files[0]?.text ?? ''
const jsonl = (source: string) =>
  source
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('real files', () => {
  const files: [FormatName, FileText[], number, number][] = [
    ['mcp', file('mcp-memory.jsonl'), 5, 0],
    ['gstack', file('gstack-learnings.jsonl'), 4, 1],
    ['dstack', file('dstack-export.json'), 5, 0],
    ['dstack', folder('dstack-folder'), 2, 0],
    ['markdown', folder('markdown'), 2, 2],
    ['agents', file('AGENTS.md'), 10, 1],
  ]

  test.each(files)('%s is recognised, read, and stays the same through an export', (name, given, entries, skipped) => {
    expect(formatOf(undefined, given)).toBe(name)
    const parsed = parse(name, given)
    expect([parsed.entries.length, parsed.skipped.length], JSON.stringify(parsed, null, 1)).toEqual([entries, skipped])
    const once = render(name, parsed.entries)
    const again = parse(name, once)
    expect(again.skipped).toEqual([])
    expect(render(name, again.entries)).toEqual(once)
  })

  test.each(files)('%s can be imported as it is', (name, given) => {
    const shelf = new Shelf()
    const { entries } = parse(name, given)
    const request = { entries, actor: ALICE, format: name, exact: FORMATS[name].exact }
    const first = shelf.apply(decideImport(shelf, request)).result
    expect(first.refusals).toEqual([])
    expect(first.added).toHaveLength(entries.length)
    const second = decideImport(shelf, request)
    expect(second).toMatchObject({ puts: [], result: { added: [], updated: [], refusals: [] } })
  })

  test('mcp: the graph comes back as it was', () => {
    const given = file('mcp-memory.jsonl')
    const out = jsonl(text(render('mcp', parse('mcp', given).entries)))
    const byName = (line: Record<string, unknown>) => JSON.stringify(line)
    expect(out.map(byName).sort()).toEqual(jsonl(text(given)).map(byName).sort())
  })

  test('mcp: an entity reads like an entry', () => {
    const [payments] = parse('mcp', file('mcp-memory.jsonl')).entries.filter(
      ({ key }) => key === 'entities/service/payments-service',
    )
    expect(payments).toMatchObject({ state: 'INFERRED', source: { kind: 'import', tool: 'mcp-memory' } })
    expect(payments?.text).toBe(
      [
        'Payments service (service)',
        '',
        '- Written in Go, deployed from `services/payments`.',
        '- Retries webhooks 5 times with jitter;',
        '  the sixth failure pages the on-call person.',
        '- Owns the table `ledger_entries`',
        '- → depends_on → Ledger',
        '- → runs in → 東京リージョン',
      ].join('\n'),
    )
  })

  test('dstack: every field comes back', () => {
    const given = file('dstack-export.json')
    const out = JSON.parse(text(render('dstack', parse('dstack', given).entries))) as { path: string }[]
    const before = JSON.parse(text(given)) as { path: string }[]
    expect(out.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(before.sort((a, b) => (a.path < b.path ? -1 : 1)))
  })

  test('dstack: v1.2 and v1.3 stay two entries; only people who look at them confirm', () => {
    const { entries } = parse('dstack', file('dstack-export.json'))
    expect(entries.map(({ key, state }) => [key, state])).toEqual([
      ['projects/payments/learnings/webhook-retries', 'INFERRED'],
      ['gotchas/payments/minor-units', 'INFERRED'],
      ['decisions/payments/queue', 'UNCERTAIN'],
      ['learnings/infra/v1.2', 'UNKNOWN'],
      ['learnings/infra/v1.3', 'INFERRED'],
    ])
  })

  test('gstack: the newest line of a key and type comes back with every field', () => {
    const given = file('gstack-learnings.jsonl')
    const parsed = parse('gstack', given)
    expect(parsed.skipped).toEqual([{ where: 'gstack-learnings.jsonl:1', why: 'gstack-learnings.jsonl:4 replaces it' }])
    const out = jsonl(text(render('gstack', parsed.entries)))
    const sorted = (lines: Record<string, unknown>[]) => lines.sort((a, b) => (String(a.key) < String(b.key) ? -1 : 1))
    expect(sorted(out)).toEqual(sorted(jsonl(text(given)).slice(1)))
    expect(parsed.entries.find(({ key }) => key === 'learnings/preference/short_prs')).toMatchObject({
      state: 'CONFIRMED',
      confidence: 1,
    })
    expect(parsed.entries.find(({ key }) => key === 'learnings/pitfall/n-plus-one-orders')).toMatchObject({
      confidence: 0.9,
      decay: 135,
      paths: ['app/controllers/orders_controller.rb', 'app/models/order.rb:12'],
    })
  })

  test('markdown: YAML as people write it', () => {
    const { entries, skipped } = parse('markdown', folder('markdown'))
    expect(entries[0]).toMatchObject({
      key: 'auth/token-refresh',
      tags: ['auth', 'race-condition'],
      paths: ['src/auth/**', 'src/http/client.ts'],
      by: 'Mira Okafor',
      at: '2026-03-14',
      title: 'Refresh runs twice',
      severity: 2,
    })
    expect(skipped).toEqual([
      { where: 'auth/token-refresh.md', why: 'its field "history" cannot be read' },
      { where: 'broken.md', why: 'its front matter cannot be read: a line of the front matter is no field' },
    ])
  })

  test('AGENTS.md: bullets and paragraphs, with what belongs to them', () => {
    const { entries } = parse('agents', file('AGENTS.md'))
    expect(entries.map(({ key }) => key)).toEqual([
      'guide/payments-service/go-service-behind-the-checkout-ask',
      'guide/commands/make-test-runs-unit-tests-make',
      'guide/commands/make-gen-after-every-change-below',
      'guide/commands/format-with-gofumpt-not-gofmt',
      'guide/conventions/errors-are-wrapped-with-w-and',
      'guide/conventions/never',
      'guide/conventions/tables-have-a-created-at-and',
      'guide/conventions/name-owner',
      'guide/gotchas/the-sandbox-answers-200-for-declined',
      'guide/gotchas/the-ci-runner-has-no-ipv6',
    ])
    const by = (key: string) => entries.find((entry) => entry.key === key)?.text
    expect(by('guide/commands/make-gen-after-every-change-below')).toBe(
      '`make gen` after every change below `proto/`:\n```sh\nmake gen && git diff --exit-code\n```',
    )
    expect(by('guide/conventions/never')).toBe(
      'Never:\n\n1. log a card number,\n2. round an amount,\n3. retry a POST without an idempotency key.',
    )
    expect(by('guide/conventions/tables-have-a-created-at-and')).toBe(
      'Tables have a created_at and an updated_at.\n\nThey are set by the database.',
    )
  })
})

describe('our own formats lose nothing', () => {
  test.each(['json', 'markdown'] as const)('%s', (name) => {
    fc.assert(
      fc.property(portables, (entries) => {
        const files = render(name, entries)
        const parsed = parse(name, files)
        expect(parsed.skipped).toEqual([])
        expect(inOrder(parsed.entries)).toEqual(inOrder(entries))
        expect(render(name, parsed.entries)).toEqual(files)
        if (entries.length > 0) expect(formatOf(undefined, files)).toBe(name)
      }),
      { numRuns: 300 },
    )
  })

  test('agents: key, state and text of every entry come back, and the rest of the file keeps its bytes', () => {
    fc.assert(
      fc.property(portables, fc.constantFrom('', '# Mine\n', 'no end', '# Mine\r\n\r\n- a\r\n'), (entries, mine) => {
        const shared = entries.filter(({ scope }) => scope !== 'personal')
        const written = text(render('agents', entries, mine))
        expect(written.startsWith(mine)).toBe(true)
        const own = parse('agents', [{ path: 'AGENTS.md', text: written }]).entries.filter(
          ({ source }) => source.from === 'git-dstack',
        )
        const said = (list: readonly Portable[]) =>
          inOrder(list).map(({ key, scope, state, proposed, text: words }) => [scope, key, state, proposed, words])
        expect(said(own)).toEqual(said(shared))
        expect(text(render('agents', entries, written))).toBe(written)
        expect(text(render('agents', [], `${written}behind`)).endsWith('behind')).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('a block without an end takes nothing with it', () => {
    const former = '# A\n<!-- git-dstack:begin -->\n- mine\n'
    const written = text(render('agents', [], former))
    expect(written).toContain('- mine')
    expect(written.match(/git-dstack:begin/g)).toHaveLength(1)
  })
})

describe('foreign formats carry our entries', () => {
  test('mcp: key, text and links', () => {
    fc.assert(
      fc.property(portables, (entries) => {
        const shared = entries.filter(({ scope }) => scope === 'repository')
        const parsed = parse('mcp', render('mcp', shared))
        expect(parsed.skipped).toEqual([])
        expect(inOrder(parsed.entries).map(({ key, text: words }) => [key, words])).toEqual(
          inOrder(shared).map(({ key, text: words }) => [key, words]),
        )
      }),
    )
  })

  test('mcp: any graph comes back', () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      fc.constantFrom('a', 'b', 'a → b', '\\n', 'x\ny', '→', ' ', 'x ', 'x\t'),
    )
    const safe = (value: string) => !isBinary(value)
    const said = fc
      .oneof(
        fc.string({ unit: 'grapheme', maxLength: 10 }),
        fc.constantFrom('→ a → b', '\\→', 'x\n- y', 'x\n\ny', '  z', '- '),
      )
      .filter(safe)
      .map((one) =>
        one
          .replace(/\r\n?/g, '\n')
          .replace(/[ \t]+$/gm, '')
          .replace(/^\n+|\n+$/g, ''),
      )
    const entity = fc.record({
      type: fc.constant('entity'),
      name: name.filter(safe),
      entityType: name.filter(safe),
      observations: fc.array(said, { maxLength: 3 }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(entity, { maxLength: 4, selector: (one) => one.name }),
        fc.array(name.filter(safe), { maxLength: 3 }),
        (entities, kinds) => {
          const names = entities.map((one) => one.name)
          const relations =
            names.length === 0
              ? []
              : kinds.map((relationType, i) => ({
                  type: 'relation',
                  from: names[i % names.length],
                  to: names[(i + 1) % names.length],
                  relationType,
                }))
          const lines = [...entities, ...relations].map((one) => JSON.stringify(one))
          const parsed = parse('mcp', [{ path: 'm', text: lines.join('\n') }])
          const out = text(render('mcp', parsed.entries))
            .split('\n')
            .filter((one) => one !== '')
          expect(out.sort()).toEqual(lines.sort())
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each(['dstack', 'gstack'] as const)('%s: text and time of every entry, stable', (name) => {
    fc.assert(
      fc.property(portables, (entries) => {
        const files = render(
          name,
          entries.filter(({ scope }) => scope === 'repository'),
        )
        const parsed = parse(name, files)
        expect(parsed.skipped).toEqual([])
        const texts = (list: readonly Portable[]) => list.map((entry) => entry.text).sort()
        expect(texts(parsed.entries)).toEqual(texts(entries.filter(({ scope }) => scope === 'repository')))
      }),
    )
  })

  test('gstack takes what is written for it: its rules for type, key, confidence and source', () => {
    fc.assert(
      fc.property(portables, (entries) => {
        for (const one of text(render('gstack', entries))
          .split('\n')
          .filter((each) => each !== '')
          .map((each) => JSON.parse(each) as Record<string, unknown>)) {
          expect([
            'pattern',
            'pitfall',
            'preference',
            'architecture',
            'tool',
            'operational',
            'investigation',
          ]).toContain(one.type)
          expect(one.key).toMatch(/^[a-zA-Z0-9_-]+$/)
          expect(Number.isInteger(one.confidence) && Number(one.confidence) >= 1 && Number(one.confidence) <= 10).toBe(
            true,
          )
          expect(['observed', 'user-stated', 'inferred', 'cross-model']).toContain(one.source)
        }
      }),
    )
  })
})

describe('hostile input', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const entry = (fields: object) =>
    JSON.stringify({ v: 1, entries: [{ key: 'a/b', text: 'x', source: { kind: 'person' }, ...fields }] })

  test.each([
    ['a depth of 100,000', deep],
    ['depth inside an object', `{"v":1,"entries":${deep}}`],
    ['half a file', '{"v":1,"entries":[{"key":'],
    ['an empty file', ''],
    ['binary', '\u0000\u0001\u0002\ufffd'],
    ['another shape', '[1,2,3]'],
    ['strings only', '"\\"'],
  ])('%s: refused or skipped by every format, never a crash', (_what, source) => {
    for (const name of FORMAT_NAMES) {
      for (const path of ['x.md', 'x.json']) {
        expect(() => FORMATS[name].fits([{ path, text: source }])).not.toThrow()
        const parsed = FORMATS[name].parse([{ path, text: source }])
        if (!isRefusal(parsed) && name !== 'markdown' && name !== 'agents') expect(parsed.entries).toEqual([])
      }
    }
  })

  test.each([
    ['binary text', { text: 'a\0b' }, 'the text holds bytes that are not text'],
    ['half a surrogate pair', { text: 'a\ud800' }, 'the text holds bytes that are not text'],
    ['70 kB', { text: 'x'.repeat(70_000) }, 'the text has 70000 bytes; an entry may have at most 65536'],
    [
      'a key that leaves',
      { key: '../../etc/passwd' },
      'the key "../../etc/passwd" cannot be used: it has dots that would leave the folder',
    ],
    ['confidence 1e309', { confidence: Number.POSITIVE_INFINITY }, 'its confidence is not as it must be'],
    ['text that is a number', { text: 7 }, 'its text is not as it must be'],
    ['an unknown state', { state: 'SURE' }, 'its state is not as it must be'],
    ['a glob that leaves', { paths: ['../x'] }, 'the path "../x" cannot be used: it leaves the repository'],
  ])('%s is skipped, with the reason', (_what, fields, why) => {
    expect(parse('json', [{ path: 'm.json', text: entry(fields) }])).toMatchObject({ entries: [], skipped: [{ why }] })
  })

  test('names that reach the prototype are dropped', () => {
    const source =
      '{"v":1,"entries":[{"key":"a/b","text":"x","source":{"kind":"person","__proto__":{"kind":"agent"}},"__proto__":{"pin":true}}]}'
    const [one] = parse('json', [{ path: 'm', text: source }]).entries
    expect(one).toMatchObject({ pin: false, source: { kind: 'person' } })
    expect(Object.keys(one ?? {})).not.toContain('__proto__')
    expect(({} as Record<string, unknown>).pin).toBeUndefined()
  })

  test('a newer export is refused with the way out', () => {
    expect(FORMATS.json.parse([{ path: 'm', text: '{"v":2,"entries":[]}' }])).toMatchObject({
      refused: 'TOO_NEW',
      hint: expect.stringContaining('Upgrade'),
    })
  })

  test('one bad entry stops no other', () => {
    const lines = [
      '{"type":"entity","name":"A","entityType":"t","observations":["x"]}',
      '{"type":"entity"',
      '{"type":"relation","from":"Z","to":"A","relationType":"r"}',
      '{"type":"entity","name":"A","entityType":"t","observations":[]}',
      '{"type":"note"}',
    ]
    const parsed = parse('mcp', [{ path: 'm', text: lines.join('\n') }])
    expect(parsed.entries).toHaveLength(1)
    expect(parsed.skipped.map(({ where }) => where).sort()).toEqual(['m:2', 'm:3', 'm:4', 'm:5'])
  })

  test('any text, by any format: no crash, and what comes out can be written', () => {
    const source = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.json({ maxDepth: 4 }),
      fc.array(fc.json({ maxDepth: 3 }), { maxLength: 4 }).map((lines) => lines.join('\n')),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...FORMAT_NAMES),
        source,
        fc.constantFrom('x.md', 'x.json', '../../y.md', 'C:\\z.json'),
        (name, words, path) => {
          const parsed = FORMATS[name].parse([{ path, text: words }])
          if (isRefusal(parsed)) return
          const shelf = new Shelf()
          const done = decideImport(shelf, {
            entries: parsed.entries,
            actor: ALICE,
            format: name,
            exact: FORMATS[name].exact,
          })
          expect(shelf.apply(done).result.refusals.filter(({ code }) => code !== 'DUPLICATE')).toEqual([])
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('a format that does not exist is named with those that do', () => {
  expect(formatNamed('xml')).toMatchObject({ refused: 'USAGE', hint: expect.stringContaining('`mcp`') })
  expect(formatOf(undefined, [{ path: 'a.txt', text: 'hello' }])).toMatchObject({ refused: 'BAD_TEXT' })
  expect(formatOf('mcp', [])).toBe('mcp')
})
