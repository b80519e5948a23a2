// What git will take for the subject of a message that still has its comments. Pure.

export interface Message {
  subject: string
  /** Without comments, as far as they are known. */
  text: string
}

/** What stands behind this line is the difference, and never becomes part of a message. Source: git-commit(1), --cleanup. */
const SCISSORS = '------------------------ >8 ------------------------'

/** @param comment what a line of comment begins with (core.commentChar); `auto` is git's own choice, `#` unless that is used */
export function readMessage(bytes: string, comment = '#'): Message {
  const sign = comment === 'auto' || comment === '' ? '#' : comment
  const cut = bytes.split('\n').findIndex((line) => line.startsWith(sign) && line.endsWith(SCISSORS))
  const lines = bytes
    .split('\n')
    .slice(0, cut < 0 ? undefined : cut)
    .filter((line) => !line.startsWith(sign))
    .map((line) => line.trimEnd())
  const text = lines.join('\n').trim()
  const [first = ''] = text.split(/\n\n/)
  return { subject: first.replaceAll('\n', ' ').trim(), text }
}
