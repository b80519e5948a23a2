// The texts of the manual by name: `git-dstack`, one per command, one per topic. Options and examples come from the commands.

import amend from './amend.md'
import approve from './approve.md'
import at from './at.md'
import begin from './begin.md'
import companion from './companion.md'
import completion from './completion.md'
import concepts from './concepts.md'
import config from './config.md'
import conflicts from './conflicts.md'
import decompose from './decompose.md'
import doctor from './doctor.md'
import evidence from './evidence.md'
import exitCodes from './exit-codes.md'
import exportText from './export.md'
import flow from './flow.md'
import fold from './fold.md'
import fsck from './fsck.md'
import gate from './gate.md'
import gitDstack from './git-dstack.md'
import guard from './guard.md'
import help from './help.md'
import init from './init.md'
import json from './json.md'
import lease from './lease.md'
import log from './log.md'
import machine from './machine.md'
import memory from './memory.md'
import plan from './plan.md'
import questions from './questions.md'
import recall from './recall.md'
import redact from './redact.md'
import remember from './remember.md'
import resolve from './resolve.md'
import review from './review.md'
import scale from './scale.md'
import schema from './schema.md'
import security from './security.md'
import spec from './spec.md'
import status from './status.md'
import sync from './sync.md'
import task from './task.md'
import travelling from './travelling.md'
import trust from './trust.md'
import undo from './undo.md'
import uninstall from './uninstall.md'
import version from './version.md'

/** Pages that are no commands, in reading order. */
export const TOPICS = [
  'concepts',
  'machine',
  'travelling',
  'security',
  'questions',
  'exit-codes',
  'json',
  'scale',
] as const

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
  begin,
  spec,
  plan,
  companion,
  decompose,
  approve,
  amend,
  flow,
  task,
  review,
  sync,
  fold,
  export: exportText,
  lease,
  log,
  undo,
  at,
  redact,
  gate,
  evidence,
  trust,
  guard,
  help,
  completion,
  schema,
  version,
  concepts,
  machine,
  travelling,
  security,
  questions,
  'exit-codes': exitCodes,
  json,
  scale,
}
