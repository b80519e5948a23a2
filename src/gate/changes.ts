// Predicates about the difference between base and head. Pure.

import { safe } from '../env/env'
import type { Oid, Repo } from '../git/git'
import type { Predicate } from '../plan/predicate'
import { covers } from '../store/glob'
import type { Site } from './context'
import { error, type Finding, fail, pass, some } from './result'

/** Larger ones are not looked into. Source: git's own rule looks at the first 8000 bytes, too. */
const MOST_BYTES = 16 * 1024 * 1024

export function checkDiff({ repo, base, head }: Site, predicate: Extract<Predicate, { form: 'diff' }>): Finding {
  if (base === null || head === null) return error('There is no base, or no tree, to take the difference of.')
  if (predicate.check === 'max') {
    const lines = changedLines(repo, base, head)
    const said = `${lines} ${lines === 1 ? 'line' : 'lines'} changed`
    return lines <= predicate.lines ? pass(`${said}.`) : fail(`${said}, more than ${predicate.lines}.`)
  }
  const paths = repo.diff(base, head).map(({ path }) => path)
  const covered = (path: string) => predicate.globs.some((glob) => covers(glob, path))
  if (predicate.check === 'touches') {
    const touched = paths.filter(covered)
    return touched.length > 0
      ? pass(`It changes ${some(touched, safe)}.`)
      : fail('It changes nothing of what it should touch.')
  }
  const outside = paths.filter((path) => !covered(path))
  return outside.length === 0
    ? pass(`All ${paths.length} changed files are within.`)
    : fail(`It changes ${some(outside, safe)}.`)
}

const PLAIN = ['-r', '--no-renames', '--no-ext-diff', '--no-textconv', '--diff-algorithm=myers']

/** Added and removed lines; a binary file is one. What the repository's attributes only call binary counts as text. */
function changedLines(repo: Repo, base: Oid, head: Oid): number {
  const range = ['--end-of-options', base, head]
  const { stdout } = repo.git(['diff-tree', ...PLAIN, '-z', '--numstat', ...range])
  const counts = [...stdout.matchAll(/(?:^|\0)(\d+|-)\t(\d+|-)\t([^\0]*)/g)]
  const binary = new Set(counts.flatMap(([, added, , path = '']) => (added === '-' ? [path] : [])))
  const changes = repo.diff(base, head).filter(({ path }) => binary.has(path))
  const oids = changes.flatMap(({ before, after }) => [before?.oid ?? [], after?.oid ?? []].flat())
  const isText = (bytes: Buffer | undefined) => bytes !== undefined && !bytes.subarray(0, 8000).includes(0)
  if (!repo.read(oids, MOST_BYTES).some((blob) => isText(blob?.bytes))) {
    return counts
      .flatMap(([, added, removed]) => [added, removed])
      .reduce((sum, n) => sum + (Number(n) || 0), binary.size)
  }
  const patch = repo.git(['diff-tree', ...PLAIN, '-p', '-U0', '--text', ...range]).stdout
  // `@@ -start,removed +start,added @@`; a length of 1 is left out. Lines of the files begin with another sign.
  const hunks = [...patch.matchAll(/^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/gm)]
  return hunks.reduce((sum, [, removed = 1, added = 1]) => sum + Number(removed) + Number(added), 0)
}
