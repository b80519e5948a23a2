// `git dstack plan principles …`: what a team holds every plan to.

import type { Command } from 'commander'
import { isRefusal } from '../errors'
import * as plans from '../plan/plan'
import { answer, examples, type Register } from './command'
import { repeated } from './fields'
import { type SecretFlag, secretsOf, textOf, wrote } from './plan-flags'
import { ready } from './ready'
import { safe, safeLines } from './render'

const FIRST = `# Principles

<!-- One line each. A rule in backticks at its end can be checked; see git dstack help plan. -->

- MUST have a test task beside every code task: \`requires kind T beside C\`
`

export function principles(group: Command, handle: Parameters<Register>[1]['handle']): void {
  const all = group.command('principles').description('what every plan is held to')
  examples(all, 'git dstack plan principles show', 'git dstack plan principles edit --file principles.md')

  const showing = all
    .command('show')
    .description('the principles as they stand')
    .action(
      handle(async (env) => {
        const doc = plans.principlesOf(await ready(env))
        const none = 'There are no principles yet: git dstack plan principles edit.'
        const value = { text: doc?.text ?? null, oid: doc?.oid ?? null }
        return answer(value, () => (doc === null ? none : safeLines(doc.text)), { long: true })
      }),
    )
  examples(showing, 'git dstack plan principles show', 'git dstack plan principles show --json')

  const editing = all
    .command('edit')
    .description('change them in your editor')
    .option('--file <file>', 'the new text, - for standard input; absent: $EDITOR')
    .option('--saw <id>', 'the version that the text was made from; may be repeated', repeated)
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(
      handle(async (env, flags: SecretFlag & { file?: string; saw?: string[] }) => {
        const store = await ready(env)
        const doc = plans.principlesOf(store)
        if (flags.file !== undefined) {
          const more = flags.saw === undefined ? {} : { saw: flags.saw }
          const text = textOf(env, store, flags.file)
          return wrote(
            store,
            plans.writePrinciples(store, text, { ...more, ...secretsOf(flags) }),
            'Wrote the principles',
          )
        }
        const { draftPath, edited } = await import('./editor')
        const next = edited(env, store, 'principles.md', doc?.text ?? FIRST)
        const value = { slug: 'principles', keys: [], commit: '', unsynced: 0 }
        if (next === null) return answer(value, () => 'Nothing was changed.')
        const saw = flags.saw ?? (doc === null ? [] : [doc.oid])
        const done = plans.writePrinciples(store, next, { saw, ...secretsOf(flags) })
        if (!isRefusal(done)) env.files.remove(draftPath(store, 'principles.md'))
        else if (!env.out.json) env.out.say(`Your text is in ${safe(draftPath(store, 'principles.md'))}.\n`)
        return wrote(store, done, 'Wrote the principles')
      }),
    )
  examples(editing, 'git dstack plan principles edit', 'git dstack plan principles edit --file principles.md')
}
