// Recovery: what the branch alone tells of a flow, when its ref is lost or can't be believed.

import type { Refusal } from '../errors'
import type { Oid } from '../git/git'
import { counts, type Marker, type MarkerLeaf } from './markers'

export interface RecoveredLeaf extends MarkerLeaf {
  status: 'pending' | 'running' | 'sealed'
  /** What its plan was approved on; null while it is pending. */
  base: Oid | null
  /** Position in which leaves were started, from 1; 0: not yet. */
  order: number
}

/** Something in the markers that no run of the flow leaves behind. */
export interface MarkerProblem {
  rule: 'forged' | 'budget' | 'order' | 'unknown-leaf'
  leaf: string | null
  /** The marker that shows it. */
  oid: Oid
  message: string
}

export interface Recovered {
  slug: string
  /** What the first decomposition marker stands on: the branch before the flow. */
  base: Oid | null
  /** The newest marker that lists the leaves. */
  contract: { oid: Oid; state: Oid | null; amendments: number }
  /** In the order of the contract. */
  leaves: RecoveredLeaf[]
  /** The leaf whose plan is approved, and which is not complete. */
  running: string | null
  /** The newest marker that counts, and the commit of the flow's ref that it names. */
  last: { oid: Oid; state: Oid | null; seconds: number }
  /** When the first marker was made; seconds since 1970. */
  since: number
  problems: MarkerProblem[]
}

/** Rebuilds what is known of a flow from the markers on its branch. Refused when these don't tell the contract. */
export function recoverState(markers: readonly Marker[], slug: string): Recovered | Refusal {
  const own = markers.filter((marker) => marker.slug === slug)
  const live = own.filter(counts)
  const contract = live.filter(({ leaf }) => leaf === null).at(-1)
  const [first] = live
  const last = live.at(-1)
  if (first === undefined || last === undefined || contract === undefined || (contract.leaves ?? []).length === 0) {
    return {
      refused: 'NOT_FOUND',
      message: `This branch has no marker that lists the leaves of ${slug}.`,
      hint: 'Check out the branch that the flow ran on; in a shallow clone, `git fetch --unshallow` first.',
    }
  }
  const problems = own.filter(({ forged }) => forged).map(forgery)
  const started = walk(live, problems)
  const leaves = (contract.leaves ?? []).map((leaf): RecoveredLeaf => {
    const { base, order, sealed } = started.get(leaf.id) ?? { base: null, order: 0, sealed: false }
    return { ...leaf, base, order, status: sealed ? 'sealed' : order > 0 ? 'running' : 'pending' }
  })
  for (const [id, { marker }] of started) {
    if (leaves.some((leaf) => leaf.id === id)) continue
    problems.push(problem('unknown-leaf', marker, `Leaf ${id} has markers, and the contract does not know it.`))
  }
  const running = leaves.filter(({ status }) => status === 'running').sort((a, b) => a.order - b.order)
  return {
    slug,
    base: first.parent,
    contract: {
      oid: contract.oid,
      state: contract.state,
      amendments: live.filter(({ event }) => event === 'amend').length,
    },
    leaves,
    running: running.at(-1)?.id ?? null,
    last: { oid: last.oid, state: last.state, seconds: last.seconds },
    since: first.seconds,
    problems,
  }
}

interface Started {
  marker: Marker
  base: Oid | null
  order: number
  sealed: boolean
}

/** Goes through the markers that count, in their order; says what can't be. */
function walk(live: readonly Marker[], problems: MarkerProblem[]): Map<string, Started> {
  const started = new Map<string, Started>()
  let needs: ReadonlyMap<string, readonly string[]> | null = null
  const seen = new Set<string>()
  for (const marker of live) {
    const { leaf, event } = marker
    if (leaf === null) {
      needs = new Map((marker.leaves ?? []).map((listed) => [listed.id, listed.needs]))
      continue
    }
    const say = (rule: MarkerProblem['rule'], message: string) => problems.push(problem(rule, marker, message))
    if (needs === null) say('order', `Leaf ${leaf} has a marker before the first approved decomposition.`)
    const again = seen.has(`${event} ${leaf}`)
    seen.add(`${event} ${leaf}`)
    if (again) {
      say('budget', `Leaf ${leaf} has more than one marker "${event}": one of each is all that a leaf gets.`)
      continue
    }
    const known = started.get(leaf)
    if (event === 'complete') {
      if (known === undefined) say('order', `Leaf ${leaf} is complete, and its plan was never approved.`)
      started.set(leaf, { ...(known ?? { marker, base: marker.parent, order: started.size + 1 }), sealed: true })
      continue
    }
    for (const [id, other] of started) {
      if (!other.sealed && id !== leaf) say('order', `Leaf ${leaf} was started while ${id} was running.`)
    }
    const open = (needs?.get(leaf) ?? []).filter((need) => started.get(need)?.sealed !== true)
    if (open.length > 0) say('order', `Leaf ${leaf} was started before ${open.join(', ')}, which it needs.`)
    // Complete came first, which was said then.
    if (known === undefined) started.set(leaf, { marker, base: marker.parent, order: started.size + 1, sealed: false })
  }
  return started
}

function problem(rule: MarkerProblem['rule'], { leaf, oid }: Marker, message: string): MarkerProblem {
  return { rule, leaf, oid, message }
}

function forgery(marker: Marker): MarkerProblem {
  const what = `The commit ${marker.oid.slice(0, 12)} has the subject of a marker and is none: ${marker.why}.`
  return problem('forged', marker, what)
}
