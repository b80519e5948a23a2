// P5: the command line parsed, and nothing done.

import { expect, type Group, ms } from './group'
import { interleave, ratio } from './measure'

export const start: Group = {
  targets: ['P5'],
  async run(ground) {
    const parsed = ground.timed(
      () => [ground.dstack(['version'], ground.folder)],
      ([printed = '']) => {
        expect(/^git-dstack \d+\.\d+\.\d+/.test(printed) ? 'a version' : printed, 'a version', 'git dstack version')
      },
    )
    const times = await interleave({ floor: ground.floor, parsed }, ground.rounds(20))
    const measured = ratio(times.parsed, times.floor)
    return { outcomes: [{ id: 'P5', measured, detail: `${ms(times.parsed)}, the floor ${ms(times.floor)}` }] }
  },
}
