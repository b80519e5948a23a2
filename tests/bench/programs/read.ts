// Reads one document through the store: read.cjs <folder> <key>

import { nodeEnv } from '../../../src/env/node'
import { MEMORY, openStore, viewRef } from '../../../src/store/store'

const [folder = '.', key = ''] = process.argv.slice(2)
const env = nodeEnv({ cwd: folder })
const [live] = viewRef(openStore(env), MEMORY).at(key)
if (live === undefined) throw new Error(`Nothing is at ${key}.`)
env.out.data(`${live.doc.body}\n`)
