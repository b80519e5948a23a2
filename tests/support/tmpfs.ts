// A small file system of its own, in a mount namespace that ends with the test: for full disks.

import { cpSync, mkdirSync } from 'node:fs'
import type { Clone } from './clone'
import { said } from './servers'
import { endAndWait, startServer } from './spawning'

export interface SmallDisk {
  /** The same clone, its commands seeing the disk at `clone.path`. */
  readonly clone: Clone
  /** The working tree as seen from the test process, which is outside of the namespace. */
  readonly path: string
  /** Ends the disk and leaves its files in the ordinary folder at `clone.path`. */
  close(): Promise<void>
}

/** Mounts a tmpfs of this size where the person's clone will be. `inodes` limits the number of files. */
export async function smallDisk(person: Clone, options: { size: string; inodes?: number }): Promise<SmallDisk> {
  mkdirSync(person.path, { recursive: true })
  const limits = [`size=${options.size}`, ...(options.inodes === undefined ? [] : [`nr_inodes=${options.inodes}`])]
  const script = 'mount -t tmpfs -o "$1" tmpfs "$0" && echo mounted >&2 && exec sleep 1000000'
  const child = startServer('unshare', ['-m', 'sh', '-c', script, person.path, limits.join(',')], process.env)
  await said(child, /mounted/)
  person.world.onDispose(() => endAndWait(child))
  // nsenter goes to the root folder of the namespace, so the working folder is entered by name.
  const prefix = ['nsenter', '-t', String(child.pid), '-m', '--', 'sh', '-c', 'cd "$0" && exec "$@"', person.path]
  const path = `/proc/${child.pid}/root${person.path}`
  return {
    clone: person.with({ cwd: person.world.path, prefix }),
    path,
    async close() {
      cpSync(path, person.path, { recursive: true })
      await endAndWait(child)
    },
  }
}
