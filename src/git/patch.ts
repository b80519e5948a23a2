// Unified differences as text (`git diff -U0` and alike): which lines of which file are new. Pure.

/** What a difference does to one file. */
export interface PatchFile {
  /** Its path after the change; for a file that is gone, the one before. */
  path: string
  gone: boolean
  /** Lines that were added or changed, with their number in the new file. */
  added: { line: number; text: string }[]
  /** Places in the new file where something changed, first and last line; where lines only went, the ones around it. */
  touched: [from: number, to: number][]
}

/**
 * Reads what `git diff --no-prefix` or the usual `a/` and `b/` gives; `prefixed` says which. Binary files have no lines.
 * Source: git-diff(1), "Generating patch text with -p".
 */
export function readPatch(text: string, prefixed = true): PatchFile[] {
  const files: PatchFile[] = []
  let file: PatchFile | null = null
  let line = 0
  let [before, after] = [0, 0]
  for (const row of text.split('\n')) {
    if (before > 0 || after > 0) {
      // Within a hunk, what begins like a header is a line of the file.
      const sign = row[0]
      if (sign === '+') {
        file?.added.push({ line, text: row.slice(1) })
        line++
        after--
      } else if (sign === '-') before--
      else if (sign === ' ' || sign === undefined) {
        line++
        before--
        after--
      }
      continue
    }
    if (row.startsWith('diff --git ')) {
      file = { path: pathIn(row, prefixed), gone: false, added: [], touched: [] }
      files.push(file)
    } else if (file === null) continue
    else if (row.startsWith('deleted file mode ')) file.gone = true
    else if (row.startsWith('+++ ') && !row.startsWith('+++ /dev/null')) file.path = named(row.slice(4), prefixed)
    else if (row.startsWith('--- ') && !row.startsWith('--- /dev/null')) file.path = named(row.slice(4), prefixed)
    else {
      const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(row)
      if (hunk === null) continue
      before = Number(hunk[1] ?? 1)
      after = Number(hunk[3] ?? 1)
      line = Number(hunk[2])
      file.touched.push(after === 0 ? [line, line + 1] : [line, line + after - 1])
    }
  }
  return files
}

/** For files without lines, where only this row names them: both names are the same there. */
function pathIn(row: string, prefixed: boolean): string {
  const both = row.slice('diff --git '.length)
  if (both.startsWith('"')) return named(/^"(?:[^"\\]|\\.)*"/.exec(both)?.[0] ?? both, prefixed)
  return named(both.slice(0, (both.length - 1) / 2), prefixed)
}

/** A name as git writes it: in quotes with octal escapes where it holds odd characters; a tab ends one with a blank. */
function named(text: string, prefixed: boolean): string {
  const plain = text.startsWith('"') ? unquoted(text) : text.replace(/\t$/, '')
  return prefixed ? plain.replace(/^[^/]*\//, '') : plain
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }

function unquoted(text: string): string {
  const inner = text.replace(/^"|"\t?$/g, '')
  const bytes = inner.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    /^[0-7]{3}$/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  )
  // Octal escapes are the bytes of UTF-8; with core.quotePath=false other characters may stand beside them.
  return /[^\0-\xff]/.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}
