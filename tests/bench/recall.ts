// P8 and P9: a question to the kept index, and the same right after one more document was written.

import { QUESTIONS, sample } from './corpus'
import { appendTo, type Ground, type Site } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, median, ratio, type Timed } from './measure'

/** Answers that a question without a limit gets. */
const ANSWERS = 10

interface Answer {
  key: string
  text: string
}

/** A question to one site; every answer must hold one of its words. The first one, untimed, makes the index. */
function asking(
  ground: Ground,
  site: Site,
  words: readonly string[],
  check: (answers: Answer[], round: number) => void,
): Timed {
  const command = { program: process.execPath, args: [ground.program('recall'), site.clone, words.join(' ')] }
  ground.run(command)
  return ground.timed(
    () => [command],
    ([printed = ''], round) => {
      const answers = printed
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Answer)
      const right = answers.filter(({ text }) => words.some((word) => text.includes(word)))
      expect(right.length, answers.length, 'answers that hold a word of the question')
      check(answers, round)
    },
  )
}

function isFull(answers: Answer[]): void {
  expect(answers.length, ANSWERS, 'answers')
}

/** Each round one more document is there, which holds all words of the question. */
function catchingUp(ground: Ground, site: Site): Timed {
  const words = QUESTIONS.selective
  const keyOf = (round: number) => sample(site.size + round, site.size).key
  const ask = asking(ground, site, words, (answers, round) => {
    expect(answers[0]?.key ?? 'nothing', keyOf(round), 'the first answer')
  })
  return (round) => {
    // They all match equally well, and the newest of them comes first: each is a minute younger than the one before.
    const vars = { DSTACK_TEST_NOW: new Date(Date.now() - (60 - round) * 60_000).toISOString() }
    appendTo(ground, site, { key: keyOf(round), text: words.join(' '), vars })
    return ask(round)
  }
}

export const recall: Group = {
  targets: ['P8', 'P9'],
  async run(ground) {
    const full = await ground.site(100_000)
    const [many, few] = [await ground.site(100_000), await ground.site(1_000)]
    const cases = {
      floor: ground.floor,
      selective: asking(ground, full, QUESTIONS.selective, (answers) => !ground.smoke && isFull(answers)),
      common: asking(ground, full, QUESTIONS.common, isFull),
      many: catchingUp(ground, many),
      few: catchingUp(ground, few),
    }
    const times = await interleave(cases, ground.rounds(20))
    const row = (id: string, name: Exclude<keyof typeof cases, 'floor'>, more = '') => {
      return { id, measured: ratio(times[name], times.floor), detail: `${ms(times[name])}${more}` }
    }
    // The last rounds see how the cost grows with what was written since the index was made.
    const growth = (name: 'many' | 'few') => {
      const half = times[name].length >> 1
      const later = median(times[name].slice(half)) / median(times[name].slice(0, Math.max(half, 1)))
      return `; after twice as many new documents ${later.toFixed(2)} of it`
    }
    return {
      outcomes: [
        row('P8', 'selective'),
        row('P8-common', 'common'),
        row('P9', 'many', growth('many')),
        row('P9-1k', 'few', growth('few')),
      ],
    }
  },
}
