// A reviewer's words as findings: the JSON in them, or why there is none. Pure.

import { Answer } from './schema'

/** Fields in which clients put the model's last message when they are asked for JSON. */
const WRAPPERS = ['result', 'response', 'message', 'output']

/**
 * Reads the whole text as JSON, or a client's JSON around the model's message, or the last fenced block that says it is
 * JSON (or nothing). An answer that breaks off, or that has no list of findings, is a problem and never "no findings".
 */
export function readAnswer(text: string): Answer | { problem: string } {
  const found = jsonIn(text.trim(), 2)
  if (found === null) {
    const empty = text.trim() === ''
    return { problem: empty ? 'it answered nothing' : 'its answer holds no whole JSON' }
  }
  const read = Answer.safeParse(Array.isArray(found.value) ? { findings: found.value } : found.value)
  if (read.success) return read.data
  const [first] = read.error.issues
  return { problem: `its answer has another form (${first?.path.join('.') || 'the whole'}: ${first?.message})` }
}

function jsonIn(text: string, depth: number): { value: unknown } | null {
  const whole = parse(text)
  if (whole !== null) {
    const inner = wrapped(whole.value)
    return inner !== null && depth > 0 ? jsonIn(inner.trim(), depth - 1) : whole
  }
  // The fences of a block stand at the beginning of a line, and end with as many signs as they began with.
  const blocks = [...text.matchAll(/^(`{3,}|~{3,})[ \t]*(\w*)[^\n]*\n([\s\S]*?)^\1[ \t]*$/gm)]
  const last = blocks.findLast(([, , language]) => language === '' || /^jsonc?$/i.test(language ?? ''))
  return last === undefined ? null : parse((last[3] ?? '').trim())
}

/** null in place of an absent field is what many models write. */
function parse(text: string): { value: unknown } | null {
  if (!/^[[{]/.test(text)) return null
  try {
    return { value: JSON.parse(text, (_, value: unknown) => (value === null ? undefined : value)) as unknown }
  } catch {
    return null // said by the caller
  }
}

function wrapped(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || 'findings' in value) return null
  const fields = value as Record<string, unknown>
  const inner = WRAPPERS.map((name) => fields[name]).find((field) => typeof field === 'string')
  return typeof inner === 'string' ? inner : null
}
