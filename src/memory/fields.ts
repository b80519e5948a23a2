// What the fields of an entry may be, checked where they come in.

import type { Refusal } from '../errors'

/** Per field; the front matter as a whole is capped by the store. */
const MAX_COUNT = 64
const MAX_LENGTH = 256

const LINK = /^(sha1:[0-9a-f]{7,40}|sha256:[0-9a-f]{7,64}|(plan|memory|url):[^\s\p{Cc}]{1,240})$/u

export interface FieldValues {
  confidence?: number | undefined
  paths?: readonly string[] | undefined
  tags?: readonly string[] | undefined
  links?: readonly string[] | undefined
  expires?: string | null | undefined
  decay?: number | null | undefined
}

/** The first field that cannot be written as it is, or null. */
export function fieldProblem(fields: FieldValues): Refusal | null {
  const { confidence, decay, expires } = fields
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1)) {
    return usage(`Confidence goes from 0 to 1; ${confidence} is outside.`, 'For example `--confidence 0.8`.')
  }
  if (typeof decay === 'number' && !(decay > 0 && decay <= 36_500)) {
    return usage(`A half-life is a number of days above 0; ${decay} is none.`, 'For example `--decay 90`.')
  }
  if (typeof expires === 'string' && (!/^\d{4}-\d\d-\d\d/.test(expires) || Number.isNaN(Date.parse(expires)))) {
    return usage(`${JSON.stringify(expires)} is no date.`, 'For example `--expires 2027-06-30` or `--expires 90d`.')
  }
  return (
    list('path', fields.paths, globProblem) ??
    list('tag', fields.tags, tagProblem) ??
    list('link', fields.links, linkProblem)
  )
}

function list(
  name: string,
  values: readonly string[] | undefined,
  problem: (value: string) => string | null,
): Refusal | null {
  if (values === undefined) return null
  if (values.length > MAX_COUNT) return usage(`${values.length} ${name}s are too many.`, `At most ${MAX_COUNT}.`)
  for (const value of values) {
    const why = value.length > MAX_LENGTH ? `it is longer than ${MAX_LENGTH} characters` : problem(value)
    if (why !== null) return usage(`The ${name} ${JSON.stringify(value.slice(0, 80))} cannot be used: ${why}.`)
  }
  return null
}

/** Globs are relative to the top of the repository, with forward slashes. */
function globProblem(glob: string): string | null {
  if (glob === '') return 'it is empty'
  if (/[\p{Cc}\\]/u.test(glob)) return 'it has a backslash or control character; use forward slashes'
  if (glob.startsWith('/') || /^[a-z]:/i.test(glob)) return 'it does not begin at the top of the repository'
  if (glob.split('/').includes('..')) return 'it leaves the repository'
  return null
}

function tagProblem(tag: string): string | null {
  return /^[\p{L}\p{N}][\p{L}\p{N}._:/-]{0,63}$/u.test(tag) ? null : 'tags are single words'
}

function linkProblem(link: string): string | null {
  return LINK.test(link) ? null : 'links look like sha1:<commit>, plan:<slug>, memory:<key> or url:<address>'
}

function usage(message: string, hint?: string): Refusal {
  return { refused: 'USAGE', message, ...(hint === undefined ? {} : { hint }) }
}

/** `90d`, `6w`, `3m`, `1y` from today, an ISO date, or `never` (null), as `Fields.expires` wants it. */
export function expiryOf(text: string, now: Date): string | null | Refusal {
  if (text === 'never') return null
  const [, count, unit] = /^(\d{1,4})([dwmy])$/.exec(text) ?? []
  if (count === undefined) {
    return fieldProblem({ expires: text }) ?? text
  }
  const date = new Date(now)
  const n = Number(count)
  if (unit === 'd') date.setUTCDate(date.getUTCDate() + n)
  else if (unit === 'w') date.setUTCDate(date.getUTCDate() + 7 * n)
  else if (unit === 'm') date.setUTCMonth(date.getUTCMonth() + n)
  else date.setUTCFullYear(date.getUTCFullYear() + n)
  return date.toISOString().slice(0, 10)
}
