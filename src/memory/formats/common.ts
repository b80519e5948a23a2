// What all formats share: the shape of a format, and careful reading of other people's JSON.

import type { Refusal } from '../../errors'
import { fnv1a, keyProblem, slug } from '../../store/keys'
import { fieldProblem } from '../fields'
import { isRecord, isState, usual, wrongField } from '../head'
import { cleanText, DEFAULT_CONFIDENCE, keyRefusal, textProblem } from '../rules'
import type { Portable } from '../schema'

/** A file as text. `path` is relative, with forward slashes; a single file has its own name. */
export interface FileText {
  path: string
  text: string
}

export interface Skipped {
  /** File, line, name: enough to find it. */
  where: string
  /** The end of the sentence "Not imported, because …". */
  why: string
}

export interface Parsed {
  entries: Portable[]
  skipped: Skipped[]
}

export interface Format {
  /** For people: `MCP memory server (JSON lines)`. */
  title: string
  /** True when it knows every field of an entry, so that what it says replaces what is there. */
  exact: boolean
  /** What an export writes: one file, or one per entry. */
  shape: 'file' | 'folder'
  /** True when the files look like this format. */
  fits(files: readonly FileText[]): boolean
  /** A refusal only where nothing at all can be read; what is wrong with one entry is said of that entry. */
  parse(files: readonly FileText[]): Parsed | Refusal
  /** `former` is what the file holds now, for formats that own only a part of it. */
  render(entries: readonly Portable[], former?: string): FileText[]
}

/** Nothing that people wrote nests deeper; without a limit a hostile file ends in a stack overflow. */
const MAX_DEPTH = 32

/** Parses JSON; the reason where it is none. */
export function readJson(text: string): { value: unknown } | { why: string } {
  if (depth(text) > MAX_DEPTH) return { why: `it is nested more than ${MAX_DEPTH} levels deep` }
  try {
    // An object that is copied name by name would get another prototype.
    const safe = (name: string, value: unknown) => (name === '__proto__' ? undefined : value)
    return { value: JSON.parse(text, safe) as unknown }
  } catch {
    return { why: 'it is no valid JSON' }
  }
}

function depth(text: string): number {
  let deepest = 0
  let open = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]
    if (quoted) {
      if (sign === '\\') i++
      else if (sign === '"') quoted = false
    } else if (sign === '"') quoted = true
    else if (sign === '[' || sign === '{') deepest = Math.max(deepest, ++open)
    else if (sign === ']' || sign === '}') open--
  }
  return deepest
}

export { isRecord }

/** The JSON objects of a file with one per line; `where` is `path:line`. */
export function jsonLines({
  path,
  text,
}: FileText): { where: string; line: number; value: Record<string, unknown> | string }[] {
  return text.split('\n').flatMap((source, i) => {
    if (source.trim() === '') return []
    const where = `${path}:${i + 1}`
    const read = readJson(source)
    if ('why' in read) return [{ where, line: i + 1, value: read.why }]
    return [{ where, line: i + 1, value: isRecord(read.value) ? read.value : 'it is no JSON object' }]
  })
}

/**
 * A whole entry out of what a format says: `key`, `text` and `source`, and whatever else it knows. What is absent gets
 * its usual value. The reason where it cannot be an entry.
 */
export function entryFrom(said: Record<string, unknown>): { entry: Portable } | { why: string } {
  const state = said.state ?? 'INFERRED'
  const confidence = isState(state) ? DEFAULT_CONFIDENCE[state] : 0
  const whole: Record<string, unknown> = {
    ...usual(),
    state,
    confidence,
    scope: 'repository',
    ...withoutUndefined(said),
  }
  const wrong = wrongField(whole)
  if (wrong !== null) return { why: `its ${wrong} is not as it must be` }
  const entry = whole as Portable
  entry.text = cleanText(entry.text)
  const refusal = textProblem(entry.text) ?? keyRefusal(entry.scope, entry.key) ?? fieldProblem(entry)
  return refusal === null ? { entry } : { why: lowerFirst(refusal.message.replace(/\.$/, '')) }
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

/** A key from another program's name for something: the same words, in the form that keys have. */
export function keyFromName(name: string): string {
  const words = name
    .split('/')
    .map((word) =>
      word
        .toLowerCase()
        .replace(/[^a-z0-9._-]+/g, '-')
        .replace(/\.{2,}/g, '.')
        .replace(/^[^a-z0-9]+|[^a-z0-9_]+$/g, ''),
    )
    .filter((word) => word !== '')
  // Six words leave room for a scope.
  const key = [...words.slice(0, 5), ...(words.length > 5 ? [words.slice(5).join('-')] : [])]
    .map((word) => word.slice(0, 60))
    .join('/')
  return keyProblem(key) === null ? key : `notes/imported/${slug(name)}`
}

/** Gives out each key once: a second name that wants the same key gets a longer one, made from the name. */
export function distinctKeys(): (key: string, name: string) => string {
  const taken = new Map<string, string>()
  return (key, name) => {
    const owner = taken.get(key)
    if (owner === undefined) taken.set(key, name)
    return owner === undefined || owner === name ? key : `${key}-${fnv1a(name).toString(36)}`
  }
}

/** Entries in the order of exports: by scope, then by key. */
export function inOrder(entries: readonly Portable[]): Portable[] {
  const place = ({ scope, key }: Portable) => `${scope} ${key}`
  return [...entries].sort((a, b) => (place(a) < place(b) ? -1 : 1))
}
