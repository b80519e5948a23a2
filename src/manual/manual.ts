// The texts of the manual by name: `git-dstack`, one per command, one per topic. Options and examples come from the commands.

import at from './at.md'
import completion from './completion.md'
import concepts from './concepts.md'
import config from './config.md'
import conflicts from './conflicts.md'
import doctor from './doctor.md'
import exitCodes from './exit-codes.md'
import exportText from './export.md'
import fold from './fold.md'
import fsck from './fsck.md'
import gitDstack from './git-dstack.md'
import help from './help.md'
import init from './init.md'
import json from './json.md'
import log from './log.md'
import memory from './memory.md'
import recall from './recall.md'
import remember from './remember.md'
import resolve from './resolve.md'
import scale from './scale.md'
import schema from './schema.md'
import status from './status.md'
import sync from './sync.md'
import travelling from './travelling.md'
import trust from './trust.md'
import undo from './undo.md'
import uninstall from './uninstall.md'
import version from './version.md'

/** Pages that are no commands, in reading order. */
export const TOPICS = ['concepts', 'travelling', 'trust', 'exit-codes', 'json', 'scale'] as const

export const MANUAL: Readonly<Record<string, string>> = {
  'git-dstack': gitDstack,
  init,
  uninstall,
  doctor,
  status,
  fsck,
  config,
  remember,
  recall,
  conflicts,
  resolve,
  memory,
  sync,
  fold,
  export: exportText,
  log,
  undo,
  at,
  help,
  completion,
  schema,
  version,
  concepts,
  travelling,
  trust,
  'exit-codes': exitCodes,
  json,
  scale,
}
