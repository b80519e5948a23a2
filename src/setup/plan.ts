// What init has to do here, decided from what is there. Pure.

import type { Refusal } from '../errors'
import type { Config } from '../git/git'
import { fetchRefspecs } from '../store/store'
import { carrierRefspec, DEFAULT_CARRIER, refspecHazards } from '../sync/sync'
import { type Election, mirrorHazards, missingRefspecs, type Remote, strayRefspecs } from './elect'
import type { HookPlace } from './hook'
import { DOES } from './hook-names'
import { snippet } from './hook-snippets'
import type { InitPlan, Step } from './schema'

/** What the remote showed; null when it was not asked. */
export type RemoteLook = { refs: readonly string[] } | { unreachable: string } | null

export interface InitFacts {
  folder: string
  config: Config
  remotes: readonly Remote[]
  election: Election
  look: RemoteLook
  /** Of each hook. */
  hooks: readonly HookPlace[]
  /** Files of hooks that belong to the project. */
  trackedHooks: readonly string[]
  wantsHooks: boolean
  /** Our format document is here, or fetched. */
  hasFormat: boolean
  hasIdentity: boolean
}

const CONFIG_REF = 'refs/dstack/config'
const CARRIER_REF = `refs/heads/${DEFAULT_CARRIER}`

export function decideInit(facts: InitFacts): InitPlan {
  const { election, remotes, config } = facts
  const remote = remotes.find(({ name }) => name === election.remote) ?? null
  const branch = carrierBranch(facts)
  const plan: InitPlan = {
    folder: facts.folder,
    remote: election.remote,
    transport: branch === null ? 'refs' : `branch:${branch}`,
    steps: [],
    refusal: election.refusal ?? hazard(remotes, config),
    warnings: [],
    snippet: null,
  }
  if (plan.refusal !== null) return plan
  plan.steps.push(...configSteps(facts, remote, branch))
  hookSteps(facts, plan)
  if (remote === null) {
    plan.warnings.push(
      'There is no remote: everything stays in this clone. After `git remote add`, run `git dstack init` again.',
    )
  } else {
    if (!remote.fetch.some((refspec) => !refspec.includes('refs/dstack'))) {
      plan.warnings.push(
        `${remote.name} has no fetch refspec, so plain \`git fetch\` can't bring the state: use \`git dstack sync\`.`,
      )
    }
    lookSteps(facts, plan, branch === null ? fetchRefspecs(remote.name) : [carrierRefspec(remote.name, branch)])
  }
  const teamHasFormat =
    facts.look !== null && 'refs' in facts.look && [CONFIG_REF, CARRIER_REF].some(has(facts.look.refs))
  if (!facts.hasFormat && !teamHasFormat) {
    if (facts.hasIdentity) {
      const why = 'says which version of git dstack may write here'
      plan.steps.push({ what: 'write the format document', why, action: { kind: 'format' } })
    } else {
      plan.warnings.push(
        'git does not know who you are, so nothing can be written yet: set user.name and user.email, then run `git dstack init` again.',
      )
    }
  }
  return plan
}

const has = (refs: readonly string[]) => (wanted: string) => refs.includes(wanted)

/** The branch that carries the state: as configured, or because the team's state is there and not on refs of its own. */
function carrierBranch({ config, look }: InitFacts): string | null {
  const set = config.get('dstack.transport')
  if (set !== undefined) return set.startsWith('branch:') ? set.slice('branch:'.length) : null
  if (look === null || !('refs' in look)) return null
  return look.refs.includes(CARRIER_REF) && !look.refs.some((ref) => ref.startsWith('refs/dstack/'))
    ? DEFAULT_CARRIER
    : null
}

function hazard(remotes: readonly Remote[], config: Config): Refusal | null {
  const hazards = [...refspecHazards(remotes), ...mirrorHazards(remotes, config)]
  const [first] = hazards
  if (first === undefined) return null
  const mends = hazards.map(({ mend }) => `\`${mend}\``).join(' and ')
  return {
    refused: 'REFSPEC_HAZARD',
    message: first.message,
    hint: `Run ${mends}, then \`git dstack init\` again.`,
    data: { hazards },
  }
}

function configSteps({ config, remotes }: InitFacts, remote: Remote | null, branch: string | null): Step[] {
  const local = (name: string) =>
    config.values.findLast((value) => value.name === name && value.scope === 'local')?.value
  const steps: Step[] = []
  const change = (how: 'set' | 'add' | 'remove', name: string, value: string, why: string) =>
    steps.push({ what: `${how} ${name} = ${value}`, why, action: { kind: 'config', how, name, value } })

  if (local('dstack.enabled') !== 'true') change('set', 'dstack.enabled', 'true', 'opts this clone in')
  if (remote === null) return steps
  if (local('dstack.remote') !== remote.name)
    change('set', 'dstack.remote', remote.name, 'the one remote that carries the state')
  if (branch !== null && local('dstack.transport') === undefined && config.get('dstack.transport') === undefined) {
    change('set', 'dstack.transport', `branch:${branch}`, 'the team keeps its state on that branch')
  }
  for (const stray of strayRefspecs(remotes, remote.name)) {
    change('remove', `remote.${stray.remote}.fetch`, stray.refspec, 'it is left over from another choice')
  }
  const wanted = branch === null ? fetchRefspecs(remote.name) : [carrierRefspec(remote.name, branch)]
  for (const refspec of missingRefspecs(remote, wanted)) {
    change(
      'add',
      `remote.${remote.name}.fetch`,
      refspec,
      'plain `git fetch` then brings the state, and never touches yours',
    )
  }
  return steps
}

/** Without a remote there is nothing to push to; the others work alone. */
function hookSteps({ hooks, trackedHooks, wantsHooks, election }: InitFacts, plan: InitPlan): void {
  if (!wantsHooks) return
  const wanted = hooks.filter(({ hook }) => hook !== 'pre-push' || election.remote !== null)
  for (const place of wanted) {
    if (place.kind === 'foreign' || place.current) continue
    const { hook, path } = place
    plan.steps.push({ what: `add a block to ${path}`, why: DOES[hook], action: { kind: 'hook', path } })
  }
  const tracked = wanted.flatMap((place) => {
    return place.kind === 'ours' && !place.current && trackedHooks.includes(place.path) ? [place.path] : []
  })
  if (tracked.length > 0) {
    const [belong, them] = tracked.length === 1 ? ['belongs', 'it'] : ['belong', 'them']
    const words = `commit ${them}, or take ${them} back and use \`git dstack sync\``
    plan.warnings.push(`${tracked.join(', ')} ${belong} to the project: ${words}.`)
  }
  const foreign = wanted.filter((place) => place.kind === 'foreign').filter(({ called }) => !called)
  for (const why of new Set(foreign.map((place) => place.why))) {
    const paths = foreign.filter((place) => place.why === why).map(({ path }) => path)
    const left = `${paths.join(', ')} ${paths.length === 1 ? 'is' : 'are'} left alone: ${why}.`
    plan.warnings.push(`${left} Add the call by hand, or use \`git dstack sync\`.`)
  }
  const tools = [...new Set(foreign.map(({ tool }) => tool))]
  const lines = tools.map((tool) =>
    snippet(
      tool,
      foreign.filter((place) => place.tool === tool).map(({ hook }) => hook),
    ),
  )
  if (lines.length > 0) plan.snippet = lines.join('')
}

function lookSteps({ look, election }: InitFacts, plan: InitPlan, refspecs: string[]): void {
  if (look === null) return
  if ('unreachable' in look) {
    plan.warnings.push(
      `${election.remote} was not reached (${look.unreachable}) What the team has comes with the next \`git fetch\`.`,
    )
  } else if (look.refs.length > 0) {
    const why = 'the team has state there already'
    plan.steps.push({ what: `fetch the state from ${election.remote}`, why, action: { kind: 'fetch', refspecs } })
  }
}
