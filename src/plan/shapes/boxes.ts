// Checkboxes of a Markdown text: where they are, and setting them without touching another byte.

import { type Line, readLines, type Section, sectionsOf } from './lines'
import type { Box } from './types'

/** `- [ ] label`, `1. [x] label`, also in a quotation. */
const BOX = /^[\s>]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[([ xX])\](?=\s|$)/

/** A box with what it takes to find and set it. */
export interface PlacedBox extends Box {
  /** Offset of the one character between its brackets. */
  at: number
  /** Headings from the outermost to its own, one per line. */
  path: string
  /** Index of its section. */
  section: number
}

/** Boxes of a text in their order; those in fenced blocks, comments and front matter are none. */
export function placedBoxes(text: string): PlacedBox[] {
  const lines = readLines(text)
  return boxesIn(lines, sectionsOf(lines))
}

/** As `placedBoxes`, with the text taken apart. */
export function boxesIn(lines: readonly Line[], sections: readonly Section[]): PlacedBox[] {
  const boxes: PlacedBox[] = []
  const paths: string[] = []
  for (const [index, section] of sections.entries()) {
    const above = section.parent < 0 ? '' : `${paths[section.parent]}\n`
    const path = `${above}${section.heading}`
    paths.push(path)
    for (let at = section.start; at < section.end; at++) {
      const line = lines[at]
      const found = line === undefined ? null : boxIn(line)
      if (line !== undefined && found !== null) {
        boxes.push({ n: boxes.length, line: at + 1, ...found, at: line.at + found.at, path, section: index })
      }
    }
  }
  return boxes
}

/** The box of a line; `at` counts within the line. */
export function boxIn(line: Line): { checked: boolean; label: string; at: number } | null {
  if (line.kind !== 'text') return null
  const [head, state] = BOX.exec(line.text) ?? []
  if (head === undefined) return null
  return { checked: state !== ' ', label: line.text.slice(head.length).trim(), at: head.indexOf('[') + 1 }
}

export function boxesOf(text: string): Box[] {
  return placedBoxes(text).map(plainBox)
}

/** Without what only this folder needs. */
export function plainBox({ n, line, checked, label }: PlacedBox): Box {
  return { n, line, checked, label }
}

/**
 * The text with boxes ticked or cleared, by their ordinals. Only the character between the brackets changes, and only
 * where the state does: `[X]` stays when it stays ticked.
 */
export function setBoxes(text: string, wanted: ReadonlyMap<number, boolean>): string {
  return setPlaced(text, placedBoxes(text), wanted)
}

/** As `setBoxes`, with the boxes at hand. */
export function setPlaced(text: string, boxes: readonly PlacedBox[], wanted: ReadonlyMap<number, boolean>): string {
  let set = ''
  let from = 0
  for (const { n, at, checked } of boxes) {
    const want = wanted.get(n)
    if (want === undefined || want === checked) continue
    set += `${text.slice(from, at)}${want ? 'x' : ' '}`
    from = at + 1
  }
  return set + text.slice(from)
}
