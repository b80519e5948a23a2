// The door to the five questions: what a change shows by itself, what somebody answered, whether its tests are real.

import { agentOf } from '../env/env'
import { DstackError, isRefusal, type Refusal } from '../errors'
import { hashObject, indexTree, type Oid } from '../git/git'
import { checkCompanion, companionOf, showPlan } from '../plan/plan'
import type { Kind } from '../plan/schema'
import { runCommand } from '../process/process'
import { settingOf } from '../settings/settings'
import { attest, evidenceOf, findSecrets, hashText, person, type Store } from '../store/store'
import { isTrusted, untrusted } from '../trust/trust'
import { type Facts, fiveQuestions, type Question } from './ask'
import { readChange } from './change'
import { manifestsOf, type Proof, tryRed } from './red'
import { type Rule, recordsRootCause, rulesFor } from './rules'
import { suitesOf } from './runners'
import { type AnswerLine, NOTES, type Number5, type RedLine, type VerifyLine } from './schema'
import { checkoutAt } from './scratch'

export type { Facts, Question } from './ask'
export type { Proof } from './red'
export type { Rule } from './rules'
export * from './schema'

export type Mode = 'off' | 'remind' | 'strict'

/** A change: two trees, and the commit that it stands on. */
export interface Subject {
  /** Commit that it is made on; null: none. */
  parent: Oid | null
  /** Its tree. */
  base: Oid
  tree: Oid
  /** The message; null while there is none. */
  message: string | null
}

/** What the index holds, on HEAD. In a hook, the commit that is being made. */
export function stagedSubject(store: Store): Subject | Refusal {
  const { env, repo } = store
  const tree = indexTree(env, repo)
  if (tree === null) {
    return {
      refused: 'REFUSED',
      message: 'The index holds unmerged paths.',
      hint: 'Resolve them and `git add` the files.',
    }
  }
  const { oid } = repo.work.head()
  return { parent: oid, base: treeOf(store, oid), tree, message: null }
}

/** What one commit changes, against its first parent. @throws NOT_FOUND */
export function commitSubject(store: Store, rev: string): Subject {
  const { status, stdout } = store.repo.git(
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`],
    {
      ok: [0, 1, 128],
    },
  )
  const oid = stdout.trim()
  const [commit] = status === 0 && /^[0-9a-f]{40,64}$/.test(oid) ? store.repo.log([oid], { limit: 1 }) : []
  if (commit === undefined)
    throw new DstackError('NOT_FOUND', `"${rev}" is no commit here.`, { hint: 'See `git log`.' })
  const [parent = null] = commit.parents
  const message = `${commit.subject}\n\n${commit.body}`
  return { parent, base: treeOf(store, parent), tree: treeOf(store, oid), message }
}

function treeOf({ repo }: Store, commit: Oid | null): Oid {
  if (commit === null) return hashObject(repo.format, 'tree', Buffer.alloc(0))
  const [tree] = repo.read([`${commit}^{tree}`])
  if (tree?.type !== 'tree') throw new DstackError('CORRUPT', `The tree of ${commit.slice(0, 12)} is not here.`)
  return tree.oid
}

// --- asking -------------------------------------------------------------------------------------------------------------

/** The work that the change belongs to; see `factsFor`. */
export interface Context extends Facts {
  kind?: Kind
  /** A companion or plan records the root cause. */
  rootCause?: boolean
  /** Instead of the subject's. */
  message?: string
}

export interface Asked {
  mode: Mode
  tree: Oid
  questions: Question[]
  rules: Rule[]
  /** What is open or answered with no: `1`…`5`, or the name of a rule. */
  open: string[]
  /** In strict mode, with something open: the commit must not be made. */
  stops: boolean
}

/** The mode for work of this kind. */
export function modeFor(store: Store, kind?: Kind): Mode {
  const own = { fix: 'questions.modeFix', feature: 'questions.modeFeature', architecture: 'questions.modeArchitecture' }
  const special = kind === undefined ? '' : settingOf(store, own[kind]).value
  return (special === '' ? settingOf(store, 'questions.mode').value : special) as Mode
}

/** Is a test that is red by absence proof enough? Setting questions.absence. */
export function acceptsAbsence(store: Store): boolean {
  return settingOf(store, 'questions.absence').value !== 'refuse'
}

/** All five, and the rules, for one change. Runs nothing. */
export function questionsFor(store: Store, subject: Subject, context: Context = {}): Asked {
  const { repo } = store
  const { base, tree, parent } = subject
  const change = readChange(repo, base, tree)
  const verifyCommand = settingOf(store, 'questions.verify').value
  const lines = countingLines(store, tree)
  const newest = <L extends { at: string }>(found: L[]): L | null =>
    found.sort((a, b) => (a.at < b.at ? -1 : 1)).at(-1) ?? null
  const tests = change.files.filter(({ role, after }) => role === 'test' && after !== null).map(({ path }) => path)
  const commands = JSON.stringify(commandsFor(store, tree, tests))
  const questions = fiveQuestions({
    change,
    facts: context,
    lastCommit: parent === null ? null : (repo.log([parent], { limit: 1 })[0]?.seconds ?? null),
    verifyCommand,
    absence: acceptsAbsence(store),
    // By other commands than those that count here, or on another parent, it proves nothing of this change.
    red: newest(
      lines.flatMap((line) => {
        if (line.t !== 'red' || line.base !== base) return []
        return line.commands.length === 0 || JSON.stringify(line.commands) === commands ? [line] : []
      }),
    ),
    verify: newest(lines.flatMap((line) => (line.t === 'verify' && line.command === verifyCommand ? [line] : []))),
    answers: lines.flatMap((line) => (line.t === 'answer' ? [line] : [])),
  })
  const message = context.message ?? subject.message
  const rules = rulesFor({
    change,
    ...(message === null ? {} : { message }),
    ...(context.kind === undefined ? {} : { kind: context.kind }),
    ...(context.rootCause === undefined ? {} : { rootCause: context.rootCause }),
  })
  const mode = modeFor(store, context.kind)
  const open = [
    ...questions.filter(({ status }) => status !== 'yes').map(({ number }) => String(number)),
    ...rules.filter(({ holds }) => holds === false).map(({ rule }) => rule),
  ]
  return { mode, tree, questions, rules, open, stops: mode === 'strict' && open.length > 0 }
}

type Line = RedLine | VerifyLine | AnswerLine

/** Ours that are whole, and by people whose word counts (gate.accept). */
function countingLines(store: Store, tree: Oid): Line[] {
  const own = settingOf(store, 'gate.accept').value === 'own' ? person(store).by : null
  return evidenceOf(store, NOTES, tree).flatMap((line) => {
    const texts = [line.at, line.by].every((text) => typeof text === 'string')
    if (!texts || line.v !== 1 || line.tree !== tree || (own !== null && line.by !== own)) return []
    return isLine(line) ? [line] : []
  })
}

function isLine(line: Record<string, unknown>): line is Record<string, unknown> & Line {
  const text = (name: string) => typeof line[name] === 'string'
  switch (line.t) {
    case 'answer':
      return (
        [1, 2, 3, 4, 5].includes(Number(line.question)) &&
        (line.answer === 'yes' || line.answer === 'no') &&
        text('text')
      )
    case 'verify':
      return text('command') && (line.exit === null || typeof line.exit === 'number')
    case 'red':
      return text('outcome') && text('reason') && text('base') && Array.isArray(line.commands)
    default:
      return false
  }
}

/** What is known of the work on a plan, as questions and rules want it. @param leaf only its tasks count as open */
export function factsFor(store: Store, slug: string, leaf?: string): Context {
  const plan = showPlan(store, slug)
  if (isRefusal(plan)) return {}
  const companion = companionOf(store, slug)
  const issues = checkCompanion(store, slug)
  const bare = isRefusal(issues) ? [] : issues.filter(({ rule }) => rule === 'no-details').map(({ where }) => where)
  const tasks = plan.todo.filter((task) => leaf === undefined || task.leaf === leaf)
  const open = tasks.filter(({ status }) => status !== 'done' && status !== 'skipped').map(({ id }) => id)
  return {
    kind: plan.kind,
    companion: companion === null ? null : { slug, at: companion.at, bare },
    openTasks: leaf === undefined ? [] : open,
    rootCause: [plan.plan?.text, companion?.text].some((text) => text !== undefined && recordsRootCause(text)),
  }
}

// --- answering ----------------------------------------------------------------------------------------------------------

export interface Answering {
  tree: Oid
  question: Number5
  answer: 'yes' | 'no'
  text?: string
}

/** Keeps what somebody says of a tree. An agent may answer; the line says so. */
export function answer(store: Store, { tree, question, answer: said, text = '' }: Answering): AnswerLine | Refusal {
  const [secret] = findSecrets(text, { hash: hashText })
  if (secret !== undefined) {
    return {
      refused: 'SECRET',
      message: `The answer looks like it holds a credential (${secret.rule}).`,
      hint: 'Say it without.',
    }
  }
  const agent = agentOf(store.env.vars)
  const line: AnswerLine = {
    t: 'answer',
    v: 1,
    tree,
    question,
    answer: said,
    text: text.trim(),
    ...signed(store),
    ...(agent === null ? {} : { agent }),
  }
  attest(store, NOTES, tree, { ...line })
  return line
}

function signed(store: Store): { at: string; by: string } {
  return { at: store.env.now().toISOString(), by: person(store).by }
}

// --- running ------------------------------------------------------------------------------------------------------------

export interface Running {
  /** Hashes that are trusted without anybody's word; see `trustHashes`. */
  hashes?: ReadonlySet<string>
  /** Default: setting gate.limitSeconds. */
  limitSeconds?: number
}

/** Tries whether the tests of a change fail without it, and keeps what came out. UNTRUSTED: a command is not allowed here. */
export async function proveRed(
  store: Store,
  subject: Subject,
  { command, ...running }: Running & { command?: string } = {},
): Promise<Proof | Refusal> {
  const { base, tree, parent } = subject
  const asked = command ?? gateTest(store)
  const proof = await tryRed(store, {
    base,
    tree,
    head: parent,
    change: readChange(store.repo, base, tree),
    ...(asked === undefined ? {} : { command: asked }),
    ...limits(store, running),
  })
  if (isRefusal(proof)) return proof
  const { outcome, reason, commands, definitions, tests, output } = proof
  const line: RedLine = {
    t: 'red',
    v: 1,
    base,
    tree,
    outcome,
    reason,
    commands,
    definitions,
    tests,
    output,
    ...signed(store),
  }
  attest(store, NOTES, tree, { ...line })
  return proof
}

/** Runs the probe of `questions.verify` in a checkout of the tree, and keeps how it ended. */
export async function verify(store: Store, subject: Subject, running: Running = {}): Promise<VerifyLine | Refusal> {
  const { env, repo } = store
  const command = settingOf(store, 'questions.verify').value
  if (command === '') {
    const hint =
      'Name a command: `git dstack config set questions.verify <command>`; or answer: `git dstack gate answer 2 yes`.'
    return { refused: 'NOT_FOUND', message: 'No command shows the change live.', hint }
  }
  const { tree, parent } = subject
  const { hashes, limitSeconds } = limits(store, running)
  const scratch = await checkoutAt(store, { tree, head: parent, hashes, limitSeconds })
  if (isRefusal(scratch)) return scratch
  try {
    const verdict = isTrusted(env, repo, command, { root: scratch.root, tree, hashes })
    if (!verdict.trusted) return untrusted(verdict)
    const ran = await runCommand(env, { command, cwd: scratch.root, limitSeconds, names: verdict.after.names })
    const line: VerifyLine = {
      t: 'verify',
      v: 1,
      tree,
      command,
      definition: verdict.hash,
      exit: ran.timedOut ? null : ran.status,
      output: hashText(ran.text),
      ms: ran.ms,
      ...signed(store),
    }
    attest(store, NOTES, tree, { ...line })
    return line
  } finally {
    scratch.dispose()
  }
}

function limits(store: Store, { hashes, limitSeconds }: Running) {
  return {
    hashes: hashes ?? new Set<string>(),
    limitSeconds: limitSeconds ?? Number(settingOf(store, 'gate.limitSeconds').value),
  }
}

/** The setting; undefined: what is detected counts. */
function gateTest(store: Store): string | undefined {
  const { value, layer } = settingOf(store, 'gate.test')
  return layer === 'default' || value === 'none' ? undefined : value
}

/** The commands by which `proveRed` would try these files now. */
function commandsFor(store: Store, tree: Oid, files: readonly string[]): string[] {
  return suitesOf(files, manifestsOf(store, tree), gateTest(store)).map(({ command }) => command)
}
