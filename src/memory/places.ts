// Where this user's memory is: the project's refs, a repository of the user's own, or a folder of files.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import { findSecrets, hashText, MEMORY, openStore, person, type Store, viewRef, write } from '../store/store'
import { actorOf } from './actor'
import { originOf } from './origin'
import { fileProvider, type MemoryProvider, providerNamed } from './provider'
import type { Actor } from './rules'
import type { Scope } from './schema'
import { type Counts, foldUsage, MAX_BATCH, type Pending, parseUsage, USAGE, type Usage, withPending } from './usage'

export interface Places {
  env: Env
  /** null where memory is kept in files, outside of any repository. */
  store: Store | null
  project: MemoryProvider
  /** Made when something personal is first written. */
  personal(): { store: Store; provider: MemoryProvider }
  /** Whether there is anything personal to read. */
  hasPersonal(): boolean
  actor(): Actor
  origin(): string | undefined
}

export interface PlacesOptions {
  /** Fingerprints of what looks like a credential and is none. */
  allowSecrets?: readonly string[]
}

/** Finds memory from the current folder. @throws NOT_A_REPOSITORY, BAD_CONFIG */
export function openPlaces(env: Env, options: PlacesOptions = {}): Places {
  const allowed = new Set(options.allowSecrets ?? [])
  // Only the user's own word sends memory somewhere else; a repository's configuration does not.
  const chosen = env.vars.DSTACK_MEMORY_PROVIDER
  const opened = chosen === 'file' ? null : openStore(env)
  const name = chosen ?? opened?.repo.config.own('dstack.memoryprovider') ?? 'git'
  const store = name === 'git' ? opened : null
  const project = providerNamed(name, {
    git: () => gitProvider(opened ?? openStore(env), { allowed, optIn: true, personal: false }),
    file: () =>
      fileProvider({
        files: env.files,
        folder: folderOf(env, opened),
        by: byOf(env, opened),
        now: env.now,
        hash: hashText,
      }),
  })
  const ownEnv = (): Env => {
    const vars = { ...env.vars, GIT_DIR: personalFolder(env), GIT_WORK_TREE: undefined, DSTACK_AT: undefined }
    return { ...env, vars }
  }
  let personal: { store: Store; provider: MemoryProvider } | null = null
  return {
    env,
    store,
    project,
    personal() {
      if (personal !== null) return personal
      makeRepository(env, personalFolder(env))
      const own = openStore(ownEnv())
      personal = { store: own, provider: gitProvider(own, { allowed, optIn: false, personal: true }) }
      return personal
    },
    // The past of the project says nothing of what was personal then.
    hasPersonal: () => opened?.at == null && env.files.stat(join(personalFolder(env), 'HEAD')) !== null,
    actor: () => actorOf(env.vars, nameOf(byOf(env, opened))),
    origin: () =>
      store === null ? undefined : originOf(remoteUrl(store), store.repo.workTree ?? store.repo.commonDir),
  }
}

/** The place of a scope. */
export function placeFor(places: Places, scope: Scope | undefined): MemoryProvider {
  return scope === 'personal' ? places.personal().provider : places.project
}

/** The places that are read together. */
export function readable(places: Places, scope?: Scope): MemoryProvider[] {
  const personal =
    scope === undefined || scope === 'personal' ? (places.hasPersonal() ? [places.personal().provider] : []) : []
  return scope === 'personal' ? personal : [places.project, ...personal]
}

function nameOf(by: string): string {
  return by.replace(/\s*<.*$/, '')
}

function byOf(env: Env, store: Store | null): string {
  return store === null ? (env.vars.GIT_AUTHOR_NAME ?? env.vars.USER ?? 'unknown') : person(store).by
}

function remoteUrl(store: Store): string | null {
  return store.remote === null ? null : (store.repo.config.get(`remote.${store.remote}.url`) ?? null)
}

function dataFolder(env: Env): string {
  return join(env.vars.XDG_DATA_HOME || join(env.vars.HOME ?? env.cwd, '.local', 'share'), 'dstack')
}

function personalFolder(env: Env): string {
  return join(dataFolder(env), 'personal.git')
}

function folderOf(env: Env, store: Store | null): string {
  return env.vars.DSTACK_MEMORY_PATH ?? store?.repo.config.own('dstack.memorypath') ?? join(dataFolder(env), 'memory')
}

/** A bare repository is a few files; this one is nobody else's to read. */
function makeRepository(env: Env, folder: string): void {
  const { files } = env
  if (files.stat(join(folder, 'HEAD')) !== null) return
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) files.makeFolder(join(folder, name))
  files.write(join(folder, 'config'), '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n', {
    mode: 0o600,
  })
  // Last: from here on it is one.
  files.write(join(folder, 'HEAD'), 'ref: refs/heads/main\n', { sync: true })
}

// --- the git provider -----------------------------------------------------------------------------------------------

interface GitPlace {
  allowed: ReadonlySet<string>
  /** Whether the repository must have been initialised for us. */
  optIn: boolean
  personal: boolean
}

/** Documents in refs/dstack/memory. Every write takes along what waits to be counted. */
export function gitProvider(store: Store, place: GitPlace): MemoryProvider {
  return {
    name: 'git',
    personal: place.personal,
    many: (keys) => viewRef(store, MEMORY).many(keys),
    all: () => viewRef(store, MEMORY).all(),
    write(keys, decide) {
      if (place.optIn) requireOptIn(store)
      const waiting = pendingUsage(store, MAX_BATCH)
      const counts = waiting.length === 0 ? null : usageKey(store)
      let folded = false
      const done = write(
        store,
        MEMORY,
        counts === null ? keys : [...keys, counts],
        (seen) => {
          folded = false
          const decision = decide(seen)
          if (isRefusal(decision) || decision.puts.length === 0) return decision
          if (counts === null) return decision
          folded = true
          const usage = foldUsage(counts, seen.at(counts), waiting, mayTravel)
          return usage === null ? decision : { ...decision, puts: [...decision.puts, usage] }
        },
        { allowSecrets: place.allowed },
      )
      if (isRefusal(done)) return done
      if (folded) tidyUp(store, waiting)
      return done.result
    },
  }
}

/** A question can be a pasted token. It is looked at as it will stand in the document, which the store looks at again. */
function mayTravel(question: string): boolean {
  return findSecrets(`gaps: ${JSON.stringify({ [question]: 1 })}`, { hash: hashText }).length === 0
}

/** A repository that nobody opted in stays as it is. */
function requireOptIn({ repo }: Store): void {
  if (repo.config.flag('dstack.enabled', false)) return
  throw new DstackError('NOT_INITIALISED', 'git dstack is not set up in this repository.', {
    hint: 'Run `git dstack init` once.',
  })
}

// --- what waits to be counted -----------------------------------------------------------------------------------------

const WAITING = 'usage'
const WRITER = 'usage-writer.json'
/** Where nobody ever writes, questions pile up; more than this tells nothing new. */
const MAX_WAITING = 1000

/** Notes that something happened. Each event is a file of its own, so that two processes never meet. */
export function noteUsage(store: Store, usage: Usage): void {
  const { env, repo } = store
  if (env.files.list(repo.ours(WAITING)).length >= MAX_WAITING) return
  env.files.write(repo.ours(join(WAITING, `${env.newId()}.json`)), JSON.stringify(usage))
}

function pendingUsage({ env, repo }: Store, most: number): Pending[] {
  const names = env.files
    .list(repo.ours(WAITING))
    .filter((name) => /^[0-9a-z]{10}\.json$/.test(name))
    .sort()
  return names.slice(0, most).flatMap((name) => {
    const usage = parseUsage(env.files.read(repo.ours(join(WAITING, name)))?.toString('utf8') ?? '')
    return usage === null ? [] : [{ id: name.slice(0, -'.json'.length), usage }]
  })
}

/** Adds to counts what this clone has not written yet. */
export function withWaiting(store: Store, counts: Counts): Counts {
  const waiting = pendingUsage(store, MAX_WAITING)
  if (waiting.length === 0) return counts
  const own = knownUsageKey(store)
  const live = own === null ? [] : (viewRef(store, MEMORY).many([own]).get(own) ?? [])
  return withPending(counts, live, waiting)
}

function tidyUp({ env, repo }: Store, counted: readonly Pending[]): void {
  try {
    for (const { id } of counted) env.files.remove(repo.ours(join(WAITING, `${id}.json`)))
  } catch {
    // They are known as counted; the next write tries again.
  }
}

interface UsageWriter {
  id: string
  host: string
  inode: number
  birthMs: number
}

/** The key of this clone's own counts. A copied folder gets another one: its file is another file. */
function usageKey(store: Store): string {
  const known = knownUsageKey(store)
  if (known !== null) return known
  const { env, repo } = store
  const id = env.newId()
  env.files.writeMarked(repo.ours(WRITER), (self) =>
    JSON.stringify({ id, host: env.host, ...self } satisfies UsageWriter),
  )
  return USAGE + id
}

function knownUsageKey({ env, repo }: Store): string | null {
  const path = repo.ours(WRITER)
  const stat = env.files.stat(path)
  const known = stat === null ? null : parseUsageWriter(env.files.read(path)?.toString('utf8') ?? '')
  const same =
    known !== null && known.host === env.host && known.inode === stat?.inode && known.birthMs === stat.birthMs
  return same ? USAGE + known.id : null
}

function parseUsageWriter(text: string): UsageWriter | null {
  try {
    const writer = JSON.parse(text) as UsageWriter
    return /^[0-9a-z]{10}$/.test(writer.id) ? writer : null
  } catch {
    return null // torn: begin a new document
  }
}
