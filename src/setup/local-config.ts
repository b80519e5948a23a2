// The repository's own configuration file as a whole: edited by git in a copy, put in place in one step under git's lock.

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Repo } from '../git/git'
import { isOurRefspec } from './elect'
import { readText } from './hook'
import type { Action } from './schema'

export type ConfigAction = Extract<Action, { kind: 'config' }>

/** How often and how long to wait for another program that writes the configuration (10 × 100 ms). */
const TRIES = 10
const WAIT_MS = 100

export function configPath(env: Env, repo: Repo): string {
  return env.files.realPath(join(repo.commonDir, 'config'))
}

export function readLocalConfig(env: Env, repo: Repo): string {
  return readText(env, configPath(env, repo)) ?? ''
}

/**
 * Replaces the configuration by what `edit` makes of it; true when that is something else. All or nothing: a crash
 * leaves the old text or the new one. Another writer of git's waits, or says that the file is locked.
 */
export function replaceConfig(env: Env, repo: Repo, edit: (text: string) => string): boolean {
  const path = configPath(env, repo)
  const lock = `${path}.lock`
  for (let attempt = 1; !env.files.claim(lock, `git-dstack ${env.newId()}`); attempt++) {
    if (attempt === TRIES) {
      throw new DstackError('CONTENDED', `Another program holds ${lock}.`, {
        hint: 'Run the command again; if it persists, see `git dstack doctor`.',
      })
    }
    env.pause(WAIT_MS)
  }
  try {
    const before = readText(env, path) ?? ''
    const after = edit(before)
    if (after === before) return false
    const mode = (env.files.stat(path)?.mode ?? 0o644) & 0o7777
    env.files.write(path, Buffer.from(after, 'latin1'), { mode, sync: true })
    return true
  } finally {
    env.files.remove(lock)
  }
}

/** The configuration with these changes, each made by `git config`. */
export function changedConfig(env: Env, repo: Repo, text: string, actions: readonly ConfigAction[]): string {
  return inCopy(env, repo, text, (git) => {
    for (const { how, name, value } of actions) {
      if (how === 'set') git('--replace-all', name, value)
      else if (how === 'add') git('--add', name, value)
      else git('--fixed-value', '--unset-all', name, value)
    }
  })
}

/** The configuration without anything of ours, whoever wrote it. */
export function strippedConfig(env: Env, repo: Repo, text: string): string {
  return inCopy(env, repo, text, (git) => {
    for (const section of ourSections(git('-z', '--name-only', '--get-regexp', '^dstack\\.').stdout)) {
      git('--remove-section', section)
    }
    const specs = git('-z', '--get-regexp', '^remote\\..*\\.fetch$')
      .stdout.split('\0')
      .filter((entry) => entry !== '')
    for (const entry of specs) {
      const cut = entry.indexOf('\n')
      const [name, refspec] = [entry.slice(0, cut), entry.slice(cut + 1)]
      if (isOurRefspec(refspec)) git('--fixed-value', '--unset-all', name, refspec)
    }
  })
}

/** `dstack`, and what has a dot in its name: `dstack.gate` of `dstack.gate.mode`. */
function ourSections(names: string): Set<string> {
  const found = names.split('\0').filter((name) => name !== '')
  return new Set(found.map((name) => name.slice(0, name.lastIndexOf('.'))))
}

/** Runs `git config` on a copy of the text; 1 and 5 say that nothing was there. */
function inCopy(
  env: Env,
  repo: Repo,
  text: string,
  edit: (git: (...args: string[]) => { stdout: string }) => void,
): string {
  const copy = repo.ours(`config-${env.newId()}.tmp`)
  env.files.write(copy, Buffer.from(text, 'latin1'), { mode: 0o600 })
  try {
    edit((...args) => repo.git(['config', '--file', copy, ...args], { ok: [0, 1, 5] }))
    return readText(env, copy) ?? ''
  } finally {
    env.files.remove(copy)
  }
}
