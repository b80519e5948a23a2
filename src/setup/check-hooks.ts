// doctor's look at hooks: ours are there, are run, and find the program.

import { delimiter, join } from 'node:path'
import type { Store } from '../store/store'
import { type HookPlace, hookPlaces, hooksWithBlock, readText } from './hook'
import { hasBlock, withoutBlock } from './hook-block'
import type { HookName } from './hook-names'
import { snippet } from './hook-snippets'
import { init } from './init'
import { readInstalled } from './installed'
import type { Problem } from './problem'

/** What does not happen without our call in the hook. */
const RISK: Readonly<Record<HookName, string>> = {
  'pre-push': 'Plain `git push` does not take the state along; `git dstack sync` does.',
  'pre-commit': 'Where the gate is on, commits are made that nobody checked; `git dstack evidence check` lists them.',
  'commit-msg': 'A subject that only markers may have is not refused.',
  'post-commit': 'Where the gate is on, a commit does not get the verdict of its tree.',
  'post-rewrite': 'Verdicts do not follow an amend or a rebase; `git dstack evidence reattach` finds them again.',
}

export function hooks(store: Store): Problem[] {
  const { env, repo } = store
  if (readInstalled(env, repo)?.noHooks) return []
  const places = hookPlaces(env, repo).filter(({ hook }) => hook !== 'pre-push' || store.remote !== null)
  const files = hooksWithBlock(env, repo)
  // pre-commit puts a hook that it finds away under this name, and runs it.
  const chained = (place: HookPlace) => place.kind === 'foreign' && files.includes(`${place.path}.legacy`)
  const run = places.flatMap((place) => [place.path, ...(chained(place) ? [`${place.path}.legacy`] : [])])
  const problems = places.flatMap((place) => (chained(place) ? [] : problemsOf(store, place)))
  const unreachable = files.filter((path) => !run.includes(path)).map((path) => notRun(store, path, places))
  return [...problems, ...unreachable, ...onPath(store)]
}

function problemsOf({ env }: Store, place: HookPlace): Problem[] {
  const { hook, path } = place
  if (place.kind === 'foreign') {
    if (place.called) return []
    return [
      {
        code: 'HOOK_BY_HAND',
        severity: 'info',
        subject: path,
        what: `The ${hook} hook does not call git dstack: ${place.why}.`,
        risk: RISK[hook],
        command: `add: ${snippet(place.tool, [hook]).trim()}`,
      },
    ]
  }
  if (!place.current) {
    const old = hasBlock(readText(env, path) ?? '')
    return [
      {
        code: old ? 'HOOK_CHANGED' : 'HOOK_MISSING',
        severity: 'warning',
        subject: path,
        what: old ? `Our block in ${path} is not what this version writes.` : `Our block is not in ${path}.`,
        risk: old ? 'Somebody has changed it, or it is of another version.' : RISK[hook],
        command: 'git dstack init',
        mend: async () => void (await init(env)),
      },
    ]
  }
  if (place.runner === 'husky' || ((env.files.stat(path)?.mode ?? 0) & 0o111) !== 0) return []
  return [
    {
      code: 'HOOK_NOT_EXECUTABLE',
      severity: 'warning',
      subject: path,
      what: `${path} is not executable, so git passes over it.`,
      risk: `${RISK[hook]} And your own hook does not run.`,
      command: `chmod +x ${path}`,
    },
  ]
}

function notRun({ env }: Store, path: string, places: readonly HookPlace[]): Problem {
  const folders = [...new Set(places.map((place) => place.path.slice(0, -place.hook.length)))]
  return {
    code: 'HOOK_UNREACHABLE',
    severity: 'warning',
    subject: path,
    what: `${path} holds our block too, and git does not run it: the hooks are in ${folders.join(', ')}.`,
    risk: 'None by itself; it misleads whoever looks for the hook.',
    command: 'git dstack doctor --fix',
    mend: () => {
      const mode = (env.files.stat(path)?.mode ?? 0o755) & 0o7777
      env.files.write(path, Buffer.from(withoutBlock(readText(env, path) ?? ''), 'latin1'), { mode })
    },
  }
}

/** git finds `git-dstack` by PATH, and so does the hook. */
function onPath({ env }: Store): Problem[] {
  const folders = (env.vars.PATH ?? '').split(delimiter)
  const names = ['git-dstack', 'git-dstack.cmd', 'git-dstack.exe']
  if (
    folders.some(
      (folder) => folder !== '' && names.some((name) => env.files.stat(join(folder, name), 'follow') !== null),
    )
  )
    return []
  return [
    {
      code: 'NOT_ON_PATH',
      severity: 'warning',
      subject: 'git-dstack',
      what: 'git-dstack is not on PATH.',
      risk: 'The hook ends at once, and `git dstack` is unknown.',
      command: 'npm install --global git-dstack',
    },
  ]
}
