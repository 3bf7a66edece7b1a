import { expect, test } from 'vitest'
import { fieldTime, isoTime } from './times'

test('a typed time is UTC, whatever the zone of the browser', () => {
  expect(isoTime('2026-01-05T09:30')).toBe('2026-01-05T09:30:00Z')
  expect(fieldTime('2026-01-05T09:30:00Z')).toBe('2026-01-05T09:30')
  expect(fieldTime('2026-01-05T10:30:00+01:00')).toBe('2026-01-05T09:30')
})

test('what is no time is none', () => {
  expect(isoTime('')).toBeUndefined()
  expect(fieldTime('yesterday')).toBe('')
  expect(fieldTime(undefined)).toBe('')
})
