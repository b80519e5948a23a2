// Who speaks: a person, or the agent in whose shell the command runs.

import type { Vars } from '../env/env'
import type { Actor } from './rules'

/** Variables that agents set in the shells they start. Source: measured (Claude Code), the clients' documentation. */
const AGENTS: readonly [variable: string, tool: string][] = [
  ['CLAUDECODE', 'claude-code'],
  ['CODEX_SANDBOX', 'codex'],
  ['CODEX_SANDBOX_NETWORK_DISABLED', 'codex'],
  ['GEMINI_CLI', 'gemini-cli'],
  ['OPENCODE', 'opencode'],
  ['CURSOR_AGENT', 'cursor'],
  ['PAWAN_SESSION_ID', 'pawan'],
]

/**
 * `DSTACK_AGENT` says it outright: `<tool>` or `<tool>/<model>`, or `none` for a person in a shell that an agent started.
 * Otherwise the clients' own variables tell.
 */
export function actorOf(vars: Vars, name: string): Actor {
  const said = vars.DSTACK_AGENT
  if (said === 'none') return { name, kind: 'person' }
  if (said !== undefined && said !== '') {
    const [tool = said, ...model] = said.split('/')
    return { name, kind: 'agent', tool, ...(model.length === 0 ? {} : { model: model.join('/') }) }
  }
  const found = AGENTS.find(
    ([variable]) => vars[variable] !== undefined && vars[variable] !== '' && vars[variable] !== '0',
  )
  return found === undefined ? { name, kind: 'person' } : { name, kind: 'agent', tool: found[1] }
}
