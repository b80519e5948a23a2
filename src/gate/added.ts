// The lines that a change adds, and which of them say that the work is not done. Pure.

import { safe } from '../env/env'
import type { Oid, Repo } from '../git/git'
import { some } from './result'

export interface AddedLine {
  path: string
  /** From 1, in the new file. */
  line: number
  text: string
}

export interface Patch {
  added: AddedLine[]
  /** Added and removed lines. */
  changed: number
}

/** What `tree` changes of `base`. Files that git takes for binary have no lines. */
export function patchBetween(repo: Repo, base: Oid, tree: Oid): Patch {
  const plain = ['-r', '-p', '-U0', '--no-renames', '--no-ext-diff', '--no-textconv', '--diff-algorithm=myers']
  return readPatch(repo.git(['diff-tree', ...plain, '--src-prefix=a/', '--dst-prefix=b/', base, tree]).stdout)
}

/** Reads hunks by their counts, so that a line of a file which looks like a header is no header. */
export function readPatch(text: string): Patch {
  const patch: Patch = { added: [], changed: 0 }
  let path = ''
  let at = 0
  let removed = 0
  let added = 0
  for (const line of text.split('\n')) {
    if (removed > 0 && line.startsWith('-')) {
      removed--
      patch.changed++
    } else if (added > 0 && line.startsWith('+')) {
      added--
      patch.changed++
      patch.added.push({ path, line: at++, text: line.slice(1) })
    } else {
      const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line)
      if (hunk !== null) {
        removed = Number(hunk[1] ?? 1)
        at = Number(hunk[2])
        added = Number(hunk[3] ?? 1)
      } else if (line.startsWith('+++ ')) {
        path = line
          .slice(4)
          .replace(/^"?b\//, '')
          .replace(/["\t]+$/, '')
      }
    }
  }
  return patch
}

/** An id of an issue or a task says who will come back to it: `#12`, `ABC-12`, `1.2-C03`. */
const ID = /#\d+|\b[A-Z][A-Z0-9]*-\d+\b|\b\d{1,3}\.\d{1,3}-[CTDGMRL]\d{2,3}\b/

const MARKERS: readonly (readonly [what: string, RegExp])[] = [
  ['a to-do', /\b(?:TODO|FIXME|XXX|HACK)\b/],
  ['a placeholder', /(?:\/\/|\/\*|^\s*\*|#|<!--|--\s).*\bplaceholder\b/i],
  ['a placeholder', /\b(?:todo|unimplemented)!\(|\braise NotImplementedError\b|\bnot implemented yet\b/i],
  [
    'a skipped test',
    /\b(?:describe|it|test|suite|context)\.(?:skip|todo|only)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)\(/,
  ],
  [
    'a skipped test',
    /@(?:pytest\.mark\.(?:skip|xfail)|unittest\.skip|Disabled|Ignore)\b|#\[ignore\b|\bt\.Skip(?:Now|f)?\(/,
  ],
]

/** Added lines that leave something undone and name no id. */
export function undone(lines: readonly AddedLine[]): { what: string; path: string; line: number }[] {
  return lines.flatMap(({ path, line, text }) => {
    if (ID.test(text)) return []
    const found = MARKERS.find(([, pattern]) => pattern.test(text))
    return found === undefined ? [] : [{ what: found[0], path, line }]
  })
}

export function todoCheck({ added }: Patch): { result: 'pass' | 'fail'; reason: string } {
  const left = undone(added)
  if (left.length === 0) return { result: 'pass', reason: 'Nothing is left undone in the added lines.' }
  const where = left.map(({ what, path, line }) => `${what} in ${path}:${line}`)
  return { result: 'fail', reason: `The change adds ${some(where, safe)}, without an id such as #12.` }
}
