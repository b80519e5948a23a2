// Which start of the machine this is.

import { readFileSync } from 'node:fs'
import { runNow } from './programs'

const ROUNDING_MS = 600_000
const LIMIT = 5_000

/**
 * Linux and macOS have an id for it. Elsewhere it is when the machine started, by its wall clock, to ten minutes: where a
 * person sets that clock, what was remembered before counts as from before a restart.
 */
export function bootId(): string {
  const id = process.platform === 'darwin' ? macId() : process.platform === 'linux' ? linuxId() : ''
  if (id !== '') return id
  const started = Date.now() - process.getBuiltinModule('node:os').uptime() * 1000
  return String(Math.round(started / ROUNDING_MS))
}

function linuxId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return '' // a sandbox without /proc
  }
}

function macId(): string {
  const done = runNow({ program: '/usr/sbin/sysctl', args: ['-n', 'kern.bootsessionuuid'], limit: LIMIT }, process.env)
  return done.status === 0 ? done.stdout.toString('latin1').trim() : ''
}
