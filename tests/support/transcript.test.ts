import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Block, normaliser, parse, play, render } from './transcript'

const STORY = `# Two people

Alice begins.

\`\`\` alice
$ echo one
one
$ printf 'a\\n\\nb\\n' &&
> echo c
a

b
c
\`\`\`

\`\`\`sh
$ this is only an example
\`\`\`

\`\`\` bob (exit 2)
$ true
$ false
no
\`\`\`
The end.
`

describe('parse', () => {
  test('finds people, commands, expected output and the exit status', () => {
    const blocks = parse(STORY).filter((part) => part.kind === 'block')
    expect(blocks).toEqual<Block[]>([
      {
        kind: 'block',
        person: 'alice',
        exit: 0,
        open: '``` alice',
        steps: [
          { command: 'echo one', expected: 'one\n' },
          { command: "printf 'a\\n\\nb\\n' &&\necho c", expected: 'a\n\nb\nc\n' },
        ],
      },
      {
        kind: 'block',
        person: 'bob',
        exit: 2,
        open: '``` bob (exit 2)',
        steps: [
          { command: 'true', expected: '' },
          { command: 'false', expected: 'no\n' },
        ],
      },
    ])
  })

  test('render is its inverse, also for text that is no story', () => {
    expect(render(parse(STORY))).toBe(STORY)
    const line = fc.constantFrom(
      '``` alice',
      '``` bob (exit 3)',
      '```',
      '```sh',
      '$ ls',
      '> more',
      'out',
      '',
      '# Title',
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join('\n')
        let parts: ReturnType<typeof parse>
        try {
          parts = parse(text)
        } catch (error) {
          expect(String(error)).toContain('output before the first command')
          return
        }
        expect(render(parts)).toBe(text)
      }),
    )
  })

  test('output without a command is a mistake in the story', () => {
    expect(() => parse('``` alice\nlost\n$ ls\n```')).toThrow('``` alice: output before the first command: lost')
  })
})

describe('normaliser', () => {
  test('names ids in order of appearance, short and long forms alike', () => {
    const normalise = normaliser('/tmp/w')
    expect(normalise('abc1234 then 99f00de9 in /tmp/w/alice')).toBe('1111111 then 22222222 in $WORLD/alice')
    expect(normalise('abc1234567890123456789012345678901234567')).toBe('1'.repeat(40))
    expect(normalise('99f00de at http://127.0.0.1:4711/x')).toBe('2222222 at http://127.0.0.1:$PORT/x')
  })

  test('names the ids of writers and operations', () => {
    expect(normaliser('/w')('writer 0kq3x8z1m2 (tick 12)')).toBe('writer 1111111111 (tick 12)')
  })

  test('leaves words and small numbers alone', () => {
    const text = 'remembered facade 2026-01-01 defaced 123456 100 %'
    expect(normaliser('/w')(text)).toBe(text)
  })
})

describe('play', () => {
  const answers: Record<string, { output: string; status: number }> = {
    'echo one': { output: 'one\n', status: 0 },
    true: { output: '', status: 0 },
    false: { output: 'no\n', status: 2 },
  }
  const say = async (_person: string, command: string) => answers[command] ?? { output: 'a\n\nb\nc', status: 0 }

  test('a story that comes true stays as it is', async () => {
    expect(await play(STORY, say, (text) => text)).toEqual({ actual: STORY, problems: [] })
  })

  test('shows what was said instead, and every wrong exit status', async () => {
    const other = async (person: string, command: string) =>
      command === 'true' ? { output: 'broken\n', status: 1 } : say(person, command)
    const run = await play(STORY, other, (text) => text)
    expect(run.actual).toBe(STORY.replace('$ true\n', '$ true\nbroken\n'))
    expect(run.problems).toEqual(['bob$ true\nexit 1 instead of 0\nbroken\n'])
  })

  test('what is written can be read again, whatever a command says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('```\n', '$ x\n', '> y\n', 'z\n', '\n', '``` bob\n')),
        async (lines) => {
          const hostile = async () => ({ output: lines.join(''), status: 0 })
          const story = '``` alice\n$ one\n$ two\n```\n'
          const first = await play(story, hostile, (text) => text)
          const again = await play(first.actual, hostile, (text) => text)
          expect(again.actual).toBe(first.actual)
        },
      ),
    )
  })
})
