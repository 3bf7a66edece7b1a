import type { Level, Schedule } from '../../api/types'

/** How a schedule stands. One that could not run is an alarm, also while it is tried again. */
export function scheduleStanding(one: Pick<Schedule, 'in_force' | 'enabled' | 'state' | 'last_error'>): {
  level: Level
  word: string
} {
  if (!one.in_force) {
    return { level: 'warn', word: 'Waits for approval' }
  }
  if (!one.enabled) {
    return { level: 'unknown', word: 'Paused' }
  }
  if (one.last_error) {
    return { level: 'crit', word: 'Could not run' }
  }
  return {
    level: 'ok',
    word: one.state === 'asleep' ? 'Asleep' : one.state === 'awake' ? 'Awake' : 'In force',
  }
}
