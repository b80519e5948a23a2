// P12 and P18: one new document on its way, by plain git and by `git dstack sync`.

import { MEMORY, trackingRef } from '../../src/store/store'
import { sample } from './corpus'
import { fill } from './fill'
import { appendTo, type Ground, type Site } from './ground'
import { expect, type Group, ms } from './group'
import { interleave, ratio, type Timed } from './measure'

const TRACKED = trackingRef('origin', MEMORY)

/** Each round somebody else's document is on the remote, and plain `git fetch` brings it. */
function fetching(ground: Ground, site: Site): Timed {
  const fetch = ground.timed(
    () => [{ program: 'git', args: ['fetch', '-q'], cwd: site.clone }],
    () => {
      expect(
        ground.git(site.clone, 'rev-parse', TRACKED),
        ground.git(site.hub, 'rev-parse', MEMORY),
        'the tip after a fetch',
      )
    },
  )
  return async (round) => {
    const at = site.size + round
    await fill({ repository: site.hub, vars: ground.vars, size: site.size, from: at, to: at + 1 })
    return fetch(round)
  }
}

function isOnHub(ground: Ground, site: Site): void {
  expect(
    ground.git(site.hub, 'rev-parse', MEMORY),
    ground.git(site.clone, 'rev-parse', MEMORY),
    'the tip of the remote',
  )
}

export const travel: Group = {
  targets: ['P12', 'P18'],
  async run(ground) {
    const [few, many] = [await ground.site(1_000), await ground.site(10_000)]
    const fetches = { few: fetching(ground, few), many: fetching(ground, many) }
    const fetched = await interleave(fetches, ground.rounds(20))

    const [ours, plain] = [await ground.site(10_000), await ground.site(10_000)]
    const sync = ground.timed(
      () => [ground.dstack(['sync', '--json'], ours.clone)],
      ([printed = '']) => {
        isOnHub(ground, ours)
        expect(JSON.parse(printed).sent, 1, 'sent')
      },
    )
    const git = ground.timed(
      () => [
        { program: 'git', args: ['fetch', '-q'], cwd: plain.clone },
        { program: 'git', args: ['push', '-q', 'origin', MEMORY], cwd: plain.clone },
      ],
      () => isOnHub(ground, plain),
    )
    const syncs = {
      git: (round: number) => {
        appendTo(ground, ours, sample(ours.size + round, ours.size))
        // The same objects.
        ground.git(plain.clone, 'fetch', '-q', '--refmap=', '--no-write-fetch-head', ours.clone, `${MEMORY}:${MEMORY}`)
        return git(round)
      },
      dstack: sync,
    }
    const sent = await interleave(syncs, ground.rounds(20))
    return {
      outcomes: [
        {
          id: 'P12',
          measured: ratio(fetched.many, fetched.few),
          detail: `${ms(fetched.many)} at 10k, ${ms(fetched.few)} at 1k`,
        },
        {
          id: 'P18',
          measured: ratio(sent.dstack, sent.git),
          detail: `${ms(sent.dstack)}, plain git ${ms(sent.git)}`,
        },
      ],
    }
  },
}
