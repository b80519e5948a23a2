// A plan's text taken apart once: lines, sections, boxes, and list items with what stands under them.

import { boxesIn, boxIn, plainBox } from './boxes'
import { type Line, readLines, type Section, sectionsOf } from './lines'
import type { Box } from './types'

export interface PlanText {
  text: string
  /** Name of the file, for what the text does not say. */
  name: string
  lines: readonly Line[]
  sections: readonly Section[]
  boxes: readonly Box[]
  /** Ordinal of the box in a line, by the line's index. */
  boxAt: ReadonlyMap<number, number>
}

/** One entry of a list. */
export interface Item {
  marker: 'box' | 'number' | 'bullet'
  /** Of its line. */
  index: number
  indent: number
  label: string
  checked: boolean
  /** Ordinal, for a box. */
  box?: number
  /** What stands below it, more indented, without other items of the wanted kinds; dedented, no blank lines around. */
  body: string[]
  /** Index of the item that it is nested in, -1 for none. */
  parent: number
}

export function planText(text: string, name: string): PlanText {
  const lines = readLines(text)
  const sections = sectionsOf(lines)
  const boxes = boxesIn(lines, sections).map(plainBox)
  return { text, name, lines, sections, boxes, boxAt: new Map(boxes.map((box) => [box.line - 1, box.n])) }
}

/** Items of the wanted markers in the lines from one index up to another. */
export function itemsOf(plan: PlanText, from: number, to: number, wanted: readonly Item['marker'][]): Item[] {
  const items: Item[] = []
  const open: { item: Item; at: number }[] = []
  for (let index = from; index < to; index++) {
    const line = plan.lines[index]
    if (line === undefined || line.kind === 'comment' || line.kind === 'front') continue
    const top = open.at(-1)?.item
    const inBlock = line.kind === 'code' && plan.lines[index - 1]?.kind === 'code'
    if (line.text.trim() === '' || inBlock) {
      top?.body.push(line.text)
      continue
    }
    const marked = markerOf(line)
    // The rest of a paragraph may stand further left than its first line.
    const lazy = marked === null && line.kind === 'text' && (top?.body.at(-1) ?? '-').trim() !== ''
    const indent = indentOf(line.text)
    if (!lazy) while ((open.at(-1)?.item.indent ?? -1) >= indent) open.pop()
    if (marked === null || !wanted.includes(marked.marker)) {
      open.at(-1)?.item.body.push(line.text)
      continue
    }
    const box = plan.boxAt.get(index)
    const parent = open.at(-1)?.at ?? -1
    const item: Item = { ...marked, index, indent, ...(box === undefined ? {} : { box }), body: [], parent }
    open.push({ item, at: items.length })
    items.push(item)
  }
  for (const item of items) item.body = dedent(item.body)
  return items
}

function markerOf(line: Line): Pick<Item, 'marker' | 'label' | 'checked'> | null {
  const box = boxIn(line)
  if (box !== null) return { marker: 'box', label: box.label, checked: box.checked }
  const [head, sign = ''] = line.kind === 'text' ? (/^\s*([-*+]|\d{1,9}[.)])[ \t]+/.exec(line.text) ?? []) : []
  if (head === undefined) return null
  return { marker: /\d/.test(sign) ? 'number' : 'bullet', label: line.text.slice(head.length).trim(), checked: false }
}

/** In columns; a tab goes to the next multiple of four. */
export function indentOf(text: string): number {
  let columns = 0
  for (const sign of text) {
    if (sign === '\t') columns += 4 - (columns % 4)
    else if (sign === ' ' || sign === '>') columns++
    else break
  }
  return columns
}

/** Without blank lines around, and without the indentation that all lines share. */
export function dedent(lines: readonly string[]): string[] {
  let from = 0
  let to = lines.length
  while (from < to && lines[from]?.trim() === '') from++
  while (to > from && lines[to - 1]?.trim() === '') to--
  const inner = lines.slice(from, to)
  const least = inner.reduce(
    (least, line) => (line.trim() === '' ? least : Math.min(least, /^\s*/.exec(line)?.[0].length ?? 0)),
    999,
  )
  return inner.map((line) => line.slice(Math.min(least, line.length)).trimEnd())
}
