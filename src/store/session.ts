// What every verb of the store works with: the repository, who writes, and where the team's state is tracked.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Oid, Repo, Signature } from '../git/git'
import { parseManifest } from './carrier'
import { trackingPrefix, trackingRef } from './names'
import { continues, type Here, type Incarnation, parseWriterFile, writerFile } from './writer'

export interface Store {
  readonly env: Env
  readonly repo: Repo
  /** Name of the elected remote; null when there is none. */
  readonly remote: string | null
  /** Branch that carries the state where the host refuses our refs; null = the refs themselves. */
  readonly carrier: string | null
  /** A date or a revision in the past that readers are to see (`git dstack at`); null = now. Nothing is written then. */
  readonly at: string | null
  /** Incarnations of this very process, where none may be kept (CI, containers, sandboxes). */
  readonly passing: Map<string, Incarnation>
}

export function makeStore(env: Env, repo: Repo): Store {
  const transport = repo.config.get('dstack.transport') ?? 'refs'
  return {
    env,
    repo,
    remote: repo.config.get('dstack.remote') ?? null,
    carrier: transport.startsWith('branch:') ? transport.slice('branch:'.length) : null,
    at: env.vars.DSTACK_AT || null,
    passing: new Map(),
  }
}

/** Where plain `git fetch` puts the carrier branch: an own place, because a refspec of one branch breaks without it. */
export function carrierRef(remote: string, branch: string): string {
  return `${trackingPrefix(remote)}branch/${branch}`
}

/** The newest tip of a ref that this clone has fetched from the elected remote. */
export function trackingTip(store: Store, ref: string): Oid | null {
  const { repo, remote, carrier } = store
  if (remote === null) return null
  if (carrier === null) return repo.tip(trackingRef(remote, ref))
  const tip = repo.tip(carrierRef(remote, carrier))
  return tip === null ? null : (carriedTips(repo, tip).get(ref) ?? null)
}

/** The tips in a carrier commit: only what the commit really holds as a parent. */
export function carriedTips(repo: Repo, carrier: Oid): Map<string, Oid> {
  const [manifest] = repo.read([`${carrier}:manifest`], 1 << 20)
  if (manifest?.type !== 'blob') return new Map()
  const parents = new Set(repo.log([carrier], { limit: 1 })[0]?.parents)
  return new Map([...parseManifest(manifest.bytes.toString('utf8'))].filter(([, oid]) => parents.has(oid)))
}

// --- who writes -----------------------------------------------------------------------------------------------

export interface Person {
  /** `Alice <alice@example.com>` */
  by: string
  author: Signature
  committer: Signature
}

/** The person as git knows them. @throws BAD_CONFIG when git has neither name nor address. */
export function person(store: Store): Person {
  const { vars } = store.env
  const { config } = store.repo
  const who = (role: 'author' | 'committer') => {
    const upper = role.toUpperCase()
    const name = vars[`GIT_${upper}_NAME`] || config.get(`${role}.name`) || config.get('user.name')
    const email = vars[`GIT_${upper}_EMAIL`] || config.get(`${role}.email`) || config.get('user.email') || vars.EMAIL
    if (name === undefined || email === undefined) {
      throw new DstackError('BAD_CONFIG', 'git does not know who you are.', {
        hint: 'Run `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`.',
      })
    }
    return {
      name: name.replace(/[<>\n\0]/g, '').trim(),
      email: email.replace(/[<>\n\0]/g, '').trim(),
      ...moment(store.env),
    }
  }
  const author = who('author')
  return { by: `${author.name} <${author.email}>`, author, committer: who('committer') }
}

function moment(env: Env): { seconds: number; zone: string } {
  const now = env.now()
  const offset = -now.getTimezoneOffset()
  const digits = `${String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')}${String(Math.abs(offset) % 60).padStart(2, '0')}`
  return { seconds: Math.floor(now.getTime() / 1000), zone: `${offset < 0 ? '-' : '+'}${digits}` }
}

// --- which incarnation ----------------------------------------------------------------------------------------

/** Where a process leaves no trace that the next one could trust, each process is a writer of its own. */
export function isPassing(store: Store): boolean {
  const { vars, files } = store.env
  const set = store.repo.config.get('dstack.ephemeral')
  if (set !== undefined) return store.repo.config.flag('dstack.ephemeral', false)
  if (vars.CI !== undefined && vars.CI !== '' && vars.CI !== 'false') return true
  if (vars.CODESPACES !== undefined || vars.CLAUDE_CODE_REMOTE === 'true' || vars.CODEX_SANDBOX !== undefined)
    return true
  return files.stat('/.dockerenv') !== null || files.stat('/run/.containerenv') !== null
}

function idFile(store: Store): string {
  return store.repo.ours('writer.json')
}

function whereAmI(store: Store): Here | null {
  const path = idFile(store)
  const stat = store.env.files.stat(path)
  return stat === null ? null : { host: store.env.host, path, inode: stat.inode, birthMs: stat.birthMs }
}

function incarnations(store: Store): Record<string, Incarnation> {
  if (isPassing(store)) return Object.fromEntries(store.passing)
  return parseWriterFile(store.env.files.read(idFile(store))?.toString('utf8') ?? null, whereAmI(store))
}

/** True when it is on record that the local tip contains this tip of the remote. */
export function isKnownInside(store: Store, ref: string, tracked: Oid, local: Oid | null): boolean {
  const own = incarnations(store)[ref]
  return own !== undefined && own.tip === local && own.inside === tracked
}

/** Refs that this clone has written, each with the tip of its last acknowledged write. */
export function acknowledgedTips(store: Store): [ref: string, tip: Oid][] {
  return Object.entries(incarnations(store)).map(([ref, own]) => [ref, own.tip])
}

/** Our incarnation on a ref, if its continuity up to the present tip is proven; null: mint a new one. */
export function knownIncarnation(store: Store, ref: string, tip: Oid | null): Incarnation | null {
  const own = incarnations(store)[ref]
  if (own === undefined || tip === null) return null
  if (own.tip === tip) return own
  if (!store.repo.has(own.tip)) return null
  const { left, right } = store.repo.divergence(own.tip, tip)
  return continues(own, right, left) ? own : null
}

export function newIncarnation(store: Store): Incarnation {
  return { id: store.env.newId(), tick: 0, tip: '', inside: null }
}

/**
 * Said before the ref moves: a crash in between makes the next write mint a new id, never use a tick twice.
 * null takes back what was said of a write that did not come about.
 */
export function recordIncarnation(store: Store, ref: string, own: Incarnation | null): void {
  const { [ref]: _former, ...others } = incarnations(store)
  const refs: Record<string, Incarnation> = own === null ? others : { ...others, [ref]: own }
  if (isPassing(store)) {
    if (own === null) store.passing.delete(ref)
    else store.passing.set(ref, own)
    return
  }
  const path = idFile(store)
  store.env.files.writeMarked(path, (self) => writerFile({ host: store.env.host, path, ...self }, refs))
}
