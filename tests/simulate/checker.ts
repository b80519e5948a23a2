// What must hold after a run, judged from what was said and seen, never from version vectors. Pure.

/** One write as its author experienced it. */
export interface Write {
  id: number
  /** `ok`: acknowledged. `fail`: refused cleanly. `unknown`: the writer was killed. */
  outcome: 'ok' | 'fail' | 'unknown'
  key: string
  /** Unique text, so that a version is its text. */
  text: string
  /** Texts that were live at the key when the author decided. */
  saw: string[]
  /** The commit that acknowledged it. */
  commit: string | null
}

/** One clone, or the hub, after healing. */
export interface Replica {
  name: string
  tip: string | null
  /** Live texts by key. */
  live: Map<string, string[]>
  /** Is this commit an ancestor of the tip? */
  holds(commit: string): boolean
}

/** The texts that must be live at a key: acknowledged, and seen by nobody who wrote afterwards. */
export function expectedLive(writes: readonly Write[], key: string): { must: Set<string>; may: Set<string> } {
  const here = writes.filter((write) => write.key === key && write.outcome !== 'fail')
  const seenBySure = new Set(here.filter((write) => write.outcome === 'ok').flatMap((write) => write.saw))
  const seenByAny = new Set(here.flatMap((write) => write.saw))
  return {
    must: new Set(
      here.filter((write) => write.outcome === 'ok' && !seenByAny.has(write.text)).map((write) => write.text),
    ),
    may: new Set(here.filter((write) => !seenBySure.has(write.text)).map((write) => write.text)),
  }
}

/** Every broken invariant as a sentence that begins with its number (N2 …). */
export function judge(writes: readonly Write[], replicas: readonly Replica[]): string[] {
  const broken: string[] = []
  const keys = new Set(writes.map((write) => write.key))
  const invoked = new Set(writes.map((write) => write.text))
  for (const replica of replicas) {
    for (const key of keys) {
      const { must, may } = expectedLive(writes, key)
      const live = new Set(replica.live.get(key) ?? [])
      for (const text of must) if (!live.has(text)) broken.push(`N2 ${replica.name}: "${text}" at ${key} is lost`)
      for (const text of live) {
        if (!invoked.has(text)) broken.push(`N3 ${replica.name}: "${text}" at ${key} was never written`)
        else if (!may.has(text)) broken.push(`N5 ${replica.name}: "${text}" at ${key} came back to life`)
      }
    }
    for (const key of replica.live.keys()) if (!keys.has(key)) broken.push(`N3 ${replica.name}: nobody wrote ${key}`)
    for (const write of writes) {
      if (write.outcome === 'ok' && write.commit !== null && !replica.holds(write.commit)) {
        broken.push(`N7 ${replica.name}: the commit of "${write.text}" is no ancestor of the tip`)
      }
    }
  }
  const tips = new Set(replicas.map((replica) => replica.tip))
  if (tips.size > 1) {
    broken.push(
      `N6 tips differ: ${replicas.map((replica) => `${replica.name} ${replica.tip?.slice(0, 7)}`).join(', ')}`,
    )
  }
  return broken
}
