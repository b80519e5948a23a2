// Runs the command inside the test process, with its output captured.

import type { Output } from '../../src/env/env'
import { type Result, result } from './spawning'

export interface InProcess {
  cwd: string
  vars: NodeJS.ProcessEnv
  input?: string | Uint8Array | undefined
}

export async function inProcess(args: string[], options: InProcess): Promise<Result> {
  const { run } = await import('../../src/cli/run')
  const { nodeEnv } = await import('../../src/env/node')
  const stdout: string[] = []
  const stderr: string[] = []
  const out: Output = {
    json: false,
    data: (text) => void stdout.push(text),
    say: (text) => void stderr.push(text),
    progress: () => () => undefined,
    columns: null,
    colour: false,
  }
  const stdin = () => Buffer.from(options.input ?? '')
  const status = await run(args, nodeEnv({ cwd: options.cwd, vars: options.vars, out, stdin }))
  return result(status, stdout.join(''), stderr.join(''))
}
