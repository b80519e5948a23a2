// Rollback: which commits and leaves go back, and how. Planned from facts; done only when a token shows that they still hold.

import type { Refusal } from '../errors'
import type { Oid, WorkCommit } from '../git/git'
import { counts, type Marker, readMarkers, rollbackOf } from './markers'

export interface RollbackLeaf {
  id: string
  /** Position in which leaves were started, from 1; 0: not yet. */
  order: number
  /** HEAD when it was started. */
  base: Oid | null
  status: 'pending' | 'running' | 'sealed' | 'dropped'
}

export interface RollbackFacts {
  slug: string
  /** The leaf that is to be as if it had never been started. */
  target: string
  leaves: readonly RollbackLeaf[]
  /** The target's base..HEAD, oldest first, with files. */
  commits: readonly WorkCommit[]
  /** Which remote-tracking branches hold each commit; see `Work.publishedIn`. */
  published: ReadonlyMap<Oid, readonly string[]>
  head: Oid
  /** Nothing changed, nothing half done. */
  clean: boolean
  /** What is checked out; null: HEAD is on no branch. */
  branch: string | null
  /** Where the flow's markers stand; null: it has none yet. */
  flowBranch: string | null
  /** The flow's commit that the plan is made from. */
  stateTip: Oid
  /** Only the state goes back: what has to go from the code was, or will be, taken back by hand. */
  keepCode?: boolean
  now: Date
  /** Hexadecimal digest of a text. */
  digest(text: string): string
}

export interface RolledCommit {
  oid: Oid
  subject: string
  author: string
  seconds: number
  /** It changed no file: a marker. */
  empty: boolean
  /** Remote-tracking branches that hold it. */
  published: string[]
}

export interface RollbackPlan {
  slug: string
  target: string
  branch: string
  head: Oid
  stateTip: Oid
  /** reset: the branch moves back. revert: one commit takes all of them back. none: there is nothing to take back but state. */
  mode: 'reset' | 'revert' | 'none'
  /** Where a reset goes. */
  to: Oid
  /** What goes, newest first. */
  commits: RolledCommit[]
  /** Commits in between that stay: another flow's, or all of them where the code is kept. */
  kept: RolledCommit[]
  /** Paths that these commits changed, sorted. */
  files: string[]
  /** Leaves that become pending again: the target first, then by when they were started. */
  leaves: string[]
  /** The newest decomposition marker that a reset takes off the branch: it has to be made again, on top. */
  again: Marker | null
  /** The ref that keeps the present HEAD. */
  backup: string
  /** Eight hexadecimal digits; another one as soon as anything that the plan depends on is another. */
  token: string
}

/** What a rollback would do, or why it can't. */
export function planRollback(facts: RollbackFacts): RollbackPlan | Refusal {
  const leaf = facts.leaves.find(({ id }) => id === facts.target)
  const refusal = refuseLeaf(facts, leaf) ?? refusePlace(facts)
  if (refusal !== null) return refusal
  const { slug, target, branch, head, stateTip } = facts
  const base = leaf?.base ?? ''
  const { commits, from } = sinceLastRollback(facts, base)
  if (commits.length > 0 && !commits.some(({ parents }) => parents.includes(from))) return rewritten(facts, base)
  if (commits.length === 0 && from !== head) return rewritten(facts, base)

  const kept = commits.filter((commit) => facts.keepCode === true || isOfAnotherFlow(commit, slug))
  const going = commits.filter((commit) => !kept.includes(commit))
  const merge = going.find(({ parents }) => parents.length > 1)
  // Where a side branch comes in after an earlier rollback, the list does not tell what stands on which side of it.
  const isTangled = merge !== undefined && from !== base
  const isPublished = going.some(({ oid }) => (facts.published.get(oid) ?? []).length > 0)
  // What somebody else may have is never taken off a branch, and neither is another flow's work.
  const mode = commits.length === 0 ? 'none' : isPublished || kept.length > 0 || isTangled ? 'revert' : 'reset'
  if (mode === 'revert' && merge !== undefined) return refuseMerge(merge, facts)

  const roll = (commit: WorkCommit) => rolled(commit, facts.published)
  const markers = mode === 'reset' ? readMarkers(going) : []
  const plan: Omit<RollbackPlan, 'token' | 'backup'> = {
    slug,
    target,
    branch: branch ?? '',
    head,
    stateTip,
    mode,
    to: mode === 'reset' ? from : head,
    commits: going.map(roll).reverse(),
    kept: kept.map(roll).reverse(),
    files: [...new Set(going.flatMap(({ files }) => files.map(({ path }) => path)))].sort(),
    leaves: startedSince(facts.leaves, leaf?.order ?? 0),
    again: markers.filter((marker) => counts(marker) && marker.slug === slug && marker.leaf === null).at(-1) ?? null,
  }
  const backup = `refs/dstack-local/backup/${slug}/${compact(facts.now)}`
  return { ...plan, backup, token: facts.digest(JSON.stringify([base, plan])).slice(0, 8) }
}

function refuseLeaf({ slug, target, leaves }: RollbackFacts, leaf: RollbackLeaf | undefined): Refusal | null {
  if (leaf === undefined) {
    const known = leaves.map(({ id }) => id).join(', ')
    return no('NOT_FOUND', `There is no leaf ${target} in ${slug}.`, known === '' ? undefined : `There are: ${known}.`)
  }
  if (leaf.status === 'running' || leaf.status === 'sealed') {
    if (leaf.base !== null) return null
    return no('CORRUPT', `Nobody knows on which commit leaf ${target} was started.`, 'Run `git dstack flow recover`.')
  }
  return no('REFUSED', `Leaf ${target} is ${leaf.status}: there is nothing to take back.`)
}

function refusePlace({ slug, clean, branch, flowBranch }: RollbackFacts): Refusal | null {
  if (branch === null) return no('REFUSED', 'HEAD is on no branch.', `Run \`git switch ${flowBranch ?? '<branch>'}\`.`)
  if (flowBranch !== null && branch !== flowBranch) {
    return no('REFUSED', `HEAD is on ${branch}; ${slug} is on ${flowBranch}.`, `Run \`git switch ${flowBranch}\`.`)
  }
  if (clean) return null
  return no('NOT_CLEAN', 'The working tree has changes that are not committed.', 'Commit or stash them first.')
}

/** A rollback that was made on the branch, and whose state was never written, needs not be made again. */
function sinceLastRollback({ slug, target, commits }: RollbackFacts, base: Oid): { commits: WorkCommit[]; from: Oid } {
  const at = commits.findLastIndex((commit) => {
    const rollback = rollbackOf(commit)
    return rollback?.slug === slug && rollback.leaves.includes(target)
  })
  return { commits: commits.slice(at + 1), from: commits[at]?.oid ?? base }
}

function rewritten({ target, branch }: RollbackFacts, base: Oid): Refusal {
  return no(
    'REFUSED',
    `Leaf ${target} was started at ${short(base)}, which ${branch} does not hold any more: the branch was rewritten.`,
    'Look for that commit with `git reflog`, or rebuild the flow from what is there: `git dstack flow recover`.',
  )
}

function isOfAnotherFlow({ trailers }: WorkCommit, slug: string): boolean {
  const slugs = trailers['Dstack-Slug'] ?? []
  return slugs.length > 0 && !slugs.includes(slug)
}

function refuseMerge({ oid, subject }: WorkCommit, { published }: RollbackFacts): Refusal {
  const why = (published.get(oid) ?? []).length > 0 ? ` (${published.get(oid)?.join(', ')} holds it)` : ''
  return no(
    'REFUSED',
    `${short(oid)} "${subject}" is a merge${why}, and these commits can only be reverted: reverting a merge would say that its other side never comes again.`,
    'Take back by hand what has to go (`git help revert`), then repeat with --keep-code: only the flow goes back.',
  )
}

function startedSince(leaves: readonly RollbackLeaf[], order: number): string[] {
  const since = leaves.filter((leaf) => leaf.order >= order && (leaf.status === 'running' || leaf.status === 'sealed'))
  return since.sort((a, b) => a.order - b.order).map(({ id }) => id)
}

function rolled(commit: WorkCommit, published: RollbackFacts['published']): RolledCommit {
  const { oid, subject, author, seconds, files } = commit
  return { oid, subject, author, seconds, empty: files.length === 0, published: [...(published.get(oid) ?? [])] }
}

/** Both stages must see the same: null is a yes. */
export function confirm(plan: RollbackPlan, token: string | null): Refusal | null {
  if (token?.trim().toLowerCase() === plan.token) return null
  const again = `Look at the plan with \`git dstack flow rollback ${plan.target}\`, and confirm with the token that it ends with.`
  if (token === null) return no('REFUSED', 'Nothing was changed: a rollback needs the token of its plan.', again)
  return no(
    'REFUSED',
    `The token ${token} is not that of this plan: something changed since, or it is mistyped.`,
    again,
  )
}

/** The message of the commit that takes a leaf back. It voids the markers of these leaves, wherever the branch is read. */
export function rollbackMessage(plan: RollbackPlan): string {
  const { slug, target, leaves } = plan
  const commits = plan.commits.filter(({ empty }) => !empty)
  const list = commits.map(({ oid, subject }) => `- ${short(oid)} ${subject}\n`).join('')
  const voids = leaves.filter((leaf) => leaf !== target).map((leaf) => `Dstack-Voids: ${leaf}\n`)
  const trailers = `Dstack-Slug: ${slug}\nDstack-Event: rollback ${target}\n${voids.join('')}`
  return `Revert ${slug}/phase ${target}\n\n${list === '' ? '' : `Takes back:\n${list}\n`}${trailers}`
}

const short = (oid: Oid) => oid.slice(0, 12)

/** `20260101T120000Z`: fits into the name of a ref. */
function compact(now: Date): string {
  return now.toISOString().replace(/[-:]|\.\d+/g, '')
}

function no(refused: Refusal['refused'], message: string, hint?: string): Refusal {
  return { refused, message, ...(hint === undefined ? {} : { hint }) }
}
