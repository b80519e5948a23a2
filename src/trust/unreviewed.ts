// Commits by others that no default branch of a remote holds: trust in a command says nothing about what they made of it.

import type { Oid, Repo } from '../git/git'

export interface Unreviewed {
  /** At most 100 are counted. */
  commits: number
  /** Names and addresses, most commits first. */
  authors: string[]
}

const MOST = 100
/** How default branches are called where a clone doesn't say (`git remote set-head`). */
const DEFAULTS = ['main', 'master', 'trunk']

/** Null when there are none, or when there is no such commit. */
export function unreviewed(repo: Repo, own: string, head: Oid | 'HEAD' = 'HEAD'): Unreviewed | null {
  const tip = repo.read([head], 1 << 20)[0]
  if (tip?.type !== 'commit') return null
  const reviewed = defaultBranches(repo).map((oid) => `^${oid}`)
  const others = repo
    .log([tip.oid, ...reviewed], { limit: MOST })
    .filter(({ email }) => email.toLowerCase() !== own.toLowerCase())
  if (others.length === 0) return null
  const counts = new Map<string, number>()
  for (const { author, email } of others) {
    const name = `${author} <${email}>`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const authors = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name)
  return { commits: others.length, authors }
}

/** What each remote's default branch was at the last fetch. */
function defaultBranches(repo: Repo): Oid[] {
  const tips = new Map(repo.tips('refs/remotes').map(({ ref, oid }) => [ref, oid]))
  const remotes = new Set([...tips.keys()].map((ref) => ref.split('/').slice(0, 3).join('/')))
  return [...remotes].flatMap((remote) => {
    const names = ['HEAD', ...DEFAULTS].map((name) => `${remote}/${name}`)
    const found = names.map((name) => tips.get(name)).find((oid) => oid !== undefined)
    return found === undefined ? [] : [found]
  })
}
