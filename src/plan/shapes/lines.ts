// The lines of a Markdown text, which of them count, and the sections that headings make. Linear, whatever the text is.

export interface Line {
  /** Without its end and without a byte order mark. */
  text: string
  /** Offset of its first unit in the text. */
  at: number
  /** `code`: a fence and what is inside; `front`: front matter with its two `---`. Only `text` has boxes and headings. */
  kind: 'text' | 'code' | 'comment' | 'front'
}

export interface Section {
  heading: string
  /** 1 to 6; 0: what stands before the first heading. */
  level: number
  /** Indexes of lines: its heading (the first line, for level 0), and the first that is no longer directly its own. */
  start: number
  end: number
  /** Index of the section around it, -1 for none. */
  parent: number
}

const BOM = '\ufeff'

/** Splits at LF; a CR before it belongs to the line's end. */
export function readLines(text: string): Line[] {
  const lines: Line[] = []
  let at = text.startsWith(BOM) ? 1 : 0
  let kind: Line['kind'] = 'text'
  let fence = ''
  for (const raw of text.slice(at).split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    const trimmed = line.trim()
    const first = lines.length === 0
    let own: Line['kind'] = kind
    if (kind === 'code') {
      if (closesFence(fence, trimmed)) kind = 'text'
    } else if (kind === 'comment') {
      if (trimmed.includes('-->')) kind = 'text'
    } else if (kind === 'front') {
      if (line.trimEnd() === '---') kind = 'text'
    } else if (first && line.trimEnd() === '---' && /\n---[ \t]*\r?(?:\n|$)/.test(text)) {
      own = 'front'
      kind = 'front'
    } else if (trimmed.startsWith('<!--')) {
      own = 'comment'
      if (!trimmed.includes('-->')) kind = 'comment'
    } else {
      fence = fenceOf(trimmed)
      if (fence !== '') {
        own = 'code'
        kind = 'code'
      }
    }
    lines.push({ text: line, at, kind: own })
    at += raw.length + 1
  }
  return lines
}

/** The run of marks that opens a fenced block, or nothing. Backticks that close again on their line are a code span. */
export function fenceOf(trimmed: string): string {
  const [run = ''] = /^(?:`{3,}|~{3,})/.exec(trimmed) ?? []
  return run.startsWith('`') && trimmed.includes('`', run.length) ? '' : run
}

/** Whether a line, trimmed, closes the block that this run of marks opened. */
export function closesFence(fence: string, trimmed: string): boolean {
  return trimmed.startsWith(fence) && trimmed === fence.charAt(0).repeat(trimmed.length)
}

/** Level and text of an ATX heading (`## Phase 1 ##`). */
export function headingOf(line: Line): { level: number; heading: string } | null {
  if (line.kind !== 'text') return null
  const [, marks] = /^ {0,3}(#{1,6})(?=[ \t]|$)/.exec(line.text) ?? []
  if (marks === undefined) return null
  const rest = line.text.slice(line.text.indexOf('#') + marks.length).trim()
  let end = rest.length
  while (rest[end - 1] === '#') end--
  const closed = end < rest.length && (end === 0 || /[ \t]/.test(rest.charAt(end - 1)))
  return { level: marks.length, heading: closed ? rest.slice(0, end).trim() : rest }
}

/** Sections in the order of the text; the first is what stands before any heading, and may be empty. */
export function sectionsOf(lines: readonly Line[]): Section[] {
  const sections: Section[] = [{ heading: '', level: 0, start: 0, end: lines.length, parent: -1 }]
  const open: number[] = []
  for (const [at, line] of lines.entries()) {
    const found = headingOf(line)
    if (found === null) continue
    const last = sections.at(-1)
    if (last !== undefined) last.end = at
    while (open.length > 0 && (sections[open.at(-1) ?? 0]?.level ?? 0) >= found.level) open.pop()
    const parent = open.at(-1) ?? -1
    open.push(sections.length)
    sections.push({ ...found, start: at, end: lines.length, parent })
  }
  return sections
}

/** The lines of a section that stand directly under its heading. */
export function bodyOf(lines: readonly Line[], section: Section): Line[] {
  return lines.slice(section.level === 0 ? 0 : section.start + 1, section.end)
}

/** Without `<!-- … -->`, `*`-emphasis around the whole, and space at its ends. */
export function plainText(text: string): string {
  let plain = ''
  let from = 0
  for (;;) {
    const open = text.indexOf('<!--', from)
    const close = open < 0 ? -1 : text.indexOf('-->', open + 4)
    if (close < 0) break
    plain += text.slice(from, open)
    from = close + 3
  }
  plain = `${plain}${text.slice(from)}`.trim()
  const inner = plain.slice(2, -2)
  return plain.length > 4 && plain.startsWith('**') && plain.endsWith('**') && !inner.includes('**')
    ? inner.trim()
    : plain
}

/** What stands in one code span and nothing else, or the text itself. */
export function withoutCodeSpan(text: string): string {
  let ticks = 0
  while (text[ticks] === '`') ticks++
  if (ticks === 0 || text.length <= ticks * 2) return text
  const inner = text.slice(ticks, -ticks)
  if (text.slice(-ticks) !== '`'.repeat(ticks) || inner.startsWith('`') || inner.endsWith('`')) return text
  for (const run of inner.match(/`+/g) ?? []) if (run.length === ticks) return text
  return inner.startsWith(' ') && inner.endsWith(' ') && inner.trim() !== '' ? inner.slice(1, -1) : inner
}

/** As one code span that `withoutCodeSpan` undoes. */
export function codeSpan(text: string): string {
  const runs = new Set((text.match(/`+/g) ?? []).map((run) => run.length))
  let ticks = 1
  while (runs.has(ticks)) ticks++
  const pad = text.startsWith('`') || text.endsWith('`') || (text.startsWith(' ') && text.endsWith(' ')) ? ' ' : ''
  return `${'`'.repeat(ticks)}${pad}${text}${pad}${'`'.repeat(ticks)}`
}

/** `a, b {c,d}` at commas that stand outside of braces; code spans around the pieces go, `none` and `-` mean nothing. */
export function splitList(text: string): string[] {
  const pieces: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const sign = text[at]
    if (sign === '{') depth++
    else if (sign === '}') depth = Math.max(0, depth - 1)
    else if (sign === undefined || (sign === ',' && depth === 0)) {
      pieces.push(withoutCodeSpan(text.slice(start, at).trim()).trim())
      start = at + 1
    }
  }
  return pieces.filter((piece) => !/^(?:|none|nothing|n\/a|[-–—])$/i.test(piece.replace(/\.$/, '')))
}
