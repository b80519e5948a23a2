// Markdown stories with named people, run as tests: finds the commands, compares what they say, can write it anew.

import { hostname } from 'node:os'

export interface Step {
  command: string
  /** What follows the command up to the next one, as it stands in the file: lines, each with its newline. */
  expected: string
}

/** A fence "``` alice" or "``` alice (exit 2)". The exit status is that of the last command; all others end with 0. */
export interface Block {
  kind: 'block'
  person: string
  exit: number
  /** The opening line, without newline. */
  open: string
  steps: Step[]
}

export interface Prose {
  kind: 'prose'
  text: string
}

const BLOCK = /^``` ([a-z][a-z0-9-]*)(?: \(exit (\d+)\))?\n([\s\S]*?)^```$/gm

/**
 * Cuts a document into prose and blocks. A block has a space between the backticks and the name; other fences
 * ("```sh") are prose. A line that begins with `$ ` is a command, lines that follow it and begin with `> ` continue it.
 */
export function parse(markdown: string): (Prose | Block)[] {
  const parts: (Prose | Block)[] = []
  let at = 0
  for (const match of markdown.matchAll(BLOCK)) {
    const [whole, person = '', exit = '0', body = ''] = match
    parts.push({ kind: 'prose', text: markdown.slice(at, match.index) })
    const open = whole.slice(0, whole.indexOf('\n'))
    parts.push({ kind: 'block', person, exit: Number(exit), open, steps: steps(body, open) })
    at = match.index + whole.length
  }
  parts.push({ kind: 'prose', text: markdown.slice(at) })
  return parts
}

function steps(body: string, open: string): Step[] {
  const [before = '', ...chunks] = `\n${body}`.split('\n$ ')
  if (before.trim() !== '' || before.length > 1)
    throw new Error(`${open}: output before the first command: ${before.trim()}`)
  return chunks.map((chunk, index) => {
    const lines = (index === chunks.length - 1 ? chunk.replace(/\n$/, '') : chunk).split('\n')
    let end = 1
    while (/^>(?: |$)/.test(lines[end] ?? '')) end++
    const command = lines.slice(0, end).map((line, n) => (n === 0 ? line : line.slice(2)))
    return {
      command: command.join('\n'),
      expected: lines
        .slice(end)
        .map((line) => `${line}\n`)
        .join(''),
    }
  })
}

/** The inverse of `parse`. */
export function render(parts: readonly (Prose | Block)[]): string {
  return parts
    .map((part) => {
      if (part.kind === 'prose') return part.text
      const body = part.steps.map(
        ({ command, expected }) => `$ ${command.replaceAll('\n', '\n> ').replace(/^> $/gm, '>')}\n${expected}`,
      )
      return `${part.open}\n${body.join('')}\`\`\``
    })
    .join('')
}

/** Git object ids (7 or more hex digits) and the product's own ids (10 of Crockford base32), neither only of letters. */
const ID = /\b(?=[0-9a-z]*[0-9])(?:[0-9a-f]{7,64}|(?=[0-9a-z]*[a-z])[0-9a-hjkmnp-tv-z]{10})\b/g
const NAMES = '123456789abcdefghijklmnopqrstuvwxyz'

/**
 * Replaces what differs from run to run: ids by `1111111`, `2222222` … in order of appearance (an id and its
 * abbreviations get the same digit, each in its own length), the world's folder by `$WORLD`, this machine by `$HOST`, ports of
 * loopback by `$PORT`.
 * One normaliser serves one story.
 */
export function normaliser(worldPath: string): (text: string) => string {
  const ids: string[] = []
  return (text) =>
    text
      .replaceAll(worldPath, '$WORLD')
      .replaceAll(` on ${hostname()} `, ' on $HOST ')
      .replace(/(127\.0\.0\.1|localhost):\d+/g, '$1:$PORT')
      .replace(ID, (id) => {
        let index = ids.findIndex((known) => known.startsWith(id) || id.startsWith(known))
        if (index < 0) index = ids.push(id) - 1
        else if (id.length > (ids[index]?.length ?? 0)) ids[index] = id
        const name = NAMES[index]
        if (name === undefined) throw new Error(`More than ${NAMES.length} different ids in one story.`)
        return name.repeat(id.length)
      })
}

/** What a command said (stdout and stderr as they came) and how it ended. */
export interface Said {
  output: string
  status: number
}

export interface Run {
  /** The document with what was really said. */
  actual: string
  /** Where an exit status was not the promised one. */
  problems: string[]
}

/** Runs all commands of a document in order. */
export async function play(
  markdown: string,
  say: (person: string, command: string) => Promise<Said>,
  normalise: (text: string) => string,
): Promise<Run> {
  const problems: string[] = []
  const parts: (Prose | Block)[] = []
  for (const part of parse(markdown)) {
    if (part.kind === 'prose') {
      parts.push(part)
      continue
    }
    const done: Step[] = []
    for (const [index, step] of part.steps.entries()) {
      const said = await say(part.person, step.command)
      const promised = index === part.steps.length - 1 ? part.exit : 0
      if (said.status !== promised) {
        problems.push(`${part.person}$ ${step.command}\nexit ${said.status} instead of ${promised}\n${said.output}`)
      }
      done.push({ command: step.command, expected: fenced(normalise(said.output)) })
    }
    parts.push({ ...part, steps: done })
  }
  return { actual: render(parts), problems }
}

/** Output as it can stand in a fence: whole lines, no line that would end the fence, start or continue a command. */
function fenced(output: string): string {
  if (output === '') return ''
  const text = output.endsWith('\n') ? output : `${output}\n`
  return text.replace(/^(```|\$ )/gm, ' $1').replace(/^>(?=[ \n])/, ' >')
}
