// What every verb that works with the state begins with: a clone that has opted in, or does so now by the person's own rule.

import type { Env } from '../env/env'
import { autoInit, requireOptIn } from '../setup/setup'
import { openStore, type Store } from '../store/store'

/** The state of this clone. @throws NOT_A_REPOSITORY, NOT_INITIALISED */
export async function ready(env: Env): Promise<Store> {
  let store = openStore(env)
  if (!store.repo.config.flag('dstack.enabled', false)) {
    const line = await autoInit(env)
    if (line !== null) {
      env.out.say(line)
      store = openStore(env)
    }
  }
  requireOptIn(env.vars, store.repo.config)
  return store
}
