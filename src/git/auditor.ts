// The independent auditor: isomorphic-git reads what git wrote. The only file that may import it; it only ever reads.

import * as fs from 'node:fs'
import { join } from 'node:path'
import { DstackError } from '../errors'
import type { Repo } from './git'
import type { Oid } from './objects'
import type { RefTip } from './refs'

export type Audit =
  | { ran: true; commits: number; trees: number; blobs: number; problems: { subject: string; what: string }[] }
  /** Why it can't read this repository. */
  | { ran: false; why: string }

/** It reads whole packs into memory (measured: the pack and 470 MB on top). */
const MAX_PACKS = 512 * 1024 * 1024

/** Reads every object that these tips reach and compares it with its id. Never throws for what it finds. */
export async function audit(repo: Repo, tips: readonly RefTip[]): Promise<Audit> {
  const why = unreadable(repo)
  if (why !== null) return { ran: false, why }
  const { readObject } = await import('isomorphic-git')
  const gitdir = repo.commonDir
  const cut = new Set(
    fs.existsSync(join(gitdir, 'shallow')) ? fs.readFileSync(join(gitdir, 'shallow'), 'latin1').split('\n') : [],
  )
  const result = {
    ran: true as const,
    commits: 0,
    trees: 0,
    blobs: 0,
    problems: [] as { subject: string; what: string }[],
  }
  const cache = {}
  const seen = new Set<Oid>()
  const queue = tips.map(({ ref, oid }) => ({ oid, from: ref }))
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { oid, from } = next
    if (seen.has(oid)) continue
    seen.add(oid)
    try {
      const object = await readObject({ fs, gitdir, oid, cache, format: 'parsed' })
      // Blobs come as their content, whatever is asked for.
      if (object.type === 'blob') result.blobs++
      else if (object.format !== 'parsed') throw new Error(`it came as ${object.format}`)
      else if (object.type === 'commit') {
        result.commits++
        queue.push({ oid: object.object.tree, from })
        if (!cut.has(oid)) for (const parent of object.object.parent) queue.push({ oid: parent, from })
      } else if (object.type === 'tree') {
        result.trees++
        for (const entry of object.object) if (entry.type !== 'commit') queue.push({ oid: entry.oid, from })
      }
    } catch (error) {
      result.problems.push({
        subject: oid,
        what: `isomorphic-git can not read ${oid} (in ${from}): ${(error as Error).message}`,
      })
    }
  }
  return result
}

function unreadable(repo: Repo): string | null {
  const { config, commonDir } = repo
  if (repo.format !== 'sha1') return `it does not know ${repo.format} repositories`
  const storage = config.get('extensions.refstorage') ?? 'files'
  if (storage !== 'files') return `it does not know ${storage}`
  if (
    config.get('extensions.partialclone') !== undefined ||
    config.values.some(({ name }) => /^remote\..*\.promisor$/.test(name))
  ) {
    return 'it can not fetch what a partial clone leaves out'
  }
  if (fs.existsSync(join(commonDir, 'objects', 'info', 'alternates')))
    return 'it does not read objects of other repositories (alternates)'
  const packs = packBytes(join(commonDir, 'objects', 'pack'))
  return packs > MAX_PACKS ? `it would read ${Math.round(packs / 1_000_000)} MB of packs into memory` : null
}

function packBytes(folder: string): number {
  try {
    const packs = fs.readdirSync(folder).filter((name) => name.endsWith('.pack'))
    return packs.reduce((sum, name) => sum + fs.statSync(join(folder, name)).size, 0)
  } catch (error) {
    throw new DstackError('IO', `The packs in ${folder} can't be listed.`, { cause: error })
  }
}
