// The format document: the same bytes from everybody, so that two people who run init separately do not disagree.

import { CONFIG, FORMAT, FORMAT_KEY, pathOf, type Store, signatures } from '../store/store'

/** A writer of its own for every format, which nobody ever continues. */
const WRITER = `format${String(FORMAT).padStart(4, '0')}`

const DOCUMENT = `---
type: format
key: ${FORMAT_KEY}
format: ${FORMAT}
min_write: ${FORMAT}
by: git dstack
at: "2026-01-01T00:00:00Z"
dot: "${WRITER}:1"
clock: {"${WRITER}":1}
---

`

/** Makes refs/dstack/config with the format document alone. False: somebody else has made the ref meanwhile. */
export function writeFormat(store: Store): boolean {
  const { repo } = store
  const batch = repo.batch()
  const words = pathOf(FORMAT_KEY).split('/')
  let entry = { mode: '100644', name: words.pop() ?? '', oid: batch.blob(Buffer.from(DOCUMENT)) }
  for (const name of [...words.reverse(), '']) entry = { mode: '040000', name, oid: batch.tree([entry]) }
  const subject = `config: format ${FORMAT}`
  const message = `${subject}\n\nDstack-Dot: ${WRITER}:1\n`
  const tip = batch.commit({ tree: entry.oid, parents: [], ...signatures(store), message })
  repo.save(batch)
  return repo.move(CONFIG, tip, null, subject)
}
