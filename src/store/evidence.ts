// Evidence lines in notes: one canonical JSON object a line, a sorted set, never edited, only retracted.

import type { Json } from './schema'

/** One line. `t` names its kind; `id` is the hash of the rest; a line `{"t":"retract","of":<id>}` takes another back. */
export interface EvidenceLine {
  t: string
  id: string
  [name: string]: Json
}

/** Fixed fan-out `xx/<rest>`: git reads any depth, we write one, so that the tree is a function of its content. */
export function notePath(target: string): string {
  return `${target.slice(0, 2)}/${target.slice(2)}`
}

/** The object that a path of a notes tree is about, whatever its depth; null for a path that is no note. */
export function noteTarget(path: string): string | null {
  const target = path.replaceAll('/', '')
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(target) ? target : null
}

/** Sorted names at every depth and no spaces, so that the same facts are always the same bytes. */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] ?? null)}`)
  return `{${fields.join(',')}}`
}

/** The line's text with its id: the first 20 hex digits of the hash (SHA-256) of everything else in it. */
export function evidenceLine(facts: Record<string, Json> & { t: string }, hash: (text: string) => string): string {
  return canonicalJson({ ...facts, id: hash(canonicalJson(facts)).slice(0, 20) })
}

/** Union of lines as `cat_sort_uniq` does it. Lines that aren't ours (a person's `git notes add`) are kept, too. */
export function unionLines(texts: Iterable<string>): string {
  const lines = new Set<string>()
  for (const text of texts) for (const line of text.split('\n')) if (line !== '') lines.add(line)
  return lines.size === 0 ? '' : `${[...lines].sort().join('\n')}\n`
}

/** The lines of a note that are ours and not retracted. Anything else in the note is passed over. */
export function readLines(text: string): EvidenceLine[] {
  const lines = text.split('\n').flatMap((line): EvidenceLine[] => {
    const parsed = parseLine(line)
    return parsed === null ? [] : [parsed]
  })
  const retracted = new Set(lines.flatMap((line) => (line.t === 'retract' ? [line.of] : [])))
  return lines.filter((line) => line.t !== 'retract' && !retracted.has(line.id))
}

function parseLine(line: string): EvidenceLine | null {
  if (!line.startsWith('{')) return null
  try {
    const value = JSON.parse(line) as EvidenceLine
    return typeof value.t === 'string' && typeof value.id === 'string' ? value : null
  } catch {
    return null // a person's own words
  }
}
