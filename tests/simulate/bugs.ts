// Seeded bugs: each makes the store wrong in one known way, and the checker must notice it.

import { execFileSync } from 'node:child_process'
import type { Repo } from '../../src/git/git'
import { storeOf } from '../../src/store/store'
import type { Tampering } from './run'
import { gitIn } from './world'

/** A store whose repository lies in some of its verbs. */
function withRepo(name: string, lie: (repo: Repo) => Partial<Repo>): Tampering {
  return { name, store: (store) => storeOf(store.env, { ...store.repo, ...lie(store.repo) }) }
}

/** The ref is moved whatever it holds: the last writer wins. */
const noCompareAndSwap = withRepo('no compare-and-swap', (repo) => ({
  // What a tip was is read too early, as by a writer that was overtaken.
  tip: overtaken(repo),
  move: (ref, to, _from, reason) => repo.move(ref, to, repo.tip(ref), reason),
}))

/** Answers with the tip's parent one time in eight. */
let calls = 0
function overtaken(repo: Repo): Repo['tip'] {
  return (ref) => {
    const tip = repo.tip(ref)
    if (tip === null || ref !== 'refs/dstack/memory' || ++calls % 8 !== 0) return tip
    return repo.log([tip], { limit: 1 })[0]?.parents[0] ?? tip
  }
}

/** A copy of a clone goes on counting where its original does, and no fold looks who wrote what it brings. */
const sharedCounter: Tampering = {
  name: 'a copy keeps its writer id',
  store({ env, repo }) {
    const { files } = env
    const gullible: typeof files = {
      ...files,
      read(path) {
        const bytes = files.read(path)
        const stat = files.stat(path)
        if (bytes === null || stat === null || !path.endsWith('writer.json')) return bytes
        return Buffer.from(
          JSON.stringify({ ...JSON.parse(bytes.toString()), path, inode: stat.inode, birthMs: stat.birthMs }),
        )
      },
    }
    const dotless: Repo = {
      ...repo,
      divergence(left, right) {
        const found = repo.divergence(left, right)
        const bare = (side: typeof found.left) => side.map((commit) => ({ ...commit, dots: [] }))
        return { left: bare(found.left), right: bare(found.right) }
      },
    }
    return storeOf({ ...env, files: gullible }, dotless)
  },
}

/** Every meeting looks like a fast-forward: our side is dropped. */
const droppedSide = withRepo('a fold takes the other side', (repo) => ({
  divergence: (left, right) => ({ ...repo.divergence(left, right), left: [] }),
}))

/** `+refs/dstack/*:refs/dstack/*`: plain `git fetch` overwrites what was not published. */
const directRefspec: Tampering = {
  name: 'a fetch refspec over local refs',
  clone: (hub, clone) =>
    void gitIn(hub.root, clone.dir, ['config', '--add', 'remote.origin.fetch', '+refs/dstack/*:refs/dstack/*']),
}

/** A writer that died and left its lock: the ref is frozen, and git says nothing. */
const leftLock: Tampering = {
  name: 'a lock is left behind',
  clone: (_hub, clone) =>
    void execFileSync('sh', ['-c', 'mkdir -p .git/refs/dstack && touch .git/refs/dstack/other.lock'], {
      cwd: clone.dir,
    }),
}

export const BUGS: readonly Tampering[] = [noCompareAndSwap, sharedCounter, droppedSide, directRefspec, leftLock]
