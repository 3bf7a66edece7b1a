import { expect, test } from 'vitest'
import { age, bytes, cores, duration, NONE, plain, probability } from './format'

const NOW = Date.parse('2026-11-22T10:00:00Z')

test('ages read as kubectl prints them', () => {
  expect(duration(59)).toBe('59s')
  expect(duration(119)).toBe('119s')
  expect(duration(185)).toBe('3m5s')
  expect(duration(45 * 60)).toBe('45m')
  expect(duration(3 * 3600 + 600)).toBe('3h10m')
  expect(duration(11 * 86400 + 7200)).toBe('11d')
  expect(age('2026-11-22T09:20:00Z', NOW)).toBe('40m')
})

test('an absent or unreadable time is a dash, not a zero', () => {
  expect(age(null, NOW)).toBe(NONE)
  expect(age('yesterday', NOW)).toBe(NONE)
})

test('a time ahead of the snapshot is zero, not negative', () => {
  expect(age('2026-11-22T10:00:09Z', NOW)).toBe('0s')
})

test('cores below one are millicores and a tiny use never rounds to nothing', () => {
  expect(cores(0.25)).toBe('250m')
  expect(cores(0.0004)).toBe('1m')
  expect(cores(0)).toBe('0')
  expect(cores(1.5)).toBe('1.5')
  expect(cores(128)).toBe('128')
})

test('bytes use binary units', () => {
  expect(bytes(0)).toBe('0 B')
  expect(bytes(128 * 1024 ** 2)).toBe('128 MiB')
  expect(bytes(1.5 * 1024 ** 3)).toBe('1.5 GiB')
})

test('a probability below one is never shown as certain', () => {
  expect(probability(0.998)).toBe('>99%')
  expect(probability(0.97)).toBe('97%')
  expect(probability(1)).toBe('100%')
})

test('plain text of any JSON value', () => {
  expect(plain(['a', 'b'])).toBe('a, b')
  expect(plain([])).toBe(NONE)
  expect(plain({ a: 1 })).toBe('{"a":1}')
  expect(plain(0)).toBe('0')
  expect(plain(false)).toBe('false')
})
