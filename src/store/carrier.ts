// A carrier: one commit that holds the tips of all our refs as parents and their names in a manifest, for any branch or bundle.

import { isOurs } from './names'

/** `<oid> <ref>` a line, sorted by ref. */
export function formatManifest(tips: ReadonlyMap<string, string>): string {
  const lines = [...tips].sort(([a], [b]) => (a < b ? -1 : 1)).map(([ref, oid]) => `${oid} ${ref}\n`)
  return lines.join('')
}

/** Lines that are none of ours are passed over: the manifest came from somebody else. */
export function parseManifest(text: string): Map<string, string> {
  const tips = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, oid, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/[A-Za-z0-9_./-]+)$/.exec(line) ?? []
    if (oid !== undefined && ref !== undefined && isOurs(ref) && !ref.includes('..')) {
      tips.set(ref, oid)
    }
  }
  return tips
}

export const CARRIER_MESSAGE =
  'dstack: state\n\nThis branch carries the state of git dstack. It is never merged into code.\n'
