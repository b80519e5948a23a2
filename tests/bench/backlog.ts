// backlog.md as a peer: tasks as Markdown files in the working tree, every command a fresh process.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sample } from './corpus'
import type { Ground } from './ground'
import { expect } from './group'
import { WORD, type Work } from './work'

/** A project whose tasks were written as files: a thousand real creates take minutes. */
export function backlog(ground: Ground, program: string, size: number): Work {
  const folder = join(ground.folder, 'backlog')
  mkdirSync(folder)
  ground.git(folder, 'init', '-q')
  const run = (...args: string[]) => [{ program, args, cwd: folder }]
  for (const one of run('init', 'bench', '--defaults')) ground.run(one)
  for (let i = 1; i <= size; i++) {
    const { text } = sample(i - 1, size)
    writeFileSync(join(folder, 'backlog', 'tasks', `task-${i} - entry-${i}.md`), taskFile(i, text))
  }
  ground.git(folder, 'add', '-A')
  ground.git(folder, 'commit', '-q', '-m', 'tasks')
  let count = size
  const tasks = (printed: string) => new Set(printed.match(/TASK-\d+/g)).size
  return {
    create: ground.timed(
      (round) => {
        const { text } = sample(size + round, size)
        return run('task', 'create', `entry ${size + round + 1}`, '-d', text, '--plain')
      },
      ([printed = '']) => {
        expect(tasks(printed), 1, 'tasks created')
        count++
      },
    ),
    list: ground.timed(
      () => run('task', 'list', '--plain'),
      ([printed = '']) => expect(tasks(printed), count, 'tasks listed'),
    ),
    search: ground.timed(
      () => run('search', WORD, '--limit', '10', '--plain'),
      ([printed = '']) => expect(tasks(printed), 10, 'tasks found'),
    ),
  }
}

function taskFile(number: number, text: string): string {
  return `---
id: TASK-${number}
title: entry ${number}
status: To Do
assignee: []
created_date: '2026-01-01 12:00'
labels: []
dependencies: []
ordinal: ${number}000
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
${text}
<!-- SECTION:DESCRIPTION:END -->
`
}
