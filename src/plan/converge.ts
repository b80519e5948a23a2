// What nobody does yet as one more phase of the plan: only added at its end, and nothing at all where nothing is missing.

import type { Shape } from './schema'
import { boxesOf } from './shapes/boxes'
import { headingOf, readLines } from './shapes/lines'
import { readPlan } from './shapes/shapes'
import type { Problem, ReadPlan } from './shapes/types'
import type { Requirement } from './spec'

const TITLE = 'Convergence'

/** The phase as each shape writes one; the others have no place at their end for it. */
const PHASES: Partial<Record<Shape, (text: string, read: ReadPlan, missing: readonly Requirement[]) => string[]>> = {
  dstack(_, { features }, missing) {
    const feature = features.at(-1)
    const phases = feature?.phases.map(({ id }) => Number(id.split('.')[1])) ?? []
    const id = `${feature?.n ?? 1}.${Math.max(0, ...phases) + 1}`
    const tasks = missing.map((one, i) => [
      `- [ ] ${id}-C${String(i + 1).padStart(2, '0')} ${one.text}`,
      `  covers: ${one.id}`,
    ])
    return [`### Phase ${id}: ${TITLE}`, '', ...tasks.flat()]
  },
  gstack(text, _, missing) {
    const roles = [
      '**Test Specification (test-writer role)**',
      '**Implementation (primary-impl role)**',
      '**Review & QA (review roles)**',
    ]
    const words = missing.map((one) => `${one.id}: ${one.text}`)
    const head = `### Phase ${nextPhase(text)}: ${TITLE} (${missing.map(({ id }) => id).join(', ')})`
    return [head, '', ...words, '', ...roles.map((role) => `- [ ] ${role}`)]
  },
  speckit(text, _, missing) {
    const numbers = boxesOf(text).map(({ label }) => Number(/^\W*T(\d{3,5})/.exec(label)?.[1] ?? 0))
    const first = Math.max(0, ...numbers) + 1
    const tasks = missing.map((one, i) => `- [ ] T${String(first + i).padStart(3, '0')} ${one.id}: ${one.text}`)
    return [`## Phase ${nextPhase(text)}: ${TITLE}`, '', ...tasks]
  },
  markdown: (_, __, missing) => [`## ${TITLE}`, '', ...missing.map((one) => `- [ ] ${one.id}: ${one.text}`)],
}

function nextPhase(text: string): number {
  const numbers = readLines(text).map((line) =>
    Number(/^phase (\d{1,4})/i.exec(headingOf(line)?.heading ?? '')?.[1] ?? 0),
  )
  return Math.max(0, ...numbers) + 1
}

/** The text with a phase behind it that serves these requirements; the text itself when there are none. */
export function converged(
  text: string,
  read: ReadPlan,
  missing: readonly Requirement[],
  name: string,
): string | Problem {
  if (missing.length === 0) return text
  const phase = PHASES[read.shape]
  if (phase === undefined) {
    return {
      problem: `A plan in the form of ${read.shape} has no place for one more phase: add the tasks where they belong.`,
    }
  }
  const lines = phase(
    text,
    read,
    missing.map((one) => ({ ...one, text: one.text.replace(/\s+/g, ' ').trim() })),
  )
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const last = text.endsWith('\n')
  const next = `${text}${last ? end : end + end}${lines.join(end)}${last ? end : ''}`
  const again = readPlan(next, name, { shape: read.shape })
  const served = new Set('problem' in again ? [] : again.tasks.flatMap(({ covers }) => covers))
  const lost = missing.filter(({ id }) => !served.has(id)).map(({ id }) => id)
  return lost.length === 0 ? next : { problem: `No task of this plan can name ${lost.join(', ')}: add one by hand.` }
}
