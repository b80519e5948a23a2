// The one way to change a convergent ref: read, decide, build objects, move one ref; again from the start when somebody was faster.

import { DstackError, isRefusal, type Refusal } from '../errors'
import type { Lock, ObjectBatch, Oid, TreeEntry } from '../git/git'
import { formatDot, joinClocks, sortClock } from './clock'
import { addEdits } from './combine'
import { encodeDocument, MAX_DOCUMENT, MAX_HEAD, parseDocument } from './document'
import { finishRemoval, foldTips, signatures } from './folding'
import { afterRemoval, beginRemoval, dueRemovals } from './hiding'
import { keyProblem, pathOf } from './keys'
import { basePath, type Item, mergeItems, type Placed, sortItems } from './merge'
import { CONFIG, FORMAT, FORMAT_KEY } from './names'
import type { Change, Clock, Decision, Json, Live, Put, Seen } from './schema'
import { findSecrets } from './secrets'
import {
  isKnownInside,
  knownIncarnation,
  newIncarnation,
  person,
  recordIncarnation,
  type Store,
  trackingTip,
} from './session'
import { editTree, type FileAt, foldersOf, wholeFolders } from './tree'
import { dotTrailer, type Incarnation } from './writer'

/** Who the write will say it is from; a decision may need it (usage documents). */
export interface Me {
  writer: string
  by: string
  at: string
}

export interface Written<R> {
  commit: Oid
  result: R
}

const TRIES = 20

export interface WriteOptions {
  /** Fingerprints of what looks like a credential and is none: a person has looked. */
  allowSecrets?: ReadonlySet<string>
  /** It records that texts are to be removed: whoever works here next goes on with that if this process dies. */
  removes?: true
}

/**
 * Changes documents of a convergent ref. `keys` are the documents that the decision looks at; it may put only these.
 * `decide` is pure: it runs again, on what is there then, when another writer was faster. Done means: on the disk.
 * @throws CONTENDED, TOO_NEW, IO, NO_PERMISSION
 */
export function write<R>(
  store: Store,
  ref: string,
  keys: readonly string[],
  decide: (seen: Seen, me: Me) => Decision<R>,
  options: WriteOptions = {},
): Written<R> | Refusal {
  for (const key of keys) {
    const problem = keyProblem(key, { reserved: true })
    if (problem !== null) throw new DstackError('BAD_KEY', `"${key}" can't be a key: ${problem}.`)
  }
  if (store.at !== null)
    throw new DstackError('USAGE', 'The past can be read, not written.', { hint: 'Leave out `at`.' })
  if (options.removes === true) beginRemoval(store, ref)
  else for (const due of dueRemovals(store)) finishRemoval(store, due)
  const who = person(store)
  const lock = store.repo.lock()
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const done = tryWrite(store, ref, keys, decide, options, who.by, lock)
      if (done !== null) return done
      store.env.pause(10 + store.env.random() * 80)
    }
  } finally {
    lock?.release()
  }
  throw new DstackError('CONTENDED', `Could not write ${ref}: other writers were faster ${TRIES} times.`, {
    hint: 'Run the command again; if it persists, see `git dstack doctor`.',
  })
}

/** null: somebody was faster. */
function tryWrite<R>(
  store: Store,
  ref: string,
  keys: readonly string[],
  decide: (seen: Seen, me: Me) => Decision<R>,
  options: WriteOptions,
  by: string,
  lock: Lock | null,
): Written<R> | Refusal | null {
  const { repo, env } = store
  const local = repo.tip(ref)
  const base = foldedBase(store, ref, local)
  const loaded = load(store, base.tip, keys)
  const own = (base.copied ? null : knownIncarnation(store, ref, local)) ?? newIncarnation(store)
  const seen = seenFrom(loaded)
  const writer = isClaimed(seen, keys, own) ? newIncarnation(store) : own
  const me: Me = {
    writer: writer.id,
    by,
    at: env
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z'),
  }

  const decision = decide(seen, me)
  if (isRefusal(decision)) return decision
  if (decision.puts.length === 0) return { commit: base.tip ?? '', result: decision.result }
  for (const put of decision.puts) {
    const refusal = refuseSecrets(store, put, options)
    if (refusal !== null) return refusal
  }
  const tick = writer.tick + 1
  const batch = repo.batch()
  const edits = new Map<string, FileAt | null>()
  for (const put of decision.puts) {
    const items = loaded.items.get(put.key)
    if (items === undefined) throw new DstackError('INTERNAL', `A write of ${put.key}, which it did not read.`)
    const bytes = stamp(put, seen.at(put.key), { ...me, tick })
    const item: Item = { path: pathOf(put.key), mode: '100644', oid: batch.blob(bytes), bytes }
    addEdits(edits, items, mergeItems(pathOf(put.key), [...items, item]))
  }
  const tip = commit(store, batch, base.tip, loaded.folders, edits, decision, { writer: writer.id, tick })
  repo.save(batch)
  recordIncarnation(store, ref, { id: writer.id, tick, tip, inside: base.tracked })
  if (!repo.move(ref, tip, local, decision.subject, lock)) {
    recordIncarnation(store, ref, writer.tip === '' ? null : writer)
    return null
  }
  repo.ensure(batch)
  if (base.cleaned) afterRemoval(store, ref)
  return { commit: tip, result: decision.result }
}

/** The local tip with what was fetched since folded in. */
function foldedBase(
  store: Store,
  ref: string,
  local: Oid | null,
): { tip: Oid | null; tracked: Oid | null; copied: boolean; cleaned: boolean } {
  const tracked = trackingTip(store, ref)
  if (tracked === null || tracked === local || isKnownInside(store, ref, tracked, local)) {
    return { tip: local, tracked, copied: false, cleaned: false }
  }
  const folded = foldTips(store, ref, local, tracked, true)
  const { copied, cleaned, contains } = folded
  return { tip: folded.tip, tracked: contains ? tracked : null, copied, cleaned }
}

// --- reading what the decision sees ---------------------------------------------------------------------------------

interface Loaded {
  folders: Map<string, TreeEntry[]>
  /** All files that compete for the key's path. */
  items: Map<string, Item[]>
}

/** A folder's tree and a note's text are read with the documents; larger ones are foreign. */
const MAX_READ = 4 * 1024 * 1024

/** One process for the folders, and for the documents where they usually stand; a second one only for what stands beside. */
function load(store: Store, tip: Oid | null, keys: readonly string[]): Loaded {
  const { repo } = store
  const paths = keys.map(pathOf)
  const names = foldersOf(paths)
  const format = `${CONFIG}:${pathOf(FORMAT_KEY)}`
  const inTip = (path: string) => `${tip}${path === '' ? '^{tree}' : `:${path}`}`
  const objects = repo.read([format, ...(tip === null ? [] : [...names, ...paths].map(inTip))], MAX_READ)
  refuseNewerFormat(objects[0]?.bytes)
  const read = names.map((name, i) => [name, objects[1 + i] ? repo.entries(objects[1 + i] ?? null) : null] as const)
  const folders = tip === null ? new Map(names.map((name) => [name, []])) : wholeFolders(tip, new Map(read))
  const bytes = new Map(
    objects.slice(1 + names.length).flatMap((object) => (object ? [[object.oid, object.bytes]] : [])),
  )

  const files = paths.map((path) => competing(folders, path))
  const others = files.flat().filter((file) => file.mode !== '160000' && !bytes.has(file.oid))
  const beside = repo.read(
    others.map((file) => file.oid),
    MAX_DOCUMENT,
  )
  for (const object of beside) if (object !== null) bytes.set(object.oid, object.bytes)
  const items = keys.map((key, i) => {
    return [key, (files[i] ?? []).map((file): Item => ({ ...file, bytes: bytes.get(file.oid) ?? null }))] as const
  })
  return { folders, items: new Map(items) }
}

function competing(folders: ReadonlyMap<string, TreeEntry[]>, base: string): Placed[] {
  const folder = base.slice(0, base.lastIndexOf('/'))
  return (folders.get(folder) ?? [])
    .filter((entry) => entry.mode !== '040000')
    .map((entry) => ({ path: `${folder}/${entry.name}`, mode: entry.mode, oid: entry.oid }))
    .filter((file) => basePath(file) === base)
}

function seenFrom(loaded: Loaded): Seen {
  return {
    at(key) {
      return sortItems(pathOf(key), loaded.items.get(key) ?? []).live.map(
        ({ item, version }): Live => ({
          oid: item.oid,
          path: item.path,
          doc: version.doc,
          clock: version.clock,
          gone: version.gone,
        }),
      )
    },
  }
}

/** A version that claims more of our ticks than we issued: they are not ours to go on counting. */
function isClaimed(seen: Seen, keys: readonly string[], own: Incarnation): boolean {
  return keys.some((key) => seen.at(key).some((live) => (live.clock[own.id] ?? 0) > own.tick))
}

/** A repository that asks for a newer writer is read and synced, and not written. */
function refuseNewerFormat(bytes: Uint8Array | undefined): void {
  if (bytes === undefined) return
  const doc = parseDocument(bytes)
  const wanted = 'malformed' in doc ? 0 : doc.head.min_write
  if (typeof wanted !== 'number' || wanted <= FORMAT) return
  throw new DstackError(
    'TOO_NEW',
    `This repository asks for format ${wanted}; this git dstack writes format ${FORMAT}.`,
    {
      hint: 'Update git dstack; until then you can read and sync.',
    },
  )
}

/** Nothing that looks like a credential gets into a ref that is made to be shared. */
function refuseSecrets(store: Store, put: Put, { allowSecrets }: WriteOptions): Refusal | null {
  const fields = Object.entries(put.head).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const scan = { hash: store.repo.digest, ...(allowSecrets === undefined ? {} : { allowed: allowSecrets }) }
  const findings = findSecrets(`${put.body}\n${fields.join('\n')}`, scan)
  const [first] = findings
  if (first === undefined) return null
  return {
    refused: 'SECRET',
    // Not even the key is told: it may have been made from the text.
    message: `Nothing was written: ${first.masked} on line ${first.line} looks like a credential (${first.rule}).`,
    hint: `Write where to find it instead. If it is none: --allow-secret ${first.fingerprint}.`,
    data: { findings: findings.map(({ rule, line, masked, fingerprint }) => ({ rule, line, masked, fingerprint })) },
  }
}

// --- building -------------------------------------------------------------------------------------------------------

function stamp(put: Put, live: readonly Live[], me: Me & { tick: number }): Buffer {
  const ended = put.over === undefined ? live : live.filter(({ oid }) => put.over?.includes(oid))
  const clock: Clock = sortClock({ ...joinClocks(ended.map((version) => version.clock)), [me.writer]: me.tick })
  const { type, key: _key, by: _by, at: _at, clock: _clock, dot: _dot, ...fields } = put.head
  const head: Record<string, Json> = {
    type: type ?? 'unknown',
    key: put.key,
    ...fields,
    by: me.by,
    at: me.at,
    dot: formatDot({ writer: me.writer, tick: me.tick }),
    clock: { ...clock },
  }
  const bytes = encodeDocument({ head, body: put.body, ...(put.raw === undefined ? {} : { raw: put.raw }) })
  const headLength = bytes.length - Buffer.byteLength(put.body)
  if (bytes.length > MAX_DOCUMENT || headLength > MAX_HEAD) {
    throw new DstackError(
      'TOO_LARGE',
      `${put.key} would be ${bytes.length} bytes; a document holds at most ${MAX_DOCUMENT}.`,
      {
        hint: 'Keep the fact and link to the rest.',
      },
    )
  }
  return bytes
}

function commit(
  store: Store,
  batch: ObjectBatch,
  base: Oid | null,
  folders: ReadonlyMap<string, TreeEntry[]>,
  edits: ReadonlyMap<string, FileAt | null>,
  change: Change<unknown>,
  dot: { writer: string; tick: number },
): Oid {
  const tree = editTree(batch, folders, edits) ?? batch.tree([])
  const trailers = Object.entries(change.trailers ?? {}).map(([name, value]) => `${name}: ${oneLine(value)}\n`)
  const message = `${oneLine(change.subject)}\n\n${trailers.join('')}${dotTrailer(dot.writer, dot.tick)}\n`
  return batch.commit({ tree, parents: base === null ? [] : [base], ...signatures(store), message })
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500)
}
