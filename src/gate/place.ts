// Where a gate runs: scratch checkouts that are prepared once and used again, one run in each at a time. Pure.

import { join } from 'node:path'
import { safe } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import { changedSince, checkOut, type Lock, linkIgnored, type Oid, tryLock } from '../git/git'
import { runCommand } from '../process/process'
import { settingOf } from '../settings/settings'
import type { Store } from '../store/store'
import { gateNames, isTrusted, untrusted } from '../trust/trust'
import { some } from './result'

export interface Place {
  root: string
  /** What was done to prepare it, in sentences. */
  prepared: string[]
  release(): void
}

/** More runs at once than this wait for each other. */
const MOST_PLACES = 8
const WAIT_MS = 100

export interface PlaceRequest {
  tree: Oid
  /** What HEAD is in there. */
  head: Oid | null
  hashes: ReadonlySet<string>
  /** What is going to run there besides the setup: all of it is trusted, or nothing runs. */
  commands: readonly string[]
}

/** A checkout of the tree, ready to run things in. @throws what git says when the tree can't be checked out */
export async function takePlace(store: Store, request: PlaceRequest): Promise<Place | Refusal> {
  const { folder, lock } = await freePlace(store)
  try {
    const prepared = await prepare(store, folder, request)
    if (!isRefusal(prepared)) return { root: folder, prepared, release: () => lock.release() }
    lock.release()
    return prepared
  } catch (error) {
    lock.release()
    throw error
  }
}

async function freePlace(store: Store): Promise<{ folder: string; lock: Lock }> {
  const root = scratchRoot(store)
  for (;;) {
    for (let n = 1; n <= MOST_PLACES; n++) {
      const lock = tryLock(store.env, join(root, 'locks', `scratch-${n}`))
      if (lock === null) continue
      const folder = join(root, String(n))
      // A killed run may have left programs that still write there; they keep the old folder, which is gone.
      if (lock.inherited) store.env.files.remove(folder)
      return { folder, lock }
    }
    await waitABit()
  }
}

export function scratchRoot({ env, repo, ...store }: Store): string {
  const elsewhere = settingOf({ env, repo, ...store }, 'gate.scratch').value
  const id = () => repo.digest(env.files.realPath(repo.commonDir)).slice(0, 16)
  return elsewhere === '' ? repo.ours('scratch') : join(elsewhere, id())
}

export function waitABit(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, WAIT_MS)
  })
}

/** Files that say what a setup command brings. */
const LOCKS = [
  ...[
    'package.json',
    'package-lock.json',
    'npm-shrinkwrap.json',
    'pnpm-lock.yaml',
    'yarn.lock',
    'bun.lock',
    'bun.lockb',
  ],
  ...[
    'pyproject.toml',
    'requirements.txt',
    'poetry.lock',
    'uv.lock',
    'Pipfile.lock',
    'Cargo.lock',
    'go.sum',
    'Gemfile.lock',
  ],
]
const MOST_BYTES = 64 * 1024 * 1024

async function prepare(store: Store, folder: string, request: PlaceRequest): Promise<string[] | Refusal> {
  const { env, repo } = store
  const { tree, head, hashes, commands } = request
  const setup = settingOf(store, 'gate.setup').value
  const share = settingOf(store, 'gate.share').value.split(/\s+/)
  const marker = join(folder, '.git', 'dstack-prepared')
  const before = env.files.read(marker)?.toString('utf8') ?? ''
  // What a setup made may not be taken for a link to the user's own, nor the other way round.
  if (before !== '' && before.startsWith('setup ') !== (setup !== '')) env.files.remove(folder)
  checkOut(env, repo, { tree, head, folder, keep: share })
  const refusal = refuseUntrusted(store, setup === '' ? commands : [setup, ...commands], { root: folder, tree, hashes })
  if (refusal !== null) return refusal
  if (setup === '') {
    const linked = linkIgnored(env, repo, folder, share)
    env.files.write(marker, 'share\n')
    return linked.length === 0 ? [] : [`Linked from the working tree: ${some(linked, safe)}.`]
  }
  const oids = repo.read(
    LOCKS.map((name) => `${tree}:${name}`),
    MOST_BYTES,
  )
  const key = `setup ${repo.digest(JSON.stringify([setup, oids.map((object) => object?.oid ?? null)]))}\n`
  if (before === key) return [`Kept from the last run of ${safe(setup)}.`]
  return await runSetup(store, folder, setup, () => env.files.write(marker, key))
}

async function runSetup(store: Store, folder: string, setup: string, done: () => void): Promise<string[] | Refusal> {
  const { env, repo } = store
  const end = env.out.progress(`Running ${safe(setup)}`)
  const limitSeconds = Number(settingOf(store, 'gate.limitSeconds').value)
  const ran = await runCommand(env, { command: setup, cwd: folder, limitSeconds, names: gateNames(repo) })
  end()
  const changed = changedSince(env, repo, folder)
  if (ran.status === 0 && changed.length === 0) {
    done()
    return [`Ran ${safe(setup)}.`]
  }
  const why = ran.timedOut
    ? `was ended after ${limitSeconds} seconds`
    : ran.status === 0
      ? `changed ${some(changed, safe)}`
      : `ended with ${ran.status ?? ran.signal ?? 'a signal'}`
  return {
    refused: 'REFUSED',
    message: `The scratch checkout could not be prepared: ${safe(setup)} ${why}.`,
    hint: ran.output.trim().split('\n').slice(-5).join('\n') || 'See the setting gate.setup.',
  }
}

/** Refuses when one of the commands is not trusted here: then none of them runs. */
export function refuseUntrusted(
  { env, repo }: Store,
  commands: readonly string[],
  where: { root: string; tree: Oid; hashes: ReadonlySet<string> },
): Refusal | null {
  const verdicts = [...new Set(commands)].map((command) => isTrusted(env, repo, command, where))
  const open = verdicts.filter(({ trusted }) => !trusted)
  const [first] = open
  if (first === undefined) return null
  const more = open.length > 1 ? ` And ${open.length - 1} more.` : ''
  const allow = open.map(({ after }) => `--command '${after.command.replaceAll("'", `'\\''`)}'`).join(' ')
  return {
    ...untrusted(first),
    message: `${untrusted(first).message}${more}`,
    hint: `A person can look at what would run, and allow it: \`git dstack trust allow ${allow}\`.`,
    data: { commands: open.map(({ hash, after }) => ({ hash, command: after.command })) },
  }
}
