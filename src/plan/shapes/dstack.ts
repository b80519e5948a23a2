// The shape of templates/PLAN.md: features, phases `X.Y`, tasks with ids and labelled lines.

import { TASK_ID } from '../schema'
import { fieldsOf, namesIn } from './fields'
import { featureBlocks, type PhaseBlock, tooMany } from './headed'
import { plainText, withoutCodeSpan } from './lines'
import { draftOf, type Found, nested, plainPhase, titleSection } from './markdown'
import type { Draft } from './numbering'
import { itemsOf, type PlanText } from './text'
import type { Problem, ReadFeature, ReadPhase } from './types'

/** `1.1-C01 title`, `**1.1-C01** title`, `1.1-C01: title`. */
const WITH_ID = /^(?:\*\*)?(\d{1,3}\.\d{1,3}-[A-Za-z]\d{2,3})(?:\*\*)?\s?[:.–—-]?\s+(.*)$/

export function readDstack(plan: PlanText, warnings: string[]): Found | Problem {
  const drafts: Draft[] = []
  const blocks = featureBlocks(plan, () => true, warnings)
  const problem = tooMany(blocks)
  if (problem !== null) return { problem }
  const features = blocks.map((block): ReadFeature => {
    const intro = fieldsOf(textOf(plan, block.from, block.to))
    return {
      n: block.n,
      title: block.title,
      ...originOf(intro.of('origin'), block.heading),
      acceptance: intro.of('acceptance').map(withoutCodeSpan),
      phases: block.phases.map((phase) => readPhase(plan, phase, block.n, drafts)),
    }
  })
  const loose = plan.boxes.length - drafts.filter(({ box }) => box !== undefined).length
  if (loose > 0)
    warnings.push(`${loose} ${loose === 1 ? 'box stands' : 'boxes stand'} outside of phases and became no tasks.`)
  const title = plan.sections[titleSection(plan)]?.heading ?? ''
  return { title: title.replace(/^plan\s*:\s*/i, ''), features, drafts }
}

/** What a feature says of its origin; without a word, its heading. */
export function originOf(entries: readonly string[], heading: string): { origin?: string } {
  const origin = entries.length > 0 ? entries.map(plainText).join(', ') : heading
  return origin === '' ? {} : { origin }
}

function readPhase(plan: PlanText, block: PhaseBlock, feature: number, drafts: Draft[]): ReadPhase {
  const phase = phaseFields(plan, block, feature)
  const items = itemsOf(plan, block.from, block.to, ['box'])
  const found = items.map((item): Draft => {
    const [, id, label] = WITH_ID.exec(item.label) ?? []
    if (id === undefined || label === undefined) return draftOf(item, phase.id, block.heading, true)
    const draft = draftOf({ ...item, label }, phase.id, block.heading, true)
    return TASK_ID.test(id.toUpperCase()) ? { ...draft, id: id.toUpperCase() } : { ...draft, source_id: id }
  })
  drafts.push(...nested(items, found))
  return phase
}

/** A phase with what the labelled lines before its first box say. */
export function phaseFields(plan: PlanText, block: PhaseBlock, feature: number): ReadPhase {
  const intro = fieldsOf(textOf(plan, block.from, block.to))
  const [command] = intro.of('test_cmd')
  return {
    ...plainPhase(block.id, block.title, feature),
    touches: namesIn(intro.of('files')),
    depends_on: namesIn(intro.of('depends_on')).map((name) => name.replace(/^phase\s+/i, '')),
    ...(command === undefined ? {} : { test_cmd: withoutCodeSpan(command) }),
  }
}

/** Lines that count, up to the first box. */
export function textOf(plan: PlanText, from: number, to: number): string[] {
  const lines: string[] = []
  for (let at = from; at < to && !plan.boxAt.has(at); at++) {
    const line = plan.lines[at]
    if (line?.kind === 'text') lines.push(line.text)
  }
  return lines
}
