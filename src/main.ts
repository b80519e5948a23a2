#!/usr/bin/env node
// The bin `git-dstack`: the real world in, an exit status out.

import { nodeEnv } from './env/node'

// Leaving through `exit` lets a running child (a fetch over ssh) be ended too. Statuses as a shell reports them.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
process.once('SIGHUP', () => process.exit(129))

// A hook starts without the command line: its entry does everything by itself.
if (process.argv[2] === 'hook') void import('./hooks/main')
else {
  void import('./cli/run').then(async ({ run }) => {
    process.exitCode = await run(process.argv.slice(2), nodeEnv())
  })
}
