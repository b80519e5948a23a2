// `git dstack help`: manual pages as text, and written out for man.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Env } from '../env/env'
import { DstackError } from '../errors'
import { MANUAL, TOPICS } from '../manual/manual'
import { answer, examples, type Register } from './command'
import { toRoff } from './man'
import { type Block, commandPage, type Page, topicPage } from './page'
import { paint, plural } from './render'

export const register: Register = (program, { handle, tree, version }) => {
  const help = program
    .command('help')
    .description('show the manual page of a command or a topic')
    .argument('[page...]', `a command, or one of: ${TOPICS.join(', ')}`)
    .option('--man <folder>', 'write all pages there, for man (a man1 and a man7 folder)')
    .action(
      handle(async (env, words: string[], options: { man?: string }) => {
        const pages = allPages(await tree())
        if (options.man !== undefined) return writePages(env, pages, options.man, version)
        const page = findPage(pages, words)
        const strong = (text: string) => paint(env)('bold', text)
        return answer({ page: page.name, text: toText(page, 80) }, () => toText(page, width(env), strong), {
          long: true,
        })
      }),
    )
  examples(help, 'git dstack help recall', 'git dstack help concepts', 'git dstack help --man ~/.local/share/man')
}

/** Every page: the program, its commands, the topics. */
export function allPages(program: Command): Page[] {
  return [
    commandPage(program, MANUAL['git-dstack'] ?? '', TOPICS),
    ...program.commands.map((command) => commandPage(command, MANUAL[command.name()] ?? '', [])),
    ...TOPICS.map((topic) => topicPage(topic, MANUAL[topic] ?? '')),
  ]
}

function findPage(pages: readonly Page[], words: readonly string[]): Page {
  // `help memory show` is a part of the page of memory.
  const wanted = ['git-dstack', ...words.slice(0, 1)].join('-')
  const page = pages.find(({ name }) => name === wanted)
  if (page !== undefined) return page
  throw new DstackError('USAGE', `There is no manual page "${words.join(' ')}".`, {
    hint: 'Run `git dstack help` for the list of commands and topics.',
  })
}

function writePages(env: Env, pages: readonly Page[], folder: string, version: string) {
  const epoch = env.vars.SOURCE_DATE_EPOCH
  const date = (epoch === undefined ? env.now() : new Date(Number(epoch) * 1000)).toISOString().slice(0, 10)
  const target = resolve(env.cwd, folder)
  for (const page of pages) {
    const file = `man${page.section}/${page.name}.${page.section}`
    env.files.write(resolve(target, file), toRoff(page, version, date))
  }
  return answer({ page: 'all', text: target }, ({ text }) => `Wrote ${plural(pages.length, 'page')} to ${text}.`)
}

const width = (env: Env) => Math.max(40, Math.min(env.out.columns ?? 80, 100))
const INDENT = 4

/** The page for people. `strong` is how headings look. */
export function toText(page: Page, columns: number, strong: (text: string) => string = String): string {
  const title: Block[] = [
    { kind: 'heading', text: 'Name' },
    { kind: 'paragraph', text: `${page.name} - ${page.summary}` },
  ]
  let text = ''
  let before: Block['kind'] | null = null
  for (const block of [...title, ...page.blocks]) {
    const close = before === 'heading' || (before === 'item' && block.kind === 'item')
    text += `${before === null || close ? '' : '\n'}${blockText(block, columns, strong)}\n`
    before = block.kind
  }
  return text
}

function blockText(block: Block, columns: number, strong: (text: string) => string): string {
  switch (block.kind) {
    case 'heading':
      return strong(block.text.toUpperCase())
    case 'paragraph':
      return wrap(bare(block.text), columns, INDENT)
    case 'item':
      return wrap(`- ${bare(block.text)}`, columns, INDENT, 2)
    case 'term':
      return `${' '.repeat(INDENT)}${strong(bare(block.term))}\n${wrap(bare(block.text), columns, 2 * INDENT)}`
    case 'code':
      return block.lines.map((line) => `${' '.repeat(INDENT + 2)}${line}`.trimEnd()).join('\n')
  }
}

/** Without marks, except the quotes around code inside a sentence. */
function bare(text: string): string {
  const parts = text.split(/(`[^`]+`)/)
  if (parts.length === 3 && parts[0] === '' && parts[2] === '') return text.slice(1, -1)
  return parts.map((part, i) => (i % 2 === 1 ? part : part.replace(/(\*\*?)([^*\s][^*]*)\1/g, '$2'))).join('')
}

function wrap(text: string, columns: number, indent: number, hang = 0): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const room = columns - indent - (lines.length > 1 ? hang : 0)
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + 1 + word.length > room) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.map((line, i) => ' '.repeat(indent + (i > 0 ? hang : 0)) + line).join('\n')
}
