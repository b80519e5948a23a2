// Is git dstack wanted in this clone? Pure.

import type { Vars } from '../env/env'
import { DstackError } from '../errors'
import type { Config } from '../git/git'

export interface OptIn {
  enabled: boolean
  /** What switches everything off, in words; it beats the opt-in. */
  disabled: string | null
}

export function optIn(vars: Vars, config: Config): OptIn {
  return { enabled: config.flag('dstack.enabled', false), disabled: disabledBy(vars, config) }
}

function disabledBy(vars: Vars, config: Config): string | null {
  if (vars.DSTACK_DISABLED) return 'DSTACK_DISABLED is set in the environment'
  if (!config.flag('dstack.disabled', false)) return null
  const origin = config.values.findLast(({ name }) => name === 'dstack.disabled')?.origin ?? ''
  return `dstack.disabled is true in ${origin.replace(/^file:/, '')}`
}

/** For every verb that works with the state. @throws NOT_INITIALISED */
export function requireOptIn(vars: Vars, config: Config): void {
  const { enabled, disabled } = optIn(vars, config)
  if (disabled !== null) {
    throw new DstackError('NOT_INITIALISED', `git dstack is switched off here: ${disabled}.`, {
      hint: 'Everything is kept. `git dstack status` says what switches it off.',
    })
  }
  if (!enabled) {
    throw new DstackError('NOT_INITIALISED', 'This clone has not opted in to git dstack.', {
      hint: 'Run `git dstack init`.',
    })
  }
}
