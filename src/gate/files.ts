// Predicates about files: `path` and `text`. Pure.

import { safe } from '../env/env'
import type { Predicate } from '../plan/predicate'
import { countMatches } from '../process/process'
import type { Site } from './context'
import { error, type Finding, fail, pass, some } from './result'
import { fileAt, filesAt, type Source, type SourceFile } from './source'

type OfForm<F> = Extract<Predicate, { form: F }>

/** Larger files are nothing that somebody wrote. */
const MOST_BYTES = 16 * 1024 * 1024
/** Files that are read at once. */
const BATCH = 100

const named = (files: readonly SourceFile[]) =>
  some(
    files.map(({ path }) => path),
    safe,
  )

/** `nonempty` holds when there is a file and none is empty. */
export async function checkPath({ source }: Site, predicate: OfForm<'path'>): Promise<Finding> {
  if (predicate.check === 'sha256') return checkDigest(source, predicate.file, predicate.hex)
  const { check, glob } = predicate
  const found = filesAt(source, glob)
  if (check === 'absent') {
    return found.length === 0 ? pass(`Nothing is at ${safe(glob)}.`) : fail(`There is ${named(found)}.`)
  }
  if (found.length === 0) return fail(`Nothing is at ${safe(glob)}.`)
  if (check === 'exists') return pass(`There is ${named(found)}.`)
  const files = found.filter(({ kind }) => kind === 'file')
  if (files.length === 0) return fail(`There is no file at ${safe(glob)}, only ${named(found)}.`)
  const empty: SourceFile[] = []
  for (const [file, bytes] of contents(source, files, 0)) if (bytes?.length === 0) empty.push(file)
  return empty.length === 0 ? pass(`There is ${named(files)}.`) : fail(`Nothing is in ${named(empty)}.`)
}

async function checkDigest(source: Source, path: string, hex: string): Promise<Finding> {
  const bytes = bytesOf(source, path)
  if ('result' in bytes) return bytes
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
  return digest === hex ? pass(`${safe(path)} has this digest.`) : fail(`${safe(path)} has the digest ${digest}.`)
}

/** The bytes of one file, by its exact path; or why there are none. */
export function bytesOf(source: Source, path: string): Buffer | Finding {
  const file = fileAt(source, path)
  if (file === null) return fail(`There is no file ${safe(path)}.`)
  if (file.kind !== 'file') return error(`${safe(path)} is no plain file, and links are not followed.`)
  return source.read([file.path], MOST_BYTES)[0] ?? error(`${safe(path)} is larger than ${MOST_BYTES} bytes.`)
}

/** Counts matches in all plain files that the glob covers; no more than decide the question. */
export function checkText(site: Site, { pattern, flags, glob, count: wanted }: OfForm<'text'>): Finding {
  const { env, source, limitMs } = site
  const files = filesAt(source, glob).filter(({ kind }) => kind === 'file')
  const enough = wanted === 'absent' ? 1 : wanted.op === '==' ? wanted.n + 1 : wanted.n
  const until = env.monotonic() + limitMs
  let count = 0
  for (const [{ path }, bytes] of contents(source, files, MOST_BYTES)) {
    if (count >= enough) break
    if (bytes === null) return error(`${safe(path)} is larger than ${MOST_BYTES} bytes.`)
    if (env.monotonic() > until) return error(`The search took more than ${limitMs / 1000} seconds.`)
    const found = countMatches(bytes.toString('utf8'), pattern, flags, enough - count)
    if (found === 'slow') return error(`The search in ${safe(path)} took more than a second.`)
    count += found.count
  }
  const said = `${count >= enough ? 'At least ' : ''}${count} ${count === 1 ? 'match' : 'matches'}`
  const where = files.length === 0 ? `; no file is at ${safe(glob)}` : ''
  const holds = wanted === 'absent' ? count === 0 : wanted.op === '==' ? count === wanted.n : count >= wanted.n
  return (holds ? pass : fail)(`${said}${where}.`)
}

/** Files with their bytes, read in batches; null for what is larger than `cap`. */
function* contents(source: Source, files: readonly SourceFile[], cap: number): Generator<[SourceFile, Buffer | null]> {
  for (let at = 0; at < files.length; at += BATCH) {
    const batch = files.slice(at, at + BATCH)
    const bytes = source.read(
      batch.map(({ path }) => path),
      cap,
    )
    for (const [i, file] of batch.entries()) yield [file, bytes[i] ?? null]
  }
}
