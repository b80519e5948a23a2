// Plans whose headings say `Feature 1: …` and `Phase 1.1: …`: which lines belong to which.

import { headingOf, plainText } from './lines'
import { MAX_NUMBER, phaseIds } from './numbering'
import type { PlanText } from './text'

export interface PhaseBlock {
  id: string
  /** As the heading says it: `1`, `1.2`. */
  number: string
  title: string
  heading: string
  /** Indexes of the lines under the heading, the second excluded. */
  from: number
  to: number
}

export interface FeatureBlock {
  n: number
  title: string
  heading: string
  /** Lines between its heading and its first phase. */
  from: number
  to: number
  phases: PhaseBlock[]
}

const HEADING = /^(feature|phase)\s+(\d{1,6}(?:\.\d{1,6})?)(?![\d.]*\d)\s*[:.)–—-]?\s*(.*)$/i

/**
 * Features with their phases; a phase belongs to the last feature above it, and without any to one called `Full plan`.
 * `keep` says which phases can be run; a feature without any is left out with a warning, and the list closes up (rules
 * 15 and 16 of gstack living plans). Numbers stay as written where they ascend, so that ids don't move with an edit.
 */
export function featureBlocks(
  plan: PlanText,
  keep: (phase: PhaseBlock) => boolean,
  warnings: string[],
): FeatureBlock[] {
  const found: (FeatureBlock & { number: string })[] = []
  let end = (_: number): void => undefined
  for (const [index, line] of plan.lines.entries()) {
    const head = headingOf(line)
    if (head === null) continue
    const [, word = '', number = '', title = ''] = HEADING.exec(plainText(head.heading)) ?? []
    // Deeper headings are a phase's own; a higher one that is neither feature nor phase ends it.
    if (word === '' && head.level > 2) continue
    end(index)
    end = () => undefined
    if (word === '') continue
    const open = { from: index + 1, to: plan.lines.length, heading: head.heading, title: title.trim(), number }
    if (word.toLowerCase() === 'feature') {
      const feature = { ...open, n: 0, phases: [] }
      found.push(feature)
      end = (at) => {
        feature.to = at
      }
    } else {
      const feature = found.at(-1) ?? {
        ...open,
        n: 0,
        number: '1',
        title: 'Full plan',
        heading: '',
        to: open.from,
        phases: [],
      }
      if (found.length === 0) found.push(feature)
      const phase = { ...open, id: '' }
      feature.phases.push(phase)
      end = (at) => {
        phase.to = at
      }
    }
  }
  const features = found.filter((feature) => {
    feature.phases = feature.phases.filter((phase) => keep(phase))
    if (feature.phases.length > 0) return true
    warnings.push(`Feature ${feature.number} "${feature.title}" has no phase that can be run; it was left out.`)
    return false
  })
  const asWritten = features.every(
    ({ number }, i) => /^\d{1,3}$/.test(number) && Number(number) > Number(features[i - 1]?.number ?? 0),
  )
  for (const [i, feature] of features.entries()) {
    feature.n = asWritten ? Number(feature.number) : i + 1
    const ids = phaseIds(
      feature.n,
      feature.phases.map(({ number }) => number),
    )
    for (const [k, phase] of feature.phases.entries()) phase.id = ids[k] ?? ''
  }
  return features
}

/** Why there are too many features or phases to number, or null. */
export function tooMany(features: readonly { n: number; phases: readonly unknown[] }[]): string | null {
  const most = Math.max(0, ...features.map(({ n, phases }) => Math.max(n, phases.length)))
  return most > MAX_NUMBER ? `A plan has at most ${MAX_NUMBER} features, and a feature as many phases.` : null
}
