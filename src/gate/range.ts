// Commits of a range: which of them were earned, and verdicts that belong to them and lie elsewhere. Pure.

import { safe } from '../env/env'
import { DstackError } from '../errors'
import type { Oid } from '../git/git'
import { settingOf } from '../settings/settings'
import type { Store } from '../store/store'
import { allLines, copyToCommit, note, patchOf, verdictsFor } from './lookup'
import { type CommitFacts, commitsAt, type GateContext, NO_CONTEXT } from './subject'
import type { GateLine, Validity } from './verdict'

export interface CheckedCommit {
  commit: Oid
  subject: string
  earned: boolean
  validity: Validity | 'unchanged'
  /** Why it does or does not count, in sentences. */
  why: string[]
  /** The command that mends it; null when nothing is to mend. */
  mend: string | null
}

/**
 * Every commit of the range, oldest first. What changes nothing (a marker) needs no verdict. `tips`: notes that a push is just
 * bringing. @throws USAGE for what git takes for no range
 */
export function checkRange(
  store: Store,
  range: readonly string[],
  contextOf: (commit: CommitFacts) => GateContext = () => NO_CONTEXT,
  tips: readonly Oid[] = [],
): CheckedCommit[] {
  const commits = commitsIn(store, range)
  const parents = new Map(
    commitsAt(store, [...new Set(commits.flatMap((commit) => commit.parents))]).map((one) => [one.oid, one]),
  )
  const acceptsCarried = /^(true|yes|on|1)$/i.test(settingOf(store, 'gate.acceptCarried').value)
  const requests = commits.map((commit) => ({ tree: commit.tree, commit, context: contextOf(commit) }))
  const verdicts = requests.length === 0 ? [] : verdictsFor(store, requests, tips)
  return commits.map((commit, i): CheckedCommit => {
    const { oid, subject, tree } = commit
    const [parent] = commit.parents
    if (commit.parents.length === 1 && parents.get(parent ?? '')?.tree === tree) {
      return { commit: oid, subject, earned: true, validity: 'unchanged', why: ['It changes nothing.'], mend: null }
    }
    const { validity, green, passed, why } = verdicts[i] ?? { validity: 'none', green: false, passed: false, why: [] }
    const earned = green || (acceptsCarried && validity === 'carried' && passed)
    const said = validity === 'none' ? ['No verdict is known of it.'] : why
    return {
      commit: oid,
      subject,
      earned,
      validity,
      why: said,
      mend: earned ? null : `git dstack gate run --commit ${oid.slice(0, 12)}`,
    }
  })
}

function commitsIn(store: Store, range: readonly string[]): CommitFacts[] {
  const args = ['rev-list', '--reverse', '--topo-order', '--end-of-options', ...range, '--']
  const { status, stdout } = store.repo.git(args, { ok: [0, 128, 129] })
  if (status !== 0) {
    throw new DstackError('USAGE', `git knows no such range: ${safe(range.join(' '))}.`, {
      hint: 'For example origin/main..HEAD.',
    })
  }
  return commitsAt(
    store,
    stdout.split('\n').filter((oid) => oid !== ''),
  )
}

export interface Reattached {
  commit: Oid
  /** How it was found. By the task alone it never makes a commit earned; it says what was checked before. */
  by: 'tree' | 'patch' | 'task'
  /** The commit that the verdict was earned on; null: a tree without one. */
  from: Oid | null
}

/** Finds verdicts for squashed and picked commits, by tree, then patch, then the trailer Dstack-Task, and notes them there. */
export function reattach(store: Store, range: readonly string[]): Reattached[] {
  const known = allLines(store).sort((a, b) => (a.line.at < b.line.at ? 1 : -1))
  const noted = new Set(known.map(({ target, line }) => `${target} ${line.at} ${line.tree}`))
  const lines = [...new Map(known.map(({ line }) => [line.id, line])).values()]
  return commitsIn(store, range).flatMap((commit): Reattached[] => {
    const has = (line: GateLine) => noted.has(`${commit.oid} ${line.at} ${line.tree}`)
    const byTree = lines.find((line) => line.tree === commit.tree)
    if (byTree !== undefined) {
      if (known.some(({ target, line }) => target === commit.oid && line.tree === commit.tree)) return []
      return copyToCommit(store, commit.oid) === null ? [] : [{ commit: commit.oid, by: 'tree', from: byTree.commit }]
    }
    const ids = lines.length === 0 ? null : patchOf(store, commit)
    const byPatch =
      ids === null ? undefined : lines.find((line) => line.patch === ids.patch && line.lines === ids.lines)
    const tasks = commit.trailers.get('Dstack-Task') ?? []
    const slugs = commit.trailers.get('Dstack-Slug') ?? []
    const byTask = lines.find(
      ({ task, slug }) =>
        task !== null && tasks.includes(task) && (slugs.length === 0 || (slug !== null && slugs.includes(slug))),
    )
    const found = byPatch ?? byTask
    if (found === undefined || has(found)) return []
    note(store, commit.oid, found)
    return [{ commit: commit.oid, by: byPatch === undefined ? 'task' : 'patch', from: found.commit }]
  })
}
