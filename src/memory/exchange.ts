// Files of other programs' memory, read and written. What they mean is in formats/.

import { isAbsolute, join, resolve } from 'node:path'
import type { Env, Files } from '../env/env'
import { DstackError, isRefusal, type Refusal } from '../errors'
import type { Decision, Seen } from '../store/schema'
import { keyProblem } from '../store/store'
import { type FileText, FORMATS, type FormatName, formatNamed, formatOf, MAX_IMPORT, type Skipped } from './formats'
import { placeOf, portableOf } from './forms'
import { decideImport, type Imported } from './import'
import { openPlaces, placeFor, readable } from './places'
import { type Filter, listEntries } from './provider'
import type { Portable, Scope } from './schema'

/** Endings of files that any of the formats is kept in. */
const ENDINGS = /\.(md|markdown|json|jsonl|ndjson)$/i
const MAX_DEPTH = 12
const MAX_FILES = 100_000

/** Reads a file, a folder or standard input (`-`). Links and other kinds of files in a folder are passed over. */
function readFiles(env: Env, path: string): FileText[] {
  if (path === '-') return [{ path: 'standard input', text: env.stdin().toString('utf8') }]
  const at = resolve(env.cwd, path)
  const stat = env.files.stat(at, 'follow')
  if (stat === null) throw new DstackError('NOT_FOUND', `There is nothing at ${path}.`)
  const budget = { bytes: MAX_IMPORT, files: MAX_FILES }
  if (stat.kind !== 'folder') return [{ path: nameOf(at), text: readText(env.files, at, budget) }]
  return [...walk(env.files, at, '', 1, budget)]
}

function* walk(files: Files, root: string, under: string, depth: number, budget: Budget): Generator<FileText> {
  for (const name of files.list(join(root, under)).sort()) {
    const path = under === '' ? name : `${under}/${name}`
    const kind = files.stat(join(root, path))?.kind
    if (kind === 'folder' && depth < MAX_DEPTH && name !== '.git') yield* walk(files, root, path, depth + 1, budget)
    if (kind === 'file' && ENDINGS.test(name)) yield { path, text: readText(files, join(root, path), budget) }
  }
}

interface Budget {
  bytes: number
  files: number
}

function readText(files: Files, path: string, budget: Budget): string {
  const size = files.stat(path, 'follow')?.size ?? 0
  budget.bytes -= size
  budget.files--
  if (budget.bytes < 0 || budget.files < 0) {
    throw new DstackError('TOO_LARGE', `An import may have at most ${MAX_IMPORT} bytes in ${MAX_FILES} files.`, {
      hint: 'Bring it in piece by piece.',
    })
  }
  return (files.read(path) ?? Buffer.alloc(0)).toString('utf8')
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}

/** The text of a file that an export may own a part of; empty when nothing is there. */
function readFormer(env: Env, path: string): string {
  return env.files.read(resolve(env.cwd, path))?.toString('utf8') ?? ''
}

/** Writes one file at `path`. */
function writeFile(env: Env, path: string, file: FileText): void {
  env.files.write(resolve(env.cwd, path), file.text)
}

/**
 * Writes files below a folder and nowhere else: their paths are made of keys, and no folder on the way may be a link.
 * @returns the paths, as the user gave the folder
 */
function writeFolder(env: Env, folder: string, files: readonly FileText[]): string[] {
  const root = resolve(env.cwd, folder)
  for (const { path, text } of files) {
    const names = path.split('/')
    if (isAbsolute(path) || names.some((name) => name === '' || name === '.' || name === '..')) {
      throw new DstackError('INTERNAL', `An export wanted to leave its folder: ${JSON.stringify(path)}.`)
    }
    for (let i = 1; i < names.length; i++) {
      const above = join(root, ...names.slice(0, i))
      const kind = env.files.stat(above)?.kind
      if (kind !== undefined && kind !== 'folder') {
        throw new DstackError('REFUSED', `${above} is in the way: it is no folder.`, {
          hint: 'Export into an empty folder.',
        })
      }
    }
    env.files.write(join(root, ...names), text)
  }
  return files.map(({ path }) => `${folder.replace(/[\\/]+$/, '')}/${path}`)
}

export interface Brought extends Imported {
  format: FormatName
  /** What could not be read. */
  skipped: Skipped[]
}

export interface BringInput {
  /** A file, a folder, or `-` for standard input. */
  path: string
  format?: string
  /** Puts all of it into one scope, whatever the file says. */
  scope?: Scope
  /** All of it waits for a person's yes. */
  proposed?: boolean
  /** Says what would be done. */
  dryRun?: boolean
  allowSecrets?: readonly string[]
}

/** Imports: one commit for the project, another one for what is personal. */
export function bringIn(env: Env, input: BringInput): Brought | Refusal {
  const places = openPlaces(env, input)
  const files = readFiles(env, input.path)
  const format = formatOf(input.format, files)
  if (isRefusal(format)) return format
  const parsed = FORMATS[format].parse(files)
  if (isRefusal(parsed)) return parsed
  const change = {
    ...(input.scope === undefined ? {} : { scope: input.scope }),
    ...(input.proposed === true ? { proposed: true } : {}),
  }
  const entries = parsed.entries.map((entry): Portable => ({ ...entry, ...change }))
  const origin = places.origin()
  const request = {
    actor: places.actor(),
    format,
    exact: FORMATS[format].exact,
    ...(origin === undefined ? {} : { origin }),
  }
  const brought: Brought = { format, added: [], updated: [], same: [], refusals: [], skipped: parsed.skipped }
  for (const personal of [false, true]) {
    const some = entries.filter((entry) => (entry.scope === 'personal') === personal)
    if (some.length === 0) continue
    const keys = [...new Set(some.map(placeOf))].filter((key) => keyProblem(key) === null)
    const place = placeFor(places, personal ? 'personal' : 'repository')
    const many = input.dryRun === true ? place.many(keys) : null
    const decide = (seen: Seen) => decideImport(seen, { ...request, entries: some })
    const done = many === null ? place.write(keys, decide) : resultOf(decide({ at: (key) => many.get(key) ?? [] }))
    if (isRefusal(done)) return done
    for (const name of ['added', 'updated', 'same'] as const) brought[name].push(...done[name])
    brought.refusals.push(...done.refusals)
  }
  return brought
}

function resultOf(decision: Decision<Imported>): Imported | Refusal {
  return isRefusal(decision) ? decision : decision.result
}

export interface Handed {
  format: FormatName
  entries: number
  /** Paths that were written; empty when `text` has it all. */
  written: string[]
  /** The export itself, when no path was given. */
  text: string | null
}

export interface HandInput extends Filter {
  format?: string
  /** A file or folder to write. */
  to?: string
}

/** Exports. Without a scope what is personal stays here; proposals are not yet the team's word. */
export function handOut(env: Env, input: HandInput = {}): Handed | Refusal {
  const { format: name = 'json', to, ...filter } = input
  const format = formatNamed(name)
  if (isRefusal(format)) return format
  const places = openPlaces(env)
  const wanted = { proposed: false, ...filter }
  const entries = readable(places, filter.scope)
    .filter((place) => filter.scope === 'personal' || !place.personal)
    .flatMap((place) => listEntries(place, wanted))
    .map(portableOf)
  const former = to === undefined || FORMATS[format].shape === 'folder' ? '' : readFormer(env, to)
  const files = FORMATS[format].render(entries, former)
  const [first] = files
  if (FORMATS[format].shape === 'folder') {
    if (to === undefined)
      return {
        refused: 'USAGE',
        message: `${FORMATS[format].title} needs a folder to write to.`,
        hint: 'Add `--to <folder>`.',
      }
    return { format, entries: entries.length, written: writeFolder(env, to, files), text: null }
  }
  if (to === undefined) return { format, entries: entries.length, written: [], text: first?.text ?? '' }
  if (first !== undefined) writeFile(env, to, first)
  return { format, entries: entries.length, written: [to], text: null }
}
