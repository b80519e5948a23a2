// Travelling when the straight way is closed: contention, a host that refuses our refs, a clone of another shape.

import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MEMORY, type Store, storeOf, viewRef } from '../../src/store/store'
import { exportBundle, foldCarrier, sync, unsynced } from '../../src/sync/sync'
import { makeHub } from '../simulate/world'
import { addClone, at, dispose, gitIn, type Hub, put, type SimClone, texts } from '../store/clones'

let hub: Hub
let alice: SimClone
let bob: SimClone

beforeEach(() => {
  hub = makeHub(0, 'sync')
  alice = addClone(hub, 'alice')
  bob = addClone(hub, 'bob')
})
afterEach(() => dispose(hub))

const git = (clone: SimClone, ...args: string[]) => gitIn(hub.root, clone.dir, args)
const remoteRefs = () => gitIn(hub.root, hub.bare, ['for-each-ref', '--format=%(refname)']).trim().split('\n')

/** The host accepts nothing but branches and tags. */
function refuseOurRefs(): void {
  const hook = join(hub.bare, 'hooks', 'update')
  writeFileSync(
    hook,
    '#!/bin/sh\ncase "$1" in refs/heads/*|refs/tags/*) exit 0;; esac\necho "only branches and tags here" >&2\nexit 1\n',
  )
  chmodSync(hook, 0o755)
}

describe('under contention', () => {
  /** Somebody is always faster on the shared refs; refs of one's own are free. */
  const overtaken = (store: Store): Store =>
    storeOf(store.env, {
      ...store.repo,
      push: (remote, updates, limit) =>
        updates.some(({ dst }) => dst.includes('/inbox/'))
          ? store.repo.push(remote, updates, limit)
          : Promise.resolve(updates.map(({ dst }) => ({ dst, outcome: 'raced' as const, reason: 'fetch first' }))),
    })

  test('a writer is never starved: its inbox carries the state, and whoever syncs next takes it in', async () => {
    put(at(hub, alice), 'k/a', 'from alice')
    const report = await sync(overtaken(at(hub, alice)))
    expect(report.refs).toEqual([expect.objectContaining({ ref: MEMORY, outcome: 'inbox' })])
    expect(report.checked).toBe(true)
    expect(remoteRefs().filter((ref) => ref.startsWith('refs/dstack/'))).toEqual([
      expect.stringMatching(/^refs\/dstack\/inbox\//),
    ])
    put(at(hub, bob), 'k/b', 'from bob')
    await sync(at(hub, bob))
    expect([...viewRef(at(hub, bob), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
    expect(remoteRefs().filter((ref) => ref.startsWith('refs/dstack/'))).toEqual([MEMORY])
    await sync(at(hub, alice))
    expect(git(alice, 'rev-parse', MEMORY)).toBe(git(bob, 'rev-parse', MEMORY))
    expect(git(alice, 'for-each-ref', 'refs/dstack-remotes/origin/state/inbox')).toBe('')
  })
})

describe('a host that allows only branches', () => {
  test('the state travels on a branch of its own from then on, and it is said', async () => {
    refuseOurRefs()
    put(at(hub, alice), 'k/a', 'from alice')
    const report = await sync(at(hub, alice))
    expect(report.transport).toBe('branch:dstack-state')
    expect(report.warnings.join()).toContain('only branches and tags here')
    expect(report.checked).toBe(true)
    expect(remoteRefs()).toEqual(['refs/heads/dstack-state'])

    put(at(hub, bob), 'k/b', 'from bob')
    await sync(at(hub, bob))
    expect([...viewRef(at(hub, bob), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
    git(alice, 'fetch', '-q')
    expect(texts(at(hub, alice), 'k/b')).toEqual(['from bob'])
    put(at(hub, alice), 'k/c', 'again')
    expect(await sync(at(hub, alice))).toMatchObject({ sent: 1, checked: true })
    expect(git(alice, 'status', '--porcelain')).toBe('')
    const carriers = gitIn(hub.root, hub.bare, ['log', '--first-parent', '--format=%s', 'dstack-state']).split('\n')
    expect(carriers.filter((subject) => subject === 'dstack: state')).toHaveLength(3)
    expect(gitIn(hub.root, hub.bare, ['fsck', '--strict', '--no-dangling'])).toBe('')
  })

  test('a sync with nothing to do makes no commit', async () => {
    refuseOurRefs()
    put(at(hub, alice), 'k/a', 'a')
    await sync(at(hub, alice))
    const tip = gitIn(hub.root, hub.bare, ['rev-parse', 'dstack-state'])
    expect(await sync(at(hub, alice))).toMatchObject({ sent: 0, received: 0, checked: true })
    expect(gitIn(hub.root, hub.bare, ['rev-parse', 'dstack-state'])).toBe(tip)
  })

  test('with the transport chosen by hand, a refusal is reported with what the host said, and kept work is counted', async () => {
    refuseOurRefs()
    git(alice, 'config', 'dstack.transport', 'refs')
    put(at(hub, alice), 'k/a', 'a')
    await expect(sync(at(hub, alice))).rejects.toMatchObject({ code: 'REMOTE_REFUSED', exit: 69 })
    expect(unsynced(at(hub, alice))).toBe(1)
    await expect(sync(at(hub, alice), { background: true })).rejects.toThrow(/not tried again before/)
  })
})

describe('clones of other shapes', () => {
  test('a shallow clone reads, writes and syncs', async () => {
    for (const text of ['one', 'two', 'three']) put(at(hub, alice), 'k/a', text)
    git(alice, 'commit', '-q', '--allow-empty', '-m', 'code')
    git(alice, 'push', '-q', 'origin', 'HEAD:main')
    await sync(at(hub, alice))
    const shallow = addClone(hub, 'shallow')
    git(shallow, 'fetch', '-q', '--depth=1', 'origin')
    expect(texts(at(hub, shallow), 'k/a')).toEqual(['three'])
    put(at(hub, shallow), 'k/a', 'four')
    expect(await sync(at(hub, shallow))).toMatchObject({ checked: true })
    await sync(at(hub, alice))
    expect(texts(at(hub, alice), 'k/a')).toEqual(['four'])
    expect(git(alice, 'rev-list', '--count', MEMORY).trim()).toBe('4')
  })

  test('a blobless clone holds our documents whole after a sync, also without the remote', async () => {
    gitIn(hub.root, hub.bare, ['config', 'uploadpack.allowFilter', 'true'])
    put(at(hub, alice), 'k/a', 'one')
    await sync(at(hub, alice))
    const partial = addClone(hub, 'partial')
    git(partial, 'config', 'remote.origin.promisor', 'true')
    git(partial, 'config', 'remote.origin.partialclonefilter', 'blob:none')
    await sync(at(hub, partial))
    git(partial, 'remote', 'set-url', 'origin', '/nowhere')
    expect(texts(at(hub, partial), 'k/a')).toEqual(['one'])
  })

  test('a bundle carries everything to a clone without network', async () => {
    put(at(hub, alice), 'k/a', 'one')
    const { refs } = exportBundle(at(hub, alice), join(hub.root, 'state.bundle'))
    expect(refs).toEqual([MEMORY])
    put(at(hub, bob), 'k/b', 'two')
    await foldCarrier(at(hub, bob), join(hub.root, 'state.bundle'))
    expect([...viewRef(at(hub, bob), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
  })

  test('a folder that carries nothing, and a name that could be an option, are refused', async () => {
    await expect(foldCarrier(at(hub, bob), alice.dir)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(foldCarrier(at(hub, bob), '--upload-pack=x')).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('plain git', () => {
  test('fetch.prune, remote rename and gc take nothing of ours away', async () => {
    put(at(hub, alice), 'k/a', 'published')
    await sync(at(hub, alice))
    put(at(hub, alice), 'k/b', 'not published')
    git(alice, 'config', 'fetch.prune', 'true')
    gitIn(hub.root, hub.bare, ['update-ref', '-d', MEMORY])
    git(alice, 'fetch', '-q')
    git(alice, 'remote', 'rename', 'origin', 'upstream')
    git(alice, 'gc', '-q', '--prune=now')
    expect([...viewRef(at(hub, alice), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
    await expect(sync(at(hub, alice))).rejects.toMatchObject({ code: 'NO_REMOTE' })
    git(alice, 'config', 'dstack.remote', 'upstream')
    expect(await sync(at(hub, alice))).toMatchObject({ checked: true })
    await sync(at(hub, bob))
    expect([...viewRef(at(hub, bob), MEMORY).all().keys()].sort()).toEqual(['k/a', 'k/b'])
  })

  test('pushes our refs itself with a glob', async () => {
    put(at(hub, alice), 'k/a', 'one')
    git(alice, 'push', '-q', 'origin', 'refs/dstack/*')
    git(bob, 'fetch', '-q')
    expect(texts(at(hub, bob), 'k/a')).toEqual(['one'])
  })
})
