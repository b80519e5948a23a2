// Settings of plain git that would destroy unpublished state, and what mends each.

import type { Hazard } from './schema'

interface Remote {
  name: string
  fetch: readonly string[]
}

/**
 * Fetch refspecs that write over our local refs: `+refs/notes/*:refs/notes/*` is common, `+refs/*:refs/*` is a mirror.
 * Source: measured; a plain `git fetch` then destroys what was not published, silently and without a reflog.
 */
export function refspecHazards(remotes: readonly Remote[]): Hazard[] {
  return remotes.flatMap((remote) =>
    remote.fetch.flatMap((refspec): Hazard[] => {
      const target = refspec.replace(/^[+^]/, '').split(':')[1]
      if (refspec.startsWith('^') || target === undefined || !coversOurs(target)) return []
      return [
        {
          code: 'REFSPEC',
          subject: `remote.${remote.name}.fetch`,
          message: `remote.${remote.name}.fetch = ${refspec} lets plain \`git fetch\` overwrite state that was not published.`,
          mend: `git config --unset --fixed-value remote.${remote.name}.fetch '${refspec}'`,
        },
      ]
    }),
  )
}

/** A push refspec makes plain `git push` push what it names and nothing else. */
export function pushHazards(remotes: readonly { name: string; push: readonly string[] }[]): Hazard[] {
  return remotes.flatMap((remote) =>
    remote.push
      .filter((refspec) => /refs\/(dstack|notes)\//.test(refspec))
      .map((refspec) => ({
        code: 'REFSPEC',
        subject: `remote.${remote.name}.push`,
        message: `remote.${remote.name}.push = ${refspec} stops plain \`git push\` from pushing code.`,
        mend: `git config --unset --fixed-value remote.${remote.name}.push '${refspec}'`,
      })),
  )
}

/** Does this right side of a refspec reach into `refs/dstack/` or `refs/notes/dstack/`? */
function coversOurs(target: string): boolean {
  const star = target.indexOf('*')
  const fixed = star < 0 ? target : target.slice(0, star)
  return ['refs/dstack/', 'refs/notes/dstack/'].some((ours) =>
    star < 0 ? fixed.startsWith(ours) : ours.startsWith(fixed) || fixed.startsWith(ours),
  )
}
