// fsck: reads all that our refs hold, with git and with a second implementation, and lists what can't be read.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { hashObject, type Oid, type RefTip, type Repo } from '../git/git'
import {
  kindOf,
  notePath,
  noteTarget,
  OUR_PREFIXES,
  openStore,
  type Store,
  trackedRef,
  trackingPrefix,
  unionLines,
  viewCommit,
} from '../store/store'
import type { FsckProblem, FsckReport } from './schema'

/** Objects that are read with one process. */
const CHUNK = 2_000
/** Larger ones are no documents of ours; git's own check covers them. */
const MAX_READ = 8 * 1024 * 1024

export async function fsck(env: Env): Promise<FsckReport> {
  const store = openStore(env)
  const { repo } = store
  const prefixes = [...OUR_PREFIXES, ...(store.remote === null ? [] : [trackingPrefix(store.remote)])]
  const tips = repo.tips(...prefixes)
  const whole = tips.filter(({ oid }) => repo.has(oid))
  const problems: FsckProblem[] = tips
    .filter((tip) => !whole.includes(tip))
    .map(({ ref, oid }) => ({
      code: 'BROKEN_REF',
      subject: ref,
      what: `${ref} names ${oid}, which is no commit here.`,
    }))
  if (whole.length === 0)
    return {
      refs: tips.length,
      objects: 0,
      problems,
      quarantined: [],
      audit: { ran: false, why: 'there is nothing to read yet' },
    }

  const { here, missing } = objectsOf(repo, whole)
  problems.push(
    ...missing.map((oid): FsckProblem => ({ code: 'MISSING_OBJECT', subject: oid, what: `${oid} is not here.` })),
  )
  problems.push(...wrongObjects(repo, here))
  problems.push(...gitSays(repo, whole, problems))
  const sound = problems.length === 0
  const quarantined = sound ? unreadable(store, whole) : []
  if (sound) for (const tip of whole) problems.push(...oddNotes(store, tip))

  const second = await repo.audit(whole)
  if (!second.ran) return { refs: tips.length, objects: here.length, problems, quarantined, audit: second }
  const { problems: unread, ran, commits, trees, blobs } = second
  problems.push(...unread.map(({ subject, what }): FsckProblem => ({ code: 'AUDIT', subject, what })))
  const count = commits + trees + blobs
  if (sound && unread.length === 0 && count !== here.length) {
    problems.push({
      code: 'AUDIT',
      subject: 'objects',
      what: `isomorphic-git reached ${count} objects, git ${here.length}.`,
    })
  }
  return { refs: tips.length, objects: here.length, problems, quarantined, audit: { ran, commits, trees, blobs } }
}

function objectsOf(repo: Repo, tips: readonly RefTip[]): { here: Oid[]; missing: Oid[] } {
  const args = ['rev-list', '--objects', '--no-object-names', '--missing=print', '--end-of-options']
  const done = repo.git([...args, ...new Set(tips.map(({ oid }) => oid))], { ok: [0, 1, 128] })
  const lines = [...new Set(done.stdout.split('\n').filter((line) => line !== ''))]
  return {
    here: lines.filter((line) => !line.startsWith('?')),
    missing: lines.filter((line) => line.startsWith('?')).map((line) => line.slice(1)),
  }
}

/** Objects whose content is not what their id says, or that can't be read. */
function wrongObjects(repo: Repo, oids: readonly Oid[]): FsckProblem[] {
  const problems: FsckProblem[] = []
  for (let i = 0; i < oids.length; i += CHUNK) {
    const chunk = oids.slice(i, i + CHUNK)
    for (const { oid, ok } of checked(repo, chunk)) {
      if (!ok) problems.push({ code: 'CORRUPT_OBJECT', subject: oid, what: `The content of ${oid} is damaged.` })
    }
  }
  return problems
}

function checked(repo: Repo, oids: readonly Oid[]): { oid: Oid; ok: boolean }[] {
  try {
    return repo.read(oids, MAX_READ).map((object, i) => {
      const oid = oids[i] ?? ''
      return {
        oid,
        ok: object === null ? isLarge(repo, oid) : hashObject(repo.format, object.type, object.bytes) === oid,
      }
    })
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    // git ends at the first object that it can't read: halves, until it stands alone.
    if (oids.length === 1) return [{ oid: oids[0] ?? '', ok: false }]
    const half = Math.ceil(oids.length / 2)
    return [...checked(repo, oids.slice(0, half)), ...checked(repo, oids.slice(half))]
  }
}

function isLarge(repo: Repo, oid: Oid): boolean {
  return Number(repo.git(['cat-file', '-s', oid], { ok: [0, 128] }).stdout) > MAX_READ
}

/** git's own opinion, in case that it sees what we don't. */
function gitSays(repo: Repo, tips: readonly RefTip[], known: readonly FsckProblem[]): FsckProblem[] {
  if (known.length > 0) return []
  const args = ['fsck', '--connectivity-only', '--no-dangling', '--no-progress', '--end-of-options']
  const done = repo.git([...args, ...new Set(tips.map(({ oid }) => oid))], { ok: [0, 1, 2, 3, 4, 5, 6, 7, 8, 128] })
  if (done.status === 0) return []
  const lines = done.stdout.split('\n').filter((line) => line !== '')
  return lines.map((what): FsckProblem => ({ code: 'MISSING_OBJECT', subject: what, what: `git fsck: ${what}` }))
}

/** Documents that can't be read, in every convergent ref, here and as fetched. */
function unreadable(store: Store, tips: readonly RefTip[]): FsckReport['quarantined'] {
  return tips
    .filter((tip) => kindOfTip(store, tip) === 'convergent')
    .flatMap(({ ref, oid }) =>
      viewCommit(store, oid)
        .broken()
        .map((file) => ({ ref, ...file })),
    )
}

function kindOfTip({ remote }: Store, { ref }: RefTip) {
  return kindOf((remote === null ? null : trackedRef(remote, ref)) ?? ref)
}

/** Notes that plain git or an older tool wrote in another form. They are read all the same; the next fold rewrites them. */
function oddNotes(store: Store, tip: RefTip): FsckProblem[] {
  if (kindOfTip(store, tip) !== 'evidence') return []
  const files = store.repo.files(tip.oid)
  const objects = store.repo.read(
    files.map(({ oid }) => oid),
    MAX_READ,
  )
  return files.flatMap(({ path }, i): FsckProblem[] => {
    const target = noteTarget(path)
    const text = objects[i]?.bytes.toString('utf8') ?? ''
    const why =
      target === null
        ? 'is no note'
        : notePath(target) !== path
          ? `should be at ${notePath(target)}`
          : unionLines([text]) !== text
            ? 'has lines that are not sorted'
            : null
    return why === null ? [] : [{ code: 'NOTES', subject: `${tip.ref}:${path}`, what: `${path} in ${tip.ref} ${why}.` }]
  })
}
