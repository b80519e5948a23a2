// The environment of a foreign command: names that pass, and a few values that are always the same.

import type { Vars } from '../env/env'

/**
 * What passes by itself: where programs and the person are, which language and zone, where temporary files go. Nothing
 * else does: no `GIT_*` (they would bind a git in the command to another repository or index), no tokens, no agent
 * sockets, no `NODE_OPTIONS`, no proxies or certificates. Who needs those names them in `dstack.gateEnv`.
 */
export const GATE_VARIABLES: readonly string[] = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR'],
  // Without these no program starts on Windows.
  ...['SYSTEMROOT', 'COMSPEC', 'PATHEXT', 'USERPROFILE', 'TEMP', 'TMP'],
]
const LOCALE = /^LC_[A-Z]+$/

/**
 * No colours or progress bars, and `CI=1`: nobody is there to answer, and test runners then judge instead of writing
 * (snapshots above all), which is what a check is for.
 */
const FIXED: Vars = { TERM: 'dumb', CI: '1' }

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}

/** Of these variables, what a foreign command gets; `names` pass as well, and win over the fixed values. */
export function commandVars(vars: Vars, names: readonly string[] = []): Vars {
  const passing = [...GATE_VARIABLES, ...Object.keys(vars).filter((name) => LOCALE.test(name)), ...names]
  const passed = passing.flatMap((name) => (vars[name] === undefined ? [] : [[name, vars[name]] as const]))
  return { ...FIXED, ...Object.fromEntries(passed) }
}
