// GSD: a PLAN.md (front matter, then `<task>` elements in Markdown) and a ROADMAP.md (boxes for phases and their plans).

import { fieldsOf } from './fields'
import { frontOf, recordsOf, textsOf, within } from './front'
import { type Line, plainText } from './lines'
import { draftOf, type Found, plainPhase, titleSection } from './markdown'
import { type Draft, MAX_NUMBER } from './numbering'
import { requirementsOf } from './requirements'
import { entries, taskFrom } from './taskxml'
import { dedent, type Item, itemsOf, type PlanText } from './text'
import type { Problem, ReadFeature, ReadPhase } from './types'

/** `**Phase 1: Foundation** - what it delivers`. */
const PHASE = /^\*\*Phase (\d{1,3}(?:\.\d{1,3})?):?\s?([^*]*)\*\*\s*(?:[-–—:]\s*)?(.*)$/i
/** `01-02: Sign in`, `01-02-PLAN.md — Sign in`. */
const PLAN = /^(?:\*\*)?(\d{1,3}(?:\.\d{1,3})?-\d{1,3})(?:-PLAN\.md)?(?:\*\*)?\s?(?:[:–—-]\s*)?(.*)$/i

/** Whether a box is one of a roadmap. */
export function isRoadmapBox(label: string): boolean {
  return PHASE.test(label)
}

/** Whether a text has task elements outside of what doesn't count. */
export function hasTaskElements(lines: readonly Line[]): boolean {
  return lines.some(({ kind, text }) => kind === 'text' && /^\s*<task[\s>]/.test(text))
}

export function readGsd(plan: PlanText, warnings: string[]): Found | Problem {
  return hasTaskElements(plan.lines) ? readPlanFile(plan, warnings) : readRoadmap(plan)
}

/** `01-02` as `1.2`, for phases with a whole number. */
function leafOf(name: string): string {
  const [, phase, plan] = /^(\d{1,3})-(\d{1,3})(?:-|$)/.exec(name.trim()) ?? []
  return phase === undefined ? name : `${Number(phase)}.${Number(plan)}`
}

/** One plan file is one phase of ours: phase 01, plan 02 is `1.2`. */
function readPlanFile(plan: PlanText, warnings: string[]): Found {
  const front = frontOf(plan.lines)
  const [phaseName = ''] = textsOf(front.phase)
  const [planName = ''] = textsOf(front.plan)
  const [, phaseNumber = '1', slug = ''] = /^(\d{1,3})(?:\.\d{1,3})?-?(.*)$/.exec(phaseName) ?? []
  const n = Math.max(1, Number(phaseNumber))
  const id = `${n}.${Math.max(1, Number(/(\d{1,3})$/.exec(planName)?.[1] ?? 1))}`
  if (/^\d+\.\d/.test(phaseName))
    warnings.push(`Phase ${phaseName} was inserted between two others; it is phase ${n} here.`)
  const objective = elementText(plan.text, 'objective')
  const files = textsOf(front.files_modified)
  const covers = textsOf(front.requirements)
  const artifacts = recordsOf(within(front, 'must_haves', 'artifacts')).flatMap(({ path = '' }) =>
    path === '' ? [] : [path],
  )
  const phase: ReadPhase = {
    ...plainPhase(id, slug.replaceAll('-', ' ') || `Phase ${id}`, n),
    touches: files,
    depends_on: textsOf(front.depends_on).map(leafOf),
  }
  const drafts: Draft[] = []
  for (const source of taskElements(plan.text, warnings)) {
    const draft = taskFrom(source)
    if (draft === null) warnings.push('A task without a name was left out.')
    // Tasks of a plan file are done one after the other.
    else
      drafts.push({ ...draft, leaf: id, covers: [...new Set([...draft.covers, ...covers])], parts: drafts.slice(-1) })
  }
  const feature: ReadFeature = {
    n,
    title: phase.title,
    ...(phaseName === '' ? {} : { origin: planName === '' ? phaseName : `${phaseName}, plan ${planName}` }),
    acceptance: [...textsOf(within(front, 'must_haves', 'truths')), ...artifacts.map((path) => `path exists ${path}`)],
    phases: [phase],
  }
  const title = plan.sections[titleSection(plan)]?.heading || entries(objective)[0] || phase.title
  return { title, features: [feature], drafts }
}

/** Texts of the child elements of each `<task>`; unlike strict XML, what they say may hold `<` and `&`. */
function taskElements(text: string, warnings: string[]): Parameters<typeof taskFrom>[0][] {
  const found: Parameters<typeof taskFrom>[0][] = []
  let at = 0
  for (;;) {
    const open = nextTask(text, at)
    if (open < 0) return found
    const head = text.indexOf('>', open)
    const close = head < 0 ? -1 : text.indexOf('</task>', head)
    if (close < 0) {
      warnings.push('A <task> is not closed; what stands below it was not read.')
      return found
    }
    const inner = text.slice(head + 1, close)
    const attributes = Object.fromEntries(
      [...text.slice(open, head).matchAll(/\s([a-z_]{1,30})="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    )
    const verify = elementText(inner, 'verify')
    const automated = elementText(verify, 'automated')
    found.push({
      attributes,
      lines: (name) => [
        ...entries(elementText(inner, name)),
        ...(name === 'done' ? entries(elementText(inner, 'acceptance_criteria')) : []),
      ],
      text: (name) =>
        dedent(
          elementText(inner, name === 'action' && !inner.includes('<action>') ? 'what-built' : name).split(/\r?\n/),
        ).join('\n'),
      automated: automated === '' ? [] : [automated],
      verify:
        automated === ''
          ? entries(verify)
          : entries(verify.replace(/<\/?automated>/g, '\n').replace(automated, () => '')),
    })
    at = close + 1
  }
}

function nextTask(text: string, from: number): number {
  for (let at = text.indexOf('<task', from); at >= 0; at = text.indexOf('<task', at + 1)) {
    if (/[\s>]/.test(text.charAt(at + 5))) return at
  }
  return -1
}

/** What stands between the first `<name>` and the `</name>` behind it. */
function elementText(text: string, name: string): string {
  const open = text.indexOf(`<${name}>`)
  const close = open < 0 ? -1 : text.indexOf(`</${name}>`, open)
  return close < 0 ? '' : text.slice(open + name.length + 2, close)
}

interface RoadmapPhase {
  number: string
  title: string
  item?: Item
  plans: { item: Item; name: string; title: string }[]
  intro: string[]
}

/** Each phase of a roadmap is a feature; each of its plans a phase of ours, with one task that stands for it. */
function readRoadmap(plan: PlanText): Found | Problem {
  const phases = roadmapPhases(plan)
  if (phases.length > MAX_NUMBER) return { problem: `A plan has at most ${MAX_NUMBER} features.` }
  const whole = phases.every(
    ({ number }, i) => /^\d+$/.test(number) && Number(number) > Number(phases[i - 1]?.number ?? 0),
  )
  const numbers = new Map(phases.map(({ number }, i) => [number, whole ? Number(number) : i + 1]))
  const drafts: Draft[] = []
  const features: ReadFeature[] = []
  for (const { number, title, item, plans, intro } of phases) {
    const n = numbers.get(number) ?? 0
    const fields = fieldsOf(intro)
    const covers = fields.of('covers').flatMap((line) => line.match(/[A-Z]{2,10}-\d{1,4}/g) ?? [])
    const before = fields
      .of('depends_on')
      .flatMap((line) => [...line.matchAll(/Phase (\d{1,3}(?:\.\d{1,3})?)/gi)].map(([, of = '']) => of))
    const depends_on = before.flatMap(
      (of) => features.find((feature) => feature.n === numbers.get(of))?.phases.map(({ id }) => id) ?? [],
    )
    const heading = `Phase ${number}: ${title}`
    const rows = plans.length > 0 ? plans : item === undefined ? [] : [{ item, name: '', title: title }]
    if (rows.length > MAX_NUMBER) return { problem: `A phase has at most ${MAX_NUMBER} plans.` }
    const own = rows.map((row, i) => {
      const leaf = `${n}.${i + 1}`
      const draft = draftOf({ ...row.item, label: row.title || row.name }, leaf, heading)
      drafts.push({
        ...draft,
        ...(row.name === '' ? {} : { source_id: row.name }),
        covers: [...new Set([...draft.covers, ...covers])],
      })
      return { ...plainPhase(leaf, draft.title, n), depends_on }
    })
    features.push({
      n,
      title,
      origin: heading,
      acceptance: [...fields.of('goal'), ...fields.of('acceptance')].map(plainText),
      phases: own,
    })
  }
  const title = plan.sections[titleSection(plan)]?.heading ?? ''
  const requirements = requirementsOf(plan)
  return { title: title.replace(/^roadmap\s*:\s*/i, ''), features, drafts, requirements }
}

/** Phases by the boxes of the overview and by the headings of the details, in the order of the text. */
function roadmapPhases(plan: PlanText): RoadmapPhase[] {
  const phases = new Map<string, RoadmapPhase>()
  const phaseOf = (number: string, title: string) => {
    const known = phases.get(number) ?? {
      number,
      title: title.replace(/\(INSERTED\)/i, '').trim(),
      plans: [],
      intro: [],
    }
    phases.set(number, known)
    return known
  }
  for (const section of plan.sections) {
    const [, number, title = ''] = /^phase (\d{1,3}(?:\.\d{1,3})?):?\s*(.*)$/i.exec(section.heading) ?? []
    const around = number === undefined ? null : phaseOf(number, title)
    const items = itemsOf(plan, section.start, section.end, ['box'])
    for (const item of items) {
      const [, of, name = ''] = PHASE.exec(item.label) ?? []
      const [, planName = '', planTitle = ''] = PLAN.exec(item.label) ?? []
      if (of !== undefined) phaseOf(of, name).item = item
      else if (planName !== '') {
        const owner = around ?? phaseOf(String(Number(planName.split('-')[0])), '')
        owner.plans.push({ item, name: planName, title: planTitle })
      }
    }
    if (around !== null) {
      const end = items[0]?.index ?? section.end
      around.intro = plan.lines
        .slice(section.start + 1, end)
        .flatMap(({ kind, text }) => (kind === 'text' ? [text] : []))
    }
  }
  return [...phases.values()].sort((a, b) => Number(a.number) - Number(b.number))
}
