// `git dstack redact`: takes a text out of the shared history.

import { isRefusal } from '../errors'
import { confirmed, type Plan, plan, type Redacted, redact } from '../redact/redact'
import { answer, examples, type Register } from './command'
import { ready } from './ready'
import { plural, safe, shortId } from './render'

interface Flags {
  reason?: string
  history?: true
  confirm?: string
}

const ROTATE = 'If it is a credential, rotate it now: whoever has seen it, or fetched it, has it.'

export const register: Register = (program, { handle }) => {
  const command = program
    .command('redact')
    .description('take a text out of the shared history')
    .argument('<id>', 'a version, a write (as `git dstack log` shows it), or a key: what stands there now')
    .option('--reason <text>', 'why; it stays readable in its place')
    .option('--history', 'every version that ever stood at the key')
    .option('--confirm <token>', 'the yes of a person who was shown what goes')
    .action(
      handle(async (env, id: string, flags: Flags) => {
        const store = await ready(env)
        const planned = plan(store, id, flags.history === undefined ? {} : { history: true })
        if (isRefusal(planned)) return planned
        env.out.say(`${ROTATE}\n${planText(planned)}\n`)
        const refusal = await confirmed(env, planned, flags.confirm)
        if (refusal !== null) return refusal
        const done = await redact(store, planned, flags.reason ?? 'redacted')
        if (isRefusal(done)) return done
        return answer(done, () => doneText(done), { exit: done.sent === false ? 1 : 0 })
      }),
    )
  examples(
    command,
    'git dstack redact deploy/token --reason "a key was in it"',
    '# one version, without a terminal, after a look at what goes',
    'git dstack redact 3f2a91c0 --confirm 5d0c11ab',
  )
}

/** What goes; never its text. */
function planText({ ref, chosen, rest, removes }: Plan): string {
  const ids = chosen.map(({ oid }) => oid)
  const lines = chosen.map(({ oid, key, by, at }) => `  ${shortId(oid, ids)}  ${safe(key)}  ${safe(by)}, ${safe(at)}`)
  const how = removes ? 'Goes out of' : 'Is hidden in (you are no redactor by your own configuration)'
  const stays =
    rest.length === 0 ? [] : [`${plural(rest.length, 'other version')} at the same key will stay in the history.`]
  return [`${how} ${safe(ref)}:`, ...lines, 'The key itself stays readable.', ...stays].join('\n')
}

function doneText({ removed, removes, sent, warning, rest, next }: Redacted): string {
  const what = plural(removed.length, 'version')
  const lines = [removes ? `Took out ${what}; a stub stands there.` : `Hid ${what}; nothing was removed.`]
  if (sent === true) lines.push('The remote holds the chain without the text; its tip was read back.')
  if (sent === false) lines.push(`Not on the remote yet: ${safe(warning ?? '')} Run \`git dstack sync\`.`)
  if (rest.length > 0) lines.push(`${plural(rest.length, 'other version')} at the same key stayed; look at them too.`)
  return [...lines, '', 'Still to do by people:', ...next.map((step) => `- ${safe(step)}`), `- ${ROTATE}`].join('\n')
}
