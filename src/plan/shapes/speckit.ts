// spec-kit's tasks.md: `- [ ] T001 [P] [US1] Do x in src/y.ts` under headings `## Phase 1: …`.

import { fieldsOf } from './fields'
import { featureBlocks, tooMany } from './headed'
import { plainText } from './lines'
import { draftOf, type Found, plainPhase, titleSection } from './markdown'
import type { Draft } from './numbering'
import { requirementsOf } from './requirements'
import { itemsOf, type PlanText } from './text'
import type { Problem, ReadFeature } from './types'

const TASK = /^(?:\*\*)?(T\d{3,5})(?:\*\*)?:?\s+((?:\[[A-Za-z0-9 -]{1,20}\]\s*)*)(.*)$/
/** A path as spec-kit writes it into the task: with a folder, or with an ending that names code. */
const PATH = /^[\w.@[\]{}()*-]+(?:\/[\w.@[\]{}()*-]+)+\/?$|^[\w.-]+\.[a-z][a-z0-9]{0,5}$/

/** Whether a box is a task of spec-kit. */
export function isSpeckitBox(label: string): boolean {
  return TASK.test(label)
}

/** Each phase is a feature of one phase: spec-kit has no level between the phase and its tasks. */
export function readSpeckit(plan: PlanText, warnings: string[]): Found | Problem {
  const blocks = featureBlocks(plan, () => true, warnings).flatMap(({ phases }) => phases)
  if (blocks.length === 0)
    return { problem: 'A task list of spec-kit has headings like `## Phase 1: Setup`; this one has none.' }
  const problem = tooMany(blocks.map((_, i) => ({ n: i + 1, phases: [] })))
  if (problem !== null) return { problem }
  const drafts: Draft[] = []
  const stories: Found['requirements'] = []
  const features: ReadFeature[] = []
  for (const block of blocks) {
    const n = features.length + 1
    const leaf = `${n}.1`
    const { story, title } = storyOf(block.title)
    if (story !== null) stories.push({ id: story, text: title })
    const found: { draft: Draft; parallel: boolean }[] = []
    for (const item of itemsOf(plan, block.from, block.to, ['box'])) {
      const [, id = '', marks = '', text = ''] = TASK.exec(item.label) ?? []
      if (id === '') continue
      const words = [...marks.matchAll(/\[([^\]]*)\]/g)].map(([, mark = '']) => mark)
      const draft = draftOf({ ...item, label: text }, leaf, block.heading)
      const covers = [
        ...new Set([...draft.covers, ...words.filter((mark) => /^US\d/i.test(mark)).map((mark) => mark.toUpperCase())]),
      ]
      const files = draft.files.length > 0 ? draft.files : pathsIn(text)
      const named = [...text.matchAll(/\bdepends on ([^()]{0,200})/gi)].flatMap(
        ([, list = '']) => list.match(/T\d{3,5}/g) ?? [],
      )
      found.push({
        draft: { ...draft, source_id: id, covers, files, depends_on: [...draft.depends_on, ...named] },
        parallel: words.some((mark) => mark.toUpperCase() === 'P'),
      })
    }
    order(found)
    drafts.push(...found.map(({ draft }) => draft))
    const phase = { ...plainPhase(leaf, title, n), depends_on: waitsFor(title, story, features) }
    const goal = fieldsOf(plan.lines.slice(block.from, block.to).map(({ text }) => text))
      .of('goal')
      .map(plainText)
    features.push({ n, title, origin: block.heading, acceptance: goal, phases: [phase] })
  }
  const title = plan.sections[titleSection(plan)]?.heading ?? ''
  const requirements = [...requirementsOf(plan), ...stories]
  return { title: title.replace(/^tasks\s*:\s*/i, ''), features, drafts, requirements }
}

/** `User Story 1 - Sign in (Priority: P1) 🎯 MVP`. */
function storyOf(heading: string): { story: string | null; title: string } {
  const title = plainText(heading)
  const [, number, rest = ''] = /^user story (\d{1,3})\s*[-–—:]?\s*(.*)$/i.exec(title) ?? []
  const end = rest.toLowerCase().indexOf('(priority:')
  const named = (end < 0 ? rest : rest.slice(0, end)).trim()
  return number === undefined ? { story: null, title } : { story: `US${number}`, title: named === '' ? title : named }
}

/** Setup, then what is foundational, then the stories side by side, then the rest: as spec-kit's template orders phases. */
function waitsFor(title: string, story: string | null, before: readonly ReadFeature[]): string[] {
  const ids = before.flatMap(({ phases }) => phases.map(({ id }) => id))
  if (story === null) return /^(?:setup|foundation)/i.test(title) ? ids.slice(-1) : ids
  const base = before.findLast(({ title }) => /^(?:setup|foundation)/i.test(title))
  return base?.phases.map(({ id }) => id) ?? []
}

/** `[P]` runs beside its neighbours, everything else after all that stands above it in the phase. */
function order(found: readonly { draft: Draft; parallel: boolean }[]): void {
  let last: Draft | null = null
  let beside: Draft[] = []
  for (const { draft, parallel } of found) {
    draft.parts = !parallel && beside.length > 0 ? beside : last === null ? [] : [last]
    if (parallel) beside.push(draft)
    else {
      last = draft
      beside = []
    }
  }
}

/** Paths in a task's text. */
function pathsIn(text: string): string[] {
  const words = text.split(/[\s,;]+/).filter((word) => word.length < 300)
  const bare = words.map((word) => word.replace(/^[`"'(]+|[`"'):.]+$/g, ''))
  return [...new Set(bare.filter((word) => PATH.test(word) && !/^\w+\/\w+$/.test(word)))]
}
