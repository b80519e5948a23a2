// A process that was killed in the middle of moving a lease leaves git's lock file: the next one takes it away.

import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '../../src/errors'
import { takeLease } from '../../src/lease/lease'
import { storeOf } from '../flow/people'
import { expect, test } from '../support/test'

test('the lock of a dead process does not hold a lease up', async ({ world }) => {
  const [alice] = await world.clones('alice')
  if (alice === undefined) throw new Error('alice')
  await alice.commit('start')
  await alice.git('remote', 'remove', 'origin').ok()
  await alice.inProcess('init').ok()
  expect(isRefusal(await takeLease(storeOf(alice), 'job', { purpose: 'one' }))).toBe(false)
  const store = storeOf(alice)
  const common = join(alice.path, '.git')
  const left = join(common, 'refs/dstack/lease/job.lock')
  writeFileSync(left, '')
  const dead = { pid: 4_194_305, host: store.env.host, start: '1', boot: 'another' }
  symlinkSync(JSON.stringify(dead), join(common, 'dstack/lock'))
  const taken = await takeLease(store, 'job', { purpose: 'two', ttl: 100 })
  expect(taken).toMatchObject({ purpose: 'two', mine: true })
  expect(existsSync(left)).toBe(false)
})
