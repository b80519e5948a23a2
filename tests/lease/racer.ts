// One of several processes that want the same lease: does what it is told by lines on stdin, and answers each with a line of JSON.

import { createInterface } from 'node:readline'
import { nodeEnv } from '../../src/env/node'
import { isRefusal } from '../../src/errors'
import { holdsLease, releaseLease, takeLease, verifyLease } from '../../src/lease/lease'
import { openStore } from '../../src/store/store'

/** `holder`: the id of the lease, or null; `verified`: the same, asked of the remote. */
export interface Said {
  told: string | null
  holds: string | null
  verified: string | null
  refused: string | null
}

const [, , start = '0', ttl = '10'] = process.argv
let clock = Number(start)

async function act(line: string): Promise<Said | string> {
  const env = { ...nodeEnv(), monotonic: () => clock, uptime: () => clock, boot: () => 'boot' }
  const store = openStore(env)
  const [verb, argument] = line.split(' ')
  if (verb === 'run') {
    clock += Number(argument) * 1000
    return 'ran'
  }
  if (verb === 'release') {
    const done = await releaseLease(store, 'job')
    return isRefusal(done) ? done.message : done
  }
  const done = verb === 'take' ? await takeLease(store, 'job', { ttl: Number(ttl), purpose: 'a race' }) : null
  const before = holdsLease(store, 'job')
  // Who was refused and believes it has nothing needs not ask.
  const verified = verb === 'take' && before === null ? done : await verifyLease(store, 'job')
  const holds = verb === 'look' ? (holdsLease(store, 'job')?.id ?? null) : (before?.id ?? null)
  return {
    told: done === null || isRefusal(done) ? null : done.id,
    holds,
    verified: verified === null || isRefusal(verified) ? null : verified.id,
    refused: isRefusal(done) ? done.message : null,
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await act(line).catch((error: Error) => error.message)
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
