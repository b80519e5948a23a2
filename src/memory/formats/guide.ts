// CLAUDE.md and AGENTS.md: their bullets and paragraphs become entries; an export owns one marked block and nothing else.

import { slug } from '../../store/keys'
import { docKey, fromDocKey } from '../rules'
import type { Portable } from '../schema'
import { titleOf } from '../topic'
import { distinctKeys, entryFrom, type FileText, type Format, inOrder, type Parsed } from './common'

const BEGIN = '<!-- git-dstack:begin -->'
const END = '<!-- git-dstack:end -->'
const NOTE = '<!-- Written by `git dstack memory export`. Change an entry with `git dstack memory correct <key>`. -->'
/** Our block with its line end. Markers stand alone on their lines; without an end, only the beginning is ours. */
const LINE_START = '(?<![^\\n])'
const BLOCK = new RegExp(`${LINE_START}${BEGIN}\\r?\\n(?:[\\s\\S]*?${LINE_START}${END}(?:\\r?\\n|(?![\\s\\S])))?`)

export const guide: Format = {
  title: 'CLAUDE.md or AGENTS.md',
  exact: false,
  shape: 'file',

  fits: (files) =>
    files.length === 1 && files.every(({ path, text }) => /\.(md|markdown)$/i.test(path) && !/^---\r?\n/.test(text)),

  parse(files) {
    const parsed: Parsed = { entries: [], skipped: [] }
    for (const file of files) {
      const text = file.text.replace(/^\ufeff/, '')
      for (const own of ownEntries(BLOCK.exec(text)?.[0] ?? '')) add(parsed, file, own.place, own.fields)
      const distinct = distinctKeys()
      const texts = new Set<string>()
      for (const item of items(text.replace(BLOCK, '\n'))) {
        const place = `${item.heading}\n${item.text}`
        if (texts.has(place)) parsed.skipped.push({ where: `${file.path}: ${item.heading}`, why: 'it is there twice' })
        if (texts.has(place)) continue
        texts.add(place)
        const wanted = `guide/${item.heading === '' ? 'general' : slug(item.heading, 4)}/${slug(titleOf(item.text))}`
        const source = { kind: 'import', from: file.path }
        add(parsed, file, item.heading, { key: distinct(wanted, place), text: item.text, source })
      }
    }
    return parsed
  },

  /** What is personal stays out of a file that a team shares. */
  render(entries, former = '') {
    const ending = former.includes('\r\n') ? '\r\n' : '\n'
    const block = blockOf(entries.filter(({ scope }) => scope !== 'personal'))
      .map((line) => line + ending)
      .join('')
    const gap = former === '' ? '' : former.endsWith('\n') ? ending : ending + ending
    const text = BLOCK.test(former) ? former.replace(BLOCK, () => block) : former + gap + block
    return [{ path: 'AGENTS.md', text }]
  },
}

function add(parsed: Parsed, file: FileText, place: string, fields: Record<string, unknown>): void {
  const read = entryFrom(fields)
  if ('why' in read) parsed.skipped.push({ where: place === '' ? file.path : `${file.path}: ${place}`, why: read.why })
  else parsed.entries.push(read.entry)
}

// --- our block --------------------------------------------------------------------------------------------------

function blockOf(entries: readonly Portable[]): string[] {
  const lines = [BEGIN, NOTE, '## Team memory']
  let group = ''
  for (const entry of inOrder(entries)) {
    const [first = ''] = entry.key.split('/')
    if (first !== group) lines.push('', `### ${first}`, '')
    group = first
    const marks = [entry.state, ...(entry.proposed ? ['proposed'] : [])].join(', ')
    const [start = '', ...rest] = entry.text.split('\n')
    lines.push(
      `- \`${docKey(entry.scope, entry.key)}\` (${marks}): ${start}`,
      ...rest.map((line) => (line === '' ? '' : `  ${line}`)),
    )
  }
  return [...lines, END]
}

function ownEntries(block: string): { place: string; fields: Record<string, unknown> }[] {
  const found: { place: string; fields: Record<string, unknown>; lines: string[] }[] = []
  for (const line of block.split(/\r?\n/)) {
    const [, place, state, proposed, start] = /^- `([^`]+)` \(([A-Z]+)(, proposed)?\): (.*)$/s.exec(line) ?? []
    if (place !== undefined && start !== undefined) {
      const fields = {
        ...fromDocKey(place),
        state,
        proposed: proposed !== undefined,
        source: { kind: 'import', from: 'git-dstack' },
      }
      found.push({ place, fields, lines: [start] })
    } else if (!/^(#|<!--)/.test(line)) {
      found.at(-1)?.lines.push(line.replace(/^ {2}/, ''))
    }
  }
  return found.map(({ place, fields, lines }) => ({ place, fields: { ...fields, text: lines.join('\n') } }))
}

// --- everybody else's text ----------------------------------------------------------------------------------------

interface Item {
  /** The nearest heading above it. */
  heading: string
  text: string
}

/**
 * Each top-level bullet and each paragraph is an item; what is indented or fenced belongs to the item above it, and so
 * does the block below a paragraph that ends with a colon.
 */
function items(text: string): Item[] {
  const found: (Item & { mark: string })[] = []
  let heading = ''
  let fence = ''
  let inside = false
  let blank = false
  for (const line of text.replace(/<!--[\s\S]*?-->/g, '').split(/\r?\n/)) {
    const last = inside ? found.at(-1) : undefined
    const [, ticks] = /^\s*(`{3,}|~{3,})/.exec(line) ?? []
    const [, title] = /^#{1,6}\s+(.*?)\s*#*$/s.exec(line) ?? []
    const [, mark, bullet] = /^(?:\d{1,3})?([-*+.)])\s+(.*)$/s.exec(line) ?? []
    const introduced = last?.mark === '' && last.text.endsWith(':')
    // A list goes on as long as its mark stays the same.
    const listed = last !== undefined && mark !== undefined && last.mark === `:${mark}`
    if (fence === '' && title !== undefined) {
      heading = title
      inside = false
    } else if (fence === '' && (line.trim() === '' || /^([-*_] *){3,}$/.test(line))) {
      blank = true
      continue
    } else if (
      last !== undefined &&
      (fence !== '' || ticks !== undefined || introduced || listed || continues(line, blank, bullet))
    ) {
      if (introduced && mark !== undefined) last.mark = `:${mark}`
      last.text += `\n${blank ? '\n' : ''}${/^[-*+.)]$/.test(last.mark) ? line.replace(/^ {1,3}/, '') : line}`
    } else {
      found.push({ heading, text: bullet ?? line, mark: mark ?? '' })
      inside = true
    }
    if (ticks !== undefined) fence = fence === '' ? ticks : ticks.startsWith(fence) ? '' : fence
    blank = false
  }
  return found
}

function continues(line: string, blank: boolean, bullet: string | undefined): boolean {
  return /^\s/.test(line) || (!blank && bullet === undefined)
}
