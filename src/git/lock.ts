// The short lock around a write. It is for throughput only: losing it is safe, correctness is the compare-and-swap.

import { join } from 'node:path'
import type { Env } from '../env/env'

export interface Lock {
  /** True when the holder before us died: what it left behind may be cleared. */
  inherited: boolean
  release(): void
}

interface Holder {
  pid: number
  host: string
  /** When the process and the machine started: a process id alone may have been given to somebody else. */
  start: string
  boot: string
}

const WAIT_LIMIT = 10_000

/** Waits for the lock up to 10 s, then goes on without it (null). Also null where the folder can't be written. */
export function takeLock(env: Env, commonDir: string): Lock | null {
  const path = join(commonDir, 'dstack', 'lock')
  const mine = JSON.stringify(holderOf(env, process.pid) satisfies Holder)
  const started = env.monotonic()
  let inherited = false
  for (;;) {
    try {
      if (env.files.claim(path, mine)) return { inherited, release: () => release(env, path, mine) }
    } catch {
      return null // read-only or full: the write itself will say so
    }
    const holder = env.files.claimed(path)
    if (holder !== null && isAbandoned(env, holder)) {
      inherited = true
      if (env.files.claimed(path) === holder) env.files.remove(path)
      continue
    }
    if (env.monotonic() - started > WAIT_LIMIT) return null
    env.pause(2 + env.random() * 8)
  }
}

/** Takes a lock of any name at once; null while somebody alive has it. What the dead have left is inherited. */
export function tryLock(env: Env, path: string): Lock | null {
  const mine = JSON.stringify(holderOf(env, process.pid) satisfies Holder)
  let inherited = false
  for (let attempt = 0; attempt < 3; attempt++) {
    if (env.files.claim(path, mine)) return { inherited, release: () => release(env, path, mine) }
    const holder = env.files.claimed(path)
    if (holder === null) continue
    if (!isAbandoned(env, holder)) return null
    inherited = true
    if (env.files.claimed(path) === holder) env.files.remove(path)
  }
  return null
}

function release(env: Env, path: string, mine: string): void {
  if (env.files.claimed(path) === mine) env.files.remove(path)
}

function isAbandoned(env: Env, claim: string): boolean {
  const holder = parse(claim)
  if (holder === null) return true
  if (holder.host !== env.host) return false // its process can't be seen from here
  const now = holderOf(env, holder.pid)
  return !isRunning(holder.pid) || now.boot !== holder.boot || now.start !== holder.start
}

function parse(claim: string): Holder | null {
  try {
    const holder = JSON.parse(claim) as Holder
    return typeof holder.pid === 'number' ? holder : null
  } catch {
    return null
  }
}

function holderOf(env: Env, pid: number): Holder {
  // Linux tells when a process started (field 22, behind the name in brackets); elsewhere the id has to do.
  const fields = env.files.read(`/proc/${pid}/stat`)?.toString('latin1').split(') ')[1]?.split(' ')
  const boot = env.files.read('/proc/sys/kernel/random/boot_id')?.toString('latin1').trim()
  return { pid, host: env.host, start: fields?.[19] ?? '', boot: boot ?? '' }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
