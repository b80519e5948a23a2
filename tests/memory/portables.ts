// Arbitrary entries, in the form in which every reader gives them.

import fc from 'fast-check'
import { cleanText, isBinary } from '../../src/memory/rules'
import { type Portable, STATES } from '../../src/memory/schema'

const word = fc
  .stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}[a-z0-9]$/)
  .filter((one) => !/\.\.|\.(md|lock)$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(one))
const key = fc
  .tuple(word, word, word)
  .map((words) => words.join('/'))
  .filter((one) => !/^(usage|quarantine|dstack|workspace)\//.test(one))

/** Text with everything that Markdown, YAML and JSON care about. */
const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '\n',
    '\n\n',
    '---\n',
    '- ',
    '  ',
    '```\n',
    '# x\n',
    '<!-- git-dstack:end -->',
    ': ',
    '"',
    "'",
    '→ a → b',
    '\\',
    '`a/b` (CONFIRMED): ',
    '\u2028',
    '\ud83d\ude00',
  ),
)
export const text = fc
  .array(piece, { minLength: 1, maxLength: 12 })
  .map((parts) => cleanText(parts.join('')))
  .filter((one) => one.trim() !== '' && !isBinary(one))

/** Not in front matter: inside of lists and objects the store writes line separators as they are, and cannot read them. */
const LINE_SEPARATORS = /[\u2028\u2029]/

const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((one) => !isBinary(one) && one.isWellFormed())
const json = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'proto')) as unknown)

export const portable: fc.Arbitrary<Portable> = fc
  .record(
    {
      key,
      text,
      state: fc.constantFrom(...STATES),
      confidence: fc.double({ min: 0, max: 1, noNaN: true }).map((one) => Math.abs(one)),
      source: fc.record(
        { kind: fc.constantFrom('person', 'agent', 'import'), tool: line, model: line, from: line },
        { requiredKeys: ['kind'] },
      ),
      scope: fc.constantFrom('repository', 'workspace', 'personal'),
      paths: fc.uniqueArray(fc.constantFrom('src/**', '**/*.ts', 'a b/c.md', 'x'), { maxLength: 3 }),
      tags: fc.uniqueArray(fc.constantFrom('a', 'b.c', 'ü-1', 'yes', '1'), { maxLength: 3 }),
      pin: fc.boolean(),
      links: fc.uniqueArray(fc.constantFrom('sha1:1a2b3c4d', 'plan:login', 'memory:a/b/c'), { maxLength: 2 }),
      proposed: fc.boolean(),
      expires: fc.constantFrom('2027-01-01', '2027-01-01T00:00:00Z'),
      decay: fc.constantFrom(1, 30, 90.5),
      origin: line,
      reason: line,
      confirmed: fc.array(line, { maxLength: 2 }),
      by: line,
      at: fc.constantFrom('2026-11-20T12:00:00Z', '2026-04-08T09:12:44.120938471Z'),
      // A field of a version to come.
      later: json,
    },
    {
      requiredKeys: [
        'key',
        'text',
        'state',
        'confidence',
        'source',
        'scope',
        'paths',
        'tags',
        'pin',
        'links',
        'proposed',
      ],
    },
  )
  .map((entry) => entry as Portable)
  .filter(({ text: _, ...head }) => !LINE_SEPARATORS.test(JSON.stringify(head)))

/** Several with different keys. */
export const portables = fc.uniqueArray(portable, {
  maxLength: 6,
  selector: ({ scope, key: one }) => `${scope} ${one}`,
})
