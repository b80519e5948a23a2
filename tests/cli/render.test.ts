// Nothing foreign may move a terminal, change the direction of text, or hide.

import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  cells,
  columns,
  cut,
  plural,
  porcelain,
  relativeTime,
  safe,
  safeLines,
  shortId,
  toJson,
} from '../../src/cli/render'

const E = '\u001b'

/** What a hostile document, ref name or server message could hold. */
const SEQUENCES: Record<string, readonly string[]> = {
  'C0 controls': Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)),
  'DEL and C1 controls': [
    '\u007f',
    '\u0080',
    '\u0084',
    '\u0085',
    '\u008d',
    '\u0090',
    '\u009b31m',
    '\u009c',
    '\u009d0;x\u009c',
  ],
  'cursor and screen': [`${E}[2J`, `${E}[H`, `${E}[1A${E}[2K`, `${E}[?1049h`, `${E}[s${E}[u`, `${E}c`, `${E}[6n`],
  colours: [`${E}[31m`, `${E}[8mhidden${E}[0m`, `${E}[38;2;0;0;0;48;2;0;0;0m`],
  'operating system commands': [
    `${E}]0;title\u0007`,
    `${E}]8;;http://evil.example\u0007click${E}]8;;\u0007`,
    `${E}]52;c;ZXZpbA==\u0007`,
    `${E}]1337;File=:x\u0007`,
    `${E}P+q544e${E}\\`,
    `${E}_Gf=24;AAAA${E}\\`,
    `${E}^private${E}\\`,
  ],
  'overwriting a line': ['safe\rrm -rf', 'abc\b\b\bxyz', 'a\r\nb'],
  bidirectional: [
    '\u061c',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202b',
    '\u202c',
    '\u202d',
    '\u202e',
    '\u2066',
    '\u2067',
    '\u2068',
    '\u2069',
  ],
  invisible: [
    '\u00ad',
    '\u034f',
    '\u115f',
    '\u180e',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\u2064',
    '\u3164',
    '\ufeff',
    '\uffa0',
  ],
  'line and paragraph separators': ['\u2028', '\u2029'],
  'tags and variation selectors': ['\u{e0001}', '\u{e0041}', '\u{e007f}', '\ufe00', 'x\ufe0f', '\u{e0100}'],
  'annotations and lone surrogates': ['\ufff9', '\ufffa', '\ufffb', '\ud800', '\udfff'],
}
const CORPUS = Object.entries(SEQUENCES).flatMap(([kind, texts]) => texts.map((text) => [kind, text] as const))

/** Independent of the product: by code point. `lines` allows newline and tab. */
function harmful(text: string, lines: boolean): string[] {
  const ranges: [number, number][] = [
    [0, 0x1f],
    [0x7f, 0x9f],
    [0xad, 0xad],
    [0x34f, 0x34f],
    [0x61c, 0x61c],
    [0x115f, 0x1160],
    [0x17b4, 0x17b5],
    [0x180b, 0x180f],
    [0x200b, 0x200f],
    [0x2028, 0x202e],
    [0x2060, 0x206f],
    [0x3164, 0x3164],
    [0xd800, 0xdfff],
    [0xfe00, 0xfe0d],
    [0xfeff, 0xfeff],
    [0xffa0, 0xffa0],
    [0xfff0, 0xfffb],
    [0xe0000, 0xe0fff],
  ]
  return [...text].filter((character) => {
    if (lines && (character === '\n' || character === '\t')) return false
    const code = character.codePointAt(0) ?? 0
    return ranges.some(([from, to]) => code >= from && code <= to)
  })
}

describe('safe', () => {
  test('the corpus has at least 80 sequences', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(80)
    expect(new Set(CORPUS.map(([, text]) => text)).size).toBe(CORPUS.length)
  })

  test.each(CORPUS)('%s: %j', (_, text) => {
    const within = `before ${text} after`
    expect(harmful(safe(within), false)).toEqual([])
    expect(harmful(safeLines(within), true)).toEqual([])
    expect(harmful(toJson({ within }).slice(0, -1), false)).toEqual([])
    expect(JSON.parse(toJson({ within }))).toEqual({ within })
    if (text !== '\n' && text !== '\t' && text !== 'a\r\nb') expect(safeLines(within)).not.toBe(within)
    expect(safe(within)).not.toBe(within)
  })

  test('shows what was there', () => {
    expect(safe(`${E}[31mred`)).toBe('^[[31mred')
    expect(safe('a\u202eb\u200bc')).toBe('a<U+202E>b<U+200B>c')
    expect(safe('\u009b2J\u007f')).toBe('<U+009B>2J^?')
    expect(safe('\u{e0041}')).toBe('<U+E0041>')
    expect(safe('two\nlines\tand a tab')).toBe('two^Jlines^Iand a tab')
    expect(safeLines('two\r\nlines\tand a tab\rback')).toBe('two\nlines\tand a tab^Mback')
  })

  test('leaves the writing of the world alone', () => {
    for (const text of ['Grüße', 'naïve café', '日本語', 'العربية', 'हिन्दी', 'עברית', 'I ❤️ git', '👍🏽', '1️⃣', '→ …']) {
      expect(safe(text)).toBe(text)
    }
  })

  property.prop([fc.string({ unit: 'binary', maxLength: 40 })])('any string', (text) => {
    expect(harmful(safe(text), false)).toEqual([])
    expect(harmful(safeLines(text), true)).toEqual([])
    expect(safe(safe(text))).toBe(safe(text))
    expect(JSON.parse(toJson(text))).toBe(text)
  })
})

describe('times and counts', () => {
  const now = new Date('2026-11-20T12:00:00Z')
  test.each([
    [0, 'just now'],
    [59, 'just now'],
    [60, '1 minute ago'],
    [3_599, '59 minutes ago'],
    [3_600, '1 hour ago'],
    [86_400, '1 day ago'],
    [8 * 86_400, '1 week ago'],
    [31 * 86_400, '1 month ago'],
    [800 * 86_400, '2 years ago'],
    [-7_200, 'in 2 hours'],
  ])('%i seconds before: %s', (seconds, said) => {
    expect(relativeTime(new Date(now.getTime() - seconds * 1000), now)).toBe(said)
  })

  test('a time that is none', () => expect(relativeTime(new Date('nonsense'), now)).toBe('at an unknown time'))

  test('plural', () => {
    expect([0, 1, 2].map((count) => plural(count, 'entry', 'entries'))).toEqual(['0 entries', '1 entry', '2 entries'])
    expect(plural(3, 'clone')).toBe('3 clones')
  })
})

describe('ids and columns', () => {
  test('a short id is long enough to be the only one', () => {
    expect(shortId('0123456789abcdef')).toBe('01234567')
    expect(shortId('0123456789abcdef', ['0123456789ffffff', '0123456789abcdef'])).toBe('0123456789a')
  })

  test('columns are aligned by cells, also for wide characters, and colours take none', () => {
    const rows = [
      ['a', 'first'],
      ['日本', 'second'],
      [`${E}[1mbold${E}[22m`, 'third'],
    ]
    expect(columns(rows, null).split('\n')).toEqual(['a     first', '日本  second', `${E}[1mbold${E}[22m  third`])
  })

  test('the last column is cut to the terminal, never in a pipe', () => {
    const rows = [['key', 'word '.repeat(30).trim()]]
    expect(columns(rows, null)).toBe(`key  ${'word '.repeat(30).trim()}`)
    const line = columns(rows, 40)
    expect(cells(line)).toBeLessThanOrEqual(40)
    expect(line.endsWith('…')).toBe(true)
  })

  property.prop([fc.string({ unit: 'grapheme', maxLength: 30 }), fc.integer({ min: 2, max: 20 })])(
    'cut never takes more cells than there are',
    (text, width) => {
      const line = safe(text)
      expect(cells(cut(line, width))).toBeLessThanOrEqual(width)
      if (cells(line) <= width) expect(cut(line, width)).toBe(line)
    },
  )

  test('lists for programs', () => {
    const rows = [
      ['key', 'two\nlines\t'],
      ['other', 'x'],
    ]
    expect(porcelain(rows, false)).toBe('key\ttwo^Jlines^I\nother\tx\n')
    expect(porcelain(rows, true)).toBe('key\ttwo\nlines\t\0other\tx\0')
  })
})
