// What a predicate is checked on. Pure.

import type { Env } from '../env/env'
import type { Oid, Repo } from '../git/git'
import type { Source } from './source'

export interface Context {
  /** Absolute path of a folder that is a checkout of `head`; commands run there. */
  root: string
  /** Commit or tree that differences are taken from; null: there is none. */
  base: Oid | null
  /** Commit or tree that is checked. Null: the folder as it is, for what has no tree (a commit that is not made yet). */
  head: Oid | null
  /** For each command, and for all files of a search together. Default: 120. */
  limitSeconds?: number
  /** Commands that are trusted by their hash; see `trustHashes`. */
  hashes?: ReadonlySet<string>
}

/** The same with the world. */
export interface Site extends Context {
  env: Env
  repo: Repo
  source: Source
  limitMs: number
}
