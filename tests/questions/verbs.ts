// Every verb of the five questions with --json, once: for the test that holds each to its schema.

import { openRepo } from '../../src/git/git'
import { allow } from '../../src/trust/trust'
import { envOf } from '../setup/support'
import type { Clone } from '../support/clone'

type Holds = (name: string, ...args: string[]) => Promise<Record<string, unknown>>

export async function everyQuestionVerb(clone: Clone, holds: Holds): Promise<void> {
  clone.write('src/later.ts', 'export const later = 1 // TODO\n')
  await clone.git('add', 'src/later.ts').ok()
  await holds('gate answer', '2', 'yes', 'tried it', '--staged')
  await holds('gate questions', '--staged')
  await holds('gate prove-red', '--staged')
  await clone.inProcess('config', 'set', 'questions.verify', 'true').ok()
  // Nobody can be asked here, so the probe is allowed behind the door.
  const mine = { ...envOf(clone), confirm: async () => true }
  await allow(mine, openRepo(mine), [{ command: 'true', where: 'questions.verify' }], () => undefined)
  await holds('gate verify', '--staged')
  await clone.inProcess('trust', 'revoke', '--all').ok()
  await clone.inProcess('config', 'unset', 'questions.verify').ok()
  await clone.git('rm', '-q', '-f', 'src/later.ts').ok()
}
