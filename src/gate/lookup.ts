// Verdicts that are there already: looked up, judged, and put where later questions find them. Runs no check.

import type { Refusal } from '../errors'
import { hashText, type Oid } from '../git/git'
import { settingOf } from '../settings/settings'
import { attest, evidenceOfAll, noteTarget, person, type Store, trackingTip } from '../store/store'
import { patchBetween, todoCheck } from './added'
import { type CommitFacts, commitsAt, emptyTree, type GateContext, NO_CONTEXT, prefixOf } from './subject'
import { type GateLine, judge, type PatchIds, readGateLine, type Verdict } from './verdict'
import { wantedFor } from './wanted'

/** Name of the notes ref: refs/notes/dstack/gate. */
export const NOTES = 'gate'

export interface VerdictRequest {
  tree: Oid
  /** Null: a tree that no commit has yet; its change begins at HEAD. */
  commit: CommitFacts | null
  context: GateContext
}

/** What each of these is worth now. A few processes for all of them; `tips`: notes that a push is just bringing. */
export function verdictsFor(store: Store, requests: readonly VerdictRequest[], tips: readonly Oid[] = []): Verdict[] {
  const wanted = wantedFor(store, requests)
  const targets = requests.flatMap(({ tree, commit }) => (commit === null ? [tree] : [tree, commit.oid]))
  const notes = evidenceOfAll(store, NOTES, targets, tips)
  const counts = whoCounts(store)
  const head = requests.some(({ commit }) => commit === null) ? store.repo.work.head().oid : null
  return requests.map(({ tree, commit, context }, i) => {
    const found = [...(notes.get(tree) ?? []), ...(commit === null ? [] : (notes.get(commit.oid) ?? []))]
    const lines = new Map(found.flatMap((line) => readGateLine(line) ?? []).map((line) => [line.id, line]))
    const own = wanted[i]
    if (own === undefined || lines.size === 0)
      return { validity: 'none', green: false, passed: false, line: null, why: [] }
    const anchor = commit === null ? head : (commit.parents[0] ?? null)
    const prefix = prefixOf(context)
    return judge([...lines.values()].filter(counts), {
      tree,
      commit,
      wanted: own,
      leafBase: context.leaf?.base ?? null,
      rule: context.task === null || prefix === null ? null : { prefix, task: context.task.id },
      // From nothing on is all of it.
      baseFits: (base) =>
        base === null || (anchor !== null && (base === anchor || store.repo.work.isAncestor(base, anchor))),
      patch: () => (commit === null ? null : patchOf(store, commit)),
    })
  })
}

export function verdictFor(store: Store, request: VerdictRequest): Verdict {
  const [verdict] = verdictsFor(store, [request])
  return verdict ?? { validity: 'none', green: false, passed: false, line: null, why: [] }
}

/** Setting gate.accept. */
function whoCounts(store: Store): (line: GateLine) => boolean {
  if (settingOf(store, 'gate.accept').value !== 'own') return () => true
  const { by } = person(store)
  return (line) => line.by === by
}

/** Green only on the very tree that was tested, by today's definitions; red likewise; anything else is absent. */
export function verdictOf(
  store: Store,
  commits: readonly Oid[],
  contextOf: (commit: CommitFacts) => GateContext = () => NO_CONTEXT,
): Map<Oid, 'green' | 'red' | 'absent'> {
  const found = commitsAt(store, commits)
  const requests = found.map((commit) => ({ tree: commit.tree, commit, context: contextOf(commit) }))
  const verdicts = requests.length === 0 ? [] : verdictsFor(store, requests)
  const known = new Map(
    found.map(({ oid }, i) => {
      const verdict = verdicts[i]
      return [oid, verdict?.validity !== 'valid' ? 'absent' : verdict.green ? 'green' : 'red'] as const
    }),
  )
  return new Map(commits.map((oid) => [oid, known.get(oid) ?? 'absent']))
}

/** What a strict pre-commit asks: a look-up, no check runs. */
export function mayCommit(
  store: Store,
  tree: Oid,
  context: GateContext = NO_CONTEXT,
): { ok: true; line: GateLine } | Refusal {
  const { validity, green, line, why } = verdictFor(store, { tree, commit: null, context })
  if (green && line !== null) return { ok: true, line }
  const said =
    validity === 'none'
      ? 'Nothing was checked of what is staged.'
      : validity === 'valid'
        ? `What is staged did not pass: ${why.join(' ')}`
        : `What is staged was checked otherwise: ${why.join(' ')}`
  return {
    refused: 'REFUSED',
    message: said,
    hint: 'Run `git dstack gate run --staged`, then commit again.',
    data: { tree, validity, why },
  }
}

// --- writing --------------------------------------------------------------------------------------------------------

/** Notes a line of an object, the same line wherever it stands. Gives it with its id. */
export function note(store: Store, target: Oid, { id: _id, ...facts }: GateLine): GateLine {
  const { id } = attest(store, NOTES, target, facts as Parameters<typeof attest>[3])
  return { ...facts, id }
}

/** After a commit: the verdict of its tree, with the commit and its patch ids. Null when the tree has none. */
export function copyToCommit(store: Store, commit: Oid): GateLine | null {
  const [facts] = commitsAt(store, [commit])
  if (facts === undefined) return null
  const notes = evidenceOfAll(store, NOTES, [facts.tree, commit])
  const lines = (target: Oid) =>
    (notes.get(target) ?? []).flatMap((line) => readGateLine(line) ?? []).filter(({ tree }) => tree === facts.tree)
  const [line] = lines(facts.tree).sort((a, b) => (a.at < b.at ? 1 : -1))
  if (line === undefined) return null
  if (lines(commit).some(({ at, tree }) => at === line.at && tree === line.tree)) return line
  const ids = patchOf(store, facts)
  const copy = { ...rebased(store, line, facts), commit, patch: ids?.patch ?? null, lines: ids?.lines ?? null }
  return note(store, commit, copy)
}

/**
 * An amended commit begins at its parent, not at the commit that it replaced: what is left undone is looked at anew from there,
 * which needs no command. What else was asked from the other base stays as it is, and does not count then.
 */
function rebased(store: Store, line: GateLine, commit: CommitFacts): GateLine {
  const parent = commit.parents[0] ?? null
  const fits =
    line.base === null || (parent !== null && (line.base === parent || store.repo.work.isAncestor(line.base, parent)))
  if (fits || line.checks.some(({ id, inputs }) => id !== 'todo' && inputs.includes('base'))) return line
  const patch = patchBetween(store.repo, parent ?? emptyTree(store), commit.tree)
  const checks = line.checks.map((check) => (check.id === 'todo' ? { ...check, ...todoCheck(patch) } : check))
  return { ...line, base: parent, checks }
}

/**
 * After an amend or a rebase: lines of the former commits go along to the new ones where tree or patch is the same. What they are
 * worth there is computed: on another tree they are only carried. Gives the new commits that got one.
 */
export function carryOver(store: Store, rewritten: readonly { from: Oid; to: Oid }[]): Oid[] {
  const notes = evidenceOfAll(
    store,
    NOTES,
    rewritten.map(({ from }) => from),
  )
  const facts = new Map(commitsAt(store, [...new Set(rewritten.map(({ to }) => to))]).map((one) => [one.oid, one]))
  const got = new Set<Oid>()
  for (const { from, to } of rewritten) {
    const commit = facts.get(to)
    const lines = (notes.get(from) ?? []).flatMap((line) => readGateLine(line) ?? [])
    if (commit === undefined || lines.length === 0) continue
    const ids = lines.some(({ tree }) => tree !== commit.tree) ? patchOf(store, commit) : null
    for (const line of lines) {
      const same = line.tree === commit.tree || (ids !== null && line.patch === ids.patch && line.lines === ids.lines)
      if (!same) continue
      note(store, to, line)
      got.add(to)
    }
  }
  return [...got]
}

/** Null for a commit that changes nothing, or files that git takes for binary: their patch id says too little. */
export function patchOf(store: Store, commit: CommitFacts): PatchIds | null {
  const [parent] = commitsAt(store, commit.parents.slice(0, 1))
  if (parent === undefined && commit.parents.length > 0) return null
  const plain = ['-r', '-p', '--no-renames', '--no-ext-diff', '--no-textconv', '--diff-algorithm=myers', '--full-index']
  const args = ['diff-tree', ...plain, '-U3', parent?.tree ?? emptyTree(store), commit.tree]
  const { stdout } = store.repo.git(args)
  if (stdout === '' || /^Binary files .* differ$/m.test(stdout)) return null
  const [patch] = store.repo.git(['patch-id', '--stable'], { input: stdout }).stdout.split(' ')
  if (patch === undefined || patch === '') return null
  const lines = stdout.split('\n').filter((line) => /^[+-]|^(old|new) mode|^(new|deleted) file mode/.test(line))
  return { patch, lines: hashText(lines.join('\n')) }
}

/** Every line that is known, with the object that it stands on. */
export function allLines(store: Store): { target: Oid; line: GateLine }[] {
  const ref = `refs/notes/dstack/${NOTES}`
  const tips = new Set([store.repo.tip(ref), trackingTip(store, ref)].filter((tip) => tip !== null))
  const files = new Map([...tips].flatMap((tip) => store.repo.files(tip)).map((file) => [file.path + file.oid, file]))
  const targets = [...files.values()].flatMap(({ path }) => noteTarget(path) ?? [])
  return [...evidenceOfAll(store, NOTES, targets)].flatMap(([target, lines]) =>
    lines.flatMap((line) => {
      const read = readGateLine(line)
      return read === null ? [] : [{ target, line: read }]
    }),
  )
}
