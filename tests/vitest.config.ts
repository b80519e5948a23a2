// How the tests run: files side by side, slow ones only when asked for, and a last line that can be counted on.

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'

/** What was skipped, by name with its reason, then `N passed, N failed`. */
const closing: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], errors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: 'passed' | 'failed') => tests.filter((test) => test.result().state === state).length
    // A file that could not even be read has no tests to fail.
    const broken = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length
    const skipped = tests.filter((test) => test.result().state === 'skipped').map((test) => `skipped: ${test.fullName}`)
    const lines = [...skipped, `${count('passed')} passed, ${count('failed') + broken + errors.length} failed`]
    process.stdout.write(`${lines.join('\n')}\n`)
  },
}

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  plugins: [
    {
      name: 'markdown-as-text',
      enforce: 'pre',
      transform: (text, id) => (id.endsWith('.md') ? `export default ${JSON.stringify(text)}` : undefined),
    },
  ],
  test: {
    include: ['tests/**/*.test.ts'],
    // On two cores vitest would use one. Most of a test is waiting for processes of its own.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', closing],
  },
})
