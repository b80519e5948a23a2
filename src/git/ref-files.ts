// Listing refs from git's own files, where these say all there is to say: it saves a process in every command.

import { join } from 'node:path'
import type { Env } from '../env/env'
import type { Layout } from './layout'
import type { Oid } from './objects'
import type { RefTip } from './refs'

/** Above this size git's own binary search through packed-refs is faster than reading the file. */
export const PACKED_LIMIT = 1 << 20
const OID = /^([0-9a-f]{40}|[0-9a-f]{64})\n?$/
const PACKED_LINE = /^([0-9a-f]{40,64}) (refs\/.+)$/gm
const NAME = /^(?!\.)[A-Za-z0-9_.+@=-]+$/

/** Thrown inwards: here only git knows. */
const UNCLEAR = Symbol('unclear')

/**
 * All refs below these prefixes (`refs/dstack/`) or with these names, sorted, as `git for-each-ref` lists them. null where
 * only git can tell: a symbolic or torn ref, a link, a name that git might not list, a large packed-refs.
 * Loose files first, packed-refs after them, as git does: `git pack-refs` writes there before it removes them here.
 */
export function tipsFromFiles(env: Env, layout: Layout, patterns: readonly string[]): RefTip[] | null {
  try {
    const loose = new Map(patterns.flatMap((pattern) => [...looseBelow(env, layout, pattern.replace(/\/$/, ''))]))
    const tips = new Map([...packed(env, layout, patterns), ...loose])
    return [...tips].map(([ref, oid]) => ({ ref, oid })).sort((a, b) => (a.ref < b.ref ? -1 : 1))
  } catch (error) {
    if (error === UNCLEAR) return null
    throw error
  }
}

function* looseBelow(env: Env, layout: Layout, ref: string): Generator<[ref: string, oid: Oid]> {
  const path = join(layout.commonDir, ref)
  const kind = env.files.stat(path)?.kind
  if (kind === 'folder') {
    for (const name of env.files.list(path)) {
      if (name.endsWith('.lock')) continue
      if (!NAME.test(name) || name.includes('..')) throw UNCLEAR
      yield* looseBelow(env, layout, `${ref}/${name}`)
    }
  } else if (kind === 'file') {
    const text = env.files.read(path)?.toString('latin1')
    if (text === undefined) return // packed or removed since: packed-refs, which is read later, has it if anything has
    const oid = OID.exec(text)?.[1]
    if (oid === undefined) throw UNCLEAR
    yield [ref, oid]
  } else if (kind !== undefined) throw UNCLEAR
}

function* packed(env: Env, layout: Layout, patterns: readonly string[]): Generator<[ref: string, oid: Oid]> {
  const path = join(layout.commonDir, 'packed-refs')
  const size = env.files.stat(path)?.size ?? 0
  if (size > PACKED_LIMIT) throw UNCLEAR
  const text = size === 0 ? '' : (env.files.read(path)?.toString('latin1') ?? '')
  const below = patterns.map((pattern) => (pattern.endsWith('/') ? pattern : `${pattern}/`))
  for (const [, oid = '', ref = ''] of text.matchAll(PACKED_LINE)) {
    if (patterns.includes(ref) || below.some((prefix) => ref.startsWith(prefix))) yield [ref, oid]
  }
}
