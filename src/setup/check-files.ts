// doctor's look at files that somebody who died has left behind.

import { join, relative } from 'node:path'
import type { Env, FileStat } from '../env/env'
import type { Repo } from '../git/git'
import type { Store } from '../store/store'
import { type Problem, SETTLED_MS, words } from './problem'

const REF_FOLDERS = ['refs/dstack', 'refs/notes/dstack', 'refs/dstack-remotes', 'refs/dstack-local']

/** A lock file freezes its ref for everybody, and no command of git's says so. */
export function staleLocks({ env, repo }: Store): Problem[] {
  const ofRefs = REF_FOLDERS.flatMap((folder) => filesBelow(env, join(repo.commonDir, folder)))
  const locks = [
    ...ofRefs.filter((path) => path.endsWith('.lock')),
    ...['packed-refs.lock', 'config.lock'].map((name) => join(repo.commonDir, name)),
  ]
  return locks.flatMap((path): Problem[] => {
    const stat = env.files.stat(path)
    if (stat === null || ageOf(env, stat) < SETTLED_MS) return []
    const name = relative(repo.commonDir, path).slice(0, -'.lock'.length)
    return [
      {
        code: 'STALE_LOCK',
        severity: 'error',
        subject: name,
        what: `${path} has been there for ${words(ageOf(env, stat))}.`,
        risk: `Nobody can write ${name}.`,
        command: `rm ${quoted(path)}`,
        mend: () => void repo.clearLock(name),
      },
    ]
  })
}

/** The short lock around our writes; the next writer clears it too. */
export function ownLock({ env, repo }: Store): Problem[] {
  const path = repo.ours('lock')
  const claim = env.files.claimed(path)
  if (claim === null || !isDead(env, claim)) return []
  return [
    {
      code: 'OWN_LOCK',
      severity: 'info',
      subject: path,
      what: `${path} belongs to a process that is gone.`,
      risk: 'None: the next write takes it over.',
      command: 'git dstack doctor --fix',
      mend: () => repo.lock()?.release(),
    },
  ]
}

/** Linux shows processes as folders; where it does not, nobody is called dead. */
function isDead(env: Env, claim: string): boolean {
  const [, pid, host] = /^\{"pid":(\d+),"host":"([^"]*)"/.exec(claim) ?? []
  return host === env.host && env.files.stat('/proc/self') !== null && env.files.stat(`/proc/${pid}`) === null
}

function ageOf(env: Env, { mtimeMs }: FileStat): number {
  return env.now().getTime() - mtimeMs
}

/** What a write that died had not put in place yet. */
export function temporaryFiles({ env, repo }: Store): Problem[] {
  const folders = new Set([repo.ours('.'), repo.oursHere('.')])
  const files = [...folders].flatMap((folder) => filesBelow(env, folder)).filter((path) => path.endsWith('.tmp'))
  return files.flatMap((path): Problem[] => {
    const stat = env.files.stat(path)
    if (stat === null || ageOf(env, stat) < SETTLED_MS) return []
    return [
      {
        code: 'TEMPORARY_FILE',
        severity: 'info',
        subject: path,
        what: `${path} is left over from a command that did not end.`,
        risk: 'It only takes space.',
        command: `rm ${quoted(path)}`,
        mend: () => env.files.remove(path),
      },
    ]
  })
}

/** An object without content stands in the way of the real one: git believes that it has it. */
export function emptyObjects({ env, repo }: Store): Problem[] {
  const objects = join(repo.commonDir, 'objects')
  return looseObjects(env, repo).flatMap((path): Problem[] => {
    const stat = env.files.stat(path)
    if (stat?.kind !== 'file' || stat.size > 0) return []
    const oid = relative(objects, path).replaceAll(/[\\/]/g, '')
    return [
      {
        code: 'EMPTY_OBJECT',
        severity: 'error',
        subject: oid,
        what: `The object ${oid} has no content; a full disk or a crash left it so.`,
        risk: 'Reading, fetching or pushing what needs it fails.',
        command: `rm ${quoted(path)}`,
        mend: () => env.files.remove(path),
      },
    ]
  })
}

function looseObjects(env: Env, repo: Repo): string[] {
  const objects = join(repo.commonDir, 'objects')
  const folders = env.files.list(objects).filter((name) => /^[0-9a-f]{2}$/.test(name))
  return folders.flatMap((folder) =>
    env.files
      .list(join(objects, folder))
      .filter((name) => /^[0-9a-f]{38,62}$/.test(name))
      .map((name) => join(objects, folder, name)),
  )
}

/** Regular files and links below a folder; none when it is not there. */
export function filesBelow(env: Env, folder: string): string[] {
  if (env.files.stat(folder)?.kind !== 'folder') return []
  return env.files.list(folder).flatMap((name) => {
    const path = join(folder, name)
    return env.files.stat(path)?.kind === 'folder' ? filesBelow(env, path) : [path]
  })
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
