// Manual pages: one per command and topic, readable as text, correct roff.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { man } from '../../package.json'
import { commandName, examplesOf } from '../../src/cli/command'
import { allPages, toText } from '../../src/cli/help'
import { toRoff } from '../../src/cli/man'
import { commandPage, parseMarkdown, topicPage } from '../../src/cli/page'
import { MANUAL, TOPICS } from '../../src/manual/manual'
import { SETTINGS } from '../../src/setup/setup'
import { dstack, leaves, tree } from './shell'

const folder = mkdtempSync(join(tmpdir(), 'dstack-manual-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the manual', () => {
  test('has a text for every command and topic, and no other', async () => {
    const verbs = (await tree()).commands.map((command) => command.name())
    expect(Object.keys(MANUAL).sort()).toEqual(['git-dstack', ...verbs, ...TOPICS].sort())
    for (const [name, text] of Object.entries(MANUAL)) expect(text, name).toMatch(/^# \S/)
  })

  test('every command says what it does and shows an example', async () => {
    const program = await tree()
    for (const command of leaves(program)) {
      expect(command.description(), command.name()).not.toBe('')
      if (command.name() !== 'version') expect(examplesOf(command), commandName(command)).not.toEqual([])
      for (const line of examplesOf(command)) expect(line).toMatch(/^git |git[ -]dstack|^#/)
    }
  })

  test('package.json lists the pages', async () => {
    const pages = allPages(await tree()).map(({ name, section }) => `./dist/man/man${section}/${name}.${section}`)
    expect(man).toEqual(pages.sort())
  })

  test('the page of config names every setting, and no other', () => {
    const heads = (MANUAL.config ?? '').match(/^- \*\*[^:]+:/gm) ?? []
    const named = heads.flatMap((head) => [...head.matchAll(/\*\*([\w.]+)\*\*/g)].map(([, name]) => name))
    expect(named.sort()).toEqual([...new Set(SETTINGS.map(({ name }) => name))].sort())
  })

  test('every page that another one names exists', async () => {
    const pages = allPages(await tree())
    const names = new Set(pages.map(({ name, section }) => `${name}(${section})`))
    for (const page of pages) {
      for (const [reference] of toText(page, 80).matchAll(/git-dstack[a-z-]*\(\d\)/g)) {
        expect(names, `${page.name} names it`).toContain(reference)
      }
    }
  })
})

describe('git dstack help', () => {
  test('shows the page of a command or a topic', async () => {
    const help = await dstack(['help', 'schema'])
    expect(help.stdout).toMatch(/^NAME\n {4}git-dstack-schema - print/)
    for (const title of ['SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXAMPLES', 'EXIT STATUS', 'SEE ALSO']) {
      expect(help.stdout).toContain(`\n\n${title}\n`)
    }
    expect((await dstack(['help', 'exit-codes'])).stdout).toContain('- 128: not a git repository')
    expect((await dstack(['help'])).stdout).toMatch(/^NAME\n {4}git-dstack - shared memory/)
  })

  test('stays within the terminal', async () => {
    const { stdout } = await dstack(['help', 'concepts'], { columns: 60, vars: { CI: '1', NO_COLOR: '1' } })
    const prose = stdout.split('\n').filter((line) => !line.startsWith('      '))
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  test('an unknown page is USAGE', async () => {
    const { status, stderr } = await dstack(['help', 'nonsense'])
    expect(status).toBe(64)
    expect(stderr).toContain('There is no manual page "nonsense".')
  })
})

describe('roff', () => {
  test('--man writes every page, the same bytes for the same date', async () => {
    const write = async (name: string) =>
      await dstack(['help', '--man', join(folder, name)], { vars: { SOURCE_DATE_EPOCH: '1700000000' } })
    expect((await write('one')).stdout).toMatch(/^Wrote \d+ pages to /)
    await write('two')
    const read = (name: string) =>
      ['man1', 'man7'].flatMap((part) =>
        readdirSync(join(folder, name, part)).map((file) => readFileSync(join(folder, name, part, file), 'utf8')),
      )
    expect(read('one')).toEqual(read('two'))
    expect(read('one')).toHaveLength(allPages(await tree()).length)
    expect(read('one')[0]).toContain('"2023-11-14"')
  })

  test('nothing in a text becomes a request', () => {
    const page = topicPage('x', "# x: A test\n\n.so /etc/passwd\n'ig `a-b\\c` “quoted”\n\n```\n.ds\n  --flag\n```\n")
    expect(toRoff(page, '1.0.0', '2026-01-01').split('\n').slice(4, 14)).toEqual([
      '.SH "DESCRIPTION"',
      "\\&.so /etc/passwd 'ig \\fBa\\-b\\ec\\fR \\[u201C]quoted\\[u201D]",
      '.PP',
      '.RS 4',
      '.nf',
      '\\&.ds',
      '  \\-\\-flag',
      '.fi',
      '.RE',
      '.SH "SEE ALSO"',
    ])
  })

  test('Markdown: titles, paragraphs over several lines, items, code', () => {
    expect(
      parseMarkdown('# a: b\n\none\ntwo\n\n- x\n  y\n- z\n\n## Next\ntext\n```\ncode\n\n- code\n```\nafter\n'),
    ).toEqual({
      title: 'a: b',
      intro: [
        { kind: 'paragraph', text: 'one two' },
        { kind: 'item', text: 'x y' },
        { kind: 'item', text: 'z' },
      ],
      rest: [
        { kind: 'heading', text: 'Next' },
        { kind: 'paragraph', text: 'text' },
        { kind: 'code', lines: ['code', '', '- code'] },
        { kind: 'paragraph', text: 'after' },
      ],
    })
  })

  test('options, arguments and choices come from the command', async () => {
    const completion = (await tree()).commands.find((command) => command.name() === 'completion')
    if (completion === undefined) throw new Error('no such command')
    const roff = toRoff(commandPage(completion, '# completion\n', []), '1.0.0', '2026-01-01')
    expect(roff).toContain('.TP\n\\fB<shell>\\fR\nthe shell (bash, zsh, fish)\n')
  })

  const mandoc = spawnSync('mandoc', ['-T', 'lint', '/dev/null']).error === undefined
  const why = mandoc ? '' : ' [skipped: mandoc is missing (apt-get install mandoc)]'
  test.skipIf(!mandoc)(`mandoc finds nothing to say${why}`, async () => {
    for (const page of allPages(await tree())) {
      const input = toRoff(page, '1.0.0', '2026-01-01')
      const done = spawnSync('mandoc', ['-T', 'lint', '-W', 'style'], { input, encoding: 'utf8' })
      expect(`${page.name}: ${done.stdout}${done.stderr}`).toBe(`${page.name}: `)
    }
  })
})
