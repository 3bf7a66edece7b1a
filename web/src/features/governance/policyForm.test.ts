import { expect, test } from 'vitest'
import {
  ALWAYS,
  effectWords,
  idOf,
  isLimit,
  limitOf,
  matchWords,
  newPolicy,
  pairs,
  windowWords,
  words,
} from './policyForm'

test('lists are typed with commas or blanks, and doubles count once', () => {
  expect(words(' shop, billing  shop\n')).toEqual(['shop', 'billing'])
  expect(words('')).toEqual([])
  expect(pairs('tier=gold, app.kubernetes.io/name=a=b')).toEqual({
    tier: 'gold',
    'app.kubernetes.io/name': 'a=b',
  })
})

test('an id comes from the name and is its own', () => {
  expect(idOf('Freeze of billing!', [])).toBe('freeze-of-billing')
  expect(idOf('Freeze', ['freeze', 'freeze-2'])).toBe('freeze-3')
  expect(idOf('«»', [])).toBe('policy')
  expect(idOf('x'.repeat(80), []).length).toBeLessThanOrEqual(63)
})

test('an empty limit is none, which is not zero', () => {
  expect(limitOf(' ')).toBeNull()
  expect(limitOf('0')).toBe(0)
  expect(isLimit(limitOf('two'))).toBe(false)
  expect(isLimit(-1)).toBe(false)
  expect(isLimit(null)).toBe(true)
})

test('a policy says what it is about and what it asks for', () => {
  expect(matchWords(newPolicy())).toBe('every change')
  expect(effectWords(newPolicy())).toBe('nothing beyond the rules')
  const policy = {
    ...newPolicy(),
    match: { namespaces: ['billing'], production: true },
    second_person: true,
    approval: 'typed' as const,
    most_objects: 0,
  }
  expect(matchWords(policy)).toBe('namespaces billing; production only')
  expect(effectWords(policy)).toBe('typed confirmation; a second person; at most 0 objects')
})

test('days in a row are a span, whatever order they came in', () => {
  expect(windowWords(ALWAYS)).toBe('every day, 00:00 to 24:00 UTC')
  const days = ['fri', 'mon', 'tue', 'wed', 'thu', 'sun'] as (typeof ALWAYS)['days']
  expect(windowWords({ ...ALWAYS, days })).toBe('Mon–Fri, Sun, 00:00 to 24:00 UTC')
  expect(windowWords({ ...ALWAYS, days: ['sat', 'sun'] })).toContain('Sat, Sun')
})
