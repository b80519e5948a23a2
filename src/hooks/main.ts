// The entry of every hook: small, so that it starts fast. `git-dstack hook git pre-push <remote> <url>`; later agents' hooks.
// A hook never fails what it hangs on, but for the two whose only purpose is to refuse a commit.

import { nodeEnv } from '../env/node'

type Hook = (env: ReturnType<typeof nodeEnv>, args: readonly string[]) => Promise<number>

interface Entry {
  load: () => Promise<Hook>
  /** Exit status when we fail: whoever called knows whether the gate is strict. */
  failed: 0 | 1
}

/** By client and event. */
const HOOKS: Readonly<Record<string, Entry>> = {
  'git pre-push': { load: async () => (await import('./pre-push')).prePush, failed: 0 },
  'git pre-commit': { load: async () => (await import('./pre-commit')).preCommit, failed: 1 },
  'git commit-msg': { load: async () => (await import('./commit-msg')).commitMsg, failed: 1 },
  'git post-commit': { load: async () => (await import('./post-commit')).postCommit, failed: 0 },
  'git post-rewrite': { load: async () => (await import('./post-rewrite')).postRewrite, failed: 0 },
}

const [client = '', event = '', ...args] = process.argv.slice(process.argv[2] === 'hook' ? 3 : 2)
const entry = HOOKS[`${client} ${event}`]

async function main(): Promise<number> {
  const env = nodeEnv()
  if (entry !== undefined) return (await entry.load())(env, args)
  env.out.say(`dstack: there is no hook "${client} ${event}" in this version.\n`)
  return 0
}

main().then(
  // What is still running (a fetch that hangs) ends with us.
  (status) => process.exit(status),
  (error: unknown) => {
    const failed = entry?.failed ?? 0
    if (process.env.DSTACK_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    else if (failed !== 0) process.stderr.write(`dstack: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(failed)
  },
)
