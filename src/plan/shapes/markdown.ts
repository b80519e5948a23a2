// Any Markdown with checkboxes, or else numbered lists, under headings; and the reader of tasks that other shapes share.

import { actionOf, fieldsOf, namesIn, sortAcceptance, titleOf } from './fields'
import { plainText, withoutCodeSpan } from './lines'
import type { Draft } from './numbering'
import { withoutRepo } from './repos'
import { requirementsIn } from './requirements'
import { type Item, itemsOf, type PlanText } from './text'
import type { ReadFeature, ReadPhase } from './types'

/** What a reader of one shape gives; ids and checks are the same for all shapes. */
export interface Found {
  title: string
  features: ReadFeature[]
  drafts: Draft[]
  bands?: string[]
  requirements?: { id: string; text: string }[]
}

/** Items under such headings say when something is done; they are no tasks. */
const CRITERIA =
  /^(?:\S+\s)?(?:acceptance(?: criteria)?|success criteria|definition of done|done when|exit criteria)\b/i

export function readMarkdown(plan: PlanText): Found {
  const marker = plan.boxes.length > 0 ? 'box' : 'number'
  const title = titleSection(plan)
  const features = new Map<number, ReadFeature>()
  const drafts: Draft[] = []
  const early: string[] = []
  for (const [index, section] of plan.sections.entries()) {
    const items = itemsOf(plan, section.start, section.end, [marker])
    if (items.length === 0) continue
    const top = outermost(plan, index, title)
    if (CRITERIA.test(section.heading)) {
      // Under a heading of their own they are the last feature's, or the first's to come.
      const of = features.get(top) ?? [...features.values()].at(-1)
      const lines = items.map(({ label }) => withoutCodeSpan(plainText(label)))
      if (of === undefined) early.push(...lines)
      else of.acceptance.push(...lines)
      continue
    }
    const feature = features.get(top) ?? featureOf(plan, top, features.size + 1)
    features.set(top, feature)
    const phase = phaseOf(feature, section.heading || feature.title)
    feature.phases.push(phase)
    drafts.push(
      ...nested(
        items,
        items.map((item) => draftOf(item, phase.id, section.heading)),
      ),
    )
  }
  const [first] = features.values()
  first?.acceptance.unshift(...early)
  return { title: plan.sections[title]?.heading ?? '', features: [...features.values()], drafts }
}

function featureOf(plan: PlanText, section: number, n: number): ReadFeature {
  const heading = plan.sections[section]?.heading
  const title = heading === undefined ? 'Full plan' : titleOf(withoutRepo(heading)).title
  return { n, title, ...(heading === undefined ? {} : { origin: heading }), acceptance: [], phases: [] }
}

function phaseOf(feature: ReadFeature, heading: string): ReadPhase {
  const id = `${feature.n}.${feature.phases.length + 1}`
  return plainPhase(id, titleOf(withoutRepo(heading)).title, feature.n)
}

/** A phase about which only its name is known. */
export function plainPhase(id: string, title: string, feature: number): ReadPhase {
  return { id, title, feature, touches: [], depends_on: [], boxes: {}, legacy: false, state: 'pending' }
}

/** Index of the section whose heading is the plan's title: the only one of level 1, else the first; -1 without any. */
export function titleSection(plan: PlanText): number {
  const first = plan.sections.findIndex(({ level }) => level > 0)
  const top = plan.sections.findIndex(({ level }) => level === 1)
  return top >= 0 ? top : first
}

/** The section's own, or the outermost around it, that is not the title; -1 when the title's is all there is. */
function outermost(plan: PlanText, index: number, title: number): number {
  let at = index
  for (;;) {
    const parent = plan.sections[at]?.parent ?? -1
    if (parent === title || parent < 0) break
    at = parent
  }
  return at === title || plan.sections[at]?.level === 0 ? -1 : at
}

/** A task from a list item and the labelled lines below it. */
export function draftOf(item: Item, leaf: string, heading: string, own = false): Draft {
  const { title, shortened } = titleOf(withoutRepo(item.label))
  const { of, rest } = fieldsOf(item.body)
  const { predicates, prose } = sortAcceptance(of('acceptance'))
  const acceptance = own ? of('acceptance').map(withoutCodeSpan) : predicates
  const aside = own || prose.length === 0 ? [] : ['Acceptance:', ...prose.map((line) => `- ${line}`)]
  const [why] = of('why')
  const [prefix] = of('commit_prefix')
  return {
    title,
    leaf,
    files: namesIn(of('files')),
    read_first: namesIn(of('read_first')),
    depends_on: namesIn(of('depends_on')),
    acceptance,
    covers: [...new Set([...namesIn(of('covers')), ...requirementsIn(item.label)])],
    ...(why === undefined ? {} : { why: of('why').join(' ') }),
    action: actionOf(item.label, shortened, [...rest, ...aside]),
    ...(prefix === undefined ? {} : { commit_prefix: withoutCodeSpan(prefix) }),
    status: item.checked ? 'done' : 'pending',
    parts: [],
    ...(item.box === undefined ? {} : { box: item.box }),
    ...(heading === '' ? {} : { origin: heading }),
  }
}

/** Drafts of items, in which an item waits for those nested in it: it is done when they are. */
export function nested(items: readonly Item[], drafts: Draft[]): Draft[] {
  for (const [i, { parent }] of items.entries()) {
    const draft = drafts[i]
    if (draft !== undefined) drafts[parent]?.parts?.push(draft)
  }
  return drafts
}
