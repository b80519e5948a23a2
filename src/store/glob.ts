// What a glob of a document covers: the paths of an entry, the scope of a leaf, the files of a predicate. Pure.

/**
 * Whether a path (slashes, relative to the repository) is covered by a glob. `*` and `?` stay within one name, `**`
 * crosses folders, `{a,b}` and `[a-z]` as in a shell. As in .gitignore, a glob without a slash holds at any depth,
 * one that begins with a slash from the top only, and a folder's name covers everything below it.
 */
export function covers(glob: string, path: string): boolean {
  if (isElsewhere(glob, path)) return false
  const anchored = /^\.?\//.test(glob)
  return alternatives(normal(glob)).some((one) => {
    const names = one.split('/')
    return match(names.length === 1 && !anchored ? ['**', ...names] : names, path.split('/'))
  })
}

/** Whether a glob plainly names another folder, as most do; only for the rest is it worth the trouble. */
function isElsewhere(glob: string, path: string): boolean {
  let same = 0
  while (same < glob.length && glob.charCodeAt(same) === path.charCodeAt(same)) same++
  const next = glob.charAt(same)
  // Wild, or at the path's end with only a closing slash left (`src/auth/` and `src/auth`).
  if ('*?[{'.includes(next) || (same === path.length && same >= glob.length - 1)) return false
  return glob.slice(0, -1).includes('/') && !glob.startsWith('.') && !glob.startsWith('/')
}

/**
 * How much it says that a glob covers a path, 0 to 1: 0 for `**`, more with every name that is not all wildcard, 1 for
 * the path itself.
 */
export function specificity(glob: string, path: string): number {
  const plain = normal(glob)
  if (plain === path) return 1
  const names = plain.split('/').filter((name) => /[^*?]/.test(name)).length
  return names / (names + 1)
}

/** Deepest nesting and largest number of `{}` alternatives that are tried: a glob comes from anybody. */
const MAX_ALTERNATIVES = 64

/** `a/{b,c}/d` as `a/b/d` and `a/c/d`. */
function alternatives(glob: string): string[] {
  if (!glob.includes('{')) return [glob]
  let open = [glob]
  const done: string[] = []
  while (open.length > 0 && open.length + done.length <= MAX_ALTERNATIVES) {
    const next: string[] = []
    for (const one of open) {
      const [all, inner] = /\{([^{}]*)\}/.exec(one) ?? []
      if (all === undefined || inner === undefined) done.push(one)
      else for (const choice of inner.split(',')) next.push(one.replace(all, () => choice))
    }
    open = next
  }
  return [...done, ...open]
}

function normal(path: string): string {
  return path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
}

/** Names of a glob against names of a path. Only the last `**` is ever tried again, so the work stays small. */
function match(glob: readonly string[], path: readonly string[]): boolean {
  let g = 0
  let p = 0
  let star = -1
  let mark = 0
  // All names of the glob used: the path is covered, be it by ending here or by lying below.
  while (g < glob.length) {
    if (glob[g] === '**') {
      star = g++
      mark = p
      if (g === glob.length) return p < path.length
    } else if (p < path.length && matchName(glob[g] as string, path[p] as string)) {
      g++
      p++
    } else if (star >= 0 && mark < path.length) {
      g = star + 1
      p = ++mark
    } else return false
  }
  return true
}

/** One name with `*`, `?` and `[…]`; linear in the name, by going back to the last star only. */
function matchName(glob: string, name: string): boolean {
  let g = 0
  let n = 0
  let star = -1
  let mark = 0
  while (n < name.length) {
    const width = matchOne(glob, g, name[n] as string)
    if (glob[g] === '*') {
      star = g++
      mark = n
    } else if (width > 0) {
      g += width
      n++
    } else if (star >= 0) {
      g = star + 1
      n = ++mark
    } else return false
  }
  while (glob[g] === '*') g++
  return g === glob.length
}

/** Length of the piece of the glob at `g` that stands for this letter, 0 when it does not. */
function matchOne(glob: string, g: number, letter: string): number {
  const sign = glob[g]
  if (sign === '?') return 1
  if (sign !== '[') return sign === letter ? 1 : 0
  const end = glob.indexOf(']', g + 2)
  if (end < 0) return letter === '[' ? 1 : 0
  const not = glob[g + 1] === '!' || glob[g + 1] === '^'
  const set = glob.slice(g + (not ? 2 : 1), end)
  let inside = false
  for (let i = 0; i < set.length; i++) {
    const low = set[i] as string
    const high = set[i + 1] === '-' && i + 2 < set.length ? (set[i + 2] as string) : low
    if (high !== low) i += 2
    if (low <= letter && letter <= high) inside = true
  }
  return inside === not ? 0 : end + 1 - g
}
