// Which agent's shell this is, as far as the environment tells. Pure.

import type { Vars } from './env'

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
 * The agent that speaks: what `DSTACK_AGENT` names (`none`: a person in a shell that an agent started), else what the
 * shell's variables tell; null for a person.
 */
export function agentOf(vars: Vars): string | null {
  const said = vars.DSTACK_AGENT
  if (said === undefined || said === '') return agentIn(vars)
  return said === 'none' ? null : said
}

/** The tool in whose shell this runs; null for a person's own. It can be hidden: a hint, never a proof. */
export function agentIn(vars: Vars): string | null {
  const isSet = (variable: string) => !['', '0', undefined].includes(vars[variable])
  return AGENTS.find(([variable]) => isSet(variable))?.[1] ?? null
}
