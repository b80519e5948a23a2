// doctor's look at our refs: broken ones, what they lack, clocks, what waits to be sent.

import { join, relative } from 'node:path'
import type { Oid, RefTip } from '../git/git'
import {
  CONFIG,
  FORMAT,
  FORMAT_KEY,
  fetchRefspecs,
  isOurs,
  OUR_PREFIXES,
  type Store,
  trackedRef,
  viewRef,
} from '../store/store'
import { readRecord, tipsByRef } from '../sync/sync'
import { filesBelow } from './check-files'
import { counted, type Problem, words } from './problem'

const FOLDERS = ['refs/dstack', 'refs/notes/dstack', 'refs/dstack-remotes']
const PREFIXES = [...OUR_PREFIXES, 'refs/dstack-remotes/']
/** Clocks of machines differ a little; a signature this far ahead (ms) shows a wrong one. */
const SKEW_MS = 10 * 60_000
/** Unsent work of this age (ms) is worth a warning. */
const OLD_MS = 24 * 3_600_000

/** Refs that name nothing, or no commit. */
export function brokenRefs(store: Store): Problem[] {
  const { env, repo } = store
  const torn = FOLDERS.flatMap((folder) => filesBelow(env, join(repo.commonDir, folder)))
    .filter(
      (path) =>
        !path.endsWith('.lock') &&
        !/^(?:[0-9a-f]{40}|[0-9a-f]{64})\n?$|^ref: /.test(env.files.read(path)?.toString('latin1') ?? ''),
    )
    .map((path) => ({ ref: relative(repo.commonDir, path).replaceAll('\\', '/'), why: 'its file holds no id' }))
  const tips = repo.tips(...PREFIXES)
  const missing = tips.flatMap(({ ref, oid }) => (repo.has(oid) ? [] : [{ ref, why: `the commit ${oid} is not here` }]))
  return [...torn, ...missing].map(({ ref, why }): Problem => {
    const good = isOurs(ref) ? lastGood(store, ref) : null
    const command = good === null ? `git update-ref -d ${ref}` : `git update-ref ${ref} ${good}`
    const problem: Problem = {
      code: 'BROKEN_REF',
      severity: 'error',
      subject: ref,
      what: `${ref} is broken: ${why}.`,
      risk:
        good === null && isOurs(ref)
          ? 'What only this ref held can not be found here any more; other clones may have it.'
          : 'Our commands fail on it.',
      command: isOurs(ref) ? command : `git update-ref -d ${ref} && git dstack sync`,
    }
    const tip = tips.find((one) => one.ref === ref)
    // A local ref without a good former tip is left to a person: its name may be all that is known of it.
    return good === null && isOurs(ref) ? problem : { ...problem, mend: () => replaceRef(store, ref, tip, good) }
  })
}

/** The newest commit that the ref held, by its reflog, or as it was fetched, and that is whole. */
function lastGood(store: Store, ref: string): Oid | null {
  const { env, repo } = store
  const log = env.files.read(join(repo.commonDir, 'logs', ref))?.toString('utf8') ?? ''
  const logged = [...log.matchAll(/^[0-9a-f]+ ([0-9a-f]{40,64}) /gm)].map((match) => match[1] ?? '').reverse()
  const tracked =
    store.remote === null
      ? []
      : repo.tips('refs/dstack-remotes/').filter((tip) => trackedRef(store.remote ?? '', tip.ref) === ref)
  return [...logged, ...tracked.map(({ oid }) => oid)].find((oid) => repo.has(oid) && isWhole(store, oid)) ?? null
}

function isWhole({ repo }: Store, oid: Oid): boolean {
  return repo.git(['rev-list', '--objects', '--quiet', '--end-of-options', oid], { ok: [0, 1, 128] }).status === 0
}

/** A loose file goes as a file: its value must not come into the reflog, where git would miss it for ever. */
function replaceRef({ env, repo }: Store, ref: string, tip: RefTip | undefined, good: Oid | null): void {
  const loose = join(repo.commonDir, ref)
  if (env.files.stat(loose)?.kind === 'file') env.files.remove(loose)
  else if (tip !== undefined) repo.move(ref, null, tip.oid, 'dstack: doctor')
  if (good !== null) repo.move(ref, good, repo.tip(ref), 'dstack: doctor')
}

/** Objects that our refs name and that are not here. */
export function gaps(store: Store): Problem[] {
  const { repo, remote } = store
  const tips = repo
    .tips(...PREFIXES)
    .map(({ oid }) => oid)
    .filter((oid) => repo.has(oid))
  if (tips.length === 0) return []
  const args = ['rev-list', '--objects', '--no-object-names', '--missing=print', '--end-of-options', ...new Set(tips)]
  const done = repo.git(args, { ok: [0, 1, 128] })
  const lost = done.stdout.split('\n').filter((line) => line.startsWith('?'))
  const refetch = `git fetch --refetch --no-filter ${remote ?? 'origin'} ${fetchRefspecs(remote ?? 'origin')
    .map((spec) => `'${spec}'`)
    .join(' ')}`
  if (done.status !== 0) {
    return [
      {
        code: 'CORRUPT_OBJECT',
        severity: 'error',
        subject: 'objects',
        what: 'git can not read all objects of our refs.',
        risk: 'What needs them can not be shown, folded or pushed.',
        command: 'git dstack fsck',
      },
    ]
  }
  if (lost.length === 0) return []
  const partial = repo.config.values.some(({ name }) => /^remote\..*\.promisor$/.test(name))
  return [
    {
      code: 'MISSING_OBJECT',
      severity: partial ? 'warning' : 'error',
      subject: 'objects',
      what: `${counted(lost.length, 'object')} of our refs ${lost.length === 1 ? 'is' : 'are'} not here${partial ? ', because this is a partial clone' : `, for example ${lost[0]?.slice(1)}`}.`,
      risk: partial
        ? 'Reading them asks the remote one by one, and fails offline.'
        : 'What needs them can not be shown, folded or pushed.',
      command: refetch,
    },
  ]
}

export function shallowHistory({ env, repo }: Store): Problem[] {
  const cut = new Set(
    env.files
      .read(join(repo.commonDir, 'shallow'))
      ?.toString('latin1')
      .split('\n')
      .filter((line) => line !== ''),
  )
  if (cut.size === 0) return []
  const tips = repo
    .tips(...PREFIXES)
    .map(({ oid }) => oid)
    .filter((oid) => repo.has(oid))
  const commits =
    tips.length === 0 ? [] : repo.git(['rev-list', '--end-of-options', ...new Set(tips)]).stdout.split('\n')
  if (!commits.some((oid) => cut.has(oid))) return []
  return [
    {
      code: 'SHALLOW',
      severity: 'info',
      subject: 'history',
      what: 'This clone holds only the newest part of our history.',
      risk: 'All present content is here; histories end early.',
      command: 'git fetch --unshallow',
    },
  ]
}

/** Our refs of one clock that is far ahead. Time orders nothing here; it only displays wrong. */
export function clockSkew({ env, repo }: Store): Problem[] {
  const here = new Set(
    repo
      .tips(...PREFIXES)
      .filter(({ oid }) => repo.has(oid))
      .map(({ oid }) => oid),
  )
  if (here.size === 0) return []
  const [newest] = repo.log([...here], { limit: 1 }).sort((a, b) => b.seconds - a.seconds)
  const ahead = (newest?.seconds ?? 0) * 1000 - env.now().getTime()
  if (newest === undefined || ahead < SKEW_MS) return []
  return [
    {
      code: 'CLOCK',
      severity: 'warning',
      subject: newest.email,
      what: `The commit ${newest.oid.slice(0, 12)} of ${newest.author} is ${words(ahead)} in the future.`,
      risk: 'Nothing is lost or ordered wrong, but times and ages are shown wrong.',
      command: 'timedatectl status',
    },
  ]
}

export function waiting(store: Store): Problem[] {
  const { env, repo, remote } = store
  const problems: Problem[] = []
  const tips = tipsByRef(store)
  const outgoing = [...tips.local]
    .filter(([ref, oid]) => tips.tracked.get(ref) !== oid && repo.has(oid))
    .map(([, oid]) => oid)
  const known = [...tips.tracked.values()].filter((oid) => repo.has(oid)).map((oid) => `^${oid}`)
  const commits =
    outgoing.length === 0 ? [] : repo.log([...outgoing, ...known]).filter(({ parents }) => parents.length < 2)
  if (commits.length > 0) {
    const age = env.now().getTime() - Math.min(...commits.map(({ seconds }) => seconds)) * 1000
    problems.push({
      code: 'UNSYNCED',
      severity: age > OLD_MS && remote !== null ? 'warning' : 'info',
      subject: 'writes',
      what: `${counted(commits.length, 'write')} only in this clone, for up to ${words(Math.max(0, age))}.`,
      risk: 'Nobody else sees them, and they are gone with this disk.',
      command: remote === null ? 'git remote add origin <url> && git dstack init' : 'git dstack sync',
    })
  }
  const record = remote === null ? null : readRecord(store, remote)
  if (record?.waitUntil !== undefined && record.waitUntil > env.now().toISOString()) {
    problems.push({
      code: 'REFUSED',
      severity: 'warning',
      subject: remote ?? '',
      what: `${remote} refused our refs; the hook does not try again before ${record.waitUntil}.`,
      risk: 'What is written here stays here.',
      command: 'git dstack sync',
    })
  }
  return problems
}

export function newerFormat(store: Store): Problem[] {
  const wanted = viewRef(store, CONFIG).at(FORMAT_KEY)[0]?.doc.head.min_write
  if (typeof wanted !== 'number' || wanted <= FORMAT) return []
  return [
    {
      code: 'TOO_NEW',
      severity: 'error',
      subject: CONFIG,
      what: `The team writes format ${wanted}; this git dstack writes format ${FORMAT}.`,
      risk: 'Reading and syncing work; writing is refused.',
      command: 'npm install --global git-dstack',
    },
  ]
}
