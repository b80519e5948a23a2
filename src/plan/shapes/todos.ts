// TODOS.md: what is unchecked is the backlog, in priority bands from P0 on.

import { fieldsOf } from './fields'
import { bodyOf, plainText } from './lines'
import { draftOf, type Found, plainPhase, titleSection } from './markdown'
import type { Draft } from './numbering'
import { type Item, itemsOf, type PlanText } from './text'
import type { ReadFeature } from './types'

/** For what has no band. */
export const NO_BAND = 'none'

/** `P1` at the head of a heading or a label: `## P1`, `### P2/P3: Follow-ups`, `- [ ] P0: fix it`, `[P1] …`. */
const BAND = /^(?:\[|\(|\*\*)?(?:priority\s*:?\s*)?(P[0-9])(?:\/P[0-9])*(?:\]|\)|\*\*)?(?=[\s:.–—-]|$)/i
/** `**Priority:** P1`, anywhere in an item. */
const PRIORITY = /\bpriority\b\*{0,2}\s?:\*{0,2}\s{0,3}\*{0,2}(P[0-9])\b/i
const PRIORITY_NOTE = /\*{0,2}\bpriority\b\*{0,2}\s?:\*{0,2}\s{0,3}\*{0,2}P[0-9]\b\*{0,2}\.?/i
const DONE = /^(?:completed|done|shipped|archive|finished)\b/i

interface Todo {
  band: string
  draft: Draft
}

/** Whether a heading is that of a band. */
export function isBand(heading: string): boolean {
  return BAND.test(heading)
}

/**
 * Each band is a feature, each heading in it a phase. Entries are unchecked boxes; in a section without boxes, its
 * bullets that name a priority; else, where the section itself names one, the section.
 */
export function readTodos(plan: PlanText, wanted: readonly string[] | undefined): Found {
  const groups = new Map<string, Map<string, Todo[]>>()
  const bandOf: (string | null)[] = []
  const closed: boolean[] = []
  for (const section of plan.sections) {
    const above = section.parent < 0 ? null : (bandOf[section.parent] ?? null)
    bandOf.push(BAND.exec(section.heading)?.[1]?.toUpperCase() ?? above)
    closed.push(DONE.test(section.heading) || (section.parent >= 0 && (closed[section.parent] ?? false)))
  }
  for (const [index, section] of plan.sections.entries()) {
    if (closed[index]) continue
    const boxes = itemsOf(plan, section.start, section.end, ['box'])
    const bullets = boxes.length > 0 ? [] : itemsOf(plan, section.start, section.end, ['bullet'])
    const entries =
      boxes.length > 0 ? boxes.filter(({ checked }) => !checked) : bullets.filter((item) => priorityOf(item) !== null)
    const heading = section.heading
    const todos = entries.map((item): Todo => {
      const label = item.label
        .replace(BAND, '')
        .replace(PRIORITY_NOTE, '')
        .replace(/^\s*[:.–—-]\s*/, '')
        .trim()
      const draft = draftOf({ ...item, label: label === '' ? item.label : label }, '', heading)
      return { band: priorityOf(item) ?? bandOf[index] ?? NO_BAND, draft }
    })
    if (boxes.length === 0 && entries.length === 0) todos.push(...wholeSection(plan, index))
    for (const todo of todos) add(groups, todo, heading)
  }
  const bands = [...groups.keys()].sort((a, b) => (a === NO_BAND ? 1 : b === NO_BAND ? -1 : a < b ? -1 : 1))
  const chosen = wanted?.map((band) => (/^p\d$/i.test(band) ? band.toUpperCase() : band.toLowerCase()))
  const drafts: Draft[] = []
  const features: ReadFeature[] = []
  for (const band of bands) {
    if (chosen !== undefined && !chosen.includes(band)) continue
    const n = features.length + 1
    const title = band === NO_BAND ? 'No priority' : band
    const feature: ReadFeature = { n, title, acceptance: [], phases: [] }
    for (const [heading, todos] of groups.get(band) ?? []) {
      const phase = plainPhase(`${n}.${feature.phases.length + 1}`, plainText(heading) || title, n)
      feature.phases.push(phase)
      drafts.push(...todos.map(({ draft }) => ({ ...draft, leaf: phase.id })))
    }
    features.push(feature)
  }
  return { title: plan.sections[titleSection(plan)]?.heading ?? '', features, drafts, bands }
}

function add(groups: Map<string, Map<string, Todo[]>>, todo: Todo, heading: string): void {
  const group = groups.get(todo.band) ?? new Map<string, Todo[]>()
  groups.set(todo.band, group)
  const todos = group.get(heading) ?? []
  group.set(heading, todos)
  todos.push(todo)
}

function priorityOf({ label, body }: Item): string | null {
  const [, band] = BAND.exec(label) ?? PRIORITY.exec(label) ?? PRIORITY.exec(body.join(' ')) ?? []
  return band?.toUpperCase() ?? null
}

/** A heading with `**What:** … **Priority:** P1` below it. */
function wholeSection(plan: PlanText, index: number): Todo[] {
  const section = plan.sections[index]
  if (section === undefined || section.level === 0) return []
  const lines = bodyOf(plan.lines, section).flatMap(({ kind, text }) => (kind === 'comment' ? [] : [text]))
  const [, band] =
    PRIORITY.exec(
      fieldsOf(lines)
        .of('priority')
        .map((value) => `priority: ${value}`)
        .join(' '),
    ) ?? []
  if (band === undefined) return []
  const above = plan.sections[section.parent]?.heading ?? ''
  const item = {
    marker: 'bullet',
    index: section.start,
    indent: 0,
    label: section.heading,
    checked: false,
    body: lines,
    parent: -1,
  } as const
  const draft = draftOf({ ...item }, '', section.heading)
  return [
    {
      band: band.toUpperCase(),
      draft: { ...draft, origin: above === '' ? section.heading : `${above} / ${section.heading}` },
    },
  ]
}
