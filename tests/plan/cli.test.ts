// What the command line adds to the door of plans: the editor, files, the plan that is meant, exit statuses.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clone } from '../support/clone'
import { describe, expect, test } from '../support/test'
import type { World } from '../support/world'

async function optedIn(world: World): Promise<Clone> {
  const [alice] = await world.clones('alice')
  await alice.inProcess('init').ok()
  return alice
}

/** The clone with an editor that runs this shell line on the file (`$1`). */
function editing(clone: Clone, line: string): Clone {
  clone.write('editor.sh', `${line}\n`)
  return clone.with({ vars: { GIT_EDITOR: `sh ${join(clone.path, 'editor.sh')}` } })
}

describe('the editor', () => {
  test('changes a text; left alone it changes nothing', async ({ world }) => {
    const alice = await optedIn(world)
    await alice.inProcess('begin', 'Retry').ok()
    const before = await alice.tip('refs/dstack/plans')
    expect(await editing(alice, 'true').inProcess('plan', 'edit').text()).toBe('Nothing was changed.')
    expect(await alice.tip('refs/dstack/plans')).toBe(before)
    const more = editing(alice, 'printf "\\n### Phase 1.2: More\\n\\n- [ ] 1.2-D01 Tell people\\n" >> "$1"')
    expect(await more.inProcess('plan', 'edit').text()).toContain('Wrote the plan of retry')
    const { tasks } = await alice.inProcess('plan', 'show').json<{ tasks: { id: string }[] }>()
    expect(tasks.map(({ id }) => id)).toContain('1.2-D01')
    expect(await alice.inProcess('plan', 'diff').text()).toContain('+- [ ] 1.2-D01 Tell people')
  })

  test('what somebody wrote meanwhile is not overwritten, and what was typed is kept', async ({ world }) => {
    const alice = await optedIn(world)
    await alice.inProcess('begin', 'Retry').ok()
    const { spec } = await alice.inProcess('plan', 'show').json<{ spec: { oid: string } }>()
    alice.write('contract.md', '# Decomposition: A\n')
    const none = await alice.inProcess(
      'plan',
      'edit',
      '--part',
      'companion',
      '--file',
      'contract.md',
      '--saw',
      spec.oid,
    )
    expect(none.status).toBe(2)
    expect(none.stderr).toContain('was changed meanwhile')
    const typed = editing(alice, 'echo "no spec at all" > "$1"')
    const refused = await typed.inProcess('plan', 'edit', '--part', 'spec')
    expect(refused.status).toBe(2)
    const path = /Your text is in (\S+)\./.exec(refused.stderr)?.[1] ?? ''
    expect(readFileSync(path, 'utf8')).toBe('no spec at all\n')
  })

  test('nobody waits for one where there is no terminal', async ({ world }) => {
    const alice = await optedIn(world)
    await alice.inProcess('begin', 'Retry').ok()
    const done = await alice.with({ vars: { EDITOR: 'false' } }).inProcess('plan', 'edit')
    expect(done).toMatchObject({ status: 64, stderr: expect.stringContaining('--file') })
    const spec = await alice.with({ vars: { EDITOR: 'false' } }).inProcess('spec', 'new', 'Other')
    expect(spec).toMatchObject({ status: 64, stderr: expect.stringContaining('no terminal') })
  })
})

describe('the plan that is meant', () => {
  test('is that of the worktree, the only one, or has to be named', async ({ world }) => {
    const alice = await optedIn(world)
    expect((await alice.inProcess('plan', 'show')).status).toBe(1)
    await alice.inProcess('plan', 'new', 'One').ok()
    expect(await alice.inProcess('plan', 'show').text()).toMatch(/^one {2}One/)
    await alice.inProcess('plan', 'new', 'Two').ok()
    const which = await alice.inProcess('plan', 'show')
    expect(which).toMatchObject({ status: 64, stderr: expect.stringContaining('git dstack flow use one') })
    await alice.inProcess('begin', '--kind', 'fix', 'Three').ok()
    expect(await alice.inProcess('plan', 'show').text()).toMatch(/^three {2}Three/)
    expect((await alice.inProcess('plan', 'show', 'thre')).stderr).toContain('Did you mean three?')
  })
})

describe('exit statuses', () => {
  test('of checks, of boxes that were edited elsewhere, of an archive on a dry run', async ({ world }) => {
    const alice = await optedIn(world)
    alice.write('PLAN.md', '# Deploy\n\n- [ ] compile\n- [ ] upload\n')
    await alice.inProcess('plan', 'import', 'PLAN.md').ok()
    expect((await alice.inProcess('plan', 'check')).status).toBe(0)
    expect(await alice.inProcess('plan', 'archive', '--dry-run').text()).toBe('Would archive deploy.')
    expect(await alice.inProcess('plan', 'list').text()).toContain('deploy')
    alice.write('PLAN.md', '# Deploy\n\n- [ ] compile it all\n- [ ] upload\n')
    alice.write('copy.md', '# Deploy\n\n- [x] compile\n- [ ] upload\n')
    await alice.inProcess('plan', 'import', 'copy.md', '--slug', 'deploy').ok()
    const out = await alice.inProcess('plan', 'export', '--to', 'PLAN.md')
    expect(out).toMatchObject({ status: 2, stdout: expect.stringContaining('edited elsewhere, not touched: compile') })
    alice.write('rules.md', '- MUST have docs: `requires kind D`\n')
    await alice.inProcess('plan', 'principles', 'edit', '--file', 'rules.md').ok()
    expect((await alice.inProcess('plan', 'check')).status).toBe(2)
    const piped = alice.with({ input: '# Other\n\n- [ ] one\n' })
    expect(await piped.inProcess('plan', 'import', '-').text()).toContain('Added other: 1 new task.')
    expect((await alice.inProcess('plan', 'import', 'nothing.md')).status).toBe(1)
    expect((await alice.inProcess('plan', 'export', 'other', '--format', 'gstack')).status).toBe(64)
    expect((await alice.inProcess('companion', 'add', '9.9', '--slug', 'other', '--details', 'x')).status).toBe(1)
    expect((await alice.inProcess('companion', 'add', '1.1', '--slug', 'other')).status).toBe(64)
  })

  test('a text that looks like a credential is not written', async ({ world }) => {
    const alice = await optedIn(world)
    const key = ['AKIA', 'Z7Q2', 'M4N8', 'P6R3', 'T5V9'].join('')
    alice.write('PLAN.md', `# Deploy\n\n- [ ] use aws_access_key_id = ${key}\n`)
    const done = await alice.inProcess('plan', 'import', 'PLAN.md')
    expect(done.status).toBe(2)
    expect(await alice.tip('refs/dstack/plans')).toBeNull()
  })
})
