// What a change adds: its files by role, the lines that it adds to them. Pure.

import type { Oid, Repo } from '../git/git'
import { hasInlineTests, inlineTestsFrom, type Role, roleOf } from './conventions'

export interface AddedLine {
  /** From 1, in the file as it is afterwards. */
  line: number
  text: string
}

export interface ChangedFile {
  path: string
  role: Role
  /** Null: it was taken away. */
  after: { mode: string; oid: Oid } | null
  /** The text before and afterwards; empty for what is none or larger than a megabyte. */
  before: string
  text: string
  added: AddedLine[]
  /** Tests stand in it although it is code. */
  inline: boolean
}

export interface ChangeSet {
  /** Commits or trees. */
  base: Oid
  head: Oid
  files: ChangedFile[]
}

const MOST_BYTES = 1 << 20

/** @param base a commit or tree; for a first commit the empty tree */
export function readChange(repo: Repo, base: Oid, head: Oid): ChangeSet {
  const changes = repo.diff(base, head).filter(({ after, before }) => isFile(after) || isFile(before))
  const blobs = repo.read(
    changes.flatMap(({ before, after }) => [before?.oid ?? '', after?.oid ?? '']).filter((oid) => oid !== ''),
    MOST_BYTES,
  )
  const texts = new Map(blobs.flatMap((blob) => (blob === null ? [] : [[blob.oid, textOf(blob.bytes)] as const])))
  const files = changes.map(({ path, before, after }) => {
    return changedFile(path, after, texts.get(before?.oid ?? '') ?? '', texts.get(after?.oid ?? '') ?? '')
  })
  return { base, head, files }
}

export function changedFile(path: string, after: ChangedFile['after'], before: string, text: string): ChangedFile {
  const inline = hasInlineTests(path, text)
  return { path, role: roleOf(path), after, before, text, added: addedLines(before, text), inline }
}

const isFile = (side: { mode: string } | null) => side?.mode.startsWith('100') === true || side?.mode === '120000'

function textOf(bytes: Buffer): string {
  return bytes.subarray(0, 8000).includes(0) ? '' : bytes.toString('utf8')
}

/**
 * Lines that are there more often than before. Not the shortest edit: a line that only moved is not new, which is what
 * the questions ask.
 */
export function addedLines(before: string, after: string): AddedLine[] {
  const left = new Map<string, number>()
  for (const line of before.split('\n')) left.set(line, (left.get(line) ?? 0) + 1)
  return after.split('\n').flatMap((text, i) => {
    const count = left.get(text) ?? 0
    left.set(text, count - 1)
    return count > 0 || text.trim() === '' ? [] : [{ line: i + 1, text }]
  })
}

export function filesOf(change: ChangeSet, ...roles: Role[]): ChangedFile[] {
  return change.files.filter(({ role }) => roles.includes(role))
}

/** Added lines that belong to tests: of test files, of what lies with them, and of tests in files of code. */
export function testLines(file: ChangedFile): AddedLine[] {
  if (file.role === 'test' || file.role === 'support') return file.added
  const from = inlineTestsFrom(file.path, file.text)
  return from === null ? [] : file.added.filter(({ line }) => line >= from)
}

/** Added lines of code that are no tests. */
export function codeLines(file: ChangedFile): AddedLine[] {
  if (file.role !== 'source') return []
  const from = inlineTestsFrom(file.path, file.text)
  return from === null ? file.added : file.added.filter(({ line }) => line < from)
}

/** Files of code to whose tests something is added. */
export function inlineTests(change: ChangeSet): ChangedFile[] {
  return change.files.filter((file) => {
    if (!file.inline) return false
    return inlineTestsFrom(file.path, file.text) === null ? file.added.length > 0 : testLines(file).length > 0
  })
}

/** Does it change code, beyond tests in it? */
export function changesCode(change: ChangeSet): boolean {
  return change.files.some(
    (file) => file.role === 'source' && (file.after === null || codeLines(file).length > 0 || removesCode(file)),
  )
}

function removesCode(file: ChangedFile): boolean {
  return file.added.length === 0 && file.before !== file.text
}
