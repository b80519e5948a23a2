// What records of removed texts do in this clone: which ones count, what is written again, what is cleared away after it.

import type { Oid } from '../git/git'
import { cleanChain, type Held, heldAmong, heldBy } from './cleaning'
import { CONVERGENT_REFS, kindOf, trackingRef } from './names'
import { addressOf, type Meant, parseRedaction, REDACTIONS, type Redaction } from './redaction'
import { person, type Store, trackingTip } from './session'

// --- what this clone knows ------------------------------------------------------------------------------------------

/** `dstack/redactions.json`: records count for ever once they were seen, also when somebody takes them out of the ref. */
interface Known {
  v: 1
  refs: Record<string, { records: Redaction[]; clean: Oid[]; due: boolean }>
}

const NOTHING = { records: [], clean: [], due: false }

function path(store: Store): string {
  return store.repo.ours('redactions.json')
}

function readKnown(store: Store): Known {
  try {
    const known = JSON.parse(store.env.files.read(path(store))?.toString('utf8') ?? 'null') as Known | null
    return known?.v === 1 ? known : { v: 1, refs: {} }
  } catch {
    return { v: 1, refs: {} } // torn: the records are in the refs
  }
}

function change(store: Store, ref: string, to: Partial<Known['refs'][string]>): void {
  const known = readKnown(store)
  const refs = { ...known.refs, [ref]: { ...NOTHING, ...known.refs[ref], ...to } }
  store.env.files.write(path(store), `${JSON.stringify({ v: 1, refs } satisfies Known)}\n`)
}

/** Says that texts of a ref are about to be removed: whoever works here next goes on with it if this process dies. */
export function beginRemoval(store: Store, ref: string): void {
  change(store, ref, { due: true })
}

/** Every record for a ref: those in the trees of these tips, and those that were seen before. */
export function redactionsFor(store: Store, ref: string, tips: readonly (Oid | null)[]): Redaction[] {
  if (kindOf(ref) !== 'convergent') return []
  const { repo } = store
  const known = readKnown(store).refs[ref]?.records ?? []
  const names = [...new Set(tips)].flatMap((tip) => (tip === null ? [] : [`${tip}:${REDACTIONS}`]))
  const folders = new Set(repo.read(names).flatMap((tree) => (tree?.type === 'tree' ? [tree.oid] : [])))
  if (folders.size === 0) return known
  const files = [...folders].flatMap((tree) => repo.files(tree))
  const objects = repo.read(files.map(({ oid }) => oid))
  const records = new Map(known.map((record) => [record.id, record]))
  files.forEach(({ path: name }, i) => {
    const bytes = objects[i]?.bytes
    const record = bytes === undefined ? null : parseRedaction(`${REDACTIONS}/${name}`, bytes)
    if (record !== null && !records.has(record.id)) records.set(record.id, record)
  })
  const all = [...records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  // What was clean of the former ones has to be looked through again.
  if (all.length > known.length) {
    try {
      change(store, ref, { records: all, clean: [] })
    } catch {
      // A read-only repository: the records are in the refs, and are read again.
    }
  }
  return all
}

/** Addresses of those whose redactions remove texts here: named outside the repository; nobody named: oneself. */
export function redactors(store: Store): Set<string> {
  const named = store.repo.config.ownAll('dstack.redactors').flatMap((value) => value.split(/[\s,]+/))
  const all = named.filter((address) => address !== '')
  return new Set((all.length > 0 ? all : [person(store).author.email]).map((address) => address.toLowerCase()))
}

function pinned(store: Store, records: readonly Redaction[]): Redaction[] {
  if (records.length === 0) return []
  const who = redactors(store)
  return records.filter(({ by }) => who.has(addressOf(by)))
}

/** Removed texts that a tip holds. `all`: also those whose redactor is not pinned here. */
export function removedIn(
  store: Store,
  ref: string,
  tip: Oid,
  which: 'pinned' | 'all',
): { records: Redaction[]; held: Map<Oid, Meant> } {
  const every = redactionsFor(store, ref, [tip, store.repo.tip(ref), trackingTip(store, ref)])
  const records = which === 'all' ? every : pinned(store, every)
  const clean = which === 'all' ? [] : knownClean(store, ref, [tip])
  return { records, held: heldBy(store, [tip], records, clean) }
}

/** Is one of these objects a removed text of any ref? */
export function isRemoved(store: Store, oids: readonly Oid[]): boolean {
  return refsWithRemovals(store).some((ref) => removedAmong(store, ref, oids).length > 0)
}

/** Those of these objects that hold removed text of a ref. */
export function removedAmong(store: Store, ref: string, oids: readonly Oid[]): Oid[] {
  const tips = [store.repo.tip(ref), trackingTip(store, ref)]
  return [...heldAmong(store, oids, redactionsFor(store, ref, tips)).keys()]
}

/** Tips that were looked through for the records of now, as far as they are still here. */
function knownClean(store: Store, ref: string, tips: readonly Oid[]): Oid[] {
  const clean = readKnown(store).refs[ref]?.clean ?? []
  const exact = clean.filter((oid) => tips.includes(oid))
  return [...exact, ...clean.filter((oid) => !exact.includes(oid) && store.repo.has(oid))]
}

// --- two tips that meet ---------------------------------------------------------------------------------------------

export interface Hidden {
  local: Oid | null
  other: Oid
  /** True when the local chain was written again: what it was may be cleared away once the ref has moved. */
  cleaned: boolean
}

/**
 * The tips as they are to be folded. A pinned redactor's texts are in neither. Anybody else's stay where they are; only a
 * chain that would bring them to where they no longer are is written again, and what it was is kept beside it.
 */
export function withoutRemoved(store: Store, ref: string, local: Oid | null, other: Oid, hub: boolean): Hidden {
  const records = redactionsFor(store, ref, [local, other])
  if (records.length === 0) return { local, other, cleaned: false }
  const mine = pinned(store, records)
  const others = records.filter((record) => !mine.includes(record))
  const clean = others.length > 0 ? [] : knownClean(store, ref, local === null ? [other] : [local, other])
  const here = local === null ? new Map<Oid, Meant>() : heldBy(store, [local], records, clean)
  const there = other === local ? here : heldBy(store, [other], records, clean)
  const drop = (held: Held, opposite: Held, follows: boolean) =>
    new Map([...held].filter(([oid, { record }]) => mine.includes(record) || (follows && !opposite.has(oid))))
  const fromHere = drop(here, there, hub && local !== other)
  const fromThere = drop(there, here, !hub && local !== null && local !== other)
  const next = {
    local: local === null ? null : cleanChain(store, local, fromHere),
    other: cleanChain(store, other, fromThere),
  }
  const cleaned = next.local !== local
  if (cleaned) {
    beginRemoval(store, ref)
    const kept = [...fromHere.values()].some(({ record }) => !mine.includes(record))
    if (kept && local !== null) keepBeside(store, ref, local)
  }
  if (others.length === 0 && fromHere.size + fromThere.size > 0) remember(store, ref, next)
  return { ...next, cleaned }
}

function remember(store: Store, ref: string, { local, other }: { local: Oid | null; other: Oid }): void {
  change(store, ref, { clean: [...new Set([...(local === null ? [] : [local]), other])] })
}

/** Whoever is not pinned removes nothing: what the chain was stays under a name that no push and no reader of ours takes. */
function keepBeside({ repo }: Store, ref: string, tip: Oid): void {
  const name = `refs/dstack-local/redacted/${ref.slice('refs/dstack/'.length)}/${tip.slice(0, 12)}`
  if (repo.tip(name) === null) repo.move(name, tip, null, 'dstack: kept, its redactor is not pinned here')
}

// --- after the ref has moved ----------------------------------------------------------------------------------------

/** The search index, which holds every text in clear. */
const CACHES = ['cache/memory.index', 'cache/memory.counts.json']

/**
 * Clears what names the former chain: the index, and the entries of our own reflogs that the tip no longer reaches.
 * Objects stay until git itself collects them. Done again until the remote's copy is clean, too.
 */
export function afterRemoval(store: Store, ref: string): void {
  const { repo, env, remote } = store
  for (const name of CACHES) env.files.remove(repo.ours(name))
  const tips = { local: repo.tip(ref), tracked: trackingTip(store, ref) }
  const records = redactionsFor(store, ref, [tips.local, tips.tracked])
  const mine = pinned(store, records)
  if (mine.length > 0) {
    for (const name of [ref, ...(remote === null ? [] : [trackingRef(remote, ref)])]) {
      const args = ['reflog', 'expire', '--expire=never', '--expire-unreachable=now', name]
      if (repo.tip(name) !== null) repo.git(args, { ok: [0, 1, 128, 255] })
    }
  }
  const all = [tips.local, tips.tracked].filter((tip) => tip !== null)
  const clean = all.flatMap((tip) => knownClean(store, ref, [tip]))
  if (heldBy(store, all, mine, [...new Set(clean)]).size > 0) return
  change(store, ref, { due: false, ...(mine.length === records.length ? { clean: all } : {}) })
}

/** Refs in which a removal was begun in this clone and is not known to be through. One read of a file, mostly of none. */
export function dueRemovals(store: Store): string[] {
  if (store.env.files.stat(path(store)) === null) return []
  return Object.entries(readKnown(store).refs).flatMap(([ref, { due }]) => (due ? [ref] : []))
}

/** Convergent refs that are here or were fetched, with records to obey. One process. */
export function refsWithRemovals(store: Store): string[] {
  const known = readKnown(store).refs
  const tips = CONVERGENT_REFS.flatMap((ref) =>
    [store.repo.tip(ref), trackingTip(store, ref)].flatMap((tip) => (tip === null ? [] : [{ ref, tip }])),
  )
  const trees = store.repo.read(tips.map(({ tip }) => `${tip}:${REDACTIONS}`))
  const holding = new Set(tips.filter((_, i) => trees[i]?.type === 'tree').map(({ ref }) => ref))
  return CONVERGENT_REFS.filter((ref) => holding.has(ref) || (known[ref]?.records.length ?? 0) > 0)
}
