import type { Level } from '../../api/types'
import type { Part } from '../../charts/StackBar'

const WELL = new Set(['running', 'ready', 'succeeded', 'completed'])
const ON_THE_WAY = new Set(['pending', 'containercreating', 'podinitializing', 'terminating', 'initializing'])
const HALF_WELL = new Set(['notready', 'unhealthy'])

const RANK: Record<Level, number> = { crit: 0, warn: 1, unknown: 2, progress: 3, ok: 4 }

/** Pods by their status word, worst first and then by number. */
export function podParts(byStatus: Record<string, number>): Part[] {
  return Object.entries(byStatus)
    .map(([name, value]) => ({ name, value, level: levelOfPodWord(name) }))
    .sort((a, b) => RANK[a.level] - RANK[b.level] || b.value - a.value)
}

/** The overview has words without levels; a word that is neither well nor on the way is a failure. */
export function levelOfPodWord(word: string): Level {
  const key = word.toLowerCase()
  if (WELL.has(key)) {
    return 'ok'
  }
  if (ON_THE_WAY.has(key) || /^init:\d/.test(key)) {
    return 'progress'
  }
  if (HALF_WELL.has(key)) {
    return 'warn'
  }
  return key === 'unknown' ? 'unknown' : 'crit'
}
