// How a decision about plans gets written: one write of refs/dstack/plans, and what it answers.

import { isRefusal, type Refusal } from '../errors'
import type { Decision, Seen } from '../store/schema'
import { PLANS, type Store, write } from '../store/store'
import type { Done, Me } from './decide'

export interface Secrets {
  /** Fingerprints of what looks like a credential and is none. */
  allowSecrets?: readonly string[]
}

/** What was written. */
export interface Written extends Done {
  /** The commit in the ref; empty when there was nothing to do and the ref does not exist. */
  commit: string
}

export function writeTo<R extends Done>(
  store: Store,
  keys: readonly string[],
  decide: (seen: Seen, me: Me) => Decision<R>,
  { allowSecrets }: Secrets = {},
  ref: string = PLANS,
): (R & Written) | Refusal {
  const options = allowSecrets === undefined ? {} : { allowSecrets: new Set(allowSecrets) }
  const done = write(store, ref, keys, decide, options)
  return isRefusal(done) ? done : { ...done.result, commit: done.commit }
}
