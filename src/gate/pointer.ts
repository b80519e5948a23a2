// JSON pointers (RFC 6901), and comparing what they lead to. Pure.

import type { ValueOp } from '../plan/predicate'

/** What a pointer leads to; undefined where nothing is. */
export function at(document: unknown, pointer: string): unknown {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(name)) return undefined
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  }
  return value
}

/** Typed: `1` is not `"1"`. Order is between two numbers or two texts only; null where there is none. */
export function holds(value: unknown, op: ValueOp, literal: unknown): boolean | null {
  if (op === '==') return same(value, literal)
  if (op === '!=') return !same(value, literal)
  if (op === 'in') return Array.isArray(literal) ? literal.some((one) => same(value, one)) : null
  const numbers = typeof value === 'number' && typeof literal === 'number'
  const texts = typeof value === 'string' && typeof literal === 'string'
  if (!numbers && !texts) return null
  const order = value === literal ? 0 : value < literal ? -1 : 1
  if (op === '<') return order < 0
  if (op === '<=') return order <= 0
  return op === '>' ? order > 0 : order >= 0
}

/** Whether two JSON values are equal, whatever the order of their names. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b) || Object.keys(a).length !== Object.keys(b).length) return false
  return Object.entries(a).every(([name, value]) => {
    return Object.hasOwn(b, name) && same(value, (b as Record<string, unknown>)[name])
  })
}
