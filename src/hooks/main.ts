// The entry of every hook: small, so that it starts fast. `git-dstack hook git pre-push <remote> <url>`; later agents' hooks.
// A hook never fails what it hangs on: whatever goes wrong in here, the exit status is 0.

import { nodeEnv } from '../env/node'

type Hook = (env: ReturnType<typeof nodeEnv>, args: readonly string[]) => Promise<void>

/** By client and event. */
const HOOKS: Readonly<Record<string, () => Promise<Hook>>> = {
  'git pre-push': async () => (await import('./pre-push')).prePush,
}

async function main(words: readonly string[]): Promise<void> {
  const [client = '', event = '', ...args] = words[0] === 'hook' ? words.slice(1) : words
  const load = HOOKS[`${client} ${event}`]
  const env = nodeEnv()
  if (load === undefined) {
    env.out.say(`dstack: there is no hook "${client} ${event}" in this version.\n`)
    return
  }
  const hook = await load()
  await hook(env, args)
}

main(process.argv.slice(2)).then(
  // What is still running (a fetch that hangs) ends with us.
  () => process.exit(0),
  (error: unknown) => {
    if (process.env.DSTACK_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(0)
  },
)
