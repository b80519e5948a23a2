// The door to trust: which foreign commands may run here. A person says so, in a terminal; it is kept outside of the repository.

import { dirname } from 'node:path'
import { agentIn, type Env, safe } from '../env/env'
import { DstackError, type Refusal } from '../errors'
import type { Oid, Repo } from '../git/git'
import { isVariableName } from '../process/process'
import { person, type Store, storeOf } from '../store/store'
import { compare, type Definition, type Difference, define, formerOf } from './definition'
import { changeLedger, findLedger, readLedger } from './ledger'
import type { Allowed } from './schema'
import type { Named } from './sources'
import { type Unreviewed, unreviewed } from './unreviewed'

export type { Definition, Difference } from './definition'
export type { Allowed } from './schema'
export type { Named } from './sources'
export type { Unreviewed } from './unreviewed'

/** Where a command would run, and what else counts. */
export interface Where {
  /** Absolute path of the checkout. Absent: the working tree. */
  root?: string
  /** Commit or tree that it is a checkout of. Absent: what the index knows is what is tracked. */
  tree?: Oid | null
  /** Folder in the checkout, with slashes. Absent: its top. */
  folder?: string
  /** Variables that it gets besides the usual ones. Absent: those of the setting gateEnv. */
  names?: readonly string[]
  /** Where it stands (a plan, a recipe): it finds what was trusted before. */
  where?: string
  /** Hashes that are trusted without anybody's word here: `--trust-hash`, see `trustHashes`. */
  hashes?: ReadonlySet<string>
}

/** Why it is not trusted: it never was, another one like it was, or only a file that it names differs. */
export type Reason = 'new' | 'changed' | 'file-changed'

export interface Verdict {
  trusted: boolean
  hash: string
  /** Absent when it is trusted. */
  reason?: Reason
  /** What was trusted in its place. */
  before?: Allowed
  after: Definition
}

/** May this command run? Looks at the bytes as they are now, and asks nobody. */
export function isTrusted(env: Env, repo: Repo, command: string, where: Where = {}): Verdict {
  const after = definitionOf(env, repo, command, where)
  if (where.hashes?.has(after.hash)) return { trusted: true, hash: after.hash, after }
  const allowed = readLedger(env, findLedger(env, repo))
  const same = allowed.find(({ hash }) => hash === after.hash)
  if (same !== undefined) return { trusted: true, hash: after.hash, before: same, after }
  const before = formerOf(allowed, after, where.where)
  if (before === null) return { trusted: false, hash: after.hash, reason: 'new', after }
  const { text, folder, names } = compare(before, after)
  const onlyFiles = text === null && folder === null && names.added.length + names.removed.length === 0
  return { trusted: false, hash: after.hash, reason: onlyFiles ? 'file-changed' : 'changed', before, after }
}

/** What runs under this text: the very thing that is hashed. */
export function definitionOf(env: Env, repo: Repo, command: string, where: Where = {}): Definition {
  return define(env, repo, command, {
    root: where.root ?? repo.workTree ?? repo.commonDir,
    folder: where.folder ?? '',
    names: where.names ?? gateNames(repo),
    tracked: trackedFiles(repo, where.tree ?? null),
  })
}

/** Names of further variables for foreign commands: setting gateEnv, from the person's own configuration only. */
export function gateNames(repo: Repo): string[] {
  const words = repo
    .freshConfig()
    .ownAll('dstack.gateenv')
    .flatMap((value) => value.split(/[\s,]+/))
  return [...new Set(words.filter(isVariableName))].sort()
}

/** Trees never change, so what is in one is listed once. */
const LISTED = new WeakMap<Repo, Map<Oid, ReadonlySet<string>>>()

function trackedFiles(repo: Repo, tree: Oid | null): ReadonlySet<string> {
  if (tree === null) {
    if (repo.workTree === null) return new Set()
    return new Set(repo.git(['ls-files', '-z', '--full-name']).stdout.split('\0'))
  }
  const listed = LISTED.get(repo) ?? new Map<Oid, ReadonlySet<string>>()
  LISTED.set(repo, listed)
  const paths = listed.get(tree) ?? new Set(repo.files(tree).map(({ path }) => path))
  listed.set(tree, paths)
  return paths
}

/** The hashes of `--trust-hash`. @throws USAGE */
export function trustHashes(values: readonly string[]): ReadonlySet<string> {
  for (const value of values) {
    if (!/^[0-9a-f]{64}$/.test(value)) {
      throw new DstackError('USAGE', `"${value}" is no hash of a command.`, {
        hint: 'It has 64 hexadecimal digits; `git dstack trust list --porcelain` shows them.',
      })
    }
  }
  return new Set(values)
}

/** What verbs and hooks answer instead of running it. */
export function untrusted({ hash, after, reason }: Verdict): Refusal {
  const why = { new: '', changed: ' (it was changed)', 'file-changed': ' (a file that it names was changed)' }
  return {
    refused: 'UNTRUSTED',
    message: `Not run: untrusted${reason === undefined ? '' : why[reason]}: ${safe(after.command)}.`,
    hint: 'A person can look at it with `git dstack trust list` and allow it with `git dstack trust allow`.',
    data: { hash, command: after.command, reason: reason ?? 'new' },
  }
}

// --- what a person is shown -----------------------------------------------------------------------------------------

export interface Description extends Verdict {
  /** Where the command stands, as its source calls it. */
  where?: string
  /** Against what was trusted before; null when nothing was. */
  difference: Difference | null
  /** Others' commits in HEAD that no default branch of a remote holds: what it starts may be theirs. */
  unreviewed: Unreviewed | null
}

/** Everything that a person should see before they allow a command. */
export function describe(env: Env, repo: Repo, command: string, where: Where = {}): Description {
  const verdict = isTrusted(env, repo, command, where)
  const own = env.vars.GIT_AUTHOR_EMAIL || repo.config.get('user.email') || env.vars.EMAIL || ''
  return {
    ...verdict,
    ...(where.where === undefined ? {} : { where: where.where }),
    difference: verdict.before === undefined ? null : compare(verdict.before, verdict.after),
    unreviewed: unreviewed(repo, own),
  }
}

// --- allowing and revoking ------------------------------------------------------------------------------------------

export interface Decided {
  /** Allowed just now. */
  allowed: Description[]
  /** The person said no. */
  declined: Description[]
}

/**
 * Shows each of these commands that is not trusted yet, asks, and keeps a yes. Each yes counts at once.
 * Refused (NO_PERMISSION) in the shell of an agent, whatever it says of itself, and where nobody can be asked.
 */
export async function allow(
  env: Env,
  repo: Repo,
  commands: readonly (Named & { folder?: string })[],
  show: (description: Description) => void,
): Promise<Decided | Refusal> {
  const said = env.vars.DSTACK_AGENT
  const agent = agentIn(env.vars) ?? (said === undefined || said === '' || said === 'none' ? null : said)
  if (agent !== null) return notAPerson(`Only a person can allow commands, and this shell belongs to ${safe(agent)}.`)
  const { by } = person(storeOf(env, repo))
  const ledger = findLedger(env, repo)
  const decided: Decided = { allowed: [], declined: [] }
  for (const { command, where, folder } of commands) {
    const shown = describe(env, repo, command, { where, ...(folder === undefined ? {} : { folder }) })
    if (shown.trusted) continue
    show(shown)
    const answer = await env.confirm(shown.unreviewed === null ? 'Allow it?' : 'Allow it, with code nobody reviewed?')
    if (answer === null) return notAPerson('Allowing a command needs a terminal and a person at it.')
    if (answer) {
      const entry: Allowed = { ...shown.after, where, at: env.now().toISOString(), by }
      changeLedger(env, repo, ledger, (all) => [...all.filter(({ hash }) => hash !== entry.hash), entry])
    }
    decided[answer ? 'allowed' : 'declined'].push(shown)
  }
  return decided
}

function notAPerson(message: string): Refusal {
  return {
    refused: 'NO_PERMISSION',
    message,
    hint: 'A person runs `git dstack trust allow` in a terminal of their own; CI passes the hash that was looked at.',
  }
}

/** The person's own folder for what no repository may touch. @throws BAD_CONFIG where it would lie in this one */
export function stateHome(env: Env, repo: Repo): string {
  return dirname(dirname(findLedger(env, repo).path))
}

/** Everything that is allowed here, oldest first. */
export function allowed(env: Env, repo: Repo): Allowed[] {
  return readLedger(env, findLedger(env, repo))
}

/** Takes trust back, from what a hash or its beginning names, or a whole text; null: from everything. Anybody may. */
export function revoke(env: Env, repo: Repo, named: string | null): Allowed[] | Refusal {
  const ledger = findLedger(env, repo)
  const all = readLedger(env, ledger)
  const isHash = named !== null && /^[0-9a-f]{4,64}$/.test(named)
  const gone = all.filter(
    ({ hash, command }) => named === null || command === named || (isHash && hash.startsWith(named)),
  )
  if (gone.length === 0) {
    const message = named === null ? 'Nothing is allowed here.' : `Nothing that is allowed here is called "${named}".`
    return { refused: 'NOT_FOUND', message, hint: 'See `git dstack trust list`.' }
  }
  if (isHash && new Set(gone.map(({ hash }) => hash)).size > 1) {
    const hint = `It begins: ${gone.map(({ hash }) => hash.slice(0, named.length + 4)).join(', ')}.`
    return { refused: 'AMBIGUOUS', message: `"${named}" begins several hashes.`, hint }
  }
  const hashes = new Set(gone.map(({ hash }) => hash))
  changeLedger(env, repo, ledger, (now) => now.filter(({ hash }) => !hashes.has(hash)))
  return gone
}

// --- the whole picture ----------------------------------------------------------------------------------------------

export interface Item {
  hash: string
  command: string
  where: string
  /** `unused`: allowed, and nothing here names it (any more). */
  state: 'allowed' | 'unused' | Reason
}

/** Every command that a document of this repository names. Loads the plans, which nobody else here needs. */
export async function commandsOf(store: Store): Promise<Named[]> {
  return (await import('./sources')).collectCommands(store)
}

/** Every command that documents of this repository name, then what else is allowed. */
export function inventory(store: Store, named: readonly Named[]): Item[] {
  const { env, repo } = store
  const items = named.map(({ command, where }): Item => {
    const { hash, reason } = isTrusted(env, repo, command, { where })
    return { hash, command, where, state: reason ?? 'allowed' }
  })
  const used = new Set(items.map(({ hash }) => hash))
  const rest = allowed(env, repo).filter(({ hash }) => !used.has(hash))
  return [...items, ...rest.map(({ hash, command, where = '' }): Item => ({ hash, command, where, state: 'unused' }))]
}
