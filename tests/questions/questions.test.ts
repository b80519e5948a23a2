// The five questions: what is computed, what is asked, whose answer counts, and when it stops a commit.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import { begin, editPlan, showPlan } from '../../src/plan/plan'
import {
  type Answering,
  answer,
  type Context,
  commitSubject,
  factsFor,
  modeFor,
  questionsFor,
  verify,
} from '../../src/questions/questions'
import { RedRepo } from './red-repo'

let red: RedRepo
beforeEach(() => {
  red = RedRepo.make({ 'src/a.ts': 'export const a = 1\n', 'README.md': 'hello\n' })
})
afterEach(() => red.dispose())

const PERSON = {}
const AGENT = { DSTACK_AGENT: 'codex' }

function ask(context: Context = {}) {
  const store = red.store()
  return questionsFor(store, commitSubject(store, 'HEAD'), context)
}
/** `1 yes computed` … of HEAD. */
const states = (context?: Context) =>
  ask(context).questions.map(({ number, status, how }) => `${number} ${status} ${how}`)
const question = (number: number, context?: Context) => ask(context).questions[number - 1]

function say(number: Answering['question'], said: 'yes' | 'no', text = '', vars: Record<string, string> = PERSON) {
  const store = red.store(vars)
  return answer(store, { tree: commitSubject(store, 'HEAD').tree, question: number, answer: said, text })
}

function planText(slug: string): string {
  const view = showPlan(red.store(), slug)
  if (isRefusal(view) || view.plan === null) throw new Error(`${slug} has no plan`)
  return view.plan.text
}

const set = (name: string, value: string) => red.repo.git('config', `dstack.${name}`, value)

test('what was there before does not count; what touches no code is not asked', () => {
  red.repo.commit('feat: x', { 'a.test.ts': 'expect(f).toThrow()\n' })
  expect(question(1)).toMatchObject({ status: 'yes', found: [{ path: 'a.test.ts', line: 1 }] })
  red.repo.commit('feat: y', { 'src/a.ts': 'export const a = 3\n', 'a.test.ts': 'expect(f).toThrow()\nexpect(1)\n' })
  expect(question(1)).toMatchObject({ status: 'unanswered', how: 'open', found: [] })
  red.repo.commit('docs: z', { 'README.md': 'more\n' })
  expect(question(1)).toMatchObject({ status: 'yes', said: 'The change touches no code.' })
  expect(question(4)).toMatchObject({ status: 'yes' })
})

describe('2: seen live', () => {
  test('a probe that passed on this tree, and on no other', async () => {
    expect(question(2)).toMatchObject({ status: 'unanswered', how: 'open' })
    set('questions.verify', 'grep -q hello README.md')
    expect(question(2)?.said).toContain('did not run on this tree')
    const store = red.store()
    expect(await verify(store, commitSubject(store, 'HEAD'))).toMatchObject({ refused: 'UNTRUSTED' })
    expect(question(2)).toMatchObject({ status: 'unanswered' })
    await red.trust('grep -q hello README.md')
    expect(await verify(store, commitSubject(store, 'HEAD'))).toMatchObject({
      exit: 0,
      output: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(question(2)).toMatchObject({ status: 'yes', how: 'computed' })
    red.repo.commit('feat: x', { 'src/a.ts': 'x\n' })
    expect(question(2)).toMatchObject({ status: 'unanswered' })
    set('questions.verify', 'grep -q bye README.md')
    await red.trust('grep -q bye README.md')
    const later = red.store()
    expect(await verify(later, commitSubject(later, 'HEAD'))).toMatchObject({ exit: 1 })
    expect(question(2)).toMatchObject({ status: 'no', how: 'computed' })
  })

  test('without a probe there is nothing to run', async () => {
    const store = red.store()
    expect(await verify(store, commitSubject(store, 'HEAD'))).toMatchObject({ refused: 'NOT_FOUND' })
  })
})

describe('3: the companion', () => {
  test('against the time of the last commit', () => {
    // Commits of these repositories are of 2026-11-20T12:00:00Z.
    red.repo.commit('feat: x', { 'src/a.ts': 'x\n' })
    const status = (at: string, bare: string[] = []) => question(3, { companion: { slug: 'x', at, bare } })?.status
    expect(question(3, { companion: null })).toMatchObject({ status: 'unanswered' })
    expect(status('2026-11-20T11:59:59Z')).toBe('no')
    expect(status('2026-11-20T12:00:00Z')).toBe('no')
    expect(status('2026-11-20T12:00:01Z')).toBe('yes')
    expect(status('2026-11-20T12:00:01Z', ['1.1'])).toBe('no')
    expect(status('yesterday')).toBe('no')
  })

  test('from the plans of this repository', () => {
    begin(red.store(), { title: 'Auth tokens', slug: 'auth-tokens', kind: 'fix' })
    expect(factsFor(red.store(), 'auth-tokens')).toEqual({
      kind: 'fix',
      companion: null,
      openTasks: [],
      rootCause: false,
    })
    const text = planText('auth-tokens')
    editPlan(red.store(), 'auth-tokens', 'plan', `${text}\n\nRoot cause: the clock of the server.\n`)
    expect(factsFor(red.store(), 'auth-tokens')).toMatchObject({ rootCause: true })

    begin(red.store(), { title: 'Payments', slug: 'payments', kind: 'feature' })
    const facts = factsFor(red.store(), 'payments')
    expect(facts).toMatchObject({ kind: 'feature', companion: { slug: 'payments', bare: [] } })
    expect(question(3, facts)).toMatchObject({ status: 'yes' })
    expect(factsFor(red.store(), 'nothing')).toEqual({})
  })
})

test('5: open tasks, and what the lines of the change leave', () => {
  red.repo.commit('feat: x', { 'src/a.ts': 'x\n' })
  expect(question(5)).toMatchObject({ status: 'yes', how: 'computed' })
  const said = 'There is still 1 open task (1.1-C02).'
  expect(question(5, { openTasks: ['1.1-C02'] })).toMatchObject({ status: 'no', said })
  red.repo.commit('feat: y', { 'src/a.ts': 'x\n// TODO\n' })
  expect(question(5)).toMatchObject({ status: 'no', found: [{ path: 'src/a.ts', line: 2, kind: 'marker' }] })
})

describe('answers', () => {
  beforeEach(() => {
    red.repo.commit('feat: x', { 'src/a.ts': 'export const a = 2 // TODO\n' })
  })

  test('nothing is passed that nobody answered', () => {
    expect(states()).toEqual([
      '1 unanswered open',
      '2 unanswered open',
      '3 unanswered open',
      '4 unanswered open',
      '5 no computed',
    ])
  })

  test('with the name of who answered, and only for this tree', () => {
    say(2, 'yes', 'clicked through it')
    expect(question(2)).toMatchObject({
      status: 'yes',
      how: 'answered',
      by: 'alice <alice@example.com>',
      said: 'alice <alice@example.com> said yes: clicked through it.',
    })
    expect(question(2)).not.toHaveProperty('agent')
    say(3, 'yes', '', AGENT)
    expect(question(3)).toMatchObject({
      status: 'yes',
      agent: 'codex',
      said: 'codex for alice <alice@example.com> said yes.',
    })
    red.repo.commit('feat: y', { 'src/a.ts': 'export const a = 3\n' })
    expect(question(2)).toMatchObject({ status: 'unanswered' })
  })

  test.each<[string, [who: Record<string, string>, said: 'yes' | 'no'][], string]>([
    [
      'the newest one counts',
      [
        [PERSON, 'no'],
        [PERSON, 'yes'],
      ],
      'yes',
    ],
    [
      'the newest one counts, a no too',
      [
        [PERSON, 'yes'],
        [PERSON, 'no'],
      ],
      'no',
    ],
    [
      'an agent may say no',
      [
        [PERSON, 'yes'],
        [AGENT, 'no'],
      ],
      'no',
    ],
    [
      'an agent takes no person back',
      [
        [PERSON, 'no'],
        [AGENT, 'yes'],
      ],
      'no',
    ],
    [
      'an agent may think again',
      [
        [AGENT, 'no'],
        [AGENT, 'yes'],
      ],
      'yes',
    ],
  ])('%s', (_, said, status) => {
    for (const [who, what] of said) say(2, what, '', who)
    expect(question(2)).toMatchObject({ status, how: 'answered' })
  })

  test('what was computed as no is overruled by a person alone', () => {
    say(5, 'yes', '', AGENT)
    expect(question(5)).toMatchObject({ status: 'no', how: 'computed', computed: 'no' })
    say(5, 'yes', 'it is a word of the domain')
    expect(question(5)).toMatchObject({
      status: 'yes',
      how: 'answered',
      computed: 'no',
      said: expect.stringMatching(/Computed: There is still 1 marker\.$/),
    })
  })

  test('whose lines count is policy; a credential is refused', () => {
    say(2, 'yes', '', { GIT_AUTHOR_NAME: 'bob', GIT_AUTHOR_EMAIL: 'bob@example.com' })
    expect(question(2)).toMatchObject({ status: 'yes', by: 'bob <bob@example.com>' })
    set('gate.accept', 'own')
    expect(question(2)).toMatchObject({ status: 'unanswered' })
    const token = ['ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('')
    expect(say(1, 'yes', `use ${token}`)).toMatchObject({ refused: 'SECRET' })
    expect(question(1)).toMatchObject({ status: 'unanswered' })
  })
})

test('rules look at the message of the commit, and at what the plan records', () => {
  const rules = (context: Context = {}) => ask(context).rules.map(({ rule, holds }) => `${rule} ${holds}`)
  red.repo.commit('fix: x\n\nTests: none it is prose\nRoot-Cause: the clock', { 'src/a.ts': 'x\n' })
  expect(rules()).toEqual(['tests true', 'root-cause true'])
  red.repo.commit('x', { 'README.md': 'x\n' })
  expect(rules({ kind: 'fix' })).toEqual(['root-cause false'])
  expect(rules({ kind: 'fix', rootCause: true })).toEqual(['root-cause true'])
  const store = red.store()
  const subject = { ...commitSubject(store, 'HEAD'), message: null }
  expect(questionsFor(store, subject, { kind: 'fix' })).toMatchObject({ rules: [{ holds: null }], stops: false })
})

describe('modes', () => {
  test('strict stops, remind does not, and each kind has its own', () => {
    red.repo.commit('feat: x', { 'src/a.ts': 'x\n' })
    expect(ask()).toMatchObject({ mode: 'remind', stops: false, open: ['1', '2', '3', '4', 'tests'] })
    set('questions.mode', 'strict')
    expect(ask()).toMatchObject({ mode: 'strict', stops: true })
    set('questions.modeFix', 'off')
    const store = red.store()
    expect(['fix', 'feature', undefined].map((kind) => modeFor(store, kind as 'fix'))).toEqual([
      'off',
      'strict',
      'strict',
    ])
    expect(ask({ kind: 'fix' })).toMatchObject({ mode: 'off', stops: false })
    for (const number of [1, 2, 3, 4] as const) say(number, 'yes')
    expect(ask({ message: 'feat: x\n\nTests: none it is prose' })).toMatchObject({ open: [], stops: false })
    say(2, 'no', 'it does not start')
    expect(ask({ message: 'feat: x\n\nTests: none it is prose' })).toMatchObject({ open: ['2'], stops: true })
  })
})
