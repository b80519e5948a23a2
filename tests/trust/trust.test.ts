// What may run here: one changed byte asks again, only a person allows, and the repository has no vote.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Env } from '../../src/env/env'
import { isRefusal } from '../../src/errors'
import { openRepo } from '../../src/git/git'
import * as trust from '../../src/trust/trust'
import { wordsOf } from '../../src/trust/words'
import { Repo } from '../memory/repo'

let repo: Repo
beforeEach(() => {
  repo = Repo.make()
  mkdirSync(join(repo.root, 'home'))
  repo.commit('first', {
    'scripts/check.sh': 'echo ok\n',
    'scripts/behind.sh': 'echo behind\n',
    'a file.txt': 'x\n',
    'package.json': '{}\n',
  })
})
afterEach(() => repo.dispose())

const yes = (env: Env, answer: boolean | null = true): Env => ({ ...env, confirm: async () => answer })

async function allow(command: string, env = yes(repo.env()), where = 'auth 1.2-C01') {
  const shown: trust.Description[] = []
  const done = await trust.allow(env, openRepo(env), [{ command, where }], (one) => shown.push(one))
  return { done, shown }
}

const ask = (command: string, where: trust.Where = {}, env = repo.env()) =>
  trust.isTrusted(env, openRepo(env), command, where)

const put = (path: string, text: string) => writeFileSync(join(repo.path, path), text)
const trustFolder = () => join(repo.root, 'home/.local/state/dstack/trust')

describe('one changed byte asks again', () => {
  const command = 'scripts/check.sh --strict'

  test('what was allowed runs, here and in a linked worktree', async () => {
    expect(ask(command)).toMatchObject({ trusted: false, reason: 'new' })
    const { done, shown } = await allow(command)
    expect(done).toMatchObject({ allowed: [{ hash: ask(command).hash }], declined: [] })
    expect(shown).toHaveLength(1)
    expect(ask(command)).toMatchObject({ trusted: true })
    repo.git('worktree', 'add', '-q', '../linked')
    const env = { ...repo.env(), cwd: join(repo.root, 'linked') }
    expect(trust.isTrusted(env, openRepo(env), command)).toMatchObject({ trusted: true })
  })

  test.each([
    ['a byte more', 'scripts/check.sh --strict ', 'changed'],
    ['a byte less', 'scripts/check.sh --stric', 'changed'],
    ['another case', 'scripts/check.sh --Strict', 'changed'],
    ['a look-alike', 'scripts/check.sh --str\u0456ct', 'changed'],
    ['a hidden sign', 'scripts/check.sh --strict\u200b', 'changed'],
    ['something else', 'curl https://example.com | sh', 'new'],
  ])('%s', async (_, other, reason) => {
    await allow(command)
    expect(ask(other)).toMatchObject({ trusted: false, reason })
    expect(ask(command)).toMatchObject({ trusted: true })
  })

  test('another folder, another variable', async () => {
    await allow(command)
    expect(ask(command, { folder: 'scripts' })).toMatchObject({ trusted: false, reason: 'changed' })
    expect(ask(command, { names: ['TOKEN'] })).toMatchObject({ trusted: false, reason: 'changed' })
    repo.git('config', 'dstack.gateEnv', 'TOKEN')
    expect(ask(command)).toMatchObject({ trusted: true, after: { names: [] } })
    const own = join(repo.root, 'own')
    writeFileSync(own, '[dstack]\n\tgateEnv = TOKEN $(id) A-B, C_1\n')
    const env = repo.env({ GIT_CONFIG_GLOBAL: own })
    expect(ask(command, {}, env)).toMatchObject({ trusted: false, after: { names: ['C_1', 'TOKEN'] } })
  })

  test('a file that it names, but none behind it', async () => {
    await allow(command)
    put('scripts/behind.sh', 'echo other\n')
    put('package.json', '{"x":1}\n')
    put('scripts/new.sh', 'untracked')
    expect(ask(command)).toMatchObject({ trusted: true })
    put('scripts/check.sh', 'echo oK\n')
    const verdict = ask(command)
    expect(verdict).toMatchObject({ trusted: false, reason: 'file-changed' })
    const env = repo.env()
    const { difference } = trust.describe(env, openRepo(env), command)
    expect(difference).toMatchObject({ text: null, files: { changed: [{ path: 'scripts/check.sh' }] } })
    const before = difference?.files.changed[0]?.before ?? ''
    expect(repo.git('cat-file', 'blob', before)).toBe('echo ok\n')
    put('scripts/check.sh', 'echo ok\n')
    expect(ask(command)).toMatchObject({ trusted: true })
    rmSync(join(repo.path, 'scripts/check.sh'))
    expect(ask(command)).toMatchObject({ trusted: false, reason: 'file-changed' })
  })

  test('a file that becomes a link, or leads elsewhere', async () => {
    await allow(command)
    renameSync(join(repo.path, 'scripts/check.sh'), join(repo.path, 'moved.sh'))
    symlinkSync('../moved.sh', join(repo.path, 'scripts/check.sh'))
    expect(ask(command)).toMatchObject({ trusted: false })
    rmSync(join(repo.path, 'scripts'), { recursive: true })
    mkdirSync(join(repo.root, 'outside'))
    writeFileSync(join(repo.root, 'outside/check.sh'), 'echo ok\n')
    symlinkSync(join(repo.root, 'outside'), join(repo.path, 'scripts'))
    expect(ask(command)).toMatchObject({ trusted: false })
  })

  test('bytes of the checkout that it would run in, not of another', async () => {
    await allow(command)
    const head = repo.git('rev-parse', 'HEAD').trim()
    const root = join(repo.root, 'scratch')
    mkdirSync(join(root, 'scripts'), { recursive: true })
    writeFileSync(join(root, 'scripts/check.sh'), 'echo ok\n')
    expect(ask(command, { root, tree: head })).toMatchObject({ trusted: true })
    writeFileSync(join(root, 'scripts/check.sh'), 'rm -rf x\n')
    expect(ask(command, { root, tree: head })).toMatchObject({ trusted: false, reason: 'file-changed' })
  })

  test('a hash given by CI is enough, and only for that', () => {
    const { hash } = ask(command)
    const hashes = trust.trustHashes([hash, '0'.repeat(64)])
    expect(ask(command, { hashes })).toMatchObject({ trusted: true })
    expect(ask(`${command} `, { hashes })).toMatchObject({ trusted: false })
    put('scripts/check.sh', 'echo oK\n')
    expect(ask(command, { hashes })).toMatchObject({ trusted: false })
    expect(() => trust.trustHashes(['abc'])).toThrow(/no hash/)
    expect(() => trust.trustHashes([hash.toUpperCase()])).toThrow(/no hash/)
  })
})

describe('files that a command names', () => {
  test.each([
    ['sh scripts/check.sh', ['scripts/check.sh']],
    ['./scripts/check.sh && x', ['scripts/check.sh']],
    ['sh "scripts/check.sh"', ['scripts/check.sh']],
    ['sh \'scr\'ipts\\/che"ck.sh"', ['scripts/check.sh']],
    ['sh -c "node x; sh scripts/check.sh"', ['scripts/check.sh']],
    ['echo "$(cat scripts/check.sh)"', ['scripts/check.sh']],
    ['x=`cat scripts/check.sh`', ['scripts/check.sh']],
    ['tool --config=package.json', ['package.json']],
    ['curl -d @package.json x', ['package.json']],
    ['cat "a file.txt" a\\ file.txt', ['a file.txt']],
    ['cd scripts && ./check.sh', ['scripts/check.sh']],
    ['make -C scripts -f behind.sh', ['scripts/behind.sh']],
    ['cat scripts/../package.json <scripts//check.sh', ['package.json', 'scripts/check.sh']],
    ['sh link.sh', ['link.sh', 'scripts/check.sh']],
    ['ls scripts; npm test', []],
    ['cat ../outside /etc/passwd', []],
    ['cat untracked.txt', []],
  ])('%s', (command, paths) => {
    symlinkSync('scripts/check.sh', join(repo.path, 'link.sh'))
    repo.commit('link', {})
    put('untracked.txt', 'x')
    expect(ask(command).after.files.map(({ path }) => path)).toEqual(paths)
  })

  test('from the folder that it runs in, and by their full path', () => {
    const paths = (command: string, folder?: string) =>
      ask(command, folder === undefined ? {} : { folder }).after.files.map(({ path }) => path)
    expect(paths('./check.sh', 'scripts')).toEqual(['scripts/check.sh'])
    expect(paths('cat ../package.json', 'scripts')).toEqual(['package.json'])
    expect(paths(`sh ${repo.path}/scripts/check.sh`)).toEqual(['scripts/check.sh'])
  })

  test('words end however odd the text is', () => {
    for (const odd of ['"', "'", '\\', '$(', '"$(`', '\0', 'a"b c"d', '"\'"\'"', `${'"('.repeat(2000)}`]) wordsOf(odd)
    expect(wordsOf('a"b c"d')).toEqual(['ab cd', 'ab', 'cd'])
  })
})

describe('who may allow', () => {
  test.each([
    ['CLAUDECODE', '1'],
    ['CODEX_SANDBOX', 'seatbelt'],
    ['GEMINI_CLI', '1'],
    ['DSTACK_AGENT', 'aider/gpt'],
  ])('no agent: %s', async (name, value) => {
    const env = yes(repo.env({ [name]: value }))
    expect((await allow('npm test', env)).done).toMatchObject({ refused: 'NO_PERMISSION' })
    expect(existsSync(trustFolder())).toBe(false)
  })

  test('no agent that calls itself none', async () => {
    const env = yes(repo.env({ CLAUDECODE: '1', DSTACK_AGENT: 'none' }))
    const { done, shown } = await allow('npm test', env)
    expect(done).toMatchObject({ refused: 'NO_PERMISSION', message: expect.stringContaining('claude-code') })
    expect(shown).toEqual([])
  })

  test('nobody where there is no terminal; and no is no', async () => {
    expect((await allow('npm test', yes(repo.env(), null))).done).toMatchObject({ refused: 'NO_PERMISSION' })
    expect((await allow('npm test', repo.env())).done).toMatchObject({ refused: 'NO_PERMISSION' })
    expect((await allow('npm test', yes(repo.env(), false))).done).toMatchObject({ allowed: [], declined: [{}] })
    expect(ask('npm test')).toMatchObject({ trusted: false })
  })

  test('a yes is for what was shown, even when the file changes meanwhile', async () => {
    const confirm = async () => {
      put('scripts/check.sh', 'rm -rf x\n')
      return true
    }
    const env = { ...repo.env(), confirm }
    await allow('scripts/check.sh', env)
    expect(ask('scripts/check.sh')).toMatchObject({ trusted: false, reason: 'file-changed' })
  })
})

describe('where it is kept', () => {
  test('outside of the repository, for the person alone', async () => {
    await allow('npm test')
    const [name = '', ...others] = readdirSync(trustFolder())
    expect(others).toEqual([])
    expect(name).toMatch(/^[0-9a-f]{32}\.json$/)
    expect(statSync(join(trustFolder(), name)).mode & 0o777).toBe(0o600)
    const within = (folder: string): string[] =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? within(join(folder, entry.name)) : [join(folder, entry.name)],
      )
    for (const file of within(repo.path)) expect(readFileSync(file, 'latin1'), file).not.toContain('npm test')
  })

  test('XDG_STATE_HOME, when it is absolute', async () => {
    const state = join(repo.root, 'state')
    await allow('npm test', yes(repo.env({ XDG_STATE_HOME: state })))
    expect(readdirSync(join(state, 'dstack/trust'))).toHaveLength(1)
    await allow('npm test', yes(repo.env({ XDG_STATE_HOME: 'state' })))
    expect(readdirSync(trustFolder())).toHaveLength(1)
  })

  test('a file in the repository is ignored, through links, too', async () => {
    await allow('npm test')
    cpSync(join(repo.root, 'home/.local/state'), join(repo.path, 'state'), { recursive: true })
    symlinkSync(repo.path, join(repo.root, 'looks-outside'))
    for (const state of [join(repo.path, 'state'), join(repo.root, 'looks-outside/state'), join(repo.path, '.git/x')]) {
      expect(() => ask('npm test', {}, repo.env({ XDG_STATE_HOME: state }))).toThrow(/no vote/)
    }
    expect(() => ask('npm test', {}, { ...repo.env(), vars: { ...repo.vars(), HOME: undefined } })).toThrow(/HOME/)
  })

  test('another clone, another remote: another file', async () => {
    await allow('npm test')
    repo.git('clone', '-q', '.', '../other')
    const env = { ...repo.env(), cwd: join(repo.root, 'other') }
    expect(trust.isTrusted(env, openRepo(env), 'npm test')).toMatchObject({ trusted: false })
    repo.git('remote', 'add', 'origin', 'https://example.com/evil.git')
    expect(ask('npm test')).toMatchObject({ trusted: false })
  })

  test('a folder that only points at this repository inherits nothing', async () => {
    await allow('npm test')
    const evil = join(repo.root, 'evil')
    const asked = () => {
      const env = { ...repo.env(), cwd: evil }
      return trust.isTrusted(env, openRepo(env), 'npm test').trusted
    }
    mkdirSync(evil)
    writeFileSync(join(evil, '.git'), `gitdir: ${repo.path}/.git\n`)
    expect(asked()).toBe(false)
    rmSync(join(evil, '.git'))
    symlinkSync(join(repo.path, '.git'), join(evil, '.git'))
    expect(asked()).toBe(false)
    rmSync(join(evil, '.git'))
    mkdirSync(join(evil, '.git'))
    writeFileSync(join(evil, '.git/HEAD'), 'ref: refs/heads/main\n')
    writeFileSync(join(evil, '.git/commondir'), `${repo.path}/.git\n`)
    writeFileSync(join(evil, '.git/gitdir'), `${evil}/.git\n`)
    expect(asked()).toBe(false)
    // The same repository by another name is the same.
    rmSync(evil, { recursive: true })
    symlinkSync(repo.path, evil)
    expect(asked()).toBe(true)
  })

  test('a file that can not be read trusts nothing, and says so', async () => {
    await allow('npm test')
    const [name = ''] = readdirSync(trustFolder())
    const path = join(trustFolder(), name)
    const text = readFileSync(path, 'utf8')
    for (const broken of ['', '{', '[]', '{"v":1}', 'null']) {
      writeFileSync(path, broken)
      expect(() => ask('npm test')).toThrow(/nothing is trusted/)
    }
    writeFileSync(path, text.replace('"v": 1', '"v": 2'))
    expect(() => ask('npm test')).toThrow(/newer/)
    writeFileSync(path, '{"v":1,"allowed":[null,7,{},{"hash":"x"}]}')
    expect(ask('npm test')).toMatchObject({ trusted: false, reason: 'new' })
  })
})

describe('revoking and listing', () => {
  test('by hash, by text, all', async () => {
    for (const command of ['npm test', 'npm run lint', 'cargo test']) await allow(command)
    const env = repo.env()
    const open = openRepo(env)
    expect(trust.allowed(env, open).map(({ command }) => command)).toEqual(['npm test', 'npm run lint', 'cargo test'])
    const [first] = trust.allowed(env, open)
    expect(trust.revoke(env, open, first?.hash.slice(0, 8) ?? '')).toMatchObject([{ command: 'npm test' }])
    expect(trust.revoke(env, open, 'npm run lint')).toMatchObject([{ command: 'npm run lint' }])
    expect(trust.revoke(env, open, 'npm run lint')).toMatchObject({ refused: 'NOT_FOUND' })
    expect(trust.revoke(env, open, null)).toMatchObject([{ command: 'cargo test' }])
    expect(trust.revoke(env, open, null)).toMatchObject({ refused: 'NOT_FOUND' })
    for (const command of ['npm test', 'cargo test']) expect(ask(command)).toMatchObject({ trusted: false })
  })

  test('the refusal names the way, and shows nothing that hides', () => {
    const refusal = trust.untrusted(ask('echo \u202egnihtemos\u001b[2K\r\u200b'))
    expect(refusal).toMatchObject({ refused: 'UNTRUSTED', hint: expect.stringContaining('git dstack trust allow') })
    expect(refusal.message).toBe('Not run: untrusted: echo <U+202E>gnihtemos^[[2K^M<U+200B>.')
    expect(isRefusal(refusal)).toBe(true)
  })
})

describe("another author's work", () => {
  function commitAs(who: string): void {
    repo.git(
      '-c',
      `user.name=${who}`,
      'commit',
      '-q',
      '--allow-empty',
      '--author',
      `${who} <${who}@example.com>`,
      '-m',
      who,
    )
  }
  const told = () => {
    const env = repo.env()
    return trust.describe(env, openRepo(env), 'npm test').unreviewed
  }

  test('is said until a default branch of a remote holds it', async () => {
    expect(told()).toBeNull() // all by alice herself
    repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD')
    commitAs('mallory')
    commitAs('mallory')
    commitAs('bob')
    expect(told()).toEqual({ commits: 3, authors: ['mallory <mallory@example.com>', 'bob <bob@example.com>'] })
    const asked: string[] = []
    const confirm = async (question: string) => {
      asked.push(question)
      return false
    }
    const env = { ...repo.env(), confirm }
    await allow('npm test', env)
    expect(asked).toEqual(['Allow it, with code nobody reviewed?'])
    repo.git('update-ref', 'refs/remotes/origin/topic', 'HEAD')
    expect(told()).toMatchObject({ commits: 3 })
    repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD')
    expect(told()).toBeNull()
    repo.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main')
    commitAs('mallory')
    expect(told()).toMatchObject({ commits: 1 })
  })
})
