// One of many writers: says each write on its own line, after the store has acknowledged it.

import { nodeEnv } from '../../src/env/node'
import { isRefusal } from '../../src/errors'
import { MEMORY, openStore, write } from '../../src/store/store'

const [, , name = 'p', count = '1'] = process.argv

for (let i = 0; i < Number(count); i++) {
  const shared = i % 5 === 4
  const key = shared ? 'shared/one' : `own/${name}/${i}`
  const text = `${shared ? 'shared' : 'own'} ${name} ${i}`
  const done = write(openStore(nodeEnv()), MEMORY, [key], () => ({
    puts: [{ key, head: { type: 'memory' }, body: text }],
    subject: `memory: ${text}`,
    result: null,
  }))
  if (isRefusal(done)) throw new Error(done.message)
  process.stdout.write(`${text}\n`)
}
