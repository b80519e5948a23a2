// A person's clone as the doors of set-up see it, and the bytes of a .git folder.

import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from '../../src/env/env'
import { nodeEnv } from '../../src/env/node'
import { isRefusal } from '../../src/errors'
import { openStore, write } from '../../src/store/store'
import type { Clone } from '../support/clone'

/** The world of this person; `say` collects what goes to stderr. */
export function envOf(clone: Clone, vars: Record<string, string | undefined> = {}): Env & { said: string[] } {
  const said: string[] = []
  const out = {
    json: false,
    data: () => undefined,
    say: (text: string) => void said.push(text),
    progress: () => () => undefined,
    columns: null,
    colour: false,
  }
  return Object.assign(nodeEnv({ cwd: clone.cwd, vars: { ...clone.vars(), ...vars }, out }), { said })
}

/** One write, as `remember` would make it. */
export function remember(clone: Clone, key: string, text = 'a fact'): void {
  const done = write(openStore(envOf(clone)), 'refs/dstack/memory', [key], () => ({
    puts: [{ key, head: { type: 'memory' }, body: text }],
    subject: `memory: ${key}`,
    result: null,
  }))
  if (isRefusal(done)) throw new Error(done.message)
}

/** Every file of a folder, with mode and bytes; without what a write leaves behind for good. */
export function bytesOf(folder: string, leaveOut = /^(objects|logs)(\/|$)/): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (below: string) => {
    for (const name of readdirSync(join(folder, below)).sort()) {
      const path = below === '' ? name : `${below}/${name}`
      if (leaveOut.test(path)) continue
      const stat = lstatSync(join(folder, path))
      const mode = (stat.mode & 0o7777).toString(8)
      if (stat.isDirectory()) walk(path)
      else if (stat.isSymbolicLink()) found.set(path, `-> ${readlinkSync(join(folder, path))}`)
      else found.set(path, `${mode} ${readFileSync(join(folder, path)).toString('latin1')}`)
    }
  }
  walk('')
  return found
}

/** Our refs, which uninstall keeps. */
export const BUT_OUR_REFS = /^(objects|logs|refs\/(dstack|notes\/dstack|dstack-remotes|dstack-local))(\/|$)/

export function writeHook(path: string, text: string, mode = 0o755): void {
  writeFileSync(path, text, { mode })
}
