// The door to redaction: takes a text out of a ref and its history for good, as far as anybody can.

import { agentIn, agentOf, type Env } from '../env/env'
import { DstackError, isRefusal, type Refusal } from '../errors'
import type { Oid } from '../git/git'
import type { Change, Seen } from '../store/schema'
import {
  addressOf,
  MAX_REMOVED,
  person,
  type Removed,
  recordKey,
  recordPut,
  redactors,
  removedIn,
  type Store,
  settleRemovals,
  stubPut,
  trackingTip,
  viewRef,
  write,
} from '../store/store'
import { type SyncReport, sync } from '../sync/sync'
import { type Found, find, type Said } from './find'

/** What would be removed, for a person to look at. */
export interface Plan extends Found {
  /** Names exactly these versions: a confirmation of another plan does not fit. */
  token: string
  /** False: the person is no redactor by their own configuration; the text is only hidden. */
  removes: boolean
}

/** @throws NOT_FOUND */
export function plan(store: Store, id: string, options: { history?: boolean } = {}): Plan | Refusal {
  const agent = agentIn(store.env.vars) ?? agentOf(store.env.vars)
  if (agent !== null) return notAPerson('an agent works in this shell')
  if (store.at !== null) throw new DstackError('USAGE', 'The past can be read, not written.')
  settleRemovals(store, 'due')
  if (store.repo.shallow) {
    return {
      refused: 'ILLEGAL',
      message: 'This clone is shallow: it does not hold the history that has to be written again.',
      hint: 'Run `git fetch --unshallow` first.',
    }
  }
  const sources = {
    tipsOf: (ref: string) => tipsOf(store, ref),
    liveAt: (ref: string, key: string) =>
      viewRef(store, ref)
        .at(key)
        .map(({ oid }) => oid),
  }
  const found = find(store, sources, id, options.history ?? false)
  if (isRefusal(found)) return found
  if (found.chosen.length > MAX_REMOVED) {
    return {
      refused: 'TOO_LARGE',
      message: `${found.chosen.length} versions at once are too many; ${MAX_REMOVED} go into one redaction.`,
      hint: 'Redact them by their keys, one after the other.',
    }
  }
  const ids = found.chosen.map(({ oid }) => oid).sort()
  const me = addressOf(person(store).by)
  return { ...found, token: store.repo.digest(ids.join('\n')).slice(0, 8), removes: redactors(store).has(me) }
}

function tipsOf(store: Store, ref: string): Oid[] {
  return [...new Set([store.repo.tip(ref), trackingTip(store, ref)])].filter((tip) => tip !== null)
}

function notAPerson(why: string): Refusal {
  return {
    refused: 'NO_PERMISSION',
    message: `Only a person can redact, and ${why}.`,
    hint: 'A person runs `git dstack redact` in a terminal of their own.',
  }
}

/** A person's yes: at the terminal, or by the token of the plan that they were shown. */
export async function confirmed(env: Env, planned: Plan, token: string | undefined): Promise<Refusal | null> {
  if (token !== undefined) {
    if (token === planned.token) return null
    return {
      refused: 'REFUSED',
      message: `"${token}" does not confirm what would be removed now.`,
      hint: 'Look at it again without --confirm.',
    }
  }
  const yes = await env.confirm('Is it rotated, and shall the text go?')
  if (yes === true) return null
  if (yes === false) return { refused: 'REFUSED', message: 'Nothing was removed.' }
  return {
    refused: 'NO_PERMISSION',
    message: 'Nothing was removed: it needs the yes of a person.',
    hint: `If that is what should go: add --confirm ${planned.token}.`,
    data: { token: planned.token, versions: planned.chosen.map(({ oid }) => oid) },
  }
}

export interface Redacted {
  ref: string
  /** The record that travels with the ref. */
  id: string
  removed: { key: string; version: Oid }[]
  /** Versions at the same keys that stay in the history. */
  rest: { key: string; version: Oid }[]
  /** False: only hidden. */
  removes: boolean
  /** The new tip. */
  commit: Oid
  /** Read back from the remote; null where there is none. */
  sent: boolean | null
  /** Why it was not sent. */
  warning?: string
  /** What people have to do who are not this program. */
  next: string[]
}

/**
 * Writes stub and record in one commit, then takes the text out of the chain and replaces the remote's, over exactly what
 * was seen there. Whatever process dies on the way: the record stands, and the next write or sync goes on.
 */
export async function redact(store: Store, planned: Plan, reason: string): Promise<Redacted | Refusal> {
  const { env, repo } = store
  const { ref, chosen } = planned
  const id = env.newId().toLowerCase()
  const removed = chosen.map(({ key, dot, bytes }): Removed => {
    return { key, dot, seal: repo.seal(bytes, `${env.newId()}${env.newId()}`.toLowerCase()) }
  })
  const oids = new Set(chosen.map(({ oid }) => oid))
  const keys = [...new Set(chosen.map(({ key }) => key))]
  const what = chosen.length === 1 ? '1 version' : `${chosen.length} versions`
  const decide = (seen: Seen): Change<null> => ({
    puts: [
      recordPut(id, reason, removed),
      ...keys.flatMap((key) => {
        const over = seen.at(key).flatMap(({ oid }) => (oids.has(oid) ? [oid] : []))
        return over.length === 0 ? [] : [stubPut(key, reason, removed, over)]
      }),
    ],
    subject: `redact: ${what} of ${keys.length === 1 ? keys[0] : `${keys.length} documents`}`,
    trailers: { 'Dstack-Redaction': id },
    result: null,
  })
  const written = write(store, ref, [recordKey(id), ...keys], decide, { removes: true })
  if (isRefusal(written)) return written
  settleRemovals(store, 'due')
  const sent = await send(store, ref)
  return {
    ref,
    id,
    removed: chosen.map(named),
    rest: planned.rest.map(named),
    removes: planned.removes,
    commit: repo.tip(ref) ?? written.commit,
    ...sent,
    next: nextSteps(store, planned),
  }
}

function named({ key, oid }: Said): { key: string; version: Oid } {
  return { key, version: oid }
}

async function send(store: Store, ref: string): Promise<{ sent: boolean | null; warning?: string }> {
  if (store.remote === null) return { sent: null }
  try {
    const report = await sync(store)
    const tracked = trackingTip(store, ref)
    const left = tracked !== null && removedIn(store, ref, tracked, 'pinned').held.size > 0
    if (report.checked && !left) return { sent: true }
    return { sent: false, warning: whyNot(report, ref) }
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    return { sent: false, warning: error.message }
  }
}

function whyNot({ refs }: SyncReport, ref: string): string {
  const detail = refs.find((entry) => entry.ref === ref)?.detail
  return detail === undefined ? 'The remote did not confirm it yet.' : `${ref}: ${detail}.`
}

function nextSteps({ remote, repo }: Store, { removes }: Plan): string[] {
  if (!removes) {
    return [
      'Ask a redactor of the team to redact it too: their clones and the remote still hold the text in their history.',
    ]
  }
  const host =
    remote === null
      ? []
      : [
          `${repo.remoteUrl(remote)} keeps the objects until its own clean-up: ask the host to collect unreachable objects (GitHub: support request; GitLab: housekeeping; a server of your own: git gc there), in forks too.`,
        ]
  return [
    ...host,
    'Every other clone hides the text at its next `git dstack sync`; its owner then lets git collect the objects, which git does by itself within weeks.',
    'In clones that name another redactor, and in copies nobody syncs, the text stays. Nobody can call back what was read: rotate it.',
  ]
}
