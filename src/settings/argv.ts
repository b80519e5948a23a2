// A command line in a setting as its words: quotes hold together, and nothing is expanded. Pure.

/** The words; or why there are none, as the end of a sentence. */
export function argvOf(text: string): string[] | { problem: string } {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ''
    if (quote !== '') {
      if (sign === quote) quote = ''
      else if (sign === '\\' && quote === '"' && /["\\]/.test(text[at + 1] ?? '')) word = `${word ?? ''}${text[++at]}`
      else word = `${word ?? ''}${sign}`
    } else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ''
    } else if (sign === '\\') {
      if (at + 1 === text.length) return { problem: 'it ends with a backslash' }
      word = `${word ?? ''}${text[++at]}`
    } else if (/\s/.test(sign)) {
      if (word !== null) words.push(word)
      word = null
    } else word = `${word ?? ''}${sign}`
  }
  if (quote !== '') return { problem: `a quote (${quote}) is not closed` }
  if (word !== null) words.push(word)
  return words.length === 0 || words[0] === '' ? { problem: 'it names no program' } : words
}
