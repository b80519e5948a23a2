// What to add by hand where a hook is another tool's, or in another language. Pure.

import { HOOKS, type HookName } from './hook-names'

/** Whose configuration the lines are for; `other`: the hook's own file. */
export type Tool = 'lefthook' | 'pre-commit' | 'other'

const call = (hook: HookName) => `git-dstack hook git ${hook}`

/** Those that refuse nothing must not fail what they hang on, also where the program is not there any more. */
const REFUSES: readonly HookName[] = ['pre-commit', 'commit-msg']

/** pre-commit gives its hooks no standard input, and post-rewrite's list of commits comes on it. */
export function canCall(tool: Tool, hook: HookName): boolean {
  return tool !== 'pre-commit' || hook !== 'post-rewrite'
}

/** Somebody has put our call into a tool's own configuration, or into the hook. */
export function callsUs(text: string, hook: HookName): boolean {
  return text.includes(call(hook))
}

/** The lines for these hooks, in the tool's own form. */
export function snippet(tool: Tool, hooks: readonly HookName[] = HOOKS): string {
  const wanted = hooks.filter((hook) => canCall(tool, hook))
  switch (tool) {
    case 'lefthook':
      return wanted.map(forLefthook).join('')
    case 'pre-commit':
      return `- repo: local\n  hooks:\n${wanted.map(forPreCommit).join('')}`
    case 'other':
      return wanted.map((hook) => `${wanted.length > 1 ? `# ${hook}\n` : ''}${LINES[hook]}\n`).join('')
  }
}

const LEFTHOOK: Readonly<Record<HookName, string>> = {
  'pre-push': ' {1} {2}',
  'pre-commit': '',
  'commit-msg': ' {1}',
  'post-commit': '',
  'post-rewrite': ' {1}',
}

function forLefthook(hook: HookName): string {
  const run = `${call(hook)}${LEFTHOOK[hook]}${REFUSES.includes(hook) ? '' : ' || true'}`
  const input = hook === 'post-rewrite' ? '      use_stdin: true\n' : ''
  return `${hook}:\n  commands:\n    git-dstack:\n      run: ${run}\n${input}`
}

function forPreCommit(hook: HookName): string {
  const push = `sh -c '${call(hook)} "$PRE_COMMIT_REMOTE_NAME" "$PRE_COMMIT_REMOTE_URL" || true'`
  const entry = hook === 'pre-push' ? push : REFUSES.includes(hook) ? call(hook) : `sh -c '${call(hook)} || true'`
  return [
    `    - id: git-dstack-${hook}`,
    '      name: git dstack',
    `      entry: ${entry}`,
    '      language: system',
    `      stages: [${hook}]`,
    '      always_run: true',
    // The message's file is what commit-msg is about.
    ...(hook === 'commit-msg' ? [] : ['      pass_filenames: false']),
    '',
  ].join('\n')
}

const LINES: Readonly<Record<HookName, string>> = {
  'pre-push': `${call('pre-push')} "$1" "$2" </dev/null || true`,
  'pre-commit': `${call('pre-commit')} </dev/null || exit 1`,
  'commit-msg': `${call('commit-msg')} "$1" </dev/null || exit 1`,
  'post-commit': `${call('post-commit')} </dev/null || true`,
  'post-rewrite': `${call('post-rewrite')} "$1" || true`,
}
