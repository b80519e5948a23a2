// What every verb prints with --json is what its schema says, and no more: two clones, entries of all kinds, a conflict.

import * as z from 'zod/mini'
import type { Outputs } from '../../src/cli/command'
import { GROUPS } from '../../src/cli/program'
import { jsonSchemas } from '../../src/cli/schema'
import { openRepo } from '../../src/git/git'
import { allow } from '../../src/trust/trust'
import { everyFlowVerb } from '../flow/verbs'
import { everyGateVerb } from '../gate/verbs'
import { everyPlanVerb } from '../plan/verbs'
import { everyQuestionVerb } from '../questions/verbs'
import { envOf } from '../setup/support'
import type { Clone } from '../support/clone'
import { expect, test } from '../support/test'
import type { World } from '../support/world'

type Schema = Record<string, unknown>

const KEY = 'build/tools/package-manager'

async function allOutputs(): Promise<Outputs> {
  return Object.assign({}, ...(await Promise.all(GROUPS.map(async (group) => (await group.outputs()).outputs))))
}

/** Paths of what an object holds and its JSON Schema does not name. */
function undeclared(schema: Schema, value: unknown, path = ''): string[] {
  const parts = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (parts !== undefined) {
    // Of several forms the one that fits best; what stands beside them holds for all.
    const beside = Object.keys((schema.properties ?? {}) as Schema)
    const found = parts.map((part) => undeclared(part, value, path).filter((at) => !beside.includes(at.slice(1))))
    return found.sort((a, b) => a.length - b.length)[0] ?? []
  }
  if (Array.isArray(value))
    return value.flatMap((item, i) => undeclared((schema.items ?? {}) as Schema, item, `${path}[${i}]`))
  if (typeof value !== 'object' || value === null) return []
  const properties = schema.properties as Record<string, Schema> | undefined
  // A record of anything, by its schema.
  if (properties === undefined) return schema.propertyNames === undefined ? [`${path}.*`] : []
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = properties[name]
    return known === undefined ? [`${path}.${name}`] : undeclared(known, inner, `${path}.${name}`)
  })
}

/** Runs verbs with --json and holds them to their schemas. */
class Contract {
  readonly seen = new Set<string>()

  private constructor(
    private readonly outputs: Outputs,
    private readonly schemas: Record<string, object>,
  ) {}

  static async create(): Promise<Contract> {
    const outputs = await allOutputs()
    return new Contract(outputs, jsonSchemas(outputs, ''))
  }

  async holds(clone: Clone, name: string, ...args: string[]): Promise<Record<string, unknown>> {
    const line = `git dstack ${[name, ...args].join(' ')}`
    const done = await clone.inProcess(...name.split(' '), ...args, '--json')
    const value = done.json()
    expect(value.error, line).toBeUndefined()
    expect(value, line).toMatchObject({ v: 1, command: name })
    const declared = this.outputs[name]
    if (declared === undefined) throw new Error(`${name} has no schema`)
    const forms: readonly z.ZodMiniType[] = 'shape' in declared ? [declared] : declared
    const errors = forms.map((form) => z.safeParse(form, value).error?.issues)
    expect(errors, line).toContain(undefined)
    expect(undeclared(this.schemas[name] as Schema, value), line).toEqual([])
    this.seen.add(name)
    return value
  }

  everything(): string[] {
    return Object.keys(this.outputs).sort()
  }
}

/** Two people, a fact with every field, one of each scope, a proposal, a question in vain, a conflict. */
async function fixture(world: World): Promise<[Clone, Clone]> {
  const [alice, bob] = await world.clones('alice', 'bob')
  for (const clone of [alice, bob]) await clone.inProcess('init').ok()
  await alice.inProcess('remember', '--key', KEY, '--state', 'CONFIRMED', 'Use pnpm.').ok()
  await alice.inProcess('sync').ok()
  await bob.inProcess('sync').ok()
  await alice.inProcess('memory', 'correct', KEY, 'Use pnpm 10.', '--reason', 'upgraded').ok()
  await bob.inProcess('memory', 'correct', KEY, 'Use bun.').ok()
  await bob.inProcess('sync').ok()
  await alice.inProcess('sync').ok()
  return [alice, bob]
}

test('every verb', { timeout: 180_000 }, async ({ world }) => {
  const contract = await Contract.create()
  const [alice, bob] = await fixture(world)
  const holds = (name: string, ...args: string[]) => contract.holds(alice, name, ...args)

  const remembered = await holds(
    'remember',
    ...['--key', 'gotchas/auth/token', '--tag', 'auth', '--path', 'src/gone.ts', '--link', 'sha1:1234567', '--pin'],
    ...['--expires', '2026-01-02', '--decay', '90', '--confidence', '0.5', 'Tokens expire; refresh early.'],
  )
  expect(remembered).toMatchObject({ key: 'gotchas/auth/token', outcome: 'added', unsynced: 1 })
  world.advance(30 * 86_400)
  await holds('remember', '--scope', 'workspace', 'All services log JSON.')
  await holds('remember', '--scope', 'personal', 'I like tabs.')
  await holds('remember', '--propose', '--key', 'learnings/ci/dns', 'DNS in CI is flaky.')
  await holds('remember', '--propose', '--key', 'learnings/ci/disk', 'Runners have 10 GB.')
  await contract.holds(
    alice.with({ vars: { DSTACK_AGENT: 'claude-code/opus' } }),
    'remember',
    '--state',
    'CONFIRMED',
    'Agents guess a lot.',
  )

  await holds('memory helped', 'gotchas/auth/token')
  await holds('recall', 'refresh the token', '--why', '--proposed')
  expect(await holds('recall', 'quantum entanglement')).toMatchObject({ gap: true })
  expect(await holds('recall')).toMatchObject({ query: '' })
  expect(await holds('memory gaps')).toMatchObject({ gaps: [{ question: 'quantum entanglement', count: 1 }] })
  expect(await holds('memory list')).toHaveProperty('entries.length', 5)
  const shown = await holds('memory show', 'gotchas/auth')
  expect(shown).toMatchObject({ entry: { state: 'UNCERTAIN', expired: true, helped: 1, dangling: expect.any(Array) } })
  await holds('memory correct', 'gotchas/auth/token', '--expires', 'never', '--reason', 'it does not')
  await holds('memory confirm', 'gotchas/auth/token')
  await holds('memory forget', 'notes/general/agents')
  await holds('memory history', 'gotchas/auth/token')
  await holds('memory history', KEY)
  expect(await holds('memory proposals')).toHaveProperty('proposals.length', 2)
  await holds('memory proposals accept', 'learnings/ci/dns')
  await holds('memory proposals reject', 'learnings/ci/disk', '--reason', 'not any more')

  await alice.commit('fix: retry\n\n[LEARN] ci: The mirror is slow; use the cache.')
  await holds('memory compound')
  expect(await holds('memory compound', '--propose')).toHaveProperty('kept.added.length', 1)
  alice.write('rules.md', '# Rules\n\n- Run the tests.\n- `\n')
  await holds('memory import', 'rules.md', '--format', 'agents', '--dry-run')
  await holds('memory import', 'rules.md', '--format', 'agents')
  await holds('memory export')
  await holds('memory export', 'memory', '--format', 'markdown')

  expect(await holds('conflicts')).toMatchObject({ conflicts: [{ key: KEY, versions: [{}, {}] }] })
  await holds('memory show', KEY)
  await holds('resolve', KEY, '--text', 'pnpm until March.')

  await holds('log')
  await holds('log', '-n', '1')
  const { commits } = (await holds('log', 'memory')) as { commits: { commit: string }[] }
  await holds('log', commits[0]?.commit ?? '')
  await alice.inProcess('remember', '--key', 'notes/a/mistake', 'Wrong.').ok()
  await holds('undo')
  await alice.inProcess('remember', '--key', 'notes/a/secret', 'Plum and heron.').ok()
  const asked = JSON.parse((await alice.inProcess('redact', 'notes/a/secret', '--json')).stdout)
  await holds('redact', 'notes/a/secret', '--confirm', asked.error.data.token)

  await holds('config list')
  await holds('config set', 'budget', '1500')
  await holds('config set', '--team', 'budget', '900')
  await holds('config get', 'budget')
  await holds('config unset', 'budget')

  await holds('status')
  await holds('doctor', '--fix')
  await holds('fsck')
  await holds('sync')
  await contract.holds(alice.with({ cwd: world.path }), 'sync', '--all')
  await holds('lease take', 'release-main', '--purpose', 'release 1.4')
  expect(await holds('lease list')).toMatchObject({ leases: [{ name: 'release-main', mine: true }] })
  await holds('lease release', 'release-main')

  // Nobody can be asked here, so one command is allowed behind the door.
  const mine = { ...envOf(alice), confirm: async () => true }
  await allow(mine, openRepo(mine), [{ command: 'npm test', where: 'by hand' }], () => undefined)
  expect(await holds('trust list')).toMatchObject({ commands: [{ command: 'npm test', state: 'unused' }] })
  await holds('trust allow')
  await holds('trust revoke', '--all')
  await holds('guard words add', 'Project Bluebird')
  await holds('guard check', 'HEAD')
  await holds('guard words remove', 'project bluebird')

  await everyGateVerb(alice, holds)
  await everyPlanVerb(alice, holds)
  await everyQuestionVerb(alice, holds)
  await everyFlowVerb(alice, (clone, name, ...args) => contract.holds(clone, name, ...args))

  await holds('export', 'state.bundle')
  await contract.holds(bob, 'fold', `${alice.path}/state.bundle`)
  await holds('fold', bob.path)
  await contract.holds(bob, 'status')

  const past = await alice.inProcess('at', '2026-01-01T00:10Z', 'memory', 'list', '--json')
  expect(past.json()).toMatchObject({ v: 1, command: 'memory list' })

  await holds('init')
  await contract.holds(alice.with({ cwd: world.path }), 'init', '--all', 'people')
  await holds('uninstall')
  await holds('status')
  await holds('doctor')
  await holds('init', '--dry-run')
  await holds('init', '--no-hooks')

  await holds('version')
  await holds('help', 'recall')
  await holds('completion', 'bash')
  await holds('schema', 'recall')
  expect([...contract.seen].sort()).toEqual(contract.everything())
})

test('the check itself finds what is not declared', () => {
  const schema = z.toJSONSchema(
    z.object({ a: z.object({ b: z.array(z.object({ c: z.int() })) }), d: z.nullable(z.object({ e: z.int() })) }),
  )
  const beside = { type: 'object', properties: { v: {} }, anyOf: [schema] }
  expect(undeclared(schema as Schema, { a: { b: [{ c: 1 }] }, d: { e: 1 } })).toEqual([])
  expect(undeclared(schema as Schema, { a: { b: [{ c: 1, x: 1 }] }, d: { y: 1 }, z: 1 })).toEqual([
    '.a.b[0].x',
    '.d.y',
    '.z',
  ])
  expect(undeclared(beside as Schema, { v: 1, w: 1, a: { b: [] }, d: null })).toEqual(['.w'])
})
