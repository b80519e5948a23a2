// Where an entry without a key goes: `category/topic/slug`, a function of what was said and of nothing else.

import { slug } from '../store/keys'

export interface Hints {
  tags?: readonly string[]
  /** Globs or paths that it is about. */
  paths?: readonly string[]
}

/** The first row with a word of the text names the topic. Order matters: the narrower topics come first. */
const TOPICS: readonly [topic: string, words: RegExp][] = [
  ['auth', /\b(auth|authn|authz|login|logout|oauth|oidc|saml|jwt|sessions?|passwords?|tokens?|permissions?)\b/],
  ['security', /\b(security|secrets?|credentials?|encrypt\w*|tls|certificates?|vulnerab\w*|cve)\b/],
  ['database', /\b(database|postgres\w*|mysql|sqlite|sql|migrations?|schema|redis|mongo\w*|query|queries|indexes)\b/],
  ['ci', /\b(ci|pipelines?|workflows?|github actions|gitlab-ci|jenkins|runners?)\b/],
  ['deploy', /\b(deploy\w*|rollbacks?|rollout|releases?|docker|kubernetes|k8s|helm|systemd|production|staging)\b/],
  ['tests', /\b(tests?|testing|flaky|fixtures?|vitest|jest|pytest|mocks?|coverage|e2e)\b/],
  [
    'build',
    /\b(build\w*|npm|pnpm|yarn|bun|webpack|vite|tsup|esbuild|rollup|cargo|make|cmake|gradle|maven|bazel|compile\w*|dependenc(y|ies)|lockfile|node)\b/,
  ],
  ['git', /\b(git|branch(es)?|merge|rebase|commits?|squash|pull requests?)\b/],
  ['api', /\b(api|apis|endpoints?|http|https|rest|graphql|grpc|webhooks?|requests?|responses?)\b/],
  ['ui', /\b(ui|ux|css|layout|components?|react|vue|svelte|browsers?|accessibility|dark mode)\b/],
  ['performance', /\b(performance|slow|latency|memory leak|timeouts?|throughput|cache|caching|p99)\b/],
  ['style', /\b(format\w*|lint\w*|naming|conventions?|indent\w*|prettier|eslint|biome)\b/],
]

/** Folders that say nothing about the subject. */
const GENERIC = new Set(
  'src lib libs app apps packages pkg internal cmd crates services modules test tests spec docs source main java'.split(
    ' ',
  ),
)

/** One word for what this is about: its first tag, else the first telling folder of its paths, else by its words. */
export function topicOf(text: string, hints: Hints = {}): string {
  const tag = hints.tags?.[0]
  if (tag !== undefined) return slug(tag, 2)
  for (const path of hints.paths ?? []) {
    const folders = path.split('/').slice(0, -1)
    const telling = folders.find((name) => /^[A-Za-z][\w-]*$/.test(name) && !GENERIC.has(name.toLowerCase()))
    if (telling !== undefined) return slug(telling, 3)
  }
  const lower = text.toLowerCase()
  return TOPICS.find(([, words]) => words.test(lower))?.[0] ?? 'general'
}

/** The key of an entry for which nobody chose one. */
export function keyFor(category: string, text: string, hints: Hints = {}): string {
  return `${category}/${topicOf(text, hints)}/${slug(titleOf(text))}`
}

/** The words of a text that name it: its first line without Markdown's marks. */
export function titleOf(text: string): string {
  const first = text.split('\n').find((line) => line.trim() !== '') ?? ''
  return first.replace(/^\s*(#+|[-*+>]|\d+[.)])\s+/, '').replace(/^(\*\*|__)(.+?)\1/, '$2')
}
