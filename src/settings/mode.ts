// Whether the gate refuses, reminds or is off, as hooks find out: from git's configuration alone. Pure.

import type { Setting } from './table'

export const MODES = ['off', 'remind', 'strict'] as const
export type GateMode = (typeof MODES)[number]

export const MODE_SETTINGS: readonly Setting[] = [
  {
    name: 'gate.mode',
    default: 'off',
    help: 'what hooks do with a commit that is not checked: off, remind (one line) or strict (refused)',
    layers: ['team', 'personal', 'clone'],
    problem: (value) => (MODES.some((mode) => mode === value) ? null : `it is none of ${MODES.join(', ')}`),
  },
]

/**
 * Where a clone notes what the team says of the gate: `off`, `remind`, `strict` or `disabled`; absent: nothing. The probe in
 * front of every hook costs 2 ms and reads git's configuration only; the team's settings lie in a ref.
 */
export const TEAM_GATE = 'dstack.teamGate'

/** What a clone notes of the team's settings; null: nothing. */
export function teamGateOf(team: Readonly<Record<string, string>>): string | null {
  if (team.disabled === 'true') return 'disabled'
  return team['gate.mode'] ?? null
}
