// Every verb of the gate and of evidence with --json, once: for the test that holds each to its schema.

import { openRepo } from '../../src/git/git'
import { allow } from '../../src/trust/trust'
import { envOf } from '../setup/support'
import type { Clone } from '../support/clone'

type Holds = (name: string, ...args: string[]) => Promise<Record<string, unknown>>

export async function everyGateVerb(clone: Clone, holds: Holds): Promise<void> {
  clone.write('src/gated.ts', 'export const gated = 1\n')
  await clone.git('add', '-A').ok()
  await clone.git('commit', '-q', '-n', '-m', 'all there is').ok()
  await clone.inProcess('config', 'set', 'gate.test', 'true').ok()
  await clone.inProcess('config', 'set', 'gate.lint', 'none').ok()
  // Nobody can be asked here, so the command is allowed behind the door.
  const mine = { ...envOf(clone), confirm: async () => true }
  await allow(mine, openRepo(mine), [{ command: 'true', where: 'gate.test' }], () => undefined)
  await holds('gate setup')
  await holds('gate run', '--commit', 'HEAD')
  await holds('gate check')
  await holds('gate show')
  await holds('evidence show')
  await holds('evidence check', 'HEAD')
  await holds('evidence reattach', 'HEAD')
  await holds('evidence run', 'true')
  await clone.inProcess('trust', 'revoke', '--all').ok()
  for (const name of ['gate.test', 'gate.lint']) await clone.inProcess('config', 'unset', name).ok()
}
