// Programs that a repository's own configuration names for the contents of files: none of them runs because of us.

import type { Env, Vars } from '../env/env'
import type { Config } from './config'

/**
 * Settings of filters that only the repository itself asks for. What the person's own configuration says in the same words
 * (git-lfs is one of those) is not foreign.
 */
export function foreignFilters(config: Config): string[] {
  return foreign(config, /^filter\..*\.(clean|smudge|process|required)$/)
}

/** Names of the filters that would run a foreign program. */
export function foreignFilterNames(config: Config): Set<string> {
  const names = foreignFilters(config).map((name) => /^filter\.(.*)\.(?:clean|smudge|process)$/.exec(name)?.[1])
  return new Set(names.filter((name) => name !== undefined))
}

/**
 * The variables of a call in which no foreign filter runs, and a foreign merge driver gives up: the file counts as conflicting.
 * By variables, because `git -c` can't take a name with `=` in it.
 */
export function withoutForeign(env: Env, config: Config): Vars {
  const settings = [
    ...foreignFilters(config).map((name) => [name, ''] as const),
    ...foreign(config, /^merge\..*\.driver$/).map((name) => [name, 'false'] as const),
  ]
  if (settings.length === 0) return {}
  const given = Number(env.vars.GIT_CONFIG_COUNT ?? 0) || 0
  const vars: Record<string, string> = { GIT_CONFIG_COUNT: String(given + settings.length) }
  for (const [i, [name, value]] of settings.entries()) {
    vars[`GIT_CONFIG_KEY_${given + i}`] = name
    vars[`GIT_CONFIG_VALUE_${given + i}`] = value
  }
  return vars
}

function foreign(config: Config, names: RegExp): string[] {
  const isOwn = (scope: string) => scope === 'system' || scope === 'global'
  const found = config.values.filter(
    ({ name, scope, value }) => names.test(name) && !isOwn(scope) && value !== config.own(name),
  )
  return [...new Set(found.map(({ name }) => name))]
}

/** Where signing programs come from: the setting's names (the first one is written), and git's own default. */
const SIGNERS: readonly (readonly [names: readonly [string, ...string[]], otherwise: string])[] = [
  [['gpg.program', 'gpg.openpgp.program'], 'gpg'],
  [['gpg.x509.program'], 'gpgsm'],
  [['gpg.ssh.program'], 'ssh-keygen'],
  [['gpg.ssh.defaultkeycommand'], ''],
]

/**
 * Settings under which `git commit-tree -S` runs only what the person's own configuration names; null when a commit is not to be
 * signed: the person's own configuration must ask for it, and the repository may only say no.
 */
export function signing(config: Config): string[] | null {
  const yes = (value = '') => ['true', 'yes', 'on', '1'].includes(value.toLowerCase())
  if (!yes(config.own('commit.gpgsign')) || !yes(config.get('commit.gpgsign'))) return null
  return SIGNERS.map(([names, otherwise]) => {
    const own = names.map((name) => config.own(name)).find((program) => program !== undefined)
    return `${names[0]}=${own ?? otherwise}`
  })
}
