// npm run simulate -- --seeds 500 --clones 10 --steps 300; one seed again: --seed 17

import { simulate } from './run'

async function main(): Promise<number> {
  const options = new Map<string, number>()
  const args = process.argv.slice(2)
  for (let i = 0; i < args.length; i += 2) {
    const value = Number(args[i + 1])
    if (!/^--(seeds|seed|clones|steps)$/.test(args[i] ?? '') || !Number.isInteger(value) || value < 1) {
      process.stderr.write('Usage: npm run simulate -- [--seeds N | --seed N] [--clones N] [--steps N]\n')
      return 64
    }
    options.set((args[i] ?? '').slice(2), value)
  }
  const clones = options.get('clones') ?? 5
  const steps = options.get('steps') ?? 120
  const one = options.get('seed')
  const seeds = one === undefined ? Array.from({ length: options.get('seeds') ?? 25 }, (_, i) => i + 1) : [one]
  let failed = 0
  for (const seed of seeds) {
    const outcome = await simulate({ seed, clones, steps, keep: true })
    if (outcome.broken.length === 0) {
      process.stdout.write(`seed ${seed}: ${outcome.writes} writes, ${outcome.rounds} rounds, ok\n`)
      continue
    }
    failed++
    process.stdout.write(
      `seed ${seed}: BROKEN, kept in ${outcome.kept}\n  ${outcome.broken.slice(0, 20).join('\n  ')}\n`,
    )
    process.stdout.write(`  again: npm run simulate -- --seed ${seed} --clones ${clones} --steps ${steps}\n`)
  }
  process.stdout.write(`${seeds.length - failed} passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

main().then(
  (status) => {
    process.exitCode = status
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = 70
  },
)
