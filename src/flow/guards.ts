// The guards: each looks at one thing and objects with a sentence, or doesn't. Pure.

import type { Code } from '../errors'
import { type Issue, SLUG } from '../plan/schema'
import type { Event, Facts, Verdict } from './facts'
import type { Flow, State, Track, Trigger } from './schema'

export interface Question {
  /** null: the slug has no ref yet. */
  flow: Flow | null
  event: Event
  facts: Facts
}

export interface Objection {
  /** Default: REFUSED. */
  refused?: Code
  message: string
  hint?: string
  data?: Record<string, unknown>
}

type Guard = (question: Question) => Objection | null

const no = (message: string, hint?: string, data?: Record<string, unknown>): Objection => ({
  message,
  ...(hint === undefined ? {} : { hint }),
  ...(data === undefined ? {} : { data }),
})

/** The state of a flow that exists: every guard but those of `open` has one. */
function stateOf({ flow }: Question): State {
  if (flow === null) throw new TypeError('this guard needs a flow')
  return flow.state
}

// --- what several guards ask ----------------------------------------------------------------------------------------

/** What the engine may accept where nobody is to be asked. */
export const BY_ITSELF: readonly Trigger[] = ['accept_plan', 'accept_impl', 'seal_leaf']

/** Accepting without being asked: nobody is to be asked, or fewer than were promised. */
function isAuto({ hitl }: { hitl: boolean }, wait: boolean, review: boolean, skip: number): boolean {
  return !hitl || !wait || !review || skip > 0
}

function autoAllowed(question: Question, wait: boolean, review: boolean, waitStep: string): Objection | null {
  const state = stateOf(question)
  const { event, facts } = question
  if (isAuto(facts.policy, wait, review, state.skip)) return null
  if (state.step !== waitStep) {
    return no(`A person is to be asked first: ${waitStep} comes before this.`, 'Run `git dstack flow next`.')
  }
  // Here nothing is accepted in silence: that would be the engine's word in the place of a person's.
  return event.key === undefined ? no('A person is asked here.', 'Answer with `git dstack flow answer accept`.') : null
}

/** Reviews of the present leaf that count, by track. */
export function currentTracks(flow: Flow): ReadonlySet<Track> {
  const own = [...flow.reviews.values()].filter(({ leaf, superseded }) => leaf === flow.state.leaf && !superseded)
  return new Set(own.map(({ track }) => track))
}

/** Open P1 findings of the present leaf that count at this step. */
export function openP1(flow: Flow): string[] {
  const planning = flow.state.step === 'PlanReview' || flow.state.step === 'PlanReviewWait'
  return [...flow.reviews.values()]
    .filter(({ leaf, superseded, track }) => leaf === flow.state.leaf && !superseded && (track === 'plan') === planning)
    .flatMap(({ findings }) => findings)
    .filter(({ severity, status, verified }) => severity === 'P1' && status === 'open' && verified !== false)
    .map(({ id }) => id)
}

function tracksMissing({ flow, facts }: Question): Track[] {
  const have = flow === null ? new Set<Track>() : currentTracks(flow)
  const wanted: Track[] = facts.policy.dualReview ? ['A', 'B'] : ['A']
  // With one track, either will do.
  return !facts.policy.dualReview && have.has('B') ? [] : wanted.filter((track) => !have.has(track))
}

/** Evidence that is not there counts only where the slug says so. */
function evidence(question: Question, verdict: Verdict, what: string, mend: string): Objection | null {
  if (verdict === 'green') return null
  if (verdict === 'red') return no(`${what} failed.`, mend)
  if (stateOf(question).unverified === 'allow') return null
  return no(
    `${what}: nothing shows that it holds.`,
    `${mend} Or accept work without evidence: \`git dstack flow set unverified allow\` (shown in its status).`,
  )
}

function planIssue(rules: readonly string[]): Guard {
  return ({ facts }) => {
    const found = (facts.plan?.issues ?? []).filter(({ rule }) => rules.includes(rule))
    return found.length === 0 ? null : issueObjection(found, 'The plan')
  }
}

function issueObjection(issues: readonly Issue[], what: string): Objection {
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  return no(`${what} can't be taken: ${first?.where}: ${first?.message}${more}`, 'Mend it, then submit it again.', {
    issues,
  })
}

const sealed = (state: State) => Object.entries(state.leaves).filter(([, leaf]) => leaf.status === 'sealed')

const REVIEW_HINT = 'Store one with `git dstack review import FILE`, or switch it off for the team.'

// --- the table ------------------------------------------------------------------------------------------------------

/** Keeps the names as a type, and every entry a guard. */
const table = <Name extends string>(guards: Record<Name, Guard>): Readonly<Record<Name, Guard>> => guards

export const GUARDS = table({
  optedIn: ({ facts }) =>
    facts.optedIn
      ? null
      : { refused: 'NOT_INITIALISED', message: 'This clone has not opted in.', hint: 'Run `git dstack init`.' },
  notDisabled: ({ facts }) =>
    facts.disabled === null
      ? null
      : no(`git dstack is switched off here (${facts.disabled}).`, 'Switch it on again to go on.'),
  /** For what a person may also do while the engine is switched off. */
  engineOn: ({ event, facts }) =>
    event.actor === 'human' || facts.disabled === null
      ? null
      : no(`git dstack is switched off here (${facts.disabled}).`, 'Switch it on again to go on.'),
  /** An agent may run the verbs; that a person wants it is for a person to say. */
  personSays: ({ event }) =>
    event.actor === 'human' || (event.key === undefined && BY_ITSELF.includes(event.trigger))
      ? null
      : no('A person decides this, not an agent.', 'Run the same command in a terminal of your own.'),
  slugFits: ({ event }) =>
    SLUG.test(event.slug ?? '')
      ? null
      : {
          refused: 'USAGE',
          message: `"${event.slug ?? ''}" can't be a slug: lower-case letters, digits and dashes, at most 48.`,
        },
  slugFree: ({ event, facts }) =>
    facts.slugFree
      ? null
      : no(`${event.slug} is taken.`, `Choose another slug, or see \`git dstack flow show ${event.slug}\`.`),
  goalGiven: ({ event }) =>
    (event.goal ?? '').trim() !== '' ? null : { refused: 'USAGE', message: 'A goal is needed: one sentence.' },

  contractWhole({ facts }) {
    if (facts.contract === null) {
      return no('There is no contract yet.', 'Write it: `git dstack plan edit --part contract`.')
    }
    const errors = facts.contract.issues.filter(({ severity }) => severity !== 'warning')
    const [first] = errors
    if (first === undefined) return null
    return no(
      `The contract is not whole: ${first.where}: ${first.message}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}`,
      'Mend it: `git dstack plan edit --part contract`.',
      { issues: errors },
    )
  },
  sealedUntouched(question) {
    for (const [id, leaf] of sealed(stateOf(question))) {
      const spec = question.facts.contract?.specs.get(id)
      if (spec?.hash === leaf.spec) continue
      const what = spec === undefined ? 'is missing from' : 'was changed in'
      return no(`Leaf ${id} is sealed, and ${what} the contract.`, 'Put it back as it was; add a new leaf instead.')
    }
    return null
  },
  contractReviewed: ({ facts }) =>
    !facts.policy.contractReview || facts.contract?.reviewed === true
      ? null
      : no('The contract has no stored review, and the team wants one.', REVIEW_HINT),
  saidYes: ({ event }) =>
    event.yes === true
      ? null
      : no('Approving needs an explicit yes.', 'Read the contract, then say so: `git dstack approve --yes`.'),
  onSomeBranch: ({ facts }) =>
    facts.head.branch !== null && facts.head.oid !== null
      ? null
      : no('HEAD is on no branch with a commit; the markers need one.', 'Check a branch out first.'),
  leafNotSealed(question) {
    const { leaf } = question.event
    if (leaf === undefined) return null
    const known = stateOf(question).leaves[leaf]
    if (known === undefined) return { refused: 'NOT_FOUND', message: `There is no leaf ${leaf}.` }
    return known.status === 'sealed' ? no(`Leaf ${leaf} is sealed: it can't be changed.`, 'Add a new leaf.') : null
  },

  leafReady(question) {
    const { leaves } = stateOf(question)
    const { leaf } = question.event
    const open = (id: string) => leaves[id]?.needs.filter((need) => leaves[need]?.status !== 'sealed') ?? []
    if (leaf !== undefined) {
      if (leaves[leaf]?.status !== 'pending') {
        return no(`Leaf ${leaf} is ${leaves[leaf]?.status ?? 'not in the contract'}, not pending.`)
      }
      return open(leaf).length === 0 ? null : no(`Leaf ${leaf} needs ${open(leaf).join(', ')} first.`)
    }
    const pending = Object.keys(leaves).filter((id) => leaves[id]?.status === 'pending')
    if (pending.some((id) => open(id).length === 0)) return null
    return pending.length === 0
      ? no('No leaf is pending.', 'Run `git dstack flow fire finish`, or amend the contract.')
      : no(`No pending leaf is ready: ${pending.map((id) => `${id} needs ${open(id).join(', ')}`).join('; ')}.`)
  },
  onBranch(question) {
    const { branch } = stateOf(question)
    const { head } = question.facts
    if (branch === null || branch === head.branch) return null
    const where = head.branch === null ? 'HEAD is on no branch' : `HEAD is on ${head.branch}`
    return no(`${where}; this flow's markers stand on ${branch}.`, `Run \`git switch ${branch}\`.`)
  },
  approvalHere: ({ facts }) =>
    facts.approvalHere
      ? null
      : no('This branch does not hold the marker of the approval yet.', 'Get it first: `git pull --ff-only`.'),
  treeClean: ({ facts }) =>
    facts.head.clean ? null : no('The working tree has changes that are not committed.', 'Commit or stash them first.'),
  leaseHeld: ({ facts }) =>
    facts.lease ? null : { refused: 'CONTENDED', message: 'This worktree does not hold the lease of the flow.' },
  noCondition({ facts }) {
    const [first] = facts.conditions
    return first === undefined ? null : no(`${first.id}: ${first.reason}`, 'Mend it first.', { condition: first.id })
  },

  planGiven: ({ facts }) =>
    facts.plan !== null && facts.plan.tasks > 0
      ? null
      : no('No plan with a task was submitted.', 'Run `git dstack flow submit-plan FILE`.'),
  planFits: planIssue(['schema', 'no-task', 'duplicate']),
  planTyped: planIssue(['id']),
  planChecked: planIssue(['no-predicate', 'bad-predicate']),
  planInScope: planIssue(['out-of-scope']),
  planCovers: planIssue(['uncovered']),
  planOrdered: planIssue(['unknown-dependency', 'cycle']),
  companionThere: ({ facts }) =>
    facts.companion.exists
      ? null
      : no('There is no companion to say what really happens.', 'Make one: `git dstack companion add`.'),

  planReviewStored: ({ flow }) =>
    flow !== null && currentTracks(flow).has('plan') ? null : no('No review of the plan is stored.', REVIEW_HINT),
  hitlOn: ({ facts }) =>
    facts.policy.hitl ? null : no('Nobody is to be asked here (flow.hitl is off).', 'Run `git dstack flow next`.'),
  planWaitOn: ({ facts }) => (facts.policy.planWait ? null : no('Nobody waits for plans here (flow.planWait is off).')),
  nothingSkipped: (question) =>
    stateOf(question).skip === 0 ? null : no(`The next ${stateOf(question).skip} waits accept by themselves.`),
  planAutoAllowed: (question) => {
    const { planWait, planReview } = question.facts.policy
    return autoAllowed(question, planWait, planReview, 'PlanReviewWait')
  },
  planReviewThere: ({ flow, facts, event }) =>
    !facts.policy.planReview || event.key !== undefined || (flow !== null && currentTracks(flow).has('plan'))
      ? null
      : no('No review of the plan is stored.', REVIEW_HINT),
  noOpenP1({ flow, event }) {
    if (flow === null || event.key === 'n') return null
    const open = openP1(flow)
    if (open.length === 0) return null
    return no(
      `${open.length} P1 ${open.length === 1 ? 'finding is' : 'findings are'} open: ${open.join(', ')}.`,
      'Fix them and say so with `git dstack review decide ID fixed`, or answer final (n) to go on as it is.',
      { open },
    )
  },
  planBudget: ({ facts }) =>
    facts.budget.plan <= 1 ? null : no('There is more than one marker `plan approved` for this leaf.'),

  tasksDone({ facts }) {
    const open = facts.tasks.filter(({ status }) => status !== 'done' && status !== 'skipped')
    if (facts.tasks.length === 0) return no('The leaf has no tasks.')
    if (open.length === 0) return null
    return no(
      `Not done: ${open.map(({ id, status }) => `${id} (${status})`).join(', ')}.`,
      'See `git dstack task list`.',
    )
  },
  tasksGreen(question) {
    const done = question.facts.tasks.filter(({ status }) => status === 'done')
    const red = done.find(({ verdict }) => verdict === 'red')
    const weakest = red ?? done.find(({ verdict }) => verdict === 'absent')
    if (weakest === undefined) return null
    const mend = `Run the gate for ${weakest.id}.`
    return evidence(question, weakest.verdict, `Task ${weakest.id} is done, unverified`, mend)
  },
  leafGreen: (question) =>
    evidence(question, question.facts.leafPredicates, 'The acceptance of the leaf', 'Run its predicates on HEAD.'),
  noLongproc(question) {
    const { longprocs, leaf } = stateOf(question)
    const open = longprocs.filter((one) => one.leaf === leaf && (one.state === 'ACTIVE' || one.state === 'STUCK'))
    return open.length === 0 ? null : no(`Still running for this leaf: ${open.map(({ id }) => id).join(', ')}.`)
  },
  companionFresh: ({ facts }) =>
    facts.companion.exists && facts.companion.fresh
      ? null
      : no(
          'The companion says nothing of the last commits of this leaf.',
          'Write what really happened: `git dstack companion add`.',
        ),

  tracksStored(question) {
    const missing = tracksMissing(question)
    return missing.length === 0
      ? null
      : no(`No review is stored on track ${missing.join(' and ')}.`, REVIEW_HINT, { missing })
  },
  reviewWaitOn: ({ facts }) =>
    facts.policy.reviewWait ? null : no('Nobody waits for reviews here (flow.reviewWait is off).'),
  implAutoAllowed: (question) => {
    const { reviewWait, phaseReview } = question.facts.policy
    return autoAllowed(question, reviewWait, phaseReview, 'ReviewWait')
  },
  tracksThere(question) {
    if (!question.facts.policy.phaseReview || question.event.key !== undefined) return null
    const missing = tracksMissing(question)
    return missing.length === 0 ? null : no(`No review is stored on track ${missing.join(' and ')}.`, REVIEW_HINT)
  },
  gateGreen: (question) => evidence(question, question.facts.gate, 'The gate on HEAD', 'Run the gate.'),
  sealAutoAllowed(question) {
    const { policy } = question.facts
    if (question.event.key !== undefined || !policy.hitl || stateOf(question).skip > 0) return null
    return no('A person is to be asked before the leaf is sealed.', 'Answer with `git dstack flow answer accept`.')
  },
  sealBudget: ({ facts }) =>
    facts.budget.complete === 0
      ? null
      : no('There is a marker `implementation complete` for this leaf already.', 'See `git dstack flow show`.'),

  allSealed(question) {
    const open = Object.entries(stateOf(question).leaves).filter(
      ([, { status }]) => status !== 'sealed' && status !== 'dropped',
    )
    return open.length === 0
      ? null
      : no(`Not sealed: ${open.map(([id, { status }]) => `${id} (${status})`).join(', ')}.`)
  },
  contractGreen: (question) =>
    evidence(
      question,
      question.facts.contractPredicates,
      'The acceptance of the whole contract',
      'Run its predicates on HEAD.',
    ),
  noLongprocAtAll(question) {
    const open = stateOf(question).longprocs.filter(({ state }) => state === 'ACTIVE' || state === 'STUCK')
    return open.length === 0 ? null : no(`Still running: ${open.map(({ id }) => id).join(', ')}.`)
  },

  conditionGiven: ({ event }) =>
    event.actor === 'human' || event.condition !== undefined
      ? null
      : no('The engine pauses only for one of its conditions.'),
  acknowledged(question) {
    const { paused } = stateOf(question)
    const condition = paused?.condition ?? null
    if (condition === null || question.event.ack?.includes(condition)) return null
    return no(
      `It was paused by ${condition} (${paused?.reason}).`,
      `Say that you know it: \`git dstack flow resume\` with --ack ${condition}.`,
    )
  },
  conditionGone(question) {
    const condition = stateOf(question).paused?.condition ?? null
    const still = question.facts.conditions.find(({ id }) => id === condition)
    return still === undefined ? null : no(`${still.id} still holds: ${still.reason}`, 'Mend it first.')
  },
  inSync: ({ facts }) =>
    // What was fetched and is not here yet is what the step stands on.
    facts.remote === 'diverged'
      ? {
          refused: 'CONTENDED',
          message: 'The remote has other steps of this flow.',
          hint: 'Run `git fetch`, look again.',
        }
      : null,

  abortMeant: ({ event }) => {
    if (event.actor === 'human') {
      return event.yes === true
        ? null
        : no('Aborting ends the flow for good; every commit stays.', 'If you mean it: `git dstack flow abort --yes`.')
    }
    return event.condition?.action === 'abort' ? null : no('The engine aborts only for a condition that says so.')
  },
})

export type GuardName = keyof typeof GUARDS
