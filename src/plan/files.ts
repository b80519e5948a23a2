// A plan as somebody's file: written out beside what was changed there, and remembered, so that the next time it is known who changed what.

import { DstackError, isRefusal, type Refusal } from '../errors'
import type { Store } from '../store/store'
import { type Exported, exportTo } from './exchange'

/** What a file held when it was last taken in or written. Only an aid: without it, what the plan said counts. */
function memoryOf(store: Store, path: string): string {
  return store.repo.ours(`exports/${store.repo.digest(path).slice(0, 16)}.md`)
}

export function lastHeld(store: Store, path: string): string | undefined {
  return store.env.files.read(memoryOf(store, path))?.toString('utf8')
}

export function rememberHeld(store: Store, path: string, text: string): void {
  store.env.files.write(memoryOf(store, path), text)
}

/** The text of a file; null where none is. @throws BAD_TEXT */
export function readText(store: Store, path: string): string | null {
  const bytes = store.env.files.read(path)
  if (bytes === null) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new DstackError('BAD_TEXT', `${path} holds bytes that are no UTF-8 text.`, { hint: 'Name a text file.' })
  }
}

export interface FileWritten extends Omit<Exported, 'text'> {
  path: string
  changed: boolean
}

/**
 * Writes the plan into a file, or only its boxes into the file that is there. Refused when the file changes meanwhile.
 * @param path absolute
 */
export function exportFile(store: Store, slug: string, path: string): FileWritten | Refusal {
  const { files } = store.env
  const there = readText(store, path)
  const done = exportTo(store, slug, there, lastHeld(store, path))
  if (isRefusal(done)) return done
  const { text, ...rest } = done
  if (readText(store, path) !== there) {
    const hint = 'Run the command again.'
    return { refused: 'CONTENDED', message: `${path} was changed by somebody else just now.`, hint }
  }
  if (text !== there) files.write(path, text)
  rememberHeld(store, path, text)
  return { path, changed: text !== there, ...rest }
}
