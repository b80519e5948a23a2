// Manual pages in roff, so that `git dstack --help` and `man git-dstack` work. Pure.

import type { Block, Page } from './page'

/** Checked with `mandoc -T lint`. `date` is that of the build, as YYYY-MM-DD. */
export function toRoff(page: Page, version: string, date: string): string {
  return [
    `.TH ${quoted(page.name.toUpperCase())} ${page.section} ${quoted(date)} ${quoted(`git-dstack ${version}`)} "git dstack"`,
    '.SH NAME',
    `${page.name} \\-`,
    ...lines(page.summary),
    ...page.blocks.flatMap(block),
    '',
  ].join('\n')
}

function block(block: Block, index: number, blocks: readonly Block[]): string[] {
  const afterHeading = blocks[index - 1]?.kind === 'heading'
  switch (block.kind) {
    case 'heading':
      return [`.SH ${quoted(block.text.toUpperCase())}`]
    case 'paragraph':
      return [...(afterHeading ? [] : ['.PP']), ...lines(block.text)]
    case 'item':
      return ['.IP \\(bu 2', ...lines(block.text)]
    case 'term':
      return ['.TP', guarded(inline(block.term)), ...lines(block.text)]
    case 'code':
      return [
        ...(afterHeading ? [] : ['.PP']),
        '.RS 4',
        '.nf',
        ...block.lines.map((text) => guarded(code(text))),
        '.fi',
        '.RE',
      ]
  }
}

/** Text as input lines of at most 80 characters; man fills them anew. */
function lines(text: string): string[] {
  const out: string[] = []
  for (const word of inline(text).split(' ')) {
    const last = out.at(-1)
    if (last !== undefined && last.length + word.length < 80) out[out.length - 1] = `${last} ${word}`
    else out.push(word)
  }
  return out.map(guarded)
}

/** A period or a quote at the start of a line would make it a request. */
const guarded = (text: string) => (/^[.']/.test(text) ? `\\&${text}` : text)
const quoted = (text: string) => `"${plain(text).replaceAll('"', '\\(dq')}"`

function inline(text: string): string {
  return text
    .split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*)/)
    .map((part, index) => {
      if (index % 2 === 0) return plain(part)
      if (part.startsWith('`')) return `\\fB${code(part.slice(1, -1))}\\fR`
      if (part.startsWith('**')) return `\\fB${plain(part.slice(2, -2))}\\fR`
      return `\\fI${plain(part.slice(1, -1))}\\fR`
    })
    .join('')
}

/** Hyphens in code are minus signs, so that they can be searched for and copied. */
const code = (text: string) => plain(text).replaceAll('-', '\\-')

function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replace(
      /[^\n -~]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
}
