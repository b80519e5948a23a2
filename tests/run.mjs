// Runs a tool written in TypeScript: node tests/run.mjs tests/recall/score.ts --entries FILE
// It is bundled on the fly with what it imports from src/, and gets the remaining arguments, stdio and exit status.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const [script, ...args] = process.argv.slice(2)
if (script === undefined) {
  console.error('usage: node tests/run.mjs <file.ts> [arguments]')
  process.exit(64)
}

const folder = mkdtempSync(join(tmpdir(), 'dstack-run-'))
const bundle = join(folder, 'tool.mjs')
let status = 70
try {
  await build({
    entryPoints: [script],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    loader: { '.md': 'text' },
    logLevel: 'warning',
    // Bundled CommonJS packages call require; `import.meta` and errors keep the places of the source.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    sourcemap: 'inline',
  })
  const child = spawn(process.execPath, ['--enable-source-maps', bundle, ...args], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  status = await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = status
