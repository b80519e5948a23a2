// Whose model is it? A reviewer of the same make as the author overlooks the same things. Pure.

import type { WorkCommit } from '../git/git'

/** Makes of models by the words in names of models, clients and trailers. */
const MAKES: readonly [make: string, words: RegExp][] = [
  ['Claude', /\b(claude|anthropic)/i],
  ['OpenAI', /\b(codex|gpt|openai|chatgpt|o[134](-|\b))/i],
  ['Gemini', /\b(gemini|google)/i],
  ['Grok', /\b(grok|xai)\b/i],
  ['Mistral', /\b(mistral|codestral|devstral)/i],
  ['Qwen', /\bqwen/i],
  ['DeepSeek', /\bdeepseek/i],
]

export function makeOf(name: string): string | null {
  return MAKES.find(([, words]) => words.test(name))?.[0] ?? null
}

/** Trailers that say which program wrote a commit, or helped. */
const TRAILERS = /^(co-authored-by|dstack-agent|dstack-model|generated-by|assisted-by)$/i

/** Makes that wrote in a range, as its trailers and the caller's own shell tell. */
export function authorMakes(commits: readonly Pick<WorkCommit, 'trailers'>[], agent: string | null): Set<string> {
  const names = commits.flatMap(({ trailers }) =>
    Object.entries(trailers).flatMap(([name, values]) => (TRAILERS.test(name) ? values : [])),
  )
  const makes = [...names, agent ?? ''].map(makeOf)
  return new Set(makes.filter((make) => make !== null))
}

/** What to say when the reviewer is of a make that wrote; null when it is not. */
export function sameMake(names: readonly string[], authors: ReadonlySet<string>): string | null {
  const make = names.map(makeOf).find((one) => one !== null && authors.has(one))
  if (make === undefined || make === null) return null
  return `The reviewer's model is of the same make as the author's (${make}): another one sees other things.`
}
