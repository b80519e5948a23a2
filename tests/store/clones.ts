// Small real repositories for tests of the store: persons, a bare remote, writes of one line.

import { isRefusal } from '../../src/errors'
import { MEMORY, type Store, viewRef, write } from '../../src/store/store'
import { type Hub, type SimClone, storeAt } from '../simulate/world'

export type { Hub, SimClone } from '../simulate/world'
export { addClone, backUp, copyClone, dispose, gitIn, litter, restore } from '../simulate/world'

let step = 0

/** A fresh process in the clone, a second later. */
export function at(hub: Hub, clone: SimClone): Store {
  step++
  return storeAt(hub, clone, step, step)
}

/** One write that saw what is there; the commit. */
export function put(store: Store, key: string, text: string, more: Record<string, string | boolean> = {}): string {
  const done = write(store, MEMORY, [key], () => ({
    puts: [{ key, head: { type: 'memory', ...more }, body: text }],
    subject: `memory: ${key}`,
    result: null,
  }))
  if (isRefusal(done)) throw new Error(done.message)
  return done.commit
}

export function texts(store: Store, key: string): string[] {
  return viewRef(store, MEMORY)
    .at(key)
    .map((live) => live.doc.body)
}
