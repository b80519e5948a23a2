// The map of the code as a test: who may know whom. Read LAYERS from top to bottom.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** A file imports from its own row's folder and from rows above. Folders in one row do not know each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['errors.ts'],
  ['env'],
  ['git'],
  ['store', 'process'],
  ['sync', 'settings'],
  ['lease', 'memory', 'plan', 'redact'],
  ['trust'],
  ['gate', 'guard'],
  ['questions', 'review'],
  ['flow'],
  ['setup'],
  ['manual'],
  ['cli', 'hooks'],
  ['main.ts'],
]

/** Folders in which every file but the door (`x/x.ts`) reaches the world through its arguments only. */
const PURE_FOLDERS = [
  'store',
  'sync',
  'settings',
  'lease',
  'memory',
  'plan',
  'trust',
  'gate',
  'guard',
  'questions',
  'review',
  'flow',
  'setup',
]
const PURE_PACKAGES = /^(zod\/mini|diff|node:path|yaml|smol-toml|@secretlint\/.*)$/
const IMPURE = /\bDate\.now\(|new Date\(\)|Math\.random\(|\bprocess\.|\bperformance\.|\bcrypto\.get/

/** How refs, keys, globs, documents and predicates look: as durable as a `schema.ts`, so every folder may know it. */
const FORMATS = ['store/names.ts', 'store/keys.ts', 'store/document.ts', 'store/glob.ts', 'plan/predicate.ts']

/** Beside the door of git, because isomorphic-git hangs on it; `fsck` loads it when it needs it. */
const SIDE_DOORS = ['git/auditor.ts']

/** Entries build the real world; nobody else may. */
const ENTRIES = ['main.ts', 'hooks/main.ts']
const FOR_ENTRIES = ['env/node.ts', 'cli/run.ts', 'hooks/main.ts']

/** Who may start programs: the world, the pager and the editor. git itself is started by one file. */
const STARTS_PROGRAMS = ['env/programs.ts', 'cli/pager.ts', 'cli/editor.ts']
const STARTS_GIT = 'git/exec.ts'

/** Each costs about as much as node's own start, so they come by `await import()` only. */
const LAZY = /^(yaml|smol-toml|execa|isomorphic-git|@secretlint\/.*|@clack\/prompts|cli-table3|fast-glob)$/
const MOST_LINES = 400

const SRC = fileURLToPath(new URL('../src', import.meta.url))
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .sort()

interface Import {
  /** A file below src (`store/store.ts`), or a package. */
  to: string
  ours: boolean
  lazy: boolean
}

const text = (file: string) => readFileSync(join(SRC, file), 'utf8')
const folder = (file: string) => file.split('/')[0] ?? file
const layer = (file: string) => LAYERS.findIndex((row) => row.includes(folder(file)))
const isDoor = (file: string) => file === `${folder(file)}/${folder(file)}.ts`
const isFormat = (file: string) => posix.basename(file) === 'schema.ts' || FORMATS.includes(file)

/** Without the lines that are comments. */
const codeOf = (file: string) => text(file).replace(/^\s*(\/\/|\*|\/\*\*).*$/gm, '')

/** What a file imports when it runs; imports of types only are free. */
function importsOf(file: string): Import[] {
  const code = codeOf(file)
  const found: Import[] = []
  const add = (name: string, lazy: boolean) => {
    if (!name.startsWith('.')) found.push({ to: name, ours: false, lazy })
    else if (!/\.(md|json)$/.test(name)) {
      found.push({ to: `${posix.join(dirname(file), name)}.ts`.replace('.ts.ts', '.ts'), ours: true, lazy })
    }
  }
  for (const [, what = '', name = ''] of code.matchAll(/^(?:import|export)\s+([^'";]*?)\s*from\s+'([^']+)'/gm)) {
    const names = /\{([^}]*)\}/
      .exec(what)?.[1]
      ?.split(',')
      .filter((each) => each.trim() !== '')
    const onlyTypes = what.startsWith('type ') || (names?.every((each) => each.trim().startsWith('type ')) ?? false)
    if (!onlyTypes) add(name, false)
  }
  for (const [, name = ''] of code.matchAll(/^import\s+'([^']+)'/gm)) add(name, false)
  for (const [, name = ''] of code.matchAll(/(?<!typeof )import\('([^']+)'\)/g)) add(name, true)
  return found
}

describe.each(FILES)('%s', (file) => {
  const imports = importsOf(file)
  const pure = PURE_FOLDERS.includes(folder(file)) && !isDoor(file)

  test('knows only what is below it, by the door', () => {
    expect(layer(file), 'its folder is in LAYERS').toBeGreaterThanOrEqual(0)
    for (const { to, ours } of imports) {
      if (!ours || folder(to) === folder(file)) continue
      expect(FILES, `${file} imports a file that exists`).toContain(to)
      expect(layer(to), `${file} → ${to}`).toBeLessThan(layer(file))
      const forEntry = ENTRIES.includes(file) && FOR_ENTRIES.includes(to)
      expect(
        isDoor(to) || isFormat(to) || SIDE_DOORS.includes(to) || to === 'errors.ts' || forEntry,
        `${file} → ${to} is a door`,
      ).toBe(true)
    }
  })

  if (pure)
    test('is pure', () => {
      for (const { to, ours } of imports) if (!ours) expect(to, `${file} imports it`).toMatch(PURE_PACKAGES)
      expect(IMPURE.exec(codeOf(file))?.[0]).toBeUndefined()
    })

  test('starts no programs and loads nothing heavy by the way', () => {
    for (const { to, lazy } of imports) {
      if (/^(node:)?child_process$/.test(to)) expect(STARTS_PROGRAMS).toContain(file)
      if (LAZY.test(to)) expect(lazy, `${file} imports ${to} lazily`).toBe(true)
      if (to === 'isomorphic-git') expect(file).toBe('git/auditor.ts')
      expect(to, 'full zod costs a whole start of node').not.toBe('zod')
    }
    if (/getBuiltinModule\('(node:)?child_process'\)/.test(text(file))) expect(STARTS_PROGRAMS).toContain(file)
    if (/program: 'git'/.test(text(file))) expect(file).toBe(STARTS_GIT)
  })

  test('is one idea, and says which', () => {
    const lines = text(file).split('\n')
    expect(
      lines.find((line) => !line.startsWith('#!')),
      'the first line says what it is',
    ).toMatch(/^\/\/ \S/)
    expect(lines.length, `at most ${MOST_LINES} lines`).toBeLessThanOrEqual(MOST_LINES)
  })
})

test('every layer exists, and the test sees imports', () => {
  expect([...new Set(FILES.map(folder))].sort()).toEqual(expect.arrayContaining(['errors.ts', 'env', 'git', 'cli']))
  expect(importsOf('cli/program.ts')).toContainEqual({ to: 'cli/help.ts', ours: true, lazy: true })
  expect(importsOf('cli/run.ts').map(({ to }) => to)).toContain('cli/program.ts')
})
