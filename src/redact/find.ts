// What a redaction is to remove: the versions that an id, a key or a write names, in all of history.

import type { Refusal } from '../errors'
import type { Oid } from '../git/git'
import { MAX_DOCUMENT, parseDocument } from '../store/document'
import { CONVERGENT_REFS, isInbox, isLease, kindOf, OUR_PREFIXES } from '../store/names'
import type { Store } from '../store/session'

/** One version of a document, live or past. */
export interface Said {
  ref: string
  oid: Oid
  key: string
  dot: string
  by: string
  at: string
  bytes: Buffer
  /** Without front matter. */
  body: string
}

export interface Found {
  ref: string
  /** To be removed. */
  chosen: Said[]
  /** Other versions at the same keys, which stay. */
  rest: Said[]
}

export interface Sources {
  tipsOf(ref: string): Oid[]
  /** Ids of the live versions at a key. */
  liveAt(ref: string, key: string): Oid[]
}

const HEX = /^[0-9a-f]{4,64}$/

/** @param history every version that ever stood at the keys, not only those that say the same */
export function find(store: Store, sources: Sources, id: string, history: boolean): Found | Refusal {
  const all = CONVERGENT_REFS.flatMap((ref) => versionsIn(store, ref, sources.tipsOf(ref)))
  const picked = pick(store, sources, all, id, history)
  if ('refused' in picked) return picked
  const [first] = picked
  if (first === undefined) return nothing(store, id)
  const { ref } = first
  if (picked.some((one) => one.ref !== ref)) {
    return {
      refused: 'AMBIGUOUS',
      message: `${id} stands in ${[...new Set(picked.map((one) => one.ref))].join(' and ')}.`,
      hint: 'Give the id of a version or of a write.',
      data: { versions: picked.map((one) => ({ ref: one.ref, version: one.oid })) },
    }
  }
  const keys = new Set(picked.map(({ key }) => key))
  const said = new Set(picked.map(({ key, body }) => `${key}\n${body}`))
  const here = all.filter((one) => one.ref === ref && keys.has(one.key))
  // The same words under another state are another version of the same text.
  const chosen = here.filter((one) => history || picked.includes(one) || said.has(`${one.key}\n${one.body}`))
  return { ref, chosen, rest: here.filter((one) => !chosen.includes(one)) }
}

function pick(store: Store, sources: Sources, all: readonly Said[], id: string, history: boolean): Said[] | Refusal {
  const atKey = all.filter(({ key }) => key === id)
  if (atKey.length > 0) {
    const live = new Set(CONVERGENT_REFS.flatMap((ref) => sources.liveAt(ref, id)))
    const picked = history ? atKey : atKey.filter(({ oid }) => live.has(oid))
    if (picked.length > 0) return picked
    return {
      refused: 'NOT_FOUND',
      message: `Nothing stands at ${id} now.`,
      hint: `Name the version, or all that ever stood there: \`git dstack redact ${id} --history\`.`,
    }
  }
  if (!HEX.test(id)) return []
  const versions = all.filter(({ oid }) => oid.startsWith(id))
  const commits = CONVERGENT_REFS.flatMap((ref) => {
    const tips = sources.tipsOf(ref)
    return tips.length === 0 ? [] : store.repo.log(tips).map((commit) => ({ ref, ...commit }))
  }).filter(({ oid }) => oid.startsWith(id))
  const ids = new Set([...versions, ...commits].map(({ oid }) => oid))
  if (ids.size > 1) {
    return {
      refused: 'AMBIGUOUS',
      message: `${ids.size} ids begin with ${id}.`,
      hint: 'Give more of it.',
      data: { ids: [...ids] },
    }
  }
  const [commit] = commits
  if (commit === undefined) return versions
  const dots = new Set(/^Dstack-Dot: (.*)$/m.exec(commit.body)?.slice(1))
  return all.filter((one) => one.ref === commit.ref && dots.has(one.dot))
}

/** Every text that any commit of a ref holds; deletions, stubs and records have none. */
function versionsIn({ repo }: Store, ref: string, tips: readonly Oid[]): Said[] {
  if (tips.length === 0) return []
  return repo.read(repo.reachable(tips, []), MAX_DOCUMENT).flatMap((object): Said[] => {
    if (object?.type !== 'blob') return []
    const doc = parseDocument(object.bytes)
    if ('malformed' in doc || doc.head.gone === true || doc.head.type === 'redaction') return []
    const { key, dot, by, at } = doc.head
    if (typeof key !== 'string' || typeof dot !== 'string') return []
    const { oid, bytes } = object
    return [{ ref, oid, key, dot, by: String(by ?? ''), at: String(at ?? ''), bytes, body: doc.body }]
  })
}

/** Says clearly when it is something that can't be redacted. */
function nothing({ repo }: Store, id: string): Refusal {
  const others = repo
    .tips(...OUR_PREFIXES)
    .filter(({ ref }) => kindOf(ref) !== 'convergent' && !isInbox(ref) && !isLease(ref))
  const holder = HEX.test(id)
    ? others.find(({ oid }) => repo.reachable([oid], []).some((object) => object.startsWith(id)))
    : undefined
  if (holder !== undefined) {
    return {
      refused: 'REFUSED',
      message: `${id} stands in ${holder.ref}, whose history is never written again.`,
      hint: 'Only memory, plans, the fleet and settings can be redacted. Make the text worthless: rotate it.',
      data: { ref: holder.ref },
    }
  }
  return {
    refused: 'NOT_FOUND',
    message: `No version, key or write is called "${id}".`,
    hint: 'See `git dstack log`, or `git dstack memory history <key>`.',
  }
}
