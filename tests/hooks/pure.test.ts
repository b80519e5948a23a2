// The pure parts of the hooks around a commit: the subject of an unfinished message, an amend by its command line, pairs.

import { describe, expect, test } from 'vitest'
import { readMessage } from '../../src/hooks/message'
import { readPairs } from '../../src/hooks/post-rewrite'
import { saysAmend } from '../../src/hooks/push-command'

describe('the subject of a message', () => {
  test.for([
    ['one\n', undefined, 'one'],
    ['\n# a comment\none\ntwo\n\nbody\n', undefined, 'one two'],
    ['; a comment\n# no comment\n', ';', '# no comment'],
    ['one  \n# ------------------------ >8 ------------------------\ndiff\n', undefined, 'one'],
    ['# only comments\n', 'auto', ''],
  ] as const)('%j with %j: %j', ([text, comment, expected]) => {
    expect(readMessage(text, comment).subject).toBe(expected)
  })
})

test.for([
  ['--amend', true],
  ['-q --am -m x', true],
  ['--amend --no-amend', false],
  ['-m --amend', false],
  ['-qm --amend', false],
  ['-m x -- --amend', false],
  ['--allow-empty', false],
] as const)('git commit %s: %j', ([line, expected]) => expect(saysAmend(line.split(' '))).toBe(expected))

test('pairs of a rewrite; what is none is passed over', () => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
  expect(readPairs(`${a} ${b}\n${b} ${a} extra\n\n-x ${a}\n${a}\n`)).toEqual([
    { from: a, to: b },
    { from: b, to: a },
  ])
})
