// `git dstack begin`: as much ceremony as the work asks for, and no more.

import { isRefusal } from '../errors'
import * as plans from '../plan/plan'
import type { Kind } from '../plan/schema'
import { unsynced } from '../sync/sync'
import { answer, examples, type Register } from './command'
import { kindOption } from './plan-flags'
import { ready } from './ready'
import { safe } from './render'

export const register: Register = (program, { handle }) => {
  const beginning = program
    .command('begin')
    .description('begin a piece of work: a fix, a feature, or a change of the architecture')
    .argument('<title>', 'what is to be done, in a few words')
    .option('--slug <slug>', 'its short name; made from the title when absent')
  beginning.addOption(kindOption(beginning, 'feature')).action(
    handle(async (env, title: string, { slug, kind }: { slug?: string; kind: Kind }) => {
      const store = await ready(env)
      const done = plans.begin(store, { title, kind, now: env.now(), ...(slug === undefined ? {} : { slug }) })
      if (isRefusal(done)) return done
      plans.useSlug(store, done.slug)
      const commands = plans.nextCommands(kind, done.slug)
      const value = { slug: done.slug, kind, keys: done.keys, commit: done.commit, unsynced: unsynced(store), commands }
      const lines = [`Began ${safe(done.slug)} (${kind}).`, ...commands.map((line) => `  ${safe(line)}`)]
      return answer(value, () => lines.join('\n'))
    }),
  )
  examples(
    beginning,
    'git dstack begin --kind fix "Timeout of the health check"',
    'git dstack begin --kind feature "Retry failed webhooks"',
    'git dstack begin --kind architecture --slug queue "Move webhooks to a queue"',
  )
}
