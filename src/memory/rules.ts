// The rules that every write of an entry obeys: rank of states, who may claim what, what a text may be.

import type { Refusal } from '../errors'
import { keyProblem } from '../store/keys'
import type { Scope, Source, State } from './schema'
import { STATES } from './states'

/** Who writes. An agent is a program that speaks for itself; everything that a person runs or confirms is a person. */
export interface Actor {
  name: string
  kind: 'person' | 'agent'
  /** The agent's program and model. */
  tool?: string
  model?: string
}

/** Bytes of UTF-8: above `soft` we say that it is long, above `hard` we refuse. Source: the caps on fetch are the same. */
export const TEXT_LIMITS = { soft: 8 * 1024, hard: 64 * 1024 }

/** True when `a` ranks below `b`. */
export function below(a: State, b: State): boolean {
  return STATES.indexOf(a) < STATES.indexOf(b)
}

export function highest(states: readonly State[]): State {
  return states.reduce((top, state) => (below(top, state) ? state : top), 'UNKNOWN')
}

/** The highest state that this writer may claim, and the highest that it may replace: only people know for sure. */
export function ceiling(actor: Actor): State {
  return actor.kind === 'agent' ? 'INFERRED' : 'CONFIRMED'
}

/** Confidence where nobody gave one. */
export const DEFAULT_CONFIDENCE: Readonly<Record<State, number>> = {
  UNKNOWN: 0.1,
  UNCERTAIN: 0.3,
  INFERRED: 0.6,
  CONFIRMED: 0.9,
}

export function sourceOf(actor: Actor, from?: string): Source {
  return {
    kind: actor.kind,
    ...(actor.tool === undefined ? {} : { tool: actor.tool }),
    ...(actor.model === undefined ? {} : { model: actor.model }),
    ...(from === undefined ? {} : { from }),
  }
}

/** Line ends as git stores them, no blank edges. The form in which texts are compared and kept. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .replace(/^\n+|\n+$/g, '')
}

/** Why this cannot be an entry's text (as `cleanText` left it), or null. */
export function textProblem(text: string): Refusal | null {
  if (text.trim() === '') {
    return {
      refused: 'USAGE',
      message: 'There is no text to remember.',
      hint: 'Give it in quotes: `git dstack remember "…"`.',
    }
  }
  const size = bytes(text)
  if (size > TEXT_LIMITS.hard) {
    return {
      refused: 'TOO_LARGE',
      message: `The text has ${size} bytes; an entry may have at most ${TEXT_LIMITS.hard}.`,
      hint: 'Keep the fact, and link the rest: a file, a plan, a commit.',
    }
  }
  if (isBinary(text)) {
    return {
      refused: 'BAD_TEXT',
      message: 'The text holds bytes that are not text.',
      hint: 'Entries are Markdown in UTF-8; put binary data into a file and name its path.',
    }
  }
  return null
}

/** NUL and other control characters, half a surrogate pair, or what a decoder put where bytes were no UTF-8. */
export function isBinary(text: string): boolean {
  return /[\p{Cc}\p{Surrogate}\ufffd]/u.test(text.replace(/[\t\n\r]/g, ''))
}

export function bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

/** First word of the keys of documents in workspace scope. */
const WORKSPACE = 'workspace/'

/** Why this cannot be the key of an entry, or null. */
export function keyRefusal(scope: Scope, key: string): Refusal | null {
  const problem = key.startsWith(WORKSPACE) ? '"workspace" is reserved' : keyProblem(docKey(scope, key))
  if (problem === null) return null
  return {
    refused: 'BAD_KEY',
    message: `The key ${JSON.stringify(excerpt(key, 80))} cannot be used: ${problem}.`,
    hint: 'Keys are lower-case words, for example `gotchas/auth/token-refresh`.',
  }
}

/** The key of the document that holds this entry: the same key in two scopes is two documents. */
export function docKey(scope: Scope, key: string): string {
  return scope === 'workspace' ? WORKSPACE + key : key
}

/** The opposite of `docKey`; personal entries live in a repository of their own and look like `repository` here. */
export function fromDocKey(key: string): { scope: 'repository' | 'workspace'; key: string } {
  return key.startsWith(WORKSPACE)
    ? { scope: 'workspace', key: key.slice(WORKSPACE.length) }
    : { scope: 'repository', key }
}

/** The beginning of a text on one line, for messages. */
export function excerpt(text: string, length = 160): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= length ? line : `${line.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`
}
