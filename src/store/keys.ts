// Keys are words that people chose; a document's path is a function of its key and of nothing else.

/** Top words that belong to the store and the usage counts, not to people. */
const RESERVED = new Set(['usage', 'quarantine', 'dstack'])
/** Names that Windows gives to devices, with any suffix. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/
const WORD = /^[a-z0-9][a-z0-9._-]{0,63}$/
const MAX_WORDS = 8
const MAX_KEY = 200

export const SUFFIX = '.md'

/** Why a key can't be used, as the end of a sentence; null when it can. */
export function keyProblem(key: string, options: { reserved?: boolean } = {}): string | null {
  if (key === '') return 'it is empty'
  if (key.length > MAX_KEY) return `it is longer than ${MAX_KEY} characters`
  if (key !== key.toLowerCase()) return 'it has capital letters'
  const words = key.split('/')
  if (words.length > MAX_WORDS) return `it has more than ${MAX_WORDS} words`
  for (const word of words) {
    if (word === '') return 'it has an empty word'
    if (word === '.' || word.includes('..')) return 'it has dots that would leave the folder'
    if (!WORD.test(word)) return 'its words may hold only letters, digits, dots, dashes and underscores'
    if (word.endsWith('.') || word.endsWith(SUFFIX) || word.endsWith('.lock'))
      return `"${word}" has an ending that is reserved`
    if (DEVICE.test(word)) return `"${word}" is a device name on Windows`
  }
  if (!options.reserved && RESERVED.has(words[0] ?? '')) return `"${words[0]}" is reserved`
  return null
}

/**
 * `gotchas/auth/token-refresh` → `gotchas/auth/7f/token-refresh.md`. The two digits are a hash of the key, so that no
 * folder grows without bound; no folder may end in the suffix, so that a folder and a document never want one name.
 */
export function pathOf(key: string): string {
  const cut = key.lastIndexOf('/') + 1
  return `${key.slice(0, cut)}${twoDigits(key)}/${key.slice(cut)}${SUFFIX}`
}

/** The key of a document's path; null for a path that no key has. */
export function keyOf(path: string): string | null {
  const match = /^(.*\/)?[0-9a-f]{2}\/([^/]+)\.md$/.exec(path)
  if (match === null) return null
  const key = `${match[1] ?? ''}${match[2]}`
  return keyProblem(key, { reserved: true }) === null && pathOf(key) === path ? key : null
}

/** A short name from a text: its first words, for a key. */
export function slug(text: string, words = 6): string {
  const plain = text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
  const name = (plain.match(/[a-z0-9]+/g) ?? []).slice(0, words).join('-').slice(0, 60).replace(/-+$/, '')
  return name === '' || DEVICE.test(name) ? `note-${fnv1a(text).toString(16)}` : name
}

function twoDigits(key: string): string {
  const hash = fnv1a(key)
  return ((hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 255).toString(16).padStart(2, '0')
}

/** FNV-1a, 32 bits, over UTF-8. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/**
 * Where a file goes whose path could harm: `..`, `.git`, control characters, a leaf without our suffix or a folder with
 * it. Everything else keeps its path.
 */
export function safePath(path: string): string {
  const parts = path.split('/')
  const leaf = parts.pop() ?? ''
  const fine =
    path.length <= 1024 &&
    leaf.endsWith(SUFFIX) &&
    isPlain(leaf) &&
    parts.every((part) => isPlain(part) && !part.toLowerCase().endsWith(SUFFIX))
  if (fine) return path
  const hash = fnv1a(path).toString(16).padStart(8, '0')
  return `quarantine/${hash.slice(0, 2)}/${hash}${SUFFIX}`
}

function isPlain(part: string): boolean {
  return (
    /^[\p{L}\p{N}_~+=@-][\p{L}\p{N}._~+=@ -]{0,254}$/u.test(part) && !/^(\.|git~\d)/i.test(part) && !/[. ]$/.test(part)
  )
}
