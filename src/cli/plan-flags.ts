// Options and arguments that the verbs of plans share: which plan, which text of it, a text from a file.

import { resolve } from 'node:path'
import type { Command, Option } from 'commander'
import type { Env } from '../env/env'
import { DstackError, isRefusal, type Refusal, refusalError } from '../errors'
import { meantSlug, type Part, readText, type Written } from '../plan/plan'
import type { Kind, Shape } from '../plan/schema'
import type { Store } from '../store/store'
import { unsynced } from '../sync/sync'
import { answer, type Reply } from './command'
import { safe } from './render'

export const SLUG = 'its slug; absent: the one of this worktree, or the only open one'

// Named once more, because the schema's own lists would load zod with every command.
const KINDS = Object.keys({ fix: 0, feature: 0, architecture: 0 } satisfies Record<Kind, number>)
const PARTS = Object.keys({ plan: 0, contract: 0, spec: 0, companion: 0 } satisfies Record<Part, number>)
const SHAPES = Object.keys({
  dstack: 0,
  markdown: 0,
  todos: 0,
  gstack: 0,
  gsd: 0,
  speckit: 0,
  taskxml: 0,
} satisfies Record<Shape, number>)

export function kindOption(command: Command, otherwise?: Kind): Option {
  const option = command.createOption('--kind <kind>', 'how much it asks for').choices(KINDS)
  return otherwise === undefined ? option : option.default(otherwise)
}

export function partOption(command: Command, says = 'which text of it'): Option {
  return command.createOption('--part <part>', says).choices(PARTS)
}

export function formatOption(command: Command, says: string): Option {
  return command.createOption('--format <format>', says).choices(SHAPES)
}

/** The named slug, or the one that is meant. @throws NOT_FOUND, AMBIGUOUS, REFUSED */
export function slugOf(store: Store, slug: string | undefined): string {
  const meant = meantSlug(store, slug)
  if (isRefusal(meant)) throw refusalError(meant)
  return meant
}

export function absolute(env: Env, path: string): string {
  return resolve(env.cwd, path)
}

/** The text of a file, or of standard input with `-`. @throws NOT_FOUND, USAGE, BAD_TEXT */
export function textOf(env: Env, store: Store, file: string): string {
  const text = file === '-' ? decoded(env.stdin()) : readText(store, absolute(env, file))
  if (text === null) {
    const what = file === '-' ? 'Standard input is empty' : `There is no file ${file}`
    throw new DstackError('NOT_FOUND', `${what}.`, { hint: 'Name a file, or `-` for standard input.' })
  }
  return text
}

function decoded(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new DstackError('BAD_TEXT', 'Standard input holds bytes that are no UTF-8 text.', { hint: 'Pipe in a text.' })
  }
}

export interface SecretFlag {
  allowSecret?: string[]
}

export function secretsOf({ allowSecret }: SecretFlag): { allowSecrets?: readonly string[] } {
  return allowSecret === undefined ? {} : { allowSecrets: allowSecret }
}

/** What a write answers: which documents, and how much of everything is still only here. */
export function wrote(store: Store, done: Written | Refusal, text: string): Reply {
  if (isRefusal(done)) return done
  const { slug, keys, commit } = done
  const waits = unsynced(store)
  const value = { slug, keys, commit, unsynced: waits }
  const tail = waits === 0 ? '' : ` (${waits} not synced)`
  return answer(value, () =>
    keys.length === 0 ? `Nothing to do: ${safe(slug)} says that already.` : `${safe(text)}${tail}.`,
  )
}
