// The hooks of git's that we stand in, and what each one does there. Pure.

export const HOOKS = ['pre-push', 'pre-commit', 'commit-msg', 'post-commit', 'post-rewrite'] as const
export type HookName = (typeof HOOKS)[number]

/** What is missing without it, as the end of "Without it …". */
export const DOES: Readonly<Record<HookName, string>> = {
  'pre-push': 'plain `git push` takes the state along; the hook that is there decides as before',
  'pre-commit': 'where the gate is on, a commit is made only of what was checked',
  'commit-msg': 'the reserved subjects stay with the markers of a flow',
  'post-commit': 'where the gate is on, a commit gets the verdict of its tree',
  'post-rewrite': 'where the gate is on, verdicts follow an amend and a rebase',
}
