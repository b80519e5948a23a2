// A line on the terminal while something takes long, gone when it has ended.

import type { Env } from '../env/env'

export async function withProgress<T>(env: Env, label: string, work: () => Promise<T>): Promise<T> {
  const done = env.out.progress(label)
  try {
    return await work()
  } finally {
    done()
  }
}
