// vitest's `test` with a world of its own.

import { test as base } from 'vitest'
import { World } from './world'

/**
 * Gives each test a world. Afterwards every clone and remote must be sound; after a failure the folder
 * stays and its path is printed.
 */
export const test = base.extend<{ world: World }>({
  world: async ({ task }, use) => {
    const world = await World.create()
    let sound = false
    try {
      await use(world)
      if (task.result?.state !== 'fail') await world.expectSound()
      sound = true
    } finally {
      await world.dispose({ keep: !sound || task.result?.state === 'fail' })
    }
  },
})

export { describe, expect } from 'vitest'
