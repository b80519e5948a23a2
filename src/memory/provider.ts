// Where memory is kept, behind one seam: git by default, a folder of files outside of git. Everything else builds on these verbs.

import type { Files } from '../env/env'
import { DstackError, isRefusal, type Refusal } from '../errors'
import { encodeDocument, MAX_DOCUMENT, parseDocument } from '../store/document'
import { covers } from '../store/glob'
import { keyProblem } from '../store/keys'
import type { Decision, Json, Live, Put, Seen } from '../store/schema'
import { differing, memoryOf } from './forms'
import { docKey } from './rules'
import type { Memory, Scope, State } from './schema'
import type { Address } from './standing'
import { totals } from './usage'

export interface MemoryProvider {
  readonly name: string
  /** True for the place of what belongs to one person only. */
  readonly personal: boolean
  /** Live versions of these documents, winner first, tombstones included. */
  many(keys: readonly string[]): Map<string, Live[]>
  /** The same for all documents. */
  all(): Map<string, Live[]>
  /**
   * Changes documents. `keys` are those that the decision looks at; it may put only these. The decision runs again when
   * somebody was faster. Done means: kept.
   */
  write<R>(keys: readonly string[], decide: (seen: Seen) => Decision<R>): R | Refusal
}

export interface Filter {
  scope?: Scope
  states?: readonly State[]
  tag?: string
  /** Only what matters for this file. */
  path?: string
  /** Key, or the beginning of one up to a slash. */
  under?: string
  /** Absent: both. */
  proposed?: boolean
}

/** Every entry that the filter lets through, by key. Of a conflict the winner, with the number of versions. */
export function listEntries(provider: MemoryProvider, filter: Filter = {}): Memory[] {
  const documents = provider.all()
  const { helped } = totals(documents)
  return [...documents]
    .flatMap(([key, live]) => winnerOf(live, provider.personal, helped.get(key) ?? 0) ?? [])
    .filter((entry) => passes(entry, filter))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.scope < b.scope ? -1 : 1))
}

function winnerOf(live: readonly Live[], personal: boolean, helped: number): Memory | null {
  const versions = differing(live)
  // A tombstone that won a conflict hides nobody's text.
  const first = versions.find((version) => !version.gone)
  return first === undefined ? null : memoryOf(first, { versions: versions.length, helped, personal })
}

function passes(entry: Memory, filter: Filter): boolean {
  const { scope, states, tag, path, under, proposed } = filter
  return (
    (scope === undefined || entry.scope === scope) &&
    (states === undefined || states.includes(entry.state)) &&
    (tag === undefined || entry.tags.includes(tag.toLowerCase())) &&
    (path === undefined || entry.paths.length === 0 || entry.paths.some((glob) => covers(glob, path))) &&
    (under === undefined || entry.key === under || entry.key.startsWith(`${under.replace(/\/$/, '')}/`)) &&
    (proposed === undefined || entry.proposed === proposed)
  )
}

/** The differing live versions at an address, winner first; empty when nothing is there. */
export function versionsAt(provider: MemoryProvider, address: Address): Live[] {
  const key = docKey(address.scope ?? 'repository', address.key)
  if (keyProblem(key) !== null) return []
  const live = differing(provider.many([key]).get(key) ?? [])
  return live.some((version) => !version.gone) ? live : []
}

/** The entry at an address; null when nothing is there. */
export function entryAt(provider: MemoryProvider, address: Address): Memory | null {
  return winnerOf(versionsAt(provider, address), provider.personal, 0)
}

/** Makes the provider of that name. @throws BAD_CONFIG for a name that nobody knows: memory must not go somewhere else. */
export function providerNamed(name: string, makers: Readonly<Record<string, () => MemoryProvider>>): MemoryProvider {
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined
  if (make !== undefined) return make()
  throw new DstackError('BAD_CONFIG', `There is no memory provider ${JSON.stringify(name)}.`, {
    hint: `Set dstack.memory.provider to one of: ${Object.keys(makers).join(', ')}.`,
  })
}

// --- a folder of files ----------------------------------------------------------------------------------------------

export interface FilePlace {
  files: Files
  folder: string
  /** Who writes, and when. */
  by: string
  now: () => Date
  /** Names the bytes of a version. */
  hash: (text: string) => string
}

const SUFFIX = '.md'
/** Words of the longest key, with a scope before it. */
const MAX_DEPTH = 9
/** Writers of one folder are few and slow; who still loses hears it. */
const TRIES = 5

/**
 * One Markdown file per entry, named by its key. The same documents as in git, without history: what is overwritten or
 * forgotten is gone. For one machine; two processes that write one entry at the same instant may lose one of the texts.
 */
export function fileProvider(place: FilePlace): MemoryProvider {
  const { files, folder } = place
  const pathOf = (key: string) => `${folder}/${key}${SUFFIX}`

  function read(key: string): Live | null {
    const path = pathOf(key)
    // A link could lead out of the folder.
    if (files.stat(path)?.kind !== 'file') return null
    const bytes = files.read(path)
    if (bytes === null || bytes.length > MAX_DOCUMENT) return null
    const doc = parseDocument(bytes)
    if ('malformed' in doc) return null
    return {
      oid: place.hash(bytes.toString('utf8')),
      path,
      doc: { ...doc, head: { ...doc.head, key } },
      clock: {},
      gone: false,
    }
  }

  function* keysUnder(prefix: string, depth: number): Generator<string> {
    for (const name of files.list(`${folder}/${prefix}`).sort()) {
      const kind = files.stat(`${folder}/${prefix}${name}`)?.kind
      if (kind === 'folder' && depth < MAX_DEPTH) yield* keysUnder(`${prefix}${name}/`, depth + 1)
      const key = `${prefix}${name.slice(0, -SUFFIX.length)}`
      if (kind === 'file' && name.endsWith(SUFFIX) && keyProblem(key) === null) yield key
    }
  }

  function load(keys: Iterable<string>): Map<string, Live[]> {
    const found = new Map<string, Live[]>()
    for (const key of keys) {
      const live = read(key)
      if (live !== null) found.set(key, [live])
    }
    return found
  }

  function put(one: Put): void {
    if (one.head.gone === true) {
      files.remove(pathOf(one.key))
      return
    }
    const { type, ...fields } = one.head
    const head: Record<string, Json> = {
      type: type ?? 'memory',
      key: one.key,
      ...fields,
      by: place.by,
      at: place.now().toISOString(),
    }
    const raw = one.raw === undefined ? {} : { raw: one.raw }
    files.write(pathOf(one.key), encodeDocument({ head, body: one.body, ...raw }), { sync: true })
  }

  return {
    name: 'file',
    personal: false,
    many: load,
    all: () => load(keysUnder('', 1)),
    write(keys, decide) {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const seen = load(keys)
        const decision = decide({ at: (key) => seen.get(key) ?? [] })
        if (isRefusal(decision)) return decision
        const unchanged = [...load(keys)].every(([key, [live]]) => live?.oid === seen.get(key)?.[0]?.oid)
        if (!unchanged) continue
        for (const one of decision.puts) put(one)
        return decision.result
      }
      throw new DstackError('CONTENDED', `Could not write to ${folder}: somebody else keeps changing it.`, {
        hint: 'Run the command again.',
      })
    },
  }
}
