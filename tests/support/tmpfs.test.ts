import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expectSound } from './auditor'
import { needs } from './programs'
import { expect, test } from './test'
import { smallDisk } from './tmpfs'

const { skip, why } = needs('tmpfs')

test.skipIf(skip)(`a small disk fills up, is freed, and goes away with the test${why}`, async ({ world }) => {
  const hub = await world.remote()
  const alice = world.person('alice')
  const disk = await smallDisk(alice, { size: '600k' })
  await disk.clone.git('clone', '-q', hub.url, '.').ok()
  expect(existsSync(join(alice.path, '.git'))).toBe(false)
  expect(existsSync(join(disk.path, '.git'))).toBe(true)
  const full = await disk.clone.sh('dd if=/dev/zero of=ballast bs=1k count=2000')
  expect(full.stderr).toContain('No space left on device')
  expect((await disk.clone.sh('echo x | git hash-object -w --stdin')).status).toBe(128)
  rmSync(join(disk.path, 'ballast'))
  await disk.clone.sh('echo x | git hash-object -w --stdin').ok()
  await disk.close()
  await expectSound(alice.path)
  expect(existsSync(disk.path)).toBe(false)
})
