// Guards: each rule as rows, the word list, and real repositories.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import { hashText } from '../../src/git/git'
import {
  addWords,
  commitFacts,
  guardCommit,
  guardPush,
  type Issue,
  removeWords,
  stagedFacts,
} from '../../src/guard/guard'
import { COMMIT_RULES, type CommitFacts, type Policy, PUSH_RULES, subjectOf } from '../../src/guard/rules'
import { addWord, partsOf, wordFinder } from '../../src/guard/words'
import { findSecrets, openStore } from '../../src/store/store'
import { Repo } from '../memory/repo'

const TOKEN = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`
const LIST = ['Project Bluebird', 'Zeppelin'].reduce((list, word) => addWord(list, word, hashText) ?? list, {
  v: 1,
  salt: 'salt',
  hashes: [],
  longest: 0,
} as Parameters<typeof addWord>[0])
const POLICY: Policy = {
  authorEmails: ['*@example.com', 'bob@home.org'],
  protected: ['main', 'release/*'],
  subjectLength: 72,
  words: wordFinder(LIST, hashText),
  secrets: (text) => findSecrets(text, { hash: hashText }),
}
const NOTHING: CommitFacts = { files: [], message: null, author: null, branch: null }
const added = (path: string, ...texts: string[]): CommitFacts['files'][number] => ({
  ...{ path, gone: false, touched: [] },
  added: texts.map((text, i) => ({ line: i + 10, text })),
})

describe('words', () => {
  test.each([
    ['the zeppelin flies', [4]],
    ['ZEPPELIN', [0]],
    ['const myZeppelinUrl', [8]],
    ['project bluebird, projectBluebird, PROJECT_BLUEBIRD, project-bluebird', [0, 18, 35, 53]],
    ['projects bluebird', []],
    ['zeppelins', []],
    ['bluebird', []],
    ['', []],
  ])('%j', (text, at) => expect(POLICY.words(text)).toEqual(at))

  test('parts are those of every style of names, and lose no letter', () => {
    expect(partsOf('HTTPServer2 über_straße 東京 parseURL').map(({ part }) => part)).toEqual([
      'http',
      'server',
      '2',
      'über',
      'straße',
      '東京',
      'parse',
      'url',
    ])
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const { at } of partsOf(text)) expect(text.slice(at)).toMatch(/^[\p{L}\p{M}\p{N}]/u)
      }),
    )
  })

  test('a listed name is found in whatever stands around it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(POLICY.words(`${before} Zeppelin ${after}`).length).toBeGreaterThan(0)
      }),
    )
  })

  test('are found in lines, names of files, messages and branches, and never repeated', () => {
    const facts = {
      ...NOTHING,
      files: [added('docs/zeppelin.md', 'fine', 'a Zeppelin')],
      message: 'the zeppelin',
      branch: 'zeppelin',
    }
    const found = COMMIT_RULES.words(facts, POLICY)
    expect(found.map(({ path, line }) => [path, line])).toEqual([
      ['docs/zeppelin.md', undefined],
      ['docs/zeppelin.md', 11],
      [undefined, undefined],
      [undefined, undefined],
    ])
    expect(found.map(({ message }) => message).join()).not.toMatch(/zeppelin/i)
  })
})

test('secrets are found where they stand, also over several lines, and never repeated', () => {
  const key = [
    '-----BEGIN RSA PRIVATE KEY-----',
    'MIIEowIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB',
    '-----END RSA PRIVATE KEY-----',
  ]
  const files = [added('a.ts', 'fine', `const t = '${TOKEN}'`), added('key.pem', ...key)]
  const found = COMMIT_RULES.secrets({ ...NOTHING, files, message: `use ${TOKEN}` }, POLICY)
  expect(found.map(({ path, line }) => [path, line])).toEqual([
    ['a.ts', 11],
    ['key.pem', 10],
    [undefined, undefined],
  ])
  expect(JSON.stringify(found)).not.toContain(TOKEN)
})

test.each([
  ['alice@example.com', true],
  ['ALICE@EXAMPLE.COM', true],
  ['bob@home.org', true],
  ['eve@evil.org', false],
  ['alice@example.com.evil.org', false],
  ['eve@evil.org@example.com', false],
  ['alice@exampleXcom', false],
])('author %s', (author, allowed) => {
  expect(COMMIT_RULES.author({ ...NOTHING, author }, POLICY)).toHaveLength(allowed ? 0 : 1)
  expect(COMMIT_RULES.author({ ...NOTHING, author }, { ...POLICY, authorEmails: [] })).toEqual([])
})

test.each([
  ['x'.repeat(72), true],
  ['x'.repeat(73), false],
  ['ü'.repeat(72), true],
  [`# a comment\n\n${'x'.repeat(73)}`, false],
  [`short\n\n${'x'.repeat(99)}`, true],
  [`Merge branch '${'x'.repeat(80)}'`, true],
  [`fixup! ${'x'.repeat(72)}`, true],
  [`Revert "${'x'.repeat(72)}"`, true],
  ['', true],
])('subject %j', (message, good) => {
  expect(COMMIT_RULES.subject({ ...NOTHING, message }, POLICY)).toHaveLength(good ? 0 : 1)
})

test('the subject is the first line that says something', () => {
  expect(subjectOf('\n# x\n  one  \ntwo')).toBe('one')
})

test.each([
  ['main', false],
  ['release/1.0', false],
  ['feature/main', true],
  ['mainline', true],
  [null, true],
])('a commit on %s', (branch, good) => {
  expect(COMMIT_RULES.branches({ ...NOTHING, branch }, POLICY)).toHaveLength(good ? 0 : 1)
})

describe('a push', () => {
  const update = { ref: 'refs/heads/work', from: 'a', to: 'b', forward: true }
  test.each([
    ['forward', update, [0, 0]],
    ['back', { ...update, forward: false }, [0, 1]],
    ['a new branch', { ...update, from: null }, [0, 0]],
    ['removing one', { ...update, to: null }, [0, 0]],
    ['a moved tag', { ...update, ref: 'refs/tags/v1', forward: false }, [0, 1]],
    ['our own refs', { ...update, ref: 'refs/dstack/memory', forward: false }, [0, 0]],
    ['a protected branch', { ...update, ref: 'refs/heads/main' }, [1, 0]],
    ['removing a protected branch', { ...update, ref: 'refs/heads/main', to: null }, [1, 0]],
    ['a protected branch, back', { ...update, ref: 'refs/heads/main', forward: false }, [1, 1]],
  ])('%s', (_, fact, [branches, force]) => {
    expect([PUSH_RULES.branches(fact, POLICY).length, PUSH_RULES.force(fact, POLICY).length]).toEqual([branches, force])
  })
})

describe('in a repository', () => {
  let repo: Repo
  beforeEach(() => {
    repo = Repo.make()
    repo.commit('first', { 'a.txt': 'one\n', 'gone.txt': `${TOKEN}\n` })
  })
  afterEach(() => repo.dispose())

  const store = () => openStore(repo.env())
  const check = (rev?: string): Issue[] => {
    const facts = rev === undefined ? stagedFacts(store()) : commitFacts(store(), rev)
    if (isRefusal(facts)) throw new Error(facts.message)
    return guardCommit(store(), facts)
  }
  const shown = (issues: Issue[]) =>
    issues.map(({ guard, level, path, line }) => `${level} ${guard} ${path ?? ''}:${line ?? ''}`)

  test('what is staged is looked at, and nothing else', () => {
    repo.git('rm', '-q', 'gone.txt')
    writeFileSync(join(repo.path, 'a.txt'), `one\ntwo\n${TOKEN}\n`)
    expect(check()).toEqual([])
    repo.git('add', 'a.txt')
    writeFileSync(join(repo.path, 'a.txt'), 'clean again\n')
    expect(shown(check())).toEqual(['refuse secrets a.txt:3'])
  })

  test('the first commit of all, and a commit that was made', () => {
    expect(shown(check('HEAD'))).toEqual(['refuse secrets gone.txt:1'])
    const second = repo.commit('x'.repeat(80), { 'b.txt': 'fine\n' })
    expect(shown(check(second))).toEqual(['warn subject :'])
    expect(commitFacts(store(), '--output=x')).toMatchObject({ refused: 'NOT_FOUND' })
    repo.git('checkout', '-q', '--orphan', 'fresh')
    expect(shown(check())).toEqual(['refuse secrets gone.txt:1'])
  })

  test('every guard has a switch; refusals come first', () => {
    for (const [name, value] of [
      ['protected', 'main'],
      ['authorEmails', '*@corp.com'],
      ['secrets', 'warn'],
    ]) {
      repo.git('config', `dstack.guard.${name}`, value ?? '')
    }
    writeFileSync(join(repo.path, 'new.txt'), `${TOKEN}\n`)
    repo.git('add', '-A')
    expect(shown(check())).toEqual(['refuse author :', 'refuse branches :', 'warn secrets new.txt:1'])
    for (const name of ['author', 'branches', 'secrets']) repo.git('config', `dstack.guard.${name}`, 'off')
    expect(check()).toEqual([])
  })

  test('words are kept as hashes, outside, for one person alone', () => {
    expect(addWords(store(), ['Project Bluebird', 'zeppelin'])).toBe(2)
    expect(addWords(store(), ['ZEPPELIN'])).toBe(2)
    const path = join(repo.root, 'home/.local/state/dstack/guard/words.json')
    expect(readFileSync(path, 'utf8')).not.toMatch(/zeppelin|bluebird/i)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writeFileSync(join(repo.path, 'b.txt'), 'import { projectBluebird } from "x"\n')
    repo.git('add', '-A')
    expect(shown(check())).toEqual(['refuse words b.txt:1'])
    expect(removeWords(store(), ['project_bluebird'])).toBe(1)
    expect(check()).toEqual([])
    expect(() => removeWords(store(), ['zeppelin', 'unknown'])).toThrow('is not in the list')
    expect(() => addWords(store(), ['fine', '!!!'])).toThrow('is no word')
    expect(JSON.parse(readFileSync(path, 'utf8')).hashes).toHaveLength(1)
    writeFileSync(path, '[]')
    expect(() => check()).toThrow('is no list of words')
  })

  test('a push that takes commits away', () => {
    const before = repo.git('rev-parse', 'HEAD').trim()
    const after = repo.commit('more', { 'c.txt': 'c\n' })
    const ref = 'refs/heads/main'
    expect(guardPush(store(), [{ ref, from: before, to: after }])).toEqual([])
    expect(shown(guardPush(store(), [{ ref, from: after, to: before }]))).toEqual(['warn force :'])
    // Nobody fetched it: a plain push would be refused by the remote.
    expect(shown(guardPush(store(), [{ ref, from: 'e'.repeat(40), to: after }]))).toEqual(['warn force :'])
    repo.git('config', 'dstack.guard.force', 'refuse')
    repo.git('config', 'dstack.guard.protected', 'main')
    expect(shown(guardPush(store(), [{ ref, from: after, to: before }]))).toEqual([
      'refuse branches :',
      'refuse force :',
    ])
  })
})
