// kill -9 at every system call of a redaction: nothing happened, or the next sync ends what was begun.

import { BUILT } from '../support/clone'
import { needs } from '../support/programs'
import { strikeEverySyscall } from '../support/strace'
import { expect, test } from '../support/test'
import { KEY, MEMORY, TEXT } from './clones'

const { skip, why } = needs('strace')
/** Every so manieth point; DSTACK_DEEP=1 strikes each of them. */
const STEP = process.env.DSTACK_DEEP === '1' ? 1 : 61

test.skipIf(skip)(
  `old or gone, never between${why}`,
  async ({ world }) => {
    const [alice] = await world.clones('alice')
    await alice.dstack('init').ok()
    await alice.dstack('remember', '--key', 'build/tool', 'The build uses pnpm').ok()
    await alice.dstack('remember', '--key', KEY, TEXT).ok()
    await alice.dstack('recall', 'pnpm').ok()
    const look = await alice.dstack('redact', KEY, '--json')
    const token: string = JSON.parse(look.stdout).error.data.token
    const old = await alice.tip(MEMORY)
    const tally = { old: 0, gone: 0 }
    const problems: string[] = []
    await strikeEverySyscall(alice, [process.execPath, BUILT, 'redact', KEY, '--confirm', token], {
      pick: (_, index) => index % STEP === 0,
      async check({ point, result }) {
        const where = `${point.title} (process ${point.process}): ${point.line}`
        const said = (what: string) => problems.push(`${what} at ${where}`)
        const began = (await alice.tip(MEMORY)) !== old
        if (result.status === 0 && !began) said('acknowledged but nothing happened')
        const recalled = await alice.inProcess('memory', 'list', '--json')
        if (began && recalled.stdout.includes(TEXT)) said('the text is listed')
        const next = await alice.inProcess('remember', '--key', 'notes/after', 'Written after the blow')
        if (next.status !== 0) said(`the next command fails: ${next.stderr}`)
        const log = await alice.git('log', '-p', MEMORY).text()
        if (began === log.includes(TEXT)) said(began ? 'the chain holds the text' : 'the text is lost')
        if (!log.includes('The build uses pnpm')) said('another text is lost')
        const reflog = await alice.git('log', '-p', '-g', MEMORY)
        if (began && reflog.stdout.includes(TEXT)) said('the reflog holds the text')
        tally[began ? 'gone' : 'old']++
      },
    })
    expect(problems).toEqual([])
    expect(tally.old).toBeGreaterThan(0)
    expect(tally.gone).toBeGreaterThan(0)
  },
  600_000,
)
