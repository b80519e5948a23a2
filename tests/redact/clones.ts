// Clones whose people redact: what they were shown confirms it, and everything that could still show a text is looked through.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clone } from '../support/clone'

export const MEMORY = 'refs/dstack/memory'
export const TEXT = 'the launch code is plum-seven-heron'
export const KEY = 'deploy/code'

/** Redacts as a person without a terminal does: look, then confirm. */
export async function redact(clone: Clone, id: string, ...options: string[]): Promise<Record<string, unknown>> {
  const look = await clone.inProcess('redact', id, ...options, '--json')
  const { error } = JSON.parse(look.stdout) as { error: { code: string; data: { token: string } } }
  if (error.code !== 'NO_PERMISSION') throw new Error(look.stdout)
  return clone.inProcess('redact', id, ...options, '--confirm', error.data.token).json()
}

export async function pin(clone: Clone, ...addresses: string[]): Promise<void> {
  await clone.git('config', '--global', 'dstack.redactors', addresses.join(' ')).ok()
}

/** Where this person, or a push of theirs, could still meet the text. */
export async function meets(clone: Clone, text = TEXT): Promise<string[]> {
  const found: string[] = []
  const look = async (where: string, ...words: string[]) => {
    const { stdout, stderr } = await clone.inProcess(...words)
    if ((stdout + stderr).includes(text)) found.push(where)
  }
  await look('recall', 'recall', text.split(' ').slice(-1)[0] ?? '')
  await look('list', 'memory', 'list', '--json')
  await look('show', 'memory', 'show', KEY)
  await look('history', 'memory', 'history', KEY, '--json')
  await look('at', 'at', '2026-01-01T00:05:00Z', 'memory', 'list', '--json')
  const log = await clone.inProcess('log', '-n', '100').json<{ commits: { commit: string }[] }>()
  for (const { commit } of log.commits) await look(`log ${commit.slice(0, 7)}`, 'log', commit)
  for (const ref of [...(await clone.refs('refs/dstack/')), ...(await clone.refs('refs/dstack-remotes/'))]) {
    const patches = await clone.git('log', '-p', '-m', ref)
    if (patches.stdout.includes(text)) found.push(`log -p ${ref}`)
  }
  const cache = join(clone.path, '.git', 'dstack', 'cache')
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    if (readFileSync(join(cache, name)).includes(text)) found.push(`cache/${name}`)
  }
  return found
}

/** The bodies of all live entries, sorted. */
export async function bodies(clone: Clone): Promise<string[]> {
  const { entries } = await clone.inProcess('memory', 'list').json<{ entries: { key: string; text: string }[] }>()
  return entries.map(({ key, text }) => `${key}: ${text}`).sort()
}
