// Which files of a change are tests, which are code, by the conventions of the languages. Pure.

/**
 * `test`: a runner starts it. `support`: lies with the tests (fixtures, helpers, snapshots) and goes where they go.
 * `source`: code. `other`: prose, data, configuration.
 */
export type Role = 'test' | 'support' | 'source' | 'other'

export type Language = 'javascript' | 'python' | 'rust' | 'go'

const LANGUAGE: readonly [RegExp, Language][] = [
  [/\.[cm]?[jt]sx?$/, 'javascript'],
  [/\.py$/, 'python'],
  [/\.rs$/, 'rust'],
  [/\.go$/, 'go'],
]

/** Code in any language, whether its tests can be run here or not. */
const CODE =
  /\.([cm]?[jt]sx?|py|rs|go|java|kts?|scala|rb|php|c|cc|cpp|cxx|h|hh|hpp|cs|fs|swift|m|mm|sh|bash|pl|lua|ex|exs|erl|hs|ml|clj|dart|zig|sql|vue|svelte)$/

/** Source: the defaults of vitest and jest, node:test, pytest, cargo, go, JUnit and RSpec. */
const TEST_NAMES =
  /(^|[/.])(test|spec)\.[cm]?[jt]sx?$|(^|\/)(test_[^/]*|[^/]*_test)\.py$|_test\.go$|(^|\/)[^/]*Tests?\.(java|kt|cs)$|_spec\.rb$/
const TEST_FOLDERS = /(^|\/)(tests?|__tests__|spec|e2e)\//
/** In a folder of tests these are started without a special name. */
const CARGO_TEST = /(^|\/)tests\/([^/]+|[^/]+\/main)\.rs$/
const NODE_TEST = /(^|\/)test\/[^/]+\.[cm]?js$/

/** How the tests are run, not what: it goes where the tests go. */
const RUNNER_FILES =
  /(^|\/)(vitest\.(config|workspace)\.[cm]?[jt]s|jest\.config\.[cm]?[jt]s|pytest\.ini|tox\.ini|conftest\.py)$/

export function languageOf(path: string): Language | null {
  return LANGUAGE.find(([ends]) => ends.test(path))?.[1] ?? null
}

export function roleOf(path: string): Role {
  if (TEST_NAMES.test(path) || CARGO_TEST.test(path)) return 'test'
  if (TEST_FOLDERS.test(path) || RUNNER_FILES.test(path)) return NODE_TEST.test(path) ? 'test' : 'support'
  return CODE.test(path) ? 'source' : 'other'
}

/** Tests that stand in the file of the code: they can't be taken to other code. */
const INLINE: Readonly<Partial<Record<Language, RegExp>>> = {
  rust: /^[ \t]*#\[cfg\(test\)\]|^[ \t]*#\[(?:\w+::)*test\b/m,
  javascript: /\bimport\.meta\.vitest\b/,
  python: /^(?:async )?def test_\w+\(|^class \w+\((?:unittest\.)?TestCase\)/m,
  go: /^func Test[A-Z]\w*\(\w+ \*testing\.T\)/m,
}

export function hasInlineTests(path: string, text: string): boolean {
  const language = languageOf(path)
  const inline = language === null ? undefined : INLINE[language]
  return roleOf(path) === 'source' && inline?.test(text) === true
}

/** The line from which on a file of code is tests, from 1; null when it has none or they stand anywhere. */
export function inlineTestsFrom(path: string, text: string): number | null {
  if (languageOf(path) !== 'rust') return null
  const at = text.search(/^[ \t]*#\[cfg\(test\)\]/m)
  return at < 0 ? null : text.slice(0, at).split('\n').length
}
