// Asks memory, without the command line around it: recall.cjs <folder> <question>. Prints a line of JSON for each answer.

import { nodeEnv } from '../../../src/env/node'
import { recall } from '../../../src/memory/memory'

const [folder = '.', query = ''] = process.argv.slice(2)
const env = nodeEnv({ cwd: folder })
const { answers } = recall(env, { query })
env.out.data(answers.map(({ entry, text }) => `${JSON.stringify({ key: entry.key, text })}\n`).join(''))
