// `git dstack version`.

import { answer, type Register } from './command'

export const register: Register = (program, { handle, version }) => {
  program
    .command('version')
    .description('print the version')
    .action(
      handle(() =>
        answer({ version, node: process.versions.node }, (told) => `git-dstack ${told.version} (node ${told.node})`),
      ),
    )
}
