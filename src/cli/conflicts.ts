// What was said differently at the same time: shown, and ended.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import * as memory from '../memory/memory'
import type { Scope, State } from '../memory/schema'
import { conflictsIn, kindOf, MEMORY, type Store, viewRef } from '../store/store'
import { tipsByRef, unsynced } from '../sync/sync'
import { examples, type Register, type Reply } from './command'
import { repeated, scopeOption, stateOption, told } from './fields'
import { asList, type ListFlags, listed } from './lists'
import { ready } from './ready'
import { relativeTime, safe, safeLines, shortId } from './render'

export const register: Register = (program, { handle }) => {
  const differing = program
    .command('conflicts')
    .description('what was said differently at the same time')
    .option('--exit-code', 'exit 1 when there are any')
    .action(
      handle(async (env, flags: ListFlags & { exitCode?: true }) => {
        return conflicts(env, await ready(env), flags)
      }),
    )
  asList(differing, 'key, scope, id, state, author, time, text of each version')
  examples(differing, 'git dstack conflicts', 'git dstack conflicts --exit-code --json')

  const resolving = program
    .command('resolve')
    .description('end a conflict: take a version, or rewrite')
    .argument('<key>', 'the key, or its beginning where that fits only one')
    .option('--take <id>', 'the version that stays: the beginning of its id in `git dstack conflicts`')
    .option('--text <text>', 'what holds instead')
  resolving
    .addOption(stateOption(resolving))
    .addOption(scopeOption(resolving))
    .option('--reason <text>', 'why')
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(handle(async (env, key: string, flags: ResolveFlags) => resolve(env, await ready(env), key, flags)))
  examples(
    resolving,
    'git dstack resolve build/tools/package-manager --take 3f2a91c',
    'git dstack resolve build/tools/package-manager --text "pnpm until March" --reason "agreed on Tuesday"',
  )
}

// --- conflicts ------------------------------------------------------------------------------------------------------

interface Version {
  oid: string
  gone: boolean
  state: string | null
  by: string
  at: string
  text: string
}

interface Shown {
  ref: string
  key: string
  /** Null where it is no entry of memory. */
  scope: Scope | null
  /** Winner first. */
  versions: Version[]
}

function conflicts(env: Env, store: Store, flags: ListFlags & { exitCode?: true }): Reply {
  const found = [...inMemory(env), ...elsewhere(store)]
  const rows = found.flatMap(({ key, scope, versions }) =>
    versions.map(({ oid, state, by, at, text }) => [key, scope ?? '', oid, state ?? '', by, at, text]),
  )
  const text = () => (found.length === 0 ? 'No conflicts.' : found.map((one) => conflictText(env, one)).join('\n\n'))
  return listed(env, flags, {
    value: { conflicts: found },
    rows,
    text,
    exit: flags.exitCode && found.length > 0 ? 1 : 0,
  })
}

function inMemory(env: Env): Shown[] {
  return memory.conflicts(env).map(({ key, scope, versions }) => {
    const shown = versions.map(({ oid, gone, state, by, at, text }): Version => {
      return {
        oid: String(oid),
        gone: gone === true,
        state: typeof state === 'string' ? state : null,
        by: String(by ?? ''),
        at: String(at ?? ''),
        text: String(text ?? ''),
      }
    })
    return { ref: MEMORY, key, scope, versions: shown }
  })
}

/** In the refs of other folders. */
function elsewhere(store: Store): Shown[] {
  const { local, tracked } = tipsByRef(store)
  const refs = [...new Set([...local.keys(), ...tracked.keys()])].sort()
  return refs
    .filter((ref) => ref !== MEMORY && kindOf(ref) === 'convergent')
    .flatMap((ref) =>
      conflictsIn(viewRef(store, ref)).map(({ key, versions }) => {
        const shown = versions.map(({ id, ...rest }): Version => ({ oid: id, ...rest, state: null }))
        return { ref, key, scope: null, versions: shown }
      }),
    )
}

function conflictText(env: Env, { ref, key, scope, versions }: Shown): string {
  const marks = scope === null ? [ref] : scope === 'repository' ? [] : [scope]
  const [first] = versions
  const id =
    first === undefined
      ? '<id>'
      : shortId(
          first.oid,
          versions.map(({ oid }) => oid),
        )
  const end =
    scope === null
      ? 'the next write at this key ends it'
      : `end it: git dstack resolve ${safe(key)} --take ${id}   or --text "…"`
  return [
    [safe(key), ...marks].join('  '),
    ...versions.map((version) => versionText(env, version, versions)),
    `  ${end}`,
  ].join('\n')
}

function versionText(env: Env, { oid, gone, state, by, at, text }: Version, all: readonly Version[]): string {
  const id = shortId(
    oid,
    all.map((version) => version.oid),
  )
  const marks = [...(state === null ? [] : [state]), `${safe(by)}, ${relativeTime(new Date(at), env.now())}`]
  const said = gone ? '(forgotten)' : safeLines(text).split('\n').join('\n    ')
  return `  ${id}  ${marks.join(' · ')}\n    ${said}`
}

// --- resolve --------------------------------------------------------------------------------------------------------

interface ResolveFlags {
  take?: string
  text?: string
  state?: State
  scope?: Scope
  reason?: string
  allowSecret?: string[]
}

function resolve(env: Env, store: Store, key: string, { allowSecret, ...flags }: ResolveFlags): Reply {
  const { take, text } = flags
  if (take !== undefined && text !== undefined) {
    throw new DstackError('USAGE', 'Give either --take or --text.', { hint: 'See `git dstack conflicts`.' })
  }
  const done = memory.resolve(env, {
    ...flags,
    key,
    ...(allowSecret === undefined ? {} : { allowSecrets: allowSecret }),
  })
  if (isRefusal(done) && done.refused === 'USAGE' && take === undefined && text === undefined) {
    return {
      ...done,
      hint: `${done.hint ?? ''} Take one with \`--take <id>\`, or write what holds with \`--text "…"\`.`.trim(),
    }
  }
  return told(env, done, 'Resolved', () => unsynced(store))
}
