// Which plan somebody means who names none: one, none, one of several, or one that can't be taken. Never the newest.

export const STATUSES = ['available', 'running', 'claimed', 'completed', 'cancelled', 'archived'] as const
export type CandidateStatus = (typeof STATUSES)[number]

export interface Candidate {
  slug: string
  title: string
  kind: string
  status: CandidateStatus
  /** Tasks that are done, and all. */
  done: number
  total: number
  /** Who works on it, where somebody else does. */
  holder?: string
}

export type Result = 'selected' | 'none' | 'ambiguous' | 'blocked'

export interface Which {
  result: Result
  /** Why, in a sentence. */
  reason: string
  selected?: Candidate
  /** What could have been meant, by slug. */
  candidates: Candidate[]
  /** The exact command lines that go on from here. */
  commands: string[]
}

export interface WhichInput {
  /** Every plan, archived ones too. */
  plans: readonly Candidate[]
  /** What was named. */
  slug?: string
  /** What this worktree works on. */
  current?: string | null
  /** Slugs that are like the named one. */
  near?: readonly string[]
}

/** These need nobody any more. */
const OVER: readonly CandidateStatus[] = ['completed', 'cancelled', 'archived']

/** The order of the rules is that of how exactly somebody said what they mean: by name, by worktree, not at all. */
export function decideWhich({ plans, slug, current, near = [] }: WhichInput): Which {
  const candidates = [...plans].sort((a, b) => (a.slug < b.slug ? -1 : 1))
  const open = candidates.filter(({ status }) => !OVER.includes(status))
  if (slug !== undefined) return named(candidates, slug, near)
  if (current != null) return chosen(candidates, open, current)
  const held = open.find(({ status }) => status === 'claimed')
  if (open.length > 1) {
    const reason = `There are ${open.length} open plans: say which one.`
    return { result: 'ambiguous', reason, candidates: open, commands: open.map(({ slug: one }) => use(one)) }
  }
  if (held !== undefined) return claimed(held)
  const [only] = open
  if (only !== undefined) return selected(only, 'It is the only open plan.')
  const reason = candidates.length === 0 ? 'There are no plans.' : 'No plan is open.'
  const commands = ['git dstack plan new <title>', 'git dstack plan import <file>']
  return {
    result: 'none',
    reason,
    candidates: [],
    commands: candidates.length === 0 ? commands : [...commands, 'git dstack plan list --archived'],
  }
}

function named(plans: readonly Candidate[], slug: string, near: readonly string[]): Which {
  const found = plans.find((plan) => plan.slug === slug)
  if (found === undefined) {
    const like = plans.filter((plan) => near.includes(plan.slug))
    const commands = like.length === 0 ? ['git dstack plan list'] : like.map((plan) => show(plan.slug))
    return { result: 'blocked', reason: `There is no plan ${slug}.`, candidates: like, commands }
  }
  if (found.status === 'archived') {
    const commands = [`git dstack plan archive --undo ${slug}`]
    return { result: 'blocked', reason: `${slug} is archived.`, candidates: [found], commands }
  }
  if (found.status === 'claimed') return claimed(found)
  return selected(found, 'It was named.')
}

/** A worktree that works on something which is over does not silently work on something else. */
function chosen(plans: readonly Candidate[], open: readonly Candidate[], current: string): Which {
  const found = plans.find((plan) => plan.slug === current)
  if (found !== undefined && open.includes(found)) {
    return found.status === 'claimed' ? claimed(found) : selected(found, 'This worktree works on it.')
  }
  const why = found === undefined ? 'it does not exist any more' : `it is ${found.status}`
  return {
    result: 'blocked',
    reason: `This worktree works on ${current}, and ${why}.`,
    candidates: [...open],
    commands: open.length === 0 ? ['git dstack plan new <title>'] : open.map(({ slug }) => use(slug)),
  }
}

function claimed(plan: Candidate): Which {
  const who = plan.holder ?? 'somebody else'
  return {
    result: 'blocked',
    reason: `${plan.slug} is being worked on by ${who}.`,
    candidates: [plan],
    commands: [show(plan.slug)],
  }
}

function selected(plan: Candidate, reason: string): Which {
  return { result: 'selected', reason, selected: plan, candidates: [plan], commands: [show(plan.slug)] }
}

const show = (slug: string): string => `git dstack plan show ${slug}`
const use = (slug: string): string => `git dstack flow use ${slug}`
