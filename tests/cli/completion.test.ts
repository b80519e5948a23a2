// Completion scripts: static, made from the commands, and bash's really completes.

import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { dstack, tree } from './shell'

const has = (program: string) => spawnSync(program, ['--version']).error === undefined
const unless = (program: string) => (has(program) ? '' : ` [skipped: ${program} is missing]`)

const script = async (shell: string) => (await dstack(['completion', shell])).stdout

/** What bash offers after these words; the last one is being typed. */
async function offered(words: string[], through: 'git' | 'git-dstack'): Promise<string[]> {
  const line = through === 'git' ? ['git', 'dstack', ...words] : ['git-dstack', ...words]
  const array = line.map((word) => `'${word}'`).join(' ')
  const call =
    through === 'git'
      ? `words=(${array}); cword=$((\${#words[@]} - 1)); cur=\${words[cword]}; _git_dstack`
      : `COMP_WORDS=(${array}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); __git_dstack_direct`
  const input = `${await script('bash')}\n${call}\nprintf '%s\\n' "\${COMPREPLY[@]}"`
  const done = spawnSync('bash', ['--norc', '-u'], { input, encoding: 'utf8' })
  expect(done.stderr).toBe('')
  return done.stdout.split('\n').filter((word) => word.trim() !== '')
}

describe.skipIf(!has('bash'))(`bash${unless('bash')}`, () => {
  test.each(['git', 'git-dstack'] as const)('completes commands, through %s', async (through) => {
    expect(await offered(['ver'], through)).toEqual(['version '])
    const verbs = (await tree()).commands.map((command) => `${command.name()} `)
    expect(await offered([''], through)).toEqual(verbs)
  })

  test('completes options, global ones too, and choices', async () => {
    expect(await offered(['help', '--m'], 'git')).toEqual(['--man '])
    expect(await offered(['version', '--j'], 'git')).toEqual(['--json '])
    expect(await offered(['completion', ''], 'git')).toEqual(['bash ', 'zsh ', 'fish '])
    expect(await offered(['--color', 'al'], 'git')).toEqual(['always '])
    expect(await offered(['help', 'sch'], 'git')).toEqual(['schema '])
  })

  test('is not misled by options and their values', async () => {
    expect(await offered(['-C', 'version', '--json', 'compl'], 'git')).toEqual(['completion '])
    expect(await offered(['completion', '--color', 'never', 'z'], 'git')).toEqual(['zsh '])
    expect(await offered(['-C', ''], 'git')).toEqual([])
    expect(await offered(['no-such-command', '--he'], 'git')).toEqual([])
  })
})

test.skipIf(!has('zsh'))(`zsh reads its script${unless('zsh')}`, async () => {
  const done = spawnSync('zsh', ['-n'], { input: await script('zsh'), encoding: 'utf8' })
  expect(done.stderr).toBe('')
})

test.skipIf(!has('fish'))(`fish reads its script${unless('fish')}`, async () => {
  const done = spawnSync('fish', ['--no-execute'], { input: await script('fish'), encoding: 'utf8' })
  expect(done.stderr).toBe('')
})

test.each(['bash', 'zsh', 'fish'])(
  '%s: every command and option is in it, and nothing is escaped wrongly',
  async (shell) => {
    const text = await script(shell)
    const program = await tree()
    for (const command of program.commands) {
      expect(text).toContain(command.name())
      for (const option of command.options)
        expect(text).toContain((option.long ?? option.short ?? '').replace(/^--?/, ''))
    }
    expect(text).not.toContain('undefined')
  },
)
