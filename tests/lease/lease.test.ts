// Leases between two clones of a real bare remote. The machines' clocks are turned by hand.

import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DstackError, isRefusal } from '../../src/errors'
import { holdsLease, listLeases, readLease, releaseLease, takeLease, verifyLease } from '../../src/lease/lease'
import { openStore, type Store } from '../../src/store/store'
import { exportBundle, sync, unsynced } from '../../src/sync/sync'
import { gitIn } from '../simulate/world'
import { applyPolicy } from '../support/policies'
import { dispose, got, type Machine, makeWorld, REF, refused, remoteTip, type World } from './world'

let world: World
let alice: Machine
let bob: Machine

beforeEach(() => {
  world = makeWorld()
  alice = world.alice
  bob = world.bob
})
afterEach(() => dispose(world.hub))

const take = (store: Store, ttl?: number) =>
  takeLease(store, 'job', { purpose: 'a job', ...(ttl === undefined ? {} : { ttl }) })
const tip = () => remoteTip(world.hub)
const offline = (store: Store): Partial<Store['repo']> => {
  const fail = () => Promise.reject(new Error(`${store.repo.gitDir} talked to the network`))
  return { fetch: fail, push: fail, remoteTips: fail }
}
const code = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  )
  return error instanceof DstackError ? [error.code, error.exit] : error
}

describe('taking', () => {
  test('it is a commit that people and programs read', async () => {
    const lease = got(await take(alice.store({ DSTACK_SESSION: 'session-7' })))
    expect(lease).toMatchObject({
      name: 'job',
      id: tip(),
      holder: 'alice <alice@example.com>',
      host: 'alice-host',
      session: 'session-7',
      ttl: 900,
      state: 'held',
      purpose: 'a job',
      mine: true,
      age: 0,
    })
    const log = gitIn(world.hub.root, world.hub.bare, ['log', '--format=%an: %B', REF])
    expect(log).toContain('alice: lease: job taken by alice on alice-host (15 min)\n\na job\n\nDstack-Lease: job\n')
    expect(JSON.parse(gitIn(world.hub.root, world.hub.bare, ['show', `${REF}:lease.json`]))).toMatchObject({
      type: 'lease',
      holder: 'alice <alice@example.com>',
      nonce: expect.any(String),
      clone: expect.any(String),
    })
  })

  test('what is held by another is refused, and says by whom, where, since when and what to do', async () => {
    got(await take(alice.store({ CLAUDE_SESSION_ID: 'session-7' })))
    const first = refused(await take(bob.store()))
    expect(first).toMatchObject({
      refused: 'CONTENDED',
      data: { wait: 900, lease: { id: tip(), mine: false, age: 0 } },
    })
    expect(first.message).toBe(
      'job is held by alice <alice@example.com> on alice-host (agent session session-7) for "a job", seen here for the first time just now.',
    )
    bob.run(600)
    const later = refused(await take(bob.store()))
    expect(later.message).toContain('unchanged here for 10 min')
    expect(later.hint).toContain('taken over in 5 min')
    expect(later.hint).toContain('git dstack lease release job')
  })

  test('our own needs no network while it is young, and is renewed when a third has passed', async () => {
    const first = got(await take(alice.store()))
    alice.run(299)
    expect(got(await take(alice.faulty(offline)))).toMatchObject({ id: first.id, age: 299 })
    alice.run(2)
    const second = got(await take(alice.store()))
    expect(second.id).not.toBe(first.id)
    expect(tip()).toBe(second.id)
    expect(alice.git('rev-parse', `${second.id}^`).trim()).toBe(first.id)
    expect(got(await take(alice.faulty(offline))).id).toBe(second.id)
    expect(got(await take(alice.store(), 60)), 'another time asked for is a renewal').toMatchObject({ ttl: 60 })
  })

  test('names, times and purposes are looked at first', async () => {
    expect(await code(takeLease(alice.store(), '../x', { purpose: '' }))).toEqual(['USAGE', 64])
    for (const ttl of [1, 0, 2.5, 100_000, Number.NaN])
      expect(await code(take(alice.store(), ttl))).toEqual(['USAGE', 64])
    const secret = `token ghp_${'16C7e42F292c6912E7710c838347Ae178B4a'}`
    expect(refused(await takeLease(alice.store(), 'job', { purpose: secret })).refused).toBe('SECRET')
    expect(tip()).toBe('')
  })
})

describe('a takeover', () => {
  test('only after the whole time, seen unchanged on the own clock of who takes it', async () => {
    const first = got(await take(alice.store(), 100))
    bob.run(10_000) // whatever went by before the first sight
    expect(isRefusal(await take(bob.store()))).toBe(true)
    bob.run(99.9)
    expect(isRefusal(await take(bob.store()))).toBe(true)
    bob.run(0.1)
    const taken = got(await take(bob.store()))
    expect(tip()).toBe(taken.id)
    expect(bob.git('rev-parse', `${taken.id}^`).trim()).toBe(first.id)
    expect(bob.git('log', '-1', '--format=%B', taken.id)).toContain(`Dstack-Lease-Expired: ${first.id}`)
  })

  test('a renewal, a restart and sleep each begin the time anew', async () => {
    got(await take(alice.store(), 100))
    expect(isRefusal(await take(bob.store()))).toBe(true)
    alice.run(40)
    got(await take(alice.store(), 100))
    bob.run(101)
    expect(refused(await take(bob.store())).data, 'renewed').toMatchObject({ wait: 100 })
    bob.restart()
    bob.run(200)
    expect(refused(await take(bob.store())).data, 'restarted').toMatchObject({ wait: 100 })
    bob.sleep(200)
    expect(refused(await take(bob.store())).data, 'slept').toMatchObject({ wait: 100 })
    bob.run(100)
    got(await take(bob.store()))
  })

  test('wall clocks a year apart change nothing', async () => {
    const day = 86_400
    alice.clone.skew = -200 * day
    bob.clone.skew = 200 * day
    got(await take(alice.store(), 100))
    expect(refused(await take(bob.store())).data).toMatchObject({ wait: 100 })
    bob.clone.skew = -400 * day
    bob.run(50)
    expect(refused(await take(bob.store())).data).toMatchObject({ wait: 50 })
    bob.run(50)
    got(await take(bob.store()))
  })

  test('at once when it was released', async () => {
    got(await take(alice.store()))
    expect(isRefusal(await take(bob.store()))).toBe(true)
    expect(await releaseLease(alice.store(), 'job')).toBe('released')
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(readLease(alice.store(), 'job')).toMatchObject({ state: 'released', mine: false })
    expect(await releaseLease(alice.faulty(offline), 'job')).toBe('not-held')
    const taken = got(await take(bob.store()))
    expect(await releaseLease(alice.store(), 'job')).toBe('not-held')
    expect(tip()).toBe(taken.id)
  })
})

describe('a holder', () => {
  /** A step that can't be taken back, as its callers guard it. */
  async function guarded(store: Store, write: (token: string) => void): Promise<void> {
    const lease = await verifyLease(store, 'job')
    if (!isRefusal(lease)) write(lease.id)
  }

  test('that was suspended past its time does not write, whether or not somebody took over', async () => {
    const writes: string[] = []
    const lease = got(await take(alice.store(), 2))
    await guarded(alice.store(), (token) => writes.push(token))
    expect(writes).toEqual([lease.id])
    alice.run(0.9)
    expect(holdsLease(alice.store(), 'job')).toMatchObject({ id: lease.id })
    alice.run(0.1)
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(refused(await verifyLease(alice.store(), 'job')).message).toContain('its 2 s were over')
    expect(isRefusal(await take(bob.store()))).toBe(true)
    bob.run(2)
    const next = got(await take(bob.store()))
    const lost = refused(await verifyLease(alice.store(), 'job'))
    expect(lost).toMatchObject({ refused: 'CONTENDED', data: { lease: { id: next.id } } })
    expect(lost.message).toContain('bob <bob@example.com> on bob-host has it now')
    await guarded(alice.store(), (token) => writes.push(token))
    expect(writes).toEqual([lease.id])
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(isRefusal(await take(alice.store()))).toBe(true)
  })

  test('whose machine slept, restarted or lost its bookkeeping does not hold it', async () => {
    got(await take(alice.store(), 10))
    alice.sleep(9)
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    got(await take(alice.store()))
    expect(holdsLease(alice.store(), 'job')).not.toBeNull()
    alice.restart()
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    const again = got(await take(alice.store()))
    expect(again.id, 'nobody else can have it: renewed at once').toBe(tip())
    writeFileSync(join(alice.clone.dir, '.git/dstack/leases.json'), '{"v":1,')
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(isRefusal(await take(alice.store()))).toBe(true)
  })

  test('sees without network that somebody else has it, when that was fetched', async () => {
    got(await take(alice.store(), 60))
    // Bob is wrong about time by a bug or a trick: the holder still notices.
    const bobs = bob.store()
    const forced = gitIn(world.hub.root, bob.clone.dir, ['fetch', 'origin', REF])
    expect(forced).toBe('')
    const other = bob.git('commit-tree', '-p', 'FETCH_HEAD', '-m', 'mine now', 'FETCH_HEAD^{tree}').trim()
    bob.git('push', '-q', 'origin', `${other}:${REF}`)
    expect(bobs.repo.has(other)).toBe(true)
    expect(holdsLease(alice.store(), 'job')).not.toBeNull()
    alice.git('fetch', '-q')
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(refused(await verifyLease(alice.store(), 'job')).message).toContain('it was taken over')
  })

  test('is one working tree: neither a copy of the clone nor another worktree holds it', async () => {
    const lease = got(await take(alice.store()))
    const copy = `${alice.clone.dir}-copy`
    cpSync(alice.clone.dir, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    const inCopy = openStore(alice.env(), copy)
    expect(holdsLease(inCopy, 'job')).toBeNull()
    expect(readLease(inCopy, 'job')).toMatchObject({ id: lease.id, mine: false })
    expect(isRefusal(await take(inCopy))).toBe(true)
    // Put back over the original, as from a backup, it is not the file that it says it is.
    const book = join(alice.clone.dir, '.git/dstack/leases.json')
    cpSync(book, `${book}.bak`)
    rmSync(book)
    cpSync(`${book}.bak`, book)
    expect(holdsLease(alice.store(), 'job')).toBeNull()
  })
})

describe('a push that ended in the middle', () => {
  const killed = new Error('killed')

  /** What the dead process left is what the next one finds. */
  async function dies(store: Store): Promise<void> {
    await expect(take(store)).rejects.toBe(killed)
  }

  test('killed before it: the next one takes it as if nothing had been', async () => {
    await dies(alice.faulty(() => ({ push: () => Promise.reject(killed) })))
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(tip()).toBe('')
    const lease = got(await take(bob.store()))
    expect(tip()).toBe(lease.id)
    expect(isRefusal(await take(alice.store()))).toBe(true)
  })

  test('killed after it: nobody else gets it, and its owner finds it again', async () => {
    const push = ({ repo }: Store): Partial<Store['repo']> => ({
      push: async (...args) => {
        await repo.push(...args)
        throw killed
      },
    })
    await dies(alice.faulty(push))
    const arrived = tip()
    expect(arrived).not.toBe('')
    expect(holdsLease(alice.store(), 'job'), 'not before somebody asked').toBeNull()
    expect(isRefusal(await take(bob.store()))).toBe(true)
    expect(got(await take(alice.store()))).toMatchObject({ id: arrived })
    expect(holdsLease(alice.store(), 'job')).toMatchObject({ id: arrived })

    alice.run(400)
    await dies(alice.faulty(push))
    expect(tip(), 'the renewal arrived').not.toBe(arrived)
    expect(got(await verifyLease(alice.store(), 'job'))).toMatchObject({ id: tip() })
    await expect(releaseLease(alice.faulty(push), 'job')).rejects.toBe(killed)
    expect(holdsLease(alice.store(), 'job'), 'a release may be on its way').toBeNull()
    expect(await releaseLease(alice.store(), 'job')).toBe('released')
    got(await take(bob.store()))
  })

  test('killed before a release arrived: only a new commit makes it ours again', async () => {
    const lease = got(await take(alice.store()))
    await expect(
      releaseLease(
        alice.faulty(() => ({ push: () => Promise.reject(killed) })),
        'job',
      ),
    ).rejects.toBe(killed)
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(isRefusal(await verifyLease(alice.store(), 'job'))).toBe(true)
    expect(isRefusal(await take(bob.store()))).toBe(true)
    const again = got(await take(alice.store()))
    expect(again.id).not.toBe(lease.id)
    expect(tip()).toBe(again.id)
  })

  test('a lost answer is settled by what the remote has', async () => {
    const lost = new DstackError('REMOTE_UNAVAILABLE', 'The remote did not answer in time (git push).')
    const arrives = alice.faulty(({ repo }) => ({
      push: async (...args) => {
        await repo.push(...args)
        throw lost
      },
    }))
    expect(got(await take(arrives))).toMatchObject({ id: tip() })
    expect(holdsLease(alice.store(), 'job')).not.toBeNull()
    expect(await releaseLease(alice.store(), 'job')).toBe('released')
    const before = tip()
    const vanishes = alice.faulty(() => ({ push: () => Promise.reject(lost) }))
    await expect(take(vanishes)).rejects.toBe(lost)
    expect(tip()).toBe(before)
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    // What arrives late, of all things after its owner had given it up: still its own.
    let late: () => Promise<unknown> = () => Promise.resolve()
    const arrivesLate = alice.faulty(({ repo }) => ({
      push: (...args) => {
        late = () => repo.push(...args)
        return Promise.reject(lost)
      },
    }))
    await expect(take(arrivesLate)).rejects.toBe(lost)
    await late()
    expect(got(await take(alice.store()))).toMatchObject({ id: tip() })
    expect(isRefusal(await take(bob.store()))).toBe(true)
  })

  test('a remote that is too slow for so short a lease', async () => {
    const slow = alice.faulty(({ repo }) => ({
      push: async (...args) => {
        alice.run(3)
        return repo.push(...args)
      },
    }))
    expect(refused(await take(slow, 2)).message).toContain('answers too slowly for 2 s')
    expect(holdsLease(alice.store(), 'job')).toBeNull()
  })
})

describe('remotes that do not do it', () => {
  test('one that can not be reached changes nothing', async () => {
    const lease = got(await take(alice.store()))
    alice.git('config', 'remote.origin.url', join(world.hub.root, 'gone.git'))
    alice.run(400)
    for (const call of [
      take,
      (store: Store) => verifyLease(store, 'job'),
      (store: Store) => releaseLease(store, 'job'),
    ]) {
      expect(await code(call(alice.store()))).toEqual(['REMOTE_UNAVAILABLE', 69])
    }
    expect(holdsLease(alice.store(), 'job')).toMatchObject({ id: lease.id })
    expect(tip()).toBe(lease.id)
  })

  test.each(['denies-our-refs', 'hides-our-refs', 'heads-and-tags'] as const)('%s', async (policy) => {
    applyPolicy(world.hub.bare, policy)
    expect(await code(take(alice.store()))).toEqual(['REMOTE_REFUSED', 69])
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(await releaseLease(alice.store(), 'job')).toBe('not-held')
  })

  test('one that refuses a release leaves it held', async () => {
    const lease = got(await take(alice.store()))
    applyPolicy(world.hub.bare, 'denies-our-refs')
    expect(await code(releaseLease(alice.store(), 'job'))).toEqual(['REMOTE_REFUSED', 69])
    expect(holdsLease(alice.store(), 'job')).toMatchObject({ id: lease.id })
  })

  test('a branch that carries the state carries no leases, and says so', async () => {
    alice.git('config', 'dstack.transport', 'branch:dstack-state')
    for (const call of [
      take,
      (store: Store) => verifyLease(store, 'job'),
      (store: Store) => releaseLease(store, 'job'),
    ]) {
      expect(await code(call(alice.store()))).toEqual(['REMOTE_REFUSED', 69])
    }
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(listLeases(alice.store())).toEqual([])
  })

  test('an elected remote that is gone is no reason to decide alone', async () => {
    alice.git('remote', 'remove', 'origin')
    expect(await code(take(alice.store()))).toEqual(['NO_REMOTE', 69])
  })

  test('something else on the ref counts as held for a day', async () => {
    const other = alice.git('commit-tree', '-m', 'something', alice.git('mktree', '--missing').trim() || '').trim()
    alice.git('push', '-q', 'origin', `${other}:${REF}`)
    expect(refused(await take(bob.store())).message).toContain('held by somebody on an unknown host')
    bob.run(86_400)
    got(await take(bob.store()))
  })
})

describe('where no remote is elected', () => {
  beforeEach(() => alice.git('config', '--unset', 'dstack.remote'))

  const inWorktree = (): Store => {
    const tree = `${alice.clone.dir}-tree`
    alice.git('commit', '-q', '--allow-empty', '-m', 'start')
    alice.git('worktree', 'add', '-q', '--detach', tree)
    return openStore(alice.env(), tree)
  }

  test('the worktrees of the clone compete for the local ref', async () => {
    const other = inWorktree()
    const lease = got(await take(alice.store(), 100))
    expect(alice.git('rev-parse', REF).trim()).toBe(lease.id)
    expect(holdsLease(alice.store(), 'job')).toMatchObject({ id: lease.id })
    expect(holdsLease(other, 'job')).toBeNull()
    expect(readLease(other, 'job')).toMatchObject({ id: lease.id, mine: false })
    expect(refused(await take(other)).data).toMatchObject({ wait: 100 })
    alice.run(100)
    const taken = got(await take(other))
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    expect(isRefusal(await verifyLease(alice.store(), 'job'))).toBe(true)
    expect(await releaseLease(other, 'job')).toBe('released')
    expect(alice.git('rev-parse', `${REF}^`).trim()).toBe(taken.id)
    got(await take(alice.store()))
  })

  test('at the same time: one holder', async () => {
    const other = inWorktree()
    const answers = await Promise.all([take(alice.store()), take(other)])
    expect(answers.filter(isRefusal)).toHaveLength(1)
  })

  test('what was taken then is no lease of the remote that is elected later', async () => {
    got(await take(alice.store(), 100))
    expect(unsynced(alice.store())).toBe(0)
    alice.git('config', 'dstack.remote', 'origin')
    expect(holdsLease(alice.store(), 'job')).toBeNull()
    const bobs = got(await take(bob.store(), 100))
    const report = await sync(alice.store())
    expect(report).toMatchObject({ checked: true, refs: [] })
    expect(tip()).toBe(bobs.id)
    expect(isRefusal(await take(alice.store()))).toBe(true)
    alice.run(100)
    got(await take(alice.store()))
    expect(alice.git('for-each-ref', 'refs/dstack/lease')).toBe('')
  })

  test('without a rival its line goes on on the remote', async () => {
    const local = got(await take(alice.store(), 100))
    alice.git('config', 'dstack.remote', 'origin')
    expect(isRefusal(await take(alice.store())), 'whoever took it may still be at work').toBe(true)
    alice.run(100)
    const lease = got(await take(alice.store()))
    expect(tip()).toBe(lease.id)
    expect(alice.git('rev-parse', `${lease.id}^`).trim()).toBe(local.id)
  })
})

describe('beside everything else that travels', () => {
  test('sync, plain push and plain fetch leave leases as they are', async () => {
    got(await take(alice.store(), 100))
    const first = tip()
    expect(await sync(alice.store())).toMatchObject({ checked: true, sent: 0 })
    expect(await sync(bob.store())).toMatchObject({ checked: true, received: 0 })
    expect(unsynced(bob.store())).toBe(0)
    bob.git('fetch', '-q', '--prune')
    expect(listLeases(bob.store())).toMatchObject([{ name: 'job', id: first, mine: false, age: null }])
    expect(isRefusal(await take(bob.store()))).toBe(true)
    bob.run(100)
    const next = got(await take(bob.store()))
    // Alice's clone knows nothing of it yet; whatever plain git does there, it can't bring her lease back.
    alice.git('config', 'push.default', 'nothing')
    alice.git('commit', '-q', '--allow-empty', '-m', 'start')
    alice.git('update-ref', 'refs/dstack/plans', 'HEAD')
    alice.git('push', '-q', 'origin', 'refs/dstack/*')
    expect(tip()).toBe(next.id)
    await sync(alice.store())
    alice.git('fetch', '-q')
    expect(tip()).toBe(next.id)
    expect(readLease(alice.store(), 'job')).toMatchObject({ id: next.id, mine: false })
    expect(exportBundle(alice.store(), join(world.hub.root, 'b.bundle')).refs).toEqual(['refs/dstack/plans'])
  })

  test('list shows what is known here, and whose it is', async () => {
    got(await takeLease(alice.store(), 'b', { purpose: 'one' }))
    got(await takeLease(alice.store(), 'a', { purpose: 'two' }))
    expect(await releaseLease(alice.store(), 'b')).toBe('released')
    expect(listLeases(alice.store())).toMatchObject([
      { name: 'a', state: 'held', mine: true, age: 0 },
      { name: 'b', state: 'released', mine: false },
    ])
    expect(listLeases(bob.store())).toEqual([])
    expect(readLease(bob.store(), 'a')).toBeNull()
  })

  test('works without the fetch refspecs of init, too', async () => {
    for (const machine of [alice, bob]) machine.git('config', '--unset-all', 'remote.origin.fetch')
    got(await take(alice.store()))
    expect(readLease(alice.store(), 'job')).toMatchObject({ mine: true })
    expect(isRefusal(await take(bob.store()))).toBe(true)
    expect(readLease(bob.store(), 'job')).toMatchObject({ mine: false, age: 0 })
  })

  test('two processes of one working tree are one holder', async () => {
    const [one, two] = await Promise.all([take(alice.store()), take(alice.store())])
    expect(got(one).id).toBe(tip())
    expect(got(two).id).toBe(tip())
  })
})
