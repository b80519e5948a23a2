// Texts in and out of reviews: what a reviewer is told, what it answers, what a difference says.

import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPatch } from '../../src/git/patch'
import { readAnswer } from '../../src/review/answer'
import { authorMakes, sameMake } from '../../src/review/models'
import { fenced, promptText } from '../../src/review/prompt'
import { argvOf } from '../../src/settings/argv'
import { Repo } from '../memory/repo'

const FOUND = '{"findings":[{"severity":"P1","class":"bug","claim":"x"}]}'

describe('an answer', () => {
  test.each([
    ['an object', FOUND, 1],
    ['a list', '[{"severity":"P1","class":"bug","claim":"x"}]', 1],
    ['none found', '{"findings":[]}', 0],
    ['an empty list', '[]', 0],
    [
      'null for what is absent',
      '{"model":null,"findings":[{"severity":"P1","class":"bug","claim":"x","path":null,"lines":null}]}',
      1,
    ],
    ['a fenced block', `I looked.\n\n\`\`\`json\n${FOUND}\n\`\`\`\nDone.`, 1],
    ['the last fenced block', `\`\`\`json\n{"findings":[]}\n\`\`\`\nNo:\n\`\`\`json\n${FOUND}\n\`\`\``, 1],
    ['not a block of another language', `\`\`\`json\n${FOUND}\n\`\`\`\n\`\`\`ts\nconst a = 1\n\`\`\``, 1],
    ['in four ticks', `\`\`\`\`json\n${FOUND}\n\`\`\`\``, 1],
    ['in what a client prints', JSON.stringify({ type: 'result', result: FOUND }), 1],
    ['in a block in that', JSON.stringify({ result: `So:\n\`\`\`json\n${FOUND}\n\`\`\`` }), 1],
  ])('%s', (_, text, count) => expect(readAnswer(text)).toMatchObject({ findings: { length: count } }))

  test.each([
    ['nothing', '', 'it answered nothing'],
    ['prose', 'No findings. Good work!', 'its answer holds no whole JSON'],
    ['cut off', FOUND.slice(0, -4), 'its answer holds no whole JSON'],
    ['a block cut off', `\`\`\`json\n${FOUND.slice(0, 30)}`, 'its answer holds no whole JSON'],
    [
      'a last block cut off, behind a whole one',
      `\`\`\`json\n{"findings":[]}\n\`\`\`\n\`\`\`json\n{"fin\n\`\`\``,
      'its answer holds no whole JSON',
    ],
    ['an error of the service', '{"error":{"message":"rate limit"}}', 'its answer has another form (findings'],
    ['null', 'null', 'its answer holds no whole JSON'],
    [
      'an unknown severity',
      '{"findings":[{"severity":"high","class":"bug","claim":"x"}]}',
      'its answer has another form (findings.0.severity',
    ],
    [
      'no claim',
      '{"findings":[{"severity":"P1","class":"bug","claim":""}]}',
      'its answer has another form (findings.0.claim',
    ],
  ])('%s is none', (_, text, problem) => {
    expect(readAnswer(text)).toEqual({ problem: expect.stringContaining(problem) })
  })

  test('every beginning of one is a problem, and never "no findings"', () => {
    for (let end = 0; end < FOUND.length; end++) expect(readAnswer(FOUND.slice(0, end))).toHaveProperty('problem')
  })
})

test('no text ends its own fence', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('mark', 'mark >>>', '<<< mark', '\n', 'ma', 'rk', ' >>>', 'x')), (parts) => {
      const text = fenced('plan', parts.join(''), 'mark')
      expect(text.split('mark').length - 1).toBe(2)
      expect(text.endsWith('\nmark >>>')).toBe(true)
    }),
  )
})

test('a reviewer is told its track, the range, the form of the answer, and what is data', () => {
  const text = promptText({
    ...{ track: 'B', slug: 'pay', leaf: '1.1', spec: 'LEAF', contract: 'CONTRACT', plan: 'PLAN', mark: 'data-1' },
    ...{ range: { base: 'aaa', head: 'bbb' }, files: ['src/a.ts'], patch: null },
  })
  expect(text).toContain('git diff aaa bbb')
  expect(text).toContain('"enum":["silent_drop","scope_creep","contract_break","acceptance_miss"]')
  expect(text).toContain('<<< data-1 contract\nCONTRACT\ndata-1 >>>')
  expect(text).not.toContain('difference')
})

describe('the words of a command line', () => {
  test.each([
    ['codex exec -o {output} -', ['codex', 'exec', '-o', '{output}', '-']],
    [`claude -p 'a "b" c' --x="d e"`, ['claude', '-p', 'a "b" c', '--x=d e']],
    [`a\\ b "c\\"d" ''`, ['a b', 'c"d', '']],
    ['a $(b) ; c', ['a', '$(b)', ';', 'c']],
  ])('%s', (text, words) => expect(argvOf(text)).toEqual(words))
  test.each(['', '  ', "a 'b", 'a "b', 'a \\', "'' a"])('%j is none', (text) =>
    expect(argvOf(text)).toHaveProperty('problem'),
  )
})

describe('the same make', () => {
  const authors = authorMakes([{ trailers: { 'Co-authored-by': ['Claude <noreply@anthropic.com>'] } }], null)
  test('as the trailers tell', () => expect(sameMake(['claude-sonnet-4-5'], authors)).toContain('Claude'))
  test('another one', () => expect(sameMake(['gpt-5', 'codex'], authors)).toBeNull())
  test('as the shell tells', () => expect(sameMake(['o3'], authorMakes([], 'codex'))).toContain('OpenAI'))
  test('nobody knows', () =>
    expect(sameMake(['review.sh'], authorMakes([{ trailers: { Fixes: ['#1 claude'] } }], null))).toBeNull())
})

describe('a difference', () => {
  const repo = Repo.make()
  const diff = (context: number) => {
    const text = execFileSync('git', ['diff', `-U${context}`, '--no-renames', 'HEAD~1', 'HEAD'], {
      cwd: repo.path,
      env: repo.vars(),
      encoding: 'utf8',
    })
    return readPatch(text)
  }
  test('as git writes it', () => {
    try {
      repo.commit('one', {
        'a.txt': '1\n2\n3\n4\n5\n',
        'gone.txt': 'x\n',
        'bin.dat': 'a\0b',
        'odd "ä\t.txt': '-- x\n',
        'end.txt': 'no end',
      })
      repo.git('rm', '-q', 'gone.txt')
      repo.commit('two', {
        'a.txt': '1\n3\n4\nfour\n5\n6',
        'bin.dat': 'a\0c',
        'odd "ä\t.txt': '++ y\n-- z\n',
        'new file.txt': 'n\n',
        'end.txt': 'no end\n',
      })
      for (const context of [0, 3]) {
        expect(
          Object.fromEntries(
            diff(context).map(({ path, gone, added }) => [
              path,
              [gone, added.map(({ line, text }) => `${line} ${text}`)],
            ]),
          ),
        ).toEqual({
          'a.txt': [false, ['4 four', '5 5', '6 6'].filter((row) => row !== '5 5')],
          'gone.txt': [true, []],
          'bin.dat': [false, []],
          'odd "ä\t.txt': [false, ['1 ++ y', '2 -- z']],
          'new file.txt': [false, ['1 n']],
          'end.txt': [false, ['1 no end']],
        })
      }
      expect(diff(0).find(({ path }) => path === 'a.txt')?.touched).toEqual([
        [1, 2],
        [4, 4],
        [6, 6],
      ])
    } finally {
      repo.dispose()
    }
  })
})
