// Verbs that set a clone up, look at it and mend it: init, uninstall, doctor, status, fsck.

import type { Env } from '../env/env'
import { isRefusal } from '../errors'
import * as setup from '../setup/setup'
import { answer, examples, type Register, type Reply } from './command'
import { columns, paint, plural, relativeTime, safe, safeLines } from './render'

export const register: Register = (program, { handle }) => {
  const starting = program
    .command('init')
    .description('opt this clone in')
    .option('--remote <name>', 'the remote that carries the state')
    .option('--hooks', 'with our blocks in the hooks of git (default)')
    .option('--no-hooks', 'without hooks; `git dstack sync` sends')
    .option('--dry-run', 'only say what would be done')
    .option('--all <folder>', 'in every repository below the folder')
    .action(handle(async (env, flags: InitFlags) => init(env, flags)))
  examples(
    starting,
    'git dstack init --dry-run',
    'git dstack init',
    '# every clone below a folder',
    'git dstack init --all ~/src',
    '# from now on new clones of a host by themselves, at their first command',
    'git dstack config set --global autoInit "https://git.example.com/team/*"',
  )

  const leaving = program
    .command('uninstall')
    .description('take out what init put in')
    .option('--refs', 'remove our refs, too; refused while anything is unsynced')
    .action(
      handle(async (env, flags: { refs?: true }) => {
        const report = await setup.uninstall(env, flags)
        if (isRefusal(report)) return report
        return answer(report, () => uninstallText(report))
      }),
    )
  examples(leaving, 'git dstack uninstall', 'git dstack uninstall --refs')

  const checking = program
    .command('doctor')
    .description('find what is wrong here, and mend it')
    .option('--fix', 'mend what can be mended, and look again')
    .option('--dry-run', 'with --fix: only say what would be mended')
    .option('--remote', 'also try the remote with a probe that is removed again')
    .action(
      handle(async (env, flags: DoctorFlags) => {
        const report = await setup.doctor(env, flags)
        return answer(report, () => doctorText(env, report, flags), { exit: report.clean ? 0 : 1 })
      }),
    )
  examples(
    checking,
    'git dstack doctor',
    'git dstack doctor --fix --dry-run',
    'git dstack doctor --fix',
    'git dstack doctor --remote',
  )

  const looking = program
    .command('status')
    .description('where this clone stands, and what is next')
    .action(
      handle(async (env) => {
        const report = await setup.status(env)
        return answer(report, () => statusText(env, report))
      }),
    )
  examples(looking, 'git dstack status', 'git dstack status --json')

  const reading = program
    .command('fsck')
    .description('read and check everything that our refs hold')
    .action(
      handle(async (env) => {
        // Loads the store, which the other verbs here do without.
        await (await import('./ready')).ready(env)
        const report = await setup.fsck(env)
        return answer(report, () => fsckText(report), { exit: report.problems.length === 0 ? 0 : 1 })
      }),
    )
  examples(reading, 'git dstack fsck', 'git dstack fsck --json')
}

// --- init and uninstall ---------------------------------------------------------------------------------------------

interface InitFlags {
  remote?: string
  hooks?: boolean
  dryRun?: true
  all?: string
}

async function init(env: Env, { all, ...options }: InitFlags): Promise<Reply> {
  if (all !== undefined) return initAll(env, all, options)
  const { refusal: _none, ...report } = await setup.init(env, options)
  return answer(report, () => initText(report, options.hooks))
}

async function initAll(env: Env, folder: string, options: setup.InitOptions): Promise<Reply> {
  const folders = await setup.initAll(env, folder, options)
  if (folders.length === 0) {
    const hint = 'Name a folder that holds clones, at most five levels deep.'
    return { refused: 'NOT_FOUND', message: `There is no repository below ${folder}.`, hint }
  }
  const rows = folders.map(({ folder, message }) => [safe(folder), safe(message)])
  const exit = folders.some(({ outcome }) => outcome === 'refused') ? 1 : 0
  return answer({ folders }, () => columns(rows, env.out.columns), { exit })
}

function initText(report: Omit<setup.InitReport, 'refusal'>, hooks: boolean | undefined): string {
  const { steps, dryRun, remote, snippet, adopted } = report
  const notes = report.warnings.map((warning) => `Note: ${safe(warning)}`)
  if (steps.length === 0) return ['Nothing to do: this clone has opted in.', ...notes].join('\n')
  const head = dryRun ? 'init would:' : `Opted in${remote === null ? '' : `, with ${safe(remote)}`}:`
  const done = steps.map(({ what, why }) => `  ${safe(what)}\n      ${safe(why)}`)
  const team = adopted === 0 ? [] : [`${plural(adopted, 'ref')} of the team ${adopted === 1 ? 'is' : 'are'} here now.`]
  const byHand = snippet === null ? [] : [`Add this to your hooks:\n${safeLines(snippet)}`]
  const send = snippet !== null || hooks === false ? 'git dstack sync' : 'git push as ever'
  const next = dryRun ? [] : [`Next: git dstack remember "…"${remote === null ? '' : `, then ${send}`}.`]
  return [head, ...done, ...team, ...notes, ...byHand, ...next].join('\n')
}

function uninstallText({ removed, restored, refs }: setup.UninstallReport): string {
  if (removed.length === 0 && refs.removed.length === 0) return 'Nothing to take out: this clone has not opted in.'
  const same = restored ? ['Configuration and hooks are as they were before.'] : []
  const gone = refs.removed.length === 0 ? [] : [`${plural(refs.removed.length, 'ref')} removed.`]
  const kept = refs.kept.length === 0 ? [] : [`${plural(refs.kept.length, 'ref')} kept; git alone can read them.`]
  return [...removed.map((what) => `Removed ${safe(what)}`), ...same, ...gone, ...kept].join('\n')
}

// --- doctor, status, fsck -------------------------------------------------------------------------------------------

interface DoctorFlags {
  fix?: true
  dryRun?: true
  remote?: true
}

function doctorText(env: Env, { findings, clean }: setup.DoctorReport, { fix, dryRun }: DoctorFlags): string {
  if (findings.length === 0) return 'Nothing is wrong.'
  const tried = fix === true && dryRun === undefined
  const open = !tried && findings.some(({ fixable }) => fixable)
  const end = clean ? ['Nothing is wrong.'] : open ? ['Run `git dstack doctor --fix` to mend what can be mended.'] : []
  return [...findings.map((finding) => findingText(env, finding, fix === true)), ...end].join('\n')
}

function findingText(env: Env, { severity, what, risk, command, fixable, fixed }: setup.Finding, fix: boolean): string {
  const style = severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim'
  const lines = [`${paint(env)(style, severity)}: ${safe(what)}`, `  ${safe(risk)}`]
  if (fixed === true) lines.push('  Mended.')
  else {
    if (fixed === false) lines.push('  It could not be mended; by hand:')
    else if (fix && fixable) lines.push('  --fix would mend it.')
    if (command !== '') lines.push(`  ${safe(command)}`)
  }
  return lines.join('\n')
}

function statusText(env: Env, report: setup.StatusReport): string {
  const { enabled, disabled, remote, transport, url, entries, conflicts, received, lastSync, waitUntil } = report
  const when = (time: string) => relativeTime(new Date(time), env.now())
  const rows: [string, string][] = [
    ['repository', placeText(report)],
    ['dstack', disabled !== null ? `off: ${safe(disabled)}` : enabled ? 'opted in' : 'not opted in'],
  ]
  if (enabled && disabled === null) {
    const by = transport === 'refs' ? '' : ` by ${safe(transport)}`
    rows.push(['remote', remote === null ? 'none' : `${safe(remote)}${url === null ? '' : ` ${safe(url)}`}${by}`])
    if (entries !== null) {
      const torn = conflicts ? `, ${plural(conflicts, 'conflict')}` : ''
      rows.push(['memory', `${plural(entries, 'entry', 'entries')}${torn}`])
    }
    if (report.flow !== null) rows.push(['flow', flowText(report.flow)])
    rows.push(['not synced', report.unsynced === 0 ? 'nothing' : plural(report.unsynced, 'write')])
    if (received > 0) rows.push(['fetched', `${plural(received, 'write')} of others, seen by readers already`])
    if (remote !== null) rows.push(['last sync', lastSync === null ? 'never' : when(lastSync)])
    if (waitUntil !== null) rows.push(['waiting', `the remote refused; tried again by itself ${when(waitUntil)}`])
    if (remote !== null && report.hook === 'missing') rows.push(['push hook', 'missing'])
    rows.push(...gateRows(report.gate, when))
  }
  const next = report.next.map((line) => `  ${paint(env)('bold', safe(line))}`)
  return `${columns(rows, null)}${next.length === 0 ? '' : `\n\nnext:\n${next.join('\n')}`}`
}

/** Nothing where nobody wants a gate. */
function gateRows({ mode, layer, disabledBy, off, missing }: setup.GateReport, when: (time: string) => string) {
  const rows: [string, string][] = []
  if (disabledBy !== null) {
    const time = disabledBy.at === '' ? '' : `, ${when(disabledBy.at)}`
    rows.push(['gate', `off for the team: ${safe(disabledBy.by)}${time}`])
  }
  if (mode !== 'off') rows.push(['gate', `${mode}, as the ${WHOSE[layer]} says`])
  if (off.length > 0) rows.push(['switched off', off.join(', ')])
  if (missing.length > 0) rows.push(['hooks', `missing: ${missing.join(', ')}`])
  return rows
}

const WHOSE: Readonly<Record<setup.GateReport['layer'], string>> = {
  default: 'default',
  team: 'team',
  personal: 'person',
  clone: 'clone',
  command: 'command line',
}

function flowText({ slug, step, leaf, sealed, leaves, unverified, live }: setup.FlowReport): string {
  if (slug === null) return `${plural(live, 'flow')} going on, none chosen here`
  const at = leaf === null ? '' : `, leaf ${safe(leaf)}`
  const allowed = unverified ? '; work without evidence counts' : ''
  return `${safe(slug)}: ${safe(step ?? '')}${at}, ${sealed} of ${leaves} leaves sealed${allowed}`
}

function placeText({ folder, branch, changedFiles }: setup.StatusReport): string {
  const changes = changedFiles === null ? [] : changedFiles === 0 ? ['clean'] : [plural(changedFiles, 'changed file')]
  return [safe(folder), ...(branch === null ? [] : [safe(branch)]), ...changes].join(', ')
}

function fsckText(report: setup.FsckReport): string {
  const { audit, problems } = report
  const second = audit.ran
    ? `the independent reader ${problems.length === 0 ? 'agrees on' : 'read'} ${plural(audit.commits, 'commit')}, ${plural(audit.trees, 'tree')}, ${plural(audit.blobs, 'blob')}`
    : `the independent reader did not run: ${safe(audit.why)}`
  return [
    ...problems.map(({ code, subject, what }) => `${code} ${safe(subject)}: ${safe(what)}`),
    ...report.quarantined.map(({ ref, path, why }) => `carried, not shown: ${safe(ref)}:${safe(path)} (${safe(why)})`),
    `${plural(report.refs, 'ref')}, ${plural(report.objects, 'object')}: ${problems.length === 0 ? 'sound' : plural(problems.length, 'problem')}; ${second}.`,
  ].join('\n')
}
