// Living plans of gstack-build: features, phases, and three boxes in each phase (rules 12 to 19 of its plan format).

import { originOf, phaseFields, textOf } from './dstack'
import { fieldsOf } from './fields'
import { featureBlocks, type PhaseBlock, tooMany } from './headed'
import { plainText, withoutCodeSpan } from './lines'
import { type Found, titleSection } from './markdown'
import type { Draft } from './numbering'
import { requirementsIn } from './requirements'
import { type Item, itemsOf, type PlanText } from './text'
import type { Problem, ReadFeature, ReadPhase } from './types'

/** Only the bold word counts; who does it stands in parentheses behind. */
const ROLES = {
  spec: /^\*\*\s*Test Specification\b/i,
  implementation: /^\*\*\s*Implementation\b/i,
  review: /^\*\*\s*Review\b/i,
} as const
type Role = keyof typeof ROLES
type Roles = Partial<Record<Role, Item & { box: number }>>

/** Whether a box is one of the three of a phase. */
export function isRoleBox(label: string): boolean {
  return roleOf(label) !== null
}

function roleOf(label: string): Role | null {
  return (Object.keys(ROLES) as Role[]).find((role) => ROLES[role].test(label)) ?? null
}

/**
 * A phase gives a task for its test specification and one for its implementation. Its review is none: to review is a
 * step of the flow, and `boxes.review` says which box that ticks.
 */
export function readGstack(plan: PlanText, warnings: string[]): Found | Problem {
  const drafts: Draft[] = []
  const boxesOf = new Map<PhaseBlock, Roles>()
  const keep = (block: PhaseBlock) => {
    const boxes = rolesIn(plan, block, warnings)
    boxesOf.set(block, boxes)
    if (boxes.implementation !== undefined && boxes.review !== undefined) return true
    const missing = boxes.implementation === undefined ? 'Implementation' : 'Review'
    warnings.push(`Phase ${block.number} "${block.title}" has no ${missing} box; it was left out.`)
    return false
  }
  const blocks = featureBlocks(plan, keep, warnings)
  const problem = tooMany(blocks)
  if (problem !== null) return { problem }
  const ids = new Map<string, string>()
  for (const { phases } of blocks) for (const { number, id } of phases) if (!ids.has(number)) ids.set(number, id)
  const features = blocks.map((block): ReadFeature => {
    const intro = fieldsOf(textOf(plan, block.from, block.to))
    // A number of the same feature goes before an equal one of another.
    const near = new Map(block.phases.map(({ number, id }) => [number, id]))
    const phases = block.phases.map((phase) => {
      const read = readPhase(plan, phase, block.n, boxesOf.get(phase) ?? {}, drafts)
      return { ...read, depends_on: read.depends_on.map((name) => near.get(name) ?? ids.get(name) ?? name) }
    })
    return {
      n: block.n,
      title: block.title,
      ...originOf(intro.of('origin'), block.heading),
      acceptance: intro.of('acceptance').map(withoutCodeSpan),
      phases,
    }
  })
  return { title: plan.sections[titleSection(plan)]?.heading ?? '', features, drafts }
}

function rolesIn(plan: PlanText, { from, to, number }: PhaseBlock, warnings: string[]): Roles {
  const found: Roles = {}
  for (const item of itemsOf(plan, from, to, ['box'])) {
    const role = roleOf(item.label)
    if (role === null || item.box === undefined) continue
    if (found[role] === undefined) found[role] = { ...item, box: item.box }
    else warnings.push(`Phase ${number} has a second ${role} box in line ${item.index + 1}; the first counts.`)
  }
  return found
}

function readPhase(
  plan: PlanText,
  block: PhaseBlock,
  feature: number,
  { spec, implementation, review }: Roles,
  drafts: Draft[],
): ReadPhase {
  const fields = phaseFields(plan, block, feature)
  const test_cmd = testCommand(plan, block) ?? fields.test_cmd
  const phase: ReadPhase = {
    ...fields,
    boxes: {
      ...(spec === undefined ? {} : { spec: spec.box }),
      ...(implementation === undefined ? {} : { implementation: implementation.box }),
      ...(review === undefined ? {} : { review: review.box }),
    },
    legacy: spec === undefined,
    state: stateOf(implementation?.checked ?? false, review?.checked ?? false),
    ...(test_cmd === undefined ? {} : { test_cmd }),
  }
  const task = (item: Item & { box: number }, kind: string, title: string, done: boolean): Draft => ({
    files: phase.touches,
    read_first: [],
    depends_on: [],
    acceptance: [],
    kind,
    title,
    leaf: phase.id,
    covers: requirementsIn(`${block.title} ${item.label}`),
    action: [plainText(item.label), ...item.body].join('\n'),
    status: done ? 'done' : 'pending',
    box: item.box,
    origin: block.heading,
  })
  const sealed = phase.state === 'committed'
  const tests = spec === undefined ? null : task(spec, 'T', `${block.title}: tests`, spec.checked || sealed)
  if (tests !== null) drafts.push(tests)
  if (implementation !== undefined) {
    const done = implementation.checked || sealed
    drafts.push({ ...task(implementation, 'C', block.title, done), parts: tests === null ? [] : [tests] })
  }
  return phase
}

/** All boxes, or the review's alone: the user is trusted (rule 19). */
function stateOf(implemented: boolean, reviewed: boolean): ReadPhase['state'] {
  if (reviewed) return 'committed'
  return implemented ? 'impl_done' : 'pending'
}

/** `<!-- testCmd: npm test -->`, for this phase only. */
function testCommand(plan: PlanText, { from, to }: PhaseBlock): string | undefined {
  for (let at = from; at < to; at++) {
    const line = plan.lines[at]
    if (line?.kind !== 'comment') continue
    const [, rest] = /^\s*<!--\s*testCmd\s*:(.*)$/i.exec(line.text) ?? []
    const end = rest?.indexOf('-->') ?? -1
    if (rest !== undefined && end >= 0) return rest.slice(0, end).trim() || undefined
  }
  return undefined
}
