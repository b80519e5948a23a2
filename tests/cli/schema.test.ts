// Every command's --json object has a schema, and the schema holds.

import { describe, expect, test } from 'vitest'
import * as z from 'zod/mini'
import { commandName, type Outputs } from '../../src/cli/command'
import { GROUPS } from '../../src/cli/program'
import { jsonSchemas } from '../../src/cli/schema'
import { dstack, leaves, tree } from './shell'

async function allOutputs(): Promise<Outputs> {
  return Object.assign({}, ...(await Promise.all(GROUPS.map(async (group) => (await group.outputs()).outputs))))
}

describe('schemas', () => {
  test('there is one for every command that can be run, and no other', async () => {
    // `at` is only ever a part of another verb's command line, and that verb prints.
    const names = leaves(await tree())
      .map(commandName)
      .filter((name) => name !== 'at')
    expect(Object.keys(await allOutputs()).sort()).toEqual(names.sort())
  })

  test('the groups list exactly the verbs that they register', async () => {
    const verbs = (await tree()).commands.map((command) => command.name())
    expect(GROUPS.flatMap((group) => group.verbs)).toEqual(verbs)
  })

  test('they are JSON Schema 2020-12 for one versioned object', async () => {
    for (const [name, schema] of Object.entries(jsonSchemas(await allOutputs(), ''))) {
      expect(schema, name).toMatchObject({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { v: { const: 1 } },
      })
      expect(JSON.stringify(schema), `${name}: newer versions may add fields`).not.toContain(
        'additionalProperties":false',
      )
    }
  })

  test.each([
    ['version', ['version']],
    ['help', ['help', 'json']],
    ['completion', ['completion', 'bash']],
    ['schema', ['schema', 'version']],
  ])('what %s prints is what it says', async (name, args) => {
    const fields = (await allOutputs())[name]
    if (fields === undefined || !('shape' in fields)) throw new Error('no schema')
    const whole = z.strictObject({ v: z.literal(1), command: z.literal(name), ...fields.shape })
    const { stdout } = await dstack([...args, '--json'])
    expect(z.safeParse(whole, JSON.parse(stdout)).error).toBeUndefined()
  })

  test('git dstack schema prints one, or all; a wrong name is USAGE', async () => {
    const one = JSON.parse((await dstack(['schema', 'version'])).stdout)
    expect(one).toMatchObject({ title: 'git dstack version', required: ['v', 'command', 'version', 'node'] })
    const all = JSON.parse((await dstack(['schema'])).stdout)
    expect(Object.keys(all)).toContain('error')
    expect(all.version).toEqual(one)
    expect((await dstack(['schema', 'nonsense'])).status).toBe(64)
  })

  test('the error object holds to its schema', async () => {
    const error = JSON.parse((await dstack(['nonsense', '--json'])).stdout)
    const schema = JSON.parse((await dstack(['schema', 'error'])).stdout)
    expect(Object.keys(error)).toEqual(schema.required)
    for (const field of schema.properties.error.required) expect(error.error).toHaveProperty(field)
  })
})
