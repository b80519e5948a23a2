// Runs the stories in tests/scenarios/*.md, and the examples in README.md. `UPDATE=1` writes what was really said into the
// stories.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './support/test'
import { type Block, normaliser, parse, play } from './support/transcript'
import type { World } from './support/world'

/** Milliseconds. Sixty commands, each with the network in it, on a machine that does other things, too. */
const LONG_STORY = 180_000

const FOLDER = join(import.meta.dirname, 'scenarios')
const README = join(import.meta.dirname, '..', 'README.md')

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.md'))) {
  const file = join(FOLDER, name)
  const markdown = readFileSync(file, 'utf8')
  test(/^# (.*)$/m.exec(markdown)?.[1] ?? name, { timeout: LONG_STORY }, async ({ world }) => {
    const { actual, problems } = await tell(world, markdown)
    if (process.env.UPDATE) writeFileSync(file, actual)
    else expect(actual).toBe(markdown)
    expect(problems.join('\n')).toBe('')
  })
}

/** An example may leave out what a command says; what it shows must be true. */
test.runIf(existsSync(README))('the examples in README.md', async ({ world }) => {
  const markdown = readFileSync(README, 'utf8')
  const { actual, problems } = await tell(world, markdown)
  expect(problems.join('\n')).toBe('')
  const said = stepsOf(actual)
  for (const [index, step] of stepsOf(markdown).entries()) if (step.expected !== '') expect(said[index]).toEqual(step)
})

function stepsOf(markdown: string) {
  return parse(markdown)
    .filter((part): part is Block => part.kind === 'block')
    .flatMap((block) => block.steps)
}

async function tell(world: World, markdown: string) {
  await world.remote()
  return play(markdown, (person, line) => say(world, person, line), normaliser(world.path))
}

/** A person appears with a fresh clone of the remote, made when the story first names them. */
async function say(world: World, name: string, line: string) {
  if (!world.people.has(name)) await world.clones(name)
  const done = await world.person(name).sh(`exec 2>&1\n${line}`)
  return { output: done.stdout, status: done.status }
}
