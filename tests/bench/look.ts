// P11 and P16: the last entries of the history, and where this clone stands.

import type { Ground, Site } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, ratio, type Timed } from './measure'

const SHOWN = 20

function showing(ground: Ground, { clone, size }: Site): Timed {
  const command = ground.dstack(['log', '-n', String(SHOWN), '--json'], clone)
  return ground.timed(
    () => [command],
    ([printed = '']) => expect(JSON.parse(printed).commits.length, Math.min(size, SHOWN), 'entries of the history'),
  )
}

/** A new process; what it reads is in the page cache. */
function standing(ground: Ground, { clone }: Site): Timed {
  const command = ground.dstack(['status', '--json'], clone)
  return ground.timed(
    () => [command],
    ([printed = '']) => {
      const { branch, unsynced, received } = JSON.parse(printed)
      expect(`${branch}, ${unsynced} unsynced, ${received} received`, 'main, 0 unsynced, 0 received', 'status')
    },
  )
}

export const look: Group = {
  targets: ['P11', 'P16'],
  async run(ground) {
    const [middle, large] = [await ground.site(10_000), await ground.site(100_000)]
    const times = await interleave(
      {
        floor: ground.floor,
        middle: showing(ground, middle),
        large: showing(ground, large),
        status: standing(ground, middle),
      },
      ground.rounds(20),
    )
    return {
      outcomes: [
        {
          id: 'P11',
          measured: ratio(times.large, times.middle),
          detail: `git dstack log -n 20: ${ms(times.large)} at 100k, ${ms(times.middle)} at 10k`,
        },
        { id: 'P16', measured: ratio(times.status, times.floor), detail: ms(times.status) },
      ],
    }
  },
}
