// Reading a convergent ref: the union of the local tip and what was fetched, computed in memory.

import { DstackError } from '../errors'
import type { Oid, TreeChange, TreeFile } from '../git/git'
import { mergeDocuments } from './combine'
import { MAX_DOCUMENT } from './document'
import { containment } from './fold'
import { redactionsFor } from './hiding'
import { keyOf, pathOf } from './keys'
import { basePath, type Item, type Placed, sortItems, winnerPath } from './merge'
import { masked, type Redaction } from './redaction'
import type { Live } from './schema'
import { isKnownInside, type Store, trackingTip } from './session'
import type { FileAt } from './tree'

/** One state of a convergent ref, as a reader sees it. */
export interface View {
  /** Names this state: equal stamps, equal content. */
  readonly stamp: string
  /** The commit whose tree the view begins with; null when there is nothing yet. */
  readonly tip: Oid | null
  /** Live versions, winner first, tombstones among them; empty when nothing is there. */
  at(key: string): Live[]
  /** The same for many keys with one process. */
  many(keys: readonly string[]): Map<string, Live[]>
  /** Every key. */
  all(): Map<string, Live[]>
  /** Keys that differ between that commit and this view; null when that commit is not here any more. */
  since(tip: Oid): string[] | null
  /** Files that can't be read as documents. They are carried, never shown. */
  broken(): { path: string; why: string }[]
}

/** The view of a ref now: best effort, a ref that is only behind is moved forward on the way. */
export function viewRef(store: Store, ref: string): View {
  const { repo } = store
  if (store.at !== null) return viewPast(store, ref, store.at)
  const local = repo.tip(ref)
  const tracked = trackingTip(store, ref)
  if (tracked === null || tracked === local) return makeView(store, local, new Map(), '')
  if (local === null) return makeView(store, forwarded(store, ref, tracked, null), new Map(), '')
  if (isKnownInside(store, ref, tracked, local)) return makeView(store, local, new Map(), '')
  const contained = containment(local, tracked, repo.divergence(local, tracked))
  if (contained?.kind === 'nothing') return makeView(store, local, new Map(), '')
  if (contained?.kind === 'fast-forward') return makeView(store, forwarded(store, ref, tracked, local), new Map(), '')
  return makeView(store, local, mergeDocuments(repo, local, tracked).edits, tracked)
}

/** What a ref said at a time (its last commit before it), or at one of its commits. @throws NOT_FOUND, USAGE */
function viewPast(store: Store, ref: string, at: string): View {
  const { repo } = store
  const tip = repo.tip(ref) ?? trackingTip(store, ref)
  const hidden = redactionsFor(store, ref, [tip, trackingTip(store, ref)])
  if (tip === null) return makeView(store, null, new Map(), '')
  if (/^[0-9a-f]{4,64}$/.test(at)) {
    const [object] = repo.read([`${at}^{commit}`])
    if (object?.type !== 'commit') throw new DstackError('NOT_FOUND', `There is no commit ${at} here.`)
    if (repo.divergence(object.oid, tip).left.length === 0) return viewCommit(store, object.oid, hidden)
    // A commit of another ref stands for its time.
    const seconds = Number(/^committer .*> (\d+) /m.exec(object.bytes.toString('utf8'))?.[1])
    return viewBefore(store, tip, seconds * 1000, hidden)
  }
  const date = Date.parse(at)
  if (Number.isNaN(date)) {
    throw new DstackError('USAGE', `"${at}" is neither a date nor a commit of ${ref}.`, {
      hint: 'Use a date such as 2026-11-01 or 2026-11-01T12:00Z, or an id that `git dstack log` shows.',
    })
  }
  return viewBefore(store, tip, date, hidden)
}

function viewBefore(store: Store, tip: Oid, ms: number, hidden: readonly Redaction[]): View {
  const commit = store.repo.log([tip]).find(({ seconds }) => seconds * 1000 <= ms)
  return makeView(store, commit?.oid ?? null, new Map(), '', hidden)
}

/** The view of one commit, for reading the past; `hidden`: texts that were taken back since. */
export function viewCommit(store: Store, commit: Oid, hidden: readonly Redaction[] = []): View {
  return makeView(store, commit, new Map(), '', hidden)
}

function forwarded(store: Store, ref: string, to: Oid, from: Oid | null): Oid {
  try {
    store.repo.move(ref, to, from, 'dstack: fast-forward')
  } catch {
    // Reading works in a read-only repository, too; the next write or sync moves the ref.
  }
  return to
}

function makeView(
  store: Store,
  tip: Oid | null,
  overlay: ReadonlyMap<string, FileAt | null>,
  stamp: string,
  hidden: readonly Redaction[] = [],
): View {
  const { repo } = store

  function filesOf(bases: readonly string[]): Map<string, Placed[]> {
    const folders = [...new Set(bases.map((base) => base.slice(0, base.lastIndexOf('/'))))]
    const trees = tip === null ? [] : repo.trees(folders.map((folder) => `${tip}:${folder}`))
    const files = folders.flatMap((folder, i) =>
      (trees[i] ?? []).map((entry) => ({ path: `${folder}/${entry.name}`, mode: entry.mode, oid: entry.oid })),
    )
    return group(
      files.filter((file) => file.mode !== '040000'),
      new Set(bases),
    )
  }

  function group(files: readonly Placed[], wanted?: ReadonlySet<string>): Map<string, Placed[]> {
    const byPath = new Map(files.map((file) => [file.path, file]))
    for (const [path, file] of overlay) {
      if (file === null) byPath.delete(path)
      else byPath.set(path, { path, ...file })
    }
    const groups = new Map<string, Placed[]>()
    for (const file of byPath.values()) {
      const base = basePath(file)
      if (wanted === undefined || wanted.has(base)) groups.set(base, [...(groups.get(base) ?? []), file])
    }
    return groups
  }

  function sorted(groups: ReadonlyMap<string, Placed[]>) {
    const files = [...groups.values()].flat().filter((file) => file.mode !== '160000')
    const objects = repo.read(
      files.map((file) => file.oid),
      MAX_DOCUMENT,
    )
    const bytes = new Map(files.map((file, i) => [file.oid, objects[i]?.bytes ?? null]))
    return [...groups].map(([base, members]) => {
      const items = members.map((file): Item => ({ ...file, bytes: bytes.get(file.oid) ?? null }))
      return { base, ...sortItems(base, items) }
    })
  }

  function live(groups: ReadonlyMap<string, Placed[]>): Map<string, Live[]> {
    const keys = new Map<string, Live[]>()
    for (const { live } of sorted(groups)) {
      const versions = live.map(({ item, version }): Live => {
        return { oid: item.oid, path: item.path, ...masked(hidden, version), clock: version.clock }
      })
      const [first] = live
      if (first !== undefined) keys.set(first.version.key, versions)
    }
    return keys
  }

  function diffOrNull(old: Oid, now: Oid): TreeChange[] | null {
    try {
      return repo.diff(old, now)
    } catch (error) {
      if (error instanceof DstackError && error.code === 'CORRUPT' && !repo.has(old)) return null
      throw error
    }
  }

  const everything = (): TreeFile[] => (tip === null ? [] : repo.files(tip))
  return {
    tip,
    stamp: `${tip ?? '-'}${stamp === '' ? '' : `+${stamp}`}`,
    at: (key) => live(filesOf([pathOf(key)])).get(key) ?? [],
    many: (keys) => live(filesOf(keys.map(pathOf))),
    all: () => live(group(everything())),
    since(old) {
      if (tip === null) return []
      const changes = diffOrNull(old, tip)
      if (changes === null) return null
      const paths = [...changes.map((change) => change.path), ...overlay.keys()]
      return [...new Set(paths.flatMap((path) => keyOf(winnerPath(path)) ?? []))]
    },
    broken: () =>
      sorted(group(everything())).flatMap(({ opaque }) => opaque.map(({ item, why }) => ({ path: item.path, why }))),
  }
}

/** What was said differently at one key by people who had not seen each other. */
export interface Conflict {
  key: string
  /** Winner first. */
  versions: { id: Oid; by: string; at: string; text: string; gone: boolean }[]
}

/** Every key with live versions that say different things. Who said it and when does not count as a difference. */
export function conflictsIn(view: View): Conflict[] {
  return [...view.all()].flatMap(([key, live]) => {
    const distinct = [...new Map([...live].reverse().map((version) => [meaning(version), version])).values()].reverse()
    if (distinct.length < 2) return []
    const versions = distinct.map(({ oid, doc, gone }) => {
      return { id: oid, by: String(doc.head.by ?? ''), at: String(doc.head.at ?? ''), text: doc.body, gone }
    })
    return [{ key, versions }]
  })
}

function meaning({ doc, gone }: Live): string {
  const { by: _by, at: _at, clock: _clock, dot: _dot, ...said } = doc.head
  return gone ? 'gone' : JSON.stringify([said, doc.body])
}
