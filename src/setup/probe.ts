// doctor --remote: does the host take our refs, and does it refuse a push that expects something else?

import { DstackError } from '../errors'
import { INBOX, type Store, signatures } from '../store/store'
import { electedRemote } from '../sync/sync'
import type { Problem } from './problem'

/**
 * Pushes a ref of its own, reads it back, tries a push that must be refused, and removes the ref again. It lies with the
 * inboxes, which no clone ever takes for state and every sync empties: should we die half way, it does not stay.
 */
export async function probeRemote(store: Store): Promise<Problem[]> {
  const { repo, carrier } = store
  const remote = electedRemote(store)
  const id = store.env.newId()
  const dst = carrier === null ? `${INBOX}probe-${id}` : `refs/heads/${carrier}-probe-${id}`
  const [first, second] = ['first', 'second'].map((word) => probeCommit(store, `dstack: probe ${id}, ${word}`)) as [
    string,
    string,
  ]
  const problem = (what: string, risk: string): Problem => {
    return { code: 'REMOTE', severity: 'error', subject: remote, what, risk, command: 'git dstack doctor --remote' }
  }
  try {
    const [pushed] = await repo.push(remote, [{ dst, src: first, expect: null }])
    if (pushed?.outcome !== 'done') {
      return [
        problem(
          `${remote} refuses ${dst}: ${pushed?.reason ?? 'no answer'}.`,
          'State can not be sent there; set the transport to a branch that you may push.',
        ),
      ]
    }
    const problems: Problem[] = []
    const [there] = await repo.remoteTips(remote, [dst])
    if (there?.oid !== first)
      problems.push(problem(`${remote} took ${dst} and does not show it.`, 'Nobody can fetch what is sent there.'))
    const [stale] = await repo.push(remote, [{ dst, src: second, expect: second }])
    if (stale?.outcome === 'done')
      problems.push(
        problem(`${remote} let a push through that expected another value.`, 'Two writers can overwrite each other.'),
      )
    const [removed] = await repo.push(remote, [{ dst, src: null, expect: stale?.outcome === 'done' ? second : first }])
    if (removed?.outcome !== 'done')
      problems.push(
        problem(
          `${remote} does not let refs be removed: ${removed?.reason ?? 'no answer'}.`,
          `${dst} and used inboxes stay there.`,
        ),
      )
    return problems
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return [problem(error.message, 'State can not travel.')]
  }
}

function probeCommit(store: Store, message: string): string {
  const batch = store.repo.batch()
  const commit = batch.commit({ tree: batch.tree([]), parents: [], ...signatures(store), message: `${message}\n` })
  store.repo.save(batch)
  return commit
}
