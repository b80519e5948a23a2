// One append through the store, without the command line around it: append.cjs <folder> <key> <text>. Prints the commit.

import { nodeEnv } from '../../../src/env/node'
import { isRefusal } from '../../../src/errors'
import { MEMORY, openStore, write } from '../../../src/store/store'

const [folder = '.', key = '', text = ''] = process.argv.slice(2)

const head = {
  type: 'memory',
  state: 'CONFIRMED',
  confidence: 0.9,
  source: { kind: 'person' },
  scope: 'repository',
  paths: [],
  tags: ['bench'],
}
const env = nodeEnv({ cwd: folder })
const written = write(openStore(env), MEMORY, [key], (seen) => {
  if (seen.at(key).length > 0) return { refused: 'DUPLICATE', message: `${key} is there already.` }
  return { puts: [{ key, head, body: text }], subject: `memory: CONFIRMED ${key} (bench)`, result: null }
})
if (isRefusal(written)) throw new Error(written.message)
env.out.data(written.commit)
