import { expect, test } from 'vitest'
import { scheduleStanding } from './schedule'

const one = { in_force: true, enabled: true, state: '', last_error: '' } as const

test('a schedule says how it stands', () => {
  expect(scheduleStanding({ ...one, in_force: false }).word).toBe('Waits for approval')
  expect(scheduleStanding({ ...one, enabled: false }).word).toBe('Paused')
  expect(scheduleStanding({ ...one, last_error: 'dev: no quota' })).toEqual({
    level: 'crit',
    word: 'Could not run',
  })
  expect(scheduleStanding({ ...one, state: 'asleep' })).toEqual({ level: 'ok', word: 'Asleep' })
  expect(scheduleStanding(one).word).toBe('In force')
})
