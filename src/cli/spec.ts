// `git dstack spec …`: the light spec of a feature.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import * as plans from '../plan/plan'
import type { Store } from '../store/store'
import { answer, examples, type Register, type Reply } from './command'
import { repeated } from './fields'
import { type SecretFlag, SLUG, secretsOf, slugOf, textOf, wrote } from './plan-flags'
import { exitOfIssues, issuesText } from './plan-text'
import { ready } from './ready'
import { plural, safe } from './render'

export const register: Register = (program, { handle }) => {
  const group = program.command('spec').description('the light spec of a feature')
  examples(group, 'git dstack spec new "Retry failed webhooks" --file spec.md', 'git dstack spec check')

  const making = group
    .command('new')
    .description('write the spec of a feature')
    .argument('<title>', 'what it is about, in a few words')
    .option('--slug <slug>', 'the plan that it belongs to; made from the title when absent')
    .option('--file <file>', 'its text, - for standard input; absent: $EDITOR with the form')
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(handle(async (env, title: string, flags: NewFlags) => make(env, await ready(env), title, flags)))
  examples(
    making,
    'git dstack spec new "Retry failed webhooks"',
    'git dstack spec new "Retry failed webhooks" --file spec.md',
    'git dstack spec new --slug retry "Retry failed webhooks" --file - < spec.md',
  )

  const checking = group
    .command('check')
    .description('whether a spec says what it has to')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, slug: string | undefined) => {
        const store = await ready(env)
        const report = plans.checkSpec(store, slugOf(store, slug))
        if (isRefusal(report)) return report
        const fine = `The spec of ${safe(report.slug)} is fine: ${plural(report.requirements.length, 'requirement')}.`
        const text = () => (report.issues.length === 0 ? fine : issuesText(env, report.issues))
        return answer(report, text, { exit: exitOfIssues(report.issues), long: true })
      }),
    )
  examples(checking, 'git dstack spec check', 'git dstack spec check retry-failed-webhooks --json')
}

interface NewFlags extends SecretFlag {
  slug?: string
  file?: string
}

async function make(env: Env, store: Store, title: string, flags: NewFlags): Promise<Reply> {
  const { slug, file } = flags
  const input = { title, ...(slug === undefined ? {} : { slug }), ...secretsOf(flags) }
  if (file !== undefined) return told(store, plans.newSpec(store, { ...input, text: textOf(env, store, file) }))
  const { draftPath, edited } = await import('./editor')
  const text = edited(env, store, 'spec.md', plans.specForm(title))
  if (text === null)
    throw new DstackError('USAGE', 'The form was left as it was, so there is no spec.', {
      hint: 'See `git dstack help spec`.',
    })
  const done = plans.newSpec(store, { ...input, text })
  if (!isRefusal(done)) env.files.remove(draftPath(store, 'spec.md'))
  else if (!env.out.json) env.out.say(`Your text is in ${safe(draftPath(store, 'spec.md'))}.\n`)
  return told(store, done)
}

function told(store: Store, done: ReturnType<typeof plans.newSpec>): Reply {
  return isRefusal(done) ? done : wrote(store, done, `Wrote the spec of ${done.slug}`)
}
