// What help, version, completion and schema print with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

export const outputs = {
  help: z.object({ page: z.string(), text: z.string() }),
  version: z.object({ version: z.string(), node: z.string() }),
  completion: z.object({ shell: z.enum(['bash', 'zsh', 'fish']), script: z.string() }),
  schema: z.object({ schemas: z.record(z.string(), z.unknown()) }),
} satisfies Outputs
