// Predicates about a value in a structured file, or in what a command prints. Pure.

import { safe } from '../env/env'
import type { Predicate } from '../plan/predicate'
import { outputOf } from './commands'
import type { Site } from './context'
import { bytesOf } from './files'
import { at, holds } from './pointer'
import { error, type Finding, fail, pass } from './result'

/** By the end of the file's name; what has no row here, and what a command prints, is JSON. */
const PARSERS: Readonly<Record<string, { name: string; parse(text: string): Promise<unknown> }>> = {
  // Its aliases are bounded by the package (100 uses), so that a small file can't become a huge value.
  yaml: { name: 'YAML', parse: async (text) => (await import('yaml')).parse(text, { prettyErrors: false }) as unknown },
  toml: { name: 'TOML', parse: async (text) => plainDates((await import('smol-toml')).parse(text)) },
  json: { name: 'JSON', parse: async (text) => JSON.parse(text) as unknown },
}

export async function checkValue(site: Site, predicate: Extract<Predicate, { form: 'value' }>): Promise<Finding> {
  const { source } = predicate
  if ('file' in source) {
    const bytes = bytesOf(site.source, source.file)
    if ('result' in bytes) return bytes
    const suffix = /\.(ya?ml|toml)$/i.exec(source.file)?.[1]?.toLowerCase().replace('yml', 'yaml') ?? 'json'
    return judge(safe(source.file), suffix, bytes.toString('utf8'), predicate)
  }
  const printed = await outputOf(site, source.command)
  if ('result' in printed) return printed
  const finding = await judge('What the command printed', 'json', printed.text, predicate)
  return { ...finding, output: printed.output }
}

async function judge(
  from: string,
  suffix: string,
  text: string,
  { pointer, op, literal }: Extract<Predicate, { form: 'value' }>,
): Promise<Finding> {
  const parser = PARSERS[suffix] ?? PARSERS.json
  let document: unknown
  try {
    document = await parser?.parse(text.replace(/^\ufeff/, ''))
  } catch {
    return error(`${from} is not valid ${parser?.name ?? 'JSON'}.`)
  }
  const value = at(document, pointer)
  if (value === undefined) return fail(`There is nothing at ${safe(pointer)} of ${from}.`)
  const said = `${pointer === '' ? 'It' : safe(pointer)} is ${shown(value)}`
  const answer = holds(value, op, literal)
  if (answer === null) return fail(`${said}, which can not be compared by ${op} with ${shown(literal)}.`)
  return answer ? pass(`${said}.`) : fail(`${said}, not ${op === '==' ? '' : `${op} `}${shown(literal)}.`)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return safe(text.length > 100 ? `${text.slice(0, 99)}…` : text)
}

/** TOML has dates; JSON, in which literals are written, has their texts. */
function plainDates(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plainDates)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plainDates(inner)]))
}
