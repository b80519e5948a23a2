import { describe, expect, test } from 'vitest'
import { QUESTIONS, sample, widthOf } from './corpus'
import { interleave, median, ratio } from './measure'
import { amount, rowOf, TARGETS } from './targets'

describe('the timer', () => {
  test('runs the cases in turn, and drops the first rounds', async () => {
    const order: string[] = []
    const one = (name: string, ms: number) => (round: number) => {
      order.push(`${name}${round}`)
      return ms + round
    }
    const times = await interleave({ a: one('a', 10), b: one('b', 100) }, { kept: 2, dropped: 1 })
    expect(order).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'])
    expect(times).toEqual({ a: [11, 12], b: [101, 102] })
  })

  test('takes the ratio round by round, so that a slow round counts once', () => {
    expect(ratio([20, 400, 22], [10, 200, 10])).toBe(2)
    expect(() => ratio([1, 2], [1])).toThrow('same rounds')
  })

  test('the median of an even number of values lies between the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(() => median([])).toThrow()
  })
})

describe('targets', () => {
  const target = TARGETS.find(({ id }) => id === 'P6')
  const faster = TARGETS.find(({ id }) => id === 'P15')
  if (target === undefined || faster === undefined) throw new Error('P6 and P15 are targets')

  test('the limit itself is met, more is missed, unmeasured comes later', () => {
    expect(rowOf(target, { id: 'P6', measured: 2, detail: '' }).status).toBe('met')
    expect(rowOf(target, { id: 'P6', measured: 2.01, detail: '' }).status).toBe('missed')
    expect(rowOf(target, { id: 'P6', measured: null, detail: 'offline' })).toMatchObject({
      status: 'later',
      measured: null,
      detail: 'offline',
    })
    expect(rowOf(target, undefined).status).toBe('later')
  })

  test('"at least" turns the comparison around', () => {
    expect(rowOf(faster, { id: 'P15', measured: 4.9, detail: '' }).status).toBe('missed')
    expect(rowOf(faster, { id: 'P15', measured: 5, detail: '' }).status).toBe('met')
  })

  test('ids are unique, and P1 to P19 are all there', () => {
    const ids = TARGETS.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (let i = 1; i <= 19; i++) expect(ids).toContain(`P${i}`)
  })

  test('amounts are for people', () => {
    expect(amount(1.5, 'x')).toBe('1.50x')
    expect(amount(4096, 'bytes')).toBe('4,096 bytes')
    expect(amount(0, 'count')).toBe('0')
  })
})

describe('the corpus', () => {
  const size = 10_000
  const all = Array.from({ length: size }, (_, i) => sample(i, size))

  test('every key is used once, and no folder of words grows above 50', () => {
    expect(new Set(all.map(({ key }) => key)).size).toBe(size)
    expect(widthOf(100_000)).toBeLessThanOrEqual(50)
    const inTopic = new Map<string, number>()
    for (const { key } of all) {
      const topic = key.slice(0, key.lastIndexOf('/'))
      inTopic.set(topic, (inTopic.get(topic) ?? 0) + 1)
    }
    expect(Math.max(...inTopic.values())).toBeLessThanOrEqual(50)
  })

  test('the questions have the hits that the targets speak of', () => {
    const share = (words: readonly string[]) =>
      all.filter(({ text }) => words.some((word) => text.includes(word))).length / size
    expect(share(QUESTIONS.selective)).toBeCloseTo(0.0039, 3)
    expect(share(QUESTIONS.common)).toBeCloseTo(0.386, 1)
  })
})
