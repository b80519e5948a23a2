// The little XML that TASK.xml needs: elements, attributes, texts, the five entities. Strict, without recursion, linear.

/** Deepest nesting. */
const MAX_DEPTH = 32

export interface Element {
  name: string
  attributes: Record<string, string>
  children: Element[]
  /** Its own text and that of CDATA, in order; the text of children is theirs. */
  text: string
}

const NAME = /[A-Za-z_][\w:.-]*/y
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * Reads one document. Refused with a sentence: a DOCTYPE, entities beyond the five and character numbers, processing
 * instructions other than the declaration, and whatever isn't well-formed.
 */
export function parseXml(text: string): Element | { problem: string } {
  let at = text.startsWith('\ufeff') ? 1 : 0
  const line = () => text.slice(0, at).split('\n').length
  const no = (why: string) => ({ problem: `Line ${line()} of the XML: ${why}` })
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open: Element[] = [root]
  if (text.startsWith('<?xml', at)) {
    const end = text.indexOf('?>', at)
    if (end < 0) return no('the declaration is not closed.')
    at = end + 2
  }
  while (at < text.length) {
    const top = open.at(-1) ?? root
    const next = text.indexOf('<', at)
    const data = text.slice(at, next < 0 ? text.length : next)
    const decoded = decode(data)
    if (decoded === null) return no('only the entities amp, lt, gt, quot, apos and character numbers are read.')
    if (top === root && data.trim() !== '') return no('there is text outside of the outermost element.')
    top.text += decoded
    if (next < 0) break
    at = next
    if (text.startsWith('<!--', at)) {
      const end = text.indexOf('-->', at + 4)
      if (end < 0) return no('a comment is not closed.')
      at = end + 3
    } else if (text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', at)
      if (end < 0 || top === root) return no('a CDATA section is not closed, or stands outside.')
      top.text += text.slice(at + 9, end)
      at = end + 3
    } else if (text.startsWith('<!', at) || text.startsWith('<?', at)) {
      return no('a DOCTYPE, an ENTITY or an instruction is not read.')
    } else if (text.startsWith('</', at)) {
      const name = nameAt(text, at + 2)
      const [close] = sticky(/\s*>/y, text, at + 2 + name.length)
      if (name !== top.name || close === undefined) return no(`</${name}> closes nothing that is open.`)
      at += 2 + name.length + close.length
      open.pop()
    } else {
      const name = nameAt(text, at + 1)
      if (name === '') return no('a "<" that is text is written &lt;.')
      const element: Element = { name, attributes: {}, children: [], text: '' }
      const after = readAttributes(text, at + 1 + name.length, element.attributes)
      if (typeof after === 'string') return no(after)
      if (top === root && root.children.length > 0) return no('a second outermost element begins.')
      top.children.push(element)
      at = after.at
      if (!after.empty) open.push(element)
      if (open.length > MAX_DEPTH) return no(`elements are nested more than ${MAX_DEPTH} deep.`)
    }
  }
  if (open.length > 1) return no(`<${open.at(-1)?.name}> is not closed.`)
  return root.children[0] ?? no('there is no element.')
}

function sticky(pattern: RegExp, text: string, at: number): string[] {
  pattern.lastIndex = at
  return pattern.exec(text) ?? []
}

function nameAt(text: string, at: number): string {
  return sticky(NAME, text, at)[0] ?? ''
}

/** Reads up to the end of the tag; gives the offset behind it, or what is wrong. */
function readAttributes(
  text: string,
  from: number,
  into: Record<string, string>,
): { at: number; empty: boolean } | string {
  let at = from
  for (;;) {
    const [space = ''] = sticky(/\s*/y, text, at)
    at += space.length
    if (text.startsWith('/>', at)) return { at: at + 2, empty: true }
    if (text.startsWith('>', at)) return { at: at + 1, empty: false }
    const [all, name, double, single] = sticky(/([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y, text, at)
    if (all === undefined || name === undefined || space === '') return 'a tag is not well-formed.'
    const value = decode(double ?? single ?? '')
    if (value === null) return 'an attribute has an unknown entity.'
    if (Object.hasOwn(into, name)) return `the attribute ${name} stands twice.`
    into[name] = value
    at += all.length
  }
}

/** With its entities replaced; null when one is unknown. */
function decode(text: string): string | null {
  if (!text.includes('&')) return text
  let known = true
  const decoded = text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([A-Za-z]{1,10}))?;?/g,
    (all, decimal, hex, name) => {
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      const value = name === undefined ? characterOf(code) : Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined
      if (value === undefined || !all.endsWith(';')) known = false
      return value ?? ''
    },
  )
  return known ? decoded : null
}

/** A character by its number; control characters are none. */
function characterOf(code: number): string | undefined {
  const allowed =
    code === 9 ||
    code === 10 ||
    (code >= 32 && code < 0xd800 && !(code >= 127 && code < 160)) ||
    (code > 0xdfff && code <= 0x10ffff)
  return allowed ? String.fromCodePoint(code) : undefined
}
