// The files of a folder as a value, and putting them back in place: inodes stay, so a clone does not look copied.

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

type Entry = { kind: 'folder' } | { kind: 'link'; to: string } | { kind: 'file'; bytes: Buffer; mode: number }

/** By path relative to the folder; a folder stands before what is in it. */
export type Snapshot = ReadonlyMap<string, Entry>

export function snapshot(folder: string): Snapshot {
  const entries = new Map<string, Entry>()
  for (const name of namesUnder(folder)) {
    const path = join(folder, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) entries.set(name, { kind: 'folder' })
    else if (stat.isSymbolicLink()) entries.set(name, { kind: 'link', to: readlinkSync(path) })
    else entries.set(name, { kind: 'file', bytes: readFileSync(path), mode: stat.mode & 0o777 })
  }
  return entries
}

/** Removes what is new, brings back what is gone, rewrites what differs. */
export function restore(folder: string, before: Snapshot): void {
  const now = snapshot(folder)
  for (const [name, entry] of now) {
    if (before.get(name)?.kind !== entry.kind) rmSync(join(folder, name), { recursive: true, force: true })
  }
  for (const [name, entry] of before) {
    const path = join(folder, name)
    const there = now.get(name)
    if (entry.kind === 'folder') mkdirSync(path, { recursive: true })
    else if (entry.kind === 'link') {
      if (there?.kind !== 'link') symlinkSync(entry.to, path)
    } else if (there?.kind !== 'file' || !there.bytes.equals(entry.bytes)) {
      if (there?.kind === 'file' && (statSync(path).mode & 0o200) === 0) chmodSync(path, 0o644)
      writeFileSync(path, entry.bytes)
      chmodSync(path, entry.mode)
    }
  }
}

function* namesUnder(folder: string, prefix = ''): Generator<string> {
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    yield name
    if (entry.isDirectory()) yield* namesUnder(folder, name)
  }
}
