// The built command: what it brings with it, and what it does not load.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { version } from '../../package.json'

const DIST = resolve('dist')
const BIN = join(DIST, 'main.cjs')
const folder = mkdtempSync(join(tmpdir(), 'dstack-bundle-'))
const vars = { PATH: process.env.PATH, HOME: folder }

beforeAll(() => {
  if (!statSync(BIN, { throwIfNoEntry: false })) throw new Error('dist/ is missing: run `npm run build` first')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a run loads: our files, and node's own modules. */
function loaded(bin: string, ...args: string[]): { files: string[]; builtins: string[] } {
  const spy = join(folder, 'spy.cjs')
  writeFileSync(
    spy,
    `process.on('exit', () => require('fs').writeFileSync(process.env.SPY, JSON.stringify({
      files: Object.keys(require.cache).filter((file) => file !== __filename),
      builtins: process.moduleLoadList,
    })))`,
  )
  const report = join(folder, 'report.json')
  const done = spawnSync(process.execPath, ['--require', spy, join(DIST, bin), ...args], {
    env: { ...vars, SPY: report },
    encoding: 'utf8',
  })
  expect(done.status).toBe(0)
  return JSON.parse(readFileSync(report, 'utf8'))
}

/** Words that only the package itself holds. */
const HEAVY: Record<string, RegExp> = {
  'full zod': /ZodDiscriminatedUnion|_coercedString\b/,
  execa: /ExecaError/,
  'isomorphic-git': /isomorphic-git/,
  yaml: /YAMLParseError/,
  secretlint: /secretlint/i,
  clack: /clack/i,
}

describe('the path of a parsed command line', () => {
  test('loads only the command that is named, and nothing heavy', () => {
    const { files, builtins } = loaded('main.cjs', 'version')
    const ours = files.map((file) => basename(file))
    expect(ours.map((file) => file.replace(/-\w{8}\./, '.'))).toEqual([
      'main.cjs',
      'shared.cjs',
      'shell.cjs',
      'version.cjs',
    ])
    for (const file of files) {
      const text = readFileSync(file, 'utf8')
      for (const [name, sign] of Object.entries(HEAVY))
        expect(sign.test(text), `${basename(file)} holds ${name}`).toBe(false)
    }
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
    // commander is two thirds of it; each group of commands adds a hundred bytes to the table that names it.
    expect(bytes).toBeLessThan(72 * 1024)
    // Each of these costs a tenth of a bare start.
    for (const name of ['child_process', 'net', 'crypto', 'tty']) expect(builtins).not.toContain(`NativeModule ${name}`)
  })
})

test('a hook loads no command line', () => {
  for (const bin of ['main.cjs', 'hook.cjs']) {
    const { files } = loaded(bin, 'hook', 'no-such-client', 'no-such-event')
    for (const file of files) expect(readFileSync(file, 'utf8'), basename(file)).not.toContain('commander')
  }
})

describe('the package', () => {
  test('runs alone, from any folder, also through a link', () => {
    cpSync(DIST, join(folder, 'dist'), { recursive: true })
    symlinkSync(join(folder, 'dist', 'main.cjs'), join(folder, 'git-dstack'))
    const run = (program: string, ...args: string[]) =>
      execFileSync(program, args, { env: { ...vars, PATH: `${folder}:${process.env.PATH}` }, encoding: 'utf8' })
    expect(run(join(folder, 'git-dstack'), 'version')).toContain(`git-dstack ${version}`)
    expect(run('git', 'dstack', 'version')).toContain(`git-dstack ${version}`)
    expect(run('git', '-C', folder, 'dstack', 'help', 'concepts')).toMatch(/^NAME\n/)
    expect(run('git', 'dstack', '-h')).toContain('Usage: git dstack')
  })

  test('a reader that has seen enough is no failure', () => {
    const done = spawnSync('bash', ['-c', `set -o pipefail; "$0" help concepts | head -1`, BIN], {
      env: vars,
      encoding: 'utf8',
    })
    expect(done).toMatchObject({ status: 0, stdout: 'NAME\n', stderr: '' })
    const gone = spawnSync('bash', ['-c', `"$0" help concepts >&-; echo $?`, BIN], { env: vars, encoding: 'utf8' })
    expect(gone.stdout).toMatch(/^\d+\n$/)
  })

  test('a full disk behind stdout is not silent', () => {
    const done = spawnSync('sh', ['-c', `"$0" help concepts > /dev/full`, BIN], { env: vars, encoding: 'utf8' })
    expect(done.status).toBe(74)
    expect(done.stderr).toContain('The disk is full')
  })
})
