// Puts chunks that are always loaded together into one file. esbuild makes a chunk per set of entries that share code,
// and each file that node loads costs 2 % of its own start.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const REQUIRE = /require\("(\.\/[\w.-]+\.cjs)"\)/g

/**
 * Merges what every command loads, in two files: what hooks use too, and the rest (commander above all, which no hook
 * may load). File names are as tsup makes them: `chunk-*` is shared code, everything else an entry or a lazy import.
 */
export function mergeChunks(folder: string): void {
  const files = new Map(
    readdirSync(folder).flatMap((name) => (name.endsWith('.cjs') ? [[`./${name}`, read(folder, name)]] : [])),
  )
  const run = [...files.keys()].find((name) => name.startsWith('./run-'))
  if (run === undefined) throw new Error('src/cli/run.ts is no longer a lazy import of src/main.ts')
  const eachCommand = reached(files, ['./main.cjs', run], (name) => name.startsWith('./chunk-'))
  const byHooks = reached(files, files.has('./hook.cjs') ? ['./hook.cjs'] : [], () => true)
  merge(
    folder,
    files,
    'shared.cjs',
    [...eachCommand].filter((name) => byHooks.has(name)),
  )
  merge(
    folder,
    files,
    'shell.cjs',
    [run, ...eachCommand].filter((name) => !byHooks.has(name) && name !== './main.cjs'),
  )
}

const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8')

/** All files that these load, as far as `follow` lets go. */
function reached(
  files: ReadonlyMap<string, string>,
  from: readonly string[],
  follow: (name: string) => boolean,
): Set<string> {
  const found = new Set<string>()
  const queue = [...from]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const [, next = ''] of (files.get(name) ?? '').matchAll(REQUIRE)) {
      if (found.has(next) || !follow(next)) continue
      found.add(next)
      queue.push(next)
    }
  }
  return found
}

/** Each part stays a module of its own; the parentheses tell V8 to compile it at once. */
function merge(folder: string, files: Map<string, string>, into: string, names: readonly string[]): void {
  const parts = new Set(names)
  for (const [name, text] of files) {
    files.set(
      name,
      text.replace(REQUIRE, (call, to: string) => (parts.has(to) ? `require("./${into}")("${to}")` : call)),
    )
  }
  const bodies = [...parts].map((name) => `"${name}":(function(module,exports){${files.get(name)}\n})`)
  const load = 'module.exports=n=>{let m=made[n];if(!m){m=made[n]={exports:{}};parts[n](m,m.exports)}return m.exports}'
  writeFileSync(join(folder, into), `const made={},parts={${bodies.join(',\n')}};${load}\n`)
  for (const name of parts) {
    files.delete(name)
    rmSync(join(folder, name))
  }
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
}
