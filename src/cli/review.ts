// `git dstack review …`: what reviewers found in a leaf, and what becomes of it.

import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import * as flows from '../flow/flow'
import type { FindingState, Review, Track } from '../flow/schema'
import { answer, examples, type Register, type Reply } from './command'
import { type At, acting, here, hereWhenOff, plain, SLUG, slugOf, slugOption, told } from './flow-flags'
import { textOf } from './plan-flags'
import { paint, relativeTime, safe } from './render'
import { registerRuns } from './review-run'
import { countText, findingText } from './review-text'

export const register: Register = (program, { handle }) => {
  const group = program.command('review').description('what reviewers found in a leaf, and what becomes of it')
  examples(group, 'git dstack review import findings.json --track A', 'git dstack review show')

  registerRuns(group, handle)

  const importing = group
    .command('import')
    .description("take in a reviewer's result; a second one on a track replaces the first")
    .argument(
      '<file>',
      'JSON: { track, reviewer, findings: [...] }, SARIF, or comments of GitHub or GitLab; - for standard input',
    )
    .argument('[slug]', SLUG)
  importing
    .addOption(
      importing.createOption('--track <track>', 'plan, A: the code, B: the contract').choices(['plan', 'A', 'B']),
    )
    .option('--reviewer <name>', 'who it was')
    .option('--contract', 'of the whole contract instead of the present leaf')
    .action(
      handle(async (env, file: string, slug: string | undefined, flags: ImportFlags) => {
        const at = await here(env)
        return take(at, slugOf(at.store, slug), file, flags)
      }),
    )
  examples(
    importing,
    'git dstack review import findings.json --track A --reviewer codex',
    `echo '[]' | git dstack review import - --track B --reviewer bob`,
    'gh api repos/OWNER/REPO/pulls/7/comments | git dstack review import -',
  )

  const showing = group
    .command('show')
    .description('the findings of the reviews that count')
    .argument('[run]', 'only this review, also one that was replaced')
  slugOption(showing).action(
    handle(async (env, run: string | undefined, { slug }: { slug?: string }) => {
      const at = await hereWhenOff(env)
      return show(at, slugOf(at.store, slug), run)
    }),
  )
  examples(showing, 'git dstack review show', 'git dstack review show 1.1-A-1 --slug payments')

  const deciding = group
    .command('decide')
    .description('say what became of a finding')
    .argument('<finding>', 'its id, such as 1.1-A-1-2')
  deciding
    .addArgument(deciding.createArgument('<outcome>', 'what').choices(['fixed', 'accepted', 'deferred', 'invalid']))
    .option('--reason <text>', 'why, or how')
  slugOption(deciding).action(
    handle(async (env, id: string, outcome: Outcome, { slug, reason }: { slug?: string; reason?: string }) => {
      const at = await here(env)
      const meant = slugOf(at.store, slug)
      const done = await acting(at, () => flows.decideReview(at.store, meant, at.actor, id, outcome, reason))
      return isRefusal(done) ? done : told(at, done, { text: `${safe(id)} is ${outcome}.` })
    }),
  )
  examples(
    deciding,
    'git dstack review decide 1.1-A-1-2 fixed',
    'git dstack review decide 1.1-B-1-1 deferred --reason "leaf 1.3 does it"',
  )

  const failing = group
    .command('failed')
    .description('say that no review could be had: the flow pauses (A8), it is never taken for "no findings"')
    .argument('<why>', 'in a sentence')
  slugOption(failing).action(
    handle(async (env, why: string, { slug }: { slug?: string }) => {
      const at = await here(env)
      const meant = slugOf(at.store, slug)
      const done = await acting(at, () => flows.failReviews(at.store, meant, at.actor, why))
      return isRefusal(done) ? done : told(at, done, { text: 'Noted. The flow pauses with its next step (A8).' })
    }),
  )
  examples(
    failing,
    'git dstack review failed "codex timed out twice"',
    'git dstack review failed --slug payments "no reviewer"',
  )
}

type Outcome = Exclude<FindingState, 'open'>

interface ImportFlags {
  track?: Track
  reviewer?: string
  contract?: true
}

async function take(at: At, slug: string, file: string, flags: ImportFlags): Promise<Reply> {
  const input = { text: textOf(at.env, at.store, file), ...flags }
  const done = await acting(at, () => flows.importReview(at.store, slug, at.actor, input))
  if (isRefusal(done)) return done
  const { run, track, findings, format, aside, ...moved } = done.done
  const by = format === undefined ? '' : ` (${format})`
  const beside = aside === undefined ? '' : asideText(aside)
  const text = `Took in ${safe(run)}${by}: ${countText(findings)}${beside === '' ? '' : `; left out: ${beside}`}.`
  const more = { run, track, findings, format: format ?? null, aside: aside ?? null }
  return told(at, { done: plain(moved), onBranch: done.onBranch }, { text, more })
}

function asideText({ preexisting, silent, skipped }: flows.Aside): string {
  const parts: [number, string][] = [
    [preexisting, 'about lines that this leaf did not touch'],
    [silent, 'decided on before'],
    [skipped, 'asking for nothing'],
  ]
  return parts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : [])).join(', ')
}

function show({ env, store }: At, slug: string, run: string | undefined): Reply {
  const all = flows.reviewsOf(store, slug)
  if (isRefusal(all)) return all
  const reviews = all.filter((review) => (run === undefined ? !review.superseded : review.run === run))
  if (reviews.length === 0 && run !== undefined) {
    const known = all.map((review) => review.run).join(', ')
    const hint = known === '' ? 'No review was taken in yet.' : `There are: ${known}.`
    return { refused: 'NOT_FOUND', message: `${slug} has no review ${run}.`, hint }
  }
  const text = () => (reviews.length === 0 ? 'No reviews.' : reviews.map((one) => reviewText(env, one)).join('\n\n'))
  return answer({ slug, reviews }, text, { long: true })
}

function reviewText(env: Env, { run, track, reviewer, at, superseded, findings }: Review): string {
  const colour = paint(env)
  const marks = [
    `track ${track}`,
    `${safe(reviewer)}, ${relativeTime(new Date(at), env.now())}`,
    countText(findings),
    ...(superseded ? ['replaced by a later one'] : []),
  ]
  const head = `${colour('bold', safe(run))}  ${colour('dim', marks.join(' · '))}`
  return [head, ...findings.map((finding) => findingText(env, finding))].join('\n')
}
