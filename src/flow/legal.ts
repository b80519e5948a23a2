// Is a state one that the machine can be in? The schema says what fields there are; this says what fits together. Pure.

import type * as z from 'zod/mini'
import { STATUS_OF, type State, type Step } from './schema'

const WITH_LEAF = new Set<Step>([
  'Plan',
  'PlanReview',
  'PlanReviewWait',
  'Implement',
  'PhaseReview',
  'ReviewWait',
  'CheckpointWait',
])
const WITH_DISPATCH = new Set<Step>(['PlanReview', 'PlanReviewWait', 'PhaseReview', 'ReviewWait'])

/** What does not fit together, in sentences. Source: the rules below the table of states. */
export function stateProblems(state: State): string[] {
  const { step, status, leaf, leaves, dispatch, paused, return_to: back } = state
  const problems: string[] = []
  if (step === 'NotStarted') problems.push('NotStarted is not stored.')
  if (status !== STATUS_OF[step]) problems.push(`${step} can't be ${status}.`)
  // While it is paused or amended, the leaf is that of the step it goes back to.
  const at = paused?.from ?? step
  const asks = WITH_LEAF.has(at)
  if (asks && leaf === null) problems.push(`${at} needs a leaf.`)
  if (!asks && leaf !== null) problems.push(`${at} has no leaf.`)
  if (leaf !== null && leaves[leaf]?.status !== 'running') problems.push(`Leaf ${leaf} is not running.`)
  const running = Object.keys(leaves).filter((id) => leaves[id]?.status === 'running')
  if (running.length > 1) problems.push(`More than one leaf is running: ${running.join(', ')}.`)
  if (dispatch !== null && !WITH_DISPATCH.has(at)) problems.push(`${at} has no dispatch.`)
  const mayBePaused = step === 'Paused' || (step === 'Decomposing' && back === 'Paused')
  if ((paused !== null) !== mayBePaused) problems.push(`${step} and its record of a pause don't fit.`)
  if ((back !== null) !== (step === 'Decomposing')) problems.push(`${step} and where it returns to don't fit.`)
  return problems
}

/** A value of this shape, or why the text is none. */
export function parsed<T>(
  schema: z.ZodMiniType<T>,
  text: string | undefined,
  name: string,
): { value: T } | { broken: string } {
  if (text === undefined) return { broken: `${name} is missing` }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { broken: `${name} is no JSON` }
  }
  const read = schema.safeParse(json)
  if (read.success) return { value: read.data }
  const [first] = read.error.issues
  return { broken: `${name}: ${first?.path.join('.') || 'the whole'}: ${first?.message}` }
}
