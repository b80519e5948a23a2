// Which remote carries the state, what its refspecs must be, and what stands in the way. Pure.

import type { Refusal } from '../errors'
import type { Config } from '../git/git'
import { trackingPrefix } from '../store/store'

export interface Remote {
  name: string
  url: string
  fetch: readonly string[]
}

export interface Election {
  remote: string | null
  refusal: Refusal | null
}

/**
 * The wanted remote; else the one elected before; else the only one; else the upstream of the current branch; else origin.
 * Several and none of these: the user has to choose.
 */
export function elect(
  remotes: readonly Remote[],
  config: Config,
  wanted: string | undefined,
  branch: string | null,
): Election {
  const names = remotes.map(({ name }) => name)
  const known = (name: string | undefined) => (name !== undefined && names.includes(name) ? name : undefined)
  if (wanted !== undefined) {
    if (known(wanted) !== undefined) return { remote: wanted, refusal: null }
    const list = names.length === 0 ? 'there is none' : `there are: ${names.join(', ')}`
    return refuse('NO_REMOTE', `There is no remote "${wanted}" (${list}).`, 'Add it first with `git remote add`.')
  }
  const upstream = branch === null ? undefined : config.get(`branch.${branch}.remote`)
  const only = names.length === 1 ? names[0] : undefined
  const remote = known(config.get('dstack.remote')) ?? only ?? known(upstream) ?? known('origin')
  if (remote !== undefined || names.length === 0) return { remote: remote ?? null, refusal: null }
  const choice = names.map((name) => `\`git dstack init --remote ${name}\``).join(' or ')
  return refuse(
    'AMBIGUOUS',
    `There are several remotes and nothing says which one the team shares: ${names.join(', ')}.`,
    `Run ${choice}.`,
  )
}

function refuse(refused: Refusal['refused'], message: string, hint: string): Election {
  return { remote: null, refusal: { refused, message, hint } }
}

/** Does this refspec fill a tracking place of ours, whatever remote it stands at? */
export function isOurRefspec(refspec: string): boolean {
  return refspec.includes(':refs/dstack-remotes/')
}

/** The remote's name that a refspec of ours files its refs under. */
export function trackedName(refspec: string): string | null {
  return /:refs\/dstack-remotes\/(.+?)\/(?:state|notes|branch)\//.exec(refspec)?.[1] ?? null
}

/** Our refspecs that stand where they do no good: at a remote that was not elected, or under another remote's name. */
export function strayRefspecs(
  remotes: readonly Remote[],
  elected: string | null,
): { remote: string; refspec: string }[] {
  return remotes.flatMap(({ name, fetch }) =>
    fetch
      .filter((refspec) => isOurRefspec(refspec) && !(name === elected && refspec.includes(`:${trackingPrefix(name)}`)))
      .map((refspec) => ({ remote: name, refspec })),
  )
}

/**
 * Refspecs that the elected remote lacks. A remote without any of its own (`git clone --bare`) gets none: a plain
 * `git fetch` there brings HEAD, and would not any more.
 */
export function missingRefspecs(remote: Remote, wanted: readonly string[]): string[] {
  const hasOwn = remote.fetch.some((refspec) => !isOurRefspec(refspec))
  return hasOwn ? wanted.filter((refspec) => !remote.fetch.includes(refspec)) : []
}

/** Remotes to which every push mirrors all refs, ours among them, deletions included. */
export function mirrorHazards(
  remotes: readonly Remote[],
  config: Config,
): { message: string; mend: string; subject: string }[] {
  return remotes
    .filter(({ name }) => /^(true|yes|on|1)$/i.test(config.get(`remote.${name}.mirror`) ?? ''))
    .map(({ name }) => ({
      subject: `remote.${name}.mirror`,
      message: `${name} is a mirror: plain \`git push\` makes its refs those of this clone and removes what only others have.`,
      mend: `git config --unset remote.${name}.mirror`,
    }))
}
