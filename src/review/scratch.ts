// A checkout for one reviewer: files and history of a commit in a repository of its own, so that whatever it does there is seen
// and touches nothing else. Pure.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { checkOut, hashObject, type Oid, type Repo } from '../git/git'

export interface Scratch {
  /** The checkout. */
  root: string
  /** Paths that are not as they were made, sorted. */
  changed(): string[]
  remove(): void
}

/** Writes the commit into `folder`, read-only. */
export function makeScratch(env: Env, repo: Repo, commit: Oid, folder: string): Scratch {
  const { files } = env
  checkOut(env, repo, { tree: commit, head: commit, folder, keep: [] })
  const shallow = files.read(join(repo.commonDir, 'shallow'))
  if (shallow !== null) files.write(join(folder, '.git', 'shallow'), shallow)
  // Where there is no chmod, or it means nothing (root), what changes is still seen.
  env.run({ program: 'chmod', args: ['-R', 'a-w', folder] })
  const before = snapshot(env, folder)
  return {
    root: folder,
    changed: () => differences(before, snapshot(env, folder)),
    remove() {
      env.run({ program: 'chmod', args: ['-R', 'u+w', folder] })
      files.remove(folder)
    },
  }
}

/** By path: kind, mode and content. The index is git's own cache of that, and objects that nothing names show nowhere. */
function snapshot(env: Env, root: string): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (folder: string) => {
    for (const name of env.files.list(join(root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (path === '.git/index' || path === '.git/objects') continue
      const stat = env.files.stat(join(root, path))
      if (stat === null) continue
      found.set(path, `${stat.kind} ${(stat.mode & 0o777).toString(8)} ${content(env, join(root, path), stat.kind)}`)
      if (stat.kind === 'folder') walk(path)
    }
  }
  walk('')
  return found
}

function content(env: Env, path: string, kind: string): string {
  if (kind === 'file') return hashObject('sha256', 'blob', env.files.read(path) ?? Buffer.alloc(0))
  if (kind === 'link') return env.files.stat(path, 'follow') === null ? '' : env.files.realPath(path)
  return ''
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort()
}

/**
 * What a person would miss if it changed while a reviewer ran: branch, tags, settings, hooks, and the files of the working
 * tree that git sees. Our own refs and what a fetch brings are others' business.
 */
export function repositoryState(env: Env, repo: Repo): Map<string, string> {
  const state = new Map<string, string>()
  const { oid, branch } = repo.work.head()
  state.set('HEAD', `${branch} ${oid}`)
  for (const { ref, oid: tip } of repo.tips('refs/heads', 'refs/tags')) state.set(ref, tip)
  const look = (path: string, name: string) => {
    const stat = env.files.stat(path)
    state.set(name, stat === null ? 'absent' : `${stat.kind} ${stat.mode & 0o777} ${content(env, path, stat.kind)}`)
  }
  look(join(repo.commonDir, 'config'), '.git/config')
  for (const name of env.files.list(join(repo.commonDir, 'hooks'))) {
    look(join(repo.commonDir, 'hooks', name), `.git/hooks/${name}`)
  }
  if (repo.workTree === null) return state
  const changes = repo.work.changes()
  const others = repo.git(['-C', repo.workTree, 'ls-files', '--others', '--exclude-standard', '-z']).stdout.split('\0')
  for (const { path, staged } of changes) state.set(`index ${path}`, String(staged))
  for (const path of new Set([...changes.map((change) => change.path), ...others])) {
    const stat = path === '' || path.endsWith('/') ? null : env.files.stat(join(repo.workTree, path))
    if (stat !== null) state.set(path, `${stat.kind} ${stat.size} ${stat.mtimeMs}`)
  }
  return state
}

/** Names of what differs, sorted. */
export function differsFrom(before: ReadonlyMap<string, string>, env: Env, repo: Repo): string[] {
  return differences(before, repositoryState(env, repo)).map((name) => name.replace(/^index /, ''))
}
