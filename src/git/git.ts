// The door to git: everything that anybody else may know of a repository.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Audit } from './auditor'
import { type Config, cachedConfig, readConfig } from './config'
import { fsyncSetting, isDurable, loosePath, shieldObjects, syncObjectFolders, syncRefFolders } from './durable'
import { type GitCall, git } from './exec'
import { findLayout, type Layout } from './layout'
import { type Lock, takeLock } from './lock'
import { decodeTree, ObjectBatch, type ObjectFormat, type Oid, type TreeEntry } from './objects'
import * as read from './read'
import { clearOrphanedLock, listTips, moveRef, type Ref, type RefTip, readTip } from './refs'
import * as remote from './remote'
import { type Work, workOf } from './work'

export { changedSince, checkOut, indexTree, linkIgnored, workTreeDiffers } from './checkout'
export type { Config, ConfigValue } from './config'
export { withoutCredentials } from './exec'
export { foreignFilters } from './foreign'
export { type Lock, tryLock } from './lock'
export type { Oid, Signature, TreeEntry } from './objects'
export { hashObject, ObjectBatch } from './objects'
export { type PatchFile, readPatch } from './patch'
export type { CommitInfo, Divergence, GitObject, SideCommit, TreeChange, TreeFile } from './read'
export type { Ref, RefTip } from './refs'
export { type PushResult, type RefUpdate, remotes } from './remote'
export type { Work, WorkCommit } from './work'

/** A repository as the rest of the program sees it. Local verbs are synchronous: each is one short git process, or none. */
export interface Repo extends Layout {
  readonly format: ObjectFormat
  readonly shallow: boolean
  /** For everything but programs to run; see `freshConfig`. */
  readonly config: Config
  /** Read from git itself, once. */
  freshConfig(): Config

  tip(ref: Ref): Oid | null
  tips(...patterns: string[]): RefTip[]
  /** Objects by name (`<oid>`, `<ref>`, `<ref>:<path>`); null where nothing is there or it is larger than `cap` bytes. */
  read(names: readonly string[], cap?: number): (read.GitObject | null)[]
  /** Is a commit of this id here? */
  has(commit: Oid): boolean
  /** Trees by name, decoded; null where no tree is. */
  trees(names: readonly string[]): (TreeEntry[] | null)[]
  /** The entries of a tree that was read; none for anything else. */
  entries(tree: read.GitObject | null): TreeEntry[]
  files(tree: Oid): read.TreeFile[]
  diff(before: Oid, after: Oid): read.TreeChange[]
  /** Oids of all objects that `tips` reach and `without` don't. */
  reachable(tips: readonly Oid[], without: readonly Oid[]): Oid[]
  log(range: readonly string[], options?: { limit?: number; paths?: readonly string[] }): read.CommitInfo[]
  divergence(left: Oid, right: Oid): read.Divergence

  /** SHA-256 of a text, in hexadecimal: for names and fingerprints, whatever the object format. */
  digest(text: string): string
  /**
   * `<salt>:<hash>`, scrypt over bytes with the salt before the colon: costs 60 ms and 32 MB a guess, so that nobody tries
   * what a short text was. Source: OWASP's parameters for passwords, one step down.
   */
  seal(bytes: Uint8Array, salt: string): string
  batch(): ObjectBatch
  /** Writes the objects of a batch, durably. Nothing is visible before `move`. */
  save(batch: ObjectBatch): void
  /** After `move`: writes again what a `git gc --prune=now` took away while nothing named it yet. */
  ensure(batch: ObjectBatch): void
  /** The commit point: moves one ref from what was read. False: somebody was faster, read again. */
  move(ref: Ref, to: Oid | null, from: Oid | null, reason: string, lock?: Lock | null): boolean
  lock(): Lock | null
  /** Removes `<name>.lock` (of a ref, `config`, `packed-refs`) if whoever made it is dead; false when it stays. */
  clearLock(name: string): boolean

  fetch(remote: string, refspecs: readonly string[], options?: { limit?: number; prune?: boolean }): Promise<void>
  /** The same from a folder or a bundle on this machine, by its absolute path. */
  fetchPath(path: string, refspecs: readonly string[]): Promise<void>
  remoteTips(remote: string, patterns: readonly string[], limit?: number): Promise<RefTip[]>
  push(remote: string, updates: readonly remote.RefUpdate[], limit?: number): Promise<remote.PushResult[]>
  remoteUrl(remote: string): string

  /** The user's branch and working tree. */
  readonly work: Work

  /** Everything that these tips reach, read by a second implementation. */
  audit(tips: readonly RefTip[]): Promise<Audit>

  /** Plumbing for the few callers that need another verb (setup, status). Arguments are built by us, never by data. */
  git(args: readonly string[], options?: { input?: string; ok?: readonly number[] }): { status: number; stdout: string }
  /** A file of ours beside the repository: `dstack/<name>`, shared by all worktrees, or this worktree's own. */
  ours(name: string): string
  oursHere(name: string): string
}

/** More objects than this go into a pack: thousands of loose files take seconds, each with a sync of its own. */
const LOOSE_LIMIT = 200

/** SHA-256 in hexadecimal. */
export function hashText(text: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex')
}

/** Opens the repository at or above `dir`. @throws NOT_A_REPOSITORY */
export function openRepo(env: Env, dir: string = env.cwd): Repo {
  const layout = findLayout(env, dir)
  const config = cachedConfig(env, layout)
  const format = (config.get('extensions.objectformat') ?? 'sha1') as ObjectFormat
  const filesBackend = (config.get('extensions.refstorage') ?? 'files') === 'files'
  const fsync = isDurable(config)
  let fresh: Config | null = null
  let inherited = false
  const freshConfig = () => {
    fresh ??= readConfig(env, layout)
    return fresh
  }
  const durable = { config: [fsyncSetting(config)] }

  const repo: Repo = {
    ...layout,
    format,
    config,
    freshConfig,
    get shallow() {
      return env.files.stat(join(layout.commonDir, 'shallow')) !== null
    },
    tip: (ref) => readTip(env, layout, filesBackend, ref),
    tips: (...patterns) => listTips(env, layout, filesBackend, patterns),
    read: (names, cap) => read.readObjects(env, layout, names, cap),
    has: (commit) => read.readObjects(env, layout, [commit], 1 << 20)[0]?.type === 'commit',
    trees: (names) =>
      read
        .readObjects(env, layout, names)
        .map((tree) => (tree?.type === 'tree' ? decodeTree(tree.bytes, format) : null)),
    entries: (tree) => (tree?.type === 'tree' ? decodeTree(tree.bytes, format) : []),
    files: (tree) => read.listFiles(env, layout, tree),
    diff: (before, after) => (before === after ? [] : read.diffTrees(env, layout, before, after)),
    reachable(tips, without) {
      const args = [
        'rev-list',
        '--objects',
        '--no-object-names',
        '--end-of-options',
        ...tips,
        ...without.map((oid) => `^${oid}`),
      ]
      return git(env, layout.place, args)
        .stdout.toString('latin1')
        .split('\n')
        .filter((oid) => oid !== '')
    },
    log: (range, options) => read.readLog(env, layout, range, options),
    divergence: (left, right) => read.divergence(env, layout, left, right),
    digest: hashText,
    seal(bytes, given) {
      const salt = given.split(':')[0] ?? ''
      const limits = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }
      const hash = process.getBuiltinModule('node:crypto').scryptSync(bytes, salt, 32, limits)
      return `${salt}:${hash.toString('hex')}`
    },
    batch: () => new ObjectBatch(format),
    save(batch) {
      const { objects } = batch
      if (objects.length === 0) return
      if (objects.length > LOOSE_LIMIT) {
        git(env, layout.place, ['index-pack', '--stdin'], { ...durable, input: batch.pack() })
        if (fsync) env.files.syncFolders([join(layout.commonDir, 'objects', 'pack')])
        return
      }
      unpack(env, layout, { ...durable, input: batch.pack() })
      const oids = objects.map(({ oid }) => oid)
      shieldObjects(env, layout, oids)
      if (fsync) syncObjectFolders(env, layout, oids)
    },
    ensure(batch) {
      const isLoose = (oid: Oid) => env.files.stat(loosePath(layout, oid)) !== null
      const doubtful = batch.objects.map(({ oid }) => oid).filter((oid) => !isLoose(oid))
      // Not loose: in a pack by now, or gone.
      if (doubtful.length > 0 && repo.read(doubtful).includes(null)) repo.save(batch)
    },
    move(ref, to, from, reason, lock) {
      const move = { ref, to, from, reason }
      let moved = moveRef(env, layout, move, durable)
      if (moved === 'locked' && clearOrphanedLock(env, layout, ref, lock?.inherited ?? false)) {
        moved = moveRef(env, layout, move, durable)
      }
      if (moved === 'moved' && fsync && filesBackend) syncRefFolders(env, layout, ref)
      return moved === 'moved'
    },
    lock() {
      const lock = takeLock(env, layout.commonDir)
      // What the dead one left may be met only under a later lock of this command.
      inherited ||= lock?.inherited ?? false
      return lock === null ? null : { ...lock, inherited }
    },
    clearLock: (name) => clearOrphanedLock(env, layout, name, false),
    fetch: (name, refspecs, options) => remote.fetchRefs(env, layout, freshConfig(), name, refspecs, options),
    fetchPath: (path, refspecs) => remote.fetchPath(env, layout, freshConfig(), path, refspecs),
    remoteTips: (name, patterns, limit) => remote.remoteTips(env, layout, freshConfig(), name, patterns, limit),
    push: (name, updates, limit) => remote.pushRefs(env, layout, freshConfig(), name, updates, limit),
    remoteUrl: (name) => remote.remoteUrl(env, layout, name),
    get work() {
      return workOf(env, repo)
    },
    audit: async (tips) => (await import('./auditor')).audit(repo, tips),
    git(args, options = {}) {
      const done = git(env, layout.place, args, options)
      return { status: done.status ?? 1, stdout: done.stdout.toString('utf8') }
    },
    ours: (name) => join(layout.commonDir, 'dstack', name),
    oursHere: (name) => join(layout.gitDir, 'dstack', name),
  }
  if (format !== 'sha1' && format !== 'sha256') {
    throw new DstackError('TOO_NEW', `The repository's object format "${format}" is not known here.`, {
      hint: 'Update git dstack.',
    })
  }
  return repo
}

/** A `git gc` that removes an empty folder at the moment in which git writes into it makes git give up; it is tried again. */
function unpack(env: Env, layout: Layout, call: GitCall): void {
  for (let attempt = 1; ; attempt++) {
    try {
      return void git(env, layout.place, ['unpack-objects', '-q'], call)
    } catch (error) {
      if (
        attempt === 5 ||
        !(error instanceof DstackError) ||
        !/unable to write file .*No such file/.test(error.message)
      )
        throw error
    }
  }
}
