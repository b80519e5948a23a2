// The second look for secrets: over everything that a push would bring to the remote for the first time.

import type { Oid } from '../git/git'
import { type Finding, findSecrets, removedAmong, type Store } from '../store/store'

/** Larger blobs are no documents of ours; nothing of that size is scanned or shown. */
const MAX_SCANNED = 256 * 1024
/** The words and marks that stand beside what is no long run of letters and digits. */
const SUSPICIOUS = /:\/\/[^\s/@:]{1,200}:[^\s/@]{1,200}@|-----BEGIN|(?:key|secret|token|passw)\w{0,20}["']?\s?[:=]/i
/** Fields that the store itself stamps: they always look like tokens, and are none. */
const STAMPED = /^(?:type|key|by|at|dot|clock): .*$/gm

/** Loading the second scanner costs more than the push: only for a text that could hold what it looks for. */
function isDoubtful(text: string): boolean {
  const end = text.startsWith('---\n') ? text.indexOf('\n---\n') : -1
  const said = end < 0 ? text : text.slice(0, end).replace(STAMPED, '') + text.slice(end)
  return SUSPICIOUS.test(said) || said.split(/[^A-Za-z0-9_/+=.-]+/).some(looksLikeToken)
}

function looksLikeToken(word: string): boolean {
  return word.length >= 16 && /\d/.test(word) && /[A-Za-z]/.test(word)
}

export interface OutgoingFinding {
  ref: string
  what: string
}

export interface Scan {
  findings: OutgoingFinding[]
  /** Refs that would bring a removed text to where it is not. */
  redacted: Set<string>
  /** Writes (commits that are no merges) that the remote does not have yet, by ref. */
  writes: Map<string, number>
}

/** Looks through everything that the remote does not have yet. `known`: tips that it has, all of them here, too. */
export async function scanOutgoing(
  store: Store,
  outgoing: readonly [ref: string, tip: Oid][],
  known: readonly Oid[],
  allowed: ReadonlySet<string> = new Set(),
): Promise<Scan> {
  const { repo } = store
  const scan: Scan = { findings: [], redacted: new Set(), writes: new Map() }
  for (const [ref, tip] of outgoing) {
    const objects = repo.read(repo.reachable([tip], known), MAX_SCANNED).filter((object) => object !== null)
    scan.writes.set(ref, objects.filter((object) => object.type === 'commit' && !isMerge(object.bytes)).length)
    const texts = objects.flatMap(({ type, oid, bytes }) =>
      type === 'blob' ? [{ name: oid, text: bytes.toString('utf8') }] : [],
    )
    if (
      removedAmong(
        store,
        ref,
        objects.flatMap(({ type, oid }) => (type === 'blob' ? [oid] : [])),
      ).length > 0
    )
      scan.redacted.add(ref)
    for (const { name, text } of texts) {
      for (const finding of findSecrets(text, { hash: repo.digest, allowed }))
        scan.findings.push({ ref, what: describe(finding, name) })
    }
    const doubtful = texts.filter(({ text }) => isDoubtful(text))
    if (doubtful.length === 0) continue
    const { secondOpinion } = await import('./second-opinion')
    for (const finding of await secondOpinion(doubtful, repo.digest)) {
      if (!allowed.has(finding.fingerprint)) scan.findings.push({ ref, what: describe(finding, finding.name) })
    }
  }
  return scan
}

function isMerge(commit: Buffer): boolean {
  return (commit.toString('latin1', 0, 300).match(/^parent /gm) ?? []).length > 1
}

function describe(finding: Finding, blob: string): string {
  return `${finding.rule} ${finding.masked} in ${blob.slice(0, 12)}, line ${finding.line} (fingerprint ${finding.fingerprint})`
}
