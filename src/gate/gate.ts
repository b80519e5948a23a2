// The door to gates: what is checked on a tree, what that is worth later, and who may commit on the strength of it.

export type { Context } from './context'
export { evaluate, evaluateRed } from './evaluate'
export { carryOver, copyToCommit, mayCommit, verdictFor, verdictOf } from './lookup'
export { checkRange, reattach } from './range'
export { runRecorded } from './record'
export type { Result } from './result'
export { type GateRequest, type GateRun, runGate, setUp } from './run'
export { type CommitFacts, commitsAt, type GateContext, NO_CONTEXT, resolveCommit } from './subject'
export type { Verdict } from './verdict'
