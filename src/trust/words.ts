// The words of a shell command that may be paths, wherever quotes and operators put them. Pure.

/** Quoted commands in quoted commands; nobody nests them deeper. */
const MAX_DEPTH = 4

/**
 * The words of a command as the shell would see them, and besides: the words inside of quoted ones (`sh -c "node a.js"`)
 * and the parts at `=`, `:`, `,` and `@` (`--config=a.json`). Rather too many than too few: a word that is no path of the
 * repository does no harm. What a variable or a glob stands for is not looked into.
 */
export function wordsOf(command: string): string[] {
  return [...collect(command, 0)]
}

function collect(command: string, depth: number): Set<string> {
  const found = new Set<string>()
  for (const word of split(command)) {
    found.add(word)
    for (const part of word.split(/[=:,@]/)) if (part !== '') found.add(part)
    if (depth < MAX_DEPTH && word !== command && /[\s;&|()<>`]/.test(word)) {
      for (const inner of collect(word, depth + 1)) found.add(inner)
    }
  }
  return found
}

/** At blanks and operators outside of quotes; the quotes are taken off. */
function split(command: string): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  const end = () => {
    if (word !== '') words.push(word)
    word = ''
  }
  for (let at = 0; at < command.length; at++) {
    const sign = command[at] ?? ''
    if (quote === "'" || (quote === '"' && sign !== '\\')) {
      if (sign === quote) quote = ''
      else word += sign
    } else if (sign === '\\') word += command[++at] ?? ''
    else if (sign === "'" || sign === '"') quote = sign
    else if (/[\s;&|()<>`]/.test(sign)) end()
    else word += sign
  }
  end()
  return words
}
