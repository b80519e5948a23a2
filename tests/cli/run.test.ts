// What the shell does around every command: global options, output, errors and exit statuses.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { version } from '../../package.json'
import type { Env } from '../../src/env/env'
import { type Code, DstackError } from '../../src/errors'
import { dstack } from './shell'

const ESCAPE = String.fromCharCode(27)
const folder = mkdtempSync(join(tmpdir(), 'dstack-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('global options', () => {
  test.each([
    [['version', '--json']],
    [['--json', 'version']],
    [['-C', '/', '--json', 'version']],
    [['version', '-C', '/', '--json', '--no-pager', '--color', 'never']],
  ])('%j prints one object', async (args) => {
    const { status, stdout, stderr } = await dstack(args)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.endsWith('\n')).toBe(true)
    expect(JSON.parse(stdout)).toEqual({ v: 1, command: 'version', version, node: process.versions.node })
  })

  test('--version works before and after a verb', async () => {
    for (const args of [['--version'], ['version', '--version'], ['help', '--version']]) {
      expect(await dstack(args)).toEqual({ status: 0, stdout: `git-dstack ${version}\n`, stderr: '' })
    }
  })

  test('-C is repeatable and relative to the one before', async () => {
    const told = await dstack(['-C', folder, '-C', '..', '-C', folder, 'help', '--man', 'pages', '--json'])
    expect(JSON.parse(told.stdout)).toMatchObject({ text: join(folder, 'pages') })
    const nowhere = await dstack(['-C', folder, '-C', 'nowhere', 'version'])
    expect(nowhere.status).toBe(128)
    expect(nowhere.stderr).toContain(`Cannot work in ${join(folder, 'nowhere')}`)
  })

  test('colours: only on a terminal, and the most particular setting wins', async () => {
    const coloured = async (args: string[], vars: Record<string, string>, columns: number | null) =>
      (await dstack(['help', 'json', ...args], { vars: { CI: '1', ...vars }, columns })).stdout.includes(ESCAPE)
    expect(await coloured([], {}, null)).toBe(false)
    expect(await coloured([], {}, 80)).toBe(true)
    expect(await coloured([], { NO_COLOR: '1' }, 80)).toBe(false)
    expect(await coloured([], { TERM: 'dumb' }, 80)).toBe(false)
    expect(await coloured([], { GIT_CONFIG_PARAMETERS: "'color.ui'='never'" }, 80)).toBe(false)
    expect(await coloured([], { FORCE_COLOR: '1' }, null)).toBe(true)
    expect(await coloured([], { FORCE_COLOR: '1', NO_COLOR: '1' }, 80)).toBe(false)
    expect(await coloured(['--color', 'always'], { NO_COLOR: '1' }, null)).toBe(true)
    expect(await coloured(['--color', 'never'], { FORCE_COLOR: '1' }, 80)).toBe(false)
  })
})

describe('help on one screen', () => {
  test('without a command: stdout, exit 0, every command named', async () => {
    const { status, stdout, stderr } = await dstack([])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const verb of ['help', 'completion', 'schema', 'version']) expect(stdout).toContain(`  ${verb}`)
    expect(await dstack(['-h'])).toEqual({ status, stdout, stderr })
    expect(await dstack(['--help'])).toEqual({ status, stdout, stderr })
  })

  test('of a command, with examples', async () => {
    const { status, stdout } = await dstack(['schema', '-h'])
    expect(status).toBe(0)
    expect(stdout).toContain('Usage: git dstack schema')
    expect(stdout).toContain('Examples:\n  git dstack schema recall')
  })
})

describe('wrong command lines', () => {
  test.each([
    [['versoin'], "Unknown command 'versoin'.", 'Did you mean version? See `git dstack help`.'],
    [['version', '--jsno'], "Unknown option '--jsno'.", 'Did you mean --json? See `git dstack help version`.'],
    [['completion'], "Missing required argument 'shell'.", 'See `git dstack help completion`.'],
    [
      ['version', 'x'],
      "Too many arguments for 'version'. Expected 0 arguments but got 1.",
      'See `git dstack help version`.',
    ],
    [['--json'], 'git dstack needs one of:', 'See `git dstack help`.'],
  ])('%j is USAGE, exit 64, with a hint', async (args, sentence, hint) => {
    const json = JSON.parse((await dstack([...args.filter((word) => word !== '--json'), '--json'])).stdout)
    expect(json).toMatchObject({ v: 1, error: { code: 'USAGE', hint, exit: 64 } })
    expect(json.error.message).toContain(sentence)
    if (args.includes('--json')) return
    const text = await dstack(args)
    expect(text.status).toBe(64)
    expect(text.stdout).toBe('')
    expect(text.stderr).toBe(`git dstack: ${sentence}\nHint: ${hint}\n`)
  })
})

/** A world in which writing a file fails. */
const failing = (error: unknown) => (env: Env) => ({
  ...env,
  files: {
    ...env.files,
    write() {
      throw error
    },
  },
})
const writing = ['help', '--man', 'pages']
const errno = (code: string) =>
  Object.assign(new Error(`${code}: from the system, write`), { code, path: '/some/file' })

describe('errors', () => {
  test.each<[string, Code, number]>([
    ['ENOSPC', 'IO', 74],
    ['EDQUOT', 'IO', 74],
    ['EIO', 'IO', 74],
    ['EROFS', 'NO_PERMISSION', 77],
    ['EACCES', 'NO_PERMISSION', 77],
    ['EPERM', 'NO_PERMISSION', 77],
  ])('%s is %s, exit %i', async (name, code, exit) => {
    const change = failing(errno(name))
    const text = await dstack(writing, { change })
    expect(text.status).toBe(exit)
    expect(text.stdout).toBe('')
    expect(text.stderr).toMatch(/^git dstack: .* \(\/some\/file\)\.\nHint: .*\.\n$/)
    expect(JSON.parse((await dstack([...writing, '--json'], { change })).stdout).error).toMatchObject({ code, exit })
  })

  test('every code of ours ends with its exit status, and shows sentence, hint and data', async () => {
    const error = new DstackError('CONFLICT', 'Two versions.', { hint: 'Look.', data: { key: 'a/b' } })
    const change = failing(error)
    expect(await dstack(writing, { change })).toEqual({
      status: 2,
      stdout: '',
      stderr: 'git dstack: Two versions.\nHint: Look.\n',
    })
    const json = await dstack([...writing, '--json'], { change })
    expect(json).toEqual({
      status: 2,
      stdout:
        '{"v":1,"error":{"code":"CONFLICT","message":"Two versions.","hint":"Look.","data":{"key":"a/b"},"exit":2}}\n',
      stderr: '',
    })
  })

  test('a mistake of ours: exit 70, asks for a report, the stack only with DSTACK_DEBUG', async () => {
    const change = failing(new TypeError('x is not a function'))
    const quiet = await dstack(writing, { change })
    expect(quiet.status).toBe(70)
    expect(quiet.stderr).toContain('x is not a function')
    expect(quiet.stderr).toContain('report')
    expect(quiet.stderr).not.toContain('    at ')
    const loud = await dstack(writing, { change, vars: { DSTACK_DEBUG: '1' } })
    expect(loud.stderr).toContain('Caused by: TypeError: x is not a function')
    expect(loud.stderr).toMatch(/\n {4}at /)
  })

  test('what others wrote into a message cannot move the terminal', async () => {
    const error = new DstackError('IO', `git said: ${ESCAPE}]0;owned\u0007 \u202Etxt`, { hint: `${ESCAPE}[2J` })
    const { stderr } = await dstack(writing, { change: failing(error) })
    expect(stderr).toBe('git dstack: git said: ^[]0;owned^G <U+202E>txt\nHint: ^[[2J\n')
  })
})
