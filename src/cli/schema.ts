// `git dstack schema`: the JSON Schema of what each command prints with `--json`.

import * as z from 'zod/mini'
import { DstackError } from '../errors'
import { answer, examples, type Outputs, type Register } from './command'

export const register: Register = (program, { handle, outputs }) => {
  const schema = program
    .command('schema')
    .description('print the JSON Schema of a --json object')
    .argument('[command...]', 'a command, or `error`; all of them when left out')
    .action(
      handle(async (_env, words: string[]) => {
        const schemas = jsonSchemas(await outputs(), words.join(' '))
        return answer({ schemas }, () =>
          JSON.stringify(words.length === 0 ? schemas : Object.values(schemas)[0], null, 2),
        )
      }),
    )
  examples(schema, 'git dstack schema recall', 'git dstack schema memory show', 'git dstack schema error')
}

/** What every command prints instead of its object when it fails. */
const Failure = z.object({
  v: z.literal(1),
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string(),
    data: z.optional(z.record(z.string(), z.unknown())),
    exit: z.int(),
  }),
})

/** Schemas by command name; only that of `wanted` unless it is empty. @throws USAGE */
export function jsonSchemas(outputs: Outputs, wanted: string): Record<string, object> {
  const schemas: Record<string, object> = {}
  for (const [name, fields] of Object.entries(outputs)) {
    if (wanted !== '' && wanted !== name) continue
    const head = { v: z.literal(1), command: z.literal(name) }
    const title = `git dstack ${name}`
    if ('shape' in fields) schemas[name] = { title, ...toJsonSchema(z.object({ ...head, ...fields.shape })) }
    else schemas[name] = { title, ...toJsonSchema(z.object(head)), anyOf: fields.map(partSchema) }
  }
  if (wanted === '' || wanted === 'error') schemas.error = { title: 'git dstack, failed', ...toJsonSchema(Failure) }
  if (Object.keys(schemas).length === 0) {
    throw new DstackError('USAGE', `No command "${wanted}" prints an object.`, {
      hint: `One of: ${Object.keys(outputs).join(', ')}, error.`,
    })
  }
  return schemas
}

function partSchema(fields: z.ZodMiniObject): object {
  const { $schema: _same, ...schema } = toJsonSchema(fields)
  return schema
}

function toJsonSchema(schema: z.ZodMiniType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'output',
    // A newer version may add fields; who checks with this schema must not trip over them.
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  })
}
