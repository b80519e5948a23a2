// Other programs' memory, in and out: one table. A new format is one file and one line.

import type { Refusal } from '../errors'
import type { FileText, Format } from './formats/common'
import { dstack } from './formats/dstack'
import { gstack } from './formats/gstack'
import { guide } from './formats/guide'
import { json } from './formats/json'
import { markdown } from './formats/markdown'
import { mcp } from './formats/mcp'

export type { FileText, Format, Parsed, Skipped } from './formats/common'

/** In the order in which they are recognised: the more particular form first. */
export const FORMATS = { json, mcp, gstack, dstack, markdown, agents: guide } satisfies Record<string, Format>

export type FormatName = keyof typeof FORMATS

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[]

/** Bytes of one import: more than a team ever said, less than what fills the memory of a small machine. */
export const MAX_IMPORT = 64 * 1024 * 1024

/** The format by its name, or by what the files look like. */
export function formatOf(name: string | undefined, files: readonly FileText[]): FormatName | Refusal {
  if (name !== undefined) return formatNamed(name)
  const found = FORMAT_NAMES.find((one) => FORMATS[one].fits(files))
  if (found !== undefined) return found
  return {
    refused: 'BAD_TEXT',
    message: files.length === 0 ? 'There is nothing to import.' : 'These files have no form that is known here.',
    hint: `Name the format if it is one of them: ${list()}.`,
  }
}

export function formatNamed(name: string): FormatName | Refusal {
  const found = FORMAT_NAMES.find((one) => one === name)
  return (
    found ?? { refused: 'USAGE', message: `There is no format ${JSON.stringify(name)}.`, hint: `One of: ${list()}.` }
  )
}

function list(): string {
  return FORMAT_NAMES.map((name) => `\`${name}\` (${FORMATS[name].title})`).join(', ')
}
