// `git dstack config`: settings in layers.

import type { Command } from 'commander'
import { DstackError } from '../errors'
import * as setup from '../setup/setup'
import { answer, examples, type Register } from './command'
import { asList, type ListFlags, listed } from './lists'
import { safe } from './render'

interface LayerFlags {
  team?: true
  global?: true
}

export const register: Register = (program, { handle }) => {
  const group = program.command('config').description('settings of the team, of yours, of this clone')
  examples(group, 'git dstack config list --show-origin', 'git dstack config set --team budget 1500')

  const getting = group.command('get').description('the value that counts here')
  getting
    .addArgument(settingArgument(getting))
    .option('--show-origin', 'say where it stands')
    .action(
      handle(async (env, name: string, flags: { showOrigin?: true }) => {
        const value = await setup.getSetting(env, name)
        const origin = flags.showOrigin ? `\t${value.layer}\t${safe(value.origin)}` : ''
        return answer(value, () => `${safe(value.value)}${origin}`)
      }),
    )
  examples(getting, 'git dstack config get transport', 'git dstack config get budget --show-origin')

  const setting = group.command('set').description('set a value')
  setting
    .addArgument(settingArgument(setting))
    .argument('<value>', 'what it is to be')
    .option('--team', 'for everybody: it travels with the state')
    .option('--global', 'for you, in every repository')
    .action(
      handle(async (env, name: string, value: string, flags: LayerFlags) => {
        const layer = layerOf(flags)
        const counts = await setup.setSetting(env, name, value, layer)
        return answer(counts, () => countsText(counts, layer))
      }),
    )
  examples(
    setting,
    'git dstack config set transport branch:dstack-state',
    'git dstack config set --team budget 1500',
    'git dstack config set --global autoInit "https://git.example.com/team/*"',
  )

  const unsetting = group.command('unset').description('take a value back')
  unsetting
    .addArgument(settingArgument(unsetting))
    .option('--team', 'for everybody')
    .option('--global', 'for you, in every repository')
    .action(
      handle(async (env, name: string, flags: LayerFlags) => {
        const left = await setup.unsetSetting(env, name, layerOf(flags))
        return answer(left, () => countsText(left, undefined))
      }),
    )
  examples(unsetting, 'git dstack config unset pushLimit', 'git dstack config unset --team budget')

  const listing = group
    .command('list')
    .description('every setting with its value')
    .option('--show-origin', 'say where each stands')
    .action(
      handle(async (env, flags: ListFlags & { showOrigin?: true }) => {
        const settings = await setup.listSettings(env)
        return listed(env, flags, {
          value: { settings },
          rows: settings.map(({ name, value, layer, origin }) => [name, layer, origin, value]),
          text: () =>
            settings.map(({ name, value, layer, origin }) => {
              return [name, shown(value), ...(flags.showOrigin ? [layer, safe(origin)] : [])]
            }),
        })
      }),
    )
  asList(listing, 'name, layer, origin, value')
  examples(listing, 'git dstack config list', 'git dstack config list --show-origin')
}

/** The choices are for completion and help; a wrong name is answered with the nearest one. */
function settingArgument(command: Command) {
  const names = setup.SETTINGS.map(({ name }) => name)
  return command.createArgument('<name>', 'the setting').choices(names).argParser(String)
}

function layerOf({ team, global }: LayerFlags): setup.WritableLayer | undefined {
  if (team && global)
    throw new DstackError('USAGE', 'Give either --team or --global.', { hint: 'Set it twice to have both.' })
  return team ? 'team' : global ? 'personal' : undefined
}

/** What counts now; where a stronger layer says otherwise, that this is not what was set. */
function countsText({ name, value, layer }: setup.SettingValue, wanted: setup.WritableLayer | undefined): string {
  const set = `${name} = ${shown(value)} (${layer})`
  if (wanted === undefined || wanted === layer) return set
  return `Set for ${wanted === 'team' ? 'the team' : 'you'}. Here something stronger counts: ${set}`
}

function shown(value: string): string {
  return value === '' ? '(none)' : safe(value)
}
