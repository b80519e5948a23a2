// Plan files in the shapes that people bring: which shape, what it says, its boxes, and its parts by repository.

import { type Shape, TASK_ID } from '../schema'
import { readDstack } from './dstack'
import { hasTaskElements, isRoadmapBox, readGsd } from './gsd'
import { isRoleBox, readGstack } from './gstack'
import { type Found, readMarkdown } from './markdown'
import { numberTasks } from './numbering'
import { reposOf, withoutRepo } from './repos'
import { requirementsOf } from './requirements'
import { isSpeckitBox, readSpeckit } from './speckit'
import { readTaskXml } from './taskxml'
import { type PlanText, planText } from './text'
import { isBand, readTodos } from './todos'
import type { Problem, ReadOptions, ReadPlan } from './types'

export { boxesOf, setBoxes } from './boxes'
export { mergeBoxes } from './merge'
export { splitByRepo } from './repos'
export type * from './types'

/** Caps; what is over is refused. Source: the largest document that the store takes, and its count of tasks. */
export const MAX_TEXT = 256 * 1024
export const MAX_TASKS = 2000
const MAX_REPOS = 20
const MAX_WARNINGS = 50

/** Control characters but tab, LF, and CR before an LF. */
const CONTROL = /(?![\t\n])\p{Cc}(?<!\r(?=\n))/u

const READERS: Record<Shape, (plan: PlanText, warnings: string[], options: ReadOptions) => Found | Problem> = {
  dstack: readDstack,
  markdown: readMarkdown,
  todos: (plan, _, { bands }) => readTodos(plan, bands),
  gstack: readGstack,
  gsd: readGsd,
  speckit: readSpeckit,
  taskxml: readTaskXml,
}

/** The shape of a text, by what it has that no other shape has; `name` is its file's. */
export function detectShape(text: string, name: string): Shape {
  return shapeOf(planText(text, name))
}

function shapeOf({ text, name, lines, boxes, sections }: PlanText): Shape {
  const file = name.split(/[/\\]/).at(-1) ?? name
  const labels = boxes.map(({ label }) => label)
  if (/\.xml$/i.test(file) || (!/\.md$/i.test(file) && /^\ufeff?\s*<(?:\?xml|tasks?[\s>])/.test(text))) return 'taskxml'
  if (hasTaskElements(lines) || labels.some(isRoadmapBox)) return 'gsd'
  if (labels.some(isSpeckitBox)) return 'speckit'
  if (labels.filter(isRoleBox).length >= 2) return 'gstack'
  const headings = sections.map(({ heading }) => heading)
  const phases = headings.some((heading) => /^phase \d+\.\d+\b/i.test(heading))
  if (
    phases &&
    (headings.some((heading) => /^plan\s*:/i.test(heading)) ||
      labels.some((label) => TASK_ID.test(label.slice(0, 12).split(/[\s:]/)[0] ?? '')))
  )
    return 'dstack'
  if (/^todos?\.md$/i.test(file) || headings.some(isBand)) return 'todos'
  return 'markdown'
}

/**
 * Reads a plan file. Refused with a sentence: a text over 256 KiB or with control characters, more than 2,000 tasks,
 * and what its shape's own rules refuse.
 */
export function readPlan(text: string, name: string, options: ReadOptions = {}): ReadPlan | Problem {
  if (text.length > MAX_TEXT || new TextEncoder().encode(text).length > MAX_TEXT) {
    return { problem: `The plan is larger than ${MAX_TEXT / 1024} KiB: split it.` }
  }
  const control = CONTROL.exec(text)
  if (control !== null) {
    const line = text.slice(0, control.index).split('\n').length
    return { problem: `Line ${line} has a control character, so this is not a plan's text.` }
  }
  const plan = planText(text, name)
  const shape = options.shape ?? shapeOf(plan)
  const warnings: string[] = []
  const last = plan.lines.at(-1)
  if (shape !== 'taskxml' && (last?.kind === 'code' || last?.kind === 'comment')) {
    warnings.push('The text may end in a fenced block or a comment that is not closed; what stands in it was not read.')
  }
  const found = READERS[shape](plan, warnings, options)
  if ('problem' in found) return found
  const { features, drafts } = found
  if (drafts.length > MAX_TASKS)
    return { problem: `The plan has ${drafts.length} tasks; at most ${MAX_TASKS} are read. Split it.` }
  const phases = features.flatMap((feature) => feature.phases)
  const tasks = numberTasks(drafts, phases, warnings)
  const crowded = tasks.find(({ id }) => !TASK_ID.test(id))
  if (crowded !== undefined)
    return { problem: `Phase ${crowded.leaf} has too many tasks to number them, from "${crowded.title}" on.` }
  if (tasks.length === 0) warnings.push('No task was found in the plan.')
  const repos = shape === 'taskxml' ? [] : reposOf(text)
  if (repos.length > MAX_REPOS)
    return { problem: `The plan names ${repos.length} repositories; at most ${MAX_REPOS} are read.` }
  const more = warnings.length - MAX_WARNINGS
  return {
    shape,
    title: withoutRepo(found.title) || name,
    features,
    tasks,
    boxes: [...plan.boxes],
    requirements: found.requirements ?? requirementsOf(plan),
    ...(found.bands === undefined ? {} : { bands: found.bands }),
    repos,
    warnings: more > 0 ? [...warnings.slice(0, MAX_WARNINGS), `${more} more warnings are not shown.`] : warnings,
  }
}
