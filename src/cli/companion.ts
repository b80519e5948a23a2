// `git dstack companion …`: what really happened, phase by phase.

import type { Command } from 'commander'
import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import * as plans from '../plan/plan'
import type { Store } from '../store/store'
import { answer, examples, type Register, type Reply } from './command'
import { repeated } from './fields'
import { type SecretFlag, SLUG, secretsOf, slugOf, wrote } from './plan-flags'
import { companionText, exitOfIssues, issuesText } from './plan-text'
import { ready } from './ready'
import { safe } from './render'

const STATES = ['PENDING', 'IN PROGRESS', 'SKIPPED', 'BLOCKED', 'DONE'] as const satisfies readonly plans.PhaseState[]

export const register: Register = (program, { handle }) => {
  const group = program.command('companion').description('what really happened in a plan')
  examples(
    group,
    'git dstack companion show',
    'git dstack companion add 1.1 --status DONE --details "Backoff with jitter."',
  )
  lookers(group, handle)

  const adding = group
    .command('add')
    .description('note what happened in a phase')
    .argument('<phase>', 'the phase, X.Y')
    .option('--slug <slug>', SLUG)
    .option('--status <status>', `how far it is: ${STATES.join(', ')}`, stateNamed)
    .option('--commit <rev>', 'a commit that was made for it; may be repeated', repeated)
    .option('--tests <counts>', 'such as "42 passed, 0 failed"')
    .option('--details <text>', 'what was done')
    .option('--bug <text>', 'a bug that was found: its cause, how it was fixed')
    .option('--deviation <path>', 'a file that the plan does not name; with --reason')
    .option('--reason <text>', 'why the plan was left')
    .option('--question <text>', 'what is open')
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(handle(async (env, phase: string, flags: AddFlags) => add(await ready(env), phase, flags)))
  examples(
    adding,
    'git dstack companion add 1.1 --commit HEAD --tests "42 passed" --details "Backoff with jitter; the queue keeps order."',
    'git dstack companion add 1.1 --deviation package.json --reason "the retry library was missing"',
    'git dstack companion add 1.2 --slug retry-failed-webhooks --status BLOCKED --question "Who owns the queue?"',
  )
}

function lookers(group: Command, handle: Parameters<Register>[1]['handle']): void {
  const showing = group
    .command('show')
    .description('the companion of a plan')
    .argument('[slug]', SLUG)
    .option('--text', 'as it is stored, in Markdown')
    .action(
      handle(async (env, slug: string | undefined, flags: { text?: true }) => show(env, await ready(env), slug, flags)),
    )
  examples(showing, 'git dstack companion show', 'git dstack companion show retry-failed-webhooks --text')

  const checking = group
    .command('check')
    .description('whether it still tells what happened')
    .argument('[slug]', SLUG)
    .action(
      handle(async (env, named: string | undefined) => {
        const store = await ready(env)
        const slug = slugOf(store, named)
        const issues = plans.checkCompanion(store, slug)
        if (isRefusal(issues)) return issues
        const text = () =>
          issues.length === 0 ? `The companion of ${safe(slug)} tells what happened.` : issuesText(env, issues)
        return answer({ slug, issues, ok: issues.length === 0 }, text, { exit: exitOfIssues(issues), long: true })
      }),
    )
  examples(checking, 'git dstack companion check', 'git dstack companion check retry-failed-webhooks --json')
}

function stateNamed(name: string): plans.PhaseState {
  const plain = name.toUpperCase().replace(/[-_]/g, ' ')
  const known = STATES.find((state) => state === plain)
  if (known !== undefined) return known
  throw new DstackError('USAGE', `"${name}" is no status of a phase.`, { hint: `Use one of: ${STATES.join(', ')}.` })
}

function show(env: Env, store: Store, named: string | undefined, { text }: { text?: true }): Reply {
  const slug = slugOf(store, named)
  const view = plans.showPlan(store, slug)
  if (isRefusal(view)) return view
  const { companion } = view
  if (companion === null) {
    const hint = `Begin it: \`git dstack companion add <phase> --slug ${slug}\`.`
    return { refused: 'NOT_FOUND', message: `${slug} has no companion.`, hint }
  }
  return answer({ slug, ...companion }, () => (text ? companion.text : companionText(env, companion.phases)), {
    long: true,
  })
}

interface AddFlags extends SecretFlag {
  slug?: string
  status?: plans.PhaseState
  commit?: string[]
  tests?: string
  details?: string
  bug?: string
  deviation?: string
  reason?: string
  question?: string
}

function add(store: Store, phase: string, flags: AddFlags): Reply {
  const { slug: named, commit, deviation, reason, allowSecret: _secret, ...words } = flags
  if ((deviation === undefined) !== (reason === undefined)) {
    throw new DstackError('USAGE', '--deviation and --reason go together.', { hint: 'Say which file, and why.' })
  }
  if (Object.values({ ...words, commit, deviation }).every((value) => value === undefined)) {
    throw new DstackError('USAGE', 'There is nothing to note.', {
      hint: 'Say what happened: see `git dstack help companion`.',
    })
  }
  const entry: plans.CompanionEntry = {
    phase,
    ...words,
    ...(commit === undefined ? {} : { commits: commit.map((rev) => commitLine(store, rev)) }),
    ...(deviation === undefined || reason === undefined ? {} : { deviation: { path: deviation, reason } }),
  }
  const slug = slugOf(store, named)
  return wrote(store, plans.addCompanion(store, slug, entry, secretsOf(flags)), `Noted in ${slug} ${phase}`)
}

/** `1a2b3c4d5e6f The subject`. @throws NOT_FOUND */
function commitLine({ repo }: Store, rev: string): string {
  const name = /^[\w./@^~{}-]+$/.test(rev) && !rev.startsWith('-') ? `${rev}^{commit}` : ''
  const [object] = name === '' ? [] : repo.read([name])
  if (object?.type !== 'commit')
    throw new DstackError('NOT_FOUND', `There is no commit ${rev} here.`, {
      hint: 'Name it as in git: HEAD, a branch, an id.',
    })
  const [commit] = repo.log([object.oid], { limit: 1 })
  return `${object.oid.slice(0, 12)} ${commit?.subject ?? ''}`.trim()
}
