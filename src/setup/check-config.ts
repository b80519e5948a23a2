// doctor's look at configuration: opted in, remotes and refspecs, who writes.

import { DstackError } from '../errors'
import { remotes } from '../git/git'
import { fetchRefspecs, isPassing, person, type Store, trackingPrefix } from '../store/store'
import { carrierRefspec, pushHazards, refspecHazards } from '../sync/sync'
import { mirrorHazards, missingRefspecs, strayRefspecs, trackedName } from './elect'
import { init } from './init'
import { optIn } from './opt-in'
import type { Problem } from './problem'

export function opted({ env, repo }: Store): Problem[] {
  const { enabled, disabled } = optIn(env.vars, repo.config)
  if (disabled !== null) {
    const command = disabled.startsWith('DSTACK') ? 'unset DSTACK_DISABLED' : 'git config --unset dstack.disabled'
    return [
      {
        code: 'DISABLED',
        severity: 'info',
        subject: 'dstack.disabled',
        what: `git dstack is switched off: ${disabled}.`,
        risk: 'Nothing is sent, fetched or shown.',
        command,
      },
    ]
  }
  if (enabled) return []
  return [
    {
      code: 'NOT_INITIALISED',
      severity: 'warning',
      subject: 'dstack.enabled',
      what: 'This clone has not opted in.',
      risk: 'Nothing can be remembered here.',
      command: 'git dstack init',
    },
  ]
}

export function identity(store: Store): Problem[] {
  try {
    person(store)
    return []
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    const command = 'git config --global user.name "Your Name" && git config --global user.email you@example.com'
    return [
      {
        code: 'IDENTITY',
        severity: 'error',
        subject: 'user.name',
        what: error.message,
        risk: 'Nothing can be written.',
        command,
      },
    ]
  }
}

export function passing(store: Store): Problem[] {
  if (!isPassing(store)) return []
  return [
    {
      code: 'EPHEMERAL',
      severity: 'info',
      subject: 'dstack.ephemeral',
      what: 'This looks like CI, a container or a sandbox: each command writes as a writer of its own.',
      risk: 'None; a clone that lasts can do with one, which keeps version vectors short.',
      command: 'git dstack config set ephemeral false',
    },
  ]
}

/** What would destroy state, or keep code from being pushed. It is the user's own, so it is named and not changed. */
export function hazards({ repo }: Store): Problem[] {
  const { config } = repo
  const known = remotes(config)
  const push = known.map(({ name }) => ({ name, push: config.all(`remote.${name}.push`) }))
  const overwriting = [...refspecHazards(known), ...mirrorHazards(known, config)]
  return [
    ...overwriting.map(
      (hazard): Problem => ({ ...found(hazard), severity: 'error', risk: 'Unpublished state is lost without a word.' }),
    ),
    ...pushHazards(push).map(
      (hazard): Problem => ({ ...found(hazard), severity: 'error', risk: 'Plain `git push` leaves code behind.' }),
    ),
  ]
}

function found({ subject, message, mend }: { subject: string; message: string; mend: string }) {
  return { code: 'REFSPEC_HAZARD', subject, what: message, command: mend }
}

/** The elected remote is there, and our refspecs stand at it and nowhere else. `git remote rename` leaves them behind. */
export function refspecs(store: Store): Problem[] {
  const { env, repo } = store
  const known = remotes(repo.config)
  const elected = store.remote
  const remote = known.find(({ name }) => name === elected)
  const again = (name: string) => async () => void (await init(env, { remote: name }))
  if (elected !== null && remote === undefined) {
    const heirs = known.filter(({ fetch }) => fetch.some((refspec) => trackedName(refspec) === elected))
    const heir = heirs.length === 1 ? heirs[0]?.name : undefined
    return [
      {
        code: 'REMOTE_GONE',
        severity: 'error',
        subject: 'dstack.remote',
        what: `The elected remote "${elected}" is not there any more${heir === undefined ? '' : `; it seems to be "${heir}" now`}.`,
        risk: 'Nothing is sent, and what plain `git fetch` brings is not seen.',
        command: `git dstack init --remote ${heir ?? known[0]?.name ?? '<name>'}`,
        ...(heir === undefined ? {} : { mend: () => rename(store, elected, heir) }),
      },
    ]
  }
  if (remote === undefined) return []
  const { name } = remote
  const strays = strayRefspecs(known, name)
  const wanted = store.carrier === null ? fetchRefspecs(name) : [carrierRefspec(name, store.carrier)]
  return [
    ...strays.map(
      (stray): Problem => ({
        code: 'REFSPEC_STRAY',
        severity: 'warning',
        subject: `remote.${stray.remote}.fetch ${stray.refspec}`,
        what: `remote.${stray.remote}.fetch = ${stray.refspec} does not belong to the elected remote ${name}.`,
        risk: 'Plain `git fetch` brings state to a place where nobody looks.',
        command: `git dstack init --remote ${name}`,
        mend: again(name),
      }),
    ),
    ...missingRefspecs(remote, wanted).map(
      (refspec): Problem => ({
        code: 'REFSPEC_MISSING',
        severity: 'warning',
        subject: `remote.${name}.fetch ${refspec}`,
        what: `remote.${name}.fetch lacks ${refspec}.`,
        risk: 'Plain `git fetch` does not bring what the team writes.',
        command: `git dstack init --remote ${name}`,
        mend: again(name),
      }),
    ),
  ]
}

/** What was fetched under the old name stays known under the new one. */
async function rename({ env, repo }: Store, from: string, to: string): Promise<void> {
  for (const { ref, oid } of repo.tips(trackingPrefix(from))) {
    const moved = trackingPrefix(to) + ref.slice(trackingPrefix(from).length)
    if (repo.tip(moved) !== null || repo.move(moved, oid, null, 'dstack: renamed'))
      repo.move(ref, null, oid, 'dstack: renamed')
  }
  await init(env, { remote: to })
}

export function pruning({ repo }: Store): Problem[] {
  const set = repo.config.values.filter(
    ({ name, value }) => /^(fetch|remote\..*)\.prune$/.test(name) && /^(true|yes|on|1)$/i.test(value),
  )
  return set.map(({ name }) => ({
    code: 'PRUNE',
    severity: 'info',
    subject: name,
    what: `${name} is on: plain \`git fetch\` forgets tracking refs that are gone on the remote.`,
    risk: 'None: your own refs are never pruned.',
    command: '',
  }))
}
