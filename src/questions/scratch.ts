// A folder that holds exactly one tree, for as long as it is needed. Pure.

import { join } from 'node:path'
import { type Env, safe } from '../env/env'
import { DstackError, type Refusal } from '../errors'
import { checkOut, linkIgnored, type Oid, type Repo } from '../git/git'
import { runCommand } from '../process/process'
import { settingOf } from '../settings/settings'
import type { Store } from '../store/store'
import { isTrusted, untrusted } from '../trust/trust'
import type { ChangedFile } from './change'

export interface Scratch {
  /** Absolute path. */
  root: string
  dispose(): void
}

export interface ScratchRequest {
  tree: Oid
  /** What HEAD is in there. */
  head: Oid | null
  hashes: ReadonlySet<string>
  /** For the setup command. */
  limitSeconds: number
}

/**
 * A checkout, prepared as the gate's settings say: by `gate.setup`, which has to be trusted, or by links to `gate.share`.
 * No hook and no foreign filter runs; nothing of the user's is touched.
 */
export async function checkoutAt(store: Store, request: ScratchRequest): Promise<Scratch | Refusal> {
  const { env, repo } = store
  const { tree, head } = request
  const elsewhere = settingOf(store, 'gate.scratch').value
  const root = join(elsewhere === '' ? repo.ours('scratch') : elsewhere, `questions-${env.newId()}`)
  const dispose = () => env.files.remove(root)
  try {
    checkOut(env, repo, { tree, head, folder: root, keep: [] })
    const refusal = await prepare(store, root, request)
    if (refusal === null) return { root, dispose }
    dispose()
    return refusal
  } catch (error) {
    dispose()
    throw error
  }
}

async function prepare(store: Store, root: string, request: ScratchRequest): Promise<Refusal | null> {
  const { env, repo } = store
  const { tree, hashes, limitSeconds } = request
  const command = settingOf(store, 'gate.setup').value
  if (command === '') {
    linkIgnored(env, repo, root, settingOf(store, 'gate.share').value.split(/\s+/))
    return null
  }
  const verdict = isTrusted(env, repo, command, { root, tree, hashes })
  if (!verdict.trusted) return untrusted(verdict)
  const ran = await runCommand(env, { command, cwd: root, limitSeconds, names: verdict.after.names })
  if (ran.status === 0) return null
  const why = ran.timedOut ? `was ended after ${limitSeconds} seconds` : `ended with ${ran.status ?? 'a signal'}`
  return {
    refused: 'REFUSED',
    message: `The scratch checkout could not be prepared: ${safe(command)} ${why}.`,
    hint: ran.output.trim().split('\n').slice(-5).join('\n') || 'See the setting gate.setup.',
  }
}

/** Puts files of a change into a checkout, or takes them away, whatever is there. Leads nowhere out of it. */
export function overlay(env: Env, repo: Repo, root: string, files: readonly ChangedFile[]): void {
  const blobs = repo.read(files.map(({ after }) => after?.oid ?? ''))
  for (const [i, { path, after }] of files.entries()) {
    const full = safePath(env, root, path)
    env.files.remove(full)
    const bytes = blobs[i]?.bytes
    if (after === null || bytes === undefined) continue
    if (after.mode === '120000') env.files.claim(full, bytes.toString('utf8'))
    else env.files.write(full, bytes, { mode: after.mode === '100755' ? 0o755 : 0o644 })
  }
}

/** A path below the root through real folders only: what stands in the way (a link above all) is taken away. */
function safePath(env: Env, root: string, path: string): string {
  const parts = path.split('/')
  if (parts.some((part) => /^(|\.|\.\.|\.git)$/i.test(part) || part.includes('\\'))) {
    throw new DstackError('CORRUPT', 'A tree holds a path that leads out of it.')
  }
  for (let length = 1; length < parts.length; length++) {
    const folder = join(root, ...parts.slice(0, length))
    const stat = env.files.stat(folder)
    if (stat !== null && stat.kind !== 'folder') env.files.remove(folder)
  }
  return join(root, ...parts)
}
