// Exact values from the user's own files (.env, netrc), kept only as marks, and found again in any text.

import { entropy, isReference, isWeakPassword } from './secret-shapes'

/** Shorter values turn up by chance. */
const SHORTEST = 8
const LONGEST = 512
const SECRET_NAME = /pass|pwd|secret|token|key|auth|cred|dsn|private|salt|cookie|session/i

/**
 * A value as a mark: its length, 16 bits over its first characters (they spare `findMarked` nearly all hashing), and its
 * hash. Keep marks on this machine: a short password can be guessed from any of them.
 */
export function markOf(value: string, hash: (text: string) => string): string {
  return `${value.length}:${headOf(value, 0)}:${hash(value)}`
}

/** The values in the text of a `.env` file or netrc that are worth protecting: named like secrets, no plain words. */
export function secretValues(text: string): string[] {
  const values = new Set<string>()
  for (const line of text.split('\n')) {
    const pair = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s#]*))/.exec(line)
    if (pair !== null && SECRET_NAME.test(pair[1] ?? '')) values.add(pair[2] ?? pair[3] ?? pair[4] ?? '')
  }
  for (const match of text.matchAll(/\bpassword\s+(\S+)/g)) values.add(match[1] ?? '')
  const fits = (value: string): boolean => value.length >= SHORTEST && value.length <= LONGEST
  return [...values].filter(
    (value) => fits(value) && !isReference(value) && !isWeakPassword(value) && entropy(value) > 2,
  )
}

/** Where marked values stand in a text. One inside a longer word of letters and digits doesn't count. */
export function findMarked(
  text: string,
  marks: readonly string[],
  hash: (text: string) => string,
): { start: number; end: number }[] {
  const known = new Set(marks)
  const lengths = new Map<number, Set<number>>()
  for (const mark of marks) {
    const [length = 0, head = 0] = mark.split(':', 2).map(Number)
    if (length >= SHORTEST) lengths.set(head, (lengths.get(head) ?? new Set()).add(length))
  }
  if (lengths.size === 0) return []

  const found: { start: number; end: number }[] = []
  for (let start = 0; start + SHORTEST <= text.length; start++) {
    if (!isEdge(text, start)) continue
    const possible = lengths.get(headOf(text, start))
    if (possible === undefined) continue
    for (const length of possible) {
      const end = start + length
      if (end > text.length || !isEdge(text, end)) continue
      if (known.has(markOf(text.slice(start, end), hash))) found.push({ start, end })
    }
  }
  return found
}

/** 16 bits over as many characters as every value has: FNV-1a, folded. */
function headOf(text: string, start: number): number {
  let head = 0x811c9dc5
  for (let i = start; i < start + SHORTEST; i++) head = Math.imul(head ^ text.charCodeAt(i), 0x01000193)
  return (head ^ (head >>> 16)) & 0xffff
}

/** May a value begin or end here? Not between two letters or digits. */
function isEdge(text: string, offset: number): boolean {
  return !(isAlphanumeric(text.charCodeAt(offset - 1)) && isAlphanumeric(text.charCodeAt(offset)))
}

/** False for NaN, which stands before the beginning and behind the end. */
function isAlphanumeric(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}
