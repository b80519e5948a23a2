// One of many writers at once: writer.cjs <folder> <name> <count>. Prints key and commit of each write once it is acknowledged.

import { writeSync } from 'node:fs'
import { nodeEnv } from '../../../src/env/node'
import { isRefusal } from '../../../src/errors'
import { MEMORY, openStore, write } from '../../../src/store/store'

const [folder = '.', name = '', count = '1'] = process.argv.slice(2)
const env = nodeEnv({ cwd: folder })

for (let i = 1; i <= Number(count); i++) {
  const key = `bench/${name}/entry-${i}`
  const put = { key, head: { type: 'memory', state: 'CONFIRMED' }, body: `Entry ${i} of ${name}.` }
  const written = write(openStore(env), MEMORY, [key], () => ({ puts: [put], subject: `memory: ${key}`, result: null }))
  if (isRefusal(written)) throw new Error(written.message)
  writeSync(1, `${key} ${written.commit}\n`)
}
