// A text that was redacted: gone everywhere, nothing else with it, whoever was away meanwhile.

import { vi } from 'vitest'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { bodies, KEY, MEMORY, meets, pin, redact, TEXT } from './clones'

// Each looks through every place that could show the text.
vi.setConfig({ testTimeout: 240_000 })

/** Three clones that hold the text, in two states and among other entries. */
async function three(world: World) {
  const clones = await world.clones('alice', 'bob', 'carol')
  const [alice, bob, carol] = clones
  for (const clone of clones) await clone.inProcess('init').ok()
  await alice.inProcess('remember', '--key', 'build/tool', 'The build uses pnpm').ok()
  await alice.inProcess('remember', '--key', KEY, TEXT).ok()
  await alice.inProcess('memory', 'confirm', KEY).ok()
  await bob.inProcess('remember', '--key', 'build/node', 'Node 20 or newer').ok()
  for (const clone of [...clones, ...clones]) await clone.inProcess('sync').ok()
  return { alice, bob, carol, clones }
}

describe('three clones', () => {
  test('one offline meanwhile: nobody shows the text, and what was written meanwhile is there', async ({ world }) => {
    const { alice, bob, carol, clones } = await three(world)
    const hub = world.remotes.get('hub')
    await pin(bob, 'alice@example.com')
    await pin(carol, 'alice@example.com')
    expect(await meets(bob)).toContain('recall')
    // Carol is away, and goes on writing on the old chain; she also writes at the very key.
    await carol.inProcess('remember', '--key', 'ops/pager', 'Page the one on duty').ok()
    await carol.inProcess('remember', '--key', 'build/tool', 'The build uses pnpm 9').ok()

    const done = await redact(alice, KEY, '--reason', 'a code')
    expect(done).toMatchObject({ ref: MEMORY, removes: true, sent: true })
    expect(done.removed).toHaveLength(2)
    expect(hub?.git('log', '-p', '-m', MEMORY)).not.toContain(TEXT)
    expect(await meets(alice)).toEqual([])
    expect(await alice.git('reflog', 'show', MEMORY).text()).not.toContain('remember')

    await bob.inProcess('sync').ok()
    expect(await meets(bob)).toEqual([])
    await carol.inProcess('sync').ok()
    expect(await meets(carol)).toEqual([])
    for (const clone of [...clones, ...clones]) await clone.inProcess('sync').ok()
    expect(hub?.git('log', '-p', '-m', MEMORY)).not.toContain(TEXT)
    const tips = await Promise.all(clones.map((clone) => clone.tip(MEMORY)))
    expect(new Set([...tips, hub?.tip(MEMORY)]).size).toBe(1)
    expect(await bodies(alice)).toEqual([
      'build/node: Node 20 or newer',
      'build/tool: The build uses pnpm 9',
      'ops/pager: Page the one on duty',
    ])
    // The chain is written again, not begun anew: authors and subjects stay, and each write is there once.
    const subjects = (await alice.git('log', '--format=%an %s', MEMORY).text()).split('\n')
    expect(subjects.filter((line) => line.includes('ops/pager'))).toHaveLength(1)
    expect(subjects.filter((line) => line.includes('build/node'))).toEqual([expect.stringContaining('bob')])
    expect(await alice.git('show', `${MEMORY}:deploy/${await folderOf(alice, KEY)}/code.md`).text()).toContain(
      'type: redacted',
    )
  })

  test('who only fetched does not meet the text either', async ({ world }) => {
    const { alice, bob } = await three(world)
    await pin(bob, 'alice@example.com')
    await redact(alice, KEY)
    await bob.git('fetch', '-q').ok()
    expect(await meets(bob)).toEqual([])
  })

  test('a chain that comes back from a clone that nobody updated is written again, and is not pushed on', async ({
    world,
  }) => {
    const { alice, bob, carol } = await three(world)
    const hub = world.remotes.get('hub')
    const old = await carol.tip(MEMORY)
    await pin(bob, 'alice@example.com')
    await redact(alice, KEY)
    await bob.inProcess('sync').ok()
    // As an older git dstack would: merges what it has with what is there, and pushes it by hand.
    await carol.git('fetch', '-q').ok()
    const clean = await carol.tip('refs/dstack-remotes/origin/state/memory')
    const tree = `${clean}^{tree}`
    const merge = await carol.git('commit-tree', '-m', 'dstack: merge', '-p', clean ?? '', '-p', old ?? '', tree).text()
    await carol.git('push', '-q', '--no-verify', 'origin', `${merge}:${MEMORY}`).ok()
    expect(hub?.git('log', '-p', '-m', MEMORY)).toContain(TEXT)
    await bob.inProcess('sync').ok()
    expect(await meets(bob)).toEqual([])
    expect(hub?.git('log', '-p', '-m', MEMORY)).not.toContain(TEXT)
  })

  test('by somebody who is not pinned: hidden and not pushed on, and nothing is removed', async ({ world }) => {
    const { bob, carol } = await three(world)
    const hub = world.remotes.get('hub')
    const before = await carol.tip(MEMORY)
    await carol.inProcess('remember', '--key', 'ops/pager', 'Page the one on duty').ok()
    await redact(bob, KEY)
    await carol.inProcess('sync').ok()
    expect(await meets(carol)).toEqual([])
    expect(hub?.git('log', '-p', '-m', MEMORY)).not.toContain(TEXT)
    expect(await bodies(carol)).toContain('ops/pager: Page the one on duty')
    const kept = await carol.refs('refs/dstack-local/redacted/')
    expect(kept).toHaveLength(1)
    expect(await carol.git('log', '-p', kept[0] ?? '').text()).toContain(TEXT)
    await carol.git('merge-base', '--is-ancestor', before ?? '', kept[0] ?? '').ok()
  })

  test('by somebody who is pinned nowhere, not even by themselves: the chain stays, readers pass it over', async ({
    world,
  }) => {
    const { bob, carol } = await three(world)
    const hub = world.remotes.get('hub')
    const before = hub?.tip(MEMORY)
    await pin(bob, 'alice@example.com')
    const done = await redact(bob, KEY)
    expect(done).toMatchObject({ removes: false, sent: true })
    expect(hub?.git('merge-base', '--is-ancestor', before ?? '', MEMORY)).toBe('')
    await carol.inProcess('sync').ok()
    for (const clone of [bob, carol]) {
      const where = await meets(clone)
      expect(where.filter((place) => !place.startsWith('log -p'))).toEqual([])
      expect(await clone.git('log', '-p', MEMORY).text()).toContain(TEXT)
    }
    // Who takes bob for a redactor takes it out, here and there.
    await pin(carol, 'bob@example.com')
    await carol.inProcess('sync').ok()
    expect(await meets(carol)).toEqual([])
    expect(hub?.git('log', '-p', '-m', MEMORY)).not.toContain(TEXT)
  })

  test('two texts, two redactors, one of them away: the same chain', async ({ world }) => {
    const { alice, bob, carol, clones } = await three(world)
    for (const clone of clones) await pin(clone, 'alice@example.com', 'bob@example.com')
    await redact(alice, KEY)
    await bob.inProcess('sync').ok()
    await redact(bob, 'build/node')
    for (const clone of [carol, alice, bob, carol]) await clone.inProcess('sync').ok()
    expect(new Set(await Promise.all(clones.map((clone) => clone.tip(MEMORY)))).size).toBe(1)
    expect(await meets(carol)).toEqual([])
    expect(await meets(carol, 'Node 20 or newer')).toEqual([])
  })
})

describe('what is redacted', () => {
  test('one of two versions in conflict: the other one stays and is shown', async ({ world }) => {
    const { alice, bob, clones } = await three(world)
    for (const clone of clones) await pin(clone, 'alice@example.com')
    await alice.inProcess('memory', 'correct', 'build/tool', TEXT).ok()
    await bob.inProcess('memory', 'correct', 'build/tool', 'The build uses yarn').ok()
    await alice.inProcess('sync').ok()
    await bob.inProcess('sync').ok()
    await alice.inProcess('sync').ok()
    const { versions } = await alice
      .inProcess('memory', 'show', 'build/tool')
      .json<{ versions: { oid: string; text: string }[] }>()
    expect(versions).toHaveLength(2)
    const secret = versions.find(({ text }) => text === TEXT)
    await redact(alice, secret?.oid.slice(0, 12) ?? '')
    await redact(alice, KEY)
    await bob.inProcess('sync').ok()
    for (const clone of [alice, bob]) {
      expect(await bodies(clone)).toContain('build/tool: The build uses yarn')
      expect(await meets(clone)).toEqual([])
    }
    expect(await alice.tip(MEMORY)).toBe(await bob.tip(MEMORY))
  })

  test('a version that only history holds', async ({ world }) => {
    const { alice } = await three(world)
    await alice.inProcess('memory', 'correct', KEY, 'Ask the one on duty').ok()
    await redact(alice, KEY, '--history')
    expect(await meets(alice)).toEqual([])
  })

  test('a write names its versions', async ({ world }) => {
    const { alice } = await three(world)
    const { commits } = await alice
      .inProcess('log', 'memory')
      .json<{ commits: { commit: string; subject: string }[] }>()
    const wrote = commits.find(({ subject }) => subject.includes(KEY))
    await redact(alice, wrote?.commit.slice(0, 10) ?? '')
    expect(await meets(alice)).toEqual([])
  })

  test('where there is no remote', async ({ world }) => {
    const dora = world.person('dora')
    await dora.with({ cwd: world.path }).git('init', '-q', dora.path).ok()
    await dora.inProcess('init').ok()
    await dora.inProcess('remember', '--key', KEY, TEXT).ok()
    expect(await redact(dora, KEY)).toMatchObject({ sent: null, removes: true })
    expect(await meets(dora)).toEqual([])
    expect((await dora.git('log', '-p', '-g', MEMORY)).stdout).not.toContain(TEXT)
  })

  test('nothing without a person, without a yes, or what nobody knows', async ({ world }) => {
    const { alice } = await three(world)
    const tip = await alice.tip(MEMORY)
    expect(await alice.with({ vars: { CLAUDECODE: '1' } }).inProcess('redact', KEY, '--confirm', 'x')).toMatchObject({
      status: 77,
    })
    const asked = await alice.inProcess('redact', KEY)
    expect(asked.status).toBe(77)
    expect(asked.stderr).toMatch(/^If it is a credential, rotate it now/)
    expect(asked.stderr).not.toContain(TEXT)
    expect((await alice.inProcess('redact', KEY, '--confirm', 'deadbeef')).status).toBe(2)
    expect((await alice.inProcess('redact', 'no/such/key')).status).toBe(1)
    expect(await alice.tip(MEMORY)).toBe(tip)
  })
})

async function folderOf(clone: { git(...args: string[]): { text(): Promise<string> } }, key: string): Promise<string> {
  const [top, leaf] = key.split('/')
  const files = await clone.git('ls-tree', '-r', '--name-only', MEMORY, `${top}/`).text()
  return (
    files
      .split('\n')
      .find((file) => file.endsWith(`/${leaf}.md`))
      ?.split('/')[1] ?? ''
  )
}
