// A manual page as a value: made from the commander tree and a Markdown text, shown by help.ts and man.ts. Pure.

import type { Argument, Command, Option } from 'commander'
import { commandName, examplesOf } from './command'

export interface Page {
  /** `git-dstack-recall` */
  name: string
  /** Of the manual: 1 for commands, 7 for topics. */
  section: 1 | 7
  summary: string
  blocks: Block[]
}

/** Texts are Markdown inside a line: `code`, **strong**, *emphasis*. */
export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'item'; text: string }
  | { kind: 'term'; term: string; text: string }
  | { kind: 'code'; lines: string[] }

/** The page of a command, with those of its subcommands in it. `manual` is its text in src/manual. */
export function commandPage(command: Command, manual: string, topics: readonly string[]): Page {
  const root = command.parent === null
  const words = commandName(command)
  const name = root ? 'git-dstack' : `git-dstack-${words.replaceAll(' ', '-')}`
  const { intro, rest } = parseMarkdown(manual)
  const [exits, withoutExits] = takeSection(rest, 'Exit status')
  const [more, own] = takeSection(withoutExits, 'See also')
  const parts = root ? [] : below(command)
  const others = root ? command.commands.map((child) => `git-dstack-${child.name()}(1)`) : ['git-dstack(1)']
  return {
    name,
    section: 1,
    summary: lowerFirst(command.description()).replace(/\.$/, ''),
    blocks: [
      heading('Synopsis'),
      { kind: 'code', lines: (parts.length === 0 ? [command] : parts).map(synopsis) },
      ...description(intro),
      ...(root ? rootCommands(command) : []),
      ...(parts.length === 0 ? [] : [...own, heading('Commands'), ...parts.flatMap(subcommand)]),
      ...optionBlocks(command),
      ...(parts.length === 0 ? own : []),
      ...exampleBlocks(command),
      heading('Exit status'),
      paragraph(
        `0 when it is done${exits.length === 0 ? '; the' : '. The'} other numbers are in **git-dstack-exit-codes**(7).`,
      ),
      ...exits,
      heading('See also'),
      paragraph([...others, ...topics.map((topic) => `git-dstack-${topic}(7)`)].join(', ')),
      ...more,
    ],
  }
}

/** The page of a topic. The first line of the text is `# topic: summary`. */
export function topicPage(topic: string, manual: string): Page {
  const { title, intro, rest } = parseMarkdown(manual)
  const summary = lowerFirst(title.slice(title.indexOf(':') + 1).trim())
  const blocks = [...description(intro), ...rest, heading('See also'), paragraph('git-dstack(1)')]
  return { name: `git-dstack-${topic}`, section: 7, summary, blocks }
}

/** The blocks below a heading, and all others without it. */
function takeSection(blocks: readonly Block[], title: string): [Block[], Block[]] {
  const start = blocks.findIndex((block) => block.kind === 'heading' && block.text === title)
  if (start < 0) return [[], [...blocks]]
  const next = blocks.findIndex((block, i) => i > start && block.kind === 'heading')
  const end = next < 0 ? blocks.length : next
  return [blocks.slice(start + 1, end), [...blocks.slice(0, start), ...blocks.slice(end)]]
}

const heading = (text: string): Block => ({ kind: 'heading', text })
const paragraph = (text: string): Block => ({ kind: 'paragraph', text })
const description = (intro: readonly Block[]) => (intro.length === 0 ? [] : [heading('Description'), ...intro])
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)

function synopsis(command: Command): string {
  const options = command.options.length > 0 ? ' [options]' : ''
  const words = commandName(command)
  if (words === '') return 'git dstack [options] <command> [arguments]'
  return `git dstack ${words}${options}${command.registeredArguments.map((argument) => ` ${argumentText(argument)}`).join('')}`
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function rootCommands(program: Command): Block[] {
  const titles = [...new Set(program.commands.map((command) => command.helpGroup()))]
  return titles.flatMap((title) => [
    heading(title.replace(/:$/, '')),
    ...program.commands
      .filter((command) => command.helpGroup() === title)
      .map((command): Block => ({ kind: 'term', term: `\`${command.name()}\``, text: command.description() })),
  ])
}

/** The commands of a group, and theirs. */
function below(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...below(child)])
}

function subcommand(command: Command): Block[] {
  const lines = [...examplesOf(command)]
  return [
    { kind: 'term', term: `\`${synopsis(command)}\``, text: command.description() },
    ...detailBlocks(command),
    ...(lines.length === 0 ? [] : [{ kind: 'code', lines } as const]),
  ]
}

const visible = (option: Option) => !option.hidden

function optionBlocks(command: Command): Block[] {
  const blocks = detailBlocks(command)
  return blocks.length === 0 ? [] : [heading('Options'), ...blocks]
}

/** Arguments and options. */
function detailBlocks(command: Command): Block[] {
  const described = command.registeredArguments.filter((argument) => argument.description !== '')
  return [
    ...described.map((argument): Block => {
      return { kind: 'term', term: `\`${argumentText(argument)}\``, text: withChoices(argument, argument.argChoices) }
    }),
    ...command.options.filter(visible).map(optionBlock),
  ]
}

function optionBlock(option: Option): Block {
  return { kind: 'term', term: `\`${option.flags}\``, text: withChoices(option, option.argChoices) }
}

function withChoices(of: { description: string }, choices: readonly string[] | undefined): string {
  return choices === undefined ? of.description : `${of.description} (${choices.join(', ')})`
}

function exampleBlocks(command: Command): Block[] {
  const lines = [...examplesOf(command)]
  return lines.length === 0 ? [] : [heading('Examples'), { kind: 'code', lines }]
}

/** The small part of Markdown that the manual uses: `#` title, `##` headings, paragraphs, `-` items, fenced code. */
export function parseMarkdown(text: string): { title: string; intro: Block[]; rest: Block[] } {
  let title = ''
  const blocks: Block[] = []
  let inCode = false
  let ended = true
  for (const line of text.split('\n')) {
    const last = blocks.at(-1)
    if (line.startsWith('```')) {
      inCode = !inCode
      ended = true
      if (inCode) blocks.push({ kind: 'code', lines: [] })
    } else if (inCode) {
      if (last?.kind === 'code') last.lines.push(line)
    } else if (line.trim() === '') ended = true
    else if (line.startsWith('# ')) title = line.slice(2).trim()
    else if (line.startsWith('## ')) blocks.push(heading(line.slice(3).trim()))
    else if (line.startsWith('- ')) {
      blocks.push({ kind: 'item', text: line.slice(2).trim() })
      ended = false
    } else if (!ended && (last?.kind === 'paragraph' || last?.kind === 'item')) last.text += ` ${line.trim()}`
    else {
      blocks.push(paragraph(line.trim()))
      ended = false
    }
  }
  const first = blocks.findIndex((block) => block.kind === 'heading')
  const cut = first < 0 ? blocks.length : first
  return { title, intro: blocks.slice(0, cut), rest: blocks.slice(cut) }
}
