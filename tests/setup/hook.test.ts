// The pre-push hook: state goes along with plain `git push`, and nothing that was there works otherwise than before.

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { init, uninstall } from '../../src/setup/setup'
import type { Clone } from '../support/clone'
import { silentServer } from '../support/servers'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'
import { BUT_OUR_REFS, bytesOf, envOf, remember, writeHook } from './support'

const MEMORY = 'refs/dstack/memory'
const hookOf = (clone: Clone) => join(clone.path, '.git', 'hooks', 'pre-push')
const onHub = (world: World, ref = MEMORY) => [...world.remotes.values()][0]?.tip(ref) ?? null

/** Writes down what the hook got, as a user's own would. */
const RECORD = 'echo "$0 $*" > seen-args; cat > seen-stdin\n'
const seen = (clone: Clone, what: 'args' | 'stdin') => readFileSync(join(clone.path, `seen-${what}`), 'utf8')

async function opted(world: World, name = 'alice'): Promise<Clone> {
  const [clone] = await world.clones(name)
  await init(envOf(clone))
  remember(clone, 'notes/build/tool')
  return clone
}

describe('git push', () => {
  test('takes the state along and says so in one line', async ({ world }) => {
    const alice = await opted(world)
    await alice.commit('code')
    const push = await alice.git('push').ok()
    expect(push.stderr.match(/^dstack: .*/gm)).toEqual(['dstack: 2 sent to origin'])
    expect(onHub(world)).toBe(await alice.tip(MEMORY))
    expect(onHub(world, 'refs/heads/main')).toBe(await alice.tip('HEAD'))
    await alice.commit('more code')
    expect((await alice.git('push').ok()).stderr).not.toMatch(/^dstack:/m)
  })

  test('also when nothing else is to be pushed', async ({ world }) => {
    const alice = await opted(world)
    expect((await alice.git('push').ok()).stderr).toBe('dstack: 2 sent to origin\nEverything up-to-date\n')
    expect(onHub(world)).toBe(await alice.tip(MEMORY))
  })

  test.for([
    ['push', '--dry-run'],
    ['push', '-n'],
    ['push', '-qnf', 'origin', 'main'],
    ['-c', 'advice.x=false', 'push', '--dry', 'origin'],
    ['aliased'],
    ['shelled', 'origin'],
  ])('git %s sends nothing', async (words, { world }) => {
    const alice = await opted(world)
    await alice.git('config', 'alias.aliased', 'push --dry-run').ok()
    await alice.git('config', 'alias.shelled', '!git push -n').ok()
    await alice.commit('code')
    expect((await alice.git(...words).ok()).stderr).not.toMatch(/^dstack:/m)
    expect(onHub(world)).toBeNull()
    expect((await alice.git('push', '--dry-run', '--no-dry-run').ok()).stderr).toMatch(/^dstack: 2 sent/m)
  })

  test('acts for the elected remote by its name only', async ({ world }) => {
    const alice = await opted(world)
    const fork = await world.remote('fork')
    await alice.git('remote', 'add', 'fork', fork.url).ok()
    await alice.commit('code')
    for (const target of ['fork', fork.url, [...world.remotes.values()][0]?.url ?? '']) {
      expect((await alice.git('push', '--quiet', target, 'HEAD:refs/heads/x').ok()).stderr).toBe('')
    }
    expect([onHub(world), fork.tip(MEMORY)]).toEqual([null, null])
  })

  test.for([
    ['by the environment', async (alice: Clone) => alice.with({ vars: { DSTACK_DISABLED: '1' } })],
    [
      'by dstack.disabled',
      async (alice: Clone) => {
        await alice.git('config', 'dstack.disabled', 'true').ok()
        return alice
      },
    ],
    [
      'because the clone was opted out by hand',
      async (alice: Clone) => {
        await alice.git('config', 'dstack.enabled', 'false').ok()
        return alice
      },
    ],
    [
      'because git-dstack is not on PATH',
      async (alice: Clone) =>
        alice.with({
          vars: {
            PATH: (process.env.PATH ?? '')
              .split(':')
              .filter((folder) => !existsSync(join(folder, 'git-dstack')))
              .join(':'),
          },
        }),
    ],
  ] as const)('sends nothing when switched off %s', async ([, off], { world }) => {
    const alice = await off(await opted(world))
    await alice.commit('code')
    expect((await alice.git('push').ok()).stderr).not.toMatch(/dstack:/)
    expect(onHub(world)).toBeNull()
  })

  test('a refused state is one line, and the code is pushed', async ({ world }) => {
    await world.remote('hub', { policy: 'denies-our-refs' })
    const alice = await opted(world)
    await alice.commit('code')
    const push = await alice.git('push').ok()
    expect(push.stderr.match(/^dstack: .*/gm)).toEqual([
      expect.stringMatching(/^dstack: not sent to origin: .*refs outside the team policy/),
    ])
    expect(onHub(world, 'refs/heads/main')).toBe(await alice.tip('HEAD'))
  })

  test('from a linked worktree, where git exports GIT_DIR', async ({ world }) => {
    const alice = await opted(world)
    await alice.git('worktree', 'add', '-q', '../side', '-b', 'side').ok()
    const side = alice.at(join(alice.path, '..', 'side'))
    expect((await side.git('push', '-q', 'origin', 'side').ok()).stderr).toBe('dstack: 2 sent to origin\n')
  })

  test('a remote that hangs does not hold the push beyond the limit', async ({ world }) => {
    const alice = await opted(world)
    const silent = await silentServer()
    world.onDispose(() => silent.close())
    await alice.git('config', 'remote.origin.url', `git://127.0.0.1:${silent.port}/x.git`).ok()
    await alice.git('config', 'remote.origin.pushurl', [...world.remotes.values()][0]?.url ?? '').ok()
    await alice.git('config', '--global', 'dstack.allowProtocol', 'git').ok()
    await alice.git('config', 'dstack.pushLimit', '1').ok()
    await alice.commit('code')
    const started = performance.now()
    const push = await alice.git('push').ok()
    expect(performance.now() - started).toBeLessThan(4_000)
    expect(push.stderr).toMatch(/^dstack: not sent to origin: .*(in time|within 1 s)/m)
    expect(onHub(world, 'refs/heads/main')).toBe(await alice.tip('HEAD'))
  })
})

describe('a hook that is there', () => {
  test.for([
    ['falls through', `#!/bin/sh\n${RECORD}`],
    ['ends with exit 0, as git’s own sample', `#!/bin/sh\n${RECORD}exit 0\n`],
    ['ends with exec', `#!/bin/sh\n${RECORD}exec true\n`],
    ['has a trap', `#!/bin/sh\ntrap 'echo bye >&2' EXIT\n${RECORD}`],
    ['is strict bash', `#!/usr/bin/env bash\nset -euo pipefail\n[[ $1 == origin ]]\n${RECORD}`],
    ['has no first line', RECORD],
  ])('and %s gets its arguments and standard input; the state goes behind it', async ([, text = ''], { world }) => {
    const [alice] = await world.clones('alice')
    writeHook(hookOf(alice), text)
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    const head = await alice.commit('code')
    const push = await alice.git('push').ok()
    expect(push.stderr).toMatch(/^dstack: 2 sent to origin$/m)
    expect(seen(alice, 'args')).toMatch(/hooks\/pre-push origin \S+hub\.git\n/)
    expect(seen(alice, 'stdin')).toMatch(new RegExp(`^refs/heads/main ${head} refs/heads/main [0-9a-f]{40}\n$`))
    await uninstall(envOf(alice))
    expect(readFileSync(hookOf(alice), 'utf8')).toBe(text)
  })

  test('decides alone: its refusal stops code and state', async ({ world }) => {
    const [alice] = await world.clones('alice')
    writeHook(hookOf(alice), '#!/bin/sh\necho no >&2\nexit 7\n')
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    await alice.commit('code')
    const push = await alice.git('push')
    expect(push.status).toBe(1)
    expect(push.stderr).toMatch(/^no$/m)
    expect(onHub(world)).toBeNull()
    await alice.git('push', '--no-verify').ok()
    expect(onHub(world)).toBeNull()
  })

  test('that pushes by itself does not start us again', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const fork = await world.remote('fork')
    await alice.git('remote', 'add', 'fork', fork.url).ok()
    writeHook(hookOf(alice), '#!/bin/sh\n[ "$1" = fork ] || git push -q fork HEAD:refs/heads/copy\n')
    await init(envOf(alice), { remote: 'origin' })
    remember(alice, 'notes/a/b')
    await alice.commit('code')
    expect((await alice.git('push', '-q').ok()).stderr).toBe('dstack: 2 sent to origin\n')
    expect(fork.tip('refs/heads/copy')).toBe(await alice.tip('HEAD'))
  })

  test.for([
    [
      'in Python',
      '#!/usr/bin/env python3\nimport sys\nopen("seen-stdin", "w").write(sys.stdin.read())\n',
      0o755,
      /not a shell script/,
    ],
    ['switched off by its mode', '#!/bin/sh\nexit 1\n', 0o644, /not executable/],
    [
      'of the pre-commit framework',
      '#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n',
      0o755,
      /pre-commit writes it/,
    ],
  ] as const)('%s stays as it is, works, and the call is shown', async ([, text, mode, why], { world }) => {
    const [alice] = await world.clones('alice')
    writeHook(hookOf(alice), text, mode)
    const report = await init(envOf(alice))
    expect(report.warnings.join()).toMatch(why)
    expect(report.snippet).toContain('git-dstack hook git pre-push')
    expect(readFileSync(hookOf(alice), 'utf8')).toBe(text)
    await alice.commit('code')
    await alice.git('push').ok()
    if (text.includes('python')) expect(seen(alice, 'stdin')).toMatch(/^refs\/heads\/main /)
  })

  test('that is a link stays one', async ({ world }) => {
    const [alice] = await world.clones('alice')
    alice.write('scripts/pre-push', '#!/bin/sh\nexit 0\n')
    symlinkSync('../../scripts/pre-push', hookOf(alice))
    expect((await init(envOf(alice))).warnings.join()).toMatch(/it is a link/)
    expect(readFileSync(join(alice.path, 'scripts/pre-push'), 'utf8')).toBe('#!/bin/sh\nexit 0\n')
  })

  test('with the line added by hand takes the state along', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const python =
      '#!/usr/bin/env python3\nimport subprocess, sys\nsubprocess.call(["git-dstack hook git pre-push \\"$0\\" </dev/null", sys.argv[1]], shell=True)\n'
    writeHook(hookOf(alice), python)
    expect((await init(envOf(alice))).snippet).toBeNull()
    remember(alice, 'notes/a/b')
    expect((await alice.git('push', '-q').ok()).stderr).toBe('dstack: 2 sent to origin\n')
  })
})

describe('hook managers', () => {
  /** What `husky` 9 generates; its file beside `_` is the user's. Source: husky/index.js and husky/husky. */
  async function husky(clone: Clone): Promise<void> {
    clone.write(
      '.husky/_/h',
      '#!/usr/bin/env sh\n[ "$HUSKY" = "2" ] && set -x\nn=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n\n[ ! -f "$s" ] && exit 0\n\nexport PATH="node_modules/.bin:$PATH"\nsh -e "$s" "$@"\nc=$?\n\n[ $c != 0 ] && echo "husky - $n script failed (code $c)"\nexit $c\n',
    )
    clone.write('.husky/_/pre-push', '#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
    clone.write('.husky/_/.gitignore', '*')
    for (const name of ['h', 'pre-push']) chmodSync(join(clone.path, '.husky/_', name), 0o755)
    await clone.git('config', 'core.hooksPath', '.husky/_').ok()
  }

  test.for([
    ['with a hook', `${RECORD}false || echo handled >&2\n`],
    ['without one', null],
  ] as const)('husky %s', async ([, text], { world }) => {
    const [alice] = await world.clones('alice')
    await husky(alice)
    if (text !== null) alice.write('.husky/pre-push', text)
    const before = bytesOf(alice.path, /^\.git$/)
    const gitBefore = bytesOf(join(alice.path, '.git'), BUT_OUR_REFS)
    const report = await init(envOf(alice))
    expect(report.steps.map(({ what }) => what.replace(alice.path, ''))).toContain('add a block to /.husky/pre-push')
    expect(existsSync(hookOf(alice))).toBe(false)
    remember(alice, 'notes/a/b')
    expect((await alice.git('push', '-q').ok()).stderr).toBe(
      `${text === null ? '' : 'handled\n'}dstack: 2 sent to origin\n`,
    )
    for (const name of ['seen-args', 'seen-stdin']) rmSync(join(alice.path, name), { force: true })
    expect(await uninstall(envOf(alice))).toMatchObject({ restored: true })
    expect(bytesOf(alice.path, /^\.git$/)).toEqual(before)
    const gitAfter = bytesOf(join(alice.path, '.git'), BUT_OUR_REFS)
    expect(gitAfter).toEqual(gitBefore)
  })

  test('husky: a failing line of the hook fails the push, as `sh -e` has it', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await husky(alice)
    alice.write('.husky/pre-push', 'false\necho never >&2\n')
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    const push = await alice.git('push')
    expect(push.status).not.toBe(0)
    expect(push.stderr).not.toContain('never')
    expect(onHub(world)).toBeNull()
  })

  test('a hook that the project tracks is named as such', async ({ world }) => {
    const [alice] = await world.clones('alice')
    await husky(alice)
    await alice.commit('husky', { '.husky/pre-push': 'true\n' })
    expect((await init(envOf(alice))).warnings.join()).toMatch(/belongs to the project/)
  })

  test('husky 4 to 8 keep the file itself in the folder', async ({ world }) => {
    const [alice] = await world.clones('alice')
    alice.write('.husky/pre-push', `#!/usr/bin/env sh\n${RECORD}`)
    chmodSync(join(alice.path, '.husky/pre-push'), 0o755)
    await alice.git('config', 'core.hooksPath', '.husky').ok()
    await init(envOf(alice))
    remember(alice, 'notes/a/b')
    expect((await alice.git('push', '-q').ok()).stderr).toBe('dstack: 2 sent to origin\n')
  })

  test('lefthook: its files stay, the lines for its configuration are shown, and found again', async ({ world }) => {
    const [alice] = await world.clones('alice')
    writeFileSync(join(alice.path, 'lefthook.yml'), 'pre-commit:\n  commands: {}\n')
    writeHook(hookOf(alice), '#!/bin/sh\n\nif [ "$LEFTHOOK" = "0" ]; then\n  exit 0\nfi\ntrue lefthook\n')
    const before = readFileSync(hookOf(alice), 'utf8')
    const report = await init(envOf(alice))
    expect(report.warnings.join()).toMatch(/lefthook writes the hooks here/)
    expect(report.snippet).toMatch(/^pre-push:\n {2}commands:/)
    expect(readFileSync(hookOf(alice), 'utf8')).toBe(before)
    writeFileSync(join(alice.path, 'lefthook.yml'), report.snippet ?? '')
    expect((await init(envOf(alice))).snippet).toBeNull()
  })

  test('a core.hooksPath of all the user’s repositories, or elsewhere, is not touched', async ({ world }) => {
    const [alice] = await world.clones('alice')
    const shared = join(alice.home, 'hooks')
    mkdirSync(shared)
    await alice.git('config', '--global', 'core.hooksPath', '~/hooks').ok()
    expect((await init(envOf(alice))).warnings.join()).toMatch(/serves all your repositories/)
    await alice.git('config', '--global', '--unset', 'core.hooksPath').ok()
    symlinkSync(shared, join(alice.path, 'linked'))
    for (const path of [shared, 'linked', '../elsewhere']) {
      await alice.git('config', 'core.hooksPath', path).ok()
      expect((await init(envOf(alice))).warnings.join(), path).toMatch(/outside of this repository/)
    }
    expect(bytesOf(shared).size).toBe(0)
  })

  test('pre-commit puts our hook away and runs it; uninstall finds it there', async ({ world }) => {
    const alice = await opted(world)
    const text = readFileSync(hookOf(alice))
    writeHook(`${hookOf(alice)}.legacy`, text.toString())
    writeHook(
      hookOf(alice),
      `#!/bin/sh\n# File generated by pre-commit: https://pre-commit.com\nexec .git/hooks/pre-push.legacy "$@"\n`,
    )
    expect((await alice.git('push', '-q').ok()).stderr).toBe('dstack: 2 sent to origin\n')
    await uninstall(envOf(alice))
    expect(existsSync(`${hookOf(alice)}.legacy`)).toBe(false)
    expect(readFileSync(hookOf(alice), 'utf8')).toContain('generated by pre-commit')
  })
})

test('--no-hooks: no hook, and later runs remember that', async ({ world }) => {
  const [alice] = await world.clones('alice')
  await init(envOf(alice), { hooks: false })
  expect(existsSync(hookOf(alice))).toBe(false)
  expect((await init(envOf(alice))).steps).toEqual([])
  await init(envOf(alice), { hooks: true })
  expect(existsSync(hookOf(alice))).toBe(true)
})
