// Predicates that run a command: `exit`, `out`, and the value of a command. Pure.

import { safe } from '../env/env'
import { countMatches, type Ran, runCommand } from '../process/process'
import { definitionOf, isTrusted, untrusted } from '../trust/trust'
import type { Site } from './context'
import { error, type Finding, fail, pass } from './result'

/** A command that ran to an end of its own; or why that was not so. */
type Ended = Ran & { status: number }

export async function checkExit(site: Site, command: string, code: number): Promise<Finding> {
  const ran = await runTrusted(site, command, { expected: code })
  if ('result' in ran) return ran
  const said = `It ended with ${ran.status}`
  const finding = ran.status === code ? pass(`${said}.`) : fail(`${said}, not with ${code}.`)
  return { ...finding, output: ran.output }
}

export async function checkOutput(
  site: Site,
  command: string,
  { pattern, flags }: { pattern: string; flags: string },
  negated: boolean,
): Promise<Finding> {
  const ran = await runTrusted(site, command)
  if ('result' in ran) return ran
  const { output } = ran
  if (ran.status !== 0) return { ...fail(`It ended with ${ran.status}, so its output does not count.`), output }
  const found = countMatches(ran.text, pattern, flags, 1)
  if (found === 'slow') return { ...error('The search in its output took more than a second.'), output }
  const matches = found.count > 0
  if (!matches && ran.truncated) {
    const said = `Its output does not match as far as it was kept, and ${ran.dropped} bytes of it were not.`
    return { ...error(said), output }
  }
  const finding = matches !== negated ? pass : fail
  return { ...finding(`Its output ${matches ? 'matches' : 'does not match'}.`), output }
}

/** Runs a command whose stdout is data. */
export async function outputOf(site: Site, command: string): Promise<{ text: string; output: string } | Finding> {
  const ran = await runTrusted(site, command, { apart: true })
  if ('result' in ran) return ran
  const output = `${ran.output}${ran.errors}`
  if (ran.status !== 0) return { ...fail(`The command ended with ${ran.status}.`), output }
  if (ran.truncated) return { ...error(`The command printed ${ran.dropped} bytes too many.`), output }
  return { text: ran.text, output }
}

async function runTrusted(
  { env, repo, root, head, hashes, limitMs }: Site,
  command: string,
  { expected, apart }: { expected?: number; apart?: true } = {},
): Promise<Ended | Finding> {
  const where = { root, tree: head, ...(hashes === undefined ? {} : { hashes }) }
  const verdict = isTrusted(env, repo, command, where)
  if (!verdict.trusted) return { ...error(untrusted(verdict).message), refused: 'UNTRUSTED' }
  const ran = await runCommand(env, {
    command,
    cwd: root,
    limitSeconds: limitMs / 1000,
    names: verdict.after.names,
    ...(apart ? { apart } : {}),
  })
  const because = (reason: string) => ({ ...error(reason), output: `${ran.output}${ran.errors}` })
  const now = definitionOf(env, repo, command, where)
  if (now.hash !== verdict.hash) return because('A file that the command names changed while it ran.')
  if (ran.timedOut) return because(`It was ended after ${limitMs / 1000} seconds.`)
  if (ran.status === null) return because(`It was ended by ${ran.signal ?? 'a signal'}.`)
  // Source: POSIX, Shell Command Language 2.8.2.
  if ((ran.status === 126 || ran.status === 127) && ran.status !== expected) {
    const what = ran.status === 127 ? 'A program that it starts is not there' : 'What it starts is no program'
    return because(`${what} (exit ${ran.status}): ${safe(lastLine(ran))}.`)
  }
  return { ...ran, status: ran.status }
}

function lastLine({ text, errors }: Ran): string {
  const lines = `${text}\n${errors}`.split('\n').filter((line) => line.trim() !== '')
  return (lines.at(-1) ?? 'it said nothing').trim().slice(0, 200).replace(/\.$/, '')
}
