// Boxes of a plan, three ways: as the text was stored, as it stands in somebody's file, and as the tasks say.

import { type PlacedBox, placedBoxes, plainBox, setPlaced } from './boxes'
import type { Box, Edited, Merged } from './types'

/**
 * Brings the boxes of a file up to date. `base` is the text as it was last read from, or written to, that file;
 * `wanted` names by the base's ordinals what the tasks say now.
 *
 * A box that changed in the file only is kept and reported as `taken`; one that changed in the tasks only is written;
 * one that changed in both says the same in both, for it has two states. Where the rest of the text differs too, boxes
 * are found again by their label and the headings above them. One that can't be is left alone and reported: as a
 * conflict, when the tasks changed it.
 */
export function mergeBoxes(base: string, file: string, wanted: ReadonlyMap<number, boolean>): Merged | Edited {
  const before = placedBoxes(base)
  const now = placedBoxes(file)
  const edited = blank(base, before) !== blank(file, now)
  const partners = edited ? match(before, now) : new Map(before.map((box, i) => [box, now[i]] as const))
  const write = new Map<number, boolean>()
  const taken: Merged['taken'] = []
  const conflicts: Box[] = []
  const unmatched: Box[] = []
  for (const box of before) {
    const want = wanted.get(box.n) ?? box.checked
    const partner = partners.get(box)
    if (partner === undefined) {
      unmatched.push(plainBox(box))
      if (want !== box.checked) conflicts.push(plainBox(box))
    } else if (partner.checked === box.checked) write.set(partner.n, want)
    else if (want === box.checked) taken.push({ n: box.n, checked: partner.checked })
  }
  const merged: Merged = { text: setPlaced(file, now, write), conflicts, taken }
  const matched = new Set(partners.values())
  const added = now.filter((box) => !matched.has(box)).map(plainBox)
  return unmatched.length + added.length === 0 ? merged : { problem: 'edited', ...merged, unmatched, added }
}

/** The text with every box in one state, to compare what else it says. */
function blank(text: string, boxes: readonly PlacedBox[]): string {
  let blanked = ''
  let from = 0
  for (const { at } of boxes) {
    blanked += `${text.slice(from, at)} `
    from = at + 1
  }
  return blanked + text.slice(from)
}

/**
 * Boxes of two texts that are surely the same: those whose label stands once under the same headings, and those of a
 * section in which all labels are the same, in the same order. Sections of one name are not told apart.
 */
function match(before: readonly PlacedBox[], now: readonly PlacedBox[]): Map<PlacedBox, PlacedBox> {
  const found = new Map<PlacedBox, PlacedBox>()
  const there = groupBy(now, ({ path }) => path)
  for (const [path, ours] of groupBy(before, (box) => box.path)) {
    const theirs = there.get(path) ?? []
    const single = isOneSection(ours) && isOneSection(theirs)
    if (single && ours.length === theirs.length && ours.every(({ label }, i) => label === theirs[i]?.label)) {
      for (const [i, box] of ours.entries()) {
        const partner = theirs[i]
        if (partner !== undefined) found.set(box, partner)
      }
      continue
    }
    const labels = groupBy(theirs, ({ label }) => label)
    for (const [label, [box, second]] of groupBy(ours, (box) => box.label)) {
      const [partner, another] = labels.get(label) ?? []
      if (box && partner && !second && !another) found.set(box, partner)
    }
  }
  return found
}

function isOneSection(boxes: readonly PlacedBox[]): boolean {
  return boxes.every(({ section }) => section === boxes[0]?.section)
}

function groupBy<T>(all: readonly T[], nameOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const name = nameOf(one)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [one])
    else group.push(one)
  }
  return groups
}
