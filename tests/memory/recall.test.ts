// What memory answers: the quality of the ranking on whole sets, the budget, and knowing when nothing answers.

import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { countTokens, type RecallRequest, recall } from '../../src/memory/recall'
import { indexOf as indexOfFile, main, rank, readQuestions, score } from '../recall/score'
import { anyEntries, anyQuestion, entry, indexOf, NOW } from './entries'

const SET = 'tests/recall-set'
const TODAY = new Date('2026-11-20')

describe('the recall set', () => {
  const index = indexOfFile(`${SET}/entries.jsonl`)
  const ranked = (file: string, answered = true) =>
    readQuestions(`${SET}/${file}`, answered).map((question) => rank(index, question, TODAY))

  test('of 60 questions at least 57 have the answer among the first three, 52 first', () => {
    const found = score(ranked('questions.jsonl'))
    expect(found).toMatchObject({ questions: 60 })
    expect(found.top3).toBeGreaterThanOrEqual(57)
    expect(found.top1).toBeGreaterThanOrEqual(52)
    expect(found.mrr).toBeGreaterThanOrEqual(0.93)
  })

  test('so do the 40 questions that were written before anything was tuned', () => {
    const found = score(ranked('held-out.jsonl'))
    expect(found).toMatchObject({ questions: 40 })
    expect(found.top3).toBeGreaterThanOrEqual(38)
    expect(found.top1).toBeGreaterThanOrEqual(36)
  })

  test('questions that have an answer are no gaps; of those that have none most are', () => {
    for (const { q, gap } of [...ranked('questions.jsonl'), ...ranked('held-out.jsonl')]) expect(gap, q).toBe(false)
    expect(ranked('unanswered.jsonl', false).filter(({ gap }) => gap).length).toBeGreaterThanOrEqual(18)
  })
})

describe('the scorer', () => {
  test.each([
    ['an unknown argument', ['--foo']],
    ['an argument without a value', ['--entries']],
    ['a missing file', ['--entries', `${SET}/none.jsonl`]],
    ['a file of something else', ['--entries', `${SET}/README.md`]],
    ['questions as entries', ['--entries', `${SET}/questions.jsonl`]],
    ['questions that want nothing', ['--questions', `${SET}/unanswered.jsonl`]],
    ['a date that is none', ['--today', 'tomorrow']],
  ])('refuses %s with one sentence', (_, args) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(main(args)).toBe(64)
    expect(said.mock.calls.flat().join('')).toMatch(/^[^\n]+\.\n$/)
    said.mockRestore()
  })

  test('answers a program with one object', () => {
    const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(main(['--json', '--questions', `${SET}/held-out.jsonl`])).toBe(0)
    const answer = JSON.parse(String(said.mock.calls[0]?.[0]))
    said.mockRestore()
    expect(Object.keys(answer)).toEqual(['questions', 'top1', 'top3', 'top1Share', 'top3Share', 'mrr'])
    expect(answer.questions).toBe(40)
  })
})

describe('recall', () => {
  const request = (more: Partial<RecallRequest>): RecallRequest => ({ now: NOW, ...more })

  test('gives ten hits unless told otherwise', () => {
    const index = indexOf(Array.from({ length: 80 }, (_, i) => entry(`a/b/c${i}`, 'lease')))
    expect(recall(index, [], new Set(), request({ query: 'lease' })).hits).toHaveLength(10)
    expect(recall(index, [], new Set(), request({ query: 'lease', limit: 3 })).hits).toHaveLength(3)
    expect(recall(index, [], new Set(), request({ budget: 1e6 })).hits).toHaveLength(50)
  })

  test('an empty memory and a question: a gap; no question: none', () => {
    expect(recall(null, [], new Set(), request({ query: 'lease' }))).toEqual({ hits: [], gap: true, tokens: 0 })
    expect(recall(null, [], new Set(), request({}))).toEqual({ hits: [], gap: false, tokens: 0 })
  })

  test('is never over the budget, whatever that is, and counts what it gives', () => {
    const budgets = fc.record({ budget: fc.nat(120), overhead: fc.nat(12), query: anyQuestion })
    fc.assert(
      fc.property(anyEntries(20), fc.lorem({ maxCount: 6, mode: 'sentences' }), budgets, (some, prose, asked) => {
        const entries = some.map((one, i) => (i % 2 === 0 ? { ...one, text: `${one.text}. ${prose}` } : one))
        const { hits, tokens } = recall(indexOf(entries), [], new Set(), request({ ...asked, includeProposed: true }))
        const spent = hits.map((hit) => countTokens(hit.entry.key) + countTokens(hit.text) + asked.overhead)
        expect(tokens).toBe(spent.reduce((sum, one) => sum + one, 0))
        expect(tokens).toBeLessThanOrEqual(asked.budget)
        // One text of all that is printed is not more than the sum.
        expect(countTokens(hits.map((hit) => `${hit.entry.key}\n${hit.text}`).join('\n'))).toBeLessThanOrEqual(
          tokens + hits.length,
        )
        for (const hit of hits) {
          expect(hit.cut).toBe(hit.text !== hit.entry.text)
          if (hit.cut) expect(hit.entry.text.startsWith(hit.text.replace(/ …$/, ''))).toBe(true)
        }
        expect(hits.filter((hit) => hit.cut).length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 300 },
    )
  })

  const long =
    'The first sentence of many is here to stay, and so it goes on. The second one is longer than the first. The end.'

  test('cuts the first entry that does not fit after a sentence, then takes only whole ones', () => {
    const index = indexOf([entry('a/a/a', long, { helped: 9 }), entry('b/b/b', 'Short.'), entry('c/c/c', long)])
    const { hits } = recall(index, [], new Set(), request({ budget: 28 }))
    expect(hits.map((hit) => hit.text)).toEqual([
      'The first sentence of many is here to stay, and so it goes on. …',
      'Short.',
    ])
  })

  test('leaves an entry out rather than cutting it to a few words, or in the middle of a sentence', () => {
    const index = indexOf([entry('a/a/a', `Yes. ${'and on '.repeat(100)}`), entry('b/b/b', 'Short.')])
    const { hits } = recall(index, [], new Set(), request({ budget: 40 }))
    expect(hits.map((hit) => hit.text)).toEqual(['Short.'])
  })

  test('does not cut inside a block of code', () => {
    const code =
      'The first sentence is long enough to be worth it.\n```sh\nmake all. or not\nmake more. of it\n```\nThe end of it all.'
    const { hits } = recall(indexOf([entry('a/a/a', code)]), [], new Set(), request({ budget: 28 }))
    expect(hits[0]?.text).toBe('The first sentence is long enough to be worth it. …')
  })

  test('pinned entries get their place first', () => {
    const index = indexOf([
      entry('a/a/answer', 'lease lease'),
      entry('p/p/pinned', `lease. ${long}`, { pin: true, at: '2020-01-01' }),
    ])
    const { hits } = recall(index, [], new Set(), request({ query: 'lease', budget: 40 }))
    expect(hits.map((hit) => hit.entry.key)).toEqual(['p/p/pinned'])
  })

  test.each([
    ['', 0],
    ['word', 2],
    ['a b c d', 6],
    ['abcdefghijklmnopqrstuvwxyzabcdefghij', 10],
    ['数据库', 3],
  ])('%j is %i tokens', (text, tokens) => expect(countTokens(text)).toBe(tokens))
})
