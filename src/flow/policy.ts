// The team's and the person's settings of the flow, as values. Reads them; nothing else.

import { settingOf, settingsOf } from '../settings/settings'
import type { Store } from '../store/store'
import type { Policy } from './facts'

export function policyOf(store: Store): Policy {
  const values = new Map(settingsOf(store).map(({ name, value }) => [name, value]))
  const text = (name: string) => values.get(`flow.${name}`) ?? ''
  const flag = (name: string) => /^(true|yes|on|1)$/i.test(text(name))
  const count = (name: string) => Number(text(name))
  return {
    hitl: flag('hitl'),
    planReview: flag('planReview'),
    planWait: flag('planWait'),
    phaseReview: flag('phaseReview'),
    dualReview: flag('dualReview'),
    reviewWait: flag('reviewWait'),
    contractReview: flag('contractReview'),
    fixIterations: count('fixIterations'),
    failureThreshold: count('failureThreshold'),
    maxDurationMinutes: count('maxDurationMinutes'),
    maxIdleMinutes: count('maxIdleMinutes'),
    extensions: count('extensions'),
    budgetAction: text('budgetAction') === 'abort' ? 'abort' : 'pause',
    escalate: text('escalate') === 'abort' ? 'abort' : 'pause',
    markers: text('markers') === 'notes' ? 'notes' : 'commits',
    engine: text('engine'),
  }
}

/** Seconds that a flow's lease lives without a sign of life. */
export function leaseSeconds(store: Store): number {
  return Number(settingOf(store, 'flow.leaseSeconds').value)
}
