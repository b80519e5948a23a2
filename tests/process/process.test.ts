// Foreign commands and patterns: clean surroundings, and an end that comes.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeEnv } from '../../src/env/node'
import { type CommandRequest, countMatches, type Ran, runCommand } from '../../src/process/process'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dstack-process-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function run(command: string, more: Partial<CommandRequest> & { mine?: Record<string, string> } = {}): Promise<Ran> {
  const { mine, ...request } = more
  const vars = { PATH: process.env.PATH, HOME: folder, ...mine }
  return runCommand(nodeEnv({ cwd: folder, vars }), { command, cwd: folder, ...request })
}

/** Is the process whose id stands in the file still at work? One that nobody has come for yet (a zombie) is not. */
function works(file: string): boolean {
  const pid = readFileSync(join(folder, file), 'utf8').trim()
  expect(pid).toMatch(/^\d+$/)
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ''
  if (existsSync('/proc/self/stat')) return stat !== '' && !/\) Z /.test(stat)
  try {
    process.kill(Number(pid), 0)
    return true
  } catch {
    return false
  }
}

describe('what a command gives', () => {
  test.each([
    ['exit 0', { status: 0, signal: null, output: '' }],
    ['echo out; echo err >&2; echo more; exit 7', { status: 7, output: 'out\nerr\nmore\n' }],
    ['kill -SEGV $$', { status: null, signal: 'SIGSEGV' }],
    ['no-such-program-here', { status: 127 }],
    ['cat; echo "[$?]"', { status: 0, output: '[0]\n' }],
    [`printf '%s' '"$(id)"; $0 \\x'`, { status: 0, output: '"$(id)"; $0 \\x' }],
    ["printf '\\033[31mred\\033[0m\\033]0;title\\007 \\010end \\342\\200\\256x'", { output: 'red ^Hend <U+202E>x' }],
  ])('%s', async (command, expected) => {
    expect(await run(command)).toMatchObject({ timedOut: false, truncated: false, ...expected })
  })

  test('stderr apart: only stdout is the text', async () => {
    const ran = await run('echo "{}"; echo warned >&2', { apart: true })
    expect(ran).toMatchObject({ text: '{}\n', errors: 'warned\n' })
  })

  test('a folder that is gone, and a command with NUL, are said', async () => {
    await expect(run('true', { cwd: join(folder, 'gone') })).rejects.toMatchObject({ code: 'PROGRAM_MISSING' })
    await expect(run('true\0')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(run(`: ${'x'.repeat(3_000_000)}`)).rejects.toMatchObject({ code: 'IO' })
  })

  test('a flood of 100 MB: both ends are kept, the rest is counted, memory stays bounded', async () => {
    const before = process.memoryUsage()
    let most = 0
    const watch = setInterval(() => {
      const now = process.memoryUsage()
      most = Math.max(most, now.rss - before.rss)
    }, 5)
    const ran = await run('echo first; head -c 100000000 /dev/zero | tr "\\0" x; echo; echo last')
    clearInterval(watch)
    expect(ran).toMatchObject({ status: 0, truncated: true, dropped: 100_000_000 + 12 - 65_536 })
    expect(ran.text).toMatch(/^first\nx+\n\[\d+ bytes left out\]\nx+\nlast\n$/)
    expect(ran.text.length).toBeLessThan(66_000)
    expect(most).toBeLessThan(64 * 1024 * 1024)
  })

  test('just at the cap nothing is missing; one byte more is', async () => {
    const of = (bytes: number) => run(`head -c ${bytes} /dev/zero | tr "\\0" x`, { outputCap: 1000 })
    expect(await of(1000)).toMatchObject({ truncated: false, text: 'x'.repeat(1000) })
    expect(await of(1001)).toMatchObject({
      dropped: 1,
      text: `${'x'.repeat(500)}\n[1 bytes left out]\n${'x'.repeat(500)}`,
    })
  })
})

describe('what a command gets', () => {
  const names = async (more: Parameters<typeof run>[1]) =>
    (await run('env', more)).text.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? [])

  test('only what is on the list, and what is the same for all', async () => {
    const mine = {
      ...{ USER: 'alice', LANG: 'C', LC_ALL: 'C', TZ: 'UTC', TERM: 'xterm', CI: 'false' },
      ...{ GIT_DIR: '/x', GIT_INDEX_FILE: '/y', TOKEN: 's', NODE_OPTIONS: '--x', NODE_EXTRA_CA_CERTS: '/z' },
    }
    const own = ['PWD', 'OLDPWD', 'SHLVL', '_']
    const found = (await names({ mine })).filter((name) => !own.includes(name))
    expect(found.sort()).toEqual(['CI', 'HOME', 'LANG', 'LC_ALL', 'PATH', 'TERM', 'TZ', 'USER'])
    expect((await run('echo $CI $TERM', { mine })).text).toBe('1 dumb\n')
  })

  test('further names that the person allowed, and values of ours', async () => {
    const mine = { TOKEN: 's3', HTTPS_PROXY: 'http://proxy', CI: 'false', OTHER: 'x' }
    const ran = await run('echo $TOKEN $HTTPS_PROXY $CI $OTHER $LEAF', {
      mine,
      names: ['TOKEN', 'HTTPS_PROXY', 'CI', 'UNSET'],
      vars: { LEAF: '1.2' },
    })
    expect(ran.text).toBe('s3 http://proxy false 1.2\n')
  })
})

describe('the end', () => {
  test('the limit ends it politely', async () => {
    const ran = await run('trap "echo asked; exit 3" TERM; echo started; while :; do sleep 0.05; done', {
      limitSeconds: 0.5,
    })
    expect(ran).toMatchObject({ timedOut: true, status: 3 })
    expect(ran.output).toMatch(/^started\n(Terminated\n)?asked\n$/)
    expect(ran.ms).toBeLessThan(2000)
  })

  test('who ignores TERM is killed two seconds later, grandchildren and background jobs with it', async () => {
    const line =
      'trap "" TERM; (sh -c \'echo $$ > inner; while :; do sleep 0.1; done\' &); echo $$ > outer; while :; do sleep 0.1; done'
    const ran = await run(line, { limitSeconds: 0.5 })
    expect(ran).toMatchObject({ timedOut: true, status: null, signal: 'SIGKILL' })
    expect(ran.ms).toBeGreaterThan(2400)
    expect(ran.ms).toBeLessThan(6000)
    expect([works('outer'), works('inner')]).toEqual([false, false])
  })

  test('what a command leaves behind in its group is ended when it ends', async () => {
    const ran = await run('sleep 300 & echo $! > left; (sleep 300 & echo $! > forked) ; echo done')
    expect(ran).toMatchObject({ status: 0, timedOut: false, output: 'done\n' })
    expect(ran.ms).toBeLessThan(5000)
    expect([works('left'), works('forked')]).toEqual([false, false])
  })

  test('what left the group does not hold us up, and its output does not either', async () => {
    const ran = await run(
      "setsid sh -c 'echo $$ > away; exec sleep 20' & while [ ! -s away ]; do sleep 0.05; done; echo done",
    )
    const pid = Number(readFileSync(join(folder, 'away'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    expect(ran).toMatchObject({ status: 0, output: 'done\n' })
    expect(ran.ms).toBeLessThan(5000)
  })

  test('several at once do not end each other', async () => {
    const all = await Promise.all([
      run('sleep 0.3; echo a'),
      run('sleep 30', { limitSeconds: 0.1 }),
      run('sleep 0.5; echo b'),
    ])
    expect(all.map(({ output, timedOut }) => [output, timedOut])).toEqual([
      ['a\n', false],
      ['', true],
      ['b\n', false],
    ])
  })

  test('our own end ends it, TERM or not', async () => {
    writeFileSync(
      join(folder, 'runner.ts'),
      `import { nodeEnv } from '${join(process.cwd(), 'src/env/node')}'
       import { runCommand } from '${join(process.cwd(), 'src/process/process')}'
       process.once('SIGTERM', () => process.exit(143))
       const command = 'trap "" TERM; echo $$ > child; while :; do sleep 0.1; done'
       void runCommand(nodeEnv(), { command, cwd: ${JSON.stringify(folder)} })`,
    )
    const env = nodeEnv({ cwd: folder, vars: { PATH: process.env.PATH, HOME: folder } })
    const line = `"${process.execPath}" ${join(process.cwd(), 'tests/run.mjs')} ${join(folder, 'runner.ts')} & node=$!; while [ ! -s child ]; do sleep 0.05; done; kill $node; wait $node`
    const ran = await runCommand(env, { command: line, cwd: folder, limitSeconds: 30 })
    expect(ran).toMatchObject({ status: 143, timedOut: false })
    expect(works('child')).toBe(false)
  })
})

describe('patterns', () => {
  test.each([
    ['a', '', 'banana', 10, { count: 3 }],
    ['a', '', 'banana', 2, { count: 2 }],
    ['A', 'i', 'banana', 10, { count: 3 }],
    ['^x', '', 'x\nx', 10, { count: 1 }],
    ['^x', 'm', 'x\nx', 10, { count: 2 }],
    ['', '', 'ab', 10, { count: 3 }],
    ['(a+)+$', '', `${'a'.repeat(40)}!`, 10, 'slow'],
    ['(x+x+)+y', '', 'x'.repeat(40), 10, 'slow'],
  ])('/%s/%s', (pattern, flags, text, most, expected) => {
    const started = performance.now()
    expect(countMatches(text, pattern, flags, most)).toEqual(expected)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('one that is none is an error', () => expect(() => countMatches('', '(', '', 1)).toThrow(SyntaxError))
})
