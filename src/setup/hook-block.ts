// Our part of a hook as text: recognised, added, taken out. Pure; bytes travel as latin1 strings.

import type { HookName } from './hook-names'

export const BEGIN = '# >>> git-dstack >>>'
export const END = '# <<< git-dstack <<<'

/** How the rest of the file is run: by itself, or as husky does it, which reads no first line. */
export type Runner = 'itself' | 'husky'

const RUN: Record<Runner, string> = { itself: '"$0" "$@"', husky: 'sh -e "$0" "$@"' }

/**
 * Stands in front and acts behind: it runs the file once more for what the user wrote, with the same arguments and
 * standard input, and its exit status decides first. An appended block would never be reached behind `exit 0` (git's own
 * sample ends so), `exec` or a trap. All up to `then` is the probe: processes of 1 ms where there is nothing to do. It stands
 * in an `if`, so that nothing in it ends a shell that runs with `-e`.
 */
export function block(hook: HookName, runner: Runner): string {
  const { about, wanted, before, act } = PARTS[hook]
  return `${BEGIN}
# Written by \`git dstack init\`, taken out by \`git dstack uninstall\`. What stands below runs first, and its refusal is final.
${about.map((line) => `# ${line}\n`).join('')}if [ "\${DSTACK_HOOK-}" != ${hook} ] && [ -z "\${DSTACK_NESTED-}\${DSTACK_DISABLED-}" ] &&
  command -v git-dstack >/dev/null 2>&1 &&
${wanted}  [ "$(git config --type=bool --get dstack.enabled 2>/dev/null)" = true ] &&
  [ "$(git config --type=bool --get dstack.disabled 2>/dev/null)" != true ]; then
  dstack_status=0
  ${before}DSTACK_HOOK=${hook} ${RUN[runner]} || dstack_status=$?
  if [ "$dstack_status" -eq 0 ]; then
    ${act}
  fi
  exit "$dstack_status"
fi
${END}
`
}

/** The program; a bundle of certificates would double its start. */
const call = (hook: HookName) => `(unset NODE_EXTRA_CA_CERTS; git-dstack hook git ${hook} "$@")`

/** What the settings say of the gate: this clone's and the person's, and what was noted of the team's. */
const GATE = "git config --get-regexp '^dstack\\.(gate\\.mode|teamgate)$' 2>/dev/null"
const IS_ON = `case $dstack_gate in *' disabled'*) false ;; *' remind'* | *' strict'*) ;; *) false ;; esac &&`
const GATE_IS_ON = `  dstack_gate=$(${GATE}) &&\n  ${IS_ON}\n`

/** Also where the gate is off: a reserved subject is looked at. Lines of comments come before it in an editor. */
const GATE_OR_RESERVED = `  { dstack_gate=$(${GATE}) || :; } &&
  while read -r dstack_subject; do case $dstack_subject in '' | '#'*) ;; *) break ;; esac; done <"$1" &&
  case $dstack_subject in
    *': decomposition approved' | *': decomposition amended' | */phase\\ *': plan approved' | */phase\\ *': implementation complete')
      dstack_gate="$dstack_gate strict" ;;
  esac &&
  ${IS_ON}
`

/** Also where the program can't even start; what it has to say about why, it has said. */
const refuse = (hook: HookName) => `${call(hook)} </dev/null || case $dstack_gate in *' strict'*)
      dstack_status=1
      echo 'dstack: the commit was not made. "git commit --no-verify" goes around this, and "git dstack evidence check" lists it.' >&2 ;;
    esac`

interface Parts {
  /** Comment of the block. */
  about: string[]
  /** Lines of the probe: is there anything to do? */
  wanted: string
  /** In front of what runs the user's own hook. */
  before: string
  /** What we do, once the user's own hook agrees. */
  act: string
}

const PARTS: Readonly<Record<HookName, Parts>> = {
  'pre-push': {
    about: [
      'Then the state of git dstack goes to the same remote. Whatever happens in there, it never fails the push.',
    ],
    wanted: '',
    before: '',
    act: `${call('pre-push')} </dev/null || :`,
  },
  'pre-commit': {
    about: [
      'Then, where dstack.gate.mode says so, the gate looks up whether what is about to be committed was checked.',
    ],
    wanted: GATE_IS_ON,
    before: '',
    act: refuse('pre-commit'),
  },
  'commit-msg': {
    about: [
      'Then the subjects that only markers may have are refused, and, where the gate is on, a subject of no task.',
    ],
    wanted: GATE_OR_RESERVED,
    before: '',
    act: refuse('commit-msg'),
  },
  'post-commit': {
    about: ['Then, where the gate is on, the commit gets the verdict of its tree. A rebase is left to post-rewrite.'],
    wanted: `${GATE_IS_ON}  [ ! -d "$(git rev-parse --git-path rebase-merge 2>/dev/null)" ] &&\n`,
    before: '',
    act: `${call('post-commit')} </dev/null || :`,
  },
  'post-rewrite': {
    about: ['Then, where the gate is on, verdicts follow the commits. Both get the list of them on standard input.'],
    wanted: GATE_IS_ON,
    before: `dstack_input=$(cat)\n  printf '%s\\n' "$dstack_input" 2>/dev/null | `,
    act: `printf '%s\\n' "$dstack_input" | ${call('post-rewrite')} || :`,
  },
}

const NEW_FILE = '#!/bin/sh\n'
const BLOCK = new RegExp(`^${BEGIN}$[^]*?^${END}$\\n?`, 'm')

export function hasBlock(text: string): boolean {
  return BLOCK.test(text)
}

export function hasCurrentBlock(text: string, hook: HookName, runner: Runner): boolean {
  return text.includes(block(hook, runner))
}

/** The hook with our block behind its first line; a new one where there was none. */
export function withBlock(text: string | null, hook: HookName, runner: Runner): string {
  const old = text === null ? NEW_FILE : withoutBlock(text)
  const cut = old.startsWith('#!') ? old.indexOf('\n') + 1 || old.length : 0
  const first = old.slice(0, cut)
  return `${first}${first === '' || first.endsWith('\n') ? '' : '\n'}${block(hook, runner)}${old.slice(cut)}`
}

export function withoutBlock(text: string): string {
  return text.replace(BLOCK, '')
}

/** Nothing that a user wrote is in it. */
export function isEmptyHook(text: string): boolean {
  return text === NEW_FILE || text.trim() === ''
}

/** Can our block stand in this file? A hook without a first line is run by sh. */
export function isShell(text: string): boolean {
  if (text.includes('\0')) return false
  if (!text.startsWith('#!')) return true
  return /^#![ \t]*(?:\S*\/)?(?:env[ \t]+(?:-\S+[ \t]+)*)?(?:sh|bash|dash|ash|zsh|ksh|mksh)(?:[ \t]|\r?\n|$)/.test(text)
}

/** The tool whose marks this hook bears: it writes the file anew at every install. */
export function ownerOf(text: string): 'lefthook' | 'pre-commit' | null {
  if (/^(?=[^#\n]*lefthook)/im.test(text) && /LEFTHOOK/.test(text)) return 'lefthook'
  return /File generated by pre-commit/.test(text) ? 'pre-commit' : null
}
