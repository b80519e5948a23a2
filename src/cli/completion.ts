// `git dstack completion <shell>`: static text made from the command tree. No rc file is touched.

import type { Command } from 'commander'
import { answer, commandName, examples, type Register } from './command'

export const register: Register = (program, { handle, tree }) => {
  const completion = program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(program.createArgument('<shell>', 'the shell').choices(SHELLS))
    .action(
      handle(async (_env, shell: Shell) => {
        return answer({ shell, script: SCRIPTS[shell](spots(await tree())) }, ({ script }) => script)
      }),
    )
  examples(
    completion,
    "source <(git dstack completion bash)                        # in ~/.bashrc, after git's own",
    'git dstack completion zsh > ~/.zfunc/_git-dstack            # a folder of $fpath',
    'git dstack completion fish > ~/.config/fish/completions/git-dstack.fish',
  )
}

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

interface Word {
  word: string
  says: string
}

/** A place in the command line, named by the commands before it, and what can come next. */
interface Spot {
  path: string
  words: Word[]
  options: Word[]
  /** Options with a value: the flags, and what the value can be (empty: a file or anything). */
  values: { flags: string[]; choices: readonly string[] }[]
}

function spots(program: Command): Spot[] {
  const all: Spot[] = []
  const visit = (command: Command) => {
    const options = [...command.options, ...(command === program ? [] : program.options)].filter(
      ({ hidden }) => !hidden,
    )
    all.push({
      path: commandName(command),
      words: nextWords(program, command),
      options: options.map((option) => ({ word: option.long ?? option.short ?? '', says: option.description })),
      values: options
        .filter((option) => option.required)
        .map((option) => ({
          flags: [option.short, option.long].filter((flag) => flag !== undefined),
          choices: option.argChoices ?? [],
        })),
    })
    for (const child of command.commands) visit(child)
  }
  visit(program)
  return all
}

function nextWords(program: Command, command: Command): Word[] {
  const first = command.registeredArguments[0]
  const named = first?.name() === 'command' || first?.name() === 'page' ? program.commands : command.commands
  return [
    ...named.map((child) => ({ word: child.name(), says: child.description() })),
    ...(first?.argChoices ?? []).map((choice) => ({ word: choice, says: first?.description ?? '' })),
  ]
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const listed = (words: readonly Word[]) => quote(words.map(({ word }) => word).join('\n'))

/** The words that lead deeper, for finding the place: `memory` at '', `show` at 'memory'. */
const isPlace = (all: readonly Spot[]) => all.filter(({ path }) => path !== '').map(({ path }) => quote(path))

/** The flags that are followed by a value, so that the value is not taken for a command. */
function withValue(all: readonly Spot[]): string[] {
  return [...new Set(all.flatMap(({ values }) => values.flatMap(({ flags }) => flags)))]
}

function bash(all: readonly Spot[]): string {
  const cases = all.map(({ path, words, options }) => {
    return `    ${quote(path)}) words_here=${listed(words)} options_here=${listed(options)} ;;`
  })
  const afterFlag = all.flatMap(({ path, values }) =>
    values.flatMap(({ flags, choices }) => flags.map((flag) => ({ at: quote(`${path} ${flag}`), choices }))),
  )
  const chosen = afterFlag
    .filter(({ choices }) => choices.length > 0)
    .map(({ at, choices }) => `    ${at}) choices=${quote(choices.join('\n'))} ;;`)
  const free = afterFlag.filter(({ choices }) => choices.length === 0).map(({ at }) => at)
  return `# bash completion of git dstack. Load it after git's own: source <(git dstack completion bash)

# Sets COMPREPLY from words, cword and cur.
__git_dstack_complete() {
  local i=0 path='' next words_here='' options_here='' choices='' list IFS=$'\\n'
  while ((i < cword)) && [[ \${words[i]} != dstack && \${words[i]} != *git-dstack ]]; do ((i++)); done
  for ((i++; i < cword; i++)); do
    case \${words[i]} in
    ${withValue(all).join(' | ')}) ((i++)) ;;
    -*) ;;
    *)
      next="\${path:+$path }\${words[i]}"
      case $next in
      ${isPlace(all).join(' | ')}) path=$next ;;
      esac
      ;;
    esac
  done
  case "$path \${words[cword - 1]}" in
${chosen.join('\n')}
    ${free.join(' | ')}) return ;;
  esac
  case $path in
${cases.join('\n')}
  esac
  if [[ -n $choices ]]; then list=$choices
  elif [[ $cur == -* ]]; then list=$options_here
  else list=$words_here; fi
  COMPREPLY=($(compgen -S ' ' -W "$list" -- "$cur"))
}

# Called by git's own completion.
_git_dstack() { __git_dstack_complete; }

__git_dstack_direct() {
  local words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]}
  __git_dstack_complete
}
complete -o bashdefault -o default -o nospace -F __git_dstack_direct git-dstack
`
}

function zsh(all: readonly Spot[]): string {
  const described = (words: readonly Word[]) =>
    words.map(({ word, says }) => quote(`${word.replaceAll(':', '\\:')}:${says}`)).join(' ')
  const cases = all.map(({ path, words, options }) => {
    return `    (${quote(path)}) here=(${described(words)}); flags=(${described(options)}) ;;`
  })
  return `#compdef git-dstack
# zsh completion of git dstack. Put it as _git-dstack into a folder of $fpath. For \`git dstack\` also say in ~/.zshrc:
#   zstyle ':completion:*:*:git:*' user-commands dstack:'shared memory in git'

_git-dstack() {
  local at='' next i
  local -a here flags
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      (${withValue(all).join('|')}) ((i++)) ;;
      (-*) ;;
      (*)
        next="\${at:+$at }$words[i]"
        case $next in
          (${isPlace(all).join('|')}) at=$next ;;
        esac
        ;;
    esac
  done
  case $at in
${cases.join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o option flags
  elif (($#here)); then
    _describe command here
  else
    _files
  fi
}

_git-dstack "$@"
`
}

function fish(all: readonly Spot[]): string {
  const skipping = withValue(all).map((flag) => `0${flag}`)
  const lines = all.flatMap(({ path, words, options }) => {
    const at = `-n ${quote(`__git_dstack_at ${quote(path)}`)}`
    return [
      ...words.map(({ word, says }) => `${at} -f -a ${quote(word)} -d ${quote(says)}`),
      ...options.map(({ word, says }) => `${at} ${fishOption(word)} -d ${quote(says)}`),
    ]
  })
  return `# fish completion of git dstack. Put it into ~/.config/fish/completions/git-dstack.fish and source it in config.fish.

# True when the commands typed after dstack are exactly those given.
function __git_dstack_at
    set -l at
    set -l skip 1
    for word in (commandline -opc)
        switch $skip$word
            case 1dstack '1*git-dstack'
                set skip 0
            case '1*'
            case '2*'
                set skip 0
            case ${skipping.join(' ')}
                set skip 2
            case '0-*'
            case '*'
                contains -- (string join ' ' $at $word) ${isPlace(all).join(' ')}; and set at $at $word
        end
    end
    test $skip != 1; and test "$at" = "$argv[1]"
end

${lines.map((line) => `complete -c git ${line}\ncomplete -c git-dstack ${line}`).join('\n')}
`
}

const fishOption = (flag: string) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)

const SCRIPTS = { bash, zsh, fish } satisfies Record<Shell, (all: readonly Spot[]) => string>
