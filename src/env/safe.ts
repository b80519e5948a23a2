// Foreign strings made harmless to look at: nothing moves the cursor, changes the direction of text, or hides. Pure.

/**
 * A pattern that is compiled when it is first needed: one with `\p` looks Unicode's tables up, and as a literal it would
 * do so when the file is parsed, a twentieth of node's own start.
 */
export function pattern(source: string, flags: string): () => RegExp {
  let compiled: RegExp | undefined
  return () => {
    compiled ??= new RegExp(source, flags)
    return compiled
  }
}

/**
 * Everything that moves the cursor, changes the direction of text, or cannot be seen: control characters, line and
 * paragraph separators, default-ignorable characters (zero-width, bidirectional, tags, variation selectors), lone
 * surrogates, interlinear annotations. Source: Unicode DerivedCoreProperties (Default_Ignorable_Code_Point).
 */
export const harmful = pattern(
  String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{fff9}-\u{fffb}]`,
  'gu',
)

/** Text and emoji presentation, where they belong. One selector after one visible character hides nothing. */
const presentation = pattern(String.raw`(?<=\p{Emoji})[\u{fe0e}\u{fe0f}]`, 'u')

export const PLAIN = /^[ -~]*$/
const PLAIN_LINES = /^[ -~\n\t]*$/

/** A foreign string on one line: control characters as `^[`, invisible ones as `<U+202E>`. */
export function safe(text: string): string {
  return PLAIN.test(text) ? text : shown(text)
}

/** The same for text of several lines: newlines and tabs stay. */
export function safeLines(text: string): string {
  if (PLAIN_LINES.test(text)) return text
  return text.replace(/\r\n/g, '\n').replace(/[^\n\t]+/g, shown)
}

function shown(text: string): string {
  return text.replace(harmful(), (character, at: number) => {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`
    if (code === 0x7f) return '^?'
    if ((code === 0xfe0e || code === 0xfe0f) && presentation().test(text.slice(Math.max(0, at - 2), at + 1))) {
      return character
    }
    return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
  })
}
