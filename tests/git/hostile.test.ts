// A repository whose own configuration names programs: none of them runs, whatever we do in it.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DstackError } from '../../src/errors'
import { MEMORY, viewRef } from '../../src/store/store'
import { foldCarrier, sync } from '../../src/sync/sync'
import { makeHub } from '../simulate/world'
import { addClone, at, dispose, gitIn, type Hub, put, type SimClone } from '../store/clones'

let hub: Hub
let alice: SimClone
let canary: string

beforeEach(() => {
  hub = makeHub(0, 'hostile')
  alice = addClone(hub, 'alice')
  canary = join(hub.root, 'canary')
})
afterEach(() => dispose(hub))

/** Every key with which a repository can make git start a program, with a program that leaves a trace. */
function poison(clone: SimClone): void {
  const program = join(hub.root, 'evil.sh')
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${canary}\nexit 1\n`)
  chmodSync(program, 0o755)
  const hooks = join(hub.root, 'hooks')
  mkdirSync(hooks)
  for (const hook of [
    'pre-push',
    'reference-transaction',
    'post-checkout',
    'pre-auto-gc',
    'post-index-change',
    'fsmonitor-watchman',
  ]) {
    writeFileSync(join(hooks, hook), `#!/bin/sh\necho hook ${hook} >> ${canary}\n`)
    chmodSync(join(hooks, hook), 0o755)
  }
  const settings: Record<string, string> = {
    'core.fsmonitor': program,
    'core.hooksPath': hooks,
    'core.pager': program,
    'core.editor': program,
    'core.sshCommand': program,
    'core.askPass': program,
    'core.alternateRefsCommand': program,
    'credential.helper': `!${program}`,
    'diff.external': program,
    'gpg.program': program,
    'commit.gpgSign': 'true',
    'push.gpgSign': 'if-asked',
    'interactive.diffFilter': program,
    'pager.log': program,
    'pager.for-each-ref': program,
    'remote.origin.uploadpack': program,
    'remote.origin.receivepack': program,
    'uploadpack.packObjectsHook': program,
    'log.showSignature': 'true',
    'gpg.ssh.program': program,
    'alias.log': `!${program}`,
    'alias.cat-file': `!${program}`,
    'trace2.eventTarget': canary,
    'gc.auto': '1',
    'gc.recentObjectsHook': program,
  }
  for (const [name, value] of Object.entries(settings)) gitIn(hub.root, clone.dir, ['config', name, value])
}

test('write, read, history, sync and fold start none of them', async () => {
  put(at(hub, alice), 'k/x', 'one')
  await sync(at(hub, alice))
  const other = addClone(hub, 'other')
  put(at(hub, other), 'k/y', 'two')
  poison(alice)
  put(at(hub, alice), 'k/x', 'three')
  const store = at(hub, alice)
  viewRef(store, MEMORY).all()
  store.repo.log([MEMORY])
  store.repo.tips('refs/')
  store.repo.git(['status', '--porcelain=v2', '--branch'])
  await foldCarrier(at(hub, alice), other.dir)
  expect(await sync(at(hub, alice))).toMatchObject({ checked: true })
  gitIn(hub.root, alice.dir, ['config', 'remote.origin.url', 'ssh://git@127.0.0.1:1/x'])
  await expect(sync(at(hub, alice))).rejects.toBeInstanceOf(DstackError)
  expect(existsSync(canary)).toBe(false)
  gitIn(hub.root, alice.dir, ['status']) // the control: plain git does start them
  expect(existsSync(canary)).toBe(true)
})

test.each([
  'ext::sh -c touch% canary',
  'EXT::sh -c touch% canary',
  '--upload-pack=touch canary',
  '-oProxyCommand=touch canary',
])('the URL %s is refused', async (url) => {
  gitIn(hub.root, alice.dir, ['config', 'remote.origin.url', url])
  put(at(hub, alice), 'k/x', 'one')
  await expect(sync(at(hub, alice))).rejects.toBeInstanceOf(DstackError)
  expect(existsSync(join(alice.dir, 'canary'))).toBe(false)
})

test('a remote helper named by the repository is refused, and said so', async () => {
  gitIn(hub.root, alice.dir, ['config', 'remote.origin.vcs', 'evil'])
  await expect(sync(at(hub, alice))).rejects.toMatchObject({ code: 'UNTRUSTED' })
})

test("http and git:// need the person's own yes", async () => {
  gitIn(hub.root, alice.dir, ['config', 'dstack.allowProtocol', 'http git'])
  for (const url of ['http://127.0.0.1:1/x', 'git://127.0.0.1:1/x']) {
    gitIn(hub.root, alice.dir, ['config', 'remote.origin.url', url])
    await expect(sync(at(hub, alice))).rejects.toMatchObject({ code: 'REMOTE_REFUSED' })
  }
})
