// `git dstack guard`: what must not be committed.

import type { Env } from '../env/env'
import { DstackError, isRefusal } from '../errors'
import * as guards from '../guard/guard'
import { answer, examples, type Register } from './command'
import { ready } from './ready'
import { paint, plural, safe } from './render'

export const register: Register = (program, { handle }) => {
  const group = program.command('guard').description('what must not be committed or pushed')
  examples(group, 'git dstack guard check', 'git dstack guard words add "Project Bluebird"')

  const checking = group
    .command('check')
    .description('look at what is staged, or at a commit')
    .argument('[commit]', 'a commit that is made already')
    .option('--staged', 'what a commit would hold now; so without a commit, too')
    .action(
      handle(async (env, rev: string | undefined, { staged }: { staged?: true }) => {
        const store = await ready(env)
        if (rev !== undefined && staged) throw new DstackError('USAGE', 'Name a commit, or say --staged.')
        const facts = rev === undefined ? guards.stagedFacts(store) : guards.commitFacts(store, rev)
        if (isRefusal(facts)) return facts
        const issues = guards.guardCommit(store, facts)
        const refused = issues.some(({ level }) => level === 'refuse')
        return answer({ issues }, () => issuesText(env, issues), { exit: refused ? 1 : 0 })
      }),
    )
  examples(checking, 'git dstack guard check --staged', 'git dstack guard check HEAD')

  const words = group
    .command('words')
    .description('words that must not get out; only their hashes are kept, for you alone')
  examples(words, 'git dstack guard words add bluebird', 'git dstack guard words remove bluebird')
  const adding = words
    .command('add')
    .description('add words or names of several words; all spellings of a name count')
    .argument('<word...>', 'words; - for standard input, one a line, which no shell remembers')
    .action(
      handle(async (env, given: string[]) => {
        const count = guards.addWords(await ready(env), wordsIn(env, given))
        return answer({ words: count }, () => `The list has ${plural(count, 'word')}.`)
      }),
    )
  examples(adding, 'git dstack guard words add "Project Bluebird"', 'git dstack guard words add - < names.txt')
  const removing = words
    .command('remove')
    .description('take words off the list')
    .argument('<word...>', 'words; - for standard input, one a line')
    .action(
      handle(async (env, given: string[]) => {
        const count = guards.removeWords(await ready(env), wordsIn(env, given))
        return answer({ words: count }, () => `The list has ${plural(count, 'word')}.`)
      }),
    )
  examples(removing, 'git dstack guard words remove bluebird', 'git dstack guard words remove - < names.txt')
}

function wordsIn(env: Env, given: readonly string[]): string[] {
  const lines = () => env.stdin().toString('utf8').split('\n')
  return given.flatMap((word) => (word === '-' ? lines() : [word])).filter((word) => word.trim() !== '')
}

function issuesText(env: Env, issues: readonly guards.Issue[]): string {
  if (issues.length === 0) return 'Nothing is in the way.'
  return issues
    .map(({ guard, level, message, path, line }) => {
      const where = path === undefined ? '' : `${safe(path)}${line === undefined ? '' : `:${line}`}: `
      const how = level === 'refuse' ? paint(env)('red', 'refused') : 'warning'
      return `${how} (${guard}): ${where}${message}`
    })
    .join('\n')
}
