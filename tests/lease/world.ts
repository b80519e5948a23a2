// A bare remote and clones whose machines' clocks the test turns by hand: no test of leases waits.

import type { Env } from '../../src/env/env'
import { isRefusal, type Refusal } from '../../src/errors'
import type { Lease } from '../../src/lease/lease'
import { openStore, type Store, storeOf } from '../../src/store/store'
import { addClone, envOf, gitIn, type Hub, makeHub, type SimClone } from '../simulate/world'

export { dispose } from '../simulate/world'

export const REF = 'refs/dstack/lease/job'

/** The clocks of one machine, in milliseconds. */
export interface Clocks {
  boot: string
  monotonic: number
  uptime: number
}

export class Machine {
  readonly clocks: Clocks = { boot: 'boot-1', monotonic: 1_000, uptime: 5_000 }
  private seeds = 0

  constructor(
    readonly hub: Hub,
    readonly clone: SimClone,
    private readonly seed: number,
  ) {}

  /** Time goes by for the processes of this machine. */
  run(seconds: number): void {
    this.clocks.monotonic += seconds * 1000
    this.clocks.uptime += seconds * 1000
  }

  /** The machine sleeps: Linux stops its monotonic clock for that time. */
  sleep(seconds: number): void {
    this.clocks.uptime += seconds * 1000
  }

  restart(): void {
    Object.assign(this.clocks, { boot: `${this.clocks.boot}+`, monotonic: 10, uptime: 10 })
  }

  env(vars: Record<string, string> = {}): Env {
    const env = envOf(this.hub, this.clone, 0, this.seed * 100_000 + this.seeds++)
    return {
      ...env,
      vars: { ...env.vars, ...vars },
      host: `${this.clone.name}-host`,
      monotonic: () => this.clocks.monotonic,
      uptime: () => this.clocks.uptime,
      boot: () => this.clocks.boot,
    }
  }

  /** A fresh process on this machine. */
  store(vars: Record<string, string> = {}): Store {
    return openStore(this.env(vars))
  }

  /** The same with another repository behind it: for faults. */
  faulty(change: (store: Store) => Partial<Store['repo']>): Store {
    const store = this.store()
    return storeOf(store.env, { ...store.repo, ...change(store) })
  }

  git(...args: string[]): string {
    return gitIn(this.hub.root, this.clone.dir, args)
  }
}

export interface World {
  hub: Hub
  alice: Machine
  bob: Machine
}

export function makeWorld(name = 'lease'): World {
  const hub = makeHub(0, name)
  return { hub, alice: new Machine(hub, addClone(hub, 'alice'), 1), bob: new Machine(hub, addClone(hub, 'bob'), 2) }
}

export function remoteTip(hub: Hub): string {
  return gitIn(hub.root, hub.bare, ['for-each-ref', '--format=%(objectname)', REF]).trim()
}

export function got(answer: Lease | Refusal): Lease {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.message}`)
  return answer
}

export function refused(answer: unknown): Refusal {
  if (!isRefusal(answer)) throw new Error(`not refused: ${JSON.stringify(answer)}`)
  return answer
}
