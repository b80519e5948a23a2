// Going back and starting over: rollback of leaves, recovery of a lost state, a leaf that was done by hand.

import { isRefusal, type Refusal } from '../errors'
import { hashText } from '../git/git'
import { addCompanion, contractOf, leafText, setTask, tasksOf } from '../plan/plan'
import { readChain, type Store } from '../store/store'
import { decodeFlow } from './codec'
import { markerMessage, readMarkers } from './markers'
import { type Actor, type Held, hold, type Moved, notHeldOn, writeOperation } from './moving'
import { markedDone, recovered, rollbackRefusal, rolledBack } from './operations'
import { placeOf, type Standing } from './reading'
import { type Recovered, recoverState } from './recover'
import { confirm, planRollback, type RollbackPlan, rollbackMessage } from './rollback'
import type { Flow, State } from './schema'
import { refresh, settle, writeFlow } from './writing'

// --- rollback -------------------------------------------------------------------------------------------------------

export interface Rolled {
  plan: RollbackPlan
  /** Null: only planned; nothing has changed. */
  done: Moved | null
}

export interface RollbackInput {
  leaf: string
  /** The token of the plan that was shown. Absent: only plan. */
  token?: string
  keepCode?: boolean
}

/** First the plan with its token; with the token: backup, code, then state, each forward. */
export async function rollback(
  store: Store,
  slug: string,
  actor: Actor,
  input: RollbackInput,
): Promise<Rolled | Refusal> {
  const held = await hold(store, slug, actor, () => input.token !== undefined, 'rollback')
  if (isRefusal(held)) return held
  const done = await rollingBack(store, actor, held, input)
  return isRefusal(done) ? notHeldOn(store, held, done) : done
}

async function rollingBack(store: Store, actor: Actor, held: Held, input: RollbackInput): Promise<Rolled | Refusal> {
  const { standing, gathered } = held
  const { slug } = standing
  const { state } = standing.flow
  const refusal = rollbackRefusal(standing.flow)
  if (refusal !== null) return refusal
  const { work } = store.repo
  const head = gathered.facts.head.oid
  const base = state.leaves[input.leaf]?.base ?? null
  const reachable = base !== null && head !== null && work.isAncestor(base, head)
  const commits = reachable ? work.commits({ from: base, to: head }, { files: true }) : []
  const plan = planRollback({
    slug,
    target: input.leaf,
    leaves: Object.entries(state.leaves).map(([id, leaf]) => ({ id, ...leaf })),
    commits,
    published: work.publishedIn(commits.map(({ oid }) => oid)),
    head: head ?? '',
    clean: gathered.facts.head.clean,
    branch: gathered.facts.head.branch,
    flowBranch: state.branch,
    stateTip: standing.tip,
    ...(input.keepCode === undefined ? {} : { keepCode: input.keepCode }),
    now: store.env.now(),
    digest: hashText,
  })
  if (isRefusal(plan) || input.token === undefined) return isRefusal(plan) ? plan : { plan, done: null }
  if (actor.kind === 'engine') {
    return {
      refused: 'REFUSED',
      message: 'A person confirms a rollback, not an agent.',
      hint: 'Run it in a terminal of your own.',
    }
  }
  const wrong = confirm(plan, input.token)
  if (wrong !== null) return wrong
  const stopped = takeBack(store, plan)
  if (stopped !== null) return stopped
  const back = rolledBack(standing.flow, plan.leaves)
  const done = await writeOperation(store, held, actor, `rollback ${input.leaf}`, back, plan.mode)
  if (isRefusal(done)) return done
  const { flow: _flow, ...moved } = done
  return { plan, done: { ...moved, warnings: [...moved.warnings, ...resetTasks(store, slug, plan)] } }
}

/** The branch: never what somebody else may have. Null: done. */
function takeBack(store: Store, plan: RollbackPlan): Refusal | null {
  const { work } = store.repo
  const { mode, head, branch, slug, again } = plan
  if (mode === 'none') return null
  work.backup(plan.backup, head)
  if (mode === 'reset') {
    const refused = work.reset(plan.to, head)
    if (refused !== null || again === null || again.state === null) return refused
    const event = again.event === 'amend' ? ('amend' as const) : ('approve' as const)
    const message = markerMessage({ slug, state: again.state, event, leaves: again.leaves ?? [] })
    return work.mark(message, { branch, expect: plan.to }) === null ? movedMeanwhile(branch) : null
  }
  const message = rollbackMessage(plan)
  const going = plan.commits.filter(({ empty }) => !empty).map(({ oid }) => oid)
  const spot = { branch, expect: head }
  // Only markers to void: the commit that says so is empty itself.
  if (going.length === 0) return work.mark(message, spot) === null ? movedMeanwhile(branch) : null
  const done = work.revert(going, message, spot)
  if (typeof done === 'string') return null
  if (isRefusal(done)) return done
  return {
    refused: 'CONFLICT',
    message: `These files were changed again since: ${done.conflict.join(', ')}.`,
    hint: 'Take back by hand what has to go (`git help revert`), then repeat with --keep-code.',
    data: { conflict: done.conflict },
  }
}

function movedMeanwhile(branch: string): Refusal {
  return { refused: 'CONTENDED', message: `${branch} has moved on meanwhile.`, hint: 'Plan it again.' }
}

/** Tasks of these leaves are to be done again, and the companion says why. */
function resetTasks(store: Store, slug: string, { leaves, target }: RollbackPlan): string[] {
  const warnings: string[] = []
  for (const leaf of leaves) {
    for (const { id, status } of tasksOf(store, slug, leaf)) {
      if (status === 'pending') continue
      const change = { status: 'pending' as const, commits: [], evidence: [], attempts: 0, failures: 0 }
      const done = setTask(store, slug, id, change, `${id} rolled back`)
      if (isRefusal(done)) warnings.push(done.message)
    }
    const told = addCompanion(store, slug, {
      phase: leaf,
      status: 'PENDING',
      details: `Rolled back to the start of ${target}.`,
    })
    if (isRefusal(told)) warnings.push(told.message)
  }
  return warnings
}

// --- recovery -------------------------------------------------------------------------------------------------------

export interface Recovery extends Moved {
  leaves: { id: string; title: string; status: string }[]
  problems: string[]
}

/** Rebuilds the state from the branch's markers; or, with `remote`, takes the remote's line instead of a diverged one here. */
export async function recoverFlow(
  store: Store,
  slug: string,
  actor: Actor,
  options: { remote?: boolean } = {},
): Promise<Recovery | Refusal> {
  await refresh(store)
  settle(store)
  const place = placeOf(store, slug)
  if (options.remote === true) return takeRemote(store, slug)
  const { work } = store.repo
  const { oid, branch } = work.head()
  if (oid === null || branch === null) {
    return {
      refused: 'REFUSED',
      message: 'HEAD is on no branch with a commit.',
      hint: 'Check out the branch that the flow ran on.',
    }
  }
  const found = recoverState(readMarkers(work.commits({ from: null, to: oid })), slug)
  if (isRefusal(found)) return found
  const former = formerFlow(store, found, place.tip)
  const at = { branch, now: store.env.now().toISOString(), rev: former?.state.rev ?? found.leaves.length }
  const flow = withContract(store, slug, recovered(found, former, at))
  const from = former === null ? 'NotStarted' : former.state.step
  const entry = {
    rev: flow.state.rev,
    event: 'recover',
    from,
    to: 'Paused',
    leaf: flow.state.leaf,
    actor: actor.kind,
    key: null,
    cause: null,
  }
  const written = await writeFlow(store, {
    slug,
    from: place.tip,
    flow,
    entry,
    what: 'recover',
    effects: [{ kind: 'release' }],
  })
  if (isRefusal(written)) return written
  return {
    ...written,
    slug,
    event: 'recover',
    trigger: 'recover',
    from,
    to: 'Paused',
    leaf: flow.state.leaf,
    condition: null,
    leaves: Object.entries(flow.state.leaves).map(([id, { title, status }]) => ({ id, title, status })),
    problems: found.problems.map(({ message }) => message),
  }
}

/** The newest state that can still be read: where the ref stands, or the commit that the last marker names. */
function formerFlow(store: Store, found: Recovered, tip: string | null): Flow | null {
  for (const commit of [tip, found.last.state, found.contract.state]) {
    if (commit === null || !store.repo.has(commit)) continue
    const chain = readChain(store, '', commit)
    const flow = chain === null ? { broken: '' } : decodeFlow(chain.files)
    if (!('broken' in flow) && flow.state.slug === found.slug) return flow
  }
  return null
}

/** What the markers can't tell comes from the contract in the plans, where it has these leaves. */
function withContract(store: Store, slug: string, flow: Flow): Flow {
  const { state } = flow
  if (Object.values(state.leaves).every(({ spec }) => spec !== '') && state.contract !== null) return flow
  const doc = contractOf(store, slug)
  const specs = new Map(flow.specs)
  const leaves: State['leaves'] = { ...state.leaves }
  for (const leaf of doc?.contract.leaves ?? []) {
    const known = leaves[leaf.id]
    if (known === undefined || known.spec !== '') continue
    const text = leafText(leaf)
    specs.set(leaf.id, text)
    leaves[leaf.id] = { ...known, spec: hashText(text) }
  }
  const contract = state.contract ?? (doc === null ? null : hashText(doc.text))
  return { ...flow, specs, contract: flow.contract || (doc?.text ?? ''), state: { ...state, contract, leaves } }
}

function takeRemote(store: Store, slug: string): Recovery | Refusal {
  const place = placeOf(store, slug)
  const { repo } = store
  if (place.tracked === null) {
    return {
      refused: 'NOT_FOUND',
      message: `The remote has no flow "${slug}".`,
      hint: 'Rebuild it from the branch: leave out --remote.',
    }
  }
  if (place.local !== null && place.local !== place.tracked) {
    const time = store.env
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')
    repo.work.backup(`refs/dstack-local/backup/${slug}/state-${time}`, place.local)
    repo.move(place.ref, place.tracked, place.local, 'flow: the remote has the line that counts')
  }
  const chain = readChain(store, place.ref, place.tracked)
  const flow = decodeFlow(chain?.files ?? new Map())
  if ('broken' in flow) {
    return {
      refused: 'CORRUPT',
      message: `The remote's state of ${slug} can't be used: ${flow.broken}.`,
      hint: 'Rebuild it from the branch: leave out --remote.',
    }
  }
  const { step, leaf, leaves } = flow.state
  return {
    tip: place.tracked,
    sent: true,
    warnings: [],
    slug,
    event: 'recover',
    trigger: 'recover',
    from: step,
    to: step,
    leaf,
    condition: null,
    leaves: Object.entries(leaves).map(([id, { title, status }]) => ({ id, title, status })),
    problems: [],
  }
}

// --- by hand --------------------------------------------------------------------------------------------------------

/** A leaf that was done outside of the flow: sealed on a person's word, with its marker. */
export async function markDone(store: Store, slug: string, actor: Actor, leaf: string): Promise<Moved | Refusal> {
  const held = await hold(store, slug, actor, () => false, 'mark-done')
  if (isRefusal(held)) return held
  const problem = refuseByHand(held, actor)
  if (problem !== null) return problem
  const flow = markedDone(held.standing.flow, leaf, held.gathered.facts.head.oid)
  if (isRefusal(flow)) return flow
  const done = await writeByHand(store, held.standing, actor, flow, leaf)
  return isRefusal(done) ? done : { ...done, warnings: [...held.warnings, ...done.warnings] }
}

function refuseByHand({ standing, gathered }: Held, actor: Actor): Refusal | null {
  const { head } = gathered.facts
  const { branch } = standing.flow.state
  if (actor.kind === 'engine') {
    return {
      refused: 'REFUSED',
      message: 'A person says that a leaf is done, not an agent.',
      hint: 'Run it in a terminal of your own.',
    }
  }
  if (!head.clean) {
    return {
      refused: 'NOT_CLEAN',
      message: 'The working tree has changes that are not committed.',
      hint: 'Commit or stash them first.',
    }
  }
  if (branch !== null && head.branch !== branch) {
    return {
      refused: 'REFUSED',
      message: `HEAD is not on ${branch}, where the markers stand.`,
      hint: `Run \`git switch ${branch}\`.`,
    }
  }
  return null
}

async function writeByHand(
  store: Store,
  standing: Standing,
  actor: Actor,
  flow: Flow,
  leaf: string,
): Promise<Moved | Refusal> {
  const { slug, tip } = standing
  const from = standing.flow.state.step
  const to = flow.state.step
  const entry = {
    rev: flow.state.rev,
    event: `mark-done ${leaf}`,
    from,
    to,
    leaf,
    actor: actor.kind,
    key: null,
    cause: null,
  }
  const effects = [
    { kind: 'companion' as const, leaf },
    { kind: 'marker' as const, event: 'complete' as const, leaf, again: false },
    { kind: 'release' as const },
  ]
  const written = await writeFlow(store, { slug, from: tip, flow, entry, what: 'mark-done', effects })
  if (isRefusal(written)) return written
  return { ...written, slug, event: 'mark-done', trigger: 'mark-done', from, to, leaf, condition: null }
}
