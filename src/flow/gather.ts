// The facts that the machine asks for, read from the stores, the branch and the settings. Reads only; no network.

import { verdictOf } from '../gate/gate'
import { hashText, type WorkCommit } from '../git/git'
import { contractIssues, leafText, type PlanParts, partsFor } from '../plan/plan'
import type { LeafSpec, Task } from '../plan/schema'
import { covers } from '../store/glob'
import { evidenceOf, person, type Store, trackingTip } from '../store/store'
import { conditionsOf, type Signs } from './conditions'
import { asked, contextIn, pinnedLeaf } from './context'
import type { Facts, TaskFact, Verdict } from './facts'
import { budget, isReserved, type Marker, readMarkers } from './markers'
import { policyOf } from './policy'
import type { Relation } from './reading'
import type { Flow, State } from './schema'

/** What one look at everything gives: facts, and what a report shows beside them. */
export interface Gathered {
  facts: Facts
  /** Commits since the leaf began that are this flow's own, oldest first, with files; markers left out. */
  own: WorkCommit[]
  markers: Marker[]
  tasks: Task[]
  leaf: LeafSpec | null
  engine: string | null
}

export interface GatherOptions {
  slug: string
  flow: Flow | null
  relation: Relation
  /** This worktree holds the lease. */
  lease: boolean
  disabled: string | null
  /** What is broken in the state's chain, in sentences. */
  problems: readonly string[]
  abortAsked?: boolean
}

export function gather(store: Store, options: GatherOptions): Gathered {
  const { slug, flow, relation, lease, disabled } = options
  const { work } = store.repo
  const now = store.env.now().toISOString()
  const policy = policyOf(store)
  const head = work.head()
  const parts = partsFor(store, slug)
  const contract = contractFact(parts.contract, flow)
  const state = flow?.state ?? null
  const leafId = state?.leaf ?? null
  const leaf = leafId === null ? null : pinnedLeaf(flow, leafId)
  const stored = parts.tasks.filter((task) => task.leaf === leafId)
  const proved = verdicts(store, flow, stored, head.oid, parts.contract?.contract.acceptance ?? [])
  const tasks = stored.map((task) => taskFact(task, proved.tasks.get(task.id) ?? 'absent'))
  const log = since(store, state?.start ?? null, head.oid)
  const markers = readAllMarkers(store, state, log)
  const base = leafId === null ? null : (state?.leaves[leafId]?.base ?? null)
  const commits = base === null ? [] : commitsAfter(log, base)
  const own = commits.filter((commit) => isOwn(commit, slug))
  const engine = leaf === null ? null : (leaf.engine ?? policy.engine)
  const changed = work.changes().length > 0
  const unmerged = changed ? work.unmerged() : []
  const signs: Signs = {
    now,
    policy,
    abortAsked: options.abortAsked ?? false,
    disabled,
    engine,
    lastSign: lastSign(own),
    tasks,
    gateRuns: [],
    trees: own.filter(({ seconds }) => seconds >= runSince(state)).map(({ tree }) => tree),
    drift: state === null ? [] : drift(state, contract, leaf, own),
    integrity: [...options.problems, ...integrity(store, state, head, log, markers, unmerged)],
  }
  const companion = companionFact(parts.companion, leafId, own)
  const facts: Facts = {
    now,
    who: person(store).by,
    optedIn: store.repo.config.flag('dstack.enabled', false),
    disabled,
    slugFree: relation === 'none' && flow === null,
    policy,
    contract,
    head: { ...head, clean: !changed && work.inProgress() === null, unmerged },
    lease,
    conditions: flow === null ? [] : conditionsOf(flow, signs),
    plan: null,
    tasks,
    // The gate on HEAD runs the predicates of the leaf, and between leaves those of the whole contract.
    leafPredicates: proved.head,
    contractPredicates: contract !== null && contract.parsed.acceptance.length === 0 ? 'green' : proved.head,
    gate: proved.head,
    companion,
    approvalHere: approvalHere(state, markers),
    budget: leafId === null ? { plan: 0, complete: 0 } : budget(markers, slug, leafId),
    remote: relation,
  }
  return { facts, own, markers, tasks: stored, leaf, engine }
}

/** Seconds since 1970: what happened before a person resumed was seen by them. */
function runSince(state: State | null): number {
  return state === null ? 0 : Math.floor(Date.parse(state.clocks.run) / 1000)
}

/** Commits from..head with files, oldest first; none where `from` is not an ancestor (another branch, not fetched yet). */
function since(store: Store, from: string | null, head: string | null): WorkCommit[] {
  if (from === null || head === null || from === head || !store.repo.has(from)) return []
  const commits = store.repo.work.commits({ from, to: head }, { files: true })
  return commits.some(({ parents }) => parents.includes(from)) ? commits : []
}

/** Those of the commits that `base` does not reach: all of them when it is what they begin from. */
function commitsAfter(log: readonly WorkCommit[], base: string): WorkCommit[] {
  const byOid = new Map(log.map((commit) => [commit.oid, commit]))
  const before = new Set([base])
  for (const oid of before) for (const parent of byOid.get(oid)?.parents ?? []) before.add(parent)
  return log.filter(({ oid }) => !before.has(oid))
}

/** What the gate has said of the last commit of each task that is done, and of HEAD. Nothing is run. */
function verdicts(
  store: Store,
  flow: Flow | null,
  tasks: readonly Task[],
  head: string | null,
  whole: readonly string[],
): { tasks: Map<string, Verdict>; head: Verdict } {
  const found = new Map<string, Verdict>()
  const ref = 'refs/notes/dstack/gate'
  if (flow === null || head === null || (store.repo.tip(ref) ?? trackingTip(store, ref)) === null) {
    return { tasks: found, head: 'absent' }
  }
  const context = contextIn(flow, null, whole)
  for (const task of tasks) {
    const last = task.commits.at(-1)
    if (task.status !== 'done' || last === undefined) continue
    found.set(task.id, taskVerdict(store, flow, task, last))
  }
  return { tasks: found, head: verdictOf(store, [head], () => context).get(head) ?? 'absent' }
}

/** What the gate has said of a commit of a task. */
export function taskVerdict(store: Store, flow: Flow, task: Task, commit: string): Verdict {
  const { leaf, slug } = contextIn(flow, null, [])
  return verdictOf(store, [commit], () => ({ slug, leaf, task: asked(task) })).get(commit) ?? 'absent'
}

function contractFact(doc: PlanParts['contract'], flow: Flow | null): Facts['contract'] {
  if (doc === null) return null
  const parsed = doc.contract
  const issues = contractIssues(parsed)
  const hash = hashText(doc.text)
  const specs = new Map(
    parsed.leaves.map((leaf) => {
      const text = leafText(leaf)
      return [leaf.id, { text, hash: hashText(text) }]
    }),
  )
  const reviewed = [...(flow?.reviews.values() ?? [])].some(
    (review) => review.leaf === CONTRACT_LEAF && review.of === hash && !review.findings.some(isOpenP1),
  )
  return { text: doc.text, hash, parsed, issues, reviewed, specs }
}

/** Reviews of the whole contract are stored under this leaf, which no contract can have. */
export const CONTRACT_LEAF = '0.0'

const isOpenP1 = ({ severity, status }: { severity: string; status: string }) => severity === 'P1' && status === 'open'

function taskFact(task: Task, verdict: Verdict): TaskFact {
  return {
    id: task.id,
    status: task.status,
    verdict,
    failures: task.failures ?? 0,
    engine: task.engine ?? null,
  }
}

/** Markers that stand on the branch, or as notes where the host takes no empty commits. */
function readAllMarkers(store: Store, state: State | null, log: readonly WorkCommit[]): Marker[] {
  const onBranch = readMarkers(log)
  if (state?.markers !== 'notes') return onBranch
  const noted = log.flatMap((commit): Marker[] =>
    evidenceOf(store, 'flow', commit.oid).flatMap((line): Marker[] => {
      if (line.t !== 'marker' || line.slug !== state.slug || typeof line.event !== 'string') return []
      return [
        {
          oid: commit.oid,
          parent: commit.parents[0] ?? null,
          slug: state.slug,
          event: line.event as Marker['event'],
          leaf: typeof line.leaf === 'string' ? line.leaf : null,
          state: String(line.state),
          leaves: null,
          seconds: commit.seconds,
          voided: voidedLater(log, commit, state.slug, typeof line.leaf === 'string' ? line.leaf : null),
          forged: false,
          why: null,
        },
      ]
    }),
  )
  return [...onBranch, ...noted]
}

function voidedLater(log: readonly WorkCommit[], at: WorkCommit, slug: string, leaf: string | null): boolean {
  if (leaf === null) return false
  return log.slice(log.indexOf(at) + 1).some(({ trailers }) => {
    const events = trailers['Dstack-Event'] ?? []
    const leaves = [
      ...events.flatMap((event) => /^rollback (.+)$/.exec(event)?.[1] ?? []),
      ...(trailers['Dstack-Voids'] ?? []),
    ]
    return (trailers['Dstack-Slug'] ?? []).includes(slug) && leaves.includes(leaf)
  })
}

/** Another flow's commits on the same branch, and markers, are not this leaf's work. */
function isOwn(commit: WorkCommit, slug: string): boolean {
  const slugs = commit.trailers['Dstack-Slug'] ?? []
  return (
    commit.files.length > 0 &&
    commit.parents.length < 2 &&
    isReserved(commit.subject) === null &&
    (slugs.length === 0 || slugs.includes(slug))
  )
}

function lastSign(own: readonly WorkCommit[]): string | null {
  const last = own.at(-1)
  return last === undefined ? null : new Date(last.seconds * 1000).toISOString()
}

/** A10: the contract says something else than what was approved, or work went beyond the scope. */
function drift(state: State, contract: Facts['contract'], leaf: LeafSpec | null, own: readonly WorkCommit[]): string[] {
  if (state.step === 'Decomposing') return []
  const found: string[] = []
  if (contract !== null && contract.hash !== state.contract) {
    for (const [id, pinned] of Object.entries(state.leaves)) {
      if (pinned.status === 'dropped' || contract.specs.get(id)?.hash === pinned.spec) continue
      found.push(`the contract of leaf ${id} was changed without an amendment.`)
    }
  }
  if (leaf !== null && (state.leaves[leaf.id]?.amended.length ?? 0) === 0) {
    const outside = own
      .flatMap(({ files }) => files.map(({ path }) => path))
      .filter(
        (path) =>
          !leaf.in_scope.some((glob) => covers(glob, path)) || leaf.out_of_scope.some((glob) => covers(glob, path)),
      )
    if (outside.length > 0) found.push(`${[...new Set(outside)].join(', ')} lies outside the scope of leaf ${leaf.id}.`)
  }
  return found
}

/** A11: what no run of the machine leaves behind. */
function integrity(
  store: Store,
  state: State | null,
  head: { oid: string | null; branch: string | null },
  log: readonly WorkCommit[],
  markers: readonly Marker[],
  unmerged: readonly string[],
): string[] {
  if (state === null || state.step === 'Decomposing') return []
  const { work } = store.repo
  const found: string[] = []
  if (unmerged.length > 0) found.push(`unmerged paths: ${unmerged.join(', ')}.`)
  // Another branch is checked out: nothing is known of this one then.
  if ((state.branch !== null && head.branch !== state.branch) || head.oid === null) return found
  for (const [id, { base, status }] of Object.entries(state.leaves)) {
    if (status !== 'running' || base === null || base === state.start || log.some(({ oid }) => oid === base)) continue
    // Not fetched yet, or only behind: no harm is done.
    if (!store.repo.has(base) || work.isAncestor(base, head.oid) || work.isAncestor(head.oid, base)) continue
    found.push(`${state.branch} was rewritten below the start of leaf ${id}.`)
  }
  for (const id of Object.keys(state.leaves)) {
    const { plan, complete } = budget(markers, state.slug, id)
    if (plan > 1 || complete > 1) found.push(`leaf ${id} has ${plan + complete} markers; two are allowed.`)
  }
  for (const { slug, oid, why } of markers.filter(({ forged, slug: of }) => forged && of === state.slug)) {
    found.push(`${oid.slice(0, 7)} looks like a marker of ${slug} and is none: ${why}.`)
  }
  return found
}

/** The newest approval's marker is on this branch: who has only fetched the state has to get the code, too. */
function approvalHere(state: State | null, markers: readonly Marker[]): boolean {
  if (state === null || state.approvals === 0) return false
  const wanted = state.approvals > 1 ? 'amend' : 'approve'
  return markers.some(({ slug, event, forged }) => slug === state.slug && event === wanted && !forged)
}

function companionFact(
  companion: PlanParts['companion'],
  leaf: string | null,
  own: readonly WorkCommit[],
): Facts['companion'] {
  if (companion === null) return { exists: false, fresh: false }
  const last = own.at(-1)
  if (leaf === null || last === undefined) return { exists: true, fresh: true }
  const told = companion.phases.some(({ id }) => id === leaf)
  return { exists: true, fresh: told && Date.parse(companion.at) >= last.seconds * 1000 }
}
