import { describe, expect, test } from 'vitest'
import { actorOf } from '../../src/memory/actor'
import { originOf } from '../../src/memory/origin'

describe('who speaks', () => {
  test.each([
    [{}, { kind: 'person' }],
    [{ CLAUDECODE: '1' }, { kind: 'agent', tool: 'claude-code' }],
    [
      { CLAUDECODE: '', GEMINI_CLI: '1' },
      { kind: 'agent', tool: 'gemini-cli' },
    ],
    [{ DSTACK_AGENT: 'codex/gpt-5/high' }, { kind: 'agent', tool: 'codex', model: 'gpt-5/high' }],
    [
      { DSTACK_AGENT: 'mine', CLAUDECODE: '1' },
      { kind: 'agent', tool: 'mine' },
    ],
    [{ DSTACK_AGENT: 'none', CLAUDECODE: '1' }, { kind: 'person' }],
  ])('%j', (vars, who) => {
    expect(actorOf(vars, 'alice')).toEqual({ name: 'alice', ...who })
  })
})

test.each([
  ['https://example.com/team/app.git', 'example.com/team/app'],
  ['https://user:tok-en@Example.com:8443/team/app/', 'example.com/team/app'],
  ['git@example.com:team/app.git', 'example.com/team/app'],
  ['ssh://git@example.com:22/team/app', 'example.com/team/app'],
  ['file:///srv/git/app.git', 'app'],
  ['/srv/git/app.git', 'app'],
  ['../app', 'app'],
  ['C:\\repos\\app', 'app'],
  [null, 'here'],
])('origin of %s', (url, origin) => {
  expect(originOf(url, '/home/alice/here')).toBe(origin)
})
