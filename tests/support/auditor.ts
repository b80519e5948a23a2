// The independent auditor: git itself and isomorphic-git must both find everything in order in a repository.

import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** What a second, independent implementation of git could read. */
export interface Audit {
  refs: number
  commits: number
  trees: number
  blobs: number
}

const VARS = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' }

/** `path` is a working tree or a bare repository. */
export function commonDir(path: string): string {
  return git(path, 'rev-parse', '--path-format=absolute', '--git-common-dir')
}

/**
 * Throws unless `git fsck --strict` is clean, no object is empty, no lock file is left over, and isomorphic-git can
 * read, with matching ids, all that refs/dstack/* and refs/notes/dstack/* reach.
 */
export async function expectSound(path: string): Promise<void> {
  const dir = commonDir(path)
  const problems = [...fsck(path), ...strayFiles(dir)]
  if (problems.length > 0) throw new Error(`${path} is not sound:\n${problems.join('\n')}`)
  await audit(path)
}

function fsck(path: string): string[] {
  const done = spawnSync(
    'git',
    ['-C', path, ...TRUSTING, 'fsck', '--strict', '--connectivity-only', '--no-dangling', '--no-progress'],
    {
      env: VARS,
      encoding: 'utf8',
    },
  )
  return done.status === 0 ? [] : [`git fsck: exit ${done.status}`, done.stdout, done.stderr]
}

const TRUSTING = ['-c', 'safe.directory=*', '-c', 'core.fsmonitor=false']

/** Lock files, and objects or refs without content: what an interrupted write would leave. */
export function strayFiles(dir: string): string[] {
  const found: string[] = []
  for (const file of filesUnder(dir)) {
    const name = relative(dir, file)
    if (name.endsWith('.lock')) found.push(`left-over lock: ${name}`)
    else if (/^(objects|refs)\//.test(name) && !/\/tmp_|\.promisor$/.test(name) && fs.statSync(file).size === 0) {
      found.push(`empty file: ${name}`)
    }
  }
  return found
}

function* filesUnder(folder: string): Generator<string> {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesUnder(path)
    else if (entry.isFile()) yield path
  }
}

/**
 * Reads everything of ours with isomorphic-git. Null where it can't: SHA-256 and reftable (no code for them), alternates
 * and partial clones (objects that are not here).
 */
export async function audit(path: string): Promise<Audit | null> {
  const gitdir = commonDir(path)
  const config = git(path, 'config', '--list', '--local')
  if (/^extensions\.(objectformat=sha256|refstorage=reftable|partialclone=)/im.test(config)) return null
  if (fs.existsSync(join(gitdir, 'objects', 'info', 'alternates'))) return null
  const iso = await import('isomorphic-git')
  const shallow = shallowCommits(gitdir)
  const count: Audit = { refs: 0, commits: 0, trees: 0, blobs: 0 }
  const cache = {}
  const seen = new Set<string>()
  const queue: { oid: string; from: string }[] = []
  for (const prefix of ['refs/dstack', 'refs/notes/dstack']) {
    for (const name of await iso.listRefs({ fs, gitdir, filepath: prefix })) {
      if (name.startsWith('refs/')) continue // a packed ref whose name only begins like ours
      const ref = `${prefix}/${name}`
      queue.push({ oid: await iso.resolveRef({ fs, gitdir, ref }), from: ref })
      count.refs++
    }
  }
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { oid, from } = next
    if (seen.has(oid)) continue
    seen.add(oid)
    // Reading also compares the content with its id.
    const object = await iso.readObject({ fs, gitdir, oid, cache, format: 'parsed' }).catch((cause: unknown) => {
      throw new Error(`isomorphic-git cannot read ${oid} (from ${from}) in ${dirname(gitdir)}`, { cause })
    })
    if (object.type === 'blob') count.blobs++
    else if (object.format !== 'parsed') throw new Error(`isomorphic-git gave ${oid} as ${object.format}`)
    else if (object.type === 'commit') {
      count.commits++
      queue.push({ oid: object.object.tree, from: `${from}^{tree}` })
      if (!shallow.has(oid)) for (const parent of object.object.parent) queue.push({ oid: parent, from: `${from}^` })
    } else if (object.type === 'tree') {
      count.trees++
      for (const entry of object.object) {
        if (entry.type !== 'commit') queue.push({ oid: entry.oid, from: `${from}/${entry.path}` })
      }
    }
  }
  return count
}

function shallowCommits(gitdir: string): Set<string> {
  const file = join(gitdir, 'shallow')
  return new Set(fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : [])
}

function git(path: string, ...args: string[]): string {
  return execFileSync('git', ['-C', path, ...TRUSTING, ...args], { env: VARS, encoding: 'utf8' }).trim()
}
