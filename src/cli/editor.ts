// The user's editor, for texts that are longer than a line. What cannot be saved afterwards is kept in a file.

import { spawnSync } from 'node:child_process'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Store } from '../store/store'

/**
 * Lets the user edit a text; null when it was left as it was.
 * Source of the order: git-var(1), GIT_EDITOR. Only GIT_EDITOR is taken without a terminal: who sets it means it.
 * @throws USAGE when there is nobody to edit it; IO when the editor fails
 */
export function edited(env: Env, store: Store, name: string, text: string): string | null {
  const editor = editorOf(env, store)
  if (editor === null) {
    throw new DstackError('USAGE', 'There is no terminal to edit on.', {
      hint: 'Give the text with `--file <file>`, or `--file -` for standard input.',
    })
  }
  const path = store.repo.oursHere(`edit/${name}`)
  env.files.write(path, text.endsWith('\n') ? text : `${text}\n`)
  // An editor is a shell command, as in git. It comes from the user's own environment or configuration.
  const done = spawnSync('sh', ['-c', `${editor} "$@"`, editor, path], {
    stdio: 'inherit',
    env: env.vars,
    cwd: env.cwd,
  })
  const after = env.files.read(path)?.toString('utf8') ?? ''
  if (done.status !== 0) {
    const hint = `Your text is in ${path}.`
    throw new DstackError('IO', `The editor ended with an error (${editor}).`, { hint })
  }
  const same = after.trimEnd() === text.trimEnd()
  if (same) env.files.remove(path)
  return same ? null : text.endsWith('\n') ? after : after.replace(/\n$/, '')
}

/** Where an edited text lies until it is saved. */
export function draftPath(store: Store, name: string): string {
  return store.repo.oursHere(`edit/${name}`)
}

function editorOf(env: Env, store: Store): string | null {
  const { GIT_EDITOR, VISUAL, EDITOR, TERM, CI } = env.vars
  if (GIT_EDITOR) return GIT_EDITOR
  if (env.out.columns === null || CI !== undefined) return null
  // Never from the repository's own configuration: it must not name a program.
  const own = store.repo.freshConfig().own('core.editor')
  if (own) return own
  if (VISUAL && TERM !== 'dumb') return VISUAL
  return EDITOR || (TERM === 'dumb' ? null : 'vi')
}
