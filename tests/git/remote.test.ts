// What a push answered, and what a failed call means to the person.

import { describe, expect, test } from 'vitest'
import type { Finished } from '../../src/env/env'
import { gitFailure, withoutCredentials } from '../../src/git/exec'
import { parsePush } from '../../src/git/remote'

const line = (flag: string, dst: string, summary: string) => `${flag}\tabc:${dst}\t${summary}`

describe('push --porcelain', () => {
  test.each([
    [line('*', 'refs/dstack/memory', '[new reference]'), 'done'],
    [line(' ', 'refs/dstack/memory', '1111111..2222222'), 'done'],
    [line('=', 'refs/dstack/memory', '[up to date]'), 'done'],
    [line('-', 'refs/dstack/inbox/x', '[deleted]'), 'done'],
    [line('!', 'refs/dstack/memory', '[rejected] (fetch first)'), 'raced'],
    [line('!', 'refs/dstack/memory', '[rejected] (non-fast-forward)'), 'raced'],
    [line('!', 'refs/dstack/memory', '[rejected] (stale info)'), 'raced'],
    [line('!', 'refs/dstack/memory', '[remote rejected] (cannot lock ref)'), 'raced'],
    [line('!', 'refs/dstack/memory', '[remote rejected] (incorrect old value provided)'), 'raced'],
    [line('!', 'refs/dstack/memory', '[remote rejected] (hook declined)'), 'refused'],
    [line('!', 'refs/dstack/memory', '[remote rejected] (pre-receive hook declined)'), 'refused'],
    [line('!', 'refs/dstack/memory', '[remote rejected] (deny updating a hidden ref)'), 'refused'],
    [line('!', 'refs/dstack/memory', '[remote rejected] (shallow update not allowed)'), 'refused'],
  ])('%j is %s', (text, outcome) => {
    expect(parsePush(`To /hub\n${text}\nDone\n`, '').map((result) => result.outcome)).toEqual([outcome])
  })

  test('a refusal says what the remote said, without the token in its URL', () => {
    const [result] = parsePush(
      `${line('!', 'refs/dstack/memory', '[remote rejected] (hook declined)')}\n`,
      'remote: see https://bob:hunter2@host/policy        \nerror: failed\n',
    )
    expect(result?.reason).toBe('[remote rejected] (hook declined); see https://host/policy')
  })
})

describe('a failed call', () => {
  const failed = (stderr: string, timedOut = false): Finished => ({
    status: 128,
    signal: null,
    stdout: Buffer.alloc(0),
    stderr,
    timedOut,
  })

  test.each([
    ['fatal: not a git repository (or any of the parent directories): .git', 'NOT_A_REPOSITORY'],
    ["fatal: detected dubious ownership in repository at '/srv/x'", 'NO_PERMISSION'],
    ['error: unable to write file: No space left on device', 'IO'],
    ['error: insufficient permission for adding an object to repository database .git/objects', 'NO_PERMISSION'],
    ["fatal: cannot lock ref 'x': Unable to create '/x.lock': Read-only file system", 'NO_PERMISSION'],
    [
      'ssh: connect to host example.com port 22: Connection refused\nfatal: Could not read from remote repository.',
      'REMOTE_UNAVAILABLE',
    ],
    ["fatal: could not read Username for 'https://example.com': terminal prompts disabled", 'REMOTE_UNAVAILABLE'],
    ["fatal: unable to access 'https://example.com/': The requested URL returned error: 403", 'REMOTE_REFUSED'],
    ["fatal: transport 'ext' not allowed", 'REMOTE_REFUSED'],
    ['error: object file .git/objects/aa/bb is empty\nfatal: loose object aabb (stored in x) is corrupt', 'CORRUPT'],
    ["git: 'cat-file' is not a git command", 'PROGRAM_MISSING'],
    ['fatal: something new', 'INTERNAL'],
  ])('%s', (stderr, code) => {
    expect(gitFailure(failed(stderr), 'fetch').code).toBe(code)
  })

  test("that took too long is the remote's fault, and loses nothing", () => {
    const error = gitFailure(failed('', true), 'fetch')
    expect([error.code, error.exit]).toEqual(['REMOTE_UNAVAILABLE', 69])
    expect(error.hint).toContain('kept')
  })
})

test('credentials in URLs are taken out, everything else stays', () => {
  expect(withoutCredentials('https://a:b@h/x ssh://git@h/y git@h:z http://h')).toBe(
    'https://h/x ssh://h/y git@h:z http://h',
  )
})
