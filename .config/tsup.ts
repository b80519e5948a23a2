// Builds dist/: CommonJS (starts a fifth faster than ES modules on Node 20), everything bundled, heavy parts in lazy chunks.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { transform } from 'esbuild'
import { defineConfig, type Options } from 'tsup'
import { mergeChunks } from './merge-chunks'

type Plugin = NonNullable<Options['plugins']>[number]
type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * esbuild splits ES modules only, so each finished chunk is turned into CommonJS here. tsup's own way (`format: 'cjs'`)
 * uses sucrase, which breaks @clack/prompts and rewrites every `?.`.
 */
const toCommonJs: Plugin = {
  name: 'to-common-js',
  async renderChunk(code, info) {
    if (info.type !== 'chunk') return undefined
    // A bundled CommonJS package exports itself as a whole, so that `await import('yaml')` has its names, as in Node.
    const whole = code.replace(/export default (\w+\(\));/, (_, call: string) => `module.exports = ${call};`)
    const done = await transform(whole, {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      minify: true,
      supported: { 'dynamic-import': false },
      logOverride: { 'empty-import-meta': 'silent', 'commonjs-variable-in-esm': 'silent' },
    })
    return { code: done.code }
  },
  buildEnd: () => mergeChunks('dist'),
}

/** commander can start other programs as subcommands. We never do, and the import costs a tenth of a bare start. */
const commanderWithoutPrograms: EsbuildPlugin = {
  name: 'commander-without-programs',
  setup(build) {
    build.onLoad({ filter: /commander[\\/]lib[\\/]command\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      const contents = text.replace("require('node:child_process')", '{}')
      if (contents === text) throw new Error('commander no longer imports child_process in the way that we know')
      return { contents }
    })
  },
}

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    ...(existsSync('src/hooks/main.ts') ? { hook: 'src/hooks/main.ts' } : {}),
  },
  format: 'esm',
  outExtension: () => ({ js: '.cjs' }),
  platform: 'node',
  target: 'node20',
  splitting: true,
  noExternal: [/./],
  loader: { '.md': 'text' },
  clean: true,
  silent: true,
  esbuildPlugins: [commanderWithoutPrograms],
  plugins: [toCommonJs],
  // The manual pages come from the finished program.
  onSuccess: async () => {
    execFileSync(process.execPath, ['dist/main.cjs', 'help', '--man', 'dist/man'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  },
})
