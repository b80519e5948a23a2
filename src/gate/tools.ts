// Which commands lint and test a tree: what a setting says, or what the repository looks like. Pure.

import type { Oid } from '../git/git'
import { settingOf } from '../settings/settings'
import type { Store } from '../store/store'

export interface Tool {
  /** Null: there is none. */
  command: string | null
  /** What the command stands for in the tree (the text of an npm script): a part of its definition. */
  means: string
  /** Where it comes from, for people. */
  from: string
}

export interface Tools {
  lint: Tool
  test: Tool
}

/** Files that tell. Their order is that of `rulesFor`. */
const TELLING = [
  ...['package.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb'],
  ...['pyproject.toml', 'pytest.ini', 'conftest.py', 'tox.ini', 'ruff.toml', 'go.mod', 'Cargo.toml', 'Makefile'],
] as const

type Telling = (typeof TELLING)[number]

const MOST_BYTES = 4 * 1024 * 1024

/** By tree. One process for all of them. */
export function toolsOf(store: Store, trees: readonly Oid[]): Map<Oid, Tools> {
  const lint = settingOf(store, 'gate.lint')
  const test = settingOf(store, 'gate.test')
  const settled = lint.layer !== 'default' && test.layer !== 'default'
  const names = settled ? [] : trees.flatMap((tree) => TELLING.map((name) => `${tree}:${name}`))
  const found = store.repo.read(names, MOST_BYTES)
  return new Map(
    trees.map((tree, i) => {
      const texts = new Map<Telling, string>()
      for (const [at, name] of TELLING.entries()) {
        const object = found[i * TELLING.length + at]
        if (object?.type === 'blob') texts.set(name, object.bytes.toString('utf8'))
      }
      const detected = detectTools(texts)
      const pick = (name: 'lint' | 'test', { value, layer }: { value: string; layer: string }): Tool => {
        if (layer === 'default') return detected[name]
        return { command: value === 'none' ? null : value, means: '', from: `gate.${name}` }
      }
      return [tree, { lint: pick('lint', lint), test: pick('test', test) }]
    }),
  )
}

/** The first one that fits; each check for itself. */
export function detectTools(texts: ReadonlyMap<Telling, string>): Tools {
  const rules = [npm(texts), python(texts), go(texts), cargo(texts), make(texts)]
  const first = (name: 'lint' | 'test'): Tool =>
    rules.map((rule) => rule[name]).find((tool) => tool !== undefined) ?? { command: null, means: '', from: '' }
  return { lint: first('lint'), test: first('test') }
}

type Rule = Partial<Tools>

function npm(texts: ReadonlyMap<Telling, string>): Rule {
  const scripts = scriptsOf(texts.get('package.json'))
  const manager = texts.has('pnpm-lock.yaml')
    ? 'pnpm'
    : texts.has('yarn.lock')
      ? 'yarn'
      : texts.has('bun.lock') || texts.has('bun.lockb')
        ? 'bun'
        : 'npm'
  const tool = (name: 'lint' | 'test'): Rule => {
    const text = scripts[name]
    // What `npm init` writes where nobody has a test.
    if (text === undefined || /no test specified/.test(text)) return {}
    const means = [scripts[`pre${name}`], text, scripts[`post${name}`]].map((part) => part ?? '').join('\n')
    return { [name]: { command: `${manager} run ${name}`, means, from: 'package.json' } }
  }
  return { ...tool('lint'), ...tool('test') }
}

function scriptsOf(text: string | undefined): Record<string, string> {
  if (text === undefined) return {}
  try {
    const { scripts } = JSON.parse(text) as { scripts?: unknown }
    if (typeof scripts !== 'object' || scripts === null) return {}
    return Object.fromEntries(
      Object.entries(scripts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {} // npm itself would say so
  }
}

function python(texts: ReadonlyMap<Telling, string>): Rule {
  const project = texts.get('pyproject.toml') ?? ''
  const pytest =
    texts.has('pytest.ini') ||
    texts.has('conftest.py') ||
    /^\[tool\.pytest/m.test(project) ||
    /^\[pytest\]/m.test(texts.get('tox.ini') ?? '')
  const ruff = texts.has('ruff.toml') || /^\[tool\.ruff/m.test(project)
  return {
    ...(ruff ? { lint: { command: 'ruff check .', means: '', from: 'ruff' } } : {}),
    ...(pytest ? { test: { command: 'pytest', means: '', from: 'pytest' } } : {}),
  }
}

function go(texts: ReadonlyMap<Telling, string>): Rule {
  if (!texts.has('go.mod')) return {}
  return {
    lint: { command: 'go vet ./...', means: '', from: 'go.mod' },
    test: { command: 'go test ./...', means: '', from: 'go.mod' },
  }
}

function cargo(texts: ReadonlyMap<Telling, string>): Rule {
  return texts.has('Cargo.toml') ? { test: { command: 'cargo test', means: '', from: 'Cargo.toml' } } : {}
}

function make(texts: ReadonlyMap<Telling, string>): Rule {
  const text = texts.get('Makefile') ?? ''
  const tool = (name: 'lint' | 'test'): Rule => {
    const rule = new RegExp(`^${name}[ \\t]*:(?!=).*\\n(?:\\t.*\\n?)*`, 'm').exec(text)?.[0]
    return rule === undefined ? {} : { [name]: { command: `make ${name}`, means: rule, from: 'Makefile' } }
  }
  return { ...tool('lint'), ...tool('test') }
}
