// What every verb that works with the state begins with: a clone that has opted in, or does so now by the person's own rule.

import type { Env } from '../env/env'
import { autoInit, optIn, requireOptIn } from '../setup/setup'
import { openStore, type Store } from '../store/store'

/** The state of this clone. @throws NOT_A_REPOSITORY, NOT_INITIALISED */
export async function ready(env: Env): Promise<Store> {
  const store = await opened(env)
  requireOptIn(env.vars, store.repo.config)
  return store
}

/**
 * The same for what has to go on while git dstack is switched off: looking at work that was begun, and stopping it.
 * `disabled` is what switches it off, in words. @throws NOT_A_REPOSITORY, NOT_INITIALISED
 */
export async function readyWhenOff(env: Env): Promise<{ store: Store; disabled: string | null }> {
  const store = await opened(env)
  const { enabled, disabled } = optIn(env.vars, store.repo.config)
  if (!enabled) requireOptIn(env.vars, store.repo.config)
  if (disabled !== null && !env.out.json) env.out.say(`Note: git dstack is switched off here: ${disabled}.\n`)
  return { store, disabled }
}

async function opened(env: Env): Promise<Store> {
  const store = openStore(env)
  if (store.repo.config.flag('dstack.enabled', false)) return store
  const line = await autoInit(env)
  if (line === null) return store
  env.out.say(line)
  return openStore(env)
}
